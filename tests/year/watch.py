"""What must hold after every decision of the year, whatever people do (P5, P7, B1)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from appliance.calls import events, orders
from appliance.calls.model import Call
from appliance.calls.orders import Order, Result
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.policy.directory import Directory, need_by_keys
from appliance.policy.numbering import Purpose
from appliance.policy.transfers import TransferAllowed, may_transfer
from tests.year.town import DUTY, HIDDEN, OFFICE

DIALLED = re.compile(r"digit_(\d)")


@dataclass
class Watch:
    """Looks at every event and order; raises AssertionError for what must never be."""

    switchboard: Switchboard
    directory: Directory
    off_hook: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    results: dict[str, Result] = field(default_factory=dict)
    allowed: dict[str, set[str]] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    def before(self, event: events.Event, now: Now) -> None:
        """Note what a transfer that is asked for now may reach."""
        if isinstance(event, events.TransferAsked):
            self.asked(event.leg, event.target, now)
        if isinstance(event, events.DirectoryChanged) and isinstance(event.directory, Directory):
            self.directory = event.directory
        if isinstance(event, events.LineIdle | events.LineLost | events.LineRestored):
            self.off_hook.discard(event.line)
        if isinstance(event, events.MediaGatewayLost):
            self.off_hook.clear()

    def asked(self, leg: str, code: str, now: Now) -> None:
        """Note that the operator on a leg asks for a code, by whichever way (P5)."""
        call = next((c.id for c in self._calls() if c.leg == leg), "")
        self.allowed[call] = self.may_reach(code, now)

    def may_reach(self, dialled: str, now: Now) -> set[str]:
        """Return the numbers that a code leads to at a moment, by its declaration."""
        code = dialled.partition("*")[0]
        coded = need_by_keys(self.directory, code, OFFICE.today(now.wall)) if code else None
        if coded is None:
            return set()
        calendar = OFFICE.switchboard.schedule
        answer = may_transfer(self.directory, calendar, coded.unit, coded.need.code, now)
        if not isinstance(answer, TransferAllowed):
            return set()
        return {target.number.reveal(Purpose.RING) for target in answer.targets}

    def order(self, order: Order) -> None:
        """Check one order."""
        match order:
            case orders.AnswerLine(line):
                assert line not in self.off_hook, f"{line} is off hook already"
                self.off_hook.add(line)
            case orders.HangUp(line):
                self.off_hook.discard(line)
            case orders.RingPhones():
                self._ring(order)
            case orders.DialLeg(_, digits) | orders.Flash(_, digits) if digits:
                assert any(digits in reach for reach in self.allowed.values()), "undeclared number"
            case orders.WriteCall(record):
                self._record(record)
        self.nothing_told(order)

    def after(self, phones: Iterable[str]) -> None:
        """Check what holds between two events: no line without a call, no phone in two.

        `phones` are those that ring or talk, once for each of their calls.
        """
        board = self.switchboard._board
        for line in self.off_hook:
            assert board.channels[line].call in board.calls, f"{line} is seized by nobody"
        twice = [phone for phone, times in Counter(phones).items() if times > 1]
        assert not twice, f"{twice} in two calls"

    def nothing_told(self, order: Order) -> None:
        """P7: no order but the dialling itself holds a number that may not be told."""
        shown = order
        if isinstance(order, orders.DialLeg | orders.Flash | orders.PressKeys):
            shown = replace(order, digits="")
        if isinstance(order, orders.Play):
            spoken = "".join(DIALLED.findall(" ".join(order.prompts)))
            holds = self.directory.authorisations[-1].revoked is None
            assert holds or DUTY not in spoken, "a number is told whose leave was revoked"
        else:
            spoken = ""
        text = repr(shown) + spoken
        assert not any(number in text for number in HIDDEN), f"a number is told: {shown}"

    def _ring(self, ring: orders.RingPhones) -> None:
        for ringing in ring.ringing:
            if ringing.phone not in OFFICE.phones:
                assert ringing.phone in self.allowed.get(ring.call, set()), (
                    f"{ringing.phone} rings outside its office's declaration"
                )

    def _record(self, record: orders.CallRecord) -> None:
        self.begun.add(record.call)
        if record.ended_at is not None:
            assert record.result is not Result.OPEN, f"{record.call} ended without a result"
            assert record.call not in self.results, f"{record.call} ended twice"
            self.results[record.call] = record.result
            self.met.update(code.partition(".")[0] for code in record.trail)
            self.allowed.pop(record.call, None)

    def _calls(self) -> list[Call]:
        return list(self.switchboard._board.calls.values())
