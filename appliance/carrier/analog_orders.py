"""One analog line in the carrier: the orders that concern whoever is on the line."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.calls import events, orders
from appliance.calls.events import RecordingStop
from appliance.carrier.across import Across
from appliance.carrier.analog_sound import LineSound
from appliance.carrier.joined import Joined
from appliance.carrier.linecall import LineCall
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.player import Pcm, Player, Silence
from appliance.carrier.recorder import Recorder
from appliance.carrier.release import Release
from appliance.carrier.three import Three
from appliance.lines.facts import Stream


class LineOrders(LineSound):
    """Answers, hangs up, plays, records, joins."""

    def answer(self, now: float) -> None:
        """Take the line off hook; LineAnswered follows."""
        if self.call is None:
            self.call = LineCall(now, Release(self.name))
            self._learn(self.driver.answer(now), now)

    def hang_up(self, now: float) -> None:
        """Put the line on hook; LineIdle follows."""
        self._end_recording(RecordingStop.ORDERED)
        self._stop_player()
        if self.call is not None:
            self.call.leg = self.call.three = self.call.calling = None
        self._learn(self.driver.hang_up(now), now)

    def join(self, across: Across, now: float) -> None:
        """Join the line to another one; whoever was called is from now on like any caller."""
        call = self._free_call(now)
        if call is not None:
            call.calling, call.release = None, Release(self.name)
            call.source = call.across = across

    def listen(self, now: float) -> None:
        """Be silent and hear."""
        if self._free_call(now) is not None:
            self._want(Stream.RECEIVE, now)

    def connect(self, leg: PhoneLeg, now: float, music: Sequence[Pcm] = ()) -> None:
        """Join the line and a phone, both ways; while the phone holds, the caller hears `music`."""
        call = self._free_call(now)
        if call is None:
            return
        if call.calling is not None and call.calling.answered:  # from now on like any caller
            call.calling, call.release = None, Release(self.name)
        call.leg = leg
        call.source = Joined(leg, music)
        self._begin(leg, now)
        self._want(Stream.DUPLEX, now)

    def bring_in(self, leg: PhoneLeg, now: float, music: Sequence[Pcm] = ()) -> None:
        """Let one more phone into the conversation; the phone that is there hears no break."""
        call = self.call
        if call is None or call.leg is None:
            self.connect(leg, now, music)
            return
        leg.begin()
        call.source = call.three = Three(call.leg, leg, music)

    def press_keys(self, order: orders.PressKeys) -> None:
        """Press keys into the stream that runs; nothing happens without a call."""
        if self.call is not None:
            self.call.pressing.press(order.digits)

    def part(self, leg: PhoneLeg) -> None:
        """A phone's sound is gone: the caller hears the other one, else silence."""
        call = self.call
        if call is None or leg not in call.legs:
            return
        if call.three is None:
            call.leg, call.source = None, Silence()
            return
        left = call.three.without(leg)
        call.leg, call.source, call.three = left, Joined(left, call.three.music), None

    def hold(self, sounds: list[Pcm], now: float) -> None:
        """Part the line from its phone and play the hold prompt round and round."""
        call = self._free_call(now)
        if call is None:
            return
        call.source = Player("", sounds, repeat=True)
        call.held = True
        self._want(Stream.TRANSMIT, now)

    def play(self, order: orders.Play, sounds: list[Pcm], now: float) -> None:
        """Play prompts once; PromptEnded follows."""
        call = self._free_call(now)
        if call is None:
            self._tell(events.PromptEnded(order.play, whole=False))
            return
        call.source = call.player = Player(order.play, sounds)
        self._want(Stream.TRANSMIT, now)

    def record(self, order: orders.Record, now: float) -> None:
        """Record the caller; RecordingEnded follows."""
        call = self._free_call(now)
        law, link = self.driver.law, self._link()
        if call is None or law is None or link is None:
            self._tell(events.RecordingEnded(order.recording, RecordingStop.LOST, 0))
            return
        call.recorder = Recorder(order, law, link)
        call.recorder.start()
        if call.ears is not None:
            call.ears.forget_silence()
        self._want(Stream.RECEIVE, now)

    def _want(self, kind: Stream, now: float) -> None:
        """Have the stream that an order needs; on a duplex line it runs already."""
        if not self.driver.duplex and kind is not Stream.DUPLEX:
            self._learn(self.driver.start_stream(kind, now), now)

    def _free_call(self, now: float) -> LineCall | None:
        """Part the call from whatever it was doing, for the next order."""
        self._end_recording(RecordingStop.ORDERED)
        self._stop_player()
        call = self.call
        if call is not None:
            self._look(call, now)
            call.leg, call.held, call.source = None, False, Silence()
            call.across = call.three = None
        return call
