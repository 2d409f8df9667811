"""Debian's baresip at the daemon over TCP: registered, rung, talking; and its connection cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.policy.routing import Destination
from appliance.prompts import OURS
from appliance.simulator.exchange.process import read_clip
from appliance.simulator.phone.process import TestPhone
from tests.helpers.baresip import PACKAGE, Baresip, is_installed
from tests.helpers.box import Box
from tests.helpers.relay import Relay, relay
from tests.helpers.softphone import tone
from tests.system.calls import end, place
from tests.system.rulers import share_of_tone

pytestmark = pytest.mark.system

SPEECH = OURS / "it" / "leave_message.wav"
HERTZ = 440
REGISTER_S = 10
"""baresip looks at its registration after nine tenths of it, whatever became of the connection."""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose operator has baresip on the table, and a test phone (UDP) at the counter."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    with Box(tmp_path_factory.mktemp("box"), operators=("baresip",), laws=("alaw", "ulaw")) as made:
        yield made


@pytest.fixture(scope="module")
def counter(box: Box) -> TestPhone:
    """The phone at the citizens' counter, which answers at once."""
    phone = box.phone("desk1")
    phone.answer_mode("auto", 100)
    return phone


@contextmanager
def at_the_desk(box: Box, folder: Path) -> Iterator[tuple[Baresip, Relay]]:
    """Switch the operator's baresip on, behind a cable that can be cut."""
    says = tone(folder / "tone.wav", 90, HERTZ)
    with (
        relay((box.address, box.port)) as cable,
        Baresip(
            folder / "baresip", "baresip", server=cable.address, secret="secret-baresip",
            says=says, register_s=REGISTER_S, transport="tcp", traces=True,
        ) as phone,
    ):  # fmt: skip
        box.wait_until(lambda: is_free(box), 15.0, f"baresip did not register: {phone.log}")
        yield phone, cable


def is_free(box: Box) -> bool:
    """Tell whether the operator's phone could be rung now."""
    found: list[str] = box.status()["switchboard"]["free"]
    return found == ["baresip"]


def has_tone(heard: bytes) -> bool:
    """Tell whether half a second of what the caller heard is the phone's tone."""
    told = g711.decode(heard, Law.ULAW)
    pieces = (told[at : at + 8000] for at in range(0, len(told) - 8000, 4000))
    return any(share_of_tone(piece, HERTZ) > 0.9 for piece in pieces)


def test_a_call_over_tcp_from_register_to_bye(box: Box, counter: TestPhone, tmp_path: Path) -> None:
    """Registers by digest over TCP, is rung, talks both ways, hangs up; not a word by UDP."""
    with at_the_desk(box, tmp_path) as (phone, _):
        call = place(box, 1, caller="withheld", clips=(read_clip(SPEECH),), repeat_say=True)
        phone.wait_for("CALL_INCOMING", 10.0)
        (state,) = (p for p in box.ask("plant")["phones"] if p["name"] == "baresip")
        assert state["tcp"]
        phone.do("accept")
        phone.wait_for("CALL_ESTABLISHED")
        call.wait_for("answered")
        with pytest.raises(TimeoutError):
            call.wait_for("released", 3.0)
        box.wait_until(lambda: has_tone(bytes(call.heard)), 30.0, "the phone is not heard")
        phone.do("hangup")
        record = end(box, call, by_caller=False)
        said = phone.log
    assert (record.result, record.phone) == (Result.ANSWERED, "baresip")
    assert "SIP/2.0/TCP" in said
    assert "SIP/2.0/UDP" not in said


def test_the_connection_is_cut_while_it_rings(box: Box, counter: TestPhone, tmp_path: Path) -> None:
    """The counter rings at once; baresip, back over a new connection, rings for nobody any more and
    takes the next call.
    """
    with at_the_desk(box, tmp_path) as (phone, cable):
        call = place(box, 1, caller="withheld")
        phone.wait_for("CALL_INCOMING", 10.0)
        cable.cut()
        counter.wait_event("answered", 4.0)
        record = end(box, call)
        assert (record.way, record.phone) == (Destination.CITIZENS_DESK, "desk1")
        assert "unreachable.baresip" in record.trail
        phone.wait_for("CALL_CLOSED", 30.0)
        assert "\nCANCEL sip:baresip" in phone.log
        box.wait_until(lambda: is_free(box), 30.0, f"baresip did not come back: {phone.log}")
        call = place(box, 1, caller="withheld")
        phone.wait_for("CALL_INCOMING", 10.0)
        phone.do("accept")
        phone.wait_for("CALL_ESTABLISHED")
        record = end(box, call)
    assert (record.result, record.phone) == (Result.ANSWERED, "baresip")


def test_the_connection_is_cut_while_it_talks(box: Box, counter: TestPhone, tmp_path: Path) -> None:
    """The conversation goes on, heard by both; once the phone is back it is told the end."""
    with at_the_desk(box, tmp_path) as (phone, cable):
        call = place(box, 1, caller="withheld")
        phone.wait_for("CALL_INCOMING", 10.0)
        phone.do("accept")
        phone.wait_for("CALL_ESTABLISHED")
        call.wait_for("answered")
        cable.cut()
        with pytest.raises(TimeoutError):
            call.wait_for("released", 3.0)
        before = len(call.heard)
        with pytest.raises(TimeoutError):
            call.wait_for("released", 3.0)
        assert has_tone(bytes(call.heard)[before:])
        record = end(box, call)
        phone.wait_for("CALL_CLOSED", 30.0)
    assert (record.result, record.phone) == (Result.ANSWERED, "baresip")
