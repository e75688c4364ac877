"""The lists of a site: words, hosts and patterns that its moderators keep, compiled once for each of their versions."""
