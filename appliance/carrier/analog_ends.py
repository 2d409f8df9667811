"""One analog line in the carrier: how recordings, announcements and calls end."""

from __future__ import annotations

from appliance.calls import events
from appliance.calls.events import (
    DigitSource,
    Evidence,
    RecordingStop,
)
from appliance.carrier.analog_base import LineBase
from appliance.carrier.ears import Ears
from appliance.carrier.fax import VOICE_MS
from appliance.carrier.player import Silence

TRIM_MARGIN_MS = 100
"""Cut a little before the tone's first recognised frame."""

TAKEN_TRIM_MS = 1000
"""Modems tell of a lifted telephone after 0.2 s or more (v253.md 1.3, -TTE): cut well before."""


class LineEnds(LineBase):
    """Ends what goes on over a line, and tells so."""

    def _press(self, digit: str, source: DigitSource, now: float) -> None:
        call = self.call
        if call is None or call.pressing.active or not call.keys.press(source, now):
            return
        ended = call.recorder.key(digit) if call.recorder else None
        if ended is not None:
            self._recording_over(ended)
        else:
            self._tell(events.DigitPressed(digit, source, line=self.name))

    def _released(self, hung_up: events.CallerHungUp | None) -> None:
        if hung_up is None:
            return
        if hung_up.evidence is not Evidence.SILENCE:
            self._end_recording(RecordingStop.RELEASE, hung_up.after_ms + TRIM_MARGIN_MS)
        self._tell(hung_up)

    def _faxed(self, fax: events.FaxCalled | None) -> None:
        """A fax machine calls: a recording ends, whole or nothing of it to be kept."""
        if fax is None or self.call is None or self.call.calling is not None:
            return
        self._tell(fax)
        recorder, ears = self.call.recorder, self.call.ears
        if recorder is not None:
            spoke = ears is not None and ears.voiced_ms >= VOICE_MS
            trim_ms = fax.after_ms + TRIM_MARGIN_MS if spoke else int(recorder.length_ms)
            self._end_recording(RecordingStop.FAX, trim_ms)

    def _taken(self) -> None:
        """Somebody has the caller on a telephone beside us: no word of theirs is recorded."""
        self._end_recording(RecordingStop.TAKEN, TAKEN_TRIM_MS)
        self._tell(events.LineTaken(self.name))

    def _stop_player(self, whole: bool = False) -> None:
        call = self.call
        if call is None or call.player is None:
            return
        play, call.player, call.drain, call.source = call.player.play, None, None, Silence()
        self._tell(events.PromptEnded(play, whole))

    def _end_recording(self, why: RecordingStop, trim_ms: int = 0) -> None:
        if self.call is not None and self.call.recorder is not None:
            self._recording_over(self.call.recorder.stop(why, trim_ms))

    def _recording_over(self, ended: events.RecordingEnded) -> None:
        assert self.call is not None
        self.call.recorder = None
        self._tell(ended)

    def _over(self) -> None:
        self._end_recording(RecordingStop.LOST)
        self._stop_player()
        self.call = None
        self.rhythm.stop()
        law = self.driver.law
        self._warm = Ears(self.setup.country, law) if law else None
        if self._echo:
            self._echo.call_over()

    def _fail(self, lost: events.LineLost) -> None:
        """The line is out: told when it was in service, or for another reason than before."""
        self._over()
        if self.in_service or lost != self._lost:
            self._tell(lost)
        self.in_service, self._lost = False, lost
