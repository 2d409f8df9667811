"""SIP leg as a call's line: a caller whom a branch or a telephone system hands over (B9).

The line is named by its leg. Orders to the line become orders to the leg, events of the leg become
events of the line (outside_call.py does the reverse). It is answered for a person only: the sender
keeps the caller until somebody answers here, and decides what comes next when nobody does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from appliance.calls import orders
from appliance.calls.events import (
    CallerHungUp,
    DigitPressed,
    Event,
    Evidence,
    LineAnswered,
    OperatorAnswered,
    PhoneHungUp,
    PhoneLost,
)
from appliance.calls.model import Call, Channel, SwitchboardState
from appliance.calls.orders import Order
from appliance.policy import routing
from appliance.policy.routing import Decision, Destination, NotTaken

# RFC 3261 21: the SIP answer to the sender when all are busy, when nobody takes the call, and when
# there is no sound.
BUSY, NOT_THERE, NO_SERVICE = 486, 480, 503


@dataclass(slots=True)
class SipChannel(Channel):
    """Line that is a SIP leg; `gone` once the leg has ended: no order can reach it."""

    gone: bool = False

    def event_of(self, event: Event, call: Call | None) -> Event:
        """Map an event of the leg to that of the line; return others unchanged."""
        leg = self.line.name
        match event:
            case OperatorAnswered():
                return LineAnswered(leg)
            case PhoneHungUp() | PhoneLost():
                self.gone = True
                return CallerHungUp(leg, _evidence(event, call))
            case DigitPressed():
                return replace(event, line=leg, leg="")
        return event

    def orders_for(self, order: Order, board: SwitchboardState) -> list[Order]:
        """Map an order to the line to orders to the leg; drop one without a meaning for a leg."""
        match order:
            case orders.AnswerLine(leg):
                return [orders.AcceptPhone(leg)]
            case orders.HangUp(leg):
                # No modem has to prove it: `SwitchboardState.take_idle` reports it after this
                # event's orders.
                board.freed.append(leg)
                return self._end(board, code_for(board, board.calls[self.call].decision))
            # Before it is up the leg has no sound: ringing.begin_talk joins it then.
            case orders.Connect(leg, other) if board.calls[self.call].up:
                return [orders.Join(leg, other)]
            case orders.JoinLines(leg, line):
                return [orders.Connect(line, leg)]
            case orders.Hold(leg):
                return [orders.Hold(leg=leg)]
            case orders.Play(play, prompts, leg):
                return [orders.Play(play, prompts, leg=leg, keys=True)]
            case orders.Listen(leg):
                return [orders.Listen(leg=leg)]
            case orders.Record(recording, leg, limit_ms, silence_ms, grace_ms):
                return [orders.RecordLeg(recording, leg, limit_ms, silence_ms, grace_ms, keys=True)]
        # PressKeys among them: keys would have to be sent as events (RFC 4733), which none of our
        # phones does.
        return []

    def drop(self, board: SwitchboardState) -> list[Order]:
        """End the leg: the sender goes on with its caller at once."""
        return self._end(board, NO_SERVICE)

    def _end(self, board: SwitchboardState, code: int) -> list[Order]:
        """Hang up the leg, or refuse it with a code before it is answered."""
        if self.gone:
            return []
        self.gone = True
        leg = self.line.name
        up = board.calls[self.call].off_hook
        return [orders.HangUpPhone(leg) if up else orders.RefusePhone(leg, code)]


def _evidence(event: PhoneHungUp | PhoneLost, call: Call | None) -> Evidence:
    if isinstance(event, PhoneLost):
        return Evidence.LOST
    # A BYE ends an answered call; before that it is the caller who gives up (CANCEL).
    return Evidence.SIGNALLED if call is not None and call.up else Evidence.GAVE_UP


def code_for(board: SwitchboardState, decision: Decision | None) -> int:
    """Return the SIP code by which a caller is given back after a decision."""
    if not board.has_media:
        return NO_SERVICE
    if decision is None:
        return NOT_THERE
    # With places to wait too: the sender has the caller, and is told that all are busy.
    busy = (
        decision.greeting == routing.NOT_TAKEN_GREETINGS[NotTaken.BUSY]
        or decision.way is Destination.WAITING
    )
    return BUSY if busy else NOT_THERE
