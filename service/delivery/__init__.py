"""WHO HEARS: follows the events that the store keeps, and tells whoever wants to know."""
