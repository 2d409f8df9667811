"""One analog line in the carrier: what its parts share, and how it follows its modem's driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from appliance.calls import events
from appliance.calls.events import LineCondition
from appliance.carrier.ears import Ears
from appliance.carrier.line_setup import line_settings
from appliance.carrier.linecall import LineCall
from appliance.carrier.link import Link
from appliance.carrier.loopback import LineEcho
from appliance.carrier.messages import (
    LineSetup,
    LineSnapshot,
    Marked,
    Measured,
    Notice,
    Recovering,
    StillRinging,
)
from appliance.carrier.rhythm import Rhythm
from appliance.errors import TechnicianError
from appliance.lines import facts
from appliance.lines.facts import Recovery, Stream
from appliance.lines.lead import Lead
from appliance.lines.line import LineDriver
from appliance.lines.sentences import Sentence
from appliance.lines.table import Stage

Tell = Callable[[events.Event | Measured | Marked | Recovering | Notice], None]


class LineBase:
    """A line with its driver, lead, rhythm, echo canceller, and the call of the moment."""

    handlers: ClassVar[Mapping[type, Callable[[Any, Any, float], None]]] = {}
    """What each fact of the driver leads to."""

    def __init__(
        self,
        setup: LineSetup,
        tell: Tell,
        link: Callable[[], Link | None],
        lead_ms: int,
        canceller: Callable[[], LineEcho] = LineEcho,
    ) -> None:
        self.setup = setup
        self.name = setup.name
        self.driver = LineDriver(setup.name, line_settings(setup))
        self.lead = Lead(lead_ms)
        self.call: LineCall | None = None
        self.modem = ""
        self.in_service = False
        self.needs: Recovery | None = None
        self.overruns = 0
        self.rhythm = Rhythm()
        self.stirred = True
        self._lead_ms = self._least_lead = lead_ms
        self._heard_at = 0.0
        self._heard_samples = 0
        self._warm: Ears | None = None
        self._lost: events.LineLost | None = None
        self._half: Sentence | None = None
        self._step: Recovery | None = None
        self._condition = LineCondition.UNKNOWN
        self._rang_at = 0.0
        self._tell = tell
        self._link = link
        self._echo = self._without_echo(canceller) if setup.echo else None

    def start(self, now: float) -> None:
        """Bring the modem up over a port that was just opened."""
        self._learn(self.driver.start(now), now)

    def found_ringing(self, still: StillRinging, now: float) -> None:
        """Know, before the start, of a caller who rang as the carrier before this one was lost."""
        self._rang_at = now - still.ago_ms / 1000
        known = facts.Identified(still.caller or events.Caller(), dated=still.dated)
        self.driver.found_ringing(still.modem, known, self._rang_at)

    def timer(self, now: float) -> None:
        """Do what is due."""
        self._learn(self.driver.handle_timer(now), now)

    def lost(self, reason: Sentence, now: float, least: Recovery = Recovery.REOPEN) -> None:
        """The port is gone: whatever went on over it is over; less than `least` is of no use."""
        self._learn(self.driver.lost(reason, now, least), now)

    @property
    def needs_ticks(self) -> bool:
        """True while somebody is on the line: lateness is watched and transmit streams fed."""
        return self.call is not None

    @property
    def is_clocked(self) -> bool:
        """True while a stream runs to the line only, whose clock are the ticks."""
        return self.driver.streaming is Stream.TRANSMIT

    @property
    def expects_sound(self) -> bool:
        """True while a stream runs in which the modem sends without a pause."""
        return self._runs and self.driver.streaming is not Stream.TRANSMIT

    @property
    def can_be_joined(self) -> bool:
        """True for a duplex line on which a call is going on."""
        return self.call is not None and self.driver.duplex

    def take_least_lead(self) -> int:
        """Return the least lead (ms) since the last time this was asked."""
        least, self._least_lead = self._least_lead, self._lead_ms
        return least

    def retell(self) -> None:
        """Say again what a desk that was restarted must know of a line it found as it was.

        Whoever rings meanwhile need not wait until the next ring and an identity that never comes.
        """
        if self.in_service:
            self._restored()
            if self._condition is not LineCondition.UNKNOWN:
                self._tell(events.LineProbed(self.name, self._condition))
            if self.call is None:
                self._learn(self.driver.ringing, self._rang_at)
        elif self._lost is not None:
            self._tell(self._lost)

    def snapshot(self) -> LineSnapshot:
        """Say what is known of the line."""
        state = "in_service" if self.in_service else "out"
        return LineSnapshot(self.name, state, self.modem, self.driver.duplex)

    def _learn(self, told: tuple[facts.LineEvent, ...], now: float) -> None:
        """Take what the driver told; whatever it was asked, it may have bytes to write now."""
        self.stirred = True
        for fact in told:
            handler = self.handlers.get(type(fact))
            if handler is not None:  # Prepared has no consequence here
                handler(self, fact, now)
        if self.rhythm.fetch_at is not None and not self.expects_sound:
            self.rhythm.stop()

    def _restored(self) -> None:
        """Say that the line is in service, and again why it carries no conversation."""
        self._tell(events.LineRestored(self.name, self.modem, self.driver.duplex))
        if self._half is not None and not self.driver.duplex:
            self._tell(events.LineHalfDuplex(self.name, self._half.en, self._half.it))

    def _tell_step(self, step: Recovery, seen: Sentence) -> None:
        """Tell each step of the ladder once; what is tried for ever is tried quietly."""
        if step is not self._step:
            self._step = step
            self._tell(Recovering(self.name, step.value, seen.it, seen.en))

    def _without_echo(self, canceller: Callable[[], LineEcho]) -> LineEcho | None:
        """Make the line's canceller; without its library the line works, and says so once."""
        try:
            return canceller()
        except TechnicianError as error:
            text = f"line {self.name} works without an echo canceller: {error}"
            self._tell(Notice(text, "warning"))
            return None

    @property
    def _runs(self) -> bool:
        """True while a stream runs and its end has not been ordered."""
        return self.driver.stage is Stage.STREAMING
