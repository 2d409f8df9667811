"""How a command ends."""

from __future__ import annotations

import enum


class Outcome(enum.Enum):
    """At once, refused, later, or in a stream; the value is the result code it gives."""

    OK = "OK"
    ERROR = "ERROR"
    LINE_IN_USE = "LINE IN USE"
    LATER = "later"
    STREAM = "CONNECT"
