"""The head office's settings: one signed file with schedule, register, sheets and announcements.

Made at the head office (`pack`), fetched or carried to a branch, verified, checked like any
configuration, put in force whole or not at all, taken back.
"""
