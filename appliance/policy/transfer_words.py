"""What an operator reads when a call cannot go on now: when it can, and what to offer (E23).

"Anagrafe: trasferibile 9:00–12:30, riprende oggi alle 15:00. Appuntamento o e-mail?"
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from appliance.policy.local_time import day_phrase
from appliance.policy.register.declarations import ReturnRule
from appliance.policy.register.in_force import Hindrance
from appliance.policy.register.register import Unit
from appliance.policy.transfer import Allowed, Closing, Later
from appliance.policy.week import MIDNIGHT, Band
from appliance.policy.words import NOTHING, Words

OFFERS: Mapping[ReturnRule, Words] = {
    ReturnRule.APPOINTMENT: Words("appuntamento", "appointment"),
    ReturnRule.EMAIL: Words("e-mail", "e-mail"),
}
WEEKDAYS = (
    Words("lunedì", "Monday"),
    Words("martedì", "Tuesday"),
    Words("mercoledì", "Wednesday"),
    Words("giovedì", "Thursday"),
    Words("venerdì", "Friday"),
    Words("sabato", "Saturday"),
    Words("domenica", "Sunday"),
)
WHY: Mapping[Hindrance, Words] = {
    Hindrance.NO_DECLARATION: Words(
        "non ha ancora una comunicazione", "has not declared anything yet"
    ),
    Hindrance.EXPIRED: Words("la comunicazione è scaduta", "the declaration has run out"),
    Hindrance.WITHDRAWN: Words(
        "ha comunicato di non ricevere chiamate", "has declared that it takes no calls"
    ),
    Hindrance.NEED: Words(
        "per questa necessità non ha indicato numeri", "has named no number for this need"
    ),
    Hindrance.ABSENT: Words("tutti assenti per un breve periodo", "all are absent for a while"),
    Hindrance.NUMBERS: Words(
        "i suoi numeri non si possono leggere (avvisare il tecnico)",
        "its numbers cannot be read (tell the technician)",
    ),
    Hindrance.CLOCK: Words(
        "l'ora non è nota, la fascia non si può verificare",
        "the time is not known, so the band cannot be kept",
    ),
}
"""What is said instead of bands; outside a band the bands speak."""


def in_words(later: Later, local: datetime) -> Words:
    """Say it for `local`, the moment it was asked, in the zone of the house."""
    offer, said = _offer(later.rules), WHY.get(later.why, NOTHING)
    sentence = to_say(later.unit)
    resumes = _resumes(later, local)
    begun = later.begun(local)
    closed = _closing(later.closing)
    parts_it = [closed.it, later.notice.it, said.it]
    parts_en = [closed.en, later.notice.en, said.en]
    if begun:
        parts_it.append(f"trasferibile {_bands(begun, 'e')}")
        parts_en.append(f"takes calls {_bands(begun, 'and')}")
    return Words(
        f"{later.unit.name}: {_joined([*parts_it, resumes.it])}. {offer.it}?{sentence.it}",
        f"{later.unit.name}: {_joined([*parts_en, resumes.en])}. {offer.en}?{sentence.en}",
    )


def unanswered_in_words(allowed: Allowed, count: int) -> Words:
    """Say that an office has not answered of late, and what to offer instead (E8)."""
    offer, name = _offer(allowed.rules), allowed.unit.name
    sentence = to_say(allowed.unit)
    return Words(
        f"{name}: le ultime {count} chiamate non hanno avuto risposta. {offer.it}?{sentence.it}",
        f"{name}: the last {count} calls were not answered. {offer.en}?{sentence.en}",
    )


def to_say(unit: Unit) -> Words:
    """Return the office's sentence for a caller who is not put through (E10), or nothing."""
    if not unit.say:
        return NOTHING
    return Words(f" Da dire: «{unit.say}»", f" To say: “{unit.say}”")


def _closing(closing: Closing | None) -> Words:
    """Say what closes the office today, where it is more than its own bands."""
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
    offers = [OFFERS[rule] for rule in rules]
    it = " o ".join(offer.it for offer in offers)
    en = " or ".join(offer.en for offer in offers)
    return Words(it[0].upper() + it[1:], en[0].upper() + en[1:])


def _bands(bands: tuple[Band, ...], and_: str) -> str:
    """Write bands as 9:00–12:30 and 15:00–17:00."""
    *first, last = [f"{_clock(band.start)}–{_clock(band.end, last=True)}" for band in bands]
    return f"{', '.join(first)} {and_} {last}" if first else last


def _resumes(later: Later, local: datetime) -> Words:
    if later.resumes_at is None:
        if later.why is Hindrance.BAND:
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
        name = WEEKDAYS[day.weekday()]
        return Words(name.it, f"on {name.en}")
    year = day.year != today.year
    return Words(day_phrase("il", day, "it", year=year), day_phrase("on", day, "en", year=year))


def _clock(at: time, *, last: bool = False) -> str:
    return "24:00" if last and at == MIDNIGHT else f"{at.hour}:{at:%M}"
