"""WHERE IT IS KEPT: all SQL. Query functions take the open `Transaction` first and never commit."""
