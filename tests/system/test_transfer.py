"""P3, P5, P6 through all processes: an operator's caller goes on to an office, and comes back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import pytest

from appliance.calls.orders import CallRecord, Result
from appliance.simulator.exchange.process import RunningCall
from appliance.simulator.phone.process import TestPhone
from tests.helpers.box import Box
from tests.system.calls import in_call, in_state, record_of

pytestmark = pytest.mark.system

REGISTER = """
[[services]]
code = "demografici"
name = "Servizi demografici"
email = "demografici@comune.example.it"

[[services.offices]]
code = "anagrafe"
name = "Anagrafe"
email = "anagrafe@comune.example.it"

[[declarations]]
unit = "anagrafe"
declared_by = "Dirigente"
entered_by = "Responsabile"
entered_at = 2026-01-12T09:00:00+01:00
reference = "Protocollo 1/2026"
first = 2026-01-15
returns = ["appointment", "email"]

[declarations.bands]
monday = ["00:00-24:00"]
tuesday = ["00:00-24:00"]
wednesday = ["00:00-24:00"]
thursday = ["00:00-24:00"]
friday = ["00:00-24:00"]
saturday = ["00:00-24:00"]
sunday = ["00:00-24:00"]

[[declarations.needs]]
code = "residenza"
name = "Cambio di residenza"
code_keys = "31"

[[declarations.needs.numbers]]
reach = "phone"
number = "ana1"
label = "Anagrafe, sportello 1"
"""


@dataclass
class OfficeBox(Box):
    """A box whose LAN has the phone of an office, which stands in no group."""

    register: str = REGISTER

    @property
    def phones(self) -> tuple[str, ...]:
        """All phones, the office's too."""
        return (*self.operators, *self.counters, "ana1")

    def declare(self) -> None:
        """Import the directory while call control runs, and wait until it is in force there."""
        file = self.folder / "register.toml"
        file.write_text(self.register, encoding="utf-8")
        self.run("register", "import", file, "--by", "Responsabile")
        self.wait_until(
            lambda: self.status()["register"]["units"] == 2, 10.0, "the register was not in force"
        )

    def run(self, command: str, *words: object) -> None:
        """Run a command beside running call control."""
        self.output(command, *words)

    def output(self, command: str, *words: object) -> str:
        """Run a command beside running call control; returns what it prints."""
        asked = [sys.executable, "-m", "appliance", command, "--config", self.config_path, *words]
        done = subprocess.run([*map(str, asked)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeBox]:
    """One box for the whole story of transfers."""
    folder = tmp_path_factory.mktemp("offices")
    with OfficeBox(folder, lines=1, options=("--no-chip-tones",), ring=15) as made:
        made.declare()
        yield made


def over(box: Box, call: RunningCall, name: str, *, hangs_up: bool = True) -> CallRecord:
    """Have the caller hang up, unless the call ends otherwise; the record once lines are idle."""
    if hangs_up:
        call.hang_up()
    call.wait(30.0)
    record = record_of(box, name)
    box.wait_until(box.is_idle, 30.0, "the line did not become idle")
    return record


def keyed(op1: TestPhone, box: Box) -> None:
    """The operator keys the office's code and why; the announcement need not be heard out."""
    op1.press("**31#")
    in_state(box, "transfer_choice")
    op1.press("1")


@pytest.mark.promise("P3")
def test_attended_by_keys(box: OfficeBox) -> None:
    """The operator speaks with the clerk first, hangs up, and caller and clerk talk (P3)."""
    with box.phone("op1") as op1, box.phone("ana1") as ana1:
        ana1.answer_mode("auto", 300)
        call, name = in_call(box, 1, op1)
        keyed(op1, box)
        ana1.wait_event("ack", 20.0)
        in_state(box, "transfer_consult")
        op1.hang_up()
        in_state(box, "transferred")
        shown = box.status()["calls"][0]["transfer"]
        record = over(box, call, name)
        ana1.wait_event("ended", 10.0)
    assert shown["words"]["it"] == "In comunicazione: Anagrafe"
    assert (record.result, record.phone) == (Result.ANSWERED, "op1")
    assert (record.unit, record.need, record.transfer_reason) == ("anagrafe", "residenza", "topic")
    assert (record.target, record.returned) == ("Anagrafe, sportello 1", "")
    assert "transferred.anagrafe" in record.trail


@pytest.mark.promise("P3")
def test_announced_at_the_screen(box: OfficeBox) -> None:
    """The operator goes back to the caller while the clerk waits, and hands over (P3)."""
    with box.phone("op1") as op1, box.phone("ana1") as ana1:
        ana1.answer_mode("auto", 300)
        call, name = in_call(box, 1, op1)
        question = {"call": "op1", "unit": "anagrafe", "need": "residenza", "reason": "topic"}
        assert box.ask("TransferCall", **question, by="t")["done"]
        ana1.wait_event("ack", 20.0)
        in_state(box, "transfer_consult")
        for state in ("office_waits", "transfer_consult", "office_waits"):
            assert box.ask("AlternateCall", position="op1", by="t", call=name)["done"]
            in_state(box, state)
        assert box.ask("HandOverCall", position="op1", by="t", call=name)["done"]
        op1.wait_event("ended", 10.0)
        in_state(box, "transferred")
        refused = box.ask("HandOverCall", position="op1", by="t", call=name)
        record = over(box, call, name)
        ana1.wait_event("ended", 10.0)
    assert not refused["done"]
    assert (record.result, record.unit, record.returned) == (Result.ANSWERED, "anagrafe", "")
    assert "transferred.anagrafe" in record.trail


@pytest.mark.promise("P3", "P5")
def test_blind_by_command(box: OfficeBox) -> None:
    """The operator is free at once; an office that is not declared is not rung (P5)."""
    with box.phone("op1") as op1, box.phone("ana1") as ana1:
        ana1.answer_mode("auto", 300)
        call, name = in_call(box, 1, op1)
        question = {"call": "op1", "unit": "demografici", "need": "x", "reason": "topic", "by": "t"}
        refused = box.ask("TransferCall", **question)
        asked = question | {"unit": "anagrafe", "need": "residenza", "attended": False}
        done = box.ask("TransferCall", **asked)
        op1.wait_event("ended", 10.0)
        in_state(box, "transferred")
        record = over(box, call, name)
    assert not refused["done"]
    assert refused["said"]["it"].startswith("Servizi demografici: non ha ancora una comunicazione")
    assert done["done"]
    assert "transfer_refused.demografici.x.no_declaration" in record.trail
    assert "transfer.anagrafe.residenza.topic.person" in record.trail


@pytest.mark.promise("P6")
def test_a_return(box: OfficeBox) -> None:
    """Nobody at the office: it returns to the operator who sent it, whose screen says so (P6).

    There stands who is in charge, of sheets imported while call control runs (E10).
    """
    box.run("sheets", "import", resources.files("appliance.config") / "example_sheets")
    with box.phone("op1") as op1, box.phone("ana1") as ana1:
        ana1.answer_mode("decline")
        call, name = in_call(box, 1, op1)
        box.ask(
            "TransferCall", call="op1", unit="anagrafe", need="residenza", reason="depth", by="t",
            attended=False,
        )  # fmt: skip
        op1.wait_event("ended", 10.0)
        op1.wait_event("invite", 20.0, caller_name="Ritorno: Anagrafe")
        op1.wait_event("ack", 20.0)
        in_state(box, "talking")
        shown = box.status()["calls"][0]["transfer"]
        record = over(box, call, name)
    assert (shown["words"]["it"], shown["officials"]) == (
        "Ritorno: Anagrafe", ["Responsabile dell'Anagrafe"],
    )  # fmt: skip
    assert (record.result, record.returned) == (Result.ANSWERED, "declined")
    assert "return.answered.op1" in record.trail


def test_a_damaged_database_takes_no_office_with_it(box: OfficeBox) -> None:
    """P5: set aside at the start, and transfers go on by the copy of directory and sheets."""
    copy = box.folder / "state" / "policy" / "policy.db"
    box.wait_until(copy.exists, 10.0, "the register was not copied")
    box.stop()
    records = box.folder / "state" / "centralino.db"
    for path in records.parent.glob("centralino.db-*"):
        path.unlink()
    records.write_bytes(records.read_bytes()[:2048] + b"\xff" * 65536)
    box.start()
    box.wait_until(
        lambda: box.status()["register"]["units"] == 2, 10.0, "the register was not put back"
    )
    assert any("restored from the copy of" in trouble for trouble in box.troubles())
    with box.phone("op1") as op1, box.phone("ana1") as ana1:
        ana1.answer_mode("auto", 300)
        call, name = in_call(box, 1, op1)
        keyed(op1, box)
        ana1.wait_event("ack", 20.0)
        op1.hang_up()
        in_state(box, "transferred")
        record = over(box, call, name)
    assert (record.unit, record.target) == ("anagrafe", "Anagrafe, sportello 1")
