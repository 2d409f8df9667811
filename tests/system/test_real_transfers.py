"""P3, P5, P6 with real telephones: baresip's own transfer key at an operator's and an office's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from appliance.simulator.exchange.process import RunningCall
from tests.bench.office import noise
from tests.helpers.baresip import PACKAGE, Baresip, is_installed
from tests.stories.baresip_phones import BaresipPhone, baresip_at, sayable
from tests.stories.seen import PIECE
from tests.system.calls import in_state, place
from tests.system.test_transfer import OfficeBox, over

pytestmark = pytest.mark.system


@dataclass
class Tables:
    """The operator's phone and the office's, and what each of them says."""

    box: OfficeBox
    op1: BaresipPhone
    ana1: BaresipPhone
    voices: dict[str, bytes] = field(default_factory=dict)

    def talk(self) -> tuple[RunningCall, str]:
        """Have a caller speak with the operator; returns the caller and the call's name."""
        call = place(self.box, 1, caller="0511234567", hang_up_after_ms=600_000)
        self.op1.wait_event("ringing", 20.0)
        self.op1.answer()
        in_state(self.box, "talking")
        return call, self.box.status()["calls"][0]["call"]

    def transfer(self, digits: str) -> None:
        """Have the operator press the transfer key and dial."""
        self.op1.transfer(f"sip:{digits}@{self.box.address}")

    def heard_by(self, call: RunningCall, name: str) -> None:
        """Wait until the caller hears a phone's own voice."""
        voice = self.voices[name] * 2

        def hears() -> bool:
            call.heard.clear()
            try:
                call.wait_for("nothing of the kind", 0.3)
            except TimeoutError:
                heard = bytes(call.heard)
            return any(
                heard[at : at + PIECE] in voice for at in range(0, len(heard) - PIECE, PIECE)
            )

        self.box.wait_until(hears, 15.0, f"the caller does not hear {name}")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeBox]:
    """A box with a declared office."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    folder = tmp_path_factory.mktemp("offices")
    options = ("--no-chip-tones",)
    with OfficeBox(folder, lines=1, options=options, ring=15, laws=("ulaw",)) as made:
        made.declare()
        yield made


@pytest.fixture
def tables(box: OfficeBox, tmp_path: Path) -> Iterator[Tables]:
    """Both phones, registered."""
    voices = {name: sayable(noise(3.0, seed)) for seed, name in enumerate(("op1", "ana1"), 1)}
    with ExitStack() as stack:
        phones = {}
        for name, voice in voices.items():
            baresip = stack.enter_context(baresip_at(box, tmp_path, name, hears=False))
            box.wait_until(partial(_is_registered, baresip), 10.0, f"no {name}")
            phones[name] = BaresipPhone(baresip, voice)
        yield Tables(box, **phones, voices=voices)


def test_the_transfer_key_leads_to_the_office(tables: Tables) -> None:
    """REFER to an office's code: the office lifts, the caller hears it, the operator is free."""
    call, name = tables.talk()
    tables.transfer("31")
    tables.ana1.wait_event("ringing", 15.0)
    tables.ana1.answer()
    tables.op1.wait_event("bye", 10.0)
    in_state(tables.box, "transferred")
    tables.heard_by(call, "ana1")
    record = over(tables.box, call, name)
    tables.ana1.wait_event("bye", 10.0)
    assert (record.phone, record.unit, record.returned) == ("op1", "anagrafe", "")
    assert "transferred.anagrafe" in record.trail


def test_an_office_that_turns_it_down_returns_it(tables: Tables) -> None:
    """486 by the office's reject key: it rings where it came from again, and shows that."""
    call, name = tables.talk()
    tables.transfer("31")
    tables.ana1.wait_event("ringing", 15.0)
    tables.op1.hang_up()
    tables.op1.wait_event("bye", 10.0)
    tables.ana1.hang_up()
    shown = tables.op1.wait_event("ringing", 20.0).details["display"]
    tables.op1.answer()
    in_state(tables.box, "talking")
    tables.heard_by(call, "op1")
    record = over(tables.box, call, name)
    assert shown == "Ritorno: Anagrafe"
    assert record.returned
    assert "return.answered.op1" in record.trail


def test_a_number_outside_the_register_is_refused(tables: Tables) -> None:
    """REFER to a number of the public network: nobody is dialled, and the record says so. The phone
    ends its call at that news by itself: the caller is kept, and it rings again.
    """
    call, name = tables.talk()
    tables.transfer("0512194000")
    tables.box.wait_until(lambda: _is_refused(tables.box, name), 10.0, "it was not refused")
    tables.op1.wait_event("ringing", 10.0)  # the first one was answered
    tables.op1.answer()
    in_state(tables.box, "talking")
    tables.heard_by(call, "op1")
    record = over(tables.box, call, name)
    assert record.unit == ""
    assert not any(event.kind == "ringing" for event in tables.ana1.events)


def _is_registered(phone: Baresip) -> bool:
    return "200 OK" in phone.log  # it has sent nothing else so far


def _is_refused(box: OfficeBox, name: str) -> bool:
    trails = [record.trail for record in box.records() if record.call == name]
    return any(code.startswith("transfer_refused") for trail in trails for code in trail)
