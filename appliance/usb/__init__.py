"""USB resets: what the desk asks for and a small helper with root's rights does (v253.md 4)."""
