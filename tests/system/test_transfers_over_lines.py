"""P3, P6, P7, E7 through all processes: an outside number over a second line, an extension of the
PBX behind the caller's; a real telephone at the operator's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.orders import CallRecord, Result
from appliance.dsp import g711
from appliance.dsp.dtmf import Detector, DigitStarted
from appliance.dsp.wav import Law
from appliance.service import main
from appliance.service.announcements import ring_back
from appliance.simulator.exchange import process
from appliance.simulator.exchange.process import RunningCall
from tests.bench.office import noise
from tests.helpers.announcements import brief
from tests.helpers.baresip import PACKAGE, is_installed
from tests.helpers.traces import naming, open_to_others
from tests.stories.baresip_phones import BaresipPhone, baresip_at, sayable
from tests.system.calls import in_call, in_state, place
from tests.system.test_transfer import REGISTER, OfficeBox, over

pytestmark = pytest.mark.system

EXTENSION, NUMBER = "20681357", "051598230"
NEEDS = f"""
[[declarations.needs]]
code = "aire"
name = "Italiani all'estero"
code_keys = "32"

[[declarations.needs.numbers]]
reach = "pbx"
number = "{EXTENSION}"
label = "Anagrafe, interno"

[[declarations.needs]]
code = "avvisi"
name = "Avvisi"
code_keys = "33"

[[declarations.needs.numbers]]
reach = "outside"
number = "{NUMBER}"
label = "Anagrafe, sede staccata"
"""
TAKES = {"outcome": "answer", "rings": 1, "says": True, "press_after_ms": 2500}
"""Somebody lifts after one ring, says a word, and presses keys once told of the call."""
ORDINARY = ("sh", "-c", 'umask 022 && exec "$@"', "sh")
"""As a service is started whose unit says nothing of rights."""
OUTSIDE_CODE, PBX_CODE = "33", "32"


@dataclass
class PbxOfficeBox(OfficeBox):
    """Its lines end at a PBX, which a half-duplex one would pass its calls to."""

    def _configuration(self) -> str:
        numbers = '[switchboard]\npbx_numbers = ["201"]\n'
        return super()._configuration().replace("[switchboard]\n", numbers)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeBox]:
    """A box of three lines behind a PBX, whose office has declared both numbers."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    folder = tmp_path_factory.mktemp("lines")
    own = brief(folder / "prompts")
    with PbxOfficeBox(
        folder, lines=3, options=("--pbx", "--no-chip-tones"), ring=15, laws=("ulaw",),
        prefix=ORDINARY, line='daytime = "pbx_transfer"\n', register=REGISTER + NEEDS,
        extra=f"{own}[calls]\ntransfer = 20",
    ) as made:  # fmt: skip
        made.declare()
        yield made


@pytest.fixture
def op1(box: OfficeBox, tmp_path: Path) -> Iterator[BaresipPhone]:
    """The operator's baresip, registered; every SIP message it saw is searched at the end (P7)."""
    with baresip_at(box, tmp_path, "op1", hears=False) as phone:
        box.wait_until(lambda: "200 OK" in phone.log, 10.0, "op1 did not register")
        yield BaresipPhone(phone, sayable(noise(3.0, 1)))
        assert "NOTIFY" in phone.log
        assert NUMBER not in phone.log
        assert EXTENSION not in phone.log


def reach(box: OfficeBox, number: str, **party: Any) -> None:
    """Settle what is met at a number that is dialled on any line."""
    for line in (1, 2, 3):
        process.set_line(box.folder / "lines", line, extensions={number: party})


def talking(box: OfficeBox, op1: BaresipPhone) -> tuple[RunningCall, str]:
    """Have a caller speak with the operator."""
    call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    op1.wait_event("ringing", 20.0)
    op1.answer()
    in_state(box, "talking")
    return call, box.status()["calls"][0]["call"]


def transfer(box: OfficeBox, op1: BaresipPhone, code: str) -> None:
    """Have the operator press the transfer key and dial."""
    op1.transfer(f"sip:{code}@{box.address}")


def shown(box: OfficeBox) -> str:
    """Return what the call's transfer is shown as."""
    found = box.status()["calls"][0]["transfer"]
    return str(found["words"]["it"]) if found else ""


def is_nowhere(box: OfficeBox, record: CallRecord) -> bool:
    """Tell whether neither number stands in the journal, the status or any record (P7)."""
    told = f"{box.log()} {box.status()} {record} {box.records()}"
    return NUMBER not in told and EXTENSION not in told


def keys_heard(call: RunningCall) -> str:
    """Return the keys that the caller has heard until now."""
    with contextlib.suppress(TimeoutError):
        call.wait_for("nothing of the kind", 0.5)
    found = Detector().feed(g711.decode(bytes(call.heard), Law.ULAW))
    return "".join(event.digit for event in found if isinstance(event, DigitStarted))


def reached_ms(box: OfficeBox) -> float:
    """Return how much sound has come to the ear at the outside number."""
    lines = process.ask_status(box.folder / "lines")["lines"]
    assert isinstance(lines, list)
    return max(float(line["reached_ms"]) for line in lines)


def test_an_outside_number_takes_the_call(box: OfficeBox, op1: BaresipPhone) -> None:
    """REFER, a second line, a key: the operator is free, caller and office hear each other, and
    the number is told to nobody.
    """
    reach(box, NUMBER, **TAKES, press="1,,,,5,5,5,5,5,5")
    call, name = talking(box, op1)
    transfer(box, op1, OUTSIDE_CODE)
    in_state(box, "transferred")
    op1.wait_event("bye", 10.0)
    assert shown(box) == "In comunicazione: Anagrafe"
    call.heard.clear()
    box.wait_until(lambda: "5" in keys_heard(call), 20.0, "the caller does not hear the office")
    before = reached_ms(box)
    call.say(noise(3.0, 7))
    box.wait_until(lambda: reached_ms(box) > before + 2000, 15.0, "the office hears no caller")
    record = over(box, call, name)
    assert (record.result, record.phone, record.returned) == (Result.ANSWERED, "op1", "")
    assert record.target == "Anagrafe, sede staccata"
    assert is_nowhere(box, record)


@pytest.mark.parametrize(
    ("party", "returned"),
    [
        (TAKES, "no_answer"),  # lifts, hears of the call, presses nothing
        ({"outcome": "busy"}, "busy"),
    ],
    ids=["not accepted", "busy"],
)
def test_an_outside_number_does_not_take_it(
    box: OfficeBox, op1: BaresipPhone, party: dict[str, Any], returned: str
) -> None:
    """P6: the operator's phone, which has waited, is told by NOTIFY. This one ends its call at such
    news by itself: the caller is kept, it rings again, and what it is stands on its screen.
    """
    reach(box, NUMBER, **party)
    call, name = talking(box, op1)
    transfer(box, op1, OUTSIDE_CODE)
    display = op1.wait_event("ringing", 60.0).details["display"]
    assert shown(box) == "Ritorno: Anagrafe"
    op1.answer()
    in_state(box, "talking")
    record = over(box, call, name)
    assert (display, record.phone, record.returned) == ("Ritorno: Anagrafe", "op1", returned)
    assert "transfer.hung_up_by_itself" in record.trail
    assert is_nowhere(box, record)


@pytest.mark.long  # stories/e7_an_outside_number_sends_it_back.story
def test_an_outside_number_sends_it_back(box: OfficeBox, op1: BaresipPhone) -> None:
    """E7: two stars at the office's ordinary telephone; the call is back at its operator."""
    reach(box, NUMBER, **TAKES, press="1,,,,**,,**")
    call, name = talking(box, op1)
    transfer(box, op1, OUTSIDE_CODE)
    in_state(box, "transferred")
    display = op1.wait_event("ringing", 20.0).details["display"]
    op1.answer()
    in_state(box, "talking")
    record = over(box, call, name)
    assert (display, record.returned) == ("Ritorno: Anagrafe", "sent_back")
    assert "return.answered.op1" in record.trail
    assert is_nowhere(box, record)


def test_an_extension_of_the_pbx_takes_the_call(box: OfficeBox, op1: BaresipPhone) -> None:
    """Hook flash, a key: the box hangs up, and the PBX joins caller and extension."""
    reach(box, EXTENSION, **TAKES, press="1,1,1,1,1,1")
    call, name = talking(box, op1)
    transfer(box, op1, PBX_CODE)
    op1.wait_event("bye", 10.0)
    record = over(box, call, name, hangs_up=False)
    report = call.report
    assert (report.transferred_to, report.transfer_found) == (EXTENSION, "answered")
    assert (record.result, record.phone) == (Result.ANSWERED, "op1")
    assert (record.target, record.returned) == ("Anagrafe, interno", "")
    assert is_nowhere(box, record)


@pytest.mark.long  # stories/p3_an_extension_of_the_pbx.story
def test_an_extension_of_the_pbx_is_busy(box: OfficeBox, op1: BaresipPhone) -> None:
    """A second flash brings the caller back, and the operator is rung: "Ritorno"."""
    reach(box, EXTENSION, outcome="busy")
    call, name = talking(box, op1)
    transfer(box, op1, PBX_CODE)
    op1.wait_event("bye", 10.0)
    display = op1.wait_event("ringing", 40.0).details["display"]
    op1.answer()
    in_state(box, "talking")
    record = over(box, call, name)
    assert (display, record.returned) == ("Ritorno: Anagrafe", "busy")
    assert is_nowhere(box, record)


def test_the_operator_hears_that_it_rings(box: OfficeBox) -> None:
    """By keys, staying: the country's ring-back, bit by bit; the caller hears hold sound."""
    reach(box, NUMBER, outcome="no-answer")
    with box.phone("op1") as op1:
        call, name = in_call(box, 1, op1)
        op1.press(f"**{OUTSIDE_CODE}#")
        in_state(box, "transfer_choice")
        op1.press("1")
        in_state(box, "transfer_ringing")
        tone = g711.encode(ring_back("it"), Law.ULAW)[:4000]
        box.wait_until(lambda: tone in op1.received().data, 15.0, "op1 hears no ring-back")
        record = over(box, call, name)
    assert record.unit == "anagrafe"


def test_what_the_box_has_written_is_for_itself_and_names_no_number(
    box: OfficeBox, op1: BaresipPhone
) -> None:
    """P7, after a call to such a number: no file, journal, copy, list or report names a number that
    the directory seals; nobody else on the machine can read any of it, but the console what its
    pages show, though the box was started with the ordinary umask. What is planted is seen.
    """
    reach(box, NUMBER, outcome="busy")
    call, name = talking(box, op1)
    transfer(box, op1, OUTSIDE_CODE)
    op1.wait_event("ringing", 40.0)  # nobody took it: it has returned
    op1.answer()
    in_state(box, "talking")
    assert over(box, call, name).returned == "busy"
    box.run("backup", "--nightly")
    printed = [
        box.output(*words)
        for words in (
            ("status", "--json"), ("calls", "--json"), ("messages", "list", "--json"),
            ("report",), ("register", "show"), ("outbox", "list", "--all", "--json"),
        )
    ]  # fmt: skip
    sealed = (NUMBER, EXTENSION)
    assert [word for word in sealed for told in (box.log(), *printed) if word in told] == []
    run = box.folder / "run"
    assert naming((box.state, run), sealed) == []
    shown = [*main.shown(box.state), *box.state.glob("centralino.db*")]
    assert open_to_others(box.state, but=shown) == []
    assert open_to_others(run, but=(run / "desk.sock",)) == []
    assert (run / "desk.sock").stat().st_mode & 0o007 == 0
    planted = box.state / "planted"
    planted.write_text(f"chiamare {NUMBER}")
    planted.chmod(0o644)
    assert naming((box.state,), sealed) == [f"{NUMBER} in {planted}"]
    assert open_to_others(box.state, but=shown) == [f"644 {planted}"]
    planted.unlink()
