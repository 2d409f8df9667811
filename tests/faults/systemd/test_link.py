"""B6: the lines take orders from the switchboard's service, and from no other process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from tests.faults.systemd.machine import CALL_CONTROL, GATEWAY, PYTHON, Machine
from tests.faults.systemd.scenes import talks
from tests.helpers.baresip import Baresip
from tests.system.calls import place, record_of

pytestmark = pytest.mark.system
STRANGER = Path(__file__).with_name("stranger.py")
ACCOUNTS = ("centralino-console", "centralino-media", "centralino", "root")


def test_nobody_else_gives_the_lines_orders(machine: Machine, phone: Baresip) -> None:
    """While a caller talks to the operator, a process of each account in turn wants to order the
    lines about: of the console's and the media gateway's it does not reach them, and of call
    control's own and the administrator's it is turned away without a word; the journal says who it
    was. The conversation goes on, and is recorded as what it was.
    """
    stranger = machine.bring(STRANGER)
    # The machine may have had strangers before: the sandbox's probe is one.
    refused_before = refused_orders(machine)
    before = [machine.main_pid(unit) for unit in (CALL_CONTROL, GATEWAY)]
    call = place(machine, 1, caller="0511234567")
    call.wait_for("answered", 20.0)
    phone.wait_for("CALL_ESTABLISHED", 40.0)
    machine.wait_until(lambda: talks(machine), 10.0, "nobody talked")
    name = machine.status()["calls"][0]["call"]
    became = {
        account: json.loads(machine.inside("setpriv", *_as(account), PYTHON, stranger))
        for account in ACCOUNTS
    }
    assert became == {
        "centralino-console": "EACCES",
        "centralino-media": "EACCES",
        "centralino": "closed",
        "root": "closed",
    }
    assert talks(machine)
    call.hang_up()
    phone.wait_for("CALL_CLOSED", 20.0)
    assert record_of(machine, name).result is Result.ANSWERED
    assert [machine.main_pid(unit) for unit in (CALL_CONTROL, GATEWAY)] == before
    assert refused_orders(machine) - refused_before == 2


def refused_orders(machine: Machine) -> int:
    """Count the strangers whom call control has refused, by its journal."""
    machine.inside("journalctl", "--sync")
    said = machine.journal("-o", "cat", "-u", CALL_CONTROL)
    return said.count("wanted to give orders to the lines")


def _as(account: str) -> tuple[str, ...]:
    """Return the words by which setpriv(1) becomes an account, as the console's unit has groups."""
    group = "centralino" if account == "centralino-console" else account
    return (f"--reuid={account}", f"--regid={group}", "--clear-groups")
