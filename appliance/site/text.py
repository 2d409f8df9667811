"""The bytes of a file that was edited anywhere, as text; what editors do to it, in words."""

from __future__ import annotations

import codecs
from typing import Final

from appliance.daemon.mistakes import BadConfiguration, Mistake

NAME: Final = "centralino.toml"
LARGEST: Final = 1_000_000
"""Bytes; as of a configuration, whose reader need not be imported for it."""
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""What editors put in front; Windows' "Unicode" is the second."""


def text_of(contents: bytes) -> str:
    """Return the file's text, lines ended by a newline alone; raises BadConfiguration."""
    if len(contents) > LARGEST:
        raise _wrong(
            f"è più lungo di {LARGEST} byte: non è il file dell'apparecchio",
            f"is longer than {LARGEST} bytes: it is not the box's file",
        )
    mark, encoding = next((m for m in MARKS if contents.startswith(m[0])), (b"", "utf-8"))
    try:
        text = contents[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_utf8(contents, error) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def guessed(contents: bytes) -> str:
    """Return the text of a file in an older encoding, for all else that is wrong with it."""
    return contents.decode("cp1252", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _in_line(number: int, it: str, en: str) -> Mistake:
    return Mistake("the file", en, number, it=it)


def _not_utf8(contents: bytes, error: UnicodeDecodeError) -> BadConfiguration:
    """Say in which line a sign stands that is not UTF-8."""
    line = contents[: error.start].count(b"\n") + 1
    return BadConfiguration(
        NAME,
        (
            _in_line(
                line,
                "contiene una lettera che non è UTF-8: salvare il file come testo «UTF-8»",
                'it holds a letter that is not UTF-8: save the file as text, encoding "UTF-8"',
            ),
        ),
    )


def _wrong(it: str, en: str) -> BadConfiguration:
    return BadConfiguration(NAME, (Mistake("the file", en, it=it),))
