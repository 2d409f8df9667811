"""The panel's wires: the only file that knows gpiozero.

Without GPIO hardware gpiozero's mock factory takes its place, so that everything else runs alike.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gpiozero
from gpiozero.pins.mock import MockFactory, MockPin

from appliance.panel.pattern import Led, LedName, PanelStatus, Pattern, pattern_for, step
from appliance.panel.press import Button, Press
from appliance.policy.text import Refused
from appliance.workers import BEAT_S, JOIN_LIMIT, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

TEST_S = 10.0
"""Long enough to walk from the browser to the box."""


@dataclass(frozen=True, slots=True)
class PanelPins:
    """GPIO numbers (BCM) of what is fitted; None for what is not. `lines` are (name, pin).

    The button closes to ground (the pull-up is the Pi's own); LEDs are lit by a high level, unless
    `active_high` is false.
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
    """A pin of no hardware; gpiozero's own keeps every change for ever, this one its state only."""

    def _change_state(self, value: float) -> bool:
        has_changed = bool(super()._change_state(value))
        if has_changed:
            self.clear_states()
        return has_changed


class Panel:
    """LEDs stepping their patterns in a thread of their own, and the button.

    `on_button` is called from gpiozero's thread. Raises ConfigurationError for a pin that cannot be
    used.
    """

    def __init__(
        self,
        pins: PanelPins,
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
        self._patterns, self._tested_ms = pattern_for(PanelStatus()), 0
        self._worker = Worker("panel", self._turn)
        try:
            self._open(pins, factory or pin_factory())
        except gpiozero.GPIOZeroError as error:
            self._devices.close()
            raise Refused(
                f"un piedino di [panel] non si può usare: {error}",
                f"a pin of [panel] cannot be used: {error}",
            ) from error

    def start(self) -> Panel:
        """Start stepping, from the state of a box that is starting."""
        self._worker.start()
        return self

    @property
    def beat_at(self) -> float:
        """When the loop last turned (monotonic s): a GPIO that blocks keeps it from turning."""
        return self._worker.beat_at

    def show(self, status: PanelStatus) -> None:
        """Show a state from now on; never waits."""
        self._statuses.put(status)

    def test(self, seconds: float = TEST_S) -> None:
        """Light every LED for so long, to see which work; then the state again; never waits."""
        self._statuses.put(round((self._clock() + seconds) * 1000))

    def stop(self, limit: float = JOIN_LIMIT) -> None:
        """Put all LEDs out and let the pins go."""
        self._worker.stopping.set()
        self._statuses.put(None)
        try:
            self._worker.stop(limit)
        finally:
            for led in self._leds.values():
                led.off()
            self._devices.close()

    def _open(self, pins: PanelPins, factory: Any) -> None:
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
        is_test = now_ms < self._tested_ms
        wait_ms = self._tested_ms - now_ms if is_test else self._light(self._patterns, now_ms)
        if is_test:
            self._light_all()
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
        """Set every LED to what its pattern says; return in how many ms one of them changes.

        All patterns share one clock, so that LEDs that blink alike blink together.
        """
        changes: list[int] = []
        for name, led in self._leds.items():
            # a LED whose line is not in the status (yet) stays dark
            lit, change_ms = step(patterns[name], now_ms) if name in patterns else (False, None)
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
    """Find the GPIO hardware, or say once that there is none and stand in for it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # gpiozero warns for each library it tries
            gpiozero.Device.ensure_pin_factory()
    except gpiozero.BadPinFactory:
        log.info("no GPIO hardware here: LEDs and button are kept in memory only")
        return MockFactory(pin_class=StandInPin)
    return gpiozero.Device.pin_factory
