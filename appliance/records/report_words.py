"""The report as people and programmes read it: text, CSV, JSON, and the sheet of one unit."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from appliance.policy.local_time import day_phrase
from appliance.policy.report import Ending, Figures, Report, UnitFigures, seconds_shown
from appliance.policy.words import Words
from appliance.records.listing import columns, one

TEXTS: Final[Mapping[str, Words]] = {
    "headline": Words(
        "Risposte del filtro senza trasferimento: {} su {} servite ({})",
        "Answered by the filter without transfer: {} of {} served ({})",
    ),
    "calls": Words("Chiamate", "Calls"),
    "filter": Words("risposte dal filtro", "answered by the filter"),
    "informed": Words("risposte da una scheda", "answered by a sheet"),
    "transferred": Words("trasferite", "transferred"),
    "returned": Words("ritornate", "returned"),
    "voicemail": Words("segreteria", "voicemail"),
    "lost": Words("perse", "lost"),
    "other": Words("altro (fax, altri apparecchi)", "other (fax, other telephones)"),
    "overflow": Words("passate allo Sportello", "passed to the counter"),
    "within": Words("risposte entro 20 s", "answered within 20 s"),
    "third_ring": Words("entro il terzo squillo", "by the third ring"),
    "mean": Words("attesa media", "mean wait"),
    "longest": Words("attesa più lunga", "longest wait"),
    "by_number": Words("Per numero chiamato", "By number called"),
    "by_month": Words("Per mese", "By month"),
    "by_hour": Words("Per ora", "By hour"),
    "by_position": Words("Per postazione ({})", "By position ({})"),
    "by_unit": Words("Per ufficio", "By unit"),
    "unknown": Words("non noto", "not known"),
    "header": Words(
        "|Chiamate|Filtro|Trasf.|Ritorni|Segret.|Perse|Altro|Sportello|≤20 s|Attesa media",
        "|Calls|Filter|Transf.|Returned|Voicem.|Lost|Other|Counter|≤20 s|Mean wait",
    ),
    "units_header": Words(
        "Ufficio|Trasferite|Accettate|Ritornate|Appuntamenti|E-mail|Aperte|In ritardo",
        "Unit|Transfers|Accepted|Returned|Appointments|E-mails|Open|Overdue",
    ),
    "requests": Words(
        "Prese in carico: {} appuntamenti, {} e-mail; aperte ora {}, in ritardo {}",
        "Requests taken: {} appointments, {} e-mails; open now {}, overdue {}",
    ),
    "unit_title": Words("{}: chiamate e richieste, {}", "{}: calls and requests, {}"),
    "unit_sent": Words(
        "Chiamate trasferite: {}, accettate {}.", "Calls transferred: {}, accepted {}."
    ),
    "unit_returned": Words("Ritornate ({}): {}.", "Returned ({}): {}."),
    "unit_taken": Words(
        "Presi in carico dal centralino: {} appuntamenti, {} richieste per e-mail.",
        "Taken by the front desk: {} appointments, {} requests by e-mail.",
    ),
    "unit_open": Words(
        "Ancora aperte oggi: {}, in ritardo: {}.", "Still open today: {}, overdue: {}."
    ),
}
REASONS: Final[Mapping[str, Words]] = {
    "no_answer": Words("nessuna risposta", "no answer"),
    "busy": Words("occupato", "busy"),
    "unreachable": Words("irraggiungibile", "unreachable"),
    "declined": Words("non accettata", "declined"),
    "refused": Words("rifiutata a voce dall'ufficio", "refused by the clerk"),
    "sent_back": Words("rimandata dall'ufficio", "sent back by the office"),
    "lost": Words("telefono dell'ufficio caduto", "the office's phone was lost"),
    "taken_back": Words("ripresa dal centralino", "taken back by the front desk"),
    "unfinished": Words("finita prima del passaggio", "ended before it was put through"),
}
"""Why a transfer came back; a reason that is not here is shown as its code."""
ENDINGS: Final = tuple(each.value for each in Ending)


def as_json(found: Report, first: date, last: date) -> str:
    """Write all figures for programmes; the keys are kept stable."""
    value = {"from": first.isoformat(), "to": last.isoformat(), **dataclasses.asdict(found)}
    value["total"] |= {"by_filter": found.total.by_filter, "served": found.total.served}
    return json.dumps(value, ensure_ascii=False, indent=2)


def as_csv(found: Report) -> str:
    """Write one row a group for a spreadsheet: semicolons, as Italian ones expect."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    head = ("group", "key", "calls", *ENDINGS, "overflow", "answered", "within_20s", "third_ring")
    writer.writerow((*head, "mean_wait_s", "longest_wait_s"))
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


def _groups(found: Report) -> Iterator[tuple[str, str, Figures]]:
    yield "total", "", found.total
    for number, figures in found.numbers.items():
        yield "number", number, figures
    for month, figures in found.months.items():
        yield "month", month, figures
    for hour, figures in found.hours.items():
        yield "hour", str(hour), figures
    for position, figures in found.positions.items():
        yield "position", position, figures


def _cells(figures: Figures) -> tuple[object, ...]:
    return (
        figures.calls,
        *(figures.endings.get(each, 0) for each in Ending),
        figures.overflow,
        figures.answered,
        figures.within,
        figures.third_ring,
        _rounded(figures.mean_wait_s),
        _rounded(figures.longest_wait_s),
    )


def _rounded(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _unit_cells(told: UnitFigures) -> tuple[int, ...]:
    returned = sum(told.returned.values())
    taken = (told.appointments, told.emails, told.open, told.overdue)
    return (told.asked, told.accepted, returned, *taken)


def as_text(
    found: Report,
    first: date,
    last: date,
    language: str,
    names: Mapping[str, str],
    reference: str = "",
) -> str:
    """Write the report for people.

    `names` are the units' and the needs' ("unit.need"), `reference` the agreement of E21.
    """
    return "\n".join(Teller(found, language, names, reference).lines(first, last))


@dataclasses.dataclass(frozen=True, slots=True)
class Teller:
    """A report in words: line by line, or its parts for a paper."""

    found: Report
    language: str
    names: Mapping[str, str]
    reference: str

    def lines(self, first: date, last: date) -> Iterator[str]:
        """Yield the lines, the headline first."""
        yield self.title(first, last)
        yield self.headline()
        yield ""
        (calls, count), *counts = self.totals()
        yield f"{calls}: {count}"
        yield from (f"  {label}: {count}" for label, count in counts)
        yield self.requests()
        for heading, rows in self.tables():
            yield ""
            yield heading
            yield columns(rows)

    def title(self, first: date, last: date) -> str:
        """Name the days of the report."""
        return one(title(first, last), self.language)

    def headline(self) -> str:
        """Say how much the filter answered by itself."""
        total, share = self.found.total, self.found.total.filter_share
        percent = "–" if share is None else f"{share:.0%}"
        return self._say("headline").format(total.by_filter, total.served, percent)

    def requests(self) -> str:
        """Say what was taken over."""
        every = self.found.every_unit
        counts = (every.appointments, every.emails, every.open, every.overdue)
        return self._say("requests").format(*counts)

    def tables(self) -> Iterator[tuple[str, list[list[str]]]]:
        """Yield each table: its heading and its rows, the columns' names first."""
        numbers = {key or self._say("unknown"): f for key, f in self.found.numbers.items()}
        yield self._table("by_number", numbers)
        yield self._table("by_month", self.found.months)
        yield self._table("by_hour", {f"{h:02}": f for h, f in self.found.hours.items()})
        if self.found.positions:
            yield self._table("by_position", self.found.positions, self.reference)
        if self.found.units:
            header = self._say("units_header").split("|")
            yield self._say("by_unit"), [header, *self._unit_rows()]

    def _say(self, what: str) -> str:
        return one(TEXTS[what], self.language)

    def totals(self) -> Iterator[tuple[str, str]]:
        """Yield what was counted in all, all calls first: label and figure."""
        total = self.found.total
        yield self._say("calls"), str(total.calls)
        counts = [(each, total.endings.get(Ending(each), 0)) for each in ENDINGS]
        counts += [("overflow", total.overflow), ("within", total.within)]
        counts.append(("third_ring", total.third_ring))
        yield from ((self._say(what), str(count)) for what, count in counts)
        if total.mean_wait_s is not None and total.longest_wait_s is not None:
            yield self._say("mean"), seconds_shown(total.mean_wait_s, self.language)
            yield self._say("longest"), seconds_shown(total.longest_wait_s, self.language)

    def _table(
        self, what: str, rows: Mapping[str, Figures], told: str = ""
    ) -> tuple[str, list[list[str]]]:
        cells = [self._row(key, figures) for key, figures in rows.items()]
        return self._say(what).format(told), [self._say("header").split("|"), *cells]

    def _row(self, key: str, figures: Figures) -> list[str]:
        ways = figures.endings
        mean = seconds_shown(figures.mean_wait_s, self.language)
        counts = (
            figures.calls, figures.by_filter, ways.get(Ending.TRANSFERRED, 0),
            ways.get(Ending.RETURNED, 0), ways.get(Ending.VOICEMAIL, 0), ways.get(Ending.LOST, 0),
            ways.get(Ending.OTHER, 0), figures.overflow, figures.within,
        )  # fmt: skip
        return [key, *map(str, counts), mean]

    def _unit_rows(self) -> Iterator[list[str]]:
        """Each unit, and below it each of its needs."""
        for unit, told in self.found.units.items():
            yield [self.names.get(unit, unit), *map(str, _unit_cells(told))]
            for need, part in self.found.needs.items():
                if need.startswith(f"{unit}."):
                    name = self.names.get(need, need.removeprefix(f"{unit}."))
                    yield [f"- {name}", *map(str, _unit_cells(part))]


def title(first: date, last: date) -> Words:
    """Head a report of some days."""
    return Words(
        f"Rapporto {day_phrase('dal', first, 'it')} {day_phrase('al', last, 'it')}",
        f"Report {day_phrase('from', first, 'en')} {day_phrase('to', last, 'en')}",
    )


def unit_sheet(told: UnitFigures, name: str, span: str, language: str) -> tuple[str, str]:
    """Write one unit's sheet of a month or some days: subject and body of the mail to it."""
    head = one(TEXTS["unit_title"], language).format(name, span)
    lines = [head, "", one(TEXTS["unit_sent"], language).format(told.asked, told.accepted)]
    for reason, count in told.returned.items():
        words = one(REASONS[reason], language) if reason in REASONS else reason
        lines.append(one(TEXTS["unit_returned"], language).format(words, count))
    lines.append(one(TEXTS["unit_taken"], language).format(told.appointments, told.emails))
    lines.append(one(TEXTS["unit_open"], language).format(told.open, told.overdue))
    return head, "\n".join(lines) + "\n"
