"""The head office's settings: one signed file with schedule, directory, sheets and announcements.

The head office makes it (`pack`). A branch fetches or imports it, verifies it, checks it like any
configuration, applies it whole or not at all, and can revert it.
"""
