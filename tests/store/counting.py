"""How often a reading asks the database: what a list costs must not grow with its length."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable


def questions(connection: sqlite3.Connection, reading: Callable[[], object]) -> int:
    """Return how many statements a reading ran."""
    ran: list[str] = []
    connection.set_trace_callback(ran.append)
    try:
        reading()
    finally:
        connection.set_trace_callback(None)
    return len(ran)
