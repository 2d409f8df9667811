"""Sources and sinks of sound: prompts, hold music, silence, recordings, in-band DTMF."""

from __future__ import annotations

import array
import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from appliance.calls.events import RecordingEnded, RecordingGap, RecordingStop
from appliance.calls.orders import Record, RecordLeg
from appliance.dsp import dtmf, g711, wav
from appliance.dsp.conceal import mixed, ramped
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


# A wave that stops between two samples is heard as a click (design/sound.md).
FADE = 40
"""Samples, 5 ms, in which sound that is broken off fades out."""
# Above A-law's own silence, 8, and so soft that nobody hears its click.
LEAST_STEP = 16
"""Step between two sounds, in 16-bit steps, that is faded."""


class FadeOut:
    """End of a source that was broken off, to be heard beneath what follows it."""

    def __init__(self) -> None:
        self._tail = b""

    def take(self, source: Source, law: Law) -> None:
        """Read how the source would go on in `law`, and ramp it down."""
        going_on = g711.decode(source.read(FADE, law), law)
        # In a pause the next source's bytes stay as they are.
        if any(abs(sample) > LEAST_STEP for sample in array.array("h", going_on)):
            self._tail = ramped(going_on, 1.0, 0.0)

    def over(self, data: bytes, law: Law) -> bytes:
        """Return `data` (samples of `law`) with what is left of the end mixed in."""
        if not self._tail:
            return data
        samples = len(data) // wav.SAMPLE_BYTES[law]
        part, self._tail = self._tail[: 2 * samples], self._tail[2 * samples :]
        size = len(part) // 2 * wav.SAMPLE_BYTES[law]
        return g711.encode(mixed(part, g711.decode(data[:size], law)), law) + data[size:]

    def rest(self, law: Law) -> bytes:
        """Return what is left of the end, and forget it."""
        tail, self._tail = self._tail, b""
        return g711.encode(tail, law)


class FadingSource:
    """Source of one listener: a source that is replaced fades out beneath the next one.

    The next one begins at the same moment as without it.
    """

    def __init__(self) -> None:
        self._source: Source = Silence()
        # Of the source, as it is read; None until it was.
        self._law: Law | None = None
        self._fade = FadeOut()

    def change_to(self, source: Source) -> None:
        """Break off the source and continue with another one."""
        # Now, since the old source may have another reader by the next frame.
        if self._law is not None and not isinstance(self._source, Silence):
            self._fade.take(self._source, self._law)
        self.continue_with(source)

    def continue_with(self, source: Source) -> None:
        """Read on from a source that continues the sound of the last one."""
        self._source, self._law = source, None

    def end(self, law: Law) -> bytes:
        """Return the rest of a source that was replaced, before its stream is ended."""
        return self._fade.rest(law)

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples encoded in `law`."""
        self._law = law
        return self._fade.over(self._source.read(samples, law), law)


class Player:
    """Plays 16-bit prompts one after the other, once or with `repeat` in a loop.

    A prompt that ends within a wave is faded out there.
    """

    def __init__(self, play: str, sounds: Iterable[Pcm], repeat: bool = False) -> None:
        self.play = play
        given = [memoryview(sound) for sound in sounds if len(sound)]
        self._parts = _smooth(given, repeat)
        self._repeat = repeat and bool(given)
        self._index = 0
        self._at = 0

    @property
    def ended(self) -> bool:
        """True once the last sample has been read."""
        return self._index >= len(self._parts)

    def read(self, samples: int, law: Law) -> bytes:
        """Return the next `samples` samples in `law`, padded with silence after the end."""
        parts: list[bytes] = []
        wanted = samples * 2
        while wanted and not self.ended:
            part = self._parts[self._index][self._at : self._at + wanted]
            parts.append(bytes(part))
            wanted -= len(part)
            self._advance(len(part))
        return g711.encode(b"".join(parts), law) + wav.silence(law, wanted // 2)

    def _advance(self, size: int) -> None:
        self._at += size
        if self._at >= len(self._parts[self._index]):
            self._at = 0
            self._index += 1
            if self.ended and self._repeat:
                self._index = 0


def _smooth(sounds: Sequence[memoryview], repeat: bool) -> list[memoryview]:
    """Return the parts to play: the sounds, and behind an end that would click its fading out."""
    followers = [*sounds[1:], sounds[0] if repeat else None] if sounds else []
    parts: list[memoryview] = []
    for sound, follower in zip(sounds, followers, strict=True):
        parts.append(sound)
        if _clicks(sound, follower):
            # The last sample goes on: of the sound itself nothing is lost.
            parts.append(memoryview(ramped(bytes(sound[-2:]) * FADE, 1.0, 0.0)))
    return parts


def _clicks(sound: memoryview, follower: memoryview | None) -> bool:
    """Return whether the step from a sound's end to what follows, None for silence, is heard."""
    old = array.array("h", bytes(sound[-2 * FADE :]))
    if follower is None:
        return abs(old[-1]) > LEAST_STEP
    new = array.array("h", bytes(follower[: 2 * FADE]))
    # Where sound goes on, a step as wide as its own is part of its wave.
    usual = max((abs(b - a) for wave in (old, new) for a, b in pairwise(wave)), default=0)
    return abs(new[0] - old[-1]) > max(LEAST_STEP, usual)


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

    def instead(self, name: str) -> str:
        """Return the prompt of an unknown name in another language, "" without any."""
        key = name.partition("/")[2]
        more = self.more.names if self.more is not None else ()
        same = (each for each in (*self.names, *more) if each.partition("/")[2] == key)
        return next(same, "") if key else ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of these prompts, those of the office's first language first."""
        return tuple(self._index)


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
