"""Messages, and calls that left none: new, taken by somebody, closed; their alerts (P9, E16).

Every action is an entry; entries are only added, and their sum is the message's state. States and
steps are one table. Two people cannot take the same message at once.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, tzinfo
from functools import reduce

from appliance.policy.hours import ONE_DAY, Schedule, local_moment, moment_phrase_words
from appliance.policy.text import SaidError
from appliance.text import Words, _, in_context


class HeldByOtherError(SaidError):
    """Raised when somebody else has taken the message (E16)."""


class MessageOutcome(enum.StrEnum):
    """Outcome with which a message was closed (P9)."""

    CALLED_BACK = "called_back"
    NOT_REACHABLE = "not_reachable"
    NO_NUMBER = "no_number"
    NOT_NEEDED = "not_needed"
    PASSED_TO_OFFICE = "passed_to_office"


class MessageState(enum.StrEnum):
    """State of a message's handling."""

    NEW = "new"
    TAKEN = "taken"  # somebody deals with it: nobody else calls back (E16)
    CLOSED = "closed"


class MessageStep(enum.StrEnum):
    """Step of a message's handling; the value is stored with the entry."""

    HEAR = "hear"
    TAKE = "take"
    RELEASE = "release"
    GIVE = "give"  # to a colleague (E19)
    FAIL = "fail"  # called back in vain
    NOTE = "note"
    CLOSE = "close"
    REOPEN = "reopen"
    TAKE_BACK = "take_back"  # one's own last attempt or note, within a minute
    ALERT_UNHEARD = "alert_unheard"  # front desk and supervisor were told (E16)
    ALERT_UNCLOSED = "alert_unclosed"


_S = MessageState
# State after a step; a missing pair is refused in words.
MESSAGE_STATE_AFTER: Mapping[MessageState, Mapping[MessageStep, MessageState]] = {
    _S.NEW: {
        MessageStep.HEAR: _S.NEW,
        MessageStep.TAKE: _S.TAKEN,
        MessageStep.FAIL: _S.NEW,
        MessageStep.NOTE: _S.NEW,
        MessageStep.TAKE_BACK: _S.NEW,
        MessageStep.CLOSE: _S.CLOSED,
        MessageStep.ALERT_UNHEARD: _S.NEW,
        MessageStep.ALERT_UNCLOSED: _S.NEW,
    },
    _S.TAKEN: {
        MessageStep.HEAR: _S.TAKEN,
        MessageStep.TAKE: _S.TAKEN,  # by its holder: nothing changes
        MessageStep.RELEASE: _S.NEW,
        MessageStep.GIVE: _S.TAKEN,  # held by its recipient
        MessageStep.FAIL: _S.TAKEN,
        MessageStep.NOTE: _S.TAKEN,
        MessageStep.TAKE_BACK: _S.TAKEN,
        MessageStep.CLOSE: _S.CLOSED,
        MessageStep.ALERT_UNHEARD: _S.TAKEN,
        MessageStep.ALERT_UNCLOSED: _S.TAKEN,
    },
    _S.CLOSED: {
        MessageStep.HEAR: _S.CLOSED,
        MessageStep.NOTE: _S.CLOSED,
        MessageStep.TAKE_BACK: _S.CLOSED,
        MessageStep.CLOSE: _S.CLOSED,  # in the same words: nothing changes
        MessageStep.REOPEN: _S.NEW,
    },
}
# nobody else does these while somebody has the message. Anybody may release it or give it to a
# colleague: the holder may be on holiday, and the entry says who did
HOLDERS_OWN = frozenset({MessageStep.TAKE, MessageStep.FAIL, MessageStep.CLOSE})
TAKEN_BACK = frozenset({MessageStep.FAIL, MessageStep.NOTE})
"""Steps that TAKE_BACK takes back; the others have a step that is their opposite."""
TAKEN_BACK_WITHIN = timedelta(minutes=1)
"""Time in which a step can be taken back; a page offers it for ten seconds."""


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """One thing done: when (aware), by whom, what; CLOSE has an outcome, GIVE whom it is `to`."""

    at: datetime
    by: str
    step: MessageStep
    outcome: MessageOutcome | None = None
    note: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class MessageCare:
    """State of a message: who has it since when, how it was closed, what was tried.

    `failed` are the times of call-backs in vain, `heard` who heard it and when, `notes` the
    entries with words; all oldest first. `alerted` are the alerts that were given, `counted` the
    attempts and notes that their author may take back.
    """

    state: MessageState = MessageState.NEW
    holder: str = ""
    since: datetime | None = None
    closing: MessageEntry | None = None
    failed: tuple[datetime, ...] = ()
    heard: tuple[tuple[str, datetime], ...] = ()
    notes: tuple[MessageEntry, ...] = ()
    alerted: frozenset[MessageStep] = frozenset()
    counted: tuple[MessageEntry, ...] = ()


def standing(entries: Iterable[MessageEntry]) -> tuple[MessageEntry, ...]:
    """Return the entries that hold, oldest first: without what their authors have taken back."""
    kept: list[MessageEntry] = []
    for entry in entries:
        if entry.step is not MessageStep.TAKE_BACK:
            kept.append(entry)
        elif (own := _last_own(kept, entry.by)) is not None:
            kept.remove(own)
    return tuple(kept)


def _last_own(entries: Iterable[MessageEntry], by: str) -> MessageEntry | None:
    """Return a person's last attempt or note."""
    own = [one for one in entries if one.by == by and one.step in TAKEN_BACK]
    return own[-1] if own else None


def care_of(entries: Iterable[MessageEntry]) -> MessageCare:
    """Sum up entries, oldest first, without checking them."""
    # each was checked in the transaction that added it
    return reduce(_with, standing(entries), MessageCare())


def check_entry(
    care: MessageCare,
    entry: MessageEntry,
    name: str,
    zone: tzinfo | None = None,
    person: Callable[[str], str] = str,
) -> bool:
    """Check an entry and tell whether it changes anything; raises SaidError if it is not allowed.

    `name` is how the message is called where a sentence names it: "message 17"; `zone` is the
    site's, in which times are told; `person` tells a login's own name.
    """
    if not entry.by.strip():
        raise SaidError(_("{name} is dealt with by somebody: say who", name=name))
    # P9: a closing has an outcome, and no other step has one
    if (entry.outcome is not None) != (entry.step is MessageStep.CLOSE):
        raise SaidError(_NEEDS_OUTCOME.filled(name=name))
    # given to nobody it would be released (E19)
    if bool(entry.to.strip()) != (entry.step is MessageStep.GIVE):
        raise SaidError(_NEEDS_TO.filled(name=name))
    if care.state is MessageState.CLOSED and entry.step is MessageStep.CLOSE:
        return _closed_twice(care, entry, name, person)
    if entry.step not in MESSAGE_STATE_AFTER[care.state]:
        raise SaidError(_STANDS[care.state].filled(name=name))
    if entry.step is MessageStep.TAKE_BACK:
        own = _last_own(care.counted, entry.by)
        if own is None or entry.at - own.at > TAKEN_BACK_WITHIN:
            raise SaidError(_NOTHING_TO_TAKE_BACK.filled(name=name))
    # two people cannot call back the same message at once (E16)
    if care.holder and entry.step in HOLDERS_OWN and entry.by != care.holder:
        raise HeldByOtherError(_held(care, name, zone, person(care.holder)))
    # taken again, it is theirs since the first time
    taken_again = entry.step is MessageStep.TAKE and care.state is MessageState.TAKEN
    return not taken_again and not (entry.step is MessageStep.GIVE and entry.to == care.holder)


_NOTHING_TO_TAKE_BACK = _("{name}: nothing can be taken back any more")
_NEEDS_TO = _("{name}: whom it is given to is told when giving it, and only then")
_NEEDS_OUTCOME = _("{name}: an outcome is told when closing it, and only then")
_STANDS: Mapping[MessageState, Words] = {
    MessageState.NEW: _("{name} is nobody's and open: take or close it"),
    MessageState.TAKEN: _("{name} is still open: there is nothing to reopen"),
    MessageState.CLOSED: _("{name} is closed already: reopen it first"),
}
"""Why a step that the table has no row for is refused."""


def _held(care: MessageCare, name: str, zone: tzinfo | None, holder: str) -> Words:
    """Return the refusal that names the holder."""
    if care.since is None:
        return _("{name}: {holder} has it; ask, or release it first", name=name, holder=holder)
    since = care.since.astimezone(zone) if zone else care.since
    return _(
        "{name}: {holder} has it {since}; ask, or release it first",
        name=name,
        holder=holder,
        since=moment_phrase_words(in_context("moment", "since"), since, year=False),
    )


def _closed_twice(
    care: MessageCare, entry: MessageEntry, name: str, person: Callable[[str], str]
) -> bool:
    """Check a second closing; raises SaidError unless outcome and person are the same."""
    closing = care.closing
    assert closing is not None
    if (closing.outcome, closing.by) != (entry.outcome, entry.by):
        raise SaidError(
            _(
                "{name} was already closed by {by} ({outcome})",
                name=name,
                by=person(closing.by),
                outcome=closing.outcome,
            )
        )
    return False


def _with(care: MessageCare, entry: MessageEntry) -> MessageCare:
    """Return the state after one more entry."""
    state = MESSAGE_STATE_AFTER[care.state].get(entry.step, care.state)
    care = replace(care, state=state)
    if entry.note:
        care = replace(care, notes=(*care.notes, entry))
    if entry.step in TAKEN_BACK:
        care = replace(care, counted=(*care.counted, entry))
    match entry.step:
        case MessageStep.TAKE:
            return replace(care, holder=entry.by, since=entry.at)
        case MessageStep.GIVE:
            # lists and alerts name the new holder (E19)
            return replace(care, holder=entry.to, since=entry.at)
        case MessageStep.RELEASE | MessageStep.REOPEN:
            # nobody's again: the whole front desk watches it (P9)
            return replace(care, holder="", since=None, closing=None)
        case MessageStep.CLOSE:
            return replace(care, closing=entry)
        case MessageStep.FAIL:
            return replace(care, failed=(*care.failed, entry.at))
        case MessageStep.HEAR:
            return replace(care, heard=(*care.heard, (entry.by, entry.at)))
        case MessageStep.ALERT_UNHEARD | MessageStep.ALERT_UNCLOSED:
            return replace(care, alerted=care.alerted | {entry.step})
    return care


# Unheard 30 minutes after people are there, unclosed one working day later; each alert is given
# once. Of a call without a message only whether anybody looked at it counts (E16).

UNHEARD_AFTER = timedelta(minutes=30)
# an office that never opens is warned a week after a message came
NEVER_OPEN_DAYS = 7


class CallAlerts(enum.StrEnum):
    """The calls without a message that lead to alerts."""

    ALL = "all"  # of those nobody looked at, and of those nobody closed
    UNCLOSED = "unclosed"
    NONE = "none"


def people_are_there(received: datetime, calendar: Schedule) -> datetime:
    """Return when somebody could first deal with a message: at once while open, else at opening."""
    # nobody is alerted at night or on a day off (E16)
    return calendar.next_open(received) or received + NEVER_OPEN_DAYS * ONE_DAY


def unheard_at(received: datetime, calendar: Schedule) -> datetime:
    """Return when the alert of an unheard message is due: after 30 minutes of opening time (E16).

    Where it closes before they are over, 30 minutes after the next opening.
    """
    first = people_are_there(received, calendar)
    due = first + UNHEARD_AFTER
    state = calendar.at(first)
    if not state.open or state.flips_at is None or state.flips_at >= due:
        return due
    opens = calendar.next_open(state.flips_at)
    return due if opens is None else opens + UNHEARD_AFTER


def unclosed_at(received: datetime, calendar: Schedule) -> datetime:
    """Return when the alert of an unclosed message is due: after one working day (E16).

    At the same time of the next working day, or at the next opening after that: for a message left
    on Friday at 17:00 it is Monday at 17:00.
    """
    # a message left at night counts from the opening, when somebody could first take it
    first = people_are_there(received, calendar).astimezone(calendar.zone)
    midnight = datetime.combine(first.date() + ONE_DAY, time())
    opens = calendar.next_open(local_moment(midnight, calendar.zone))
    if opens is None:
        return first + NEVER_OPEN_DAYS * ONE_DAY
    day = opens.astimezone(calendar.zone).date()
    at = local_moment(datetime.combine(day, first.time()), calendar.zone)
    # at that hour nobody may be there, as in a lunch break: then at the next opening
    return calendar.next_open(at) or at


def due_alerts(
    care: MessageCare, received: datetime, calendar: Schedule, now: datetime
) -> Iterator[MessageStep]:
    """Yield the alerts of a message that are due and were not given."""
    yield from _due(care, received, calendar, now, seen=_heard(care))


def due_call_alerts(
    care: MessageCare, rang: datetime, calendar: Schedule, now: datetime, wanted: CallAlerts
) -> Iterator[MessageStep]:
    """Yield the alert of a call without a message that is due and was not given."""
    if wanted is CallAlerts.NONE or MessageStep.ALERT_UNCLOSED in care.alerted:
        return
    seen = looked_at(care) or wanted is CallAlerts.UNCLOSED
    # at most one: the alert that nobody called back covers that nobody looked
    yield from tuple(_due(care, rang, calendar, now, seen=seen))[-1:]


def is_digest_time(calendar: Schedule, now: datetime) -> bool:
    """Tell whether a day's digest may be sent: from 30 minutes after the day's opening on.

    Never on a day that stays closed; at any time if no day ever opens.
    """
    local = now.astimezone(calendar.zone)
    midnight = local_moment(datetime.combine(local.date(), time()), calendar.zone)
    opens = calendar.next_open(midnight)
    return opens is None or now >= opens + UNHEARD_AFTER


def _due(
    care: MessageCare, since: datetime, calendar: Schedule, now: datetime, *, seen: bool
) -> Iterator[MessageStep]:
    if care.state is MessageState.CLOSED:
        return
    # each alert is given once (E16)
    told = seen or MessageStep.ALERT_UNHEARD in care.alerted
    if not told and now >= unheard_at(since, calendar):
        yield MessageStep.ALERT_UNHEARD
    if MessageStep.ALERT_UNCLOSED not in care.alerted and now >= unclosed_at(since, calendar):
        yield MessageStep.ALERT_UNCLOSED


def _heard(care: MessageCare) -> bool:
    # a person who took it deals with it, heard or not
    return bool(care.heard) or care.state is MessageState.TAKEN


def looked_at(care: MessageCare) -> bool:
    """Tell whether anybody has done anything about a call that left no message."""
    return _heard(care) or bool(care.failed or care.notes)


def is_late(care: MessageCare) -> bool:
    """Tell whether an alert was given and still holds."""
    # an alert is shown as long as its reason holds
    if care.state is MessageState.CLOSED or not care.alerted:
        return False
    # once somebody has heard it, the alert that nobody did no longer holds
    return MessageStep.ALERT_UNCLOSED in care.alerted or not _heard(care)
