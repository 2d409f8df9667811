"""Takes AT command lines and +VTS lists apart (v253.md 1.1, 1.3)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from appliance.exchange.dtmf import PAIRS


class Form(enum.StrEnum):
    """How a command was written."""

    ACT = "act"
    SET = "set"
    READ = "read"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a line: name (`+VLS`, `E`, `S0`, `&F`), form and text after it."""

    name: str
    form: Form
    text: str = ""


_EXTENDED = re.compile(r"([+\-!][A-Z0-9]+)(=\?|\?|=)?")
_REGISTER = re.compile(r"S(\d+)(=|\?)(\d*)")
_BASIC = re.compile(r"([&%\\]?[A-Z])(\d*)")
_DIAL = re.compile(r"D([^;]*)(;?)")
_FORMS = {"=?": Form.TEST, "?": Form.READ, "=": Form.SET, None: Form.ACT}


class WrongLine(ValueError):  # noqa: N818 - a fact about the host's line, not an error of ours
    """Raised for text that is no command; the modem answers ERROR there."""


def split_line(body: str) -> list[Command]:
    """Give the commands of a line's body (after AT), up to the first that cannot be read.

    What cannot be read becomes a command named `?`, which the modem refuses.
    """
    commands: list[Command] = []
    rest = re.sub(r'"[^"]*"|\s', lambda m: m.group() if m.group()[0] == '"' else "", body)
    rest = rest.upper().lstrip(";")
    while rest:
        try:
            command, rest = _next(rest)
        except WrongLine:
            command, rest = Command("?", Form.ACT, rest), ""
        commands.append(command)
    return commands


def _next(rest: str) -> tuple[Command, str]:
    if rest[0] in "+-!":
        return _extended(rest)
    if match := _DIAL.match(rest):
        return Command("D", Form.ACT, match[1] + match[2]), rest[match.end() :]
    if match := _REGISTER.match(rest):
        form = Form.SET if match[2] == "=" else Form.READ
        return Command(f"S{match[1]}", form, match[3]), rest[match.end() :]
    if match := _BASIC.match(rest):
        return Command(match[1], Form.ACT, match[2]), rest[match.end() :]
    raise WrongLine(rest)


def _extended(rest: str) -> tuple[Command, str]:
    match = _EXTENDED.match(rest)
    if match is None:
        raise WrongLine(rest)
    tail = rest[match.end() :]
    text, _, after = tail.partition(";")
    form = _FORMS[match[2]]
    if form is not Form.SET and text:
        raise WrongLine(rest)
    return Command(match[1], form, text), after


@dataclass(frozen=True, slots=True)
class Sounding:
    """One element of +VTS: a pair of Hz (0 = none), ms, the key it is, or a flash."""

    frequencies: tuple[int, int]
    ms: int
    digit: str = ""
    flash: bool = False


_ELEMENT = re.compile(r"\[(\d*),(\d*),(\d*)\]|\{([0-9A-D*#!]),(\d*)\}|([0-9A-D*#!])")
DEFAULT_TONE_MS = 100
LONGEST_MS = 60_000
"""A list that lasts longer is a mistake: it would be held as sound, and the line for as long."""


def soundings(text: str, digit_ms: int, flash_ms: int, limits: tuple[int, int]) -> list[Sounding]:
    """Read a +VTS list: `5`, `{5,8}`, `[425,0,50]`, `!`, `{!,10}`; durations in 10 ms.

    Raises WrongLine where the list stops making sense, a frequency lies outside limits (Hz), or all
    of it would last longer than a minute.
    """
    found: list[Sounding] = []
    at = 0
    while at < len(text):
        match = _ELEMENT.match(text, at)
        if match is None:
            raise WrongLine(text)
        found.append(_sounding(match, digit_ms, flash_ms, limits))
        at = match.end() + text.startswith(",", match.end())
    if not found:
        raise WrongLine("empty tone list")
    if sum(each.ms for each in found) > LONGEST_MS:
        raise WrongLine("a tone list of more than a minute")
    return found


def _sounding(
    match: re.Match[str], digit_ms: int, flash_ms: int, limits: tuple[int, int]
) -> Sounding:
    key = match[4] or match[6]
    if key is None:
        pair = (int(match[1] or 0), int(match[2] or 0))
        if any(hz and not limits[0] <= hz <= limits[1] for hz in pair):
            raise WrongLine(match[0])
        return Sounding(pair, int(match[3]) * 10 if match[3] else DEFAULT_TONE_MS)
    ms = int(match[5]) * 10 if match[5] else (flash_ms if key == "!" else digit_ms)
    if key == "!":
        return Sounding((0, 0), ms, flash=True)
    low, high = PAIRS[key]
    return Sounding((int(low), int(high)), ms, digit=key)
