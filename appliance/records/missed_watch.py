"""Calls without a message that nobody looks at or calls back: desk and head are told (E16, E24).

One digest a working day of each kind, half an hour after opening, so that a busy day floods nobody;
what becomes late after today's stands in the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from appliance.policy.local_time import moment_words
from appliance.policy.mail import HEAD, Mail
from appliance.policy.message_alerts import due_call_alerts, is_digest_time, looked_at
from appliance.policy.messages import Entry, Step
from appliance.policy.words import Words
from appliance.records import care, outbox
from appliance.records.care import Kind
from appliance.records.care_words import TAKEN, WANTED
from appliance.records.listing import caller_words, one
from appliance.records.missed import Missed

if TYPE_CHECKING:
    import sqlite3
    from datetime import date, datetime, tzinfo

    from appliance.policy.hours import Schedule
    from appliance.records.care_mails import Notices

BOX: Final = "box"
"""Who gives an alert."""
MOST_LINES: Final = 30
"""So many calls stand in one digest; of the others it says how many there are."""
LINE: Final = Words("Chiamata {}: {}, {}{}", "Call {}: {}, {}{}")
MORE: Final = Words("… e altre {}.", "… and {} more.")
DIGESTS: Final[Mapping[Step, tuple[Words, Words]]] = {
    Step.ALERT_UNHEARD: (
        Words("Chiamate senza messaggio mai guardate ({})", "Missed calls not looked at ({})"),
        Words(
            "Da almeno trenta minuti l'ufficio è aperto e nessuno se n'è occupato:\n\n{}\n\n"
            "Si vedono con centralino calls --missed; ognuna si chiude con il suo esito.\n",
            "The office has been open for thirty minutes or more and nobody has dealt with:"
            "\n\n{}\n\nSee centralino calls --missed; each is closed with its outcome.\n",
        ),
    ),
    Step.ALERT_UNCLOSED: (
        Words("Chiamate senza messaggio da richiamare ({})", "Missed calls not called back ({})"),
        Words(
            "È passato un giorno lavorativo e nessuno ha richiamato o chiuso:\n\n{}\n\n"
            "Si vedono con centralino calls --missed; ognuna si chiude con il suo esito.\n",
            "A working day has passed and nobody has called back or closed:\n\n{}\n\n"
            "See centralino calls --missed; each is closed with its outcome.\n",
        ),
    ),
}


def tell_missed(
    connection: sqlite3.Connection,
    calls: tuple[Missed, ...],
    calendar: Schedule,
    notices: Notices,
    now: datetime,
    domain: str,
) -> tuple[Missed, ...]:
    """Queue today's digests, in the caller's transaction; return the calls as they stand then."""
    if not is_digest_time(calendar, now):
        return calls
    today = now.astimezone(calendar.zone).date()
    for step in DIGESTS:
        if not any(outbox.is_known(connection, _key(step, who, today)) for who in ("head", "desk")):
            calls = _tell(connection, calls, step, calendar, notices, now, domain)
    return calls


def _tell(
    connection: sqlite3.Connection,
    calls: tuple[Missed, ...],
    step: Step,
    calendar: Schedule,
    notices: Notices,
    now: datetime,
    domain: str,
) -> tuple[Missed, ...]:
    late = {
        each.record.call: each
        for each in calls
        if is_to_call_back(each)
        and step in due_call_alerts(each.care, each.record.rang_at, calendar, now, notices.calls)
    }
    care.note_alert(connection, Kind.CALL, late, Entry(now, BOX, step))
    for mail in digests(step, tuple(late.values()), notices, calendar.zone, now):
        outbox.put(connection, mail, now, domain)
    return tuple(_alerted(each, step) if each.record.call in late else each for each in calls)


def _alerted(each: Missed, step: Step) -> Missed:
    return replace(each, care=replace(each.care, alerted=each.care.alerted | {step}))


def is_to_call_back(each: Missed) -> bool:
    """Tell whether somebody can and should: of a number nobody knows no one can be reminded."""
    return each.is_open and bool(each.record.caller.number)


def digests(
    step: Step, late: tuple[Missed, ...], notices: Notices, zone: tzinfo, now: datetime
) -> Iterator[Mail]:
    """Write one digest for each who is to know; nothing where nothing is late."""
    if not late:
        return
    subject, body = (one(words, notices.language) for words in DIGESTS[step])
    lines = [_line(each, zone, notices.language) for each in late[:MOST_LINES]]
    if len(late) > MOST_LINES:
        lines.append(one(MORE, notices.language).format(len(late) - MOST_LINES))
    day = now.astimezone(zone).date()
    for to in notices.alerted:
        key = _key(step, "head" if to == HEAD else "desk", day)
        yield Mail(key, to, subject.format(len(late)), body.format("\n".join(lines)))


def counts(calls: tuple[Missed, ...]) -> tuple[int, int]:
    """Count the calls that were told of and wait still: not looked at, not called back."""
    waiting = [each.care for each in calls if is_to_call_back(each)]
    unseen = [c for c in waiting if Step.ALERT_UNHEARD in c.alerted and not looked_at(c)]
    unclosed = [c for c in waiting if Step.ALERT_UNCLOSED in c.alerted]
    return len(unseen), len(unclosed)


def _key(step: Step, who: str, day: date) -> str:
    return f"calls_{step}:{who}:{day}"


def _line(each: Missed, zone: tzinfo, language: str) -> str:
    when = moment_words(each.record.rang_at.astimezone(zone), language)
    told = f", {one(WANTED, language)}" if each.wanted else ""
    told += f", {one(TAKEN, language).format(each.care.holder)}" if each.care.holder else ""
    caller = caller_words(each.record.caller, language)
    return one(LINE, language).format(each.number, caller, when, told)
