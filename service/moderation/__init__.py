"""WHAT WE DO: one public function is one use case and one transaction, run as `await database.write(verb, ...)`."""
