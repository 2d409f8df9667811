"""What needs attention in the directory: standing declarations, disclosure."""

from __future__ import annotations

import enum
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from appliance.policy import transfers
from appliance.policy.clock import Now
from appliance.policy.dialling import unit_of
from appliance.policy.directory import (
    MASK,
    NOTICE_DAYS,
    Authorisation,
    Declaration,
    Need,
    Reach,
    Register,
    SecretNumber,
    Slots,
    Target,
    Unit,
    Variation,
    relabelled,
    target,
)
from appliance.policy.directory_forms import Fields
from appliance.policy.hours import (
    ONE_DAY,
    Closure,
    Holiday,
    NewWeek,
    Opening,
    Period,
    Schedule,
    day_phrase,
)
from appliance.policy.numbering import Plan
from appliance.policy.text import Words
from appliance.policy.transfers import Allowed, Later, may_transfer

# ---- disclosure --------------------------------------------------------------------------------
# May a number be told outside (P7, E11)? Only by its unit's written leave, while that holds.


def may_tell(
    register: Register, unit: str, number: SecretNumber, at: datetime, zone: ZoneInfo
) -> Authorisation | None:
    """Return the authorisation by which a number of a unit may be told at a moment, or None.

    None, too, for a number that cannot be read.
    """
    if not number.is_known:
        return None
    found = _latest(register, at).get((unit, number))
    return found if found is not None and holds(found, at, zone) else None


def holds(authorisation: Authorisation, at: datetime, zone: ZoneInfo) -> bool:
    """Tell whether an authorisation is neither revoked nor over at a moment after its entry.

    Its last day is a day of the office's own zone.
    """
    revoked, last = authorisation.revoked, authorisation.last
    if revoked is not None and revoked.at <= at:
        return False
    return last is None or at.astimezone(zone).date() <= last


def lapsed_numbers(register: Register, at: datetime, zone: ZoneInfo) -> tuple[Authorisation, ...]:
    """Return the authorisations that ran out without being renewed or revoked (E11)."""
    return tuple(_ending_before(register, at, at.astimezone(zone).date()))


def lapsing_numbers(
    register: Register, at: datetime, zone: ZoneInfo, days: int = NOTICE_DAYS
) -> tuple[Authorisation, ...]:
    """Return the authorisations that will run out within `days`, unless renewed."""
    today = at.astimezone(zone).date()
    soon = _ending_before(register, at, today + timedelta(days=days + 1))
    return tuple(each for each in soon if each.last is not None and each.last >= today)


def _ending_before(register: Register, at: datetime, day: date) -> Iterator[Authorisation]:
    for each in _latest(register, at).values():
        if each.revoked is None and each.last is not None and each.last < day:
            yield each


def _latest(register: Register, at: datetime) -> dict[tuple[str, SecretNumber], Authorisation]:
    """Return the last leave for each number of each unit: it takes the place of those before it."""
    entered = (each for each in register.authorisations if each.entry.at <= at)
    return {(each.unit, each.told.number): each for each in entered}


# ---- masked log --------------------------------------------------------------------------------
# Numbers taken out of the journal before a technician carries it away (P7).
#
# Every run of digits that may be a telephone number goes, however its digits are grouped: what else
# goes with them (the number of a call, a count of bytes) costs a technician little, a number that
# stays costs a citizen much. Times at the beginning of a line and IPv4 addresses stay.

SHORTEST: Final = 5
"""No outside number has fewer digits."""
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:?\d\d ")
"""How journalctl's short-iso begins a line."""
_KEPT_OR_RUN: Final = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
    r"|\+?\d(?:[ .\-/()]{0,2}\d){" + str(SHORTEST - 1) + r",}"
)
_MAIL: Final = re.compile(r"[^\s<>@\"']+@[^\s<>@\"',;:]+")
_ADDRESS: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")


def mask_journal(text: str) -> str:
    """Return a journal's text with a mask for whatever may be a number."""
    return "\n".join(_line(line) for line in text.split("\n"))


def without_addresses(text: str) -> str:
    """Return what a mail server said with a mask for each e-mail address: it may be undisclosed."""
    return _MAIL.sub(MASK, text)


def _line(line: str) -> str:
    stamp = _STAMP.match(line)
    begins = stamp.end() if stamp else 0
    return line[:begins] + _KEPT_OR_RUN.sub(_shown, line[begins:])


def _shown(found: re.Match[str]) -> str:
    return found[0] if _is_address(found[0]) else MASK


def _is_address(text: str) -> bool:
    """Tell a real IPv4 address from a number that is written with dots."""
    parts = text.split(".")
    return bool(_ADDRESS.fullmatch(text)) and all(int(part) <= 255 for part in parts)


# ---- ahead -------------------------------------------------------------------------------------
# What lies ahead in the year: the house's special days, and what units entered for a time (E14).
#
# All of it ends by itself; the list only says so beforehand.

Special = Holiday | Closure | Opening | Period | NewWeek | Variation | Declaration


@dataclass(frozen=True, slots=True)
class Ahead:
    """Something that holds from `first` to `last`, both included; None: until something follows.

    `unit` is "" for the whole house.
    """

    first: date
    last: date | None
    what: Special
    unit: str = ""


def ahead(register: Register, calendar: Schedule, first: date, last: date) -> tuple[Ahead, ...]:
    """List what holds on any day from `first` to `last`, by its own first day.

    Of declarations and ordinary weeks only those that begin within: others are no special time.
    """
    found = (*_of_house(calendar, first), *_of_units(register, first))
    met = (a for a in found if a.first <= last and (a.last is None or a.last >= first))
    return tuple(sorted(met, key=lambda a: (a.first, a.unit)))


def of_units(found: tuple[Ahead, ...], *codes: str) -> tuple[Ahead, ...]:
    """Return what concerns some units, not the house."""
    return tuple(each for each in found if each.unit and each.unit in codes)


def _of_house(calendar: Schedule, first: date) -> Iterator[Ahead]:
    for holiday in calendar.holidays:
        yield Ahead(holiday.day, holiday.day, holiday)
    for closure in calendar.closures:
        yield Ahead(closure.start.date(), _last_day(closure.end), closure)
    for opening in calendar.openings:
        yield Ahead(opening.day, opening.day, opening)
    for period in (*calendar.periods, *calendar.entered):
        yield Ahead(period.first, period.last, period)
    for new in calendar.weeks:
        if new.since > first:
            yield Ahead(new.since, None, new)


def _last_day(end: datetime) -> date:
    """Return the last day that a closure touches; its end is exclusive."""
    return end.date() - ONE_DAY if end.time() == time() else end.date()


def _of_units(register: Register, first: date) -> Iterator[Ahead]:
    for variation in register.variations:
        yield Ahead(variation.first, variation.last, variation, variation.unit)
    for declaration in register.declarations:
        if declaration.first > first:
            yield Ahead(declaration.first, declaration.last, declaration, declaration.unit)


# ---- attachments -------------------------------------------------------------------------------
# The e-mail that an entry of the register rests on: which files are taken, and how they are named.
#
# What a file is, is read from what it begins with: its name and what a browser says of it are not.


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


# ---- attention ---------------------------------------------------------------------------------
# What the head of the front desk must look after in the register (E11, E13).


@dataclass(frozen=True, slots=True)
class Attention:
    """Units without a valid declaration, declarations and authorisations that soon run out, and
    authorisations that did."""

    undeclared: tuple[Unit, ...] = ()
    expiring: tuple[Declaration, ...] = ()
    lapsing: tuple[Authorisation, ...] = ()
    lapsed: tuple[Authorisation, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """True when there is nothing to look after."""
        return not (self.undeclared or self.expiring or self.lapsing or self.lapsed)


def attention(
    register: Register, at: datetime, zone: ZoneInfo, days: int = NOTICE_DAYS
) -> Attention:
    """Find it, for the office's own day of a moment."""
    day = at.astimezone(zone).date()
    return Attention(
        register.undeclared(day),
        register.expiring(day, days),
        lapsing_numbers(register, at, zone, days),
        lapsed_numbers(register, at, zone),
    )


# ---- attention words ---------------------------------------------------------------------------
# What the head must look after in the register: what is so, and what to do (E11, E13).


def in_words(attention: Attention) -> tuple[Words, ...]:
    """Say each thing in one sentence, the gravest first; no number stands in any (P7)."""
    return tuple(_sentences(attention))


def _sentences(attention: Attention) -> Iterator[Words]:
    for unit in attention.undeclared:
        yield Words(
            f"{unit.name} ({unit.code}): nessuna comunicazione valida, non si può trasferire; "
            "chiederne una all'ufficio.",
            f"{unit.name} ({unit.code}): no valid declaration, nothing can be transferred; ask the "
            "office for one.",
        )
    for lapsed in attention.lapsed:
        it, en = _of(lapsed)
        on = _on(lapsed)
        yield Words(
            f"{it} è scaduta {on.it}: il numero non si dice più; rinnovarla o revocarla.",
            f"{en} ran out {on.en}: the number is not told any more; renew or revoke it.",
        )
    for declaration in attention.expiring:
        on = _on(declaration)
        yield Words(
            f"{declaration.unit}: la comunicazione scade {on.it}; chiederne una nuova.",
            f"{declaration.unit}: the declaration runs out {on.en}; ask for a new one.",
        )
    for lapsing in attention.lapsing:
        it, en = _of(lapsing)
        on = _on(lapsing)
        yield Words(
            f"{it} scade {on.it}: rinnovarla se deve valere ancora.",
            f"{en} runs out {on.en}: renew it if it shall go on.",
        )


def _on(entry: Authorisation | Declaration) -> Words:
    """Say on which day it runs out, or ran out."""
    assert entry.last is not None
    return Words(day_phrase("il", entry.last, "it"), day_phrase("on", entry.last, "en"))


def _of(authorisation: Authorisation) -> tuple[str, str]:
    """Name an authorisation by its unit and its entry."""
    unit, number = authorisation.unit, authorisation.entry.number
    return f"{unit}: l'autorizzazione {number}", f"{unit}: authorisation {number}"


# ---- form parts --------------------------------------------------------------------------------
# Parts of a declaration's form: needs, their numbers, the slots that are offered.

MOST_NEEDS, MOST_NUMBERS = 40, 10
_NO_CODE = re.compile(r"[^a-z0-9]+")


def code_of(name: str) -> str:
    """Make a code of a name: "Italiani all'estero" is italiani-all-estero; "" of signs alone."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return _NO_CODE.sub("-", plain).strip("-")[:32].strip("-")


def free_code(code: str, taken: set[str]) -> str:
    """Return a code, or with 2, 3 and so on where it is taken."""
    number, found = 1, code
    while found in taken:
        number += 1
        found = f"{code}-{number}"
    return found


def slots(fields: Fields) -> Slots | None:
    """Read when appointments are offered; None for never."""
    part = fields.part("slots")
    if part is None:
        return None
    week = part.week("week")
    minutes, places = part.number("minutes", 20), part.number("places", 1)
    if not week.ever_opens:
        return None
    return part.attempt("minutes", lambda: Slots(week, minutes, places))


def needs(stored: Register, fields: Fields) -> Iterator[Need]:
    """Read the needs; one without a code gets one of its name."""
    parts = list(fields.parts("needs", MOST_NEEDS))
    taken = {part.text("code") for part in parts}
    for part in parts:
        name, code = part.text("name", is_needed=True), part.text("code")
        if not code:
            code = free_code(code_of(name) or "necessita", taken)
            taken.add(code)
        targets = tuple(_targets(stored, part))
        rules, keys = part.rules("rules"), part.text("code_keys")
        made = part.attempt("numbers", partial(Need, code, name, targets, rules, keys))
        if made is not None:
            yield made


def declared_number(stored: Register, number: int, need: str, which: int) -> Target | None:
    """Return the `which`th (from 1) number of a need of the declaration entered as `number`."""
    declaration = next((d for d in stored.declarations if d.entry.number == number), None)
    found = declaration.need(need) if declaration else None
    targets = found.targets if found else ()
    return targets[which - 1] if 0 < which <= len(targets) else None


def _targets(stored: Register, fields: Fields) -> Iterator[Target]:
    for part in fields.parts("numbers", MOST_NUMBERS):
        kept = part.part("kept")
        made = _written(part) if kept is None else _kept(stored, part, kept)
        if made is not None:
            yield made


def _kept(stored: Register, fields: Fields, kept: Fields) -> Target | None:
    """Take a number over from an earlier declaration: whoever fills in the form need not see it."""
    number, which = kept.number("declaration", 0), kept.number("which", 0)
    found = declared_number(stored, number, kept.text("need"), which)
    if found is None:
        fields.wrong(
            "number",
            "il numero di prima non c'è: scriverlo di nuovo",
            "the earlier number is not there: write it again",
        )
        return None
    return fields.attempt("label", partial(relabelled, found, fields.text("label")))


def _written(fields: Fields) -> Target | None:
    text, label = fields.text("number", is_needed=True), fields.text("label")
    reach, mobile = fields.text("reach"), fields.flag("service_mobile")
    if reach not in tuple(Reach):
        fields.wrong("reach", "scegliere come si raggiunge", "choose how it is reached")
        return None
    if not text:
        return None
    return fields.attempt(
        "number", lambda: target(Reach(reach), text, label, service_mobile=mobile)
    )


# ---- standing ----------------------------------------------------------------------------------
# How every unit of the register stands at a moment: what can be put through, until or from when.
#
# For whoever transfers a call or looks after the register (P5, E13, E23); no number stands in it.


@dataclass(frozen=True, slots=True)
class NeedStanding:
    """One need of a unit: whether a call may go on now, until when, else from when (None: never).

    `code` is a hindrance's, "" for none; `rules` is what a return leads to; `words` say all of it.
    """

    need: str
    name: str
    allowed: bool
    code: str
    rules: tuple[str, ...]
    words: Words
    until: datetime | None = None
    resumes: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One unit; `declared_by` is the unit whose declaration holds for it, "" for none."""

    unit: Unit
    declared_by: str
    needs: tuple[NeedStanding, ...]

    @property
    def is_open(self) -> bool:
        """True while a call may go on for some need."""
        return any(need.allowed for need in self.needs)


def standing(register: Register, calendar: Schedule, now: Now) -> tuple[Standing, ...]:
    """Tell how every unit stands; one without a valid declaration has one need without a name."""
    return tuple(_unit(register, calendar, unit, now) for unit in register.units)


def _unit(register: Register, calendar: Schedule, unit: Unit, now: Now) -> Standing:
    local = now.wall.astimezone(calendar.zone)
    held = register.valid_declaration(unit, local.date())
    needs = tuple(_needs(register, calendar, unit, now))
    return Standing(unit, held.unit if held else "", needs)


def _needs(register: Register, calendar: Schedule, unit: Unit, now: Now) -> Iterator[NeedStanding]:
    local = now.wall.astimezone(calendar.zone)
    held = register.valid_declaration(unit, local.date())
    for code, name in [(n.code, n.name) for n in held.needs] if held else [("", "")]:
        answer = may_transfer(register, calendar, unit.code, code, now)
        yield need_standing(answer, code, name, local)


def need_standing(answer: Allowed | Later, code: str, name: str, local: datetime) -> NeedStanding:
    """Tell how one need stands, for `local`, the moment it was asked in the zone of the house."""
    rules = tuple(rule.value for rule in answer.rules)
    if isinstance(answer, Allowed):
        words = open_words(answer, local)
        return NeedStanding(code, name, True, "", rules, words, until=answer.band_ends)
    words = transfers.in_words(answer, local)
    why = answer.why.value
    return NeedStanding(code, name, False, why, rules, words, resumes=answer.resumes_at)


def open_words(allowed: Allowed, local: datetime) -> Words:
    """Say that a call may go on, and until when."""
    name, ends = allowed.unit.name, allowed.band_ends
    if ends is None:
        return Words(f"{name}: si può trasferire.", f"{name}: takes calls.")
    at = f"{ends.astimezone(local.tzinfo):%H:%M}"
    return Words(f"{name}: si può trasferire fino alle {at}.", f"{name}: takes calls until {at}.")


# ---- undisclosed -------------------------------------------------------------------------------
# Offices' own numbers taken out of what people have typed, before it leaves the house (P7).

_RUN = re.compile(r"\+?\d(?:[\d .\-/()]*\d)?")
_GROUP = re.compile(r"\+?\d+")


def mask_declared(text: str, register: Register, plan: Plan) -> str:
    """Return a text with a mask for each outside number that an office has declared.

    However its digits are grouped, with or without the country's code or a 0 for an outside line.
    Whatever else holds digits (days, files' numbers, the citizen's telephone) stays.
    """
    return _RUN.sub(lambda run: _masked_run(run[0], register, plan), text)


def _masked_run(run: str, register: Register, plan: Plan) -> str:
    """Mask a number that is any neighbouring groups of a run: numbers may stand side by side."""
    groups = [(found.start(), found.end(), found[0]) for found in _GROUP.finditer(run)]
    pairs = itertools.combinations(range(len(groups) + 1), 2)
    for first, last in sorted(pairs, key=lambda pair: pair[0] - pair[1]):
        digits = "".join(group[2] for group in groups[first:last])
        if _is_declared(digits, register, plan):
            before, after = run[: groups[first][0]], run[groups[last - 1][1] :]
            rest = (_masked_run(part, register, plan) for part in (before, after))
            return MASK.join(rest)
    return run


def _is_declared(digits: str, register: Register, plan: Plan) -> bool:
    """Tell whether an office has declared a number, as written or behind a 0 for a line."""
    written = {digits, digits.removeprefix("0")}
    return any(
        len(each) >= SHORTEST and unit_of(register, plan.national(each), plan) for each in written
    )
