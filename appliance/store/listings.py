"""Lists of calls, messages, requests and mails as text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

from appliance.calls.events import Caller, Evidence, Presentation
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.calls.status import Names, transfers_of
from appliance.policy import requests as policy
from appliance.policy.hours import day_words, moment_words
from appliance.policy.mail import APPOINTMENT_FORM_WORDS, MAIL_STATE_WORDS
from appliance.policy.requests import Appointment, Request
from appliance.policy.voicemail import (
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageState,
    MessageStep,
    care_of,
)
from appliance.store.call_log import call_to_row
from appliance.store.voicemail import CaseKind, Message, MissedCall, has_no_number
from appliance.text import Words, _, in_context

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.store.outbox import StoredMail
    from appliance.store.requests import StoredRequest, StoredStep


CallsBack = Mapping[str, Sequence[CallRecord]]
"""Calls placed for each case ("call:ID"), newest first."""

RESULTS: Final[Mapping[Result, Words]] = {
    Result.OPEN: _("going on"),
    Result.ANSWERED: _("answered"),
    Result.MESSAGE: _("message"),
    Result.NO_MESSAGE: _("no message"),
    Result.INFORMED: _("heard a sheet"),
    Result.GAVE_UP: _("gave up"),
    Result.NOT_STORED: _("message not stored"),
    Result.FAX: _("fax"),
    Result.TAKEN: _("taken by another telephone"),
    Result.NOT_REACHED: _("not reached"),
    Result.REFUSED: _("number not allowed"),
    Result.LOST: _("line lost"),
    Result.STOPPED: _("box stopped"),
    Result.INTERRUPTED: in_context("listings", "interrupted"),
}
"""Results of a call, in the front desk's words."""

# Evidence of a call's end (B1).
EVIDENCES: Final[Mapping[Evidence, Words]] = {
    Evidence.GAVE_UP: _("the ringing stopped"),
    Evidence.BUSY_TONE: _("busy tone"),
    Evidence.CONGESTION_TONE: _("congestion tone"),
    Evidence.DIAL_TONE: _("dial tone"),
    Evidence.CHIP_BUSY: _("busy, told by the modem"),
    Evidence.CHIP_DIAL: _("dial tone, told by the modem"),
    Evidence.LOOP: _("the line's current was interrupted"),
    Evidence.PARALLEL_PHONE: _("another telephone was lifted"),
    Evidence.SILENCE: _("silence"),
    Evidence.LIMIT: _("longest duration"),
    Evidence.FAX: _("fax tone"),
    Evidence.EMERGENCY: _("the line was freed for an emergency"),
    Evidence.SIGNALLED: _("told by the other branch"),
    Evidence.OPERATOR: _("the operator hung up"),
    Evidence.OWN: _("the box hung up"),
    Evidence.LOST: _("the line was lost"),
    Evidence.STOPPED: _("the box was stopped"),
}

_ABSENT: Final[Mapping[Presentation, Words]] = {
    Presentation.WITHHELD: _("number withheld"),
    Presentation.UNAVAILABLE: _("number unavailable"),
    Presentation.UNKNOWN: _("number unknown"),
}
_ERASED: Final = _("number erased")
"""Shown for a caller whose number was deleted by age (retention.py)."""
_NO_CALLS: Final = _("No calls.")
_TO: Final = _("to")
_CALLED_BACK: Final = _("called back at {at} ({result})")
_CALLED: Final = _("Called")
_UNKNOWN: Final = _("not known")
_SHEETS: Final = _("Sheets")
_TOLD: Final = _("Numbers told")
_TRANSFERS: Final = _("Transfers")
_CALL_HEADER: Final = _("Received|Line|Caller|Phone|Result|End")


def calls_as_json(found: Iterable[CallRecord]) -> str:
    """Write calls as JSON: the columns of the call log, the trail as a list."""
    return json.dumps([call_json_row(record) for record in found], ensure_ascii=False, indent=2)


def call_json_row(record: CallRecord) -> dict[str, object]:
    """Map a call to JSON; the keys are stable."""
    lists = {"trail": record.trail, "sheets": record.sheets, "told": record.told}
    return {**call_to_row(record), **{name: list(each) for name, each in lists.items()}}


def calls_as_text(
    found: Iterable[CallRecord],
    language: str,
    zone: tzinfo,
    back: CallsBack | None = None,
    names: Names | None = None,
) -> str:
    """Write calls as text, one a line, in columns; `back` are the calls placed for each case.

    `names` are those of the offices. Only if any call has them there are columns for the number
    called (P1, if they differ), sheets (P2), numbers told, and transfers with their returns.
    """
    records = tuple(found)
    rows = [_call_row(record, language, zone, back or {}) for record in records]
    rows = [_CALL_HEADER.text(language).split("|"), *rows]
    if not records:
        return _NO_CALLS.text(language)
    if len({record.called for record in records if record.direction is Direction.IN}) > 1:
        numbers = (
            _CALLED.text(language),
            *(_number_called(record, language) for record in records),
        )
        rows = [[*row[:2], number, *row[2:]] for row, number in zip(rows, numbers, strict=True)]
    if any(record.sheets for record in records):
        sheets = (_SHEETS.text(language), *(" ".join(record.sheets) for record in records))
        rows = [[*row, codes] for row, codes in zip(rows, sheets, strict=True)]
    if any(record.told for record in records):
        told = (_TOLD.text(language), *(" ".join(record.told) for record in records))
        rows = [[*row, codes] for row, codes in zip(rows, told, strict=True)]
    moves = [transfers_of(record, names or {}) for record in records]
    if any(moves):
        said = ("; ".join(words.text(language) for words in each) for each in moves)
        heads = (_TRANSFERS.text(language), *said)
        rows = [[*row, cell] for row, cell in zip(rows, heads, strict=True)]
    return columns(rows)


def _number_called(record: CallRecord, language: str) -> str:
    """Return the public number called, words if it is not known, "" for an outgoing call."""
    if record.direction is not Direction.IN:
        return ""
    # Where both public numbers arrive on one line that is said, never guessed (P1).
    return record.called or _UNKNOWN.text(language)


def columns(rows: list[list[str]]) -> str:
    """Write rows as text, each column as wide as its widest cell."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def end_words(record: CallRecord, language: str) -> str:
    """Write the evidence of a call's end, and the time (s) from its first sign (B1)."""
    if record.evidence is None:
        return ""
    words = EVIDENCES[record.evidence].text(language)
    return f"{words}, {record.release_ms / 1000:.1f} s" if record.release_ms else words


def _call_row(record: CallRecord, language: str, zone: tzinfo, back: CallsBack) -> list[str]:
    calls = back.get(f"call:{record.call}")
    ended = (end_words(record, language), called_back_words(calls, language, zone))
    return [
        moment_words(record.rang_at.astimezone(zone), language),
        record.line,
        _other_party(record, language),
        record.phone,
        RESULTS[record.result].text(language),
        "; ".join(filter(None, ended)),
    ]


def _other_party(record: CallRecord, language: str) -> str:
    """Write the caller, or "to" and the party called."""
    # Of an office the record has the unit's name in place of the number (P7).
    if record.direction is Direction.IN:
        return caller_words(record.caller, language)
    caller = record.caller
    return f"{_TO.text(language)} {' '.join(filter(None, (caller.number, caller.name)))}"


def called_back_words(calls: Sequence[CallRecord] | None, language: str, zone: tzinfo) -> str:
    """Write time and result of the last call back, "" for none (E17)."""
    if not calls:
        return ""
    last = calls[0]
    result = RESULTS[last.result].text(language)
    return _CALLED_BACK.filled(at=f"{last.rang_at.astimezone(zone):%H:%M}", result=result).text(
        language
    )


def caller_words(caller: Caller, language: str) -> str:
    """Write number and name of a caller, or why there is no number."""
    if caller.presentation is Presentation.SHOWN:
        shown = " ".join(filter(None, (caller.number, caller.name)))
        return shown or _ERASED.text(language)
    # Withheld, not available, not known: never an empty cell.
    return _ABSENT[caller.presentation].text(language)


def missed_rows(found: Iterable[MissedCall]) -> list[dict[str, object]]:
    """Map missed calls to JSON; the keys are stable."""
    return [_missed_json_row(one) for one in found]


def missed_as_json(found: Iterable[MissedCall]) -> str:
    """Write missed calls as JSON."""
    return json.dumps(missed_rows(found), ensure_ascii=False, indent=2)


def _missed_json_row(one: MissedCall) -> dict[str, object]:
    record, closing = one.record, one.care.closing
    # What is not known is null, never an empty string.
    return {
        "number": one.number,
        "call": record.call,
        "line": record.line,
        "rang": record.rang_at.isoformat(),
        "caller": record.caller.number or None,
        "caller_name": record.caller.name or None,
        "presentation": record.caller.presentation.value,
        "called": record.called or None,
        "phone": record.phone or None,
        "stage": record.trail[-1] if record.trail else None,
        "result": record.result.value,
        "callback_wanted": one.wanted,
        "state": one.care.state.value,
        "open": one.is_open,
        "taken_by": one.care.holder or None,
        "outcome": closing.outcome if closing else None,
        "failed": [at.isoformat() for at in one.care.failed],
        "served_later": one.again.rang_at.isoformat() if one.again else None,
    }


# Outcomes of a case (P9).
OUTCOMES: Final[Mapping[MessageOutcome, Words]] = {
    MessageOutcome.CALLED_BACK: in_context("listings", "called back"),
    MessageOutcome.NOT_REACHABLE: _("not reachable"),
    MessageOutcome.NO_NUMBER: _("no number"),
    MessageOutcome.NOT_NEEDED: in_context("listings", "not needed"),
    MessageOutcome.PASSED_TO_OFFICE: _("passed to an office"),
}
STEPS: Final[Mapping[MessageStep, Words]] = {
    MessageStep.HEAR: _("heard"),
    MessageStep.TAKE: in_context("listings", "taken"),
    MessageStep.RELEASE: _("released"),
    MessageStep.GIVE: in_context("listings", "handed over"),
    MessageStep.FAIL: _("call-back in vain"),
    MessageStep.NOTE: _("note"),
    MessageStep.CLOSE: in_context("listings", "closed"),
    MessageStep.REOPEN: _("reopened"),
    MessageStep.TAKE_BACK: _("taken back"),
    MessageStep.ALERT_UNHEARD: _("alert: not heard, not looked at"),
    MessageStep.ALERT_UNCLOSED: _("alert: not closed"),
}
"""Steps in the history of a case."""
CASE_OPEN: Final = _("to be dealt with")
CASE_TAKEN: Final = _("taken by {holder}")
IN_VAIN: Final = _("{tries} in vain")
WANTED: Final = _("asks to be called back")
CALLED_AGAIN: Final = _("called again {when}")
NO_HISTORY: Final = in_context("listings", "Nobody has dealt with it.")
NO_MISSED: Final = _("No call without a message.")
MISSED_HEADER: Final = _("No.|Received|Line|Caller|Phone|Result|State")
_DONE_STEPS: Final[Mapping[CaseKind, Mapping[MessageStep, Words]]] = {
    CaseKind.MESSAGE: {
        MessageStep.HEAR: _("Message {number}: noted as heard."),
        MessageStep.TAKE: _("Message {number} is taken by {holder}."),
        MessageStep.RELEASE: _("Message {number} is free again."),
        MessageStep.FAIL: _("Message {number}: call-back in vain noted, {failed} in all."),
        MessageStep.NOTE: _("Note added."),
        MessageStep.CLOSE: _("Message {number} is closed: {outcome}."),
        MessageStep.REOPEN: _("Message {number} is open again."),
        MessageStep.TAKE_BACK: _("Taken back."),
    },
    CaseKind.CALL: {
        MessageStep.HEAR: _("Call {number}: noted as heard."),
        MessageStep.TAKE: _("Call {number} is taken by {holder}."),
        MessageStep.RELEASE: _("Call {number} is free again."),
        MessageStep.FAIL: _("Call {number}: call-back in vain noted, {failed} in all."),
        MessageStep.NOTE: _("Note added."),
        MessageStep.CLOSE: _("Call {number} is closed: {outcome}."),
        MessageStep.REOPEN: _("Call {number} is open again."),
        MessageStep.TAKE_BACK: _("Taken back."),
    },
}


def done_words(kind: CaseKind, number: int, step: MessageStep, care: MessageCare) -> Words:
    """Write the confirmation of a step just done."""
    outcome = care.closing.outcome if care.closing else None
    return _DONE_STEPS[kind][step].filled(
        number=number,
        holder=care.holder,
        failed=len(care.failed),
        outcome=OUTCOMES[outcome] if outcome else "",
    )


def care_text(care: MessageCare, language: str) -> str:
    """Write the state of a case: its outcome, its holder or none; call-backs in vain."""
    if care.closing is not None and care.closing.outcome is not None:
        words = OUTCOMES[care.closing.outcome].text(language)
    elif care.state is MessageState.TAKEN:
        words = CASE_TAKEN.filled(holder=care.holder).text(language)
    else:
        words = CASE_OPEN.text(language)
    tries = f", {IN_VAIN.filled(tries=len(care.failed)).text(language)}" if care.failed else ""
    return words + tries


def history_lines(entries: Iterable[MessageEntry], zone: tzinfo, language: str) -> Iterator[str]:
    """Write the entries of a case, one a line: time, author, step, note."""
    empty = True
    for entry in entries:
        empty = False
        outcome = f": {OUTCOMES[entry.outcome].text(language)}" if entry.outcome else ""
        note = f" → {entry.to}" if entry.to else ""
        note += f" ({entry.note})" if entry.note else ""
        when = moment_words(entry.at.astimezone(zone), language)
        yield f"{when}  {entry.by}  {STEPS[entry.step].text(language)}{outcome}{note}"
    if empty:
        yield NO_HISTORY.text(language)


def history_rows(entries: Iterable[MessageEntry]) -> list[dict[str, str | None]]:
    """Map the entries of a case to JSON."""
    return [
        {
            "at": entry.at.isoformat(),
            "by": entry.by,
            "step": entry.step.value,
            "outcome": entry.outcome.value if entry.outcome else None,
            "note": entry.note,
            "to": entry.to or None,
        }
        for entry in entries
    ]


def missed_as_text(found: Iterable[MissedCall], language: str, zone: tzinfo) -> str:
    """Write missed calls as text, one a line, in columns."""
    rows = [_missed_row(each, language, zone) for each in found]
    return _table(MISSED_HEADER, rows, NO_MISSED, language)


def _missed_row(each: MissedCall, language: str, zone: tzinfo) -> list[str]:
    record = each.record
    result = RESULTS[record.result].text(language)
    wanted = f", {WANTED.text(language)}" if each.wanted else ""
    return [
        str(each.number),
        moment_words(record.rang_at.astimezone(zone), language),
        record.line,
        caller_words(record.caller, language),
        record.phone,
        result + wanted,
        _missed_state(each, language, zone),
    ]


def _missed_state(each: MissedCall, language: str, zone: tzinfo) -> str:
    if each.again is not None and each.care.state is not MessageState.CLOSED:
        again = each.again.rang_at.astimezone(zone)
        return CALLED_AGAIN.filled(when=moment_words(again, language, year=False)).text(language)
    return care_text(each.care, language)


if TYPE_CHECKING:
    Cares = Mapping[str, MessageCare]

NO_CARES: Final[dict[str, MessageCare]] = {}

_MESSAGE_HEADER: Final = _("No.|Received|Caller|Called|Length|State|File")
_INTERRUPTED: Final = _("interrupted")
_NO_MESSAGES: Final = _("No messages.")
_NO_NUMBER_TO_CALL: Final = _("No number to call back. In the ten minutes before there called:")
_NO_HINT: Final = _("No number to call back; nobody called in the ten minutes before.")


def messages_as_json(found: Iterable[Message], directory: Path, cares: Cares = NO_CARES) -> str:
    """Write messages as JSON; the keys are stable."""
    rows = [
        message_json_row(message, directory, _care_of_message(message, cares)) for message in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def messages_as_text(
    found: Iterable[Message],
    directory: Path,
    language: str,
    zone: tzinfo,
    cares: Cares = NO_CARES,
) -> str:
    """Write messages as text, one a line, in columns."""
    rows = [_message_row(m, directory, language, zone, _care_of_message(m, cares)) for m in found]
    return _table(_MESSAGE_HEADER, rows, _NO_MESSAGES, language)


def message_as_text(
    message: Message,
    entries: tuple[MessageEntry, ...],
    earlier: tuple[CallRecord, ...],
    directory: Path,
    language: str,
    zone: tzinfo,
) -> str:
    """Write one message with its entries, and its possible callers if it has no number (E16)."""
    lines = [
        messages_as_text([message], directory, language, zone, {message.id: care_of(entries)}),
        "",
    ]
    if has_no_number(message):
        lines += [*_possible_caller_lines(earlier, language, zone), ""]
    return "\n".join((*lines, *history_lines(entries, zone, language)))


def _possible_caller_lines(
    earlier: tuple[CallRecord, ...], language: str, zone: tzinfo
) -> Iterator[str]:
    """Write that there is no number to call back, and who called shortly before."""
    yield (_NO_NUMBER_TO_CALL if earlier else _NO_HINT).text(language)
    for record in earlier:
        at = moment_words(record.rang_at.astimezone(zone), language)
        yield f"  {at}  {caller_text(record.caller, language)}"


def caller_text(caller: Caller, language: str = "it") -> str:
    """Write number and name of a caller, or why there is no number."""
    if caller.presentation is Presentation.SHOWN:
        return " ".join(filter(None, (caller.number, caller.name)))
    return _ABSENT[caller.presentation].text(language)


def _care_of_message(message: Message, cares: Cares) -> MessageCare:
    """Return the care of a message."""
    found = cares.get(message.id)
    if found is not None:
        return found
    # A message without entries was dealt with by an older version, or not at all: its own columns
    # tell.
    closing = None
    if message.outcome is not None and message.closed_at is not None:
        at, by = message.closed_at, message.closed_by
        closing = MessageEntry(at, by, MessageStep.CLOSE, message.outcome, message.note)
    return MessageCare(message.state, message.taken_by, closing=closing)


def message_json_row(message: Message, directory: Path, care: MessageCare) -> dict[str, object]:
    """Map a message to JSON; the keys are stable."""
    # What is not known is null, never an empty string.
    return {
        "number": message.number,
        "id": message.id,
        "call": message.call,
        "line": message.line,
        "received": message.received_at.isoformat(),
        "clock_state": message.clock_state,
        "presentation": message.caller.presentation.value,
        "caller": message.caller.number or None,
        "caller_name": message.caller.name or None,
        "called": message.called or None,
        "length_ms": message.length_ms,
        "gap_ms": message.gap_ms,
        "interrupted": message.interrupted,
        "law": message.law,
        "state": message.state.value,
        "outcome": message.outcome.value if message.outcome else None,
        "closed_by": message.closed_by or None,
        "closed_at": message.closed_at.isoformat() if message.closed_at else None,
        "taken_by": message.taken_by or None,
        "failed": [at.isoformat() for at in care.failed],
        "heard": [{"by": by, "at": at.isoformat()} for by, at in care.heard],
        "note": message.note or None,
        "path": str(directory / message.path),
        "sha256": message.sha256,
    }


def _message_row(
    message: Message, directory: Path, language: str, zone: tzinfo, care: MessageCare
) -> list[str]:
    flag = f" ({_INTERRUPTED.text(language)})" if message.interrupted else ""
    return [
        str(message.number),
        moment_words(message.received_at.astimezone(zone), language),
        caller_text(message.caller, language),
        message.called or _UNKNOWN.text(language),
        f"{message.length_ms // 60_000}:{message.length_ms // 1000 % 60:02}",
        care_text(care, language) + flag,
        str(directory / message.path),
    ]


_REQUEST_HEADER: Final = _("No.|Taken|Office|Citizen|Subject|State|Due")
_MAIL_HEADER: Final = _("No.|Queued|To|Subject|State|Tries|Answer")
_NO_REQUESTS: Final = _("No requests.")
_NO_MAIL: Final = _("No e-mails.")
_LATE: Final = _("OVERDUE")
_TO_BE_CONFIRMED: Final = _("to be confirmed")

DueOf = Callable[[Request], date]
IsLate = Callable[[Request], bool]


def requests_as_text(
    found: Iterable[StoredRequest], language: str, zone: tzinfo, due: DueOf, late: IsLate
) -> str:
    """Write requests as text, one a line."""

    def row(kept: StoredRequest) -> list[str]:
        request = kept.request
        mark = f" {_LATE.text(language)}" if late(request) else ""
        return [
            str(request.number),
            moment_words(request.at.astimezone(zone), language),
            request.unit,
            " ".join(filter(None, (request.citizen.name, request.citizen.phone))),
            request.subject,
            policy.state_words(request).text(language) + mark,
            day_words(due(request), language),
        ]

    return _table(_REQUEST_HEADER, [row(kept) for kept in found], _NO_REQUESTS, language)


def request_as_text(
    kept: StoredRequest, language: str, zone: tzinfo, due: DueOf, late: IsLate
) -> str:
    """Write one request with all its data and steps."""
    request = kept.request
    told = appointment_text(request.appointment, language, zone) if request.appointment else ""
    values = (
        (_("Need"), request.need),
        (_("Contact"), contact_text(request)),
        (_("Appointment"), told),
        (_("Asked"), request.asked),
        (_("Sheet"), request.sheet),
        (_("Call"), request.call),
        (_("Recording"), kept.sound.path),
    )
    rows = [
        requests_as_text([kept], language, zone, due, late),
        "",
        *(f"{label.text(language)}: {value}" for label, value in values if value),
    ]
    return "\n".join(
        [*rows, "", *(step_line(each, language, zone) for each in kept.steps)]
    ).rstrip()


def request_to_json(kept: StoredRequest, due: date, late: bool) -> dict[str, Any]:
    """Map a request to JSON; the keys are stable."""
    request, citizen, appointment = kept.request, kept.request.citizen, kept.request.appointment
    return {
        "number": request.number,
        "state": request.state.value,
        "cancelled": bool(request.closing and request.closing.cancelled),
        "rule": request.rule.value,
        "unit": request.unit,
        "need": request.need,
        "subject": request.subject,
        "asked": request.asked,
        "at": request.at.isoformat(),
        "by": request.by,
        "call": request.call,
        "sheet": request.sheet,
        "name": citizen.name,
        "phone": citizen.phone,
        "email": citizen.email,
        "prefers": citizen.prefers.value,
        "language": citizen.language,
        "spoken": citizen.spoken,
        "starts": appointment.slot.start.isoformat() if appointment else None,
        "ends": appointment.slot.end.isoformat() if appointment else None,
        "form": appointment.form.value if appointment else None,
        "confirmed": appointment.confirmed if appointment else None,
        "taken_by": request.taken_by,
        "followed_by": request.follower,
        "recording": kept.sound.path,
        "due": due.isoformat(),
        "overdue": late,
        "steps": [_step_json(each) for each in kept.steps],
    }


def mails_as_text(found: Iterable[StoredMail], language: str, zone: tzinfo) -> str:
    """Write mails as text, one a line."""
    rows = [
        [
            str(kept.number),
            moment_words(kept.queued_at.astimezone(zone), language),
            kept.mail.to,
            " ".join(kept.mail.subject.split()),
            MAIL_STATE_WORDS[kept.state].text(language),
            str(kept.tries),
            f"{kept.settled_by}: {kept.reason}" if kept.reason else kept.said,
        ]
        for kept in found
    ]
    return _table(_MAIL_HEADER, rows, _NO_MAIL, language)


def mails_as_json(found: Iterable[StoredMail]) -> str:
    """Write mails as JSON, without their texts."""
    rows = [
        {
            "number": kept.number,
            "key": kept.mail.key,
            "message_id": kept.message_id,
            "to": kept.mail.to,
            "subject": kept.mail.subject,
            "request": kept.mail.request or None,
            "queued_at": kept.queued_at.isoformat(),
            "state": kept.state.value,
            "tries": kept.tries,
            "said": kept.said,
            "settled_at": kept.settled_at.isoformat() if kept.settled_at else None,
            "settled_by": kept.settled_by,
            "reason": kept.reason,
        }
        for kept in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def _table(header: Words, rows: Sequence[list[str]], none: Words, language: str) -> str:
    if not rows:
        return none.text(language)
    return columns([header.text(language).split("|"), *rows])


def contact_text(request: Request) -> str:
    """Write name and contacts of a request's citizen."""
    citizen = request.citizen
    parts = (citizen.name, citizen.phone, citizen.email, f"[{citizen.prefers}, {citizen.language}]")
    return " ".join(filter(None, parts))


def appointment_text(appointment: Appointment, language: str, zone: tzinfo) -> str:
    """Write time and form of an appointment, and whether it is to be confirmed."""
    start = appointment.slot.start.astimezone(zone)
    form = APPOINTMENT_FORM_WORDS[appointment.form].text(language)
    told = f"{moment_words(start, language)}, {form}"
    return told if appointment.confirmed else f"{told}, {_TO_BE_CONFIRMED.text(language)}"


def step_line(happened: StoredStep, language: str, zone: tzinfo) -> str:
    """Write a step as one line: time, step, author, source, words."""
    at: datetime = happened.at.astimezone(zone)
    said = f" ({happened.said_by})" if happened.said_by else ""
    words = f": {happened.words}" if happened.words else ""
    what = policy.REQUEST_STEP_WORDS[happened.step].text(language)
    return f"{moment_words(at, language)}  {what}  {happened.by}{said}{words}"


def _step_json(happened: StoredStep) -> dict[str, str]:
    return {
        "step": happened.step.value,
        "at": happened.at.isoformat(),
        "by": happened.by,
        "said_by": happened.said_by,
        "words": happened.words,
    }
