"""The console: the web application on the LAN, a process of its own.

It decides nothing. Pages show call control's frozen status and read the database; each change is a
command over the control socket, which call control validates.
"""
