"""WHAT WE THINK of a comment, before a human does: checks observe, rules decide. Pure: no database, no clock."""
