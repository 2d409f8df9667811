"""The e-mail that an entry of the register rests on: which files are taken, and how they are named.

What a file is, is read from what it begins with: its name and what a browser says of it are not.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from typing import Final


class Sort(enum.StrEnum):
    """What may be attached; the value is the ending of its name."""

    EML = "eml"  # RFC 5322, as mail programmes save it
    PDF = "pdf"  # ISO 32000-1


HEAD_BYTES: Final = 65_536
"""Header fields of an e-mail are looked for so far: certified ones carry long signatures."""
LONGEST: Final = 60
_FIELD: Final = re.compile(rb"(?P<name>[!-9;-~]+):[^\0]*\Z")
_WANTED: Final = ({b"from"}, {b"date", b"received"}, {b"subject", b"message-id", b"to"})
"""Of each of these an e-mail has one (RFC 5322, 3.6: From and Date must stand)."""


def sort_of(data: bytes) -> Sort | None:
    """Tell what a file is, None for what is not taken."""
    if data.startswith(b"%PDF-"):
        return Sort.PDF
    names = _fields(data[:HEAD_BYTES])
    return Sort.EML if all(names & each for each in _WANTED) else None


def kept_name(given: str, digest: str, sort: Sort) -> str:
    """Return the name that a file is kept under: plain letters, and never another file's.

    `digest` is its SHA-256 in hexadecimal; the same file given twice has one name.
    """
    base = given.replace("\\", "/").rpartition("/")[2]
    stem = base.rpartition(".")[0] or base
    bare = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "-", bare).strip("-")[:LONGEST].strip("-")
    return f"{plain or 'e-mail'}-{digest[:8]}.{sort}"


def _fields(head: bytes) -> frozenset[bytes]:
    """Return the names of the header fields that a text begins with; none where it has no such."""
    names = set[bytes]()
    for line in head.splitlines():
        if not line:
            break
        if line[:1] in b" \t" and names:
            continue
        found = _FIELD.match(line)
        if found is None:
            return frozenset()
        names.add(found["name"].lower())
    return frozenset(names)
