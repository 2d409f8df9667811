"""The console: the web application on the LAN, a process of its own.

It decides nothing: what it shows is the desk's frozen status and the records, read-only; what a
person wants is asked of the desk, which validates it.
"""
