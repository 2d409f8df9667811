"""The directory's texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from zoneinfo import ZoneInfo

from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Entered,
    ReturnRule,
    Slots,
    Variation,
)
from appliance.policy.directory_forms import Merged
from appliance.policy.directory_review import Ahead
from appliance.policy.hours import (
    WEEKDAYS,
    Closure,
    Holiday,
    NewWeek,
    Opening,
    Period,
    Week,
    day_phrase,
    day_words,
    moment_words,
)
from appliance.policy.text import Words, in_language
from appliance.policy.transfers import OFFERS

# ---- words -------------------------------------------------------------------------------------
# What is said of the register: what a change brought, what was ever entered; no number (P7).

KINDS = {
    Declaration: Words("comunicazione", "declaration"),
    Variation: Words("variazione", "variation"),
    Authorisation: Words("autorizzazione", "authorisation"),
}
AS_DECLARED = Words("come comunicato", "as declared")
NO_BAND = Words("nessuna fascia", "no band")
SHORT = {
    day: Words(it, day[:3])
    for day, it in zip(WEEKDAYS, ("lun", "mar", "mer", "gio", "ven", "sab", "dom"), strict=True)
}
NOTHING_NEW = Words(
    "Niente di nuovo: tutto era già nella rubrica.", "Nothing new: all of it was there already."
)


def merged_words(merged: Merged) -> Iterator[Words]:
    """Say what a change brought: new, changed, gone, superseded, unchanged."""
    if merged.is_nothing:
        yield NOTHING_NEW
        return
    for unit in merged.new_units:
        yield Words(f"nuovo: {unit.code}, {unit.name}", f"new: {unit.code}, {unit.name}")
    for unit in merged.changed_units:
        yield Words(f"cambiato: {unit.code}, {unit.name}", f"changed: {unit.code}, {unit.name}")
    for unit in merged.gone_units:
        yield Words(
            f"non più nella rubrica: {unit.code}, {unit.name}; non si trasferisce più",
            f"no longer in the register: {unit.code}, {unit.name}; nothing is transferred there",
        )
    takes_place = {new.entry.number: old.entry.number for old, new in merged.superseded}
    for entered in merged.new:
        old = takes_place.get(entered.entry.number)
        it, en = (f"; sostituisce la {old}", f"; supersedes {old}") if old else ("", "")
        said = Words(entered_words(entered, "it"), entered_words(entered, "en"))
        yield Words(f"nuova: {said.it}{it}", f"new: {said.en}{en}")
    for revoked in merged.revoked:
        yield Words(
            f"revocata: autorizzazione {revoked.number}", f"revoked: authorisation {revoked.number}"
        )
    if merged.unchanged:
        same, kept = merged.unchanged, merged.kept
        yield Words(
            f"{same} voci erano già lì, {kept} altre restano",
            f"{same} entries were there already, {kept} others stay",
        )


def entered_words(entered: Entered, language: str) -> str:
    """Say what was entered in one line: kind, number, unit, when it holds, in which bands."""
    kind = in_language(KINDS[type(entered)], language)
    return f"{kind} {entered.entry.number}, {entered.unit}, {_holds(entered, language)}"


def history_rows(entered: Entered, language: str, zone: ZoneInfo | None = None) -> Iterator[str]:
    """Say all there is to say of an entry, in rows."""
    entry = entered.entry
    on = "" if not entry.attachment else f" [{entry.attachment}]"
    yield f"{moment_words(entry.at.astimezone(zone), language)}  {entered_words(entered, language)}"
    yield f"    {entry.by}: {entry.reference}{on}"
    if isinstance(entered, Declaration):
        said = "comunicata da" if language == "it" else "declared by"
        yield f"    {said} {entered.declared_by}; {returns_words(entered, language)}"
        for need in entered.needs:
            labels = ", ".join(f"{t.label or t.reach} {t.number}" for t in need.targets)
            yield f"    {need.code} ({need.name}): {labels}"
    if isinstance(entered, Authorisation) and entered.revoked is not None:
        ended, word = entered.revoked, "revocata" if language == "it" else "revoked"
        at = ended.at.astimezone(zone)
        yield f"    {word} {moment_words(at, language)}, {ended.by}: {ended.reference}"


def _holds(entered: Entered, language: str) -> str:
    match entered:
        case Declaration():
            span = _span(entered.first, entered.last, language)
            return f"{span}, {week_words(entered.week, language)}"
        case Variation(week=week):
            bands = (
                in_language(AS_DECLARED, language) if week is None else week_words(week, language)
            )
            needs = f" ({', '.join(entered.needs)})" if entered.needs else ""
            notice = f", «{entered.notice}»" if entered.notice else ""
            return f"{_span(entered.first, entered.last, language)}, {bands}{needs}{notice}"
    parts = (str(entered.told.number), entered.authorised_by)
    until = ""
    if entered.last:
        word = "fino al" if language == "it" else "until"
        until = day_phrase(word, entered.last, language)
    return ", ".join(filter(None, (*parts, until)))


def returns_words(declaration: Declaration, language: str) -> str:
    """Say what a return leads to, by need where that differs, and when appointments are offered."""
    rules = rules_words(declaration.rules, language)
    own = [f"{n.code}: {rules_words(n.rules, language)}" for n in declaration.needs if n.rules]
    parts = ["; ".join([rules, *own])]
    if declaration.slots:
        kind = "appuntamenti" if language == "it" else "appointments"
        parts.append(f"{kind} {slots_words(declaration.slots, language)}")
    return f"{'ritorno' if language == 'it' else 'return'}: {'; '.join(parts)}"


def slots_words(slots: Slots | None, language: str) -> str:
    """Say when appointments are offered, how long one is and how many at a time."""
    if slots is None:
        return "nessun orario offerto" if language == "it" else "no hours offered"
    places = f" x {slots.places}" if slots.places > 1 else ""
    return f"{week_words(slots.week, language)}, {slots.minutes} min{places}"


def rules_words(rules: tuple[ReturnRule, ...], language: str) -> str:
    """Say what a return leads to."""
    return ", ".join(in_language(OFFERS[rule], language) for rule in rules)


def week_words(week: Week, language: str) -> str:
    """Say the bands of a week, days that are alike together."""
    by_bands: dict[str, list[str]] = {}
    for day, bands in zip(WEEKDAYS, week.days, strict=True):
        if bands:
            said = " ".join(str(band) for band in bands)
            by_bands.setdefault(said, []).append(in_language(SHORT[day], language))
    rows = [f"{' '.join(days)} {bands}" for bands, days in by_bands.items()]
    return "; ".join(rows) or in_language(NO_BAND, language)


def _span(first: date, last: date | None, language: str) -> str:
    begins = "dal" if language == "it" else "from"
    ends = "al" if language == "it" else "to"
    if first == last:
        return day_words(first, language)
    until = f" {day_phrase(ends, last, language)}" if last else ""
    return day_phrase(begins, first, language) + until


# ---- ahead words -------------------------------------------------------------------------------
# What is said of the special times to come, of the house and of units (E14).

HOUSE = Words("tutto il centralino", "the whole house")
HOLIDAY, CLOSED, OPEN = (
    Words("festa", "holiday"),
    Words("chiuso", "closed"),
    Words("aperto", "open"),
)
EVERY_WEEK = Words("ogni settimana", "every week")
CONFIGURED = Words("l'orario configurato", "the configured hours")
NOTHING_AHEAD = Words("Niente di speciale in vista.", "Nothing special lies ahead.")


def ahead_rows(found: Iterable[Ahead], language: str) -> Iterator[str]:
    """Say each in a row: when, of whom, what holds."""
    for each in found:
        whom = each.unit or in_language(HOUSE, language)
        yield f"{_when(each.first, each.last, language):<47} {whom:<20} {what(each, language)}"


def _when(first: date, last: date | None, language: str) -> str:
    if last is None:
        return day_phrase("dal" if language == "it" else "from", first, language)
    begins = day_words(first, language)
    return begins if first == last else f"{begins} – {day_words(last, language)}"


def what(each: Ahead, language: str) -> str:
    """Say what holds then: its bands and its notice, or why it is closed."""
    match each.what:
        case Holiday(name=name):
            return _named(HOLIDAY, name, language)
        case Closure(reason=reason):
            return _named(CLOSED, reason, language)
        case Opening(bands=bands, reason=reason):
            hours = " ".join(map(str, bands))
            return f"{in_language(OPEN, language)} {hours}{_behind(reason, language)}"
        case Period(name=name, week=week) if not week.ever_opens:
            return _named(CLOSED, name, language)
        case Period(name=name, week=week, notice=notice):
            said = f"{in_language(name, language)}: {week_words(week, language)}"
            return f"{said}{_behind(notice, language)}"
        case NewWeek(week=new):
            hours = week_words(new, language) if new else in_language(CONFIGURED, language)
            return f"{in_language(EVERY_WEEK, language)}: {hours}"
        case Variation(week=week, notice=text, needs=needs):
            hours = week_words(week, language) if week else in_language(AS_DECLARED, language)
            only = f" ({', '.join(needs)})" if needs else ""
            return f"{hours}{only}{_behind(Words(text, text), language)}"
    return _declared(each.what, language)


def _declared(declaration: Declaration, language: str) -> str:
    kind = in_language(KINDS[Declaration], language)
    return f"{kind} {declaration.entry.number}: {week_words(declaration.week, language)}"


def _named(kind: Words, name: Words, language: str) -> str:
    return f"{in_language(kind, language)}{_behind(name, language)}"


def _behind(words: Words, language: str) -> str:
    said = in_language(words, language)
    return f", «{said}»" if said else ""
