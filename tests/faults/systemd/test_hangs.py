"""F23: under systemd a service hangs; its own watchdog starts it anew, and no other one's."""

from __future__ import annotations

import time

import pytest

from tests.faults.systemd.machine import CALL_CONTROL, CONSOLE, GATEWAY, UNITS, Machine
from tests.faults.systemd.scenes import BUSY_S, assert_a_call_works, is_served, page
from tests.helpers.baresip import Baresip
from tests.helpers.figures import Figures

pytestmark = pytest.mark.system
SLACK_S = 5.0
"""Beyond its watchdog's time a service may take so long to answer again."""


def watchdog_s(machine: Machine, unit: str) -> float:
    """Return what a unit's watchdog grants (s)."""
    text = machine.shown(unit, "WatchdogUSec")
    assert text.endswith("s"), text
    return float(text.removesuffix("s"))


def hang(machine: Machine, *units: str) -> float:
    """Stop units' main processes; returns the seconds until the first of them is started anew and
    calls are taken.
    """
    old = {unit: machine.main_pid(unit) for unit in units}
    began = time.monotonic()
    for unit in units:
        machine.signalled(unit, "SIGSTOP")

    def is_back() -> bool:
        """Look at systemd's word first: who does not answer keeps whoever asks waiting."""
        started = machine.main_pid(units[0]) not in {0, old[units[0]]}
        return started and is_served(machine)

    machine.wait_until(is_back, 90.0, "the box did not come back")
    return time.monotonic() - began


def test_the_media_gateway_hangs(
    machine: Machine, phone: Baresip, ordinary: float, figures: Figures
) -> None:
    """SIGSTOP of the media gateway: within its watchdog and 5 s another one takes calls; call
    control and console are the same processes.
    """
    others = [machine.main_pid(unit) for unit in (CALL_CONTROL, CONSOLE)]
    limit = watchdog_s(machine, GATEWAY)
    took = hang(machine, GATEWAY)
    figures.say(f"F23 {GATEWAY} stopped under systemd: back after {took:.1f} s (watchdog {limit})")
    assert limit == 5.0
    assert "Watchdog timeout (limit 5s)!" in machine.journal("-u", GATEWAY)
    assert [machine.main_pid(unit) for unit in (CALL_CONTROL, CONSOLE)] == others
    assert took <= limit + max(SLACK_S, ordinary + BUSY_S)
    assert_a_call_works(machine, phone)


def test_desk_and_console_hang(
    machine: Machine, phone: Baresip, ordinary: float, figures: Figures
) -> None:
    """SIGSTOP of both at once: each one's own watchdog starts it anew; the gateway goes on."""
    gateway = machine.main_pid(GATEWAY)
    assert watchdog_s(machine, CALL_CONTROL) == 10.0
    limit, pages = watchdog_s(machine, CALL_CONTROL), watchdog_s(machine, CONSOLE)
    before = machine.main_pid(CONSOLE)
    took = hang(machine, CALL_CONTROL, CONSOLE)
    figures.say(
        f"F23 {CALL_CONTROL} and {CONSOLE} stopped under systemd: "
        f"calls taken again after {took:.1f} s (watchdog {limit:g})"
    )
    assert machine.main_pid(GATEWAY) == gateway
    machine.wait_until(
        lambda: machine.main_pid(CONSOLE) not in {0, before}, pages + SLACK_S, "no console"
    )
    machine.wait_until(lambda: page(machine), 120.0, "the pages did not come back")
    assert took <= limit + max(SLACK_S, ordinary + BUSY_S)
    assert_a_call_works(machine, phone)


def test_every_service_is_watched(machine: Machine) -> None:
    """What hangs is seen hanging: each unit has a watchdog, and tells systemd that it is ready."""
    for unit in UNITS:
        assert machine.shown(unit, "Type") == "notify"
        assert 0 < watchdog_s(machine, unit) <= 30
