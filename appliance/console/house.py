"""The state of the house and its calls as every page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from appliance.calls.events import Caller, Presentation
from appliance.calls.states import State
from appliance.calls.status import NOT_TRUSTED, WHY_RETURNED
from appliance.calls.transfer_call import Cause
from appliance.policy.clock import ClockState, Doubt
from appliance.policy.office import AUTOMATIC, Manual
from appliance.policy.text import NOTHING, Words

# ---- live --------------------------------------------------------------------------------------
# What the live part of the operator's page shows, made of the desk's status. Pure: values in, out.
#
# No line, modem or SIP word is in it (E22), and no office's number (P7).

OVER: Final = frozenset({State.CLEARING, State.ENDED})
"""Calls that are no more; nobody need see them go."""
WAITING: Final = frozenset(
    {State.ARRIVED, State.RINGING, State.ANSWERING, State.HOLDING, State.QUEUED, State.PBX_PENDING}
)
"""Somebody waits for an operator."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Since when a state holds, by whom (`automatic`: by itself), until when; None: not known."""

    since: datetime | None
    by: str
    until: datetime | None
    automatic: bool


@dataclass(frozen=True, slots=True)
class Return:
    """A transferred call that came back: the office, why, its rules, what to say (E10)."""

    unit: str
    office: str
    need: str
    why: Words
    rules: tuple[str, ...]
    say: str
    officials: tuple[str, ...]
    waits: bool


@dataclass(frozen=True, slots=True)
class CallView:
    """One call at the side: waiting, or talking, `since`; `phones` ring for it, `phone` talks.

    `mine`: the position that looks is on it. `back`: it came back from an office.
    `refused`: why it could not go on to one just now (E23). `head`: the head's part in it (E10);
    `has_head`: the desk knows how to bring one in. `origin`: the branch that hands the caller over.
    """

    call: str
    called: str
    caller: Caller
    since: datetime
    words: Words
    waits: bool
    phone: str
    phones: tuple[str, ...]
    mine: bool
    talks: bool
    back: Return | None
    refused: Words
    head: Words
    has_head: bool
    origin: str = ""


@dataclass(frozen=True, slots=True)
class PositionView:
    """One position: "free", "busy", "away" or "unreachable"."""

    phone: str
    state: str
    mark: Mark
    mine: bool


@dataclass(frozen=True, slots=True)
class Live:
    """All of it. `at` is the desk's clock; `sentence` says why it is closed, `time`
    what holds while its clock cannot be trusted.
    """

    at: datetime
    open: bool
    sentence: Words
    changes_at: datetime | None
    calls: tuple[CallView, ...]
    positions: tuple[PositionView, ...]
    me: PositionView | None
    messages: int
    missed: int
    interrupted: int
    time: Words = NOTHING

    @property
    def mine(self) -> CallView | None:
        """The call that the position that looks is on, a return before another."""
        own = [call for call in self.calls if call.mine]
        return next((call for call in own if call.back), own[0] if own else None)


def live(status: Mapping[str, Any], position: str) -> Live:
    """Make it for whoever sits at a position ("": none)."""
    away = dict(status["service"]["away"])
    positions = tuple(_position(one, away, position) for one in status["positions"])
    calls = [_call(one, position) for one in status["calls"] if State(one["state"]) not in OVER]
    return Live(
        datetime.fromisoformat(status["at"]),
        status["open"],
        _words(status["sentence"]),
        _moment(status["changes_at"]),
        tuple(sorted(calls, key=lambda call: (not call.waits, call.since))),
        positions,
        next((one for one in positions if one.mine), None),
        status["waiting"],
        status["care"].get("missed", 0),
        status["care"].get("interrupted", 0),
        _time(status),
    )


def _time(status: Mapping[str, Any]) -> Words:
    is_trusted = ClockState(status["clock_state"]).is_trusted
    return NOTHING if is_trusted else NOT_TRUSTED[Doubt(status["doubt"])]


def _call(one: Mapping[str, Any], position: str) -> CallView:
    record, transfer, origin = one["record"], one["transfer"], one.get("origin", "")
    back = _return(transfer) if transfer and transfer["returned"] else None
    waits = State(one["state"]) in WAITING or (back is not None and back.waits)
    phone = one["phone"] if State(one["state"]) not in WAITING else ""
    sender = transfer["operator"] if transfer else ""
    since = record["rang_at"] if waits else record["answered_at"] or record["rang_at"]
    return CallView(
        one["call"],
        record["called"],
        _caller(one["caller"]),
        datetime.fromisoformat(since),
        _words(transfer["words"] if transfer else one["words"]),
        waits,
        phone,
        tuple(one["ringing"]),
        bool(position) and position in (phone, sender),
        State(one["state"]) is State.TALKING,
        back,
        _words(one["refused"]),
        _words(one["head"]["words"]) if one.get("head") else NOTHING,
        "head" in one and not origin,
        origin,
    )


def _return(transfer: Mapping[str, Any]) -> Return:
    return Return(
        transfer["unit"],
        transfer["office"],
        transfer["need"],
        WHY_RETURNED[Cause(transfer["returned"])],
        tuple(transfer["rules"]),
        transfer["say"],
        tuple(transfer["officials"]),
        transfer["waiting"],
    )


def _caller(caller: Mapping[str, Any]) -> Caller:
    return Caller(Presentation(caller["presentation"]), caller["number"], caller["name"])


def _position(one: Mapping[str, Any], away: Mapping[str, Any], position: str) -> PositionView:
    until = _moment(away.get(one["phone"], {}).get("until"))
    mark = Mark(_moment(one["since"]), one["by"], until, one["by"] == AUTOMATIC)
    return PositionView(one["phone"], one["state"], mark, one["phone"] == position)


def mark_of(mark: Mapping[str, Any] | None) -> Mark | None:
    """Read the mark of a state; None while it is off."""
    if mark is None:
        return None
    since, until = _moment(mark["since"]), _moment(mark["until"])
    return Mark(since, mark["by"], until, mark["by"] == AUTOMATIC)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _words(words: Mapping[str, str]) -> Words:
    return Words(words["it"], words["en"])


# ---- house -------------------------------------------------------------------------------------
# The state of the whole house as every page shows it: open or not, set by hand, who rings.
#
# Pure: made of the desk's status. Ways to end a state and what an operator may set are the page's.

SET: Final[Mapping[Manual, Words]] = {
    Manual.UNATTENDED: Words("Non presidiato", "Unattended"),
    Manual.CLOSED: Words("Chiuso – segreteria", "Closed – voicemail"),
    Manual.ABSENT: Words("Tutti assenti", "All absent"),
    Manual.OPENED: Words("Aperto fuori orario", "Open outside the hours"),
}
"""The states that are set by hand, in the order of the page."""
MEANS: Final[Mapping[Manual, Words]] = {
    Manual.UNATTENDED: Words(
        "le chiamate vanno allo Sportello Cittadini", "calls go to the citizens' counter"
    ),
    Manual.CLOSED: Words("risponde la segreteria", "voicemail answers"),
    Manual.ABSENT: Words(
        "nessun telefono squilla, risponde la segreteria", "no phone rings, voicemail answers"
    ),
    Manual.OPENED: Words("le chiamate squillano", "calls ring"),
}
"""What each does to calls."""


@dataclass(frozen=True, slots=True)
class Banner:
    """One state in force; its mark's `until` is None where it lasts until somebody ends it."""

    what: Manual
    words: Words
    means: Words
    mark: Mark


@dataclass(frozen=True, slots=True)
class House:
    """`changes_at` is when the house next opens or closes, None where that is not known.

    `ringing` are the calls that wait for an operator; `messages` and `missed` calls are to be
    dealt with.
    """

    at: datetime
    is_open: bool
    changes_at: datetime | None
    banners: tuple[Banner, ...]
    ringing: tuple[CallView, ...]
    messages: int
    missed: int


def house(status: Mapping[str, Any]) -> House:
    """Make it of the desk's status."""
    seen = live(status, "")
    banners = (
        Banner(what, words, MEANS[what], mark)
        for what, words in SET.items()
        if (mark := mark_of(status["service"].get(what))) is not None
    )
    waiting = tuple(call for call in seen.calls if call.waits)
    return House(
        seen.at, seen.open, seen.changes_at, tuple(banners), waiting, seen.messages, seen.missed
    )
