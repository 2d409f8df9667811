"""What stands on a paper, without its looks: handed from process to process as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """A part with its heading: what is known (label, value), a text as it was typed, a table."""

    heading: str
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A paper of a house: its letterhead, the day, to whom, the subject, an opening and parts.

    `title` names it in a reader's window and on the pages after the first; `is_wide` lays it
    across the sheet.
    """

    language: str
    house: str
    title: str
    subject: str
    contacts: tuple[str, ...] = ()
    day: str = ""
    to: tuple[str, ...] = ()
    opening: str = ""
    parts: tuple[Part, ...] = ()
    is_wide: bool = False


def to_json(document: Document) -> bytes:
    """Write a document for another process; the same document is the same bytes."""
    return json.dumps(asdict(document), ensure_ascii=False, sort_keys=True).encode()


def from_json(data: bytes) -> Document:
    """Read it back; raises ValueError, KeyError, TypeError for what is none."""
    read: dict[str, Any] = json.loads(data)
    parts = tuple(_part(each) for each in read.pop("parts"))
    contacts, to = tuple(read.pop("contacts")), tuple(read.pop("to"))
    return Document(**read, contacts=contacts, to=to, parts=parts)


def _part(read: dict[str, Any]) -> Part:
    return Part(
        read["heading"],
        tuple((str(label), str(value)) for label, value in read["facts"]),
        read["text"],
        tuple(read["header"]),
        tuple(tuple(row) for row in read["rows"]),
    )
