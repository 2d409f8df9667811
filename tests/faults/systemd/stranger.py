"""Wants to give orders to the lines, as a process that has taken over an account would.

Prints "closed" where it is turned away, the name of the error, or what it was told.
"""

from __future__ import annotations

import errno
import json
import socket
import sys


def attempt() -> str:
    """Connect and listen; whoever is served hears how the lines are."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as made:
        made.settimeout(5)
        try:
            made.connect("/run/centralino-link/link.sock")
            return made.recv(200_000).decode("utf-8", "replace") or "closed"
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(attempt()))
