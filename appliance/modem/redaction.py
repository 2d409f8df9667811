"""Removal of numbers and names from what passes between host and modem.

A bundle is sent to strangers. Only the answer to a question about the modem itself keeps its
digits, and of them no run that could be a telephone number; whatever else holds digits (a dialled
number, a key, a caller's identity, text that nobody asked for) keeps their count alone.
"""

from __future__ import annotations

import re

MARK = "#"
"""Stands for one digit, or one character of a name."""
# Numbers of three to five digits are revealed by their position (a dial command, a key, a field);
# elsewhere a figure of five digits is a rate or a model (56000, 93001).
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\+?\(?\d(?:[ .()-]{0,2}\d){5,}|\d{6,}")
_RANGE = re.compile(r"\((\d{1,5})-(\d{1,5})\)")
_FIELD = re.compile(r"((?:DATE|TIME|NMBR|NAME|MESG|DDN_NMBR|CIDN?)\s*[=:]\s*)(.*)", re.IGNORECASE)
# A raw identity: SDMF (04) or MDMF (80) in hex (v253.md 3).
_RAW = re.compile(r"(?<![0-9A-F])(?:04|80)(?:[0-9A-F]{2}){4,}")
_DIAL = re.compile(r"(D[TP]?)([^;]*)", re.IGNORECASE)
_TONES = re.compile(r"(\+VTS=)(?!\?$)(.*)", re.IGNORECASE)
_STORED = re.compile(r"(&Z\d?=?)(.*)", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_KEY = re.compile(r"[0-9A-D*#]")
_MASKS = re.compile(r'^(\d+,"[A-Z0-9]*")((?:,(?:[0-9A-F]{8}|[0-9A-F]{10}))+)$')
# Letters of a keypad and of flash, pause and length: what else a tone list holds.
_EVENT = re.compile("(\x10)(.)", re.DOTALL)
_SHOWN = re.compile(r"[^,;{}\[\]!\s]")


def masked_command(text: str) -> str:
    """Return a command without the number that it dials, sends as keys, or stores."""
    head, body = text[:2], text[2:]
    for pattern in (_TONES, _STORED):
        if match := pattern.match(body):
            return head + match[1] + _SHOWN.sub(MARK, match[2])
    if match := _DIAL.match(body):
        return head + match[1] + _SHOWN.sub(MARK, match[2]) + body[match.end() :]
    return head + _without_numbers(body)


def masked_answer(line: str, command: str) -> str:
    """Return a line of the answer to `command`, which asks about the modem itself."""
    if command.upper() == "AT+VLS=?" and (match := _MASKS.match(line)):
        # As the events that each state may report (v253.md 1.4): ten hex digits can be a number.
        masks = (_events_of(each) for each in match[2][1:].split(","))
        return ",".join((_without_numbers(match[1]), *masks))
    text = _without_identity(line)
    if not command.endswith("=?"):
        return _without_numbers(text)
    kept: list[str] = []
    at = 0
    for match in _RANGE.finditer(text):
        if match[1] == str(int(match[1])) and int(match[1]) <= int(match[2]):
            kept += (_without_numbers(text[at : match.start()]), match[0])
            at = match.end()
    return "".join((*kept, _without_numbers(text[at:])))


def masked_text(line: str) -> str:
    """Return text that answers no question, without any digit."""
    return _DIGIT.sub(MARK, _without_identity(line))


def masked_code(code: str) -> str:
    """Return the code of an event; a key's becomes MARK."""
    return MARK if _KEY.fullmatch(code) else code


def masked_report(text: str) -> str:
    """Return a report DLE X ... DLE . of who calls: its fields' names and lengths."""
    return " ".join(masked_field(line) for line in text.splitlines() if line.strip())


def masked_field(line: str) -> str:
    """Return one line of a caller's identity: the field's name, and how long its value is."""
    match = _FIELD.search(line)
    return match[1] + MARK * len(match[2].strip()) if match else MARK * len(line.strip())


def _without_identity(line: str) -> str:
    return _RAW.sub(
        lambda match: MARK * len(match[0]),
        _FIELD.sub(lambda match: match[1] + MARK * len(match[2].strip()), line),
    )


def _without_numbers(text: str) -> str:
    return _NUMBER.sub(lambda match: _DIGIT.sub(MARK, match[0]), text)


def _events_of(mask: str) -> str:
    """Return a mask of reportable events as their numbers; event 0 is its first bit."""
    bits = f"{int(mask, 16):0{4 * len(mask)}b}"
    return f"<{' '.join(str(n) for n, bit in enumerate(bits) if bit == '1')}>"


def masked_line(text: str, asked: str) -> str:
    """Return a raw line: the echo of the command, a line of its answer, or text beside it."""
    body = text.strip("\r\n")
    lead, tail = text[: len(text) - len(text.lstrip("\r\n"))], text[len(text.rstrip("\r\n")) :]
    # A key or another event in front of text (v253.md 2.1).
    body = _EVENT.sub(lambda match: match[1] + masked_code(match[2]), body)
    if asked and body.strip().upper().endswith(asked.upper()):
        before = body.strip()[: -len(asked)]
        return lead + masked_text(before) + masked_command(asked) + tail
    return lead + (masked_answer(body, asked) if asked else masked_text(body)) + tail


def visible(text: str) -> str:
    r"""Return text with \r, \n and other unprintable characters written out."""
    written = text.replace("\\", r"\\").replace("\r", r"\r").replace("\n", r"\n")
    return "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in written)
