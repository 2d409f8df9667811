"""A technician adds a phone from their own desk: nobody pulls the card, nobody's call is cut.

The box is one of systemd's with the units of the image; what is typed is what comes in by SSH. The
right to type it is shown by tests/image/test_guide_commands.py.

1. The box works by the file on its card; a citizen talks with the operator.
2. The technician types `box card add-phone op2 --label "Operatore 2"`; they read the
   new phone's user name and password, and that it counts as soon as nobody is on the phone.
3. Meanwhile the two go on talking.
4. They hang up; as soon as the line is free the next citizen calls, in the moment in which the box
   takes the phone over: the operator's phone rings, and they talk.
5. The technician gives the new phone what they have read; it registers, and `centralino status`
   shows it.
6. The next call rings at both phones, and the new one answers.
7. The card's file has the phone, everything else in it is as somebody wrote it, and the file of
   before lies beside it.
8. The technician fetches the file with `site show`, spoils it in three places, and brings it back
   with `site put`: the three mistakes are named, nothing has changed, and a call is answered.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from appliance.errors import OfficeError
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.phone.process import TestPhone
from tests.faults.systemd import programme
from tests.faults.systemd.machine import CALL_CONTROL, Machine, missing
from tests.helpers.box import BoxPhone
from tests.journeys.harness.front_desk import (
    CITIZEN_HZ,
    OPERATOR_HZ,
    PATIENCE_S,
    citizen_calls,
    citizen_hears,
    lifts,
    phone_hears,
    voice,
)
from tests.journeys.harness.steps import Journey

pytestmark = [pytest.mark.journey, pytest.mark.system]

CARD = "/boot/firmware"
MOBILE = "3391112223"
ADD = 'centralino box card add-phone op2 --label "Operatore 2" --language it'
COME_S = 60.0
TALKS = CallPlan(
    caller=MOBILE, clips=(voice(CITIZEN_HZ),), repeat_say=True, hang_up_after_ms=600_000
)
"""Somebody who calls whatever the line does, and speaks until they hang up."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    """A box that works by the file on its card."""
    if lacks := missing():
        pytest.skip(f"needs {lacks}")
    (tmp_path / "installed").mkdir()
    installed = programme.install(tmp_path / "installed")
    with Machine(tmp_path / "box", lines=1, counters=(), programme=installed) as machine:
        text = f"# di Anna\n{machine.delivered()}"
        (machine.folder / "brought" / "centralino.toml").write_text(text, encoding="utf-8")
        machine.inside("mkdir", "-p", "/run/centralino-notices")
        machine.inside("mount", "-o", "remount,rw", CARD)
        machine.inside("cp", "/opt/brought/centralino.toml", CARD)
        machine.inside("mount", "-o", "remount,ro", CARD)
        first = machine.main_pid(CALL_CONTROL)
        machine.inside("centralino", "site", "apply")
        machine.wait_until(lambda: machine.main_pid(CALL_CONTROL) != first, COME_S, "no new start")
        machine.wait_until(lambda: is_idle(machine), COME_S, "the line is not idle")
        yield machine


def typed(box: Machine, words: str, *, check: bool = True) -> str:
    """Type a command as it comes in by SSH, as the administrator."""
    return box.inside("sh", "-c", f"cd /root && {words}", check=check)


def is_idle(box: Machine) -> bool:
    """Tell whether call control answers and its line is idle."""
    try:
        return box.is_idle()
    except OfficeError:
        return False


def is_free(box: Machine) -> bool:
    """Tell whether a caller finds the line free; call control that starts anew cannot be asked."""
    try:
        return box.is_idle()
    except OfficeError:
        return True


def registered(box: Machine) -> set[str]:
    """Return which phones can be rung."""
    try:
        return set(box.status()["switchboard"]["free"])
    except OfficeError:
        return set()


def set_up(box: Machine, stack: ExitStack, name: str, password: str) -> TestPhone:
    """Give a phone its account, as the command has said it; switch it on."""
    server, listen = f"{box.address}:{box.port}", f"{box.address}:0"
    phone = BoxPhone(name, server=server, secret=password, listen=listen)
    stack.callback(phone.stop)
    phone.start()
    phone.wait_registered(PATIENCE_S)
    return phone


def talk(box: Machine, phone: TestPhone) -> None:
    """Let a citizen call, the operator lift, both hear each other, and hang up."""
    mobile = box.place(1, TALKS)
    phone.wait_event("invite", COME_S)
    lifts(phone, OPERATOR_HZ)
    citizen_hears(mobile, OPERATOR_HZ)
    phone_hears(phone, CITIZEN_HZ)
    mobile.hang_up()
    phone.wait_event("ended", PATIENCE_S)


@pytest.fixture
def phones() -> Iterator[ExitStack]:
    """Switch the phones off that were set up."""
    with ExitStack() as made:
        yield made


def test_adding_a_phone(journey: Journey, box: Machine, phones: ExitStack) -> None:
    """One command; the conversation that is up goes on, the next caller is answered."""
    with journey.step(1):
        op1 = box.phone("op1")
        mobile = citizen_calls(box, 1, MOBILE)
        op1.wait_event("invite", PATIENCE_S)
        lifts(op1, OPERATOR_HZ)
        citizen_hears(mobile, OPERATOR_HZ)

    with journey.step(2):
        desk = box.main_pid(CALL_CONTROL)
        said = typed(box, ADD)
        assert "Operatore 2" in said
        (password,) = re.findall(r"Password +(\S+)", said)
        assert "appena nessuno è al telefono" in said

    with journey.step(3):
        citizen_hears(mobile, OPERATOR_HZ)
        phone_hears(op1, CITIZEN_HZ)

    with journey.step(4):
        mobile.hang_up()
        op1.wait_event("ended", PATIENCE_S)
        box.wait_until(lambda: is_free(box), PATIENCE_S, "the line is not free")
        talk(box, op1)
        # Whether the citizen was quicker, or the box: after the call it has taken the phone over.
        box.wait_until(
            lambda: box.main_pid(CALL_CONTROL) not in {0, desk}, PATIENCE_S, "it was not taken over"
        )

    with journey.step(5):
        op2 = set_up(box, phones, "op2", password)
        box.wait_until(lambda: registered(box) == {"op1", "op2"}, COME_S, "no two phones")
        assert re.search(r"op2 +registrato", typed(box, "centralino status --language it"))

    with journey.step(6):
        mobile = citizen_calls(box, 1, MOBILE)
        op1.wait_event("invite", PATIENCE_S)
        op2.wait_event("invite", PATIENCE_S)
        lifts(op2, OPERATOR_HZ)
        citizen_hears(mobile, OPERATOR_HZ)
        mobile.hang_up()
        op2.wait_event("ended", PATIENCE_S)

    with journey.step(7):
        before = typed(box, f"cat {CARD}/centralino-before.toml")
        now = typed(box, f"cat {CARD}/centralino.toml").replace("\r\n", "\n")
        assert before.startswith("# di Anna\n")
        assert 'label = "Operatore 2"' in now
        assert '"op2"' not in before
        rest = [line for line in before.splitlines() if not line.startswith("phones = ")]
        assert [line for line in rest if line not in now.splitlines()] == []

    with journey.step(8):
        text = typed(box, "centralino box card show")
        spoilt = text.replace('name = "Test"', "name = “Test”").replace('"10-04"', '"4-10-26"')
        spoilt += "\n[network]\nhostnmae = 'x'\n"
        brought = f"printf %s {shlex.quote(spoilt)} | centralino box card put --language it"
        said = typed(box, brought, check=False)
        assert "non è stato preso, nulla è cambiato" in said
        assert len(re.findall(r"^  - riga \d+, ", said, re.MULTILINE)) == 3, said
        assert typed(box, f"cat {CARD}/centralino.toml").replace("\r\n", "\n") == now
        talk(box, op1)
