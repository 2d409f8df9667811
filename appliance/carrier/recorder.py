"""One recording: what is heard goes to the desk by credit, until key, silence, limit or release."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.events import RecordingEnded, RecordingGap, RecordingStop
from appliance.calls.orders import Record, RecordLeg
from appliance.carrier.link import Link
from appliance.carrier.messages import RecordingStarted
from appliance.dsp.wav import SAMPLES_PER_MS, Law

KEPT_SILENCE_MS = 500
"""Silence left at the end of a message that ended by silence: a cut at the last word hurts."""
KEY_MS = 200
"""A key's tone and what was heard of it before it was known: dropped from the message."""
STOP_KEY = "#"


@dataclass(slots=True)
class Recorder:
    """Counts what it takes; `take`, `key` and `stop` return the ending when it comes."""

    order: Record | RecordLeg
    law: Law
    link: Link
    length_ms: float = 0.0
    _gap_ms: float = 0.0

    def start(self) -> None:
        """Announce the recording and open its credit."""
        self.link.open_sound(self.order.recording)
        self.link.send(RecordingStarted(self.order.recording, str(self.law)))

    def take(self, data: bytes, silent_ms: int) -> RecordingEnded | None:
        """Send sound on; `silent_ms` is how long the caller has been silent by now."""
        dropped = self.link.send_sound(self.order.recording, data)
        self.length_ms += len(data) / SAMPLES_PER_MS
        self._note_gap(dropped / SAMPLES_PER_MS)
        if self.length_ms >= self.order.limit_ms:
            return self.stop(RecordingStop.LIMIT)
        if silent_ms >= self.order.silence_ms and self.length_ms >= self.order.grace_ms:
            return self.stop(RecordingStop.SILENCE, silent_ms - KEPT_SILENCE_MS)
        return None

    def key(self, digit: str) -> RecordingEnded | None:
        """End by `#`; other keys are the caller's business."""
        return self.stop(RecordingStop.KEY, KEY_MS) if digit == STOP_KEY else None

    def stop(self, why: RecordingStop, trim_ms: int = 0) -> RecordingEnded:
        """End the recording; the last `trim_ms` are tone or silence."""
        self._flush_gap()
        self.link.close_sound(self.order.recording)
        length = int(self.length_ms)
        return RecordingEnded(self.order.recording, why, length, max(0, min(trim_ms, length)))

    def _note_gap(self, ms: float) -> None:
        if ms:
            self._gap_ms += ms
        else:
            self._flush_gap()

    def _flush_gap(self) -> None:
        if self._gap_ms:
            self.link.send(RecordingGap(self.order.recording, int(self._gap_ms)))
            self._gap_ms = 0.0
