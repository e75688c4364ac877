"""WHO is speaking: one file per login kind, API keys, permissions. Reads, never writes."""
