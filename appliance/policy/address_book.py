"""Address book: other bodies that callers want, with numbers that callers may be told.

Health service, police, post, neighbouring municipalities, gas, water. Numbers of this office's own
services stand in the directory of offices alone, where telling one needs an authorisation (P7).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from itertools import chain
from typing import Any, Final

from appliance.policy.dialling import number_forms
from appliance.policy.directory import Directory
from appliance.policy.forms import FormFields, FormProblem, FormRefused
from appliance.policy.numbering import (
    HOME_PLAN,
    SEPARATORS,
    NumberClass,
    NumberingPlan,
    SecretNumber,
    canonical_number,
    plain_digits,
    spellings,
)
from appliance.policy.privacy import masked_where
from appliance.policy.text import Refused
from appliance.text import Words, _

MOST_NUMBERS: Final = 6
"""Numbers of one entry."""
MOST_KEYWORDS: Final = 20
CHECK_AFTER: Final = timedelta(days=365)
"""Time after which an entry is to be checked again, unless its editor says another day."""
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LONGEST_CODE: Final = 60
# Last digits in which the numbers of one organisation differ (Italian "selezione passante").
_OWN_DIGITS: Final = 3
# Schemes that a page may make a link of.
_WEB: Final = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class BookNumber:
    """One number; `hours` is text, and callers are told the number only if they `may_tell` it."""

    number: str
    label: str = ""
    hours: str = ""
    may_tell: bool = True


@dataclass(frozen=True, slots=True)
class BookEntry:
    """One body. `note` is for the operator, `say` a sentence to tell the caller.

    `checked_by` has checked it last, on `checked_on`; it is to be checked again by `check_by`, and
    no search finds it after `last`.
    """

    code: str
    name: str
    checked_by: str
    checked_on: date
    check_by: date
    numbers: tuple[BookNumber, ...] = ()
    keywords: tuple[str, ...] = ()
    address: str = ""
    website: str = ""
    note: str = ""
    say: str = ""
    last: date | None = None

    @property
    def told(self) -> tuple[BookNumber, ...]:
        """The numbers that callers may be told."""
        return tuple(each for each in self.numbers if each.may_tell)

    def is_valid(self, today: date) -> bool:
        """Tell whether it holds on a day."""
        return self.last is None or today <= self.last

    def is_due(self, today: date) -> bool:
        """Tell whether somebody has to check it: its day has come, or it holds no more."""
        return self.check_by <= today or not self.is_valid(today)


def confirmed(entry: BookEntry, by: str, today: date) -> BookEntry:
    """Return an entry that was found right today, to be checked again after as long as before."""
    again = max(entry.check_by - entry.checked_on, timedelta(days=1))
    return replace(entry, checked_by=by, checked_on=today, check_by=today + again)


def to_check(entries: Collection[BookEntry], today: date) -> tuple[BookEntry, ...]:
    """Return the entries that somebody has to check, the most urgent first."""
    due = (entry for entry in entries if entry.is_due(today))
    return tuple(sorted(due, key=lambda entry: (entry.check_by, entry.name)))


def code_of(name: str, taken: Collection[str]) -> str:
    """Return a free code for a body of that name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    code = "-".join(re.findall(r"[a-z0-9]+", plain))[:_LONGEST_CODE] or "ente"
    free = (each for each in (code, *(f"{code}-{n}" for n in range(2, 999))) if each not in taken)
    return next(free)


# ---- numbers of this office (P7) -----------------------------------------------------------------

IN_REGISTER: Final = _(
    "is in the register of offices, which says who may be told it: it cannot be entered here"
)
IN_TEXT: Final = _(
    "names a number of the register of offices, which says who may be told it: leave it out"
)
LIKE_OURS: Final = _(
    "begins like this office's public number, so it may be an internal number: "
    "confirm that it belongs to another body"
)
A_MOBILE: Final = _(
    "is a mobile number, and a person's own is never told: confirm that the body has made it public"
)
TO_CONFIRM: Final = _("confirm the numbers if they are another body's own")
NO_NUMBER: Final = _("is no number that callers can dial: write it like 051 6478111 or 800 033 033")


@dataclass(frozen=True, slots=True)
class HouseNumbers:
    """Numbers of this office: those of its directory, which stay secret, and its public ones."""

    register: frozenset[SecretNumber] = frozenset()
    public: tuple[str, ...] = ()
    plan: NumberingPlan = HOME_PLAN

    def refusal(self, written: str) -> Words | None:
        """Return why a number cannot be entered at all, None if it can."""
        digits = canonical_number(written, self.plan)
        if self._holds(SEPARATORS.sub("", written)) or self._holds(plain_digits(written)):
            return IN_REGISTER
        if digits in self.plan.real:
            return None
        if not digits.isdecimal() or self.plan.classify(digits) is NumberClass.NONE:
            return NO_NUMBER
        return None

    def is_named_in(self, text: str) -> bool:
        """Tell whether a text names a number of the directory; extensions are too short for it."""
        return masked_where(text, self._holds) != text

    def _holds(self, digits: str) -> bool:
        # Compared as secrets: nothing here reads a number of the directory.
        ways = (number_forms(each, self.plan) for each in spellings(digits, self.plan))
        return not self.register.isdisjoint(chain.from_iterable(ways))

    def doubt(self, written: str) -> Words | None:
        """Return why a number looks like one of this office or of a person, None without doubt."""
        digits = canonical_number(written, self.plan)
        own = {canonical_number(each, self.plan) for each in self.public}
        if digits in own:
            return None
        if any(digits.startswith(each[:-_OWN_DIGITS]) for each in own if len(each) > _OWN_DIGITS):
            return LIKE_OURS
        return A_MOBILE if self.plan.classify(digits) is NumberClass.MOBILE else None


def house_numbers(
    directory: Directory, public: tuple[str, ...], plan: NumberingPlan
) -> HouseNumbers:
    """Return the numbers of this office."""
    declared = (t.number for d in directory.declarations for need in d.needs for t in need.targets)
    told = (each.told.number for each in directory.authorisations)
    # A number that could not be unsealed equals no other one.
    known = frozenset(number for number in (*declared, *told) if number.is_known)
    return HouseNumbers(known, public, plan)


def number_problems(
    entry: BookEntry, house: HouseNumbers, *, is_confirmed: bool = False
) -> Iterator[FormProblem]:
    """Yield what is wrong with an entry's numbers; a doubt is none once it `is_confirmed`."""
    has_doubt = False
    for place, each in enumerate(entry.numbers, 1):
        words = house.refusal(each.number)
        if words is None and not is_confirmed:
            words = house.doubt(each.number)
            has_doubt |= words is not None
        if words is not None:
            yield FormProblem(f"numbers.{place}.number", words)
    # Operators read or tell what stands in the texts, so these name no such number either (P7).
    for field, text in _texts(entry):
        if house.is_named_in(text):
            yield FormProblem(field, IN_TEXT)
    # The form then has a field in which to confirm.
    if has_doubt:
        yield FormProblem("anyway", TO_CONFIRM)


def _texts(entry: BookEntry) -> Iterator[tuple[str, str]]:
    """Yield every text of an entry with its place in the form."""
    for field in ("name", "address", "website", "note", "say"):
        yield field, getattr(entry, field)
    yield "keywords", ", ".join(entry.keywords)
    for place, each in enumerate(entry.numbers, 1):
        yield f"numbers.{place}.label", each.label
        yield f"numbers.{place}.hours", each.hours


# ---- form ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Editing:
    """Who edits the address book and when; codes that are `known`, and all that are `taken`."""

    by: str
    today: date
    known: Collection[str] = ()
    taken: Collection[str] = ()


def read_entry(form: Mapping[str, Any], editing: Editing, house: HouseNumbers) -> BookEntry:
    """Make an entry of a form; raises FormRefused with every problem, Refused for no such entry.

    `code` names the entry that is changed, "" for a new one. Saving counts as checking.
    """
    problems: list[FormProblem] = []
    fields = FormFields(form, problems)
    code, name = fields.text("code"), fields.text("name", is_needed=True)
    if code and code not in editing.known:
        raise Refused(no_entry(code))
    entry = BookEntry(
        code or code_of(name, editing.taken),
        name,
        editing.by,
        editing.today,
        fields.day("check_by") or editing.today + CHECK_AFTER,
        tuple(_read_numbers(fields)),
        read_keywords(fields.text("keywords")),
        fields.text("address"),
        fields.text("website"),
        fields.text("note"),
        fields.text("say"),
        fields.day("last"),
    )
    problems += entry_problems(entry)
    if entry.check_by <= editing.today:
        problems.append(FormProblem("check_by", _("is not a day to come")))
    problems += number_problems(entry, house, is_confirmed=fields.flag("anyway"))
    if problems:
        raise FormRefused(*problems)
    return entry


def form_of(entry: BookEntry) -> dict[str, Any]:
    """Return the form that `read_entry` reads back the same."""
    return {
        "code": entry.code,
        "name": entry.name,
        "check_by": entry.check_by.isoformat(),
        "numbers": [asdict(number) for number in entry.numbers],
        "keywords": ", ".join(entry.keywords),
        "address": entry.address,
        "website": entry.website,
        "note": entry.note,
        "say": entry.say,
        "last": entry.last.isoformat() if entry.last else "",
    }


def entry_problems(entry: BookEntry) -> Iterator[FormProblem]:
    """Yield what is wrong with an entry, whatever its numbers are."""
    if not _CODE.fullmatch(entry.code):
        yield FormProblem("code", _("is of small letters, digits and hyphens: write ausl-cup"))
    if len(entry.keywords) > MOST_KEYWORDS:
        yield FormProblem("keywords", _("has more than {most} words", most=MOST_KEYWORDS))
    if entry.website and not entry.website.startswith(_WEB):
        yield FormProblem("website", _("begins with https://"))
    if not (entry.numbers or entry.address or entry.website or entry.note):
        yield FormProblem("numbers.1.number", _("is needed, or an address, a website or a note"))


def read_keywords(text: str) -> tuple[str, ...]:
    """Return the words between commas, each once."""
    return tuple(dict.fromkeys(word for each in text.split(",") if (word := each.strip())))


def no_entry(code: str) -> Words:
    """Return the refusal for a code that no entry has."""
    return _("there is no entry {code!r} in the address book", code=code)


def _read_numbers(fields: FormFields) -> Iterator[BookNumber]:
    for part in fields.parts("numbers", MOST_NUMBERS):
        if number := part.text("number"):
            yield BookNumber(number, part.text("label"), part.text("hours"), part.flag("may_tell"))
