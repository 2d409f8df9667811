"""What is kept of calls, in SQLite."""
