"""WHO IS CALLED: sends what happens on a site to the receivers that its owner configured, signed and tried again."""
