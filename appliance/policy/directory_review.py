"""Views of the directory: status of each unit, what needs attention, history, times ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from appliance.policy import transfers
from appliance.policy.clock import Now
from appliance.policy.directory import (
    NOTICE_DAYS,
    AppointmentSlots,
    Authorisation,
    Declaration,
    Directory,
    DirectoryEntry,
    ReturnRule,
    Unit,
    Variation,
    lapsed_numbers,
    lapsing_numbers,
)
from appliance.policy.hours import (
    ONE_DAY,
    Closure,
    Holiday,
    NewWeek,
    Period,
    Schedule,
    SpecialOpening,
    Week,
    day_phrase_words,
    day_words,
    moment_words,
    weekday_words,
)
from appliance.policy.transfers import (
    RETURN_RULE_WORDS,
    TransferAllowed,
    TransferLater,
    may_transfer,
)
from appliance.text import Words, _, in_context, joined, unchanged


@dataclass(frozen=True, slots=True)
class NeedStatus:
    """Status of a need: whether calls may be transferred now, until when, else from when.

    `until` and `resumes` are None for never. `code` is a hindrance's, "" for none; `rules` is what
    a return leads to; `words` say all of it.
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
class UnitStatus:
    """Status of a unit; `declared_by` is the unit whose declaration is in force, "" for none."""

    unit: Unit
    declared_by: str
    needs: tuple[NeedStatus, ...]

    @property
    def is_open(self) -> bool:
        """True while calls may be transferred for at least one need."""
        return any(need.allowed for need in self.needs)


def directory_status(directory: Directory, calendar: Schedule, now: Now) -> tuple[UnitStatus, ...]:
    """Return the status of every unit; one without a valid declaration has one unnamed need."""
    return tuple(_unit_status(directory, calendar, unit, now) for unit in directory.units)


def _unit_status(directory: Directory, calendar: Schedule, unit: Unit, now: Now) -> UnitStatus:
    local = now.wall.astimezone(calendar.zone)
    held = directory.valid_declaration(unit, local.date())
    needs = tuple(_need_statuses(directory, calendar, unit, now))
    return UnitStatus(unit, held.unit if held else "", needs)


def _need_statuses(
    directory: Directory, calendar: Schedule, unit: Unit, now: Now
) -> Iterator[NeedStatus]:
    local = now.wall.astimezone(calendar.zone)
    held = directory.valid_declaration(unit, local.date())
    # without a valid declaration an unnamed need still shows why, and what to offer
    for code, name in [(n.code, n.name) for n in held.needs] if held else [("", "")]:
        answer = may_transfer(directory, calendar, unit.code, code, now)
        yield need_status(answer, code, name, local)


def need_status(
    answer: TransferAllowed | TransferLater, code: str, name: str, local: datetime
) -> NeedStatus:
    """Return the status of a need by an answer of may_transfer at the `local` time."""
    rules = tuple(rule.value for rule in answer.rules)
    if isinstance(answer, TransferAllowed):
        words = open_words(answer, local)
        return NeedStatus(code, name, True, "", rules, words, until=answer.band_ends)
    words = transfers.later_words(answer, local)
    why = answer.why.value
    return NeedStatus(code, name, False, why, rules, words, resumes=answer.resumes_at)


def open_words(allowed: TransferAllowed, local: datetime) -> Words:
    """Return the sentence that a call may be transferred, and until when."""
    name, ends = allowed.unit.name, allowed.band_ends
    if ends is None:
        return _("{name}: takes calls.", name=name)
    at = f"{ends.astimezone(local.tzinfo):%H:%M}"
    return _("{name}: takes calls until {at}.", name=name, at=at)


@dataclass(frozen=True, slots=True)
class DirectoryAttention:
    """Units without a valid declaration, declarations and authorisations that expire soon, and
    authorisations that have expired (E11, E13).
    """

    undeclared: tuple[Unit, ...] = ()
    expiring: tuple[Declaration, ...] = ()
    lapsing: tuple[Authorisation, ...] = ()
    lapsed: tuple[Authorisation, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """True when nothing needs attention."""
        return not (self.undeclared or self.expiring or self.lapsing or self.lapsed)


def attention_of(
    directory: Directory, at: datetime, zone: ZoneInfo, days: int = NOTICE_DAYS
) -> DirectoryAttention:
    """Find what needs attention on the office's own day."""
    day = at.astimezone(zone).date()
    return DirectoryAttention(
        directory.undeclared(day),
        directory.expiring(day, days),
        lapsing_numbers(directory, at, zone, days),
        lapsed_numbers(directory, at, zone),
    )


def attention_words(attention: DirectoryAttention) -> tuple[Words, ...]:
    """Return one sentence for each point, the gravest first; none contains a number (P7)."""
    return tuple(_attention_sentences(attention))


def _attention_sentences(attention: DirectoryAttention) -> Iterator[Words]:
    # the gravest first: nothing can be transferred there
    for unit in attention.undeclared:
        yield _(
            "{name} ({code}): no valid declaration, nothing can be transferred; ask "
            "the office for one.",
            name=unit.name,
            code=unit.code,
        )
    for lapsed in attention.lapsed:
        yield _(
            "{unit}: authorisation {number} ran out {on}: the number is not told any more; "
            "renew or revoke it.",
            unit=lapsed.unit,
            number=lapsed.entry.number,
            on=_on_day(lapsed),
        )
    for declaration in attention.expiring:
        on = _on_day(declaration)
        yield _(
            "{unit}: the declaration runs out {on}; ask for a new one.",
            unit=declaration.unit,
            on=on,
        )
    for lapsing in attention.lapsing:
        yield _(
            "{unit}: authorisation {number} runs out {on}: renew it if it shall go on.",
            unit=lapsing.unit,
            number=lapsing.entry.number,
            on=_on_day(lapsing),
        )


def _on_day(entry: Authorisation | Declaration) -> Words:
    """Return the day of expiry, in words."""
    assert entry.last is not None
    return day_phrase_words(in_context("day", "on"), entry.last)


ENTRY_KINDS = {
    Declaration: _("declaration"),
    Variation: _("variation"),
    Authorisation: _("authorisation"),
}
AS_DECLARED = _("as declared")
NO_BAND = _("no band")


def entered_words(entered: DirectoryEntry, language: str) -> str:
    """Return an entry in one line: kind, number, unit, validity, bands."""
    kind = ENTRY_KINDS[type(entered)].text(language)
    return f"{kind} {entered.entry.number}, {entered.unit}, {_entry_holds(entered, language)}"


def history_rows(
    entered: DirectoryEntry,
    language: str,
    zone: ZoneInfo | None = None,
    person: Callable[[str], str] = str,
) -> Iterator[str]:
    """Yield the rows that show an entry in full; `person` tells a login's own name."""
    entry = entered.entry
    on = "" if not entry.attachment else f" [{entry.attachment}]"
    yield f"{moment_words(entry.at.astimezone(zone), language)}  {entered_words(entered, language)}"
    yield f"    {person(entry.by)}: {entry.reference}{on}"
    if isinstance(entered, Declaration):
        declared = _(
            "declared by {who}; {returns}",
            who=entered.declared_by,
            returns=returns_words(entered, language),
        )
        yield f"    {declared.text(language)}"
        for need in entered.needs:
            # the number prints as a mask (P7)
            labels = ", ".join(f"{t.label or t.reach} {t.number}" for t in need.targets)
            yield f"    {need.code} ({need.name}): {labels}"
    if isinstance(entered, Authorisation) and entered.revoked is not None:
        ended = entered.revoked
        at = moment_words(ended.at.astimezone(zone), language)
        revoked = _(
            "revoked {at}, {by}: {reference}",
            at=at,
            by=person(ended.by),
            reference=ended.reference,
        )
        yield f"    {revoked.text(language)}"


def _entry_holds(entered: DirectoryEntry, language: str) -> str:
    match entered:
        case Declaration():
            span = _span(entered.first, entered.last, language)
            return f"{span}, {week_words(entered.week, language)}"
        case Variation(week=week):
            bands = AS_DECLARED.text(language) if week is None else week_words(week, language)
            needs = f" ({', '.join(entered.needs)})" if entered.needs else ""
            notice = f", «{entered.notice}»" if entered.notice else ""
            return f"{_span(entered.first, entered.last, language)}, {bands}{needs}{notice}"
    # a mask, too (P7)
    parts = (str(entered.told.number), entered.authorised_by)
    until = ""
    if entered.last:
        until = day_phrase_words(in_context("day", "until"), entered.last).text(language)
    return ", ".join(filter(None, (*parts, until)))


def returns_words(declaration: Declaration, language: str) -> str:
    """Return the return rules in words, by need where they differ, and the appointment hours."""
    rules = rules_words(declaration.rules, language)
    own = [f"{n.code}: {rules_words(n.rules, language)}" for n in declaration.needs if n.rules]
    parts = ["; ".join([rules, *own])]
    if declaration.slots:
        slots = slots_words(declaration.slots, language)
        parts.append(_("appointments {slots}", slots=slots).text(language))
    return _("return: {rules}", rules="; ".join(parts)).text(language)


def slots_words(slots: AppointmentSlots | None, language: str) -> str:
    """Return the appointment hours in words: week, minutes of one, places at a time."""
    if slots is None:
        return _("no hours offered").text(language)
    places = f" x {slots.places}" if slots.places > 1 else ""
    return f"{week_words(slots.week, language)}, {slots.minutes} min{places}"


def rules_words(rules: tuple[ReturnRule, ...], language: str) -> str:
    """Return the rules of a return in words (P6)."""
    return ", ".join(RETURN_RULE_WORDS[rule].text(language) for rule in rules)


def week_words(week: Week, language: str) -> str:
    """Return the bands of a week in words; days with the same bands are joined."""
    by_bands: dict[str, list[str]] = {}
    for number, bands in enumerate(week.days):
        if bands:
            said = " ".join(str(band) for band in bands)
            by_bands.setdefault(said, []).append(weekday_words(number, language).lower())
    rows = [f"{' '.join(days)} {bands}" for bands, days in by_bands.items()]
    return "; ".join(rows) or NO_BAND.text(language)


def _span(first: date, last: date | None, language: str) -> str:
    if first == last:
        return day_words(first, language)
    begins = day_phrase_words(in_context("day", "from"), first)
    if last is None:
        return begins.text(language)
    ends = day_phrase_words(in_context("day", "to"), last)
    return joined(" ", (begins, ends)).text(language)


SpecialTime = Holiday | Closure | SpecialOpening | Period | NewWeek | Variation | Declaration


@dataclass(frozen=True, slots=True)
class TimeAhead:
    """An entry in force from `first` to `last`, both included; None: until the next one.

    `unit` is "" for the whole site.
    """

    first: date
    last: date | None
    what: SpecialTime
    unit: str = ""


def times_ahead(
    directory: Directory, calendar: Schedule, first: date, last: date
) -> tuple[TimeAhead, ...]:
    """Return the special times that meet the days `first` to `last`, by their own first day."""
    found = (*_of_the_switchboard(calendar, first), *_of_units(directory, first))
    # the list begins with what still holds on the first day
    met = (a for a in found if a.first <= last and (a.last is None or a.last >= first))
    return tuple(sorted(met, key=lambda a: (a.first, a.unit)))


def ahead_of_units(found: tuple[TimeAhead, ...], *codes: str) -> tuple[TimeAhead, ...]:
    """Return the times of the units `codes`, without those of the site."""
    return tuple(each for each in found if each.unit and each.unit in codes)


def _of_the_switchboard(calendar: Schedule, first: date) -> Iterator[TimeAhead]:
    for holiday in calendar.holidays:
        yield TimeAhead(holiday.day, holiday.day, holiday)
    for closure in calendar.closures:
        yield TimeAhead(closure.start.date(), _last_day(closure.end), closure)
    for opening in calendar.openings:
        yield TimeAhead(opening.day, opening.day, opening)
    for period in (*calendar.periods, *calendar.entered):
        yield TimeAhead(period.first, period.last, period)
    for new in calendar.weeks:
        # a week already in force is no special time
        if new.since > first:
            yield TimeAhead(new.since, None, new)


def _last_day(end: datetime) -> date:
    """Return the last day that a closure touches; its end is exclusive."""
    return end.date() - ONE_DAY if end.time() == time() else end.date()


def _of_units(directory: Directory, first: date) -> Iterator[TimeAhead]:
    for variation in directory.variations:
        yield TimeAhead(variation.first, variation.last, variation, variation.unit)
    for declaration in directory.declarations:
        # one in force already is the ordinary state, as a week that holds
        if declaration.first > first:
            yield TimeAhead(declaration.first, declaration.last, declaration, declaration.unit)


WHOLE_SWITCHBOARD = _("the whole house")
_HOLIDAY, _CLOSED, _OPEN = (
    _("holiday"),
    _("closed"),
    _("open"),
)
_EVERY_WEEK = _("every week")
_CONFIGURED = _("the configured hours")
NOTHING_AHEAD = _("Nothing special lies ahead.")


def ahead_rows(found: Iterable[TimeAhead], language: str) -> Iterator[str]:
    """Yield a row for each: when, for whom, what holds."""
    for each in found:
        whom = each.unit or WHOLE_SWITCHBOARD.text(language)
        days = _days_ahead(each.first, each.last, language)
        yield f"{days:<47} {whom:<20} {what_holds(each, language)}"


def _days_ahead(first: date, last: date | None, language: str) -> str:
    if last is None:
        return day_phrase_words(in_context("day", "from"), first).text(language)
    begins = day_words(first, language)
    return begins if first == last else f"{begins} – {day_words(last, language)}"


def what_holds(each: TimeAhead, language: str) -> str:
    """Return its bands and notice in words, or why it is closed."""
    match each.what:
        case Holiday(name=name):
            return _named(_HOLIDAY, name, language)
        case Closure(reason=reason):
            return _named(_CLOSED, reason, language)
        case SpecialOpening(bands=bands, reason=reason):
            hours = " ".join(map(str, bands))
            return f"{_OPEN.text(language)} {hours}{_behind(reason, language)}"
        case Period(name=name, week=week) if not week.ever_opens:
            return _named(_CLOSED, name, language)
        case Period(name=name, week=week, notice=notice):
            said = f"{name.text(language)}: {week_words(week, language)}"
            return f"{said}{_behind(notice, language)}"
        case NewWeek(week=new):
            hours = week_words(new, language) if new else _CONFIGURED.text(language)
            return f"{_EVERY_WEEK.text(language)}: {hours}"
        case Variation(week=week, notice=text, needs=needs):
            hours = week_words(week, language) if week else AS_DECLARED.text(language)
            only = f" ({', '.join(needs)})" if needs else ""
            return f"{hours}{only}{_behind(unchanged(text), language)}"
    return _declaration_ahead(each.what, language)


def _declaration_ahead(declaration: Declaration, language: str) -> str:
    kind = ENTRY_KINDS[Declaration].text(language)
    return f"{kind} {declaration.entry.number}: {week_words(declaration.week, language)}"


def _named(kind: Words, name: Words, language: str) -> str:
    return f"{kind.text(language)}{_behind(name, language)}"


def _behind(words: Words, language: str) -> str:
    said = words.text(language)
    return f", «{said}»" if said else ""
