"""Transfers to offices (P3-P5): whether a call may go now, what is offered instead, no answers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from appliance.policy.clock import Now
from appliance.policy.directory import (
    Directory,
    Need,
    NeedInForce,
    Reach,
    ReturnRule,
    TransferHindrance,
    TransferTarget,
    Unit,
    need_in_force,
    needs_of,
    resumes_at,
)
from appliance.policy.hours import (
    MIDNIGHT,
    Band,
    Bands,
    OpenState,
    Schedule,
    Why,
    day_phrase_words,
    hours_of_office,
)
from appliance.policy.numbering import Purpose
from appliance.policy.text import SaidError, capitalized, one_of
from appliance.text import NOTHING, Words, _, by_language, in_context, unchanged

# The declaration binds the appliance: console, keys and REFER all ask `may_transfer` (P3-P5).
# Outside its band the answer names the next one and the return rule that applies at once (P5, P6).

# a unit that has declared nothing gets no transfer but the e-mail rule (E13)
WITHOUT_DECLARATION = (ReturnRule.EMAIL,)


class TransferReason(enum.StrEnum):
    """Why an operator transfers a call (P3)."""

    TOPIC = "topic"
    DEPTH = "depth"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TransferAllowed:
    """The call may go to `targets`, tried in this order, by the declaration of that number.

    `band_ends` is when the band that is open now ends, None for not known. `notice` is what a
    special period says of itself (E14).
    """

    unit: Unit
    need: Need
    targets: tuple[TransferTarget, ...]
    rules: tuple[ReturnRule, ...]
    declaration: int
    band_ends: datetime | None = None
    notice: Words = NOTHING


@dataclass(frozen=True, slots=True)
class OfficeClosed:
    """A holiday or a closure of the site, which closes an office whatever it has declared."""

    is_holiday: bool
    name: Words = NOTHING


@dataclass(frozen=True, slots=True)
class TransferLater:
    """The call may not go on now: `today` are today's bands, `resumes_at` when the next opens.

    `notice` is what a special period says of itself (E14), `closing` why nobody is there whatever
    the bands say.
    """

    unit: Unit
    need: str
    why: TransferHindrance
    rules: tuple[ReturnRule, ...]
    today: Bands = ()
    resumes_at: datetime | None = None
    notice: Words = NOTHING
    closing: OfficeClosed | None = None

    def begun(self, local: datetime) -> Bands:
        """Return today's bands that have begun by a local moment; none where bands say nothing."""
        # no band is named that nobody keeps today; a band to come is told by `resumes_at` (E23)
        if self.why is not TransferHindrance.BAND or self.closing:
            return ()
        return tuple(band for band in self.today if band.start <= local.time())


def may_transfer(
    directory: Directory, calendar: Schedule, unit_code: str, need_code: str, now: Now
) -> TransferAllowed | TransferLater:
    """Decide whether a call may be transferred now.

    `calendar` gives zone, holidays and closures of the whole site. Raises
    OfficeError for a unit that is not in the directory: nobody else can be reached.
    """
    # nobody outside the directory can be reached; the sentence names who can
    unit = directory.unit(unit_code)
    if unit is None:
        known = ", ".join(each.code for each in directory.units) or "none"
        raise SaidError(
            in_context(
                "transfer",
                "there is no office {code!r} in the register; known are {known}",
                code=unit_code,
                known=known,
            )
        )
    day = now.wall.astimezone(calendar.zone).date()
    found = need_in_force(directory, calendar, unit, need_code, day)
    why, notice = _hindrance(found, now), NOTHING
    if isinstance(found, NeedInForce):
        state = found.schedule.at(now.wall)
        notice = state.notice
        # the rule may differ by need (E13)
        rules = found.need.rules or found.declaration.rules
        if why is None:
            number, targets = found.declaration.entry.number, _readable(found.need)
            ends = state.changes_at
            return TransferAllowed(unit, found.need, targets, rules, number, ends, notice)
        today, closing = found.schedule.bands_on(day), office_closed(state)
    else:
        # expired or withdrawn, it still says what to offer a caller
        held = directory.declaration(unit, day)
        rules, today = held.rules if held else WITHOUT_DECLARATION, ()
        closing = _closing_without(calendar, unit_code, need_code, now)
    # no band brings unreadable numbers back, and an untrusted clock foresees none
    foreseen = why is not TransferHindrance.NUMBERS and now.by_hours
    resumes = resumes_at(directory, calendar, unit, need_code, now.wall) if foreseen else None
    why = why or TransferHindrance.BAND
    # without a trusted clock nobody knows whether today is that holiday
    told = closing if why is not TransferHindrance.CLOCK else None
    return TransferLater(unit, need_code, why, rules, today, resumes, notice, told)


def check_need(directory: Directory, unit_code: str, need_code: str) -> None:
    """Raise SaidError for a need that no declaration of the unit names, now or before.

    An office that has declared no needs is asked by free words.
    """
    declared = (d.needs for d in directory.declarations if d.unit == unit_code)
    known = dict.fromkeys(need.code for needs in declared for need in needs)
    if known and need_code not in known:
        raise SaidError(
            _(
                "there is no need {code!r}; known are {known}",
                code=need_code,
                known=", ".join(known),
            )
        )


def office_closed(state: OpenState) -> OfficeClosed | None:
    """Return the holiday or closure in a schedule's answer, None if its own bands decide."""
    if state.open or state.why not in {Why.HOLIDAY, Why.CLOSURE}:
        return None
    return OfficeClosed(state.why is Why.HOLIDAY, state.name)


def _closing_without(calendar: Schedule, unit: str, need: str, now: Now) -> OfficeClosed | None:
    """Return the holiday or closure of an office without bands; None for another branch's."""
    if not now.by_hours or (unit, need) in calendar.elsewhere:
        return None
    return office_closed(hours_of_office(calendar, calendar.weekly).at(now.wall))


def may_join(
    directory: Directory, calendar: Schedule, phone: str, now: Now
) -> TransferAllowed | TransferLater | None:
    """Decide for the SIP phone that somebody has consulted: may a caller stay with it now (P5)?

    The first need that may go there now, else the first that may later; None: it is no office's.
    """
    day = now.wall.astimezone(calendar.zone).date()
    # a phone that has consulted an office joins it with its caller by its own transfer key (P5)
    needs = [coded for coded in needs_of(directory, day) if place_of(coded.need.targets, phone)]
    answers = [may_transfer(directory, calendar, one.unit, one.need.code, now) for one in needs]
    # only if the phone is among the targets that can be called
    allowed = (
        one for one in answers if isinstance(one, TransferAllowed) and place_of(one.targets, phone)
    )
    later = (one for one in answers if isinstance(one, TransferLater))
    return next(allowed, None) or next(later, None)


def offices_of_phone(directory: Directory, phone: str, day: date) -> tuple[str, ...]:
    """Return the names of the units whose declarations in force name a SIP phone."""
    codes = (each.unit for each in needs_of(directory, day) if place_of(each.need.targets, phone))
    units = (directory.unit(code) for code in dict.fromkeys(codes))
    return tuple(unit.name for unit in units if unit)


def place_of(targets: tuple[TransferTarget, ...], phone: str) -> int:
    """Return the place of a SIP phone among targets, from 1 on; 0 if it is not there."""
    rung = [t.reach is Reach.PHONE and t.number.reveal(Purpose.RING) == phone for t in targets]
    return rung.index(True) + 1 if True in rung else 0


def _hindrance(found: NeedInForce | TransferHindrance, now: Now) -> TransferHindrance | None:
    if isinstance(found, TransferHindrance):
        return found
    # a band cannot be kept by a clock that nobody trusts
    if not now.by_hours:
        return TransferHindrance.CLOCK
    if not found.schedule.at(now.wall).open:
        return TransferHindrance.BAND
    return None if _readable(found.need) else TransferHindrance.NUMBERS


def _readable(need: Need) -> tuple[TransferTarget, ...]:
    """Return the targets whose numbers could be unsealed: the others cannot be called."""
    return tuple(target for target in need.targets if target.number.is_known)


RETURN_RULE_WORDS: Mapping[ReturnRule, Words] = {
    ReturnRule.APPOINTMENT: _("appointment"),
    ReturnRule.EMAIL: _("e-mail"),
}
WEEKDAY_WORDS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
# Reason in words; BAND has none, since the bands are named instead (E23).
HINDRANCE_WORDS: Mapping[TransferHindrance, Words] = {
    TransferHindrance.NO_DECLARATION: _("has not declared anything yet"),
    TransferHindrance.EXPIRED: _("the declaration has run out"),
    TransferHindrance.WITHDRAWN: _("has declared that it takes no calls"),
    TransferHindrance.NEED: _("has named no number for this need"),
    TransferHindrance.ABSENT: _("all are absent for a while"),
    TransferHindrance.NUMBERS: _("its numbers cannot be read (tell the technician)"),
    TransferHindrance.CLOCK: _("the time is not known, so the band cannot be kept"),
}


def later_words(later: TransferLater, local: datetime) -> Words:
    """Return why a call cannot go on, when it can and what to offer (E23), at `local` site time."""
    offer, said = _offer(later.rules), HINDRANCE_WORDS.get(later.why, NOTHING)
    sentence = sentence_to_say(later.unit)
    resumes = _resumes(later, local)
    begun = later.begun(local)
    closed = _closing(later.closing)
    # the reason and the period's notice stand before the bands (E14, E23)
    # a refused transfer names today's bands and the next one, never "refused" (E23)
    bands = _("takes calls {bands}", bands=_bands(begun)) if begun else NOTHING
    reasons = _joined(", ", closed, later.notice, said, bands, resumes)
    offered = _("{unit}: {reasons}. {offer}?", unit=later.unit.name, reasons=reasons, offer=offer)
    return _joined(" ", offered, sentence)


def unanswered_words(allowed: TransferAllowed, count: int) -> Words:
    """Return the warning about an office's unanswered calls, with what to offer instead (E8)."""
    offer, name = _offer(allowed.rules), allowed.unit.name
    sentence = sentence_to_say(allowed.unit)
    told = _(
        "{name}: the last {count} calls were not answered. {offer}?",
        name=name,
        count=count,
        offer=offer,
    )
    return _joined(" ", told, sentence)


def sentence_to_say(unit: Unit) -> Words:
    """Return the office's sentence for a caller who is not put through (E10), or nothing."""
    # E10: beside each office stands a sentence to say, where the supervisor has written one
    if not unit.say:
        return NOTHING
    return _("To say: “{say}”", say=unit.say)


def _closing(closing: OfficeClosed | None) -> Words:
    """Return the holiday or closure that closes the office today, in words."""
    if closing is None:
        return NOTHING
    said = _("closed today, a public holiday") if closing.is_holiday else _("closed")
    return by_language(lambda language: _named(said.text(language), closing.name.text(language)))


def _named(said: str, name: str) -> str:
    return f"{said} ({name})" if name else said


def _joined(separator: str, *parts: Words) -> Words:
    """Join in each language what says something in it."""
    return by_language(
        lambda language: separator.join(filter(None, (part.text(language) for part in parts)))
    )


def _offer(rules: tuple[ReturnRule, ...]) -> Words:
    return capitalized(one_of(RETURN_RULE_WORDS[rule] for rule in rules))


def _bands(bands: tuple[Band, ...]) -> Words:
    """Write bands as 9:00–12:30 and 15:00–17:00."""
    *first, last = [f"{_clock(band.start)}–{_clock(band.end, last=True)}" for band in bands]
    return _("{first} and {last}", first=", ".join(first), last=last) if first else unchanged(last)


def _resumes(later: TransferLater, local: datetime) -> Words:
    if later.resumes_at is None:
        if later.why is TransferHindrance.BAND:
            return _("no further band is foreseen")
        return NOTHING
    moment = later.resumes_at.astimezone(local.tzinfo)
    day, at = _day(moment.date(), local.date()), _clock(moment.time())
    return _("resumes {day} at {at}", day=day, at=at)


def _day(day: date, today: date) -> Words:
    """Name a day as people do: today, tomorrow, a weekday within a week, else the date."""
    ahead = (day - today).days
    if ahead == 0:
        return _("today")
    if ahead == 1:
        return _("tomorrow")
    if day < today + timedelta(days=7):
        # without an article: Italian says "la domenica", never "il domenica"
        return in_context("this week", "on {weekday}", weekday=WEEKDAY_WORDS[day.weekday()])
    return day_phrase_words(in_context("day", "on"), day, year=day.year != today.year)


def _clock(at: time, *, last: bool = False) -> str:
    return "24:00" if last and at == MIDNIGHT else f"{at.hour}:{at:%M}"


# E8: after 3 unanswered transfers in one band the operator is told before trying again
UNANSWERED_TOLD_AFTER = 3


@dataclass(frozen=True, slots=True)
class InARow:
    """Count of successive unanswered transfers to one need within a band."""

    # its end names the band, so that the count starts anew in the next one
    band_ends: datetime | None
    count: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Unanswered transfers in a row, by unit and need."""

    rows: Mapping[tuple[str, str], InARow] = field(default_factory=dict)

    def heard(
        self, unit: str, need: str, band_ends: datetime | None, *, answered: bool
    ) -> Unanswered:
        """Count one more transfer; an answer resets the count."""
        count = 0 if answered else self.count(unit, need, band_ends) + 1
        return Unanswered({**self.rows, (unit, need): InARow(band_ends, count)})

    def count(self, unit: str, need: str, band_ends: datetime | None) -> int:
        """Return how many were not answered in a row within this band."""
        row = self.rows.get((unit, need))
        return row.count if row is not None and row.band_ends == band_ends else 0

    def tells(self, unit: str, need: str, band_ends: datetime | None) -> bool:
        """Tell whether the operator is warned before the next transfer (E8)."""
        return self.count(unit, need, band_ends) >= UNANSWERED_TOLD_AFTER
