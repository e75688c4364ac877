"""WHAT A TEXT SAYS AND SHOWS: source to HTML, what of it can be seen, where addresses end, how searches compare."""
