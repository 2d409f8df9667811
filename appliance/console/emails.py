"""An office's e-mail as its reader sees it: who wrote when, and the text; nothing of it is run."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from typing import Final

from appliance.console.say import N_

FIELDS: Final = {
    "From": N_("Sender"),
    "To": N_("Recipient"),
    "Date": N_("Date"),
    "Subject": N_("Subject"),
}
"""The header fields that are shown, in this order."""
LONGEST: Final = 100_000
LONGEST_FIELD: Final = 500
MOST_FILES: Final = 50
UNREADABLE: Final = (
    MessageError, ValueError, LookupError, AttributeError, TypeError, AssertionError,
    RecursionError,
)  # fmt: skip
"""What the library raises for letters that nobody sends, and somebody makes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of an e-mail: `fields` by their sentence, `files` the names of attachments."""

    fields: tuple[tuple[str, str], ...]
    text: str
    files: tuple[str, ...]


def read(data: bytes) -> Shown:
    """Read an e-mail; blocking: for threads. What cannot be read of it is left out."""
    try:
        message = message_from_bytes(data, _class=EmailMessage, policy=default)
    except UNREADABLE:
        return Shown((), "", ())
    fields = ((said, _field(message, name)) for name, said in FIELDS.items())
    return Shown(tuple(each for each in fields if each[1]), _text(message), _files(message))


def _field(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message[name] or "").split())[:LONGEST_FIELD]
    except UNREADABLE:
        return ""


def _text(message: EmailMessage) -> str:
    """Return the plain text; a letter of markup alone is for the mail programme."""
    try:
        body = message.get_body(("plain",))
        return str(body.get_content())[:LONGEST].strip() if body is not None else ""
    except UNREADABLE:
        return ""


def _files(message: EmailMessage) -> tuple[str, ...]:
    try:
        names = [part.get_filename() or "" for part in message.iter_attachments()]
    except UNREADABLE:
        return ()
    return tuple(name[:LONGEST_FIELD] for name in names if name)[:MOST_FILES]
