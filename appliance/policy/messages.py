"""What becomes of a message, or of a call that left none: new, taken by somebody, closed (P9, E16).

Whatever is done is an entry that is only ever added; how things stand is the sum of the entries.
States and what changes them are one table. Two people cannot take the same message at once.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

from appliance.policy.local_time import moment_phrase
from appliance.policy.words import SaidError, Words


class HeldError(SaidError):
    """Raised when somebody else has taken the message (E16)."""


class Outcome(enum.StrEnum):
    """With what a message was closed (P9)."""

    CALLED_BACK = "called_back"
    NOT_REACHABLE = "not_reachable"
    NO_NUMBER = "no_number"
    NOT_NEEDED = "not_needed"
    PASSED_TO_OFFICE = "passed_to_office"


class MessageState(enum.StrEnum):
    """Whether somebody deals with a message."""

    NEW = "new"
    TAKEN = "taken"  # somebody deals with it: nobody else calls back (E16)
    CLOSED = "closed"


class Step(enum.StrEnum):
    """What is done about a message; also the word under which it is kept."""

    HEAR = "hear"
    TAKE = "take"
    RELEASE = "release"
    GIVE = "give"  # to a colleague (E19)
    FAIL = "fail"  # called back in vain
    NOTE = "note"
    CLOSE = "close"
    REOPEN = "reopen"
    ALERT_UNHEARD = "alert_unheard"  # desk and head were told (E16)
    ALERT_UNCLOSED = "alert_unclosed"


_S = MessageState
NEXT: Mapping[MessageState, Mapping[Step, MessageState]] = {
    _S.NEW: {
        Step.HEAR: _S.NEW,
        Step.TAKE: _S.TAKEN,
        Step.FAIL: _S.NEW,
        Step.NOTE: _S.NEW,
        Step.CLOSE: _S.CLOSED,
        Step.ALERT_UNHEARD: _S.NEW,
        Step.ALERT_UNCLOSED: _S.NEW,
    },
    _S.TAKEN: {
        Step.HEAR: _S.TAKEN,
        Step.TAKE: _S.TAKEN,  # by whoever has it already: nothing changes
        Step.RELEASE: _S.NEW,
        Step.GIVE: _S.TAKEN,  # by whom it is given to
        Step.FAIL: _S.TAKEN,
        Step.NOTE: _S.TAKEN,
        Step.CLOSE: _S.CLOSED,
        Step.ALERT_UNHEARD: _S.TAKEN,
        Step.ALERT_UNCLOSED: _S.TAKEN,
    },
    _S.CLOSED: {
        Step.HEAR: _S.CLOSED,
        Step.NOTE: _S.CLOSED,
        Step.CLOSE: _S.CLOSED,  # in the same words: nothing changes
        Step.REOPEN: _S.NEW,
    },
}
"""Every state and step that may meet; what is missing is refused in words."""

HOLDERS_OWN = frozenset({Step.TAKE, Step.FAIL, Step.CLOSE})
"""What nobody else does while somebody has the message. Giving it free, or to a colleague, may
everybody: whoever has it may be on holiday, and the entry says who did."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing done: when (aware), by whom, what; CLOSE has an outcome, GIVE whom it is `to`."""

    at: datetime
    by: str
    step: Step
    outcome: Outcome | None = None
    note: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Care:
    """How a message stands: who has it since when, how it was closed, what was tried.

    `failed` are the times of call-backs in vain, `heard` who heard it and when, `notes` the
    entries with words; all oldest first. `alerted` are the alerts that were given.
    """

    state: MessageState = MessageState.NEW
    holder: str = ""
    since: datetime | None = None
    closing: Entry | None = None
    failed: tuple[datetime, ...] = ()
    heard: tuple[tuple[str, datetime], ...] = ()
    notes: tuple[Entry, ...] = ()
    alerted: frozenset[Step] = frozenset()


def care_of(entries: Iterable[Entry]) -> Care:
    """Sum up entries, oldest first; what was written once is never doubted again."""
    return reduce(_with, entries, Care())


def check(care: Care, entry: Entry, name: str) -> bool:
    """Tell whether an entry changes anything; raises SaidError where it may not be done.

    `name` is how the message is called in the English sentence: "message 17".
    """
    if not entry.by.strip():
        raise SaidError(Words("Chi se ne occupa? Serve un nome.", f"{name} {_NEEDS_WHO}"))
    if (entry.outcome is not None) != (entry.step is Step.CLOSE):
        raise SaidError(Words("L'esito si dice quando si chiude.", f"{name}: {_NEEDS_OUTCOME}"))
    if bool(entry.to.strip()) != (entry.step is Step.GIVE):
        raise SaidError(Words("A chi si consegna? Serve un nome.", f"{name}: {_NEEDS_TO}"))
    if care.state is MessageState.CLOSED and entry.step is Step.CLOSE:
        return _closed_twice(care, entry, name)
    if entry.step not in NEXT[care.state]:
        stands = _STANDS[care.state]
        raise SaidError(Words(stands.it, f"{name} {stands.en}"))
    if care.holder and entry.step in HOLDERS_OWN and entry.by != care.holder:
        raise HeldError(_held(care, name))
    taken_again = entry.step is Step.TAKE and care.state is MessageState.TAKEN
    return not taken_again and not (entry.step is Step.GIVE and entry.to == care.holder)


_NEEDS_WHO = "is dealt with by somebody: say who"
_NEEDS_TO = "whom it is given to is told when giving it, and only then"
_NEEDS_OUTCOME = "an outcome is told when closing it, and only then"
_STANDS: Mapping[MessageState, Words] = {
    MessageState.NEW: Words(
        "Non l'ha preso nessuno ed è da trattare: prenderlo o chiuderlo.",
        "is nobody's and open: take or close it",
    ),
    MessageState.TAKEN: Words(
        "È ancora da trattare: non c'è nulla da riaprire.",
        "is still open: there is nothing to reopen",
    ),
    MessageState.CLOSED: Words(
        "È già chiuso: prima va riaperto.", "is closed already: reopen it first"
    ),
}
"""Why a step that the table has no row for is refused."""


def _held(care: Care, name: str) -> Words:
    """Say who has it."""
    it = en = ""
    if care.since:
        it = f" {moment_phrase('dal', care.since, 'it', year=False)}"
        en = f" {moment_phrase('since', care.since, 'en', year=False)}"
    return Words(
        f"Già in carico a {care.holder}{it}: occorre prima rilasciarlo.",
        f"{name}: {care.holder} has it{en}; ask, or release it first",
    )


def _closed_twice(care: Care, entry: Entry, name: str) -> bool:
    """Refuse a second closing in other words; the first one stands."""
    closing = care.closing
    assert closing is not None
    if (closing.outcome, closing.by) != (entry.outcome, entry.by):
        raise SaidError(
            Words(
                f"L'ha già chiuso {closing.by}.",
                f"{name} was already closed by {closing.by} ({closing.outcome})",
            )
        )
    return False


def _with(care: Care, entry: Entry) -> Care:
    """Add one entry to what came of those before it."""
    state = NEXT[care.state].get(entry.step, care.state)
    care = replace(care, state=state)
    if entry.note:
        care = replace(care, notes=(*care.notes, entry))
    match entry.step:
        case Step.TAKE:
            return replace(care, holder=entry.by, since=entry.at)
        case Step.GIVE:
            return replace(care, holder=entry.to, since=entry.at)
        case Step.RELEASE | Step.REOPEN:
            return replace(care, holder="", since=None, closing=None)
        case Step.CLOSE:
            return replace(care, closing=entry)
        case Step.FAIL:
            return replace(care, failed=(*care.failed, entry.at))
        case Step.HEAR:
            return replace(care, heard=(*care.heard, (entry.by, entry.at)))
        case Step.ALERT_UNHEARD | Step.ALERT_UNCLOSED:
            return replace(care, alerted=care.alerted | {entry.step})
    return care
