"""How a call that the box itself makes gets on, told by its sound: an analog line has no answer
signal, neither behind a hook flash nor after dialling.

Ring-back, busy, congestion, a special information tone and the dial tone are heard. That somebody
answered is only presumed: a voice is heard, or the ring-back has stopped. Whoever must be certain
asks for a key.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.media import sit
from appliance.media.cadences import Kind
from appliance.media.frames import FRAME_MS, FRAME_SAMPLES
from appliance.media.progress import FLOOR_FRAMES, Detector, SilenceMeter

if TYPE_CHECKING:
    from appliance.media.tones import Plan

NO_ANSWER_MS = 60_000
NEVER_CAME_MS = 15_000
"""Neither tone nor voice since dialling: a mobile network may take 12 s to let it ring."""
RING_ON_MS = 300
RING_OFF_MS = 1500
"""A tone at least so long with so long a pause behind it is a ring: no other tone of any plan
pauses for longer than 1000 ms, and the PBX of a town hall keeps its own ring-back cadence."""
STOPS_MS = 1000
STOPS_SHARE = 1.25
"""The ring-back has stopped when its plan's pause is over by a quarter and a second."""
VOICE_FRAMES = 10
VOICE_WITHIN = 25
"""200 ms of sound that is no tone within 500 ms are a voice; lifting a handset only clicks."""
_LEARNING_MS = FLOOR_FRAMES * FRAME_MS
"""Until the meter knows the line's noise, noise would be a voice; nobody answers so soon."""
_FRAME_BYTES = FRAME_SAMPLES * 2


class Progress(enum.StrEnum):
    """What is known of the leg; all but RINGING and ANSWERED are its end."""

    RINGING = "ringing"
    ANSWERED = "answered"  # presumed, never certain
    BUSY = "busy"
    CONGESTION = "congestion"
    SIT = "sit"  # no such number, or out of service: an announcement follows
    DIAL = "dial"  # the dial tone: nothing was dialled, or the far end has gone
    NO_ANSWER = "no_answer"


ENDS = frozenset(Progress) - {Progress.RINGING, Progress.ANSWERED}
_KINDS = {
    Kind.BUSY: Progress.BUSY,
    Kind.CONGESTION: Progress.CONGESTION,
    Kind.DIAL: Progress.DIAL,
    Kind.STEADY: Progress.DIAL,
    Kind.RINGBACK: Progress.RINGING,
}


@dataclass(frozen=True, slots=True)
class Progressed:
    """The leg got on, `after_ms` of sound from the start of listening, after `rings` rings.

    `detail` says by what it was known: a cadence in ms, `voice`, `ring-back stopped`,
    `nothing heard`.
    """

    kind: Progress
    after_ms: int
    rings: int
    detail: str = ""


class Outgoing:
    """Listens on one outgoing leg from the last digit on: 16-bit samples, cut anyhow.

    `state` is the latest fact's kind, None before the first. Each change is told once; RINGING may
    follow ANSWERED (the call was passed on, or a pause was taken for an answer) and the other way
    round. After one of ENDS nothing more is told. Time is counted in the samples fed; our own
    voice must not be among them (half duplex: listen only; duplex: behind the canceller).
    """

    def __init__(self, plan: Plan, no_answer_ms: int = NO_ANSWER_MS) -> None:
        self.state: Progress | None = None
        self.rings = 0
        self._no_answer_ms = no_answer_ms
        self._stops_ms = _longest_pause(plan) * STOPS_SHARE + STOPS_MS
        self._tones = Detector(plan)
        self._sit = sit.Detector()
        self._silence = SilenceMeter()
        self._voiced: deque[bool] = deque(maxlen=VOICE_WITHIN)
        self._waiting = b""
        self._elapsed_ms = self._burst_ms = self._quiet_ms = 0
        self._is_heard = False

    def feed(self, pcm16_frame: bytes) -> tuple[Progressed, ...]:
        """Return what became known up to the end of `pcm16_frame` (usually 20 ms)."""
        data = self._waiting + pcm16_frame
        whole = len(data) - len(data) % _FRAME_BYTES
        self._waiting = data[whole:]
        found = (self._step(data[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES))
        return tuple(fact for fact in found if fact is not None)

    def _step(self, frame: bytes) -> Progressed | None:
        self._elapsed_ms += FRAME_MS
        if self.state in ENDS:
            return None
        if self._sit.feed(frame):
            return self._tell(Progress.SIT)
        for heard in self._tones.feed(frame):
            return self._tell(_KINDS[heard.kind], "/".join(map(str, heard.cadence_ms)))
        return self._listen(frame) or self._wait()

    def _listen(self, frame: bytes) -> Progressed | None:
        """Tell rings and voices apart, of which no single frame is certain."""
        is_tone = self._tones.is_tone
        is_voice = self._is_voice(frame, is_tone or self._sit.is_tone)
        if is_tone:
            self._burst_ms = FRAME_MS if self._quiet_ms else self._burst_ms + FRAME_MS
        self._quiet_ms = 0 if is_tone or is_voice else self._quiet_ms + FRAME_MS
        self._is_heard |= is_tone or is_voice
        if self._quiet_ms == RING_OFF_MS and self._burst_ms >= RING_ON_MS:
            self.rings += 1
            return self._tell(Progress.RINGING)
        if sum(self._voiced) >= VOICE_FRAMES:
            return self._tell(Progress.ANSWERED, "voice")
        return None

    def _is_voice(self, frame: bytes, is_tone: bool) -> bool:
        is_loud = self._silence.feed(frame, is_tone=is_tone) == 0
        is_voice = is_loud and self._elapsed_ms > _LEARNING_MS
        self._voiced.append(is_voice)
        if is_voice:
            self._burst_ms = 0  # a pause behind a voice makes no ring
        return is_voice

    def _wait(self) -> Progressed | None:
        """Judge by what has not come for long enough."""
        if self.state is Progress.RINGING and self._quiet_ms >= self._stops_ms:
            return self._tell(Progress.ANSWERED, "ring-back stopped")
        if self._elapsed_ms >= NEVER_CAME_MS and not self._is_heard:
            return self._tell(Progress.NO_ANSWER, "nothing heard")
        if self._elapsed_ms >= self._no_answer_ms and self.state is not Progress.ANSWERED:
            return self._tell(Progress.NO_ANSWER)
        return None

    def _tell(self, kind: Progress, detail: str = "") -> Progressed | None:
        if kind is self.state:
            return None
        self.state = kind
        return Progressed(kind, self._elapsed_ms, self.rings, detail)


def _longest_pause(plan: Plan) -> int:
    return max(burst.off_ms for form in plan.ringback for burst in form.bursts)
