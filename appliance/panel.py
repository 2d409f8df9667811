"""Front panel: LED patterns and the button, on GPIO lines (the ONLY gpiozero import)."""

from __future__ import annotations

import contextlib
import enum
import logging
import queue
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import gpiozero
from gpiozero.pins.mock import MockFactory, MockPin

from appliance.policy.text import Refused
from appliance.policy.updates import UpdateLight
from appliance.text import Words, _
from appliance.workers import BEAT_S, JOIN_LIMIT, Worker

if TYPE_CHECKING:
    from collections.abc import Callable


# ---- patterns ----------------------------------------------------------------------------------
# One pure table from the box's state to LED patterns, each with its meaning. The documentation's
# tables for technician and office are made from `MEANINGS`.

# (lit, ms), repeated for ever; a single entry is steady.
Pattern = tuple[tuple[bool, int], ...]

OFF: Final[Pattern] = ((False, 1000),)
ON: Final[Pattern] = ((True, 1000),)
SLOW: Final[Pattern] = ((True, 1000), (False, 1000))
FAST: Final[Pattern] = ((True, 200), (False, 200))
ONE_FLASH: Final[Pattern] = ((True, 100), (False, 1900))
TWO_FLASHES: Final[Pattern] = ((True, 100), (False, 200), (True, 100), (False, 1600))
THREE_FLASHES: Final[Pattern] = (
    (True, 100), (False, 200), (True, 100), (False, 200), (True, 100), (False, 1300),
)  # fmt: skip
WINK: Final[Pattern] = ((True, 1800), (False, 200))
TWO_WINKS: Final[Pattern] = ((True, 1400), (False, 200), (True, 200), (False, 200))
THREE_WINKS: Final[Pattern] = (
    (True, 1000), (False, 200), (True, 200), (False, 200), (True, 200), (False, 200),
)  # fmt: skip


class Readiness(enum.StrEnum):
    """Whether the box can answer."""

    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not_ready"


class PhoneNetwork(enum.StrEnum):
    """Whether the phones can be reached."""

    UP = "up"
    DOWN = "down"
    NO_PHONES = "no_phones"


class PanelLine(enum.StrEnum):
    """The state of an analog line (B1)."""

    MISSING = "missing"
    IDLE = "idle"
    RINGING = "ringing"
    IN_USE = "in_use"
    IN_USE_OUTSIDE = "in_use_outside"
    CLEARING = "clearing"
    NO_LINE = "no_line"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class PanelStatus:
    """State that the panel shows; `lines` are (name, state) in the order of their LEDs."""

    readiness: Readiness = Readiness.STARTING
    network: PhoneNetwork = PhoneNetwork.DOWN
    lines: tuple[tuple[str, PanelLine], ...] = ()
    messages_waiting: int = 0
    fault: bool = False
    unattended: bool = False
    messages_late: bool = False
    closed: bool = False
    opened: bool = False
    update: UpdateLight = field(default=UpdateLight.NONE, kw_only=True)


class Led(enum.StrEnum):
    """The LEDs that every panel has; a line's LED is named "line:NAME"."""

    READY = "ready"
    NETWORK = "network"
    MESSAGE = "message"
    FAULT = "fault"


LedName = str
"""One of `Led`, or "line:NAME"."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Meaning of one pattern of one LED, in the words of the office."""

    led: str
    state: str
    pattern: Pattern
    words: Words


# No LED has one pattern for two states. In service ready and network are lit, and whatever blinks
# or is red wants somebody.
MEANINGS: Final[tuple[Meaning, ...]] = (
    Meaning("ready", "ready", ON, _("In service.")),
    Meaning(
        "ready", "unattended", WINK,
        _("In service, switchboard unattended: calls go to the citizens' counter."),
    ),
    Meaning(
        "ready", "closed", TWO_WINKS,
        _("In service, closed or all absent by hand: voicemail answers."),
    ),
    Meaning(
        "ready", "opened", THREE_WINKS,
        _("In service, opened by hand: phones ring outside the written hours."),
    ),
    Meaning(
        "ready", "updating", SLOW,
        _("In service; a USB stick is read or an update installed: leave stick and power on."),
    ),
    Meaning(
        "ready", "on_trial", TWO_FLASHES,
        _("In service with a new version on trial: it stays if all is well for two minutes."),
    ),
    Meaning("ready", "starting", FAST, _("Starting: please wait.")),
    Meaning(
        "ready", "not_ready", OFF,
        _("Not in service: if it stays dark for five minutes look at the fault LED."),
    ),
    Meaning(
        "network", "up", ON,
        _("Network and phones within reach."),
    ),
    Meaning(
        "network", "no_phones", TWO_FLASHES,
        _("Network present but no phone is registered: check the phones."),
    ),
    Meaning(
        "network", "down", ONE_FLASH,
        _("No network: check the cable; calls go to voicemail."),
    ),
    Meaning("line", "idle", OFF, _("Line idle and in order.")),
    Meaning("line", "ringing", FAST, _("The line is ringing.")),
    Meaning("line", "in_use", ON, _("Line in use by a call.")),
    Meaning(
        "line", "in_use_outside", SLOW,
        _("Line in use by an ordinary telephone beside the box."),
    ),
    Meaning("line", "clearing", WINK, _("The line is being released.")),
    Meaning(
        "line", "missing", ONE_FLASH,
        _("Modem missing: plug it into its USB port."),
    ),
    Meaning(
        "line", "no_line", THREE_FLASHES,
        _("The modem works, but there is no line: check the telephone cable."),
    ),
    Meaning(
        "line", "out", TWO_FLASHES,
        _("Line out of order: the modem does not work; the reason is in `centralino status`."),
    ),
    Meaning(
        "message", "none", OFF,
        _("No message to be dealt with."),
    ),
    Meaning(
        "message", "waiting", SLOW,
        _("Messages waiting to be dealt with."),
    ),
    Meaning(
        "message", "late", FAST,
        _("Messages not heard, or not closed, in time: see to them now."),
    ),
    Meaning("fault", "none", OFF, _("No fault.")),
    Meaning(
        "fault", "fault", ON,
        _("Fault: the reason is on the console and in `centralino status`."),
    ),
)  # fmt: skip

_MEANINGS: Final = {(m.led, m.state): m for m in MEANINGS}


def pattern_for(status: PanelStatus) -> dict[LedName, Pattern]:
    """Return each LED's pattern, lines included, in the panel's order."""
    return {led: meaning.pattern for led, meaning in meanings_of(status).items()}


def meanings_of(status: PanelStatus) -> dict[LedName, Meaning]:
    """Return each LED's meaning, lines included, in the panel's order."""
    states = {
        Led.READY: _ready(status),
        Led.NETWORK: status.network.value,
        **{f"line:{name}": state.value for name, state in status.lines},
        Led.MESSAGE: _message(status),
        Led.FAULT: "fault" if status.fault else "none",
    }
    return {str(led): _MEANINGS[led.split(":")[0], state] for led, state in states.items()}


def pattern_step(pattern: Pattern, t_ms: int) -> tuple[bool, int | None]:
    """Return whether a LED is lit `t_ms` after its pattern began, and in how many ms that changes.

    None for a steady pattern.
    """
    if len(pattern) == 1:
        return pattern[0][0], None
    left = t_ms % sum(ms for _, ms in pattern)
    for lit, ms in pattern:
        if left < ms:
            return lit, ms - left
        left -= ms
    raise AssertionError("the rest of a division is less than the divisor")


def _message(status: PanelStatus) -> str:
    if status.messages_waiting > 0:
        return "late" if status.messages_late else "waiting"
    return "none"


def _ready(status: PanelStatus) -> str:
    # A box that is not in service shows none of the states by hand.
    if status.readiness is not Readiness.READY:
        return status.readiness.value
    # It lasts minutes and must not be cut off; what is set by hand is shown again afterwards.
    if status.update is not UpdateLight.NONE:
        return status.update.value
    # Closed comes first, as then no phone is rung at all.
    states = (("closed", status.closed), ("unattended", status.unattended))
    manual = next((name for name, is_on in (*states, ("opened", status.opened)) if is_on), "")
    return manual or status.readiness.value


# ---- button ------------------------------------------------------------------------------------
# Edges of the contact into presses.

BOUNCE_S: Final = 0.05
HOLD_S: Final = 3.0


class Press(enum.StrEnum):
    """A press, reported when the button is released; a long one is held for HOLD_S."""

    # Toggles "Non presidiato" (P8).
    SHORT = "short"
    # Does nothing yet.
    LONG = "long"


@dataclass(slots=True)
class Button:
    """Debouncer of the button's contact; `now` is monotonic s.

    Edges within `BOUNCE_S` of the last accepted one are ignored.
    """

    _down_at: float | None = None
    _edge_at: float = float("-inf")

    def pressed(self, now: float) -> None:
        """Take a closing of the contact."""
        # If it is closed already, its opening was taken for a bounce: the press begins anew.
        if self._settled(now):
            self._down_at = now

    def released(self, now: float) -> Press | None:
        """Take an opening of the contact; returns the press that it ends, if any."""
        if self._down_at is None or not self._settled(now):
            return None
        held, self._down_at = now - self._down_at, None
        return Press.LONG if held >= HOLD_S else Press.SHORT

    def _settled(self, now: float) -> bool:
        settled = now - self._edge_at >= BOUNCE_S
        if settled:
            self._edge_at = now
        return settled


# ---- GPIO --------------------------------------------------------------------------------------
# The only part that uses gpiozero; on a machine without GPIO pins in memory take its place.

log = logging.getLogger(__name__)

# Long enough to walk from the browser to the box.
TEST_S = 10.0
"""Length (s) of a test of the LEDs."""


@dataclass(frozen=True, slots=True)
class PanelWiring:
    """GPIO numbers (BCM) of LEDs and button; None for those not fitted. `lines` are (name, pin).

    The button closes to ground (the pull-up is the Pi's own); a high level lights a LED, a low one
    if `active_high` is false.
    """

    ready: int | None = None
    network: int | None = None
    message: int | None = None
    fault: int | None = None
    lines: tuple[tuple[str, int], ...] = ()
    button: int | None = None
    active_high: bool = True

    def leds(self) -> dict[LedName, int]:
        """Return the pin of each LED that is fitted."""
        single = {Led.READY: self.ready, Led.NETWORK: self.network, Led.MESSAGE: self.message}
        single[Led.FAULT] = self.fault
        found = {str(led): pin for led, pin in single.items() if pin is not None}
        return found | {f"line:{name}": pin for name, pin in self.lines}


class StandInPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """Pin without hardware that keeps its state only."""

    # gpiozero's own appends each change to a list for ever: 7 a call, 1 KB, and two a second for a
    # LED that blinks.
    def _change_state(self, value: float) -> bool:
        has_changed = bool(super()._change_state(value))
        if has_changed:
            self.clear_states()
        return has_changed


class Panel:
    """LEDs, stepped through their patterns in a thread of their own, and the button.

    `on_button` is called from gpiozero's thread. Raises ConfigurationError for an unusable pin.
    """

    def __init__(
        self,
        pins: PanelWiring,
        on_button: Callable[[Press], None],
        factory: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._on_button = on_button
        self._press = Button()
        self._statuses: queue.SimpleQueue[PanelStatus | int | None] = queue.SimpleQueue()
        self._devices = contextlib.ExitStack()
        self._leds: dict[LedName, Any] = {}
        # Before the first status the ready LED blinks fast: the box is starting.
        self._patterns, self._tested_ms = pattern_for(PanelStatus()), 0
        self._worker = Worker("panel", self._turn)
        try:
            self._open(pins, factory or pin_factory())
        except gpiozero.GPIOZeroError as error:
            self._devices.close()
            raise Refused(
                _("a pin of [panel] cannot be used: {error}", error=error),
            ) from error

    def start(self) -> Panel:
        """Start the thread, with the patterns of a box that is starting."""
        self._worker.start()
        return self

    @property
    def beat_at(self) -> float:
        """Time of the loop's last turn (monotonic s): a GPIO that blocks stops the loop."""
        return self._worker.beat_at

    def show(self, status: PanelStatus) -> None:
        """Show a state from now on; never waits."""
        self._statuses.put(status)

    def test(self, seconds: float = TEST_S) -> None:
        """Light every LED for a test of some seconds, then show the state again; never waits."""
        self._statuses.put(round((self._clock() + seconds) * 1000))

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """Switch all LEDs off and release the pins."""
        self._worker.stopping.set()
        self._statuses.put(None)
        # In any case the LEDs go out, and the same pins can be opened again.
        try:
            self._worker.stop(limit)
        finally:
            for led in self._leds.values():
                led.off()
            self._devices.close()

    def _open(self, pins: PanelWiring, factory: Any) -> None:
        for name, pin in pins.leds().items():
            led = gpiozero.LED(pin, active_high=pins.active_high, pin_factory=factory)
            self._leds[name] = self._devices.enter_context(led)
        if pins.button is not None:
            button = gpiozero.Button(pins.button, pull_up=True, pin_factory=factory)
            self._devices.enter_context(button)
            button.when_pressed = self._pressed
            button.when_released = self._released

    def _turn(self) -> None:
        now_ms = round(self._clock() * 1000)
        # During a test all LEDs stay lit, whatever the status becomes meanwhile.
        is_test = now_ms < self._tested_ms
        wait_ms = self._tested_ms - now_ms if is_test else self._light(self._patterns, now_ms)
        if is_test:
            self._light_all()
        # No LED changes before `wait_ms`: waiting until then misses nothing.
        with contextlib.suppress(queue.Empty):
            wait_s = BEAT_S if wait_ms is None else min(wait_ms / 1000, BEAT_S)
            told = self._statuses.get(timeout=wait_s)
            if isinstance(told, PanelStatus):
                self._patterns = pattern_for(told)
            elif isinstance(told, int):
                self._tested_ms = told

    def _light_all(self) -> None:
        for led in self._leds.values():
            led.on()

    def _light(self, patterns: dict[LedName, Pattern], now_ms: int) -> int | None:
        """Step every LED through its pattern; return in how many ms the next change is due."""
        # All patterns share one clock, so that LEDs with the same pattern blink together.
        changes: list[int] = []
        for name, led in self._leds.items():
            # A LED whose line is not in the status (yet) stays dark.
            lit, change_ms = (
                pattern_step(patterns[name], now_ms) if name in patterns else (False, None)
            )
            led.value = lit
            if change_ms is not None:
                changes.append(change_ms)
        return min(changes, default=None)

    def _pressed(self) -> None:
        self._press.pressed(self._clock())

    def _released(self) -> None:
        press = self._press.released(self._clock())
        if press:
            self._on_button(press)


def pin_factory() -> Any:
    """Return the GPIO hardware's pin factory, or, logged once, one of pins without hardware."""
    try:
        with warnings.catch_warnings():
            # gpiozero warns of each library that it tries.
            warnings.simplefilter("ignore")
            gpiozero.Device.ensure_pin_factory()
    except gpiozero.BadPinFactory:
        # On a machine without GPIO everything else runs alike.
        log.info("no GPIO hardware here: LEDs and button are kept in memory only")
        return MockFactory(pin_class=StandInPin)
    return gpiozero.Device.pin_factory
