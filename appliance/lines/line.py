"""One analog line with its voice modem, from port bytes to line events; no port, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import Bug
from appliance.lines.digits import DigitFilter
from appliance.lines.facts import Heard, Identified, Rang, Recovery, Signal, Signalled, Stream
from appliance.lines.life import Life
from appliance.lines.replies import CallerIdReceived, Coded, StreamEnded
from appliance.lines.ringing import Ringing
from appliance.lines.table import ANSWERED, HEARING, RINGING, SIGNALLING, Input, Stage

if TYPE_CHECKING:
    from appliance.dsp.wav import Law
    from appliance.lines.facts import LineEvent
    from appliance.lines.replies import ModemEvent
    from appliance.lines.sentences import Sentence
    from appliance.lines.settings import LineSettings

GRACE_S = 0.04
"""After the number a name may follow at once; most exchanges of Europe send none (v253.md 3)."""


class LineDriver:
    """Drives one line by the table in table.py: give it bytes and time, take events and bytes.

    `now` is monotonic seconds. `receive_data`, `handle_timer` and every order return the events
    they caused; after each, write `data_to_send()` and wait for `next_deadline()`.
    """

    def __init__(self, name: str, settings: LineSettings) -> None:
        self.name = name
        self._life = Life(settings)
        self._digits = DigitFilter()
        self._out = bytearray()

    def found_ringing(self, modem: str, known: Identified, at: float) -> None:
        """Know, before the start, that its last owner heard `modem` ringing at `at` (monotonic s).

        The identity of a call that has rung comes no more: it is what that one knew.
        """
        self._life.found_ringing(modem, Ringing.found(known.caller, known.dated, at))

    # --- orders ------------------------------------------------------------------------------

    def start(self, now: float) -> tuple[LineEvent, ...]:
        """Bring the modem up from whatever state its port is found in; ends in Up or Failed."""
        self._out.clear()
        return self._life.start(now)

    def answer(self, now: float) -> tuple[LineEvent, ...]:
        """Take the ringing line off hook; OffHook follows."""
        return self._life.step(Input.ANSWER, now)

    def start_stream(self, kind: Stream, now: float) -> tuple[LineEvent, ...]:
        """Start a stream, ending another one first (to its end); Streaming follows.

        Nothing happens when that kind runs already. Raises Bug for a duplex stream on a line
        that has none: who asks must know (`duplex`).
        """
        if kind is Stream.DUPLEX and not self.duplex:
            raise Bug(f"line {self.name} is half duplex")
        if self.stage is Stage.STREAMING and self.streaming is kind:
            return ()
        self._life.kind = kind
        return self._life.step(Input.START_STREAM, now)

    def end_stream(self, now: float, *, cut: bool = False) -> tuple[LineEvent, ...]:
        """End the stream; Stopped follows once what lies ahead is played, with `cut` at once."""
        self._life.cut = cut
        return self._life.step(Input.END_STREAM, now)

    def flash(self, digits: str, now: float) -> tuple[LineEvent, ...]:
        """Flash the hook and, after a pause, send `digits` to the PBX behind; Flashed follows."""
        self._life.digits = digits
        return self._life.step(Input.FLASH, now)

    def send_digits(self, digits: str, now: float) -> tuple[LineEvent, ...]:
        """Send digits on the line that is off hook, ending its stream; DigitsSent follows."""
        self._life.digits = digits
        return self._life.step(Input.SEND_DIGITS, now)

    def dial(self, digits: str, now: float) -> tuple[LineEvent, ...]:
        """Seize the idle line and dial; Dialled follows. Nothing happens on a line in use."""
        self._life.digits = digits
        return self._life.step(Input.DIAL, now)

    def hang_up(self, now: float) -> tuple[LineEvent, ...]:
        """Put the line on hook; Idle follows when the modem has proven it."""
        return self._life.step(Input.HANG_UP, now)

    def lost(
        self, reason: Sentence, now: float, least: Recovery = Recovery.REOPEN
    ) -> tuple[LineEvent, ...]:
        """Take note that the port is gone; Failed follows at once, `start` when it is back.

        `least` is the lowest step of the ladder that can help, or what only a person can do.
        """
        return self._life.lose(reason, least, now)

    def send_samples(self, samples: bytes) -> None:
        """Queue sound for the line, in the modem's law; passed over unless a stream runs.

        Behind a stream's end it would be text. Raises Bug in a stream from the line only.
        """
        if self.stage is Stage.STREAMING:
            self._out += self._life.modem.send_samples(samples)

    # --- bytes and time ----------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> tuple[LineEvent, ...]:
        """Take bytes from the port and return what they mean."""
        events: list[LineEvent] = []
        for event in self._life.modem.receive_data(data):
            if not isinstance(event, Heard):
                events += self._receive(event, now)
            elif self.stage is Stage.STREAMING or self.stage in HEARING:  # an enum's hash is a call
                events.append(event)
        return tuple(events)

    def handle_timer(self, now: float) -> tuple[LineEvent, ...]:
        """Do what is due at `now`."""
        outcome = self._life.runner.handle_timer(now)
        return (*self._life.conclude(outcome, now), *self._life.expire(now))

    def next_deadline(self) -> float | None:
        """Return when `handle_timer` is due, or None."""
        script = self._life.runner.next_deadline()
        timers = self._life.timers
        if not timers:
            return script
        return min(timers.values() if script is None else (*timers.values(), script))

    def data_to_send(self) -> bytes:
        """Return and forget the bytes to be written to the port: sound, then what ends it."""
        data = bytes(self._out) + self._life.runner.data_to_send()
        self._out.clear()
        return data

    # --- what is known -----------------------------------------------------------------------

    @property
    def stage(self) -> Stage:
        """Where the line is in its life."""
        return self._life.stage

    @property
    def needs(self) -> Recovery | None:
        """What a failed line asks the keeper for, before it is started again."""
        return self._life.needs

    @property
    def duplex(self) -> bool:
        """True when sound can flow both ways at once."""
        return self._life.duplex

    @property
    def law(self) -> Law | None:
        """How samples are written, once the line has been up."""
        return self._life.format.law if self._life.format else None

    @property
    def streaming(self) -> Stream | None:
        """The kind of stream that runs inside the modem."""
        return self._life.modem.streaming

    @property
    def rang_at(self) -> float:
        """When the last ring came (monotonic s)."""
        return self._life.ringing.latest

    @property
    def ringing(self) -> tuple[LineEvent, ...]:
        """What was told of a caller who still rings, () where nobody does."""
        return self._life.ringing.told() if self.stage in RINGING else ()

    # --- what the modem says -----------------------------------------------------------------

    def _receive(self, event: ModemEvent, now: float) -> tuple[LineEvent, ...]:
        events: tuple[LineEvent, ...] = ()
        match event:
            case Coded("R"):
                events = self._on_ring(now)
            case Coded(code):
                events = self._on_code(code, now)
            case CallerIdReceived():
                events = self._on_caller_id(event, now)
            case StreamEnded():
                events = self._on_stream_ended(event, now)
        outcome = self._life.runner.receive(event, now)
        return (*events, *self._life.conclude(outcome, now))

    def _on_stream_ended(self, ended: StreamEnded, now: float) -> tuple[LineEvent, ...]:
        """A stream that nobody ended has broken off, and perhaps the line with it (+VIT, 1.3)."""
        life = self._life
        if self.stage is Stage.STREAMING:
            life.kind = ended.kind
            return life.break_off(ended.result, now)
        life.ended = ended.kind
        return life.step(Input.STREAM_ENDED, now)

    def _on_ring(self, now: float) -> tuple[LineEvent, ...]:
        life = self._life
        life.ringing.on_ring(now)
        life.pair.rang(now)
        events = life.step(Input.RING, now)
        life.set_timer(Input.RING_GAP, now + life.settings.ring_gap_ms / 1000)
        if life.knows_caller:
            events = _with_caller(events, life.step(Input.IDENTITY, now))
        return events

    def _on_caller_id(self, event: CallerIdReceived, now: float) -> tuple[LineEvent, ...]:
        """Settle at once when nothing more can come; else leave the name a moment to follow."""
        ringing = self._life.ringing
        if self.stage in ANSWERED and not ringing.count:
            return ()  # the box calls: nobody is to be known
        ringing.on_caller_id(event, now)
        if ringing.news and (event.whole or ringing.complete):
            return self._life.step(Input.IDENTITY, now)
        if ringing.news:
            self._life.set_timer(Input.IDENTITY, now + GRACE_S)
        return ()

    def _on_pickup(self, now: float) -> tuple[LineEvent, ...]:
        """Give a ringing call to whoever lifted a telephone beside us, if that may be believed."""
        believed = self._life.pair.picked_up(now, self._life.probe)
        return self._life.step(Input.PICKUP, now) if believed else ()

    def _on_code(self, code: str, now: float) -> tuple[LineEvent, ...]:
        dialect = self._life.modem.dialect
        if self.stage in RINGING and dialect.signals.get(code) is Signal.EXTENSION_PICKUP:
            return self._on_pickup(now)
        if self.stage not in SIGNALLING:
            return ()
        if self.streaming and code in dialect.ignored.get(self.streaming, ()):
            return ()
        if digit := self._digits.receive(code, now):
            return (Signalled(Signal.DIGIT, digit),)
        signal = dialect.signals.get(code)
        return (Signalled(signal),) if signal else ()


def _with_caller(rang: tuple[LineEvent, ...], then: tuple[LineEvent, ...]) -> tuple[LineEvent, ...]:
    """Tell a ring and the identity that came before it as one: phones are rung with it."""
    match rang, then:
        case (*before, Rang(count)), (Identified() as known, *after):
            return (*before, Rang(count, known), *after)
    return (*rang, *then)
