"""Setting up phones: the files that desk phones fetch, the sheet for the desk, a window of HTTP.

A package of its own because it runs in `centralino phones` alone, for minutes, and what it serves
holds passwords. Call control never imports it.
"""
