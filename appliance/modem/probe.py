"""Duplex probe: proves on the unit whether a modem carries sound both ways (+VTR; v253.md 6, 10).

Sans I/O, as `LineDriver`: bytes and time in, bytes out, at the end one `Finding`. A tone is sent
for some seconds, both rates are measured, and the stream is ended: by DLE ^, else by DLE ETX.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.dsp import g711
from appliance.dsp.dtmf import chord
from appliance.errors import Bug
from appliance.modem import scripts
from appliance.modem.dialects import ACTIONS, DOUBLED, choose_vsm, identify
from appliance.modem.events import SoundReceived, Stream
from appliance.modem.scripts import (
    AtCommand,
    EndStream,
    ScriptDone,
    ScriptFailed,
    ScriptRefused,
    ScriptRunner,
)
from appliance.modem.v253 import EventCode, Modem
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.modem.scripts import LineSettings, ScriptOutcome, ScriptStep
    from appliance.modem.v253 import ModemEvent

RATE = 8000
"""Samples a second each way."""
# A modem may deliver the first moments of its stream in one piece.
SETTLE_S = 0.5
"""Seconds of the stream that are not measured."""
MEASURE_S = 4.0
"""Seconds that are measured."""
# Seconds of the tone kept ahead inside the modem (v253.md 6: 60 to 120 ms).
LEAD_S = 0.1
# The bytes that end the stream wait behind them.
BACKLOG = 1600
"""Most bytes that may wait for a port that takes too few."""
FEED_S = 0.02
"""Seconds between two pieces of the tone."""
TOLERANCE = 0.05
"""Share of RATE that may be missing each way."""
TONE_HZ = 1000
TONE_MS = 1000
END_LIMIT_MS = 3000
# The standard's, then those that some makes need: DLE ETX on a USRobotics (v253.md 2.2).
DUPLEX_ENDS = (b"\x10^", b"\x10\x03", DOUBLED + b"\x10^")
"""Terminators of +VTR, tried in turn."""


REFUSED = _("The modem refuses +VTR: it is half duplex. Write duplex = false and choose a daytime.")
MUTE = _(
    "The modem takes +VTR but sends no sound: it is half duplex. Write duplex "
    "= false and choose a daytime."
)
STUCK = _(
    "The modem takes +VTR but does not leave it (neither DLE ^ nor DLE ETX): "
    "it is of no use in duplex. Write duplex = false and choose a daytime."
)


def slow(heard: int, sent: int) -> Words:
    """Return the sentence for sound that does not flow both ways at its full rate."""
    return _(
        "The modem takes +VTR but carries only {heard} samples a second from the "
        "line and {sent} to it, of 8000: write duplex = false and choose a daytime.",
        heard=heard,
        sent=sent,
    )


def proven(heard: int, sent: int) -> Words:
    """Return the sentence for sound that flows both ways at once."""
    return _(
        "The modem carries sound both ways at once ({heard} samples a second from "
        "the line, {sent} to it): write duplex = true.",
        heard=heard,
        sent=sent,
    )


class DuplexVerdict(enum.StrEnum):
    """Result of a probe."""

    DUPLEX = "duplex"
    HALF_DUPLEX = "half_duplex"
    NO_VOICE = "no_voice"
    NO_ANSWER = "no_answer"  # the modem failed, nothing is proven


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """Verdict with its reason and measurements: samples a second, buffer reports."""

    verdict: DuplexVerdict
    sentence: Words
    modem: str = ""
    heard_rate: int = 0
    sent_rate: int = 0
    underruns: int = 0
    overruns: int = 0
    ended_by: str = ""


class ProbePhase(enum.StrEnum):
    """Phase of the probe."""

    ASKING = "asking"
    VOICE = "voice"
    SEIZING = "seizing"
    MEASURING = "measuring"
    ENDING = "ending"
    HANGING_UP = "hanging_up"
    OVER = "over"


@dataclass(slots=True)
class _Rates:
    """Samples and bytes counted each way; times in monotonic seconds."""

    began_at: float = 0.0
    ended_at: float = 0.0
    fed_at: float = 0.0
    queued: int = 0
    heard: int = 0
    given: int = 0
    written: int = 0
    underruns: int = 0
    overruns: int = 0

    @property
    def heard_rate(self) -> int:
        """Samples a second received, without the first SETTLE_S."""
        measured = self.ended_at - self.began_at - SETTLE_S
        return round(self.heard / measured) if measured > 0 else 0

    @property
    def sent_rate(self) -> int:
        """Samples a second that the port has taken."""
        measured = self.ended_at - self.began_at
        # `given` and `written` count shielded bytes, `queued` counts samples.
        taken = self.queued * self.written / self.given if self.given else 0.0
        return round(taken / measured) if measured > 0 else 0


# As v253.md 6 concludes: send a tone, watch both rates, end by DLE ^ and then by DLE ETX. Neither
# the manual nor the make is proof: a USRobotics documents +VTR and is half duplex in practice.
class DuplexProbe:
    """One probe of one modem; the line is seized meanwhile, so that nobody can call.

    `now` is monotonic seconds. After each call write `data_to_send()`, report by `written` what the
    port has taken and wait for `next_deadline()`, until there is a `finding`.
    """

    def __init__(self, settings: LineSettings) -> None:
        self.finding: ProbeFinding | None = None
        self._settings = settings
        self._modem = Modem(settings.first_dialect)
        self._runner = ScriptRunner(self._modem)
        self._phase = ProbePhase.ASKING
        self._out = bytearray()
        self._tone = b""
        self._rates = _Rates()
        self._voiceless: Words | None = None
        self._refused = self._stuck = False
        self._ended_by = ""

    def start(self, now: float) -> None:
        """Start the probe on a modem found in any state."""
        steps = (*scripts.sync(), *scripts.inquire(self._settings.first_dialect))
        self._conclude(self._runner.begin(steps, now), now)

    def receive_data(self, data: bytes, now: float) -> None:
        """Handle bytes from the port."""
        for event in self._modem.receive_data(data):
            self._count(event, now)
            self._conclude(self._runner.receive(event, now), now)

    def handle_timer(self, now: float) -> None:
        """Run what is due at `now`: the next piece of the tone, or the script's deadline."""
        if self._phase is ProbePhase.MEASURING:
            if now >= self._rates.fed_at + FEED_S:
                self._measure(now)
        else:
            self._conclude(self._runner.handle_timer(now), now)

    def next_deadline(self) -> float | None:
        """Return when `handle_timer` is due; every 20 ms while measuring."""
        if self._phase is ProbePhase.MEASURING:
            return self._rates.fed_at + FEED_S
        return self._runner.next_deadline()

    def data_to_send(self) -> bytes:
        """Return and clear the bytes to write: sound, then the stream's end."""
        data = bytes(self._out) + self._runner.data_to_send()
        self._out.clear()
        if self._phase is ProbePhase.MEASURING:
            self._rates.given += len(data)
        elif self._phase is ProbePhase.ENDING and data:
            self._ended_by = next(name for end, name in _ENDS.items() if end in data)
        return data

    def written(self, count: int) -> None:
        """Note that the port has taken `count` bytes."""
        if self._phase is ProbePhase.MEASURING:
            self._rates.written += count

    def _conclude(self, outcome: ScriptOutcome | None, now: float) -> None:
        match outcome:
            case ScriptRefused(reason):
                self._voiceless = reason
                self._hang_up(now)
            case ScriptFailed() if self._phase is ProbePhase.ENDING:
                self._stuck = True
                self._hang_up(now)
            case ScriptFailed(reason):
                self._phase = ProbePhase.OVER
                self.finding = self._judge() if self._stuck else self._failed(reason)
            case ScriptDone():
                _NEXT[self._phase](self, now)

    def _begin(self, phase: ProbePhase, steps: tuple[ScriptStep, ...], now: float) -> None:
        self._phase = phase
        self._conclude(self._runner.begin(steps, now), now)

    def _asked(self, now: float) -> None:
        """Enter voice mode and read the formats, once the make is known."""
        dialect = self._modem.dialect
        if self._settings.is_auto:
            dialect = identify(self._identity())
        # In an order of its own: which terminator works is part of the finding.
        ends = {**dialect.ends, Stream.DUPLEX: DUPLEX_ENDS}
        self._modem.dialect = replace(dialect, ends=ends)
        self._begin(ProbePhase.VOICE, scripts.configure(self._settings, self._modem.dialect), now)

    def _identity(self) -> list[str]:
        kept = (*self._runner.kept[scripts.MAKER], *self._runner.kept[scripts.PRODUCT])
        return [scripts.plain_name(line) for line in kept]

    def _has_voice(self, now: float) -> None:
        """Seize the line and start a duplex stream."""
        dialect = self._modem.dialect
        voice = choose_vsm(self._runner.kept[scripts.FORMATS], dialect)
        if voice is None:
            raise Bug("a modem without a voice format passed")
        self._tone = g711.encode(chord((TONE_HZ,), TONE_MS), voice.law)
        duplex = AtCommand(ACTIONS[Stream.DUPLEX], tries=1, answers=frozenset({"ERROR"}))
        prepare = scripts.prepare(self._settings, dialect, voice)
        self._begin(ProbePhase.SEIZING, (*prepare, *scripts.answer(dialect), duplex), now)

    def _seized(self, now: float) -> None:
        if self._runner.refused:
            self._refused = True
            self._hang_up(now)
            return
        self._phase = ProbePhase.MEASURING
        self._rates = _Rates(now)
        self._measure(now)

    def _measure(self, now: float) -> None:
        """Queue the next piece of the tone; end the stream after MEASURE_S."""
        rates = self._rates
        rates.fed_at = now
        wanted = round((now - rates.began_at + LEAD_S) * RATE) - rates.queued
        # Paced by the clock, not by the port: a write that does not block proves nothing.
        wanted = min(wanted, BACKLOG - (rates.given - rates.written))
        if wanted > 0:
            piece = (self._tone * (wanted // len(self._tone) + 1))[:wanted]
            self._out += self._modem.send_samples(piece)
            rates.queued += wanted
        if now >= rates.began_at + SETTLE_S + MEASURE_S:
            rates.ended_at = now
            # What ends the stream must not wait behind the tone.
            self._out.clear()
            self._begin(ProbePhase.ENDING, (EndStream(limit_ms=END_LIMIT_MS),), now)

    def _hang_up(self, now: float) -> None:
        found = scripts.sync() if self._stuck else ()
        self._begin(ProbePhase.HANGING_UP, (*found, *scripts.hang_up(self._modem.dialect)), now)

    def _over(self, _now: float) -> None:
        self._phase = ProbePhase.OVER
        self.finding = self._judge()

    def _count(self, event: ModemEvent, now: float) -> None:
        rates = self._rates
        match event:
            case SoundReceived(samples) if self._phase is ProbePhase.MEASURING:
                rates.heard += len(samples) if now >= rates.began_at + SETTLE_S else 0
            case EventCode("u"):
                rates.underruns += 1
            case EventCode("o"):
                rates.overruns += 1

    def _judge(self) -> ProbeFinding:
        heard, sent, least = self._rates.heard_rate, self._rates.sent_rate, RATE * (1 - TOLERANCE)
        if self._voiceless is not None:
            return self._found(DuplexVerdict.NO_VOICE, self._voiceless)
        if self._refused:
            return self._found(DuplexVerdict.HALF_DUPLEX, REFUSED)
        if self._stuck:
            return self._found(DuplexVerdict.HALF_DUPLEX, STUCK)
        if not heard:
            return self._found(DuplexVerdict.HALF_DUPLEX, MUTE)
        if min(heard, sent) < least:
            return self._found(DuplexVerdict.HALF_DUPLEX, slow(heard, sent))
        return self._found(DuplexVerdict.DUPLEX, proven(heard, sent))

    def _failed(self, reason: Words) -> ProbeFinding:
        return self._found(DuplexVerdict.NO_ANSWER, reason)

    def _found(self, verdict: DuplexVerdict, sentence: Words) -> ProbeFinding:
        rates = self._rates
        modem = " ".join(self._identity()) if scripts.MAKER in self._runner.kept else ""
        return ProbeFinding(
            verdict,
            sentence,
            modem,
            rates.heard_rate,
            rates.sent_rate,
            rates.underruns,
            rates.overruns,
            self._ended_by,
        )


_ENDS = {
    DUPLEX_ENDS[2]: "DLE DLE DLE ^",
    DUPLEX_ENDS[1]: "DLE ETX",
    DUPLEX_ENDS[0]: "DLE ^",
    # The command that asks for a lost result ends no stream.
    b"": "",
}
_NEXT: Mapping[ProbePhase, Callable[[DuplexProbe, float], None]] = {
    ProbePhase.ASKING: DuplexProbe._asked,
    ProbePhase.VOICE: DuplexProbe._has_voice,
    ProbePhase.SEIZING: DuplexProbe._seized,
    ProbePhase.ENDING: DuplexProbe._hang_up,
    ProbePhase.HANGING_UP: DuplexProbe._over,
}
