"""Accounts: passwords, sessions, and who is kept from trying further."""
