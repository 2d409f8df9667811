"""B3: LEDs and button of a running box, on pins of gpiozero's own stand-in for the hardware."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from appliance.panel import FAST, OFF, ON, SLOW, WINK, Pattern
from appliance.policy.routing import Destination
from appliance.simulator.phone.process import TestPhone
from tests.helpers.announcements import brief
from tests.helpers.box import Box, wait
from tests.system.calls import IDLE_S, end, in_call, in_state, into_voicemail, place, record_of

pytestmark = pytest.mark.system

READY, NETWORK, MESSAGES, FAULT, LINE1, BUTTON = 17, 27, 22, 23, 5, 26
"""The pins of README.md (BCM)."""
WIRED = """
import json, os, sys, threading, time
if "run" in sys.orig_argv:
    from appliance import panel
    real, folder = panel.pin_factory, {folder!r}
    def pin_factory():
        factory = real()
        threading.Thread(target=attend, args=(factory,), daemon=True).start()
        return factory
    def attend(factory):
        told, pressed = {{}}, False
        while True:
            for number in {pins!r}:
                state = bool(factory.pin(number).state)
                if told.get(number) != state:
                    told[number] = state
                    with open(os.path.join(folder, "seen"), "a") as file:
                        file.write(json.dumps([number, state, time.monotonic()]) + "\\n")
            if (now := os.path.exists(os.path.join(folder, "finger"))) != pressed:
                pressed, pin = now, factory.pin({button})
                pin.drive_low() if now else pin.drive_high()
            time.sleep(0.005)
    panel.pin_factory = pin_factory
"""
"""A sitecustomize: each change of an LED is written down with its time, a file is the finger."""
SLACK_S = 0.12
"""What a shared machine may change of the time that an LED is lit or dark; the shortest is 0.2 s,
all others are far longer.
"""
LONGEST_S = 2.0
"""No pattern leaves an LED as it is for so long, but a steady one."""
LIMIT_S = 30.0


@dataclass
class PanelBox(Box):
    """A box with one line, whose LEDs can be seen and whose button can be pressed."""

    lines: int = 1

    def seen(self, pin: int) -> list[tuple[bool, float]]:
        """Return each change of an LED: whether it is lit from then on, and since when."""
        lines = (self.folder / "seen").read_text().splitlines(keepends=True)
        told = [json.loads(line) for line in lines if line.endswith("\n")]
        return [(lit, at) for number, lit, at in told if number == pin]

    def shows(self, pin: int, pattern: Pattern) -> bool:
        """Tell whether an LED shows a pattern: it is steady, or its last changes are the blinks."""
        seen = self.seen(pin)
        if len(pattern) == 1:
            lit, since = seen[-1]
            return lit is pattern[0][0] and time.monotonic() - since > LONGEST_S
        lasted = [
            (lit, until - since)
            for (lit, since), (_, until) in zip(seen[-3:], seen[-2:], strict=False)
        ]
        told = {lit: ms / 1000 for lit, ms in pattern}
        return len(lasted) == 2 and all(abs(told[lit] - s) < SLACK_S for lit, s in lasted)

    def wait_for(self, pin: int, pattern: Pattern) -> None:
        """Wait until an LED shows a pattern."""
        self.wait_until(lambda: self.shows(pin, pattern), LIMIT_S, f"{pin} does not show {pattern}")

    def press(self) -> None:
        """Press the button and let it go."""
        finger = self.folder / "finger"
        finger.touch()
        wait(0.3)
        finger.unlink()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelBox]:
    """A box whose pins are watched from their first change on."""
    folder = tmp_path_factory.mktemp("panel")
    site = folder / "site"
    site.mkdir()
    pins = (READY, NETWORK, MESSAGES, FAULT, LINE1)
    text = WIRED.format(folder=str(folder), pins=pins, button=BUTTON)
    (site / "sitecustomize.py").write_text(text)
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    own = brief(folder / "prompts")
    with PanelBox(folder, extra=own, environment={"PYTHONPATH": path}) as made:
        yield made


@pytest.fixture(scope="module")
def op1(box: PanelBox) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


@pytest.fixture(scope="module")
def desk1(box: PanelBox) -> TestPhone:
    """The counter's phone."""
    return box.phone("desk1")


@pytest.mark.promise("B3")
def test_leds_follow_a_call_and_a_message(box: PanelBox, op1: TestPhone) -> None:
    """Ready and network are lit; the line's LED blinks while it rings, is lit in the conversation
    and dark after it; a message in voicemail has the message LED blink; no fault is shown.
    """
    for pin in (READY, NETWORK):
        box.wait_for(pin, ON)
    op1.answer_mode("manual")
    call = place(box, 1, caller="0511234567", hang_up_after_ms=120_000)
    op1.wait_event("ringing", 20.0)
    box.wait_for(LINE1, FAST)
    op1.answer()
    in_state(box, "talking")
    box.wait_for(LINE1, ON)
    end(box, call)
    box.wait_for(LINE1, OFF)
    assert box.shows(MESSAGES, OFF)

    box.ask("SetClosed", on=True, by="test", until=None)
    name, caller = into_voicemail(box, 3.0)
    in_state(box, "recording")
    caller.press("#")  # once all is said
    record_of(box, name)
    box.ask("SetClosed", on=False, by="test", until=None)
    box.wait_for(MESSAGES, SLOW)
    assert box.shows(FAULT, OFF)


def test_the_button_sends_calls_to_the_counter(
    box: PanelBox, op1: TestPhone, desk1: TestPhone
) -> None:
    """P8: pressed, the switchboard is unattended, which the ready LED says, and the next caller is
    the counter's; pressed again, it is attended.
    """
    op1.answer_mode("auto", 100)
    box.wait_until(box.is_idle, IDLE_S, "the line did not become idle")
    box.press()
    box.wait_for(READY, WINK)
    assert box.status()["service"]["unattended"]["by"] == "button"
    call, _ = in_call(box, 1, desk1)
    record = end(box, call)
    assert (record.way, record.phone) == (Destination.CITIZENS_DESK, "desk1")
    box.press()
    box.wait_for(READY, ON)
    assert box.status()["service"]["unattended"] is None
