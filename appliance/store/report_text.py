"""Monthly reports as text, CSV and JSON, and the monthly sheet of one unit."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from appliance.policy.hours import day_phrase_words, month_words, weekday_words
from appliance.policy.reports import (
    CallFigures,
    Ending,
    MonthlyReport,
    UnitFigures,
    call_figures,
    hours_axis,
    month_key,
    months_axis,
    seconds_shown,
)
from appliance.store.listings import columns
from appliance.text import Words, _, in_context

TEXTS: Final[Mapping[str, Words]] = {
    "headline": _("Answered by the filter without transfer: {} of {} served ({})"),
    "calls": _("Calls"),
    "filter": _("answered by the filter"),
    "informed": _("answered by a sheet"),
    "transferred": _("transferred"),
    "returned": _("returned"),
    "voicemail": _("voicemail"),
    "lost": _("lost"),
    "other": _("other (fax, other telephones)"),
    "overflow": _("passed to the counter"),
    "called_back": _("called back the same day"),
    "within": _("answered within 20 s"),
    "third_ring": _("by the third ring"),
    "mean": _("mean wait"),
    "longest": _("longest wait"),
    "by_number": _("By number called"),
    "by_month": _("By month"),
    "by_hour": _("By hour"),
    "by_weekday": _("By weekday"),
    "before": in_context("reports", "Before"),
    "compared": _("In brackets and under “Before”: the period before, {from_day} {to_day}."),
    "by_position": _("By position ({})"),
    "by_unit": _("By unit"),
    "unknown": _("not known"),
    "header": _("|Calls|Filter|Transf.|Returned|Voicem.|Lost|Other|Counter|≤20 s|Mean wait"),
    "units_header": _("Unit|Transfers|Accepted|Returned|Appointments|E-mails|Open|Overdue"),
    "requests": _("Requests taken: {} appointments, {} e-mails; open now {}, overdue {}"),
    "unit_title": _("{}: calls and requests, {}"),
    "unit_sent": _("Calls transferred: {}, accepted {}."),
    "unit_returned": _("Returned ({}): {}."),
    "unit_taken": _("Taken by the front desk: {} appointments, {} requests by e-mail."),
    "unit_open": _("Still open today: {}, overdue: {}."),
}
# Reasons of a return; any other is shown as its code.
REASONS: Final[Mapping[str, Words]] = {
    "no_answer": _("no answer"),
    "busy": in_context("reports", "busy"),
    "unreachable": in_context("reports", "unreachable"),
    "declined": _("declined"),
    "refused": _("refused by the clerk"),
    "sent_back": _("sent back by the office"),
    "lost": _("the office's phone was lost"),
    "taken_back": _("taken back by the front desk"),
    "unfinished": _("ended before it was put through"),
}
ENDING_NAMES: Final = tuple(each.value for each in Ending)


def as_json(found: MonthlyReport, first: date, last: date) -> str:
    """Write all figures as JSON; the keys are stable."""
    value = {"from": first.isoformat(), "to": last.isoformat(), **dataclasses.asdict(found)}
    value["total"] |= {"by_filter": found.total.by_filter, "served": found.total.served}
    return json.dumps(value, ensure_ascii=False, indent=2)


def as_csv(found: MonthlyReport) -> str:
    """Write the figures as CSV, one row a group."""
    out = io.StringIO()
    # Italian spreadsheets expect semicolons.
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    head = (
        "group",
        "key",
        "calls",
        *ENDING_NAMES,
        "overflow",
        "answered",
        "within_20s",
        "third_ring",
    )
    writer.writerow((*head, "mean_wait_s", "longest_wait_s", "called_back"))
    for group, key, figures in _groups(found):
        writer.writerow((group, key, *_cells(figures)))
    writer.writerow(())
    writer.writerow(
        ("group", "key", "transfers", "accepted", "returned", "appointments", "emails", "open",
         "overdue")
    )  # fmt: skip
    for unit, told in found.units.items():
        writer.writerow(("unit", unit, *_unit_cells(told)))
    for need, told in found.needs.items():
        writer.writerow(("need", need, *_unit_cells(told)))
    return out.getvalue()


def _groups(found: MonthlyReport) -> Iterator[tuple[str, str, CallFigures]]:
    yield "total", "", found.total
    for number, figures in found.numbers.items():
        yield "number", number, figures
    for month, figures in found.months.items():
        yield "month", month, figures
    for day, figures in found.weekdays.items():
        # as ISO 8601 numbers them: Monday is 1
        yield "weekday", str(day + 1), figures
    for hour, figures in found.hours.items():
        yield "hour", str(hour), figures
    for position, figures in found.positions.items():
        yield "position", position, figures


def _cells(figures: CallFigures) -> tuple[object, ...]:
    return (
        figures.calls,
        *(figures.endings.get(each, 0) for each in Ending),
        figures.overflow,
        figures.answered,
        figures.within,
        figures.third_ring,
        _rounded(figures.mean_wait_s),
        _rounded(figures.longest_wait_s),
        figures.called_back,
    )


def _rounded(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _unit_cells(told: UnitFigures) -> tuple[int, ...]:
    returned = sum(told.returned.values())
    taken = (told.appointments, told.emails, told.open, told.overdue)
    return (told.asked, told.accepted, returned, *taken)


def as_text(
    found: MonthlyReport,
    first: date,
    last: date,
    language: str,
    names: Mapping[str, str],
    reference: str = "",
) -> str:
    """Write the report as text.

    `names` are those of units and needs ("unit.need"), `reference` is the agreement of E21.
    """
    return "\n".join(ReportText(found, language, names, reference).lines(first, last))


@dataclasses.dataclass(frozen=True, slots=True)
class ReportText:
    """A report as text: line by line, or its parts for a PDF."""

    found: MonthlyReport
    language: str
    names: Mapping[str, str]
    reference: str
    before: MonthlyReport | None = None
    days_before: tuple[date, date] | None = None

    def lines(self, first: date, last: date) -> Iterator[str]:
        """Yield the lines, the headline first."""
        yield self.title(first, last)
        yield self.headline()
        yield ""
        (calls, count), *counts = self.totals()
        yield f"{calls}: {count}"
        yield from (f"  {label}: {count}" for label, count in counts)
        yield self.requests()
        if compared := self.compared():
            yield compared
        for heading, rows in self.tables():
            yield ""
            yield heading
            yield columns(rows)

    def title(self, first: date, last: date) -> str:
        """Return the title, with the days of the report."""
        return title(first, last).text(self.language)

    def headline(self) -> str:
        """Return the share of calls that the front desk answered without transfer."""
        total, share = self.found.total, self.found.total.filter_share
        percent = "–" if share is None else f"{share:.0%}"
        return self._say("headline").format(total.by_filter, total.served, percent)

    def requests(self) -> str:
        """Return the counts of requests."""
        every = self.found.every_unit
        counts = (every.appointments, every.emails, every.open, every.overdue)
        return self._say("requests").format(*counts)

    def tables(self) -> Iterator[tuple[str, list[list[str]]]]:
        """Yield each table: heading, and rows with the columns' names first."""
        numbers = {key or self._say("unknown"): f for key, f in self.found.numbers.items()}
        yield self._table("by_number", numbers)
        yield self._table("by_month", by_month(self.found, self.language))
        for what, rows, before in compared_tables(self.found, self.before, self.language):
            yield self._compared_table(what, rows, before)
        # Figures per position come with the reference of the agreement that allows them (E21).
        if self.found.positions:
            yield self._table("by_position", self.found.positions, self.reference)
        if self.found.units:
            header = self._say("units_header").split("|")
            yield self._say("by_unit"), [header, *self._unit_rows()]

    def _say(self, what: str) -> str:
        return TEXTS[what].text(self.language)

    def compared(self) -> str:
        """Return the sentence that says which period is compared, "" without one."""
        if self.before is None or self.days_before is None:
            return ""
        return compared_words(*self.days_before).text(self.language)

    def totals(self) -> Iterator[tuple[str, str]]:
        """Yield the totals as (label, figure), all calls first; the period before in brackets."""
        found = total_figures(self.found.total, self.language)
        before = total_figures(self.before.total, self.language) if self.before else {}
        for what, figure in found.items():
            brackets = f" ({before.get(what, NONE)})" if self.before else ""
            yield self._say(what), f"{figure}{brackets}"

    def _table(
        self, what: str, rows: Mapping[str, CallFigures], told: str = ""
    ) -> tuple[str, list[list[str]]]:
        cells = [self._row(key, figures) for key, figures in rows.items()]
        return self._say(what).format(told), [self._say("header").split("|"), *cells]

    def _compared_table(
        self, what: str, rows: Mapping[str, CallFigures], before: Mapping[str, int]
    ) -> tuple[str, list[list[str]]]:
        heading, (header, *cells) = self._table(what, rows)
        if not before:
            return heading, [header, *cells]
        added = [[*row, str(before[row[0]])] for row in cells]
        return heading, [[*header, self._say("before")], *added]

    def _row(self, key: str, figures: CallFigures) -> list[str]:
        ways = figures.endings
        mean = seconds_shown(figures.mean_wait_s, self.language)
        counts = (
            figures.calls, figures.by_filter, ways.get(Ending.TRANSFERRED, 0),
            ways.get(Ending.RETURNED, 0), ways.get(Ending.VOICEMAIL, 0), ways.get(Ending.LOST, 0),
            ways.get(Ending.OTHER, 0), figures.overflow, figures.within,
        )  # fmt: skip
        return [key, *map(str, counts), mean]

    def _unit_rows(self) -> Iterator[list[str]]:
        """Yield each unit's row, and below it one for each of its needs."""
        for unit, told in self.found.units.items():
            yield [self.names.get(unit, unit), *map(str, _unit_cells(told))]
            for need, part in self.found.needs.items():
                if need.startswith(f"{unit}."):
                    name = self.names.get(need, need.removeprefix(f"{unit}."))
                    yield [f"- {name}", *map(str, _unit_cells(part))]


NONE: Final = "–"
NO_CALL: Final = call_figures(())


def total_figures(total: CallFigures, language: str) -> dict[str, str]:
    """Return the totals by the names of their labels in TEXTS, all calls first."""
    counts: dict[str, int] = {"calls": total.calls}
    counts |= {each: total.endings.get(Ending(each), 0) for each in ENDING_NAMES}
    counts |= {"called_back": total.called_back, "overflow": total.overflow}
    counts |= {"within": total.within, "third_ring": total.third_ring}
    found = {what: str(count) for what, count in counts.items()}
    if total.mean_wait_s is not None and total.longest_wait_s is not None:
        found["mean"] = seconds_shown(total.mean_wait_s, language)
        found["longest"] = seconds_shown(total.longest_wait_s, language)
    return found


def by_month(found: MonthlyReport, language: str) -> dict[str, CallFigures]:
    """Return the figures by month in words, with the months without a call in between."""
    return {
        month_words(month, language): found.months.get(month_key(month), NO_CALL)
        for month in months_axis(found)
    }


def compared_tables(
    found: MonthlyReport, before: MonthlyReport | None, language: str
) -> Iterator[tuple[str, dict[str, CallFigures], dict[str, int]]]:
    """Yield heading, rows and calls of the period before: by weekday and by hour.

    Weekdays and hours without a call have their rows, too.
    """
    compared = (found, before) if before else (found,)
    days = {n: weekday_words(n, language) for n in range(7)} if found.total.calls else {}
    hours = {n: f"{n}–{n + 1}" for n in hours_axis(*compared)}
    for what, labels in (("weekdays", days), ("hours", hours)):
        now = getattr(found, what)
        earlier = getattr(before, what) if before else {}
        yield (
            f"by_{what[:-1]}",
            {label: now.get(key, NO_CALL) for key, label in labels.items()},
            {label: earlier.get(key, NO_CALL).calls for key, label in labels.items()}
            if before
            else {},
        )


def compared_words(first: date, last: date) -> Words:
    """Return the sentence that says which period a report is compared with."""
    return TEXTS["compared"].filled(
        from_day=day_phrase_words(in_context("day", "from"), first),
        to_day=day_phrase_words(in_context("day", "to"), last),
    )


def title(first: date, last: date) -> Words:
    """Return the title of a report from one day to another."""
    return _(
        "Report {from_day} {to_day}",
        from_day=day_phrase_words(in_context("day", "from"), first),
        to_day=day_phrase_words(in_context("day", "to"), last),
    )


def unit_sheet(told: UnitFigures, name: str, span: str, language: str) -> tuple[str, str]:
    """Write one unit's sheet of a time: subject and body of the mail to the unit."""
    head = TEXTS["unit_title"].filled(name, span).text(language)
    lines = [head, "", TEXTS["unit_sent"].filled(told.asked, told.accepted).text(language)]
    for reason, count in told.returned.items():
        words = REASONS[reason].text(language) if reason in REASONS else reason
        lines.append(TEXTS["unit_returned"].filled(words, count).text(language))
    lines.append(TEXTS["unit_taken"].filled(told.appointments, told.emails).text(language))
    lines.append(TEXTS["unit_open"].filled(told.open, told.overdue).text(language))
    return head, "\n".join(lines) + "\n"
