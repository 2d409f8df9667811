"""The bytes of a file that was edited anywhere, as text; what editors do to it, in words."""

from __future__ import annotations

import codecs
import re
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
QUOTES: Final = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u2033\u00b4`"
HIDDEN: Final = "\u00a0\u2007\u202f\u200b\u200c\u200d\u2060\ufeff"
_AT: Final = re.compile(r"\(at line (\d+)")
_UNQUOTED: Final = re.compile(r"\s*[\w.\"-]+\s*=\s*(?!true\b|false\b|inf\b|nan\b)[^\W\d_]")


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


def line_of(error: Exception, text: str) -> int:
    """Say in which line the library stopped reading."""
    found = _AT.search(str(error))
    return int(found[1]) if found else _last_line(text)


def explained(text: str, number: int, error: Exception) -> Mistake:
    """Say what is wrong in a line that is no TOML, as the person who typed it sees it."""
    lines = text.splitlines()
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    if "\0" in text:
        return Mistake(
            "the file",
            "is no text, or damaged: copy the delivered file to the card again",
            it="non è un testo, o è danneggiato: copiare di nuovo sulla scheda il file fornito",
        )
    plain = line.split("#")[0]
    if any(quote in plain for quote in QUOTES):
        return _in_line(
            number,
            'le virgolette sono di un programma di scrittura: usare quelle diritte, "così"',
            'the quotes are those of a word processor: type straight ones, "like this"',
        )
    if any(sign in plain for sign in HIDDEN):
        return _in_line(
            number,
            "contiene spazi speciali, invisibili: cancellare la riga e scriverla di nuovo a mano",
            "it holds special spaces that cannot be seen: delete the line and type it again",
        )
    if plain.count('"') % 2:
        return _in_line(number, 'manca una virgoletta (")', 'a quote is missing (")')
    if _UNQUOTED.match(plain):
        return _in_line(
            number,
            'il testo dopo = va fra virgolette: nome = "valore"',
            'text after = stands in quotes: name = "value"',
        )
    said = str(error)
    if "overwrite" in said or "twice" in said or "Cannot declare" in said:
        return _in_line(
            number,
            "questa voce è scritta due volte: lasciarne una",
            "this entry is written twice: leave one of them",
        )
    return _in_line(
        number,
        'non si legge: ogni voce si scrive nome = "valore", ogni elenco fra [ e ]',
        f'is not TOML ({_AT.split(said)[0].strip()}): write each entry as name = "value", '
        "each list between [ and ]",
    )


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


def _last_line(text: str) -> int:
    """Take what has no place for the end, where an open bracket is noticed."""
    return max(1, len(text.splitlines()))


def _wrong(it: str, en: str) -> BadConfiguration:
    return BadConfiguration(NAME, (Mistake("the file", en, it=it),))
