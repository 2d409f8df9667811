"""Provisioning of phones: configuration files, the printed sheet, the HTTP window.

A package of its own because it runs in `centralino phones` only, for minutes, and its files hold
passwords. Call control never imports it.
"""
