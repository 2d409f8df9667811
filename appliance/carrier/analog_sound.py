"""One analog line in the carrier: sound from the modem and to it, and what is heard in it.

The modem's own received bytes are the clock of everything that is played to it (architecture.md,
One call through the house, 3).
"""

from __future__ import annotations

from appliance.calls.events import (
    DigitSource,
    FarEnd,
)
from appliance.carrier.analog_ends import LineEnds
from appliance.carrier.ears import Ear, Ears
from appliance.carrier.far_end import Calling
from appliance.carrier.linecall import LineCall
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.release import GONE_MS, HELD_MS, QUIET_MS, Heard, Release
from appliance.carrier.rhythm import CLEAR_S
from appliance.dsp import g711
from appliance.dsp.wav import FRAME_MS, Law
from appliance.lines.facts import Stream


class LineSound(LineEnds):
    """Feeds a line, gives on what it says, and has the detectors listen."""

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the port; none when a frame was to be fetched and nothing was there."""
        self._heard_samples = 0
        if data and self.rhythm.is_beginning and self.expects_sound:
            self._choose_rhythm(now)
        self._learn(self.driver.receive_data(data, now), now)
        if self.expects_sound:
            self.rhythm.took(self._heard_samples, now)

    def tick(self, now: float) -> None:
        """Feed a stream to the line only, or a duplex one whose clock, its own sound, is late."""
        if not self._runs:
            return  # its end is under way: to order it at every tick would put off its limit
        if self.driver.streaming is Stream.TRANSMIT:
            self.lead.on_clock(now)
            self._feed(now)
        elif self.driver.streaming is Stream.DUPLEX:
            gap_ms = int((now - self._heard_at) * 1000)
            if gap_ms > FRAME_MS:
                self.lead.on_gap(gap_ms)
                self._feed(now)

    def _begin(self, leg: PhoneLeg, now: float) -> None:
        """The line and a phone begin to hear each other, now or when the stream has started."""
        leg.begin()
        if self._echo is None:  # the canceller has frames of its own, from the stream's start
            self.rhythm.begin(now)

    def _choose_rhythm(self, now: float) -> None:
        """See whether this piece is to end the first frame, for the line and for its phone."""
        leg = self.call.leg if self.call is not None else None
        if leg is None:
            self.rhythm.begins(now, now - CLEAR_S)
        elif self.rhythm.begins(now, leg.came_at):
            leg.align()

    def _hear(self, samples: bytes, now: float) -> None:
        self._heard_samples += len(samples)
        self.lead.on_heard(len(samples))
        self._heard_at = now
        call, law = self.call, self.driver.law
        if call is None or law is None:
            return
        clean = self._echo.cancel(samples, law) if self._echo else samples
        if call.leg is not None:
            (call.three or call.leg).write(clean, law)
        elif call.across is not None:
            call.across.write(clean, law)
        self._count_drain(len(samples))  # before the feed, which may begin to count
        if self.driver.streaming is Stream.DUPLEX and self._runs:
            self._least_lead = min(self._least_lead, self.lead.ahead_ms)
            self._feed(now)
        if call.ears is not None:
            self._listen(call, call.ears, clean, now)

    def _listen(self, call: LineCall, ears: Ears, clean: bytes, now: float) -> None:
        """Have our own detectors listen: at once, or while people talk to some frames together."""
        if ears.keys is not (call.leg is None):
            self._look(call, now)
            ears.keys = call.leg is None
        if call.leg is None or call.calling is not None:
            self._judge(call, ears.hear(clean), clean, now)
        elif ears.store(clean):
            self._look(call, now)

    def _look(self, call: LineCall, now: float) -> Ear | None:
        """Look at the sound that was put by; returns what is heard by now, None for nothing."""
        if call.ears is None or call.calling is not None:
            return None
        ear = call.ears.hear(b"")
        self._judge(call, ear, b"", now)
        return ear

    def _ear_of(self, call: LineCall, ear: Ear | None, now: float) -> Heard:
        """Say what the ear makes of the line; nothing while it hears none."""
        if ear is None or self.driver.streaming is Stream.TRANSMIT:
            return Heard(call.off_hook_ms(now), deaf=True)
        return Heard(call.off_hook_ms(now), ear.tone_ms, ear.silent_ms)

    def _feed(self, now: float) -> None:
        """Write as much as keeps the lead; the source is asked at the modem's own clock."""
        call, law = self.call, self.driver.law
        wanted = self.lead.wanted()
        if call is None or law is None or not wanted:
            return
        self.stirred = True
        data = call.pressing.over(call.source.read(wanted, law), law)
        self.driver.send_samples(data)
        self.lead.on_written(len(data))
        if self._echo and self.driver.streaming is Stream.DUPLEX:
            self._echo.played(data, law)
        if call.player is not None and call.player.ended and call.drain is None:
            self._player_ended(call, now)

    def _player_ended(self, call: LineCall, now: float) -> None:
        if self.driver.streaming is Stream.TRANSMIT:
            self._learn(self.driver.end_stream(now), now)  # Stopped comes when it was played
        else:
            call.drain = self.lead.ahead_ms * 8

    def _count_drain(self, samples: int) -> None:
        call = self.call
        if call is None or call.drain is None:
            return
        call.drain -= samples
        if call.drain <= 0:
            self._stop_player(whole=True)

    def _judge(self, call: LineCall, ear: Ear, clean: bytes, now: float) -> None:
        recorder = call.recorder
        ended = recorder.take(clean, ear.silent_ms) if recorder is not None else None
        if ended is not None:
            self._recording_over(ended)
        for digit in ear.digits:
            self._press(digit, DigitSource.SOUND, now)
        if call.calling is not None:
            self._judge_far_end(call.calling, clean, now)
            return
        for tone in ear.tones:
            cadence = "/".join(map(str, tone.cadence_ms))
            self._released(call.release.tone(tone.kind.value, cadence, tone.after_ms))
        heard = self._ear_of(call, ear, now)
        self._released(call.release.judge(heard, _patience_ms(call)))
        self._released(call.release.silence(ear.silent_ms))
        if ear.fax_ms:
            self._faxed(call.fax.sound(ear.fax_ms))

    def _judge_far_end(self, calling: Calling, clean: bytes, now: float) -> None:
        for progressed in calling.hear(g711.decode(clean, self.driver.law or Law.ULAW)):
            self._tell(progressed)
            if progressed.progress is FarEnd.ANSWERED:
                self._answered_far()
        if calling.wants_digits():
            self._learn(self.driver.send_digits(calling.digits, now), now)

    def _answered_far(self) -> None:
        """Whoever answers a person's own call is from now on like any caller (cf. `join`)."""
        if self.call is not None and self.call.leg is not None:
            self.call.calling, self.call.release = None, Release(self.name)


def _patience_ms(call: LineCall) -> int:
    """Say how long a caller may be silent behind a break of the loop: on hold nobody speaks."""
    if call.recorder is not None:
        return GONE_MS
    return HELD_MS if call.held else QUIET_MS
