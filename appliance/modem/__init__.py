"""Analog lines: sans-I/O V.253 modem, dialects, caller id, port server, fork server."""
