"""Live state of the switchboard: the status as a view, and the stream of events to browsers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.calls.events import Caller, Presentation
from appliance.calls.model import ReturnCause
from appliance.calls.states import State
from appliance.calls.status import NOT_TRUSTED, WHY_RETURNED
from appliance.console.control_client import StatusFeed, StatusSnapshot, parse_moment
from appliance.policy.clock import ClockState, Doubt
from appliance.policy.office import SET_AUTOMATICALLY
from appliance.policy.opening import ManualState
from appliance.policy.text import NOTHING, Words

# The view is pure: values in, values out. No line, modem or SIP word is in it (E22), and no
# office's number (P7).

# The line may still be clearing, which is of no interest to an operator.
OVER_STATES: Final = frozenset({State.CLEARING, State.ENDED})
"""States of calls that are over; the page does not show them."""
WAITING_STATES: Final = frozenset(
    {State.ARRIVED, State.RINGING, State.ANSWERING, State.HOLDING, State.QUEUED, State.PBX_PENDING}
)
"""States in which the caller waits for an operator."""


@dataclass(frozen=True, slots=True)
class StateMark:
    """Start, author and end of a state set by a person or, `automatic`, by call control."""

    since: datetime | None
    by: str
    until: datetime | None
    automatic: bool


@dataclass(frozen=True, slots=True)
class ReturnedCall:
    """Transferred call that came back: office, reason, return rules, sentence to say (E10)."""

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
    """Call in the page's list: waiting or talking `since`; `phones` ring for it, `phone` talks.

    `mine`: the viewing position is on it. `back`: it came back from an office. `refused`: why its
    last transfer was refused (E23). `head`: the supervisor's part in it (E10); `has_head`: call
    control can bring a supervisor in. `origin`: the branch that hands the caller over.
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
    back: ReturnedCall | None
    refused: Words
    head: Words
    has_head: bool
    origin: str = ""


@dataclass(frozen=True, slots=True)
class PositionView:
    """Position with its state: "free", "busy", "away" or "unreachable"."""

    phone: str
    state: str
    mark: StateMark
    mine: bool


@dataclass(frozen=True, slots=True)
class OperatorView:
    """Live part of the operator's page.

    `at` is call control's clock; `sentence` says why the switchboard is closed, `time` what holds
    while the clock cannot be trusted.
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
        """Call of the viewing position; where there are two, the one that came back."""
        # A returned call waits for its operator, who may be in another one already.
        own = [call for call in self.calls if call.mine]
        return next((call for call in own if call.back), own[0] if own else None)


def operator_view(status: Mapping[str, Any], position: str) -> OperatorView:
    """Make the view from call control's status, for a position ("": none)."""
    away = dict(status["service"]["away"])
    positions = tuple(_position_view(one, away, position) for one in status["positions"])
    calls = [
        _call_view(one, position)
        for one in status["calls"]
        if State(one["state"]) not in OVER_STATES
    ]
    return OperatorView(
        datetime.fromisoformat(status["at"]),
        status["open"],
        _words_of(status["sentence"]),
        parse_moment(status["changes_at"]),
        # Waiting callers first, the one that waits longest at the top.
        tuple(sorted(calls, key=lambda call: (not call.waits, call.since))),
        positions,
        next((one for one in positions if one.mine), None),
        status["waiting"],
        status["care"].get("missed", 0),
        status["care"].get("interrupted", 0),
        _clock_warning(status),
    )


def _clock_warning(status: Mapping[str, Any]) -> Words:
    # While the clock cannot be trusted, opening hours cannot be, either: the page says what holds.
    is_trusted = ClockState(status["clock_state"]).is_trusted
    return NOTHING if is_trusted else NOT_TRUSTED[Doubt(status["doubt"])]


def _call_view(one: Mapping[str, Any], position: str) -> CallView:
    record, transfer, origin = one["record"], one["transfer"], one.get("origin", "")
    # A returned call goes to the operator who transferred it, with the office and its rules (P6).
    back = _returned_call(transfer) if transfer and transfer["returned"] else None
    waits = State(one["state"]) in WAITING_STATES or (back is not None and back.waits)
    phone = one["phone"] if State(one["state"]) not in WAITING_STATES else ""
    sender = transfer["operator"] if transfer else ""
    since = record["rang_at"] if waits else record["answered_at"] or record["rang_at"]
    return CallView(
        one["call"],
        record["called"],
        _caller(one["caller"]),
        datetime.fromisoformat(since),
        _words_of(transfer["words"] if transfer else one["words"]),
        waits,
        phone,
        tuple(one["ringing"]),
        # The operator's keys act on this call; to a colleague it is another's.
        bool(position) and position in (phone, sender),
        State(one["state"]) is State.TALKING,
        back,
        _words_of(one["refused"]),
        _words_of(one["head"]["words"]) if one.get("head") else NOTHING,
        # No supervisor is offered for a call of another branch (B9).
        "head" in one and not origin,
        origin,
    )


def _returned_call(transfer: Mapping[str, Any]) -> ReturnedCall:
    return ReturnedCall(
        transfer["unit"],
        transfer["office"],
        transfer["need"],
        WHY_RETURNED[ReturnCause(transfer["returned"])],
        tuple(transfer["rules"]),
        transfer["say"],
        tuple(transfer["officials"]),
        transfer["waiting"],
    )


def _caller(caller: Mapping[str, Any]) -> Caller:
    return Caller(Presentation(caller["presentation"]), caller["number"], caller["name"])


def _position_view(one: Mapping[str, Any], away: Mapping[str, Any], position: str) -> PositionView:
    # Only a position that is away has an end; "free" and "busy" have none.
    until = parse_moment(away.get(one["phone"], {}).get("until"))
    mark = StateMark(parse_moment(one["since"]), one["by"], until, one["by"] == SET_AUTOMATICALLY)
    return PositionView(one["phone"], one["state"], mark, one["phone"] == position)


def mark_of(mark: Mapping[str, Any] | None) -> StateMark | None:
    """Parse the mark of a state; None while it is off."""
    if mark is None:
        return None
    since, until = parse_moment(mark["since"]), parse_moment(mark["until"])
    return StateMark(since, mark["by"], until, mark["by"] == SET_AUTOMATICALLY)


def _words_of(words: Mapping[str, str]) -> Words:
    return Words(words["it"], words["en"])


MANUAL_STATES: Final[Mapping[ManualState, Words]] = {
    ManualState.UNATTENDED: Words("Non presidiato", "Unattended"),
    ManualState.CLOSED: Words("Chiuso – segreteria", "Closed – voicemail"),
    ManualState.ABSENT: Words("Tutti assenti", "All absent"),
    ManualState.OPENED: Words("Aperto fuori orario", "Open outside the hours"),
}
"""Names of the states that people set by hand, in the order of the page."""
EFFECTS_ON_CALLS: Final[Mapping[ManualState, Words]] = {
    ManualState.UNATTENDED: Words(
        "le chiamate vanno allo Sportello Cittadini", "calls go to the citizens' counter"
    ),
    ManualState.CLOSED: Words("risponde la segreteria", "voicemail answers"),
    ManualState.ABSENT: Words(
        "nessun telefono squilla, risponde la segreteria", "no phone rings, voicemail answers"
    ),
    ManualState.OPENED: Words("le chiamate squillano", "calls ring"),
}
"""Effect of each state on calls."""


@dataclass(frozen=True, slots=True)
class Banner:
    """State in force; its mark's `until` is None where it lasts until a person ends it."""

    what: ManualState
    words: Words
    means: Words
    mark: StateMark


@dataclass(frozen=True, slots=True)
class SwitchboardSummary:
    """State of the switchboard for every page.

    `changes_at` is when it next opens or closes, None if unknown; `ringing` are the calls that
    wait for an operator; `messages` and `missed` count open messages and missed calls.
    """

    at: datetime
    is_open: bool
    changes_at: datetime | None
    banners: tuple[Banner, ...]
    ringing: tuple[CallView, ...]
    messages: int
    missed: int


def switchboard_summary(status: Mapping[str, Any]) -> SwitchboardSummary:
    """Make the summary from call control's status."""
    # Every page shows it, also to users without a position.
    seen = operator_view(status, "")
    banners = (
        Banner(what, words, EFFECTS_ON_CALLS[what], mark)
        for what, words in MANUAL_STATES.items()
        if (mark := mark_of(status["service"].get(what))) is not None
    )
    waiting = tuple(call for call in seen.calls if call.waits)
    return SwitchboardSummary(
        seen.at, seen.open, seen.changes_at, tuple(banners), waiting, seen.messages, seen.missed
    )


# A part that looks the same to all users with the same rights is rendered once: many screens cost
# little more than one.


class RenderCache:
    """Rendered parts of the newest state, by key; older ones are dropped."""

    def __init__(self) -> None:
        self._number = -1
        self._made: dict[Hashable, str] = {}

    def of(self, number: int, key: Hashable, make: Callable[[], str]) -> str:
        """Return the part for `key` of the state `number`, rendered by `make` the first time."""
        # An older state is never asked for again.
        if number != self._number:
            self._number, self._made = number, {}
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


# A beat carries the appliance's monotonic clock. A page that receives none for ten seconds says so
# (static/live.js), and each form it sends carries the time at which it expires (`has_expired`).

BEAT_S: Final = 3.0
"""Longest pause of a stream, in seconds."""

EventsOf = Callable[[StatusSnapshot], Iterable[str]]
"""Returns the events of a page for a state, made by `server_event`."""


def server_event(name: str, data: str) -> str:
    """Format a server-sent event (HTML Standard, 9.2.6): one data line for each line of text."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


class EventStream(StreamingResponse):
    """Response with server-sent events that ends when the browser disconnects."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the stream ends or the browser disconnects."""
        async with anyio.create_task_group() as tasks:
            # uvicorn reports a disconnect by `receive` alone and swallows what is sent after it. A
            # stream that outlived its browser would count among the requests that are served at
            # once: 300 visits blocked the console.
            async def watch() -> None:
                await self.listen_for_disconnect(receive)
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self.stream_response(send)
            tasks.cancel_scope.cancel()


def event_stream(
    request: Request, parts: EventsOf, during: AbstractContextManager[None] | None = None
) -> EventStream:
    """Answer with the event stream of a page, until logout or until the browser disconnects.

    The context `during` is entered when the stream begins and left when it ends.
    """
    events = _during(during or nullcontext(), _events(request, parts))
    return EventStream(events, media_type="text/event-stream")


async def _during(
    during: AbstractContextManager[None], events: AsyncIterator[str]
) -> AsyncIterator[str]:
    with during:
        async for one in events:
            yield one


async def _events(request: Request, parts: EventsOf) -> AsyncIterator[str]:
    feed: StatusFeed = request.app.state.feed
    number = -1
    # At once: the page knows that it is connected, and the appliance's clock.
    yield _beat()
    while True:
        try:
            async with asyncio.timeout(BEAT_S):
                seen = await feed.newer(number)
        except TimeoutError:
            yield _beat()
            continue
        if seen is None:
            return
        # Logged out elsewhere, or disabled: no more calls are shown.
        if not await request.app.state.accounts.is_in(request.state.word):
            yield server_event("out", "")
            return
        number = seen.number
        # Before the parts: where call control is away, the page says that they are old.
        yield server_event("away", "1" if seen.away else "")
        for part in parts(seen):
            yield part
        yield _beat()


def _beat() -> str:
    return server_event("beat", f"{time.monotonic():.1f}")
