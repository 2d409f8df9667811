"""Alerts to front desk and supervisor: messages, missed calls, requests (E16, E24, E15)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from appliance.calls.orders import Result
from appliance.policy.hours import moment_words
from appliance.policy.mail import TO_HEAD, Mail, overdue_mail
from appliance.policy.numbering import HOME_PLAN, NumberingPlan
from appliance.policy.requests import due_day, is_overdue
from appliance.policy.voicemail import (
    CallAlerts,
    MessageCare,
    MessageEntry,
    MessageState,
    MessageStep,
    due_alerts,
    due_call_alerts,
    is_digest_time,
    is_late,
    looked_at,
)
from appliance.store import outbox, voicemail
from appliance.store.database import transaction
from appliance.store.listings import CASE_TAKEN, WANTED, caller_words
from appliance.store.outbox import keys_ending_in, put_mail
from appliance.store.requests import OPEN_STATES, list_requests
from appliance.store.voicemail import (
    MISSED_DAYS,
    CaseKind,
    Message,
    MissedCall,
    message_from_row,
    missed_calls,
)
from appliance.text import Words, _

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from appliance.policy.hours import Schedule


def queue_overdue(
    connection: sqlite3.Connection,
    calendar: Schedule,
    notices: AlertSettings,
    now: datetime,
    domain: str,
) -> tuple[int, int]:
    """Queue the supervisor's notices of overdue requests, inside the caller's transaction.

    Returns the counts of open and of overdue requests. Each request is reported once.
    """
    found = list_requests(connection, *OPEN_STATES)
    late = [kept.request for kept in found if is_overdue(kept.request, calendar, now)]
    # This runs every minute, also after a restart: a request whose mail was ever queued is left
    # out. No mail waits for an address that the supervisor does not have.
    told = keys_ending_in(connection, "-overdue")
    for request in late if notices.head else ():
        mail = overdue_mail(request, due_day(request, calendar), notices.language, notices.labels)
        if mail.key not in told:
            put_mail(connection, mail, now, domain)
    return len(found), len(late)


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Recipients and contents of notices: `desk` is the front desk's address, "" for none.

    `sound`: a message's sound is attached. `head`: the supervisor has an address. `calls`: which
    missed calls are reported. `plan`: how callers' numbers are compared. `page` is the URL of the
    console's page of messages, "" for none; `labels` are the names of positions.
    """

    desk: str = ""
    sound: bool = False
    language: str = "it"
    head: bool = True
    calls: CallAlerts = CallAlerts.ALL
    plan: NumberingPlan = HOME_PLAN
    page: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def alerted(self) -> tuple[str, ...]:
        """Recipients of an alert: supervisor and front desk, those with an address."""
        return tuple(to for to in (TO_HEAD if self.head else "", self.desk) if to)


NEW_SUBJECT: Final = _("Voicemail: message {number} from {caller}")
NEW_BODY: Final = _(
    "A message has come in.\n"
    "\n"
    "{line}\n"
    "\n"
    "{where}\n"
    "\n"
    "Whoever deals with it takes it, so that nobody else calls back.\n"
)
ON_A_PHONE: Final = _(
    "It is heard on a phone with *86. Then: 1 again, 2 next, 3 called back, 4 "
    "not needed, 5 take it, 6 called in vain, 7 call back now."
)
ON_THE_PAGE: Final = _("It is heard and closed on the page: {page}")
MESSAGE_LINE: Final = _("Message {number}: {caller}, received {when}, length {length}")
# A message unheard 30 minutes after opening, or open after one working day (E16).
MESSAGE_ALERTS: Final[Mapping[MessageStep, tuple[Words, Words]]] = {
    MessageStep.ALERT_UNHEARD: (
        _("Voicemail: messages not heard ({number})"),
        _(
            "The office has been open for thirty minutes and nobody has heard yet:\n"
            "\n"
            "{lines}\n"
            "\n"
            "They are heard on a phone with *86.\n"
        ),
    ),
    MessageStep.ALERT_UNCLOSED: (
        _("Voicemail: messages not closed ({number})"),
        _(
            "A working day has passed and nobody has closed:\n"
            "\n"
            "{lines}\n"
            "\n"
            "Every message is closed with its outcome.\n"
        ),
    ),
}


def new_message_mail(message: Message, notices: AlertSettings, zone: tzinfo) -> Mail:
    """Write the notice of a new message, with its sound if `notices.sound`."""
    language = notices.language
    caller = caller_words(message.caller, language)
    page = [ON_THE_PAGE.filled(page=notices.page).text(language)] if notices.page else []
    where = "\n".join((*page, ON_A_PHONE.text(language)))
    return Mail(
        f"message:{message.id}",
        notices.desk,
        NEW_SUBJECT.filled(number=message.number, caller=caller).text(language),
        NEW_BODY.filled(line=_message_line(message, zone, notices), where=where).text(language),
        # As delivered without the sound, which is for those who may hear messages.
        attachments=(f"voicemail/{message.path}",) if notices.sound else (),
    )


def message_alert_mails(
    step: MessageStep, late: tuple[Message, ...], notices: AlertSettings, zone: tzinfo
) -> Iterator[Mail]:
    """Write one alert about all messages that became late together, for each recipient."""
    subject, body = MESSAGE_ALERTS[step]
    lines = "\n".join(_message_line(message, zone, notices) for message in late)
    subject, body = subject.filled(number=len(late)), body.filled(lines=lines)
    for to in notices.alerted:
        who = "head" if to == TO_HEAD else "desk"
        key = f"{step}:{who}:{late[0].id}"
        yield Mail(key, to, subject.text(notices.language), body.text(notices.language))


def _message_line(message: Message, zone: tzinfo, notices: AlertSettings) -> str:
    seconds, language = message.length_ms // 1000, notices.language
    holder = notices.labels.get(message.taken_by, message.taken_by)
    taken = f", {CASE_TAKEN.filled(holder=holder).text(language)}" if holder else ""
    said = MESSAGE_LINE.filled(
        number=message.number,
        caller=caller_words(message.caller, language),
        when=moment_words(message.received_at.astimezone(zone), language),
        length=f"{seconds // 60}:{seconds % 60:02}",
    ).text(language)
    return said + taken


SYSTEM: Final = "box"
"""Author of the entry of an alert."""
# Calls listed in one digest; of the rest it says the count.
MOST_LINES: Final = 30
MISSED_LINE: Final = _("Call {number}: {caller}, {when}{told}")
MORE: Final = _("… and {more} more.")
# The same two limits for missed calls (E16, E24), in digests of a day.
MISSED_DIGESTS: Final[Mapping[MessageStep, tuple[Words, Words]]] = {
    MessageStep.ALERT_UNHEARD: (
        _("Missed calls not looked at ({number})"),
        _(
            "The office has been open for thirty minutes or more and nobody has dealt "
            "with:\n"
            "\n"
            "{lines}\n"
            "\n"
            "See centralino calls list --missed; each is closed with its outcome.\n"
        ),
    ),
    MessageStep.ALERT_UNCLOSED: (
        _("Missed calls not called back ({number})"),
        _(
            "A working day has passed and nobody has called back or closed:\n"
            "\n"
            "{lines}\n"
            "\n"
            "See centralino calls list --missed; each is closed with its outcome.\n"
        ),
    ),
}


def queue_missed_digests(
    connection: sqlite3.Connection,
    calls: tuple[MissedCall, ...],
    calendar: Schedule,
    notices: AlertSettings,
    now: datetime,
    domain: str,
) -> tuple[MissedCall, ...]:
    """Queue today's digests, inside the caller's transaction; returns the calls as then alerted."""
    # One digest of each kind a working day, half an hour after opening, so that a busy day floods
    # nobody. A call that becomes late after today's digest is in the next one.
    if not is_digest_time(calendar, now):
        return calls
    today = now.astimezone(calendar.zone).date()
    # A digest of today to either recipient means that today's was queued, also before a restart.
    for step in MISSED_DIGESTS:
        if not any(
            outbox.is_known(connection, _digest_key(step, who, today)) for who in ("head", "desk")
        ):
            calls = _queue_digest(connection, calls, step, calendar, notices, now, domain)
    return calls


def _queue_digest(
    connection: sqlite3.Connection,
    calls: tuple[MissedCall, ...],
    step: MessageStep,
    calendar: Schedule,
    notices: AlertSettings,
    now: datetime,
    domain: str,
) -> tuple[MissedCall, ...]:
    late = {
        each.record.call: each
        for each in calls
        if can_be_called_back(each)
        and step in due_call_alerts(each.care, each.record.rang_at, calendar, now, notices.calls)
    }
    voicemail.insert_alerts(connection, CaseKind.CALL, late, MessageEntry(now, SYSTEM, step))
    for mail in missed_digest_mails(step, tuple(late.values()), notices, calendar.zone, now):
        outbox.put_mail(connection, mail, now, domain)
    return tuple(_with_alert(each, step) if each.record.call in late else each for each in calls)


def _with_alert(each: MissedCall, step: MessageStep) -> MissedCall:
    return replace(each, care=replace(each.care, alerted=each.care.alerted | {step}))


def can_be_called_back(each: MissedCall) -> bool:
    """Tell whether a call is open and has a number to call back."""
    # Nobody can be reminded to call a number that is not known.
    return each.is_open and bool(each.record.caller.number)


def missed_digest_mails(
    step: MessageStep,
    late: tuple[MissedCall, ...],
    notices: AlertSettings,
    zone: tzinfo,
    now: datetime,
) -> Iterator[Mail]:
    """Write one digest for each recipient; none if no call is late."""
    if not late:
        return
    subject, body = MISSED_DIGESTS[step]
    lines = [_missed_line(each, zone, notices.language) for each in late[:MOST_LINES]]
    if len(late) > MOST_LINES:
        lines.append(MORE.filled(more=len(late) - MOST_LINES).text(notices.language))
    subject = subject.filled(number=len(late))
    body = body.filled(lines="\n".join(lines))
    day = now.astimezone(zone).date()
    for to in notices.alerted:
        key = _digest_key(step, "head" if to == TO_HEAD else "desk", day)
        yield Mail(key, to, subject.text(notices.language), body.text(notices.language))


def count_alerted_calls(calls: tuple[MissedCall, ...]) -> tuple[int, int]:
    """Count the open calls with an alert: (not looked at, not called back)."""
    count_waiting = [each.care for each in calls if can_be_called_back(each)]
    unseen = [
        c for c in count_waiting if MessageStep.ALERT_UNHEARD in c.alerted and not looked_at(c)
    ]
    unclosed = [c for c in count_waiting if MessageStep.ALERT_UNCLOSED in c.alerted]
    return len(unseen), len(unclosed)


def _digest_key(step: MessageStep, who: str, day: date) -> str:
    return f"calls_{step}:{who}:{day}"


def _missed_line(each: MissedCall, zone: tzinfo, language: str) -> str:
    when = moment_words(each.record.rang_at.astimezone(zone), language)
    told = f", {WANTED.text(language)}" if each.wanted else ""
    told += (
        f", {CASE_TAKEN.filled(holder=each.care.holder).text(language)}" if each.care.holder else ""
    )
    caller = caller_words(each.record.caller, language)
    return MISSED_LINE.filled(number=each.number, caller=caller, when=when, told=told).text(
        language
    )


# An address that is entered today is not to be sent a year's messages.
NOTICE_WITHIN: Final = timedelta(days=1)
"""Age up to which a message is announced as new."""
_OPEN_MESSAGES: Final = "SELECT * FROM messages WHERE state = 'new' ORDER BY number"
_NOT_NOTIFIED: Final = """
    SELECT * FROM messages WHERE state = 'new'
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE key = 'message:' || messages.id)
    ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class OpenCounts:
    """Counts of open cases: late messages, missed calls, of them the interrupted ones.

    `requests` are those that offices have not answered, `overdue` the late ones of them.
    `calls_unseen` and `calls_unclosed` are missed calls with an alert that are still open.
    """

    unheard: int = 0
    unclosed: int = 0
    missed: int = 0
    interrupted: int = 0
    wanted: int = 0
    requests: int = 0
    overdue: int = 0
    calls_unseen: int = 0
    calls_unclosed: int = 0

    @property
    def late(self) -> bool:
        """Tell whether a message is late."""
        return bool(self.unheard or self.unclosed)


NOTHING_OPEN: Final = OpenCounts()


def queue_alerts(
    connection: sqlite3.Connection,
    calendar: Schedule,
    notices: AlertSettings,
    now: datetime,
    domain: str = outbox.NO_DOMAIN,
) -> OpenCounts:
    """Queue all due alerts, each once, and count the open cases; raises sqlite3.Error."""
    # An alert's mail and its entry are one transaction: a power cut between them would lose the
    # alert or give it twice.
    with transaction(connection):
        _queue_new(connection, calendar, notices, now, domain)
        _queue_late(connection, calendar, notices, now, domain)
        requests, overdue = queue_overdue(connection, calendar, notices, now, domain)
        calls = missed_calls(connection, now - timedelta(days=MISSED_DAYS), notices.plan)
        calls = queue_missed_digests(connection, calls, calendar, notices, now, domain)
    return replace(_count_open(connection, calls), requests=requests, overdue=overdue)


def _queue_new(
    connection: sqlite3.Connection,
    calendar: Schedule,
    notices: AlertSettings,
    now: datetime,
    domain: str,
) -> None:
    if not notices.desk:
        return
    for message in map(message_from_row, connection.execute(_NOT_NOTIFIED).fetchall()):
        if now - message.received_at < NOTICE_WITHIN:
            outbox.put_mail(
                connection, new_message_mail(message, notices, calendar.zone), now, domain
            )


def _queue_late(
    connection: sqlite3.Connection,
    calendar: Schedule,
    notices: AlertSettings,
    now: datetime,
    domain: str,
) -> None:
    cares = voicemail.care_by_id(connection, CaseKind.MESSAGE)
    late: dict[MessageStep, list[Message]] = {}
    for message in map(message_from_row, connection.execute(_OPEN_MESSAGES).fetchall()):
        stands = cares.get(message.id, MessageCare())
        for step in due_alerts(stands, message.received_at, calendar, now):
            late.setdefault(step, []).append(message)
    for step, found in late.items():
        # Without any recipient the alert is given on the box alone, and its entry kept.
        message_ids = (message.id for message in found)
        voicemail.insert_alerts(
            connection, CaseKind.MESSAGE, message_ids, MessageEntry(now, SYSTEM, step)
        )
        for mail in message_alert_mails(step, tuple(found), notices, calendar.zone):
            outbox.put_mail(connection, mail, now, domain)


def _count_open(connection: sqlite3.Connection, calls: tuple[MissedCall, ...]) -> OpenCounts:
    cares = [c for c in voicemail.care_by_id(connection, CaseKind.MESSAGE).values() if is_late(c)]
    unheard = [c for c in cares if not c.heard and c.state is MessageState.NEW]
    unclosed = [c for c in cares if MessageStep.ALERT_UNCLOSED in c.alerted]
    calls_unseen, calls_unclosed = count_alerted_calls(calls)
    count_waiting = [each for each in calls if each.is_open]
    return OpenCounts(
        len(unheard),
        len(unclosed),
        len(count_waiting),
        sum(each.record.result is Result.INTERRUPTED for each in count_waiting),
        sum(each.wanted for each in count_waiting),
        calls_unseen=calls_unseen,
        calls_unclosed=calls_unclosed,
    )
