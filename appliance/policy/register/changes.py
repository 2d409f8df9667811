"""What a change of the register will mean, said before it is saved: for the head to read (P4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from appliance.policy.local_time import day_phrase
from appliance.policy.register.declarations import Declaration, Need, Variation
from appliance.policy.register.merge import Merged
from appliance.policy.register.register import Authorisation, Register
from appliance.policy.register.words import (
    AS_DECLARED,
    NO_BAND,
    merged_words,
    rules_words,
    slots_words,
)
from appliance.policy.transfer_words import WEEKDAYS
from appliance.policy.week import Bands
from appliance.policy.words import Words

Said = Iterator[Words]
NO_CALLS = Words("non riceve chiamate", "takes no calls")


def changes(merged: Merged, today: date) -> tuple[Words, ...]:
    """Say what a change brings, in sentences; no number stands in any."""
    replaced = {new.entry.number: old for old, new in merged.superseded}
    said: list[Words] = []
    for entered in merged.new:
        if isinstance(entered, Declaration):
            before = replaced.get(entered.entry.number)
            said += _declared(merged.register, before, entered, today)
        elif isinstance(entered, Variation):
            said += _varied(merged.register, entered, today)
        else:
            said += _authorised(merged.register, entered)
    return tuple(said) if said else tuple(merged_words(merged))


def name_of(register: Register, code: str) -> str:
    """Return a unit's name, its code where it has gone."""
    unit = register.unit(code)
    return unit.name if unit else code


def _declared(
    register: Register, before: Declaration | None, new: Declaration, today: date
) -> Said:
    name = name_of(register, new.unit)
    it, en = _span(new.first, new.last, today)
    yield Words(f"{name}: la comunicazione vale {it}.", f"{name}: the declaration holds {en}.")
    if not new.needs:
        yield Words("L'ufficio non riceverà chiamate.", "The office will take no calls.")
        return
    yield _replaces(before)
    heirs = [
        unit.name
        for unit in register.units
        if unit.service == new.unit and register.own_declaration(unit.code, new.first) is None
    ]
    if heirs:
        joined = ", ".join(heirs)
        yield Words(f"Vale anche per: {joined}.", f"It holds for these, too: {joined}.")
    yield from _bands(before, new)
    yield from _needs(before, new)
    yield from _rules(before, new)


def _replaces(before: Declaration | None) -> Words:
    if before is None:
        return Words(
            "È la prima comunicazione di questo ufficio.", "It is this office's first declaration."
        )
    number, at = before.entry.number, before.entry.at
    return Words(
        f"Sostituisce la n. {number} {day_phrase('del', at, 'it')}, che resta nello storico.",
        f"It takes the place of no. {number} {day_phrase('of', at, 'en')}, which stays in the "
        "history.",
    )


def _bands(before: Declaration | None, new: Declaration) -> Said:
    """Say each weekday whose bands are other than before."""
    old_days = before.week.days if before else ((),) * 7
    for name, old, now in zip(WEEKDAYS, old_days, new.week.days, strict=True):
        if old == now:
            continue
        was, will = _hours(old), _hours(now)
        day_it, day_en = name.it.capitalize(), name.en
        if before is None:
            yield Words(f"{day_it}: {will.it}.", f"{day_en}: {will.en}.")
        else:
            yield Words(
                f"{day_it}: {will.it} (prima: {was.it}).",
                f"{day_en}: {will.en} (before: {was.en}).",
            )


def _hours(bands: Bands) -> Words:
    said = " ".join(map(str, bands))
    return Words(said, said) if said else NO_BAND


def _needs(before: Declaration | None, new: Declaration) -> Said:
    old = {need.code: need for need in before.needs} if before else {}
    for need in new.needs:
        count = len(need.targets)
        numbers = Words(
            "un numero" if count == 1 else f"{count} numeri",
            "one number" if count == 1 else f"{count} numbers",
        )
        was = old.pop(need.code, None)
        if was is None:
            yield Words(
                f"Nuova necessità: {need.name}, {numbers.it}.",
                f"New need: {need.name}, {numbers.en}.",
            )
        else:
            yield from _need(was, need, numbers)
    for gone in old.values():
        yield Words(f"Non più: {gone.name}.", f"No longer: {gone.name}.")


def _need(was: Need, now: Need, numbers: Words) -> Said:
    name = now.name
    if [t.number for t in was.targets] != [t.number for t in now.targets]:
        yield Words(
            f"{name}: numeri cambiati, ora {numbers.it}.",
            f"{name}: other numbers, now {numbers.en}.",
        )
    if was.name != name:
        yield Words(f"{name}: si chiamava «{was.name}».", f"{name}: was called “{was.name}”.")
    if was.rules != now.rules:
        yield Words(f"{name}: regola propria cambiata.", f"{name}: another rule of its own.")
    if was.code_keys != now.code_keys:
        keys = f"**{now.code_keys}#"
        yield (
            Words(f"{name}: codice sui telefoni {keys}.", f"{name}: code on the phones {keys}.")
            if now.code_keys
            else Words(f"{name}: nessun codice sui telefoni.", f"{name}: no code on the phones.")
        )


def _rules(before: Declaration | None, new: Declaration) -> Said:
    if before is None or before.rules != new.rules:
        yield Words(
            f"Se la chiamata torna: {rules_words(new.rules, 'it')}.",
            f"If the call comes back: {rules_words(new.rules, 'en')}.",
        )
    if (before.slots if before else None) != new.slots:
        yield Words(
            f"Appuntamenti: {slots_words(new.slots, 'it')}.",
            f"Appointments: {slots_words(new.slots, 'en')}.",
        )


def _varied(register: Register, new: Variation, today: date) -> Said:
    name = name_of(register, new.unit)
    it, en = _days(new.first, new.last, today)
    met = next((bands for bands in new.week.days if bands), ()) if new.week else ()
    hours = AS_DECLARED if new.week is None else _hours(met) if met else NO_CALLS
    needs = f" ({', '.join(new.needs)})" if new.needs else ""
    yield Words(f"{name}{needs}: {it} {hours.it}.", f"{name}{needs}: {en} {hours.en}.")
    yield Words(
        "In vigore da subito; finisce da sola. Chi sta già squillando non viene interrotto.",
        "In force at once; it ends by itself. What rings already is not cut.",
    )


def _authorised(register: Register, new: Authorisation) -> Said:
    name, last = name_of(register, new.unit), new.last
    it = f" {day_phrase('fino al', last, 'it')}" if last else ""
    en = f" {day_phrase('until', last, 'en')}" if last else ""
    yield Words(f"{name}: un numero si può comunicare{it}.", f"{name}: one number may be told{en}.")


def _span(first: date, last: date | None, today: date) -> tuple[str, str]:
    """Say from when to when."""
    it, en = (
        ("da oggi", "from today")
        if first == today
        else (day_phrase("dal", first, "it"), day_phrase("from", first, "en"))
    )
    if last is None:
        return f"{it}, fino alla prossima", f"{en}, until the next one"
    return f"{it} {day_phrase('al', last, 'it')}", f"{en} {day_phrase('to', last, 'en')}"


def _days(first: date, last: date, today: date) -> tuple[str, str]:
    """Say on which days."""
    if first != last:
        return _span(first, last, today)
    if first == today:
        return "oggi", "today"
    return day_phrase("il", first, "it"), day_phrase("on", first, "en")
