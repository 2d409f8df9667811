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
    day_phrase,
    hours_of_office,
)
from appliance.policy.numbering import Purpose
from appliance.policy.text import NOTHING, SaidError, Words

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
            Words(
                f"L'ufficio «{unit_code}» non è nella Rubrica uffici.",
                f"there is no office {unit_code!r} in the register; known are {known}",
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
    ReturnRule.APPOINTMENT: Words("appuntamento", "appointment"),
    ReturnRule.EMAIL: Words("e-mail", "e-mail"),
}
WEEKDAY_WORDS = (
    Words("lunedì", "Monday"),
    Words("martedì", "Tuesday"),
    Words("mercoledì", "Wednesday"),
    Words("giovedì", "Thursday"),
    Words("venerdì", "Friday"),
    Words("sabato", "Saturday"),
    Words("domenica", "Sunday"),
)
HINDRANCE_WORDS: Mapping[TransferHindrance, Words] = {
    TransferHindrance.NO_DECLARATION: Words(
        "non ha ancora una comunicazione", "has not declared anything yet"
    ),
    TransferHindrance.EXPIRED: Words("la comunicazione è scaduta", "the declaration has run out"),
    TransferHindrance.WITHDRAWN: Words(
        "ha comunicato di non ricevere chiamate", "has declared that it takes no calls"
    ),
    TransferHindrance.NEED: Words(
        "per questa necessità non ha indicato numeri", "has named no number for this need"
    ),
    TransferHindrance.ABSENT: Words(
        "tutti assenti per un breve periodo", "all are absent for a while"
    ),
    TransferHindrance.NUMBERS: Words(
        "i suoi numeri non si possono leggere (avvisare il tecnico)",
        "its numbers cannot be read (tell the technician)",
    ),
    TransferHindrance.CLOCK: Words(
        "l'ora non è nota, la fascia non si può verificare",
        "the time is not known, so the band cannot be kept",
    ),
}
"""Reason in words; BAND has none, since the bands are named instead (E23)."""


def later_words(later: TransferLater, local: datetime) -> Words:
    """Return why a call cannot go on, when it can and what to offer (E23), at `local` site time."""
    offer, said = _offer(later.rules), HINDRANCE_WORDS.get(later.why, NOTHING)
    sentence = sentence_to_say(later.unit)
    resumes = _resumes(later, local)
    begun = later.begun(local)
    closed = _closing(later.closing)
    # the reason and the period's notice stand before the bands (E14, E23)
    parts_it = [closed.it, later.notice.it, said.it]
    parts_en = [closed.en, later.notice.en, said.en]
    # a refused transfer names today's bands and the next one, never "refused" (E23)
    if begun:
        parts_it.append(f"trasferibile {_bands(begun, 'e')}")
        parts_en.append(f"takes calls {_bands(begun, 'and')}")
    return Words(
        f"{later.unit.name}: {_joined([*parts_it, resumes.it])}. {offer.it}?{sentence.it}",
        f"{later.unit.name}: {_joined([*parts_en, resumes.en])}. {offer.en}?{sentence.en}",
    )


def unanswered_words(allowed: TransferAllowed, count: int) -> Words:
    """Return the warning about an office's unanswered calls, with what to offer instead (E8)."""
    offer, name = _offer(allowed.rules), allowed.unit.name
    sentence = sentence_to_say(allowed.unit)
    return Words(
        f"{name}: le ultime {count} chiamate non hanno avuto risposta. {offer.it}?{sentence.it}",
        f"{name}: the last {count} calls were not answered. {offer.en}?{sentence.en}",
    )


def sentence_to_say(unit: Unit) -> Words:
    """Return the office's sentence for a caller who is not put through (E10), or nothing."""
    # E10: beside each office stands a sentence to say, where the supervisor has written one
    if not unit.say:
        return NOTHING
    return Words(f" Da dire: «{unit.say}»", f" To say: “{unit.say}”")


def _closing(closing: OfficeClosed | None) -> Words:
    """Return the holiday or closure that closes the office today, in words."""
    if closing is None:
        return NOTHING
    if closing.is_holiday:
        said = Words("oggi chiuso per festività", "closed today, a public holiday")
    else:
        said = Words("chiuso", "closed")
    name = closing.name
    return Words(_named(said.it, name.it), _named(said.en, name.en))


def _named(said: str, name: str) -> str:
    return f"{said} ({name})" if name else said


def _joined(parts: list[str]) -> str:
    return ", ".join(part for part in parts if part)


def _offer(rules: tuple[ReturnRule, ...]) -> Words:
    offers = [RETURN_RULE_WORDS[rule] for rule in rules]
    it = " o ".join(offer.it for offer in offers)
    en = " or ".join(offer.en for offer in offers)
    return Words(it[0].upper() + it[1:], en[0].upper() + en[1:])


def _bands(bands: tuple[Band, ...], and_: str) -> str:
    """Write bands as 9:00–12:30 and 15:00–17:00."""
    *first, last = [f"{_clock(band.start)}–{_clock(band.end, last=True)}" for band in bands]
    return f"{', '.join(first)} {and_} {last}" if first else last


def _resumes(later: TransferLater, local: datetime) -> Words:
    if later.resumes_at is None:
        if later.why is TransferHindrance.BAND:
            return Words("non è prevista un'altra fascia", "no further band is foreseen")
        return NOTHING
    moment = later.resumes_at.astimezone(local.tzinfo)
    day, at = _day(moment.date(), local.date()), _clock(moment.time())
    return Words(f"riprende {day.it} alle {at}", f"resumes {day.en} at {at}")


def _day(day: date, today: date) -> Words:
    """Name a day as people do: today, tomorrow, a weekday within a week, else the date."""
    ahead = (day - today).days
    if ahead == 0:
        return Words("oggi", "today")
    if ahead == 1:
        return Words("domani", "tomorrow")
    if day < today + timedelta(days=7):
        # without an article: Italian says "la domenica", never "il domenica"
        name = WEEKDAY_WORDS[day.weekday()]
        return Words(name.it, f"on {name.en}")
    year = day.year != today.year
    return Words(day_phrase("il", day, "it", year=year), day_phrase("on", day, "en", year=year))


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
