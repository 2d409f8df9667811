"""The panel over gpiozero's own mock pins."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from appliance import panel as panel_panel
from appliance.errors import ConfigurationError
from appliance.panel import (
    Panel,
    PanelLine,
    PanelStatus,
    PanelWiring,
    PhoneNetwork,
    Press,
    Readiness,
    pattern_for,
)

PINS = PanelWiring(
    ready=17, network=27, message=22, fault=23, lines=(("line1", 5), ("line2", 6)), button=26
)
WELL = PanelStatus(
    Readiness.READY, PhoneNetwork.UP, (("line1", PanelLine.IN_USE), ("line2", PanelLine.IDLE))
)


@pytest.fixture
def factory() -> MockFactory:
    """Make pins that are not there."""
    return MockFactory()


@pytest.fixture
def now() -> list[float]:
    """Hold the time that the panel reads."""
    return [100.0]


@pytest.fixture
def pressed() -> list[Press]:
    """Collect what the button said."""
    return []


@pytest.fixture
def panel(factory: MockFactory, now: list[float], pressed: list[Press]) -> Iterator[Panel]:
    """Start a panel whose clock stands."""
    panel = Panel(PINS, pressed.append, factory, lambda: now[0]).start()
    yield panel
    panel.stop()


def until(condition: Callable[[], bool]) -> bool:
    """Wait for what a thread does, within a limit."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def lit(factory: MockFactory) -> list[int]:
    """List the pins that are high."""
    return [pin for pin in (17, 27, 22, 23, 5, 6) if factory.pin(pin).state]


def test_a_state_shown_is_lit(panel: Panel, factory: MockFactory) -> None:
    """Ready, network and the line in use; then the fault."""
    panel.show(WELL)
    assert until(lambda: lit(factory) == [17, 27, 5])
    panel.show(PanelStatus(Readiness.NOT_READY, PhoneNetwork.UP, fault=True))
    assert until(lambda: lit(factory) == [27, 23])


def test_a_test_lights_every_led_and_then_the_state_again(
    panel: Panel, factory: MockFactory, now: list[float]
) -> None:
    """Whatever becomes of the state meanwhile, all are lit for as long as the test lasts."""
    panel.show(WELL)
    assert until(lambda: lit(factory) == [17, 27, 5])
    panel.test(10.0)
    assert until(lambda: lit(factory) == [17, 27, 22, 23, 5, 6])
    fault = PanelStatus(Readiness.NOT_READY, PhoneNetwork.UP, fault=True)
    panel.show(fault)
    assert until(panel._statuses.empty)
    assert lit(factory) == [17, 27, 22, 23, 5, 6]
    now[0] += 10.0
    panel.show(fault)  # the clock of this test wakes nobody
    assert until(lambda: lit(factory) == [27, 23])


def test_pins_of_no_hardware_remember_nothing() -> None:
    """A box without GPIO blinks for months: what its pins were is not kept."""
    pin = MockFactory(pin_class=panel_panel.StandInPin).pin(17)
    pin.function = "output"
    for _ in range(10):
        pin.state = True
        assert pin.state
        pin.state = False
    assert not pin.state
    assert len(pin.states) == 1


def test_a_starting_box_blinks_by_itself(factory: MockFactory) -> None:
    """Before anybody says anything the ready LED blinks fast."""
    panel = Panel(PINS, lambda _: None, factory).start()
    assert until(lambda: len(factory.pin(17).states) >= 5)
    panel.stop()


def test_a_steady_panel_wakes_nobody(factory: MockFactory) -> None:
    """With nothing that blinks the thread waits for the next state only."""
    panel = Panel(PINS, lambda _: None, factory)
    patterns = pattern_for(WELL)
    assert panel._light(patterns, 0) is None
    assert panel._light({**patterns, "fault": pattern_for(PanelStatus())["ready"]}, 150) == 50
    panel.stop()


def test_the_button_tells_each_press_once(
    panel: Panel, factory: MockFactory, now: list[float], pressed: list[Press]
) -> None:
    """A press, with bounces, toggles once; held for 3 s it is another thing."""
    pin = factory.pin(26)
    for seconds in (0.0, 0.2, 1.0, 3.1):
        now[0] += seconds
        for _ in range(3):
            (pin.drive_high if seconds in {0.2, 3.1} else pin.drive_low)()
            (pin.drive_low if seconds in {0.2, 3.1} else pin.drive_high)()
        (pin.drive_high if seconds in {0.2, 3.1} else pin.drive_low)()
    assert pressed == [Press.SHORT, Press.LONG]


def test_stopped_it_is_dark_and_lets_the_pins_go(factory: MockFactory) -> None:
    """All LEDs go out; the same pins can be taken again."""
    for _ in range(2):
        panel = Panel(PINS, lambda _: None, factory).start()
        panel.show(WELL)
        assert until(lambda: lit(factory) == [17, 27, 5])
        panel.stop()
        assert lit(factory) == []


def test_what_is_not_fitted_is_not_needed(factory: MockFactory) -> None:
    """A panel may have any LEDs, or none; LEDs may be wired the other way round."""
    panel = Panel(PanelWiring(fault=4, active_high=False), lambda _: None, factory).start()
    panel.show(WELL)
    assert until(lambda: bool(factory.pin(4).state))
    panel.stop()
    Panel(PanelWiring(), lambda _: None, factory).start().stop()


@pytest.mark.parametrize(
    "pins",
    [
        PanelWiring(ready=17, fault=17),
        PanelWiring(ready=99),
        PanelWiring(lines=(("a", 5),), button=5),
    ],
)
def test_a_pin_that_cannot_be_used_is_said_and_the_others_are_let_go(
    factory: MockFactory, pins: PanelWiring
) -> None:
    """A pin given twice or that does not exist is the technician's to put right."""
    with pytest.raises(ConfigurationError, match=r"\[panel\]"):
        Panel(pins, lambda _: None, factory)
    Panel(PINS, lambda _: None, factory).stop()


def test_without_gpio_hardware_one_line_is_logged_and_all_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine without GPIO the panel is kept in memory."""

    def none_here() -> None:
        raise gpiozero.BadPinFactory("none")

    monkeypatch.setattr(gpiozero.Device, "ensure_pin_factory", none_here)
    with caplog.at_level(logging.INFO):
        Panel(PINS, lambda _: None).start().stop()
    assert [r.message for r in caplog.records] == [
        "no GPIO hardware here: LEDs and button are kept in memory only"
    ]


def test_with_gpio_hardware_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What gpiozero finds is taken."""
    found: Any = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "ensure_pin_factory", lambda: None)
    monkeypatch.setattr(gpiozero.Device, "pin_factory", found)
    assert panel_panel.pin_factory() is found
