"""Setting up phones: the files that desk phones fetch, the sheet for the desk, a window of HTTP.

A room of its own because nothing here is the desk's: it runs in `centralino phones` alone, for
minutes, and what it serves holds passwords. The desk never imports it.
"""
