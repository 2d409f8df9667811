"""Changes to the directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from appliance.policy import directory_forms
from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Entry,
    Need,
    Reach,
    Register,
    ReturnRule,
    Target,
    Unit,
    Variation,
    faults,
    to_be_told,
)
from appliance.policy.directory_forms import Fields, Merged, Revoked, Unfit, bands_of, problem
from appliance.policy.directory_review import code_of, declared_number, free_code, needs, slots
from appliance.policy.directory_text import (
    AS_DECLARED,
    NO_BAND,
    merged_words,
    rules_words,
    slots_words,
)
from appliance.policy.hours import WEEKDAYS, Bands, Week, day_phrase
from appliance.policy.text import Words
from appliance.policy.transfers import WEEKDAY_WORDS

# ---- changes -----------------------------------------------------------------------------------
# What a change of the register will mean, said before it is saved: for the head to read (P4).

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
            said += _variation_said(merged.register, entered, today)
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
    for name, old, now in zip(WEEKDAY_WORDS, old_days, new.week.days, strict=True):
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


def _variation_said(register: Register, new: Variation, today: date) -> Said:
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


# ---- entering ----------------------------------------------------------------------------------
# What people enter into the register by a form: declarations, variations, authorisations (P4, P7).
#
# The one reader for commands and console. Each function returns the register with the entry laid
# over it, or raises Unfit with every problem at its field; nothing entered before is changed.

Form = Mapping[str, Any]
T = TypeVar("T")

CLOSED, DECLARED = "closed", "declared"
"""What a variation may say instead of bands: none at all, or those declared after all."""
_KINDS = ("declarations", "variations", "authorisations")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who enters something, when (aware), and the file that is attached to it ("" for none)."""

    by: str
    at: datetime
    attachment: str = ""


Make = Callable[[Register, Form, Stamp, date], Merged]
"""How a form is read: the register as stored, the form, who enters it, the office's own day."""


def declare(stored: Register, form: Form, stamp: Stamp, today: date) -> Merged:
    """Enter a declaration; without needs only where the form says that it withdraws."""
    fields = Fields(form, [])
    unit, entry = _unit(stored, fields), _entry(stored, fields, stamp)
    by = fields.text("declared_by", is_needed=True)
    first, last = fields.day("first", today) or today, fields.day("last")
    week, offered = fields.week("week"), slots(fields)
    rules = fields.rules("rules")
    wanted = () if fields.flag("withdraw") else tuple(needs(stored, fields))
    _check_declaration(fields, rules, week, has_needs=bool(wanted))
    rules = rules or (ReturnRule.EMAIL,)  # one that is not given is told of, not an exception
    made = fields.attempt(
        "last",
        lambda: Declaration(entry, unit, by, week, rules, wanted, first, last, offered),
    )
    return _fitting(stored, directory_forms.added(stored, _good(fields, made)))


def _check_declaration(
    fields: Fields, rules: tuple[ReturnRule, ...], week: Week, *, has_needs: bool
) -> None:
    if not rules:
        fields.wrong(
            "rules",
            "scegliere almeno una regola: appuntamento o e-mail",
            "choose a rule at least: appointment or e-mail",
        )
    if fields.flag("withdraw"):
        return
    if not has_needs:
        fields.wrong(
            "needs",
            "indicare almeno una necessità, o «non riceve chiamate»",
            "name a need at least, or “takes no calls”",
        )
    if not week.ever_opens:
        fields.wrong(
            "week",
            "nessun giorno ha una fascia: indicarne almeno una",
            "no day has a band: give one at least",
        )


def vary(stored: Register, form: Form, stamp: Stamp, today: date) -> Merged:
    """Enter other bands for a day or some (E12): `hours` are bands, "closed" or "declared"."""
    fields = Fields(form, [])
    unit, entry = _unit(stored, fields), _entry(stored, fields, stamp)
    first = fields.day("first", today) or today
    last = fields.day("last", first) or first
    if last < today:
        fields.wrong(
            "last",
            f"{day_phrase('il', last, 'it')} è passato: indicare un giorno a venire",
            f"{day_phrase('', last, 'en')} is past: name a day to come",
        )
    found = stored.unit(unit)
    declared = directory_forms.in_force(stored).valid_declaration(found, first) if found else None
    if found is not None and declared is None:
        fields.wrong(
            "unit",
            f"nessuna comunicazione vale {day_phrase('il', first, 'it')}: non c'è nulla da variare",
            f"{unit} has no valid declaration {day_phrase('on', first, 'en')}: there is nothing to "
            "vary",
        )
    week = _varied_week(fields, _weekdays(first, last, declared))
    only, notice = fields.texts("needs"), fields.text("notice")
    made = fields.attempt("last", lambda: Variation(entry, unit, first, last, week, only, notice))
    return _fitting(stored, directory_forms.added(stored, _good(fields, made)))


def authorise(stored: Register, form: Form, stamp: Stamp, today: date) -> Merged:
    """Enter the written leave to tell a number outside: one that is declared, or one written."""
    fields = Fields(form, [])
    unit, entry = _unit(stored, fields), _entry(stored, fields, stamp)
    by, last = fields.text("authorised_by", is_needed=True), fields.day("last")
    told = _good(fields, _told(stored, fields, unit, today))
    leave = Authorisation(entry, unit, told, by, last=last)
    return _fitting(stored, directory_forms.added(stored, leave))


def revoke(stored: Register, form: Form, stamp: Stamp, _today: date) -> Merged:
    """End the authorisation of the entry `number`."""
    fields = Fields(form, [])
    entry, number = _entry(stored, fields, stamp), fields.number("number", 0)
    held = [each.entry.number for each in stored.authorisations if not each.revoked]
    if number not in held:
        known = ", ".join(map(str, held))
        fields.wrong(
            "number",
            f"{number} non è un'autorizzazione valida; lo sono: {known or 'nessuna'}",
            f"{number} is no authorisation that holds; those are {known or 'none'}",
        )
    return directory_forms.ended(stored, Revoked(number, _good(fields, entry)))


def edit_unit(stored: Register, form: Form, _stamp: Stamp, _today: date) -> Merged:
    """Change a unit's name, e-mail or sentence to say, or add one; what is not named stays."""
    fields = Fields(form, [])
    code = _unit(stored, fields) if form.get("unit") else ""
    known = stored.unit(code)
    if known is None:
        made = code_of(fields.text("name", is_needed=True)) or "ufficio"
        known = Unit(free_code(made, {each.code for each in stored.units}), "", "")
        known = replace(known, service=fields.text("service"))
    name, email = (
        fields.text(each, is_needed=True) if each in form else getattr(known, each)
        for each in ("name", "email")
    )
    say = fields.text("say") if "say" in form else known.say
    after = _good(fields, replace(known, name=name, email=email, say=say))
    return _fitting(stored, directory_forms.with_unit(stored, after))


# --- parts --------------------------------------------------------------------------------------


def _unit(stored: Register, fields: Fields) -> str:
    code = fields.text("unit")
    if stored.unit(code) is None:
        known = ", ".join(unit.code for unit in stored.units) or "none"
        fields.wrong(
            "unit",
            f"«{code}» non è nella rubrica",
            f"there is no office {code!r} in the register; known are {known}",
        )
    return code


def _entry(stored: Register, fields: Fields, stamp: Stamp) -> Entry:
    """Make the entry's stamp; what is wrong in it is told of, and another one stands in."""
    number, reference = stored.last_number() + 1, fields.text("reference")
    made = fields.attempt(
        "reference", lambda: Entry(number, stamp.by, stamp.at, reference, stamp.attachment)
    )
    return made or Entry(number, stamp.by, stamp.at, "-")


def _weekdays(first: date, last: date, declared: Declaration | None) -> set[int]:
    """Return the weekdays that a variation meets: of several days those with declared bands.

    Summer hours open no Sunday; what is entered for one day is for that day, whichever it is.
    """
    met = {(first + timedelta(days=n)).weekday() for n in range(min(7, (last - first).days + 1))}
    usual = {number for number in met if declared and declared.week.days[number]}
    return usual if usual and last > first else met


def _varied_week(fields: Fields, weekdays: set[int]) -> Week | None:
    """Make the week of a variation: the bands on each weekday that it meets."""
    hours = fields.text("hours", is_needed=True)
    if hours == DECLARED:
        return None
    bands = (fields.attempt("hours", lambda: bands_of(hours)) or ()) if hours != CLOSED else ()
    return Week(tuple(bands if number in weekdays else () for number in range(len(WEEKDAYS))))


def _told(stored: Register, fields: Fields, unit: str, today: date) -> Target | None:
    if not fields.text("need"):
        written = fields.text("number", is_needed=True)
        return fields.attempt("number", lambda: to_be_told(written)) if written else None
    code, which = fields.text("need"), fields.number("which", 1)
    declaration = directory_forms.in_force(stored).own_declaration(unit, today)
    found = declared_number(stored, declaration.entry.number, code, which) if declaration else None
    if found is None:
        fields.wrong(
            "need",
            f"non è stato comunicato un numero {which} per «{code}»",
            f"{unit} has declared no number {which} for the need {code!r}",
        )
        return None
    if found.reach is not Reach.OUTSIDE:
        fields.wrong(
            "need",
            "è un numero interno: indicare quello che si compone da fuori",
            f"number {which} of {code!r} is one within the house: leave the need out and give the "
            "one that is dialled from outside",
        )
        return None
    return replace(found, label="")


def _good(fields: Fields, made: T | None) -> T:
    """Return what was made; raises Unfit where anything of its form is wrong."""
    if fields.problems or made is None:
        raise Unfit(*fields.problems)
    return made


def _fitting(stored: Register, merged: Merged) -> Merged:
    """Return the change unless it brings a new fault; raises Unfit with all of them."""
    before = {fault.text for fault in faults(directory_forms.in_force(stored))}
    new = [f for f in faults(directory_forms.in_force(merged.register)) if f.text not in before]
    if new:
        raise Unfit(*(problem(_field(f.place), f.it, f.text) for f in new))
    return merged


def _field(place: str) -> str:
    """Return the form's field of a fault: its place without the list and its number."""
    kind, _, rest = place.partition(".")
    return rest.partition(".")[2] if kind in _KINDS else ""
