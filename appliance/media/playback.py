"""Sources and sinks of sound: prompts, hold music, silence, recordings, in-band DTMF."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from appliance.calls.events import RecordingEnded, RecordingGap, RecordingStop
from appliance.calls.orders import Record, RecordLeg
from appliance.dsp import dtmf, g711, wav
from appliance.dsp.wav import SAMPLES_PER_MS, Law
from appliance.media.link import Link
from appliance.media.messages import Prompt, RecordingStarted

Pcm = bytes | memoryview


class Source(Protocol):
    """Sound for one listener, read at the listener's clock."""

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples encoded in `law` (an 8-bit one)."""


class Silence:
    """Source of silence."""

    def read(self, samples: int, law: Law) -> bytes:
        """Return silence."""
        return wav.silence(law, samples)


class Player:
    """Plays 16-bit prompts one after the other, once or with `repeat` in a loop."""

    def __init__(self, play: str, sounds: Iterable[Pcm], repeat: bool = False) -> None:
        self.play = play
        self._sounds = [memoryview(sound) for sound in sounds]
        self._repeat = repeat
        self._index = 0
        self._at = 0

    @property
    def ended(self) -> bool:
        """True once the last sample has been read."""
        return self._index >= len(self._sounds)

    def read(self, samples: int, law: Law) -> bytes:
        """Return the next `samples` samples in `law`, padded with silence after the end."""
        parts: list[bytes] = []
        wanted = samples * 2
        while wanted and not self.ended:
            part = self._sounds[self._index][self._at : self._at + wanted]
            parts.append(bytes(part))
            wanted -= len(part)
            self._advance(len(part))
        return g711.encode(b"".join(parts), law) + wav.silence(law, wanted // 2)

    def _advance(self, size: int) -> None:
        self._at += size
        if self._at >= len(self._sounds[self._index]):
            self._at = 0
            self._index += 1
            # Empty sounds only would be a loop without end within one read.
            if self._repeat and self.ended and any(len(s) for s in self._sounds):
                self._index = 0


def map_sound(fd: int) -> Pcm:
    """Return the sound in a memfd as a mapping, without copying it."""
    # An empty file cannot be mapped (mmap(2): EINVAL).
    if os.fstat(fd).st_size == 0:
        return b""
    return memoryview(mmap.mmap(fd, 0, prot=mmap.PROT_READ))


class PromptMemory:
    """The prompts of a Setup: one mapping shared with call control, never copied."""

    def __init__(self, fd: int | None, prompts: Iterable[Prompt]) -> None:
        self._index: Mapping[str, Prompt] = {prompt.name: prompt for prompt in prompts}
        self._memory = map_sound(fd) if fd is not None else None
        self.more: PromptMemory | None = None
        """Prompts of the last MorePrompts message; they override those of the Setup."""

    def __contains__(self, name: object) -> bool:
        return name in self._index or (self.more is not None and name in self.more)

    def sound(self, name: str) -> Pcm:
        """Return a prompt's 16-bit sound, empty for an unknown name."""
        if self.more is not None and name in self.more:
            return self.more.sound(name)
        prompt = self._index.get(name)
        if prompt is None or self._memory is None:
            return b""
        return self._memory[prompt.offset : prompt.offset + prompt.length]

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return the unknown ones of `names`."""
        return [name for name in names if name not in self]


# The key's echo from the line must not count as a key of the caller's.
ECHO_MS = 200
"""Time (ms) after the last key sent in which received keys are ignored."""


# Within a stream no AT command works: +VTS would be sound (v253.md 4, quirks). So keys are sent as
# tones among the samples.
class DtmfSender:
    """DTMF keys waiting to be sent within one line's stream."""

    def __init__(self) -> None:
        self._tones = b""
        self._echo = 0  # samples

    @property
    def active(self) -> bool:
        """True while a key is sent or its echo may arrive."""
        return bool(self._tones) or self._echo > 0

    def press(self, digits: str) -> None:
        """Queue keys (0-9 * # A-D) behind those being sent; raises ValueError for others."""
        self._tones += dtmf.dtmf(digits)

    def over(self, data: bytes, law: Law) -> bytes:
        """Return `data` (samples of `law`) with the pending tones in place of its beginning."""
        if not self.active:
            return data
        # Replaced, not delayed: the voice under the keys is lost, but not late afterwards.
        part, self._tones = self._tones[: 2 * len(data)], self._tones[2 * len(data) :]
        pressed = len(part) // 2
        self._echo = ECHO_MS * SAMPLES_PER_MS if pressed else self._echo - len(data)
        return g711.encode(part, law) + data[pressed:]


# A cut right at the last word sounds bad.
KEPT_SILENCE_MS = 500
"""Silence (ms) kept at the end of a message that ended by silence."""
# The key's tone, and what was recorded of it before it was recognised.
KEY_MS = 200
"""Sound (ms) cut from the end of a message that ended by a key."""
STOP_KEY = "#"


@dataclass(slots=True)
class SoundRecorder:
    """One recording, sent to call control by credit until key, silence, limit or release.

    `take`, `key` and `stop` return its ending. `length_ms` includes sound dropped for want of
    credit.
    """

    order: Record | RecordLeg
    law: Law
    link: Link
    length_ms: float = 0.0
    _gap_ms: float = 0.0

    def start(self) -> None:
        """Open the recording's credit and announce its law."""
        self.link.open_sound(self.order.recording)
        self.link.send(RecordingStarted(self.order.recording, str(self.law)))

    def take(self, data: bytes, silent_ms: int) -> RecordingEnded | None:
        """Send sound of `law`; `silent_ms` is the length of the caller's silence by now."""
        dropped = self.link.send_sound(self.order.recording, data)
        self.length_ms += len(data) / SAMPLES_PER_MS
        self._note_gap(dropped / SAMPLES_PER_MS)
        if self.length_ms >= self.order.limit_ms:
            return self.stop(RecordingStop.LIMIT)
        if silent_ms >= self.order.silence_ms and self.length_ms >= self.order.grace_ms:
            return self.stop(RecordingStop.SILENCE, silent_ms - KEPT_SILENCE_MS)
        return None

    def key(self, digit: str) -> RecordingEnded | None:
        """End the recording by `#`; ignore other keys."""
        return self.stop(RecordingStop.KEY, KEY_MS) if digit == STOP_KEY else None

    def stop(self, why: RecordingStop, trim_ms: int = 0) -> RecordingEnded:
        """End the recording; its last `trim_ms` are tone or silence, to be cut."""
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
