"""Content of printed papers: document, request letter, report tables; the PDF's child process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from appliance.errors import TechnicianError
from appliance.policy import requests
from appliance.policy.hours import (
    date_words,
    day_words,
    moment_phrase_words,
    moment_words,
)
from appliance.policy.mail import need_name
from appliance.policy.requests import Contact, RequestStep
from appliance.policy.text import error_text_words
from appliance.store import standards
from appliance.store.listings import appointment_text
from appliance.text import Words, _, in_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date, tzinfo

    from appliance.policy.directory import Directory
    from appliance.policy.requests import Citizen
    from appliance.policy.standards import Quarter, StandardResult
    from appliance.store.listings import DueOf
    from appliance.store.report_text import ReportText
    from appliance.store.requests import StoredRequest, StoredStep


# A paper's content without its layout, passed between processes as JSON.


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A part with its heading: facts (label, value), a text as typed, a table."""

    heading: str
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A paper: letterhead, day, addressee, subject, opening and parts.

    `title` is the PDF's title and heads the pages after the first; `is_wide` means landscape.
    """

    language: str
    house: str
    title: str
    subject: str
    contacts: tuple[str, ...] = ()
    day: str = ""
    to: tuple[str, ...] = ()
    opening: str = ""
    parts: tuple[DocumentPart, ...] = ()
    is_wide: bool = False


def to_json(document: Document) -> bytes:
    """Return a document as JSON; the same document gives the same bytes."""
    return json.dumps(asdict(document), ensure_ascii=False, sort_keys=True).encode()


def from_json(data: bytes) -> Document:
    """Parse a document; raises ValueError, KeyError, TypeError for malformed data."""
    read: dict[str, Any] = json.loads(data)
    parts = tuple(_document_part(each) for each in read.pop("parts"))
    contacts, to = tuple(read.pop("contacts")), tuple(read.pop("to"))
    return Document(**read, contacts=contacts, to=to, parts=parts)


def _document_part(read: dict[str, Any]) -> DocumentPart:
    return DocumentPart(
        read["heading"],
        tuple((str(label), str(value)) for label, value in read["facts"]),
        read["text"],
        tuple(read["header"]),
        tuple(tuple(row) for row in read["rows"]),
    )


# A request as the protocol office files it: a letter with its whole history (E15). Names replace
# codes. Every typed text goes through `hide`, so that it shows no undisclosed number (P7). A mail
# server's replies concern no reader.

TITLE: Final = _("{house} – Request {n}")
SUBJECT: Final = _("request no. {n} – {subject}")
TO: Final = _("To the office {unit}")
OPENING: Final = _("Request taken over by the front desk {on} ({by}).")
CITIZEN: Final = _("Citizen")
REQUEST: Final = _("Request")
RECORDING: Final = _("Recording")
HISTORY: Final = _("What happened")
HEADER: Final = (
    _("When"),
    _("What"),
    _("Who"),
    _("Note"),
)
MAILED: Final = _("e-mail sent to the office")
PREFERRED: Final = _(" (preferred)")
SPOKEN: Final = _("Name and contact are in the recording.")
_NAME, _PHONE = _("Name"), _("Telephone")
_EMAIL, _LANGUAGE = _("E-mail"), _("Language")
_UNIT, _NEED = _("Office"), _("Need")
_SHEET = _("Sheet consulted")
_APPOINTMENT, _DUE = _("Appointment"), _("Answer by")
_STATE, _FILE = _("State"), _("File")
_DIGEST = _("SHA-256 fingerprint")
LANGUAGES: Final[Mapping[str, Words]] = {
    "it": _("Italian"),
    "de": _("German"),
    "en": _("English"),
}


@dataclass(frozen=True, slots=True)
class LetterNames:
    """Names of people, positions and sheets by code; a typed name stays as it is."""

    people: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sheets: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def called(self, who: str) -> str:
        """Return the name of a person or position."""
        return self.people.get(who, who)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Letterhead: the office, its contacts, the language and time zone."""

    house: str
    contacts: tuple[str, ...]
    language: str
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class RequestLetter:
    """Writes a request as a letter; `hide` masks undisclosed numbers."""

    head: Letterhead
    directory: Directory
    names: LetterNames
    hide: Callable[[str], str]

    def document(self, kept: StoredRequest, due: DueOf) -> Document:
        """Return the letter; unknown fields are left out."""
        request, head = kept.request, self.head
        taken = request.at.astimezone(head.zone)
        number, house = request.number, self.hide(head.house)
        return Document(
            language=head.language,
            house=house,
            title=self._say(TITLE.filled(house=house, n=number)),
            subject=self._say(SUBJECT.filled(n=number, subject=self.hide(request.subject))),
            contacts=head.contacts,
            day=date_words(taken.date(), head.language),
            to=tuple(self._to(request.unit)),
            opening=self._say(
                OPENING.filled(
                    on=moment_phrase_words(in_context("moment", "on"), taken),
                    by=self.hide(self.names.called(request.by)),
                )
            ),
            parts=tuple(self._parts(kept, due)),
        )

    def _say(self, words: Words) -> str:
        return words.text(self.head.language)

    def _to(self, code: str) -> Iterator[str]:
        unit = self.directory.unit(code)
        yield self._say(TO.filled(unit=self.hide(unit.name) if unit else code))
        service = self.directory.unit(unit.service) if unit and unit.service else None
        if service:
            yield self.hide(service.name)
        if unit and unit.email:
            yield unit.email

    def _parts(self, kept: StoredRequest, due: DueOf) -> Iterator[DocumentPart]:
        request = kept.request
        is_recorded = request.citizen.spoken and kept.sound.path
        spoken = self._say(SPOKEN) if is_recorded else ""
        yield DocumentPart(self._say(CITIZEN), self._facts(self._citizen(request.citizen)), spoken)
        told = self._facts(self._request(kept, due))
        yield DocumentPart(self._say(REQUEST), told, self.hide(request.asked))
        if kept.sound.path:
            sound = ((_FILE, Path(kept.sound.path).name), (_DIGEST, kept.sound.sha256))
            yield DocumentPart(self._say(RECORDING), self._facts(iter(sound)))
        if kept.steps:
            header = tuple(self._say(each) for each in HEADER)
            rows = tuple(self._row(step) for step in kept.steps)
            yield DocumentPart(self._say(HISTORY), header=header, rows=rows)

    def _facts(self, told: Iterator[tuple[Words, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((self._say(label), self.hide(value)) for label, value in told if value)

    def _citizen(self, citizen: Citizen) -> Iterator[tuple[Words, str]]:
        yield _NAME, citizen.name
        for kind, label, value in (
            (Contact.PHONE, _PHONE, citizen.phone),
            (Contact.EMAIL, _EMAIL, citizen.email),
        ):
            is_preferred = value and kind is citizen.prefers and not citizen.spoken
            yield label, value + (self._say(PREFERRED) if is_preferred else "")
        if citizen.language != self.head.language:
            known = LANGUAGES.get(citizen.language)
            yield _LANGUAGE, self._say(known) if known else citizen.language

    def _request(self, kept: StoredRequest, due: DueOf) -> Iterator[tuple[Words, str]]:
        request, head = kept.request, self.head
        unit = self.directory.unit(request.unit)
        yield _UNIT, unit.name if unit else request.unit
        yield _NEED, need_name(self.directory, head.zone, request)
        yield _SHEET, self.names.sheets.get(request.sheet, request.sheet)
        booked = request.appointment
        yield _APPOINTMENT, appointment_text(booked, head.language, head.zone) if booked else ""
        yield _STATE, self._say(requests.state_words(request))
        yield _DUE, day_words(due(request), head.language)

    def _row(self, step: StoredStep) -> tuple[str, ...]:
        at = moment_words(step.at.astimezone(self.head.zone), self.head.language)
        # The mail server's reply concerns no reader.
        if step.step is RequestStep.MAILED:
            return (at, self._say(MAILED), "", "")
        who = self.names.called(step.by)
        if step.said_by:
            who = f"{who} ({self.names.called(step.said_by)})"
        what = self._say(requests.REQUEST_STEP_WORDS[step.step])
        return (at, what, self.hide(who), self.hide(step.words))


# The report of calls and requests in landscape: the same content as the command prints.


def report_document(
    house: str, contacts: tuple[str, ...], told: ReportText, first: date, last: date
) -> Document:
    """Return a report as a document."""
    subject = told.title(first, last)
    return Document(
        language=told.language,
        house=house,
        title=f"{house} – {subject}",
        subject=subject,
        contacts=contacts,
        opening=told.headline(),
        parts=tuple(_report_parts(told)),
        is_wide=True,
    )


def _report_parts(told: ReportText) -> Iterator[DocumentPart]:
    said = "\n".join(filter(None, (told.requests(), told.compared())))
    yield DocumentPart("", tuple(told.totals()), said)
    for heading, (header, *rows) in told.tables():
        yield DocumentPart(heading, header=tuple(header), rows=tuple(tuple(row) for row in rows))


# The standards sheet of a quarter: one page in landscape, to be published.


def standards_document(
    house: str,
    contacts: tuple[str, ...],
    quarter: Quarter,
    results: tuple[StandardResult, ...],
    language: str,
    *,
    is_over: bool,
) -> Document:
    """Return a quarter's standards sheet as a document."""
    subject = standards.title(quarter).text(language)
    notes = [*standards.NOTES] if is_over else [standards.RUNNING, *standards.NOTES]
    header = tuple(each.text(language) for each in standards.HEADER)
    rows = tuple(standards.rows_of(results, language))
    return Document(
        language=language,
        house=house,
        title=f"{house} – {subject}",
        subject=subject,
        contacts=contacts,
        parts=(
            DocumentPart("", header=header, rows=rows),
            DocumentPart("", text="\n".join(each.text(language) for each in notes)),
        ),
        is_wide=True,
    )


PDF_COMMAND: Final = (sys.executable, "-m", "appliance.paper")
# Enough for a hundred pages on the smallest board.
PDF_LIMIT_S: Final = 120.0
PDF_FAILED: Final = _(
    "The PDF could not be written: {why}. Try again; if it happens again, tell the technician."
)


class PdfFailed(TechnicianError):  # noqa: N818 - reads as what it is
    """Raised if a PDF cannot be made; `words` has the reason."""

    def __init__(self, why: str) -> None:
        told = error_text_words(why)
        self.words = PDF_FAILED.filled(why=told)
        super().__init__(str(self.words))


def make_pdf(document: Document) -> bytes:
    """Return a document as a PDF; raises PdfFailed."""
    try:
        done = subprocess.run(
            PDF_COMMAND,
            input=to_json(document),
            capture_output=True,
            timeout=PDF_LIMIT_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise PdfFailed(child_error(error.stderr)) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise PdfFailed(str(error)) from error
    return done.stdout


def child_error(stderr: bytes) -> str:
    """Return the last line of a failed child's standard error."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "it was ended"
