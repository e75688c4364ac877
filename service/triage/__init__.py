"""WHAT WE THINK of a comment, before a human does. Pure: no database, no clock."""
