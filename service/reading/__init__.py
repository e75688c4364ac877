"""WHAT READERS SEE: the published lists as prepared bytes, and the memory that keeps them."""
