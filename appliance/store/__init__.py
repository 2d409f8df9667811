"""The SQLite database: calls, messages, requests, directory, users; one writer thread."""
