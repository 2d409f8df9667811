"""USB resets: requested by call control, done by a small helper with root's rights (v253.md 4)."""
