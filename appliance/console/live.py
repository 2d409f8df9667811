"""Live state of the switchboard: the status as a view, and the stream of events to browsers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.api.replies import FullStatus
from appliance.calls.events import Caller
from appliance.calls.model import ReturnCause
from appliance.calls.phone_control import ANNOUNCED
from appliance.calls.states import State
from appliance.calls.status import NOT_TRUSTED, WHY_RETURNED, CallStatus, TransferStatus
from appliance.console.control_client import StatusFeed, StatusSnapshot
from appliance.policy.office import SET_AUTOMATICALLY, Position, PositionState
from appliance.policy.opening import ManualMark, ManualState
from appliance.store.alerts import NOTHING_OPEN, OpenCounts
from appliance.text import NOTHING, Words, _, sentence

# The view is pure: values in, values out. No line, modem or SIP word is in it (E22), and no
# office's number (P7).

# The line may still be clearing, which is of no interest to an operator.
# States of calls that are over; the page does not show them.
OVER_STATES: Final = frozenset({State.CLEARING, State.ENDED})
WAITING_STATES: Final = frozenset(
    {State.ARRIVED, State.RINGING, State.ANSWERING, State.HOLDING, State.QUEUED, State.PBX_PENDING}
)
"""States in which the caller waits for an operator."""


@dataclass(frozen=True, slots=True)
class LineLabels:
    """Labels of lines, by line and by the public number that rings there."""

    by_line: Mapping[str, str]
    by_number: Mapping[str, str]

    def of(self, called: str, line: str = "") -> str:
        """Return what a caller has called: the line's label, else the number; "" if not known."""
        return self.by_line.get(line) or self.by_number.get(called) or called


def line_labels(status: FullStatus | None) -> LineLabels:
    """Return the labels that the technician has given to lines; none before a status."""
    # A line without a label is shown by its number, or by its code: neither is a label.
    named = [
        one
        for one in (status.lines if status else ())
        if one.label and one.label not in {one.name, one.called}
    ]
    labels: dict[str, set[str]] = {}
    for one in named:
        labels.setdefault(one.called, set()).add(one.label)
    # Two lines of one number, each with a label of its own: the number is what they share (P1).
    by_number = {number: min(found) for number, found in labels.items() if len(found) == 1}
    by_number.pop("", None)
    return LineLabels({one.name: one.label for one in named}, by_number)


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

    `called`: the label of the called line, else its number, "" if not known. `office`: the office
    to which it is announced, while it has answered; `office_waits`: the operator is back with the
    caller. `mine`: the viewing position is on it. `back`: it came back from an office. `refused`:
    why its last transfer was refused (E23). `head`: the supervisor's part in it (E10); `has_head`:
    call control can bring a supervisor in. `origin`: the branch that hands the caller over.
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
    office: str = ""
    office_waits: bool = False


@dataclass(frozen=True, slots=True)
class PositionView:
    """Position with its state: "free", "busy", "away" or "unreachable"; `doing`: why it is busy."""

    phone: str
    state: str
    mark: StateMark
    mine: bool
    doing: Words = NOTHING


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


def operator_view(status: FullStatus, position: str) -> OperatorView:
    """Make the view from call control's status, for a position ("": none)."""
    away, labels = dict(status.service.away), line_labels(status)
    positions = tuple(_position_view(one, away, position, status) for one in status.positions)
    calls = [
        _call_view(one, position, labels) for one in status.calls if one.state not in OVER_STATES
    ]
    return OperatorView(
        status.at,
        status.open,
        status.sentence,
        status.changes_at,
        # Waiting callers first, the one that waits longest at the top.
        tuple(sorted(calls, key=lambda call: (not call.waits, call.since))),
        positions,
        next((one for one in positions if one.mine), None),
        status.waiting,
        status.care.missed,
        status.care.interrupted,
        _clock_warning(status),
    )


def _clock_warning(status: FullStatus) -> Words:
    # While the clock cannot be trusted, opening hours cannot be, either: the page says what holds.
    return NOTHING if status.clock_state.is_trusted else NOT_TRUSTED[status.doubt]


def _call_view(one: CallStatus, position: str, labels: LineLabels) -> CallView:
    record, transfer = one.record, one.transfer
    # A returned call goes to the operator who transferred it, with the office and its rules (P6).
    back = _returned_call(transfer) if transfer and transfer.returned else None
    waits = one.state in WAITING_STATES or (back is not None and back.waits)
    phone = one.phone if one.state not in WAITING_STATES else ""
    sender = transfer.operator if transfer else ""
    return CallView(
        one.call,
        labels.of(record.called, one.line),
        one.caller,
        record.rang_at if waits else record.answered_at or record.rang_at,
        transfer.words if transfer else one.words,
        waits,
        phone,
        one.ringing,
        # The operator's keys act on this call; to a colleague it is another's.
        bool(position) and position in (phone, sender),
        one.state is State.TALKING,
        back,
        one.refused,
        one.head.words if one.head else NOTHING,
        # No supervisor is offered for a call of another branch (B9).
        not one.origin,
        one.origin,
        transfer.office if transfer and one.state in ANNOUNCED else "",
        one.state is State.OFFICE_WAITS,
    )


def _returned_call(transfer: TransferStatus) -> ReturnedCall:
    return ReturnedCall(
        transfer.unit,
        transfer.office,
        transfer.need,
        WHY_RETURNED[ReturnCause(transfer.returned)],
        transfer.rules,
        transfer.say,
        transfer.officials,
        transfer.waiting,
    )


WITH_CALLER: Final = _("with a caller")
RINGS: Final = _("its phone rings")
CALLS_OUT: Final = _("has called a number")
WITHIN: Final = _("internal call")


def _busy_with(status: FullStatus, phone: str) -> Words:
    """Return what a busy position is doing: no caller and no number is named (E21)."""
    going = [one for one in status.calls if one.state not in OVER_STATES]
    if any(one.phone == phone and one.state not in WAITING_STATES for one in going):
        return WITH_CALLER
    if any(phone in one.ringing for one in going):
        return RINGS
    return CALLS_OUT if any(one.phone == phone for one in status.outgoing) else WITHIN


def _position_view(
    one: Position, away: Mapping[str, ManualMark], position: str, status: FullStatus
) -> PositionView:
    # Only a position that is away has an end; "free" and "busy" have none.
    end = away.get(one.phone)
    mark = StateMark(one.since, one.by, end.until if end else None, one.automatic)
    doing = _busy_with(status, one.phone) if one.state is PositionState.BUSY else NOTHING
    return PositionView(one.phone, one.state, mark, one.phone == position, doing)


def mark_of(mark: ManualMark | None) -> StateMark | None:
    """Return the mark of a state; None while it is off."""
    if mark is None:
        return None
    return StateMark(mark.since, mark.who, mark.until, mark.by == SET_AUTOMATICALLY)


MANUAL_STATES: Final[Mapping[ManualState, Words]] = {
    ManualState.CLOSED: sentence("Closed – voicemail"),
    ManualState.ABSENT: sentence("All absent"),
    ManualState.UNATTENDED: sentence("Unattended"),
    ManualState.OPENED: sentence("Open outside the hours"),
}
"""Names of the states that people set by hand; the first in force decides what a caller gets."""
EFFECTS_ON_CALLS: Final[Mapping[ManualState, Words]] = {
    ManualState.UNATTENDED: sentence("calls go to the citizens' counter"),
    ManualState.CLOSED: sentence("voicemail answers"),
    ManualState.ABSENT: sentence("no phone rings, voicemail answers"),
    ManualState.OPENED: sentence("calls ring"),
}
"""Effect of each state on calls."""
NO_EFFECT: Final[Mapping[ManualState | None, Words]] = {
    ManualState.CLOSED: sentence("no effect while it is closed by hand"),
    ManualState.ABSENT: sentence("no effect while all are absent"),
    None: sentence("no effect until the switchboard opens"),
}
"""Why a state has no effect now, by the state that comes first; None: the written hours."""


@dataclass(frozen=True, slots=True)
class Banner:
    """State that is set; its mark's `until` is None where it lasts until a person ends it.

    `decides` is False where another state, or the written hours, leave it no effect on calls now.
    """

    what: ManualState
    words: Words
    means: Words
    mark: StateMark
    decides: bool


@dataclass(frozen=True, slots=True)
class SwitchboardSummary:
    """State of the switchboard for every page.

    `changes_at` is when it next opens or closes, None if unknown; `ringing` are the calls that
    wait for an operator; `messages` and `missed` count open messages and missed calls, `care` the
    other open cases, `troubles` what the technician has to look after.
    """

    at: datetime
    is_open: bool
    changes_at: datetime | None
    banners: tuple[Banner, ...]
    ringing: tuple[CallView, ...]
    messages: int
    missed: int
    care: OpenCounts = NOTHING_OPEN
    troubles: int = 0


def switchboard_summary(status: FullStatus) -> SwitchboardSummary:
    """Make the summary from call control's status."""
    # Every page shows it, also to users without a position.
    seen = operator_view(status, "")
    waiting = tuple(call for call in seen.calls if call.waits)
    return SwitchboardSummary(
        seen.at,
        seen.open,
        seen.changes_at,
        tuple(_banners(status)),
        waiting,
        seen.messages,
        seen.missed,
        status.care,
        len(status.troubles),
    )


def _banners(status: FullStatus) -> Iterator[Banner]:
    first: ManualState | None = None
    for what, words in MANUAL_STATES.items():
        if (mark := mark_of(getattr(status.service, what))) is None:
            continue
        # Without phones that may ring, and outside the hours, "unattended" changes nothing.
        idle = first in {ManualState.CLOSED, ManualState.ABSENT}
        idle = idle or (what is ManualState.UNATTENDED and not status.open)
        means = NO_EFFECT[first] if idle else EFFECTS_ON_CALLS[what]
        yield Banner(what, words, means, mark, not idle)
        first = first or what


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
    yield beat()
    while True:
        try:
            async with asyncio.timeout(BEAT_S):
                seen = await feed.newer(number)
        except TimeoutError:
            yield beat()
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
        yield beat()


def beat() -> str:
    """Return the event of a beat: the appliance's monotonic clock."""
    return server_event("beat", f"{time.monotonic():.1f}")
