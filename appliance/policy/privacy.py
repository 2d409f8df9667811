"""Personal data in texts: masked numbers (P7), and what the erasure of a person says (E20)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from appliance.policy.dialling import number_forms, unit_of
from appliance.policy.directory import Authorisation, Directory, may_tell
from appliance.policy.hours import moment_words
from appliance.policy.numbering import (
    LONGEST_NUMBER,
    MASK,
    PLUS_SET,
    SEPARATOR_SET,
    NumberingPlan,
    plain_digits,
    spellings,
)
from appliance.text import Words, _, by_language, joined

# A technician carries the journal away (P7), so every run of digits that may be a telephone number
# goes, however it is grouped: a call's number or a byte count costs a technician little, a number
# that stays costs a citizen much. Times at the start of a line and IPv4 addresses stay.

# no outside number has fewer digits
SHORTEST_NUMBER: Final = 5
# with the 0 for an outside line
_MOST_DIGITS: Final = LONGEST_NUMBER + 1
# journalctl's output format short-iso
_LINE_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:?\d\d ")
# addresses are matched first, so that they are not read as numbers with dots
_ADDRESS_OR_NUMBER: Final = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
    rf"|[{PLUS_SET}]?\d(?:(?:[{SEPARATOR_SET}]{{0,2}}|\s[{SEPARATOR_SET}]\s)\d)"
    rf"{{{SHORTEST_NUMBER - 1},}}"
)
_MAIL_ADDRESS: Final = re.compile(r"[^\s<>@\"']+@[^\s<>@\"',;:]+")
_IPV4: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")


def mask_journal(text: str) -> str:
    """Mask whatever may be a telephone number in a journal's text."""
    return "\n".join(_mask_line(line) for line in text.split("\n"))


def without_addresses(text: str) -> str:
    """Mask e-mail addresses in a mail server's reply: they may be undisclosed."""
    return _MAIL_ADDRESS.sub(MASK, text)


def _mask_line(line: str) -> str:
    stamp = _LINE_STAMP.match(line)
    begins = stamp.end() if stamp else 0
    return line[:begins] + _ADDRESS_OR_NUMBER.sub(_mask_number, line[begins:])


def _mask_number(found: re.Match[str]) -> str:
    return found[0] if _is_ipv4(found[0]) else MASK


def _is_ipv4(text: str) -> bool:
    """Tell a real IPv4 address from a number that is written with dots."""
    # an address has no part above 255, a number rarely four parts of up to three digits
    parts = text.split(".")
    return bool(_IPV4.fullmatch(text)) and all(int(part) <= 255 for part in parts)


_DIGIT_RUN = re.compile(rf"[{PLUS_SET}]?\d(?:[\d{SEPARATOR_SET}]*\d)?")
_DIGIT_GROUP = re.compile(rf"[{PLUS_SET}]?\d+")


def mask_declared(text: str, directory: Directory, plan: NumberingPlan) -> str:
    """Mask each outside number that an office has declared.

    The digits may be grouped in any way, with or without the country's code or a 0 for an outside
    line. Other digits (dates, file numbers, the citizen's telephone) stay.
    """
    return masked_where(text, lambda digits: _is_declared(digits, directory, plan))


def masked_where(text: str, is_one: Callable[[str], bool]) -> str:
    """Mask each number of a text that is one, however its digits are grouped.

    `is_one` is asked with digits alone, a "+" before them where it was written.
    """
    return _DIGIT_RUN.sub(lambda run: _masked_run(run[0], is_one), text)


def _masked_run(run: str, is_one: Callable[[str], bool]) -> str:
    """Mask numbers among the digit groups of a run: several may stand side by side."""
    groups = [(found.start(), found.end(), found[0]) for found in _DIGIT_GROUP.finditer(run)]
    # no longer run of groups is one number, and a long table would take minutes
    pairs = (
        (first, last)
        for first in range(len(groups))
        for last in range(first + 1, min(first + _MOST_DIGITS, len(groups)) + 1)
    )
    # the longest run of groups first: a whole number before a part of it
    for first, last in sorted(pairs, key=lambda pair: pair[0] - pair[1]):
        # people group digits as they like, so neighbouring groups may be one number
        digits = plain_digits("".join(group[2] for group in groups[first:last]))
        if SHORTEST_NUMBER <= len(digits) <= _MOST_DIGITS and is_one(digits):
            before, after = run[: groups[first][0]], run[groups[last - 1][1] :]
            return MASK.join((_masked_run(before, is_one), _masked_run(after, is_one)))
    return run


def _is_declared(digits: str, directory: Directory, plan: NumberingPlan) -> bool:
    """Tell whether an office has declared a number, as written or behind a 0 for a line."""
    return any(unit_of(directory, each, plan) for each in spellings(digits, plan))


# ---- texts that callers hear (P7) ----------------------------------------------------------------

# the number is named by its office, never by its digits
MUST_NOT_SAY: Final = _(
    "{text}: callers may not be told the number {number} ({office}): enter the office's written "
    "authorisation first, or leave the number out"
)

# the same beside the field of a form
_NOT_FOR_CALLERS: Final = _(
    "callers may not be told the number {number} ({office}): enter the office's written "
    "authorisation first, or leave the number out"
)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What callers may be told at a moment: the offices' numbers and their authorisations."""

    directory: Directory
    plan: NumberingPlan
    at: datetime
    zone: ZoneInfo

    def masked(self, text: str) -> str:
        """Mask each number of a text that callers may not be told."""
        return masked_where(text, lambda digits: bool(_office_keeping(digits, self)))

    def kept_by(self, *texts: str) -> tuple[str, ...]:
        """Return the offices whose numbers the texts name and callers may not be told."""
        found = (undisclosed_in(t, self.directory, self.plan, self.at, self.zone) for t in texts)
        # the name of an office may be the very text that contains the number
        named = (mask_declared(o, self.directory, self.plan) for each in found for o in each)
        return tuple(dict.fromkeys(named))


def undisclosed_in(
    text: str, directory: Directory, plan: NumberingPlan, at: datetime, zone: ZoneInfo
) -> tuple[str, ...]:
    """Return the offices whose numbers a text for callers names without their authorisation.

    Numbers in words ("zero five one") are not found. A number that two offices have declared may
    be told once one of them has authorised it.
    """
    offices: dict[str, None] = {}
    known = Disclosure(directory, plan, at, zone)

    def is_undisclosed(digits: str) -> bool:
        office = _office_keeping(digits, known)
        if office:
            offices[office] = None
        return bool(office)

    masked_where(text, is_undisclosed)
    return tuple(offices)


def _office_keeping(digits: str, known: Disclosure) -> str:
    """Return the office whose number callers may not be told, "" for a number of none."""
    directory, plan = known.directory, known.plan
    written = spellings(digits, plan)
    office = next(filter(None, (unit_of(directory, each, plan) for each in written)), "")
    told = [each for each in directory.authorisations if _names(each, written, plan)]
    # a number may stand in an authorisation alone, which has ended since
    office = office or next((_unit_name(directory, each) for each in told), "")
    is_told = any(_may_tell(directory, each, known.at, known.zone) for each in told)
    return "" if is_told else office


def _names(authorisation: Authorisation, written: set[str], plan: NumberingPlan) -> bool:
    return any(authorisation.told.number in number_forms(each, plan) for each in written)


def _unit_name(directory: Directory, authorisation: Authorisation) -> str:
    unit = directory.unit(authorisation.unit)
    return unit.name if unit else authorisation.unit


def _may_tell(
    directory: Directory, authorisation: Authorisation, at: datetime, zone: ZoneInfo
) -> bool:
    number = authorisation.told.number
    return may_tell(directory, authorisation.unit, number, at, zone) is not None


def must_not_say(text: Words | str, offices: Iterable[str]) -> Words:
    """Return the refusal of a text that names numbers of offices; no digit is in it."""
    return MUST_NOT_SAY.filled(text=text, number=MASK, office=", ".join(offices))


def not_for_callers(offices: Iterable[str]) -> Words:
    """Return the refusal of a form's field that names numbers of offices; no digit is in it."""
    return _NOT_FOR_CALLERS.filled(number=MASK, office=", ".join(offices))


# E20: an erasure has a preview
WOULD_ERASE: Final = _("This would go (nothing was touched): {counts}.")
ERASED: Final = _("Erased: {counts}.")
# E20: of an erasure only date, person and counts are kept, never the number
ERASURE_COUNTS: Final = _(
    "{calls} calls (they stay without the person), {messages} messages, "
    "{requests} requests, {mails} e-mails queued or kept, {texts} texts that "
    "name the number, {files} stray files"
)
# E20: open requests are closed first, with a reason
OPEN_REQUESTS: Final = _(
    "Requests not closed: {requests}. They are closed before, or with the erasure."
)
WOULD_CANCEL: Final = _(
    "Closed with it, the office is sent the appointment's cancellation, "
    "without the citizen's data: request {requests}."
)
CANCELLATION_SENT: Final = _(
    "The office is sent the appointment's cancellation, without the citizen's data: "
    "request {requests}."
)
CANCELLATION_SUBJECT: Final = _("Appointment cancelled: [Request {request}]")
CANCELLATION_LETTER: Final = _(
    "The appointment of request {number}, {at}, is cancelled: nothing more is "
    "to be done.\n"
    "The citizen's data were erased: delete the e-mail and the invitation you "
    "received, too.\n"
)
# E20: what was mailed cannot be erased, so it is listed
MAILED_BEFORE: Final = _("Mailed already, and not to be called back (tell who has them):")
_MAIL_ROW: Final = _("  {at}  {to}  request {request}")
_OTHER_MAIL_ROW: Final = _("  {at}  {to}")
_NO_ADDRESS: Final = _("(recipient past its time)")
DATABASES_SET_ASIDE: Final = _(
    "Damaged records that were set aside lie in {folder} and may still hold it: delete them."
)
# SQLite's write-ahead log still holds the rows until it is cut, which a reader prevents
LOG_NOT_CUT: Final = _(
    "Somebody reads the records and their log could not be cut: end the other "
    "commands and say this again, which cuts it."
)
STAYS_IN_BACKUPS: Final = _("In backups it stays until their next rotation.")


def below_one_another(*texts: Words) -> Words:
    """Return texts joined by line breaks."""
    return joined("\n", texts)


def mail_row(at: datetime, to: str, request: int) -> Words:
    """Return one e-mail's row: when (local time) it left, recipient, request (0: none)."""
    words = _MAIL_ROW if request else _OTHER_MAIL_ROW
    moment = by_language(lambda language: moment_words(at, language))
    return words.filled(at=moment, to=to or _NO_ADDRESS, request=request)
