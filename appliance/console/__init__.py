"""The console: the web application on the LAN, a process of its own.

It decides nothing: what it shows is call control's frozen status and the records, read-only; what a
person wants is asked of call control, which validates it.
"""
