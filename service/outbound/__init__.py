"""WHOM WE CALL: every HTTP request that the service makes goes out through the one client in here."""
