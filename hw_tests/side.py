"""Side of the bench, one line: its port, its driver, what it has said, heard and is to play."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from appliance.dsp import g711
from appliance.dsp.wav import SAMPLE_RATE, Law, silence
from appliance.errors import Bug
from appliance.modem.events import (
    Idle,
    LineEvent,
    RecoveryStarted,
    RingReceived,
    Signal,
    Signalled,
    SoundReceived,
    Stopped,
    Stream,
    Streaming,
    Up,
)
from appliance.modem.line import LineDriver
from appliance.modem.table import HEARING, LineStage
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from appliance.modem.scripts import LineSettings

STOPPED = "stopped in the middle"
"""A figure of a modem: how often it ceased to work in the middle of a call."""
STOPPED_S = 2.0
"""A stream that brings nothing for so long has stopped: a voice modem sends silence, too."""
LEAD_S = 0.1
"""Sound kept ahead inside the modem (v253.md 6: 60 to 120 ms)."""
GONE = _("The modem is unplugged.")
LOSES = _(
    "Bytes of the sound are lost between modem and box, though the modem's clock is right: try "
    "another USB cable, socket and hub; if it stays so, replace the modem."
)
PLAYS = {Stream.DUPLEX, Stream.TRANSMIT}
HEARS = {Stream.DUPLEX, Stream.RECEIVE}
T = TypeVar("T")


class Port(Protocol):
    """A serial port that never waits."""

    def read(self) -> bytes:
        """Give what has come, b"" for nothing; raises OSError when the modem has gone."""

    def write(self, data: bytes) -> int:
        """Take bytes, perhaps not all; returns how many."""

    def drop_dtr(self) -> bool:
        """Pull DTR low for a moment; False where the port has none."""

    def close(self) -> None:
        """Close the port."""


class Interruption:
    """Ctrl-C or SIGTERM, which waits while a side is between its port and its driver.

    What was read is noted, and what was written is not written again: the lines are hung up after
    it, and the pause behind a result (v253.md 1.1) is counted from when that has come.
    """

    def __init__(self) -> None:
        self._waits = self._was_asked = False

    def ask(self, _number: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, now or behind the step that is under way: a signal's handler."""
        if not self._waits:
            raise KeyboardInterrupt
        self._was_asked = True

    def __enter__(self) -> None:
        self._waits = True

    def __exit__(self, *_error: object) -> None:
        was_asked, self._was_asked, self._waits = self._was_asked, False, False
        if was_asked:
            raise KeyboardInterrupt


INTERRUPTION: Final = Interruption()


class Side:
    """A line with its modem; `heard` is all sound it brought, in the modem's law.

    `dropped` is when its modem was lost from USB though nobody had unplugged it, `stopped` when
    it ceased to bring sound in the middle of a stream, or had to be brought back by its driver.
    """

    def __init__(self, name: str, port: Port, settings: LineSettings) -> None:
        self.name = name
        self.port = port
        self.settings = settings
        self.driver = LineDriver(name, settings)
        self.heard = bytearray()
        self.arrivals: list[tuple[int, float]] = []
        self.raw: list[tuple[float, bytes]] = []
        self.gone = False
        self.dropped: list[float] = []
        self.stopped: list[float] = []
        self._brought_at = 0.0
        self._carries = False
        self._spoke = False
        self._replies: Counter[tuple[str, str]] = Counter()
        self._heard_from = 0
        self._said: list[tuple[float, LineEvent]] = []
        self._out = bytearray()
        self._playing = bytearray()
        self._since = 0.0
        self._queued = 0
        self._ran_dry = False

    # --- what happens ------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Bring the modem up from whatever state it is found in, forgetting all that was."""
        self._out.clear()
        self._playing.clear()
        self.order(LineDriver.start, now)

    def renew(self, port: Port) -> None:
        """Forget everything, as a new process on this port would; it is to be started then."""
        self.port = port
        self.gone = self._spoke = False
        self._replies += self.driver.replies
        self.driver = LineDriver(self.name, self.settings)

    @contextmanager
    def unplugging(self) -> Iterator[None]:
        """Take the modem from USB on purpose within this: it is not lost then."""
        before, stopped = len(self.dropped), len(self.stopped)
        try:
            yield
        finally:
            del self.dropped[before:]
            del self.stopped[stopped:]

    @property
    def replies(self) -> Counter[tuple[str, str]]:
        """Count what came of each command so far, by its text and its result ("": none came)."""
        return self._replies + self.driver.replies

    def order(self, ask: Callable[[LineDriver, float], tuple[LineEvent, ...]], now: float) -> None:
        """Give the driver an order."""
        with INTERRUPTION:
            self._note(ask(self.driver, now), now)
            self._write()

    def work(self, clock: Callable[[], float]) -> None:
        """Read, do what is due, keep the sound ahead, write.

        The time is taken after reading: by an earlier one the pause behind a result, which begins
        when it has come, would be too short wherever this process was held up in between.
        """
        with INTERRUPTION:
            self._work(clock)

    def _work(self, clock: Callable[[], float]) -> None:
        if self.gone:
            return
        try:
            data = self.port.read()
        except OSError:
            self.gone = True
            if self._spoke:  # a port that was opened in vain is the same loss still
                self.dropped.append(clock())
            self._note(self.driver.lost(GONE, clock()), clock())
            return
        now = clock()
        if data and self.driver.stage not in HEARING:
            self.raw.append((now, data))
        if data:
            self._spoke = True
            self._note(self.driver.receive_data(data, now), now)
        due = self.driver.next_deadline()
        if due is not None and now >= due:
            self._note(self.driver.handle_timer(now), now)
        self._watch(now)
        self._feed(now)
        self._write()

    def _watch(self, now: float) -> None:
        """Note once a stream when it has ceased to bring sound."""
        hears = self.driver.stage is LineStage.STREAMING and self.driver.streaming in HEARS
        if hears and self._carries and now - self._brought_at > STOPPED_S:
            self._stops(self._brought_at)

    def _stops(self, at: float) -> None:
        self._carries = False
        self.stopped.append(at)

    def deadline(self, end: float) -> float:
        """When `work` is due at the latest."""
        due = self.driver.next_deadline()
        return end if due is None else min(due, end)

    def _note(self, events: tuple[LineEvent, ...], now: float) -> None:
        for event in events:
            if isinstance(event, SoundReceived):
                self.heard += event.samples
                self.arrivals.append((len(self.heard), now))
                self._brought_at = now
                continue
            if isinstance(event, Streaming):
                self._since, self._queued, self._ran_dry = now, 0, False
                self._heard_from = len(self.heard)
                self._brought_at, self._carries = now, True
            if isinstance(event, RecoveryStarted) and self._carries:
                self._stops(now)
            self._carries &= not isinstance(event, (RecoveryStarted, Stopped, Idle, Up))
            self._said.append((now, event))
            if isinstance(event, RingReceived) and event.known is not None:
                self._said.append((now, event.known))

    def _write(self) -> None:
        self._out += self.driver.data_to_send()
        if self._out:
            del self._out[: self.port.write(bytes(self._out))]

    # --- sound -------------------------------------------------------------------------------

    @property
    def law(self) -> Law:
        """How the modem writes samples."""
        if self.driver.law is None:
            raise Bug(f"line {self.name} is not up")
        return self.driver.law

    @property
    def plays(self) -> bool:
        """True while sound is to be given to the modem all the time."""
        return self.driver.stage is LineStage.STREAMING and self.driver.streaming in PLAYS

    def play(self, pcm: bytes, now: float) -> tuple[float, float]:
        """Queue 16-bit sound; returns when it begins and ends to be played by the modem."""
        return self.play_samples(g711.encode(pcm, self.law), now)

    def play_samples(self, samples: bytes, now: float) -> tuple[float, float]:
        """Queue sound in the modem's law; returns when it begins and ends to be played."""
        begin = self._queued + len(self._playing)
        self._playing += samples
        end = begin + len(samples)
        return self._since + begin / SAMPLE_RATE, self._since + end / SAMPLE_RATE

    @property
    def next_played(self) -> int:
        """The place in this stream of the sound that is queued next."""
        return self._queued + len(self._playing)

    def place_in_stream(self, sample: int) -> int:
        """Give a heard sample's place in this stream: echo comes as late as it is behind."""
        return sample - self._heard_from

    @property
    def played_until(self) -> float:
        """When the modem will have played all that it was given."""
        return self._since + self._queued / SAMPLE_RATE

    def has_run_dry(self, now: float) -> bool:
        """Tell whether in this stream the modem had once played all before it was given more.

        From then on nobody knows when it plays what it is given: later, by as long as it was dry.
        """
        return self._ran_dry or (self.plays and now > self.played_until)

    def _feed(self, now: float) -> None:
        if not self.plays:
            return
        self._ran_dry = self.has_run_dry(now)
        wanted = round((now - self._since + LEAD_S) * SAMPLE_RATE) - self._queued
        if wanted <= 0:
            return
        piece = bytes(self._playing[:wanted])
        del self._playing[:wanted]
        self.driver.send_samples(piece + silence(self.law, wanted - len(piece)))
        self._queued += wanted

    def pcm(self, begin: int = 0) -> bytes:
        """Give what was heard from a sample on, as 16-bit samples."""
        return g711.decode(bytes(self.heard[begin:]), self.law)

    def arrived_at(self, sample: int) -> float:
        """Tell when a heard sample came; raises Bug for one that did not."""
        place = bisect_left(self.arrivals, (sample + 1, 0.0))
        if place == len(self.arrivals):
            raise Bug(f"sample {sample} has not been heard")
        total, at = self.arrivals[place]
        return at - (total - sample - 1) / SAMPLE_RATE

    # --- what was said -----------------------------------------------------------------------

    def mark(self) -> int:
        """Give the place behind all that was told so far."""
        return len(self._said)

    def told(self, kind: type[T], mark: int = 0) -> list[tuple[float, T]]:
        """Give the events of a kind since a mark, with their times."""
        return [(at, event) for at, event in self._said[mark:] if isinstance(event, kind)]

    def signals(self, mark: int = 0) -> list[tuple[float, Signalled]]:
        """Give what the chip has noticed since a mark."""
        return self.told(Signalled, mark)

    def count(self, signal: Signal, mark: int = 0) -> int:
        """Count one thing the chip has noticed since a mark."""
        return sum(told.signal is signal for _, told in self.signals(mark))

    def read_at(self, pattern: bytes, since: float) -> float | None:
        """Tell when a text outside of streams had come, at or after a time; None if never."""
        text = b""
        for at, data in self.raw:
            if at < since:
                continue
            text += data
            if re.search(pattern, text):
                return at
        return None
