"""What the tests under systemd do again and again: a call, a service that goes and comes back."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from appliance.calls.orders import Result
from tests.faults.systemd.machine import CALL_CONTROL, Machine
from tests.helpers.baresip import Baresip
from tests.system.calls import place, record_of

COME_S = 180.0
"""Far more than anything may take; how long it took is looked at apart."""
BUSY_S = 10.0
"""On a machine that is busy otherwise: beyond what a start in good order takes at that moment."""


@dataclass(frozen=True, slots=True)
class Back:
    """How long the box was away (s), and until a caller of that moment was answered."""

    ready: float
    answered: float


def assert_a_call_works(machine: Machine, phone: Baresip) -> None:
    """A caller talks to the operator; both are let go."""
    call = place(machine, 1, caller="0511234567")
    call.wait_for("answered", 20.0)
    phone.wait_for("CALL_ESTABLISHED", 10.0)
    machine.wait_until(lambda: talks(machine), 10.0, "nobody talked")
    name = machine.status()["calls"][0]["call"]
    call.hang_up()
    phone.wait_for("CALL_CLOSED", 20.0)
    assert record_of(machine, name).result is Result.ANSWERED


def talks(machine: Machine) -> bool:
    """Tell whether somebody talks to somebody."""
    return [call["state"] for call in machine.status()["calls"]] == ["talking"]


def gone_and_back(
    machine: Machine, phone: Baresip, fault: Callable[[], None], gone: Callable[[], bool]
) -> Back:
    """Let something go wrong, and a caller ring at that moment; see both to their end."""
    began = time.monotonic()
    fault()
    caller = machine.place(1, caller="0511234567")
    machine.wait_until(gone, COME_S, "nothing went wrong")
    machine.wait_until(lambda: is_served(machine), COME_S, "the box did not come back")
    ready = time.monotonic() - began
    caller.wait_for("answered", COME_S)
    answered = time.monotonic() - began
    phone.wait_for("CALL_ESTABLISHED", 10.0)
    machine.wait_until(lambda: talks(machine), 10.0, "nobody talked")
    caller.hang_up()
    phone.wait_for("CALL_CLOSED", 20.0)
    machine.wait_until(machine.is_idle, COME_S, "the line did not become idle")
    return Back(ready, answered)


def restarted(machine: Machine) -> float:
    """Restart call control in good order; returns how long that takes (s)."""
    began = time.monotonic()
    machine.inside("systemctl", "restart", CALL_CONTROL)
    machine.wait_until(lambda: is_served(machine), COME_S, "the box did not come back")
    return time.monotonic() - began


def is_served(machine: Machine) -> bool:
    """Tell whether the line is up, and a phone there to be rung, or the caller is with it."""
    return machine.is_up() and (machine.has_phone() or bool(machine.status()["calls"]))


def page(machine: Machine) -> bool:
    """Tell whether the console answers who asks for its first page."""
    context = ssl._create_unverified_context()
    asked = http.client.HTTPSConnection(machine.address, 443, timeout=5, context=context)
    try:
        asked.request("GET", "/login")
        return asked.getresponse().status < 400
    except OSError:
        return False
    finally:
        asked.close()
