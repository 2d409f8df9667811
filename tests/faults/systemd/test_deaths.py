"""F23: under systemd one service is killed; it alone is started anew, the next call answered."""

from __future__ import annotations

import time

import pytest

from appliance.calls.orders import Result
from tests.faults.systemd.machine import CALL_CONTROL, CONSOLE, GATEWAY, UNITS, Machine
from tests.faults.systemd.scenes import BUSY_S, assert_a_call_works, gone_and_back, page, talks
from tests.helpers.baresip import Baresip
from tests.helpers.figures import Figures
from tests.system.calls import place, record_of

pytestmark = pytest.mark.system
LIMIT_S = 5.0
"""From the crash of a service until the box answers again."""


def test_a_call_works(machine: Machine, phone: Baresip) -> None:
    """With every sandbox on: exchange, modem's port, gateway, RTP, a real phone, the records."""
    assert_a_call_works(machine, phone)


@pytest.mark.parametrize("unit", [CALL_CONTROL, GATEWAY])
def test_killed(
    machine: Machine, phone: Baresip, ordinary: float, figures: Figures, unit: str
) -> None:
    """SIGKILL: within 5 s the box is ready to answer again, and a caller who rang at that moment is
    answered; the two other services are the same processes as before.

    When that caller is answered, hangs on the rings as well: it is told, and has no limit.
    """
    before = {each: machine.main_pid(each) for each in UNITS}
    restarts = int(machine.shown(unit, "NRestarts"))
    back = gone_and_back(
        machine,
        phone,
        lambda: machine.signalled(unit, "SIGKILL"),
        lambda: machine.main_pid(unit) not in {0, before[unit]},
    )
    after = {each: machine.main_pid(each) for each in UNITS}
    figures.say(
        f"F23 {unit} killed under systemd: back after {back.ready:.1f} s, a caller of that moment "
        f"answered after {back.answered:.1f} s (restart in good order {ordinary:.1f})"
    )
    assert {each for each in UNITS if after[each] != before[each]} == {unit}
    assert int(machine.shown(unit, "NRestarts")) == restarts + 1
    assert back.ready <= max(LIMIT_S, ordinary + BUSY_S)


def test_the_console_is_killed_in_a_call(
    machine: Machine, phone: Baresip, ordinary: float, figures: Figures
) -> None:
    """SIGKILL of the console while two people talk: they go on, and the pages come back."""
    call = place(machine, 1, caller="0511234567")
    phone.wait_for("CALL_ESTABLISHED", 20.0)
    machine.wait_until(lambda: talks(machine), 10.0, "nobody talked")
    assert page(machine)
    name, old = machine.status()["calls"][0]["call"], machine.main_pid(CONSOLE)
    began = time.monotonic()
    machine.signalled(CONSOLE, "SIGKILL")
    machine.wait_until(
        lambda: machine.main_pid(CONSOLE) not in {0, old} and page(machine),
        120.0, "the pages did not come back",
    )  # fmt: skip
    took = time.monotonic() - began
    assert talks(machine)
    call.hang_up()
    assert record_of(machine, name).result is Result.ANSWERED
    figures.say(f"F23 console killed in a call under systemd: pages back after {took:.1f} s")
    assert took <= max(LIMIT_S, ordinary + BUSY_S)
