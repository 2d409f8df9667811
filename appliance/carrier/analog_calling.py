"""One analog line in the carrier: calls that the box makes over it."""

from __future__ import annotations

from appliance.calls import events, orders
from appliance.calls.events import (
    FarEnd,
    FarEndProgressed,
)
from appliance.carrier import guard
from appliance.carrier.analog_orders import LineOrders
from appliance.carrier.far_end import Calling
from appliance.carrier.linecall import LineCall
from appliance.carrier.player import Pcm
from appliance.carrier.release import Release
from appliance.dsp.dtmf import PLANS
from appliance.lines import facts
from appliance.lines.facts import Stream
from appliance.lines.replies import OK
from appliance.lines.table import Stage


class LineCalling(LineOrders):
    """Flashes, dials, and tells how the far end gets on."""

    def flash(self, order: orders.Flash, now: float) -> None:
        """Call an extension of the PBX, or take the caller on hold back; see orders.Flash."""
        if why := guard.forbids(self.setup, order):
            self._not_dialled(why)
            return
        call = self._free_call(now)
        if call is None:
            self._not_dialled("no call")
            return
        call.ears, call.release, call.calling = None, Release(self.name), None
        call.caller_held = bool(order.digits)
        if order.digits:
            call.calling = self._calling(order.digits, order.no_answer_ms)
        at_once = order.digits if self.setup.pbx_pause_ms else ""
        self._learn(self.driver.flash(at_once, now), now)

    def dial(self, order: orders.DialLeg, now: float) -> None:
        """Seize the idle line and dial; see orders.DialLeg."""
        if why := guard.forbids(self.setup, order):
            self._not_dialled(why)
            return
        if self.call is not None or self.driver.stage not in {Stage.IDLE, Stage.CHECKING}:
            self._not_dialled("the line is not idle")
            return
        calling = self._calling(order.digits, order.no_answer_ms)
        self.call = LineCall(now, Release(self.name), calling=calling, told=True)
        self._learn(self.driver.dial(order.digits, now), now)

    def see_off(self, order: orders.Play, sounds: list[Pcm], now: float) -> None:
        """Say the last words to the caller; one whom a PBX holds is taken back to hear them."""
        call = self.call
        if call is None or not call.caller_held:
            self.play(order, sounds, now)
            return
        self.flash(orders.Flash(self.name), now)
        call.farewell = lambda at: self.play(order, sounds, at)

    def _on_flashed(self, fact: facts.Flashed, now: float) -> None:
        """Go on where the flash was ordered for: a call, or the caller's return."""
        call = self.call
        if call is None:
            return
        call.flashed_at = now
        if call.farewell is not None:
            farewell, call.farewell = call.farewell, None
            farewell(now)
            return
        if call.calling is None:
            self._tell(events.LineFlashed(self.name, fact.done))
        elif not fact.done:
            self._tell(call.calling.failed("ERROR"))
        elif self.setup.pbx_pause_ms:
            self._tell(call.calling.dialled())
        else:
            call.calling.wait_for_dial_tone()
        self._hear_again(now)

    def _on_digits_sent(self, fact: facts.DigitsSent, now: float) -> None:
        calling = self.call.calling if self.call else None
        if calling is not None:
            self._tell(calling.dialled() if fact.done else calling.failed("ERROR"))
            self._hear_again(now)

    def _on_dialled(self, fact: facts.Dialled, now: float) -> None:
        call = self.call
        if call is None or call.calling is None:
            return
        if fact.result != OK:
            self._tell(call.calling.failed(fact.result))
            return
        call.off_hook_at = now
        self._tell(call.calling.dialled())
        self._hear_again(now)

    def _hear_again(self, now: float) -> None:
        """Have a stream in which the line is heard, after commands had ended the last one."""
        kind = Stream.DUPLEX if self.driver.duplex else Stream.RECEIVE
        self._learn(self.driver.start_stream(kind, now), now)

    def _calling(self, digits: str, no_answer_ms: int) -> Calling:
        return Calling(self.name, digits, PLANS[self.setup.country], no_answer_ms)

    def _not_dialled(self, why: str) -> None:
        self._tell(FarEndProgressed(self.name, FarEnd.REFUSED, detail=why))
