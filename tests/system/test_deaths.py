"""A process dies in a conversation: the caller is let go, lines come to rest, calls work."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from appliance.calls.events import Evidence
from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import DEVICE, OURS
from appliance.simulator.exchange import process
from appliance.simulator.phone.phone import PhoneEvent
from appliance.simulator.phone.process import TestPhone
from tests.helpers.box import Box
from tests.system.calls import end, in_call, is_at_rest, record_of
from tests.system.processes import is_running, media_gateway_of
from tests.system.rulers import share_heard

pytestmark = pytest.mark.system

NUMBER = "0511234567"
RING_S, IDENTITY_S = 5.0, 2.2
"""Between two rings of an Italian exchange, and from a ring to the caller's number."""
LOST = tuple(root / "it" / "connection_lost.wav" for root in (OURS, DEVICE))
"""In either voice: the box may have said its name meanwhile."""
SOUNDS = frozenset({".wav", ".part"})


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose processes are killed by the tests, one test after the other."""
    with Box(tmp_path_factory.mktemp("box")) as made:
        yield made


@pytest.fixture(scope="module")
def op1(box: Box) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


@pytest.fixture(autouse=True)
def _running(box: Box) -> Iterator[None]:
    """Each test finds the daemon running and leaves it as it likes; E21: conversations are never
    recorded, not even when a process dies in one.
    """
    if box.daemon is None:
        box.start()
    yield
    found = {path for path in box.state.rglob("*") if path.suffix in SOUNDS}
    spoken = {path for path in found if box.state / "spoken" in path.parents}  # the house's name
    assert found - spoken == set()


def assert_a_call_works(box: Box, phone: TestPhone, line: int) -> None:
    """A new caller talks to an operator and both are let go."""
    call, name = in_call(box, line, phone)
    record = end(box, call)
    assert (record.call, record.result) == (name, Result.ANSWERED)
    box.wait_until(lambda: is_at_rest(box, line), 10.0, f"line {line} is not at rest")


@pytest.mark.promise("B6")
def test_call_control_is_killed(box: Box, op1: TestPhone) -> None:
    """SIGKILL of the daemon in a conversation: the media gateway tells the caller that the call is
    over, hangs up, leaves every modem on hook in class 0 and ends; after the restart the call
    counts as interrupted (E18) and the next one works.
    """
    call, name = in_call(box, 1, op1)
    heard_before = len(call.heard)
    gateway = media_gateway_of(box)
    box.kill()
    report = call.wait(25.0)
    box.wait_until(
        lambda: not is_running(gateway), 15.0, "the gateway went on without call control"
    )

    said = g711.decode(bytes(call.heard)[heard_before:], Law.ULAW)
    references = (g711.decode(prompt.data, prompt.law) for prompt in map(wav.read, LOST))
    assert max(share_heard(reference, said) for reference in references) > 0.8
    assert report.ended_by == "host"
    assert is_at_rest(box, 1)
    assert is_at_rest(box, 2)

    op1.hang_up()  # the operator hears nobody any more
    box.start()
    assert record_of(box, name).result is Result.INTERRUPTED
    assert_a_call_works(box, op1, 1)


def test_call_control_and_media_gateway_are_killed_together(box: Box, op1: TestPhone) -> None:
    """SIGKILL of both in a conversation, at a modem that ignores DTR: nobody is left to hang up,
    so the line stays seized until the restart, which leaves every modem on hook in class 0.
    """
    process.set_line(box.folder / "lines", 1, ignore_dtr=True)
    call, name = in_call(box, 1, op1)
    for pid in box.processes():
        os.kill(pid, signal.SIGKILL)
    box.kill()
    assert not is_at_rest(box, 1)
    with pytest.raises(TimeoutError):
        call.wait_for("ended", 1.0)

    op1.hang_up()
    box.start()
    assert is_at_rest(box, 1)
    assert is_at_rest(box, 2)
    assert call.wait(10.0).ended_by == "host"
    assert record_of(box, name).result is Result.INTERRUPTED
    process.set_line(box.folder / "lines", 1, ignore_dtr=False)


def test_the_media_gateway_is_killed(box: Box, op1: TestPhone) -> None:
    """SIGKILL of the media gateway in a conversation: the phone gets BYE, the record says lost,
    call control starts another media gateway, the lines come back by themselves, the next call
    works.
    """
    call, name = in_call(box, 2, op1)
    before = media_gateway_of(box)
    os.kill(before, signal.SIGKILL)
    op1.wait_event("bye", 10.0)
    assert record_of(box, name).result is Result.LOST
    box.wait_until(box.is_idle, 25.0, "the lines did not come back")
    assert media_gateway_of(box) != before
    box.wait_until(lambda: is_at_rest(box, 2), 10.0, "line 2 is not at rest")
    assert call.wait(10.0).ended_by == "host"
    assert_a_call_works(box, op1, 2)


@pytest.mark.alone
def test_who_rings_as_the_media_gateway_is_killed_rings_on(box: Box, op1: TestPhone) -> None:
    """SIGKILL of the media gateway while a caller rings: the phone rings again before the exchange
    does, with the number, which is sent but once; whoever lifts has the caller.
    """
    op1.answer_mode("manual")
    seen = len(op1.events)

    def of(kind: str) -> list[PhoneEvent]:
        return [event for event in op1.events[seen:] if event.kind == kind]

    call = box.place(1, caller=NUMBER, rings=20)
    box.wait_until(lambda: bool(of("caller")), 15.0, "the phone is not shown who calls")
    killed = time.monotonic()
    os.kill(media_gateway_of(box), signal.SIGKILL)
    box.wait_until(lambda: len(of("invite")) == 2, 15.0, "the phone does not ring again")
    again = of("invite")[1]
    assert again.at - killed < RING_S - IDENTITY_S, "it was the exchange that rang again"
    assert again.details["caller"] == NUMBER
    op1.answer()
    box.wait_until(lambda: box.status()["calls"][0]["state"] == "talking", 10.0, "nobody talks")
    assert end(box, call).result is Result.ANSWERED


def test_the_service_is_stopped(box: Box, op1: TestPhone) -> None:
    """SIGTERM with both lines in use: every line is hung up, every phone gets BYE, status 0, and no
    process stays. Both calls say that the box was stopped: no fault, and not the people ended them.
    """
    first, _ = in_call(box, 1, op1)
    box.ask("SetClosed", on=True, by="test", until=None)
    second = box.place(2)
    second.wait_for("answered", 15.0)
    processes = box.processes()
    assert box.stop() == 0
    assert not any(is_running(pid) for pid in processes)
    assert is_at_rest(box, 1)
    assert is_at_rest(box, 2)
    op1.wait_event("bye", 5.0)
    assert json.loads((box.folder / "run" / "calls.json").read_text()) == []
    for call in (first, second):
        assert call.wait(5.0).ended_by == "host"
    ends = [(record.result, record.evidence) for record in box.records()[:2]]
    assert ends == [(Result.STOPPED, Evidence.STOPPED)] * 2
