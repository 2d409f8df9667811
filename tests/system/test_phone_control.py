"""The call bar with telephones: a real one that picks up by itself, and one that rings on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import Law
from appliance.simulator.exchange.process import RunningCall
from tests.helpers.baresip import PACKAGE, Baresip, is_installed
from tests.helpers.box import Box
from tests.helpers.softphone import tone
from tests.system.calls import in_state, place, record_of
from tests.system.dialled import ADA, ALWAYS, ada_has_called, can_dial, control, placed
from tests.system.rulers import share_of_tone

pytestmark = pytest.mark.system

CALLER_HZ, OPERATOR_HZ = 700, 500
SECOND = 16_000
"""Bytes of a second of 16-bit sound."""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with two lines and two operators."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    with Box(
        tmp_path_factory.mktemp("bar"), lines=2, counters=(), operators=("op1", "op2")
    ) as made:
        yield made


@dataclass
class Desks:
    """A phone that answers by itself where it is asked, and one that does not."""

    op1: Baresip
    op2: Baresip


@pytest.fixture
def desks(box: Box, tmp_path: Path) -> Iterator[Desks]:
    """Both phones, registered."""
    with ExitStack() as stack:
        phones = {}
        for name in ("op1", "op2"):
            phone = Baresip(
                tmp_path / name, name, server=(box.address, box.port), secret=f"secret-{name}",
                says=tone(tmp_path / f"{name}.wav", 90, OPERATOR_HZ), traces=True,
                obeys=name == "op1",
            )  # fmt: skip
            stack.enter_context(phone)
            box.wait_until(partial(_is_registered, phone), 10.0, f"no {name}")
            phones[name] = phone
        yield Desks(**phones)


def _is_registered(phone: Baresip) -> bool:
    return "200 OK" in phone.log  # it has sent nothing else so far


def rings(box: Box, desks: Desks) -> RunningCall:
    """Have a caller ring both phones."""
    sine = [4000 * math.sin(math.tau * CALLER_HZ * n / 8000) for n in range(8000)]
    said = (g711.encode(pcm16(sine), Law.ULAW),)
    call = place(box, 1, caller="0511234567", clips=said, repeat_say=True, hang_up_after_ms=600_000)
    desks.op1.wait_for("CALL_INCOMING", 20.0)
    desks.op2.wait_for("CALL_INCOMING", 20.0)
    return call


def hears_operator(call: RunningCall) -> bool:
    """Tell whether the caller hears the operator in what comes from now on."""
    call.heard.clear()
    with pytest.raises(TimeoutError):
        call.wait_for("nothing of the kind", 1.5)
    return share_of_tone(g711.decode(bytes(call.heard), Law.ULAW)[-SECOND:], OPERATOR_HZ) > 0.7


def test_answered_held_resumed_and_hung_up_at_the_screen(box: Box, desks: Desks) -> None:
    """Nobody touches the phone: it is rung anew and answers, the caller hears the operator, music,
    the operator again; then the line is free."""
    call = rings(box, desks)
    (known,) = box.status()["calls"]
    assert control(box, "op1")["can_answer"] == [known["call"]]
    asked = box.ask("AnswerCall", position="op1", by="anna")
    assert (asked["done"], asked["auto_answer"], asked["call"]) == (True, "unknown", known["call"])
    desks.op1.wait_for("CALL_ESTABLISHED", 5.0)
    in_state(box, "talking")
    assert control(box, "op1")["auto_answer"] == "seen"
    desks.op2.wait_for("CALL_CLOSED", 5.0)
    box.wait_until(lambda: hears_operator(call), 15.0, "the caller does not hear the operator")

    assert box.ask("HoldCall", position="op1", by="anna")["done"] is True
    in_state(box, "on_hold")
    box.wait_until(lambda: not hears_operator(call), 15.0, "the caller is not on hold")
    assert box.ask("HangUpCall", position="op1", by="anna")["done"] is False
    assert box.ask("ResumeCall", position="op1", by="anna")["done"] is True
    box.wait_until(
        lambda: hears_operator(call), 15.0, "the caller does not hear the operator again"
    )

    assert box.ask("HangUpCall", position="op1", by="anna")["done"] is True
    desks.op1.wait_for("CALL_CLOSED", 5.0)
    record = record_of(box, known["call"])
    assert (record.result, record.phone) == (Result.ANSWERED, "op1")
    assert {"pick_up.op1", "answered.op1", "on_hold", "resumed"} <= set(record.trail)
    call.wait(20.0)


def test_a_phone_that_does_not_obey_rings_until_it_is_lifted(box: Box, desks: Desks) -> None:
    """It is rung anew, the other one rings on, and the screen says that it is to be lifted."""
    call = rings(box, desks)
    (known,) = box.status()["calls"]
    assert box.ask("AnswerCall", position="op2", by="beppe")["done"] is True
    desks.op2.wait_for("CALL_CLOSED", 5.0)
    desks.op2.wait_for("CALL_INCOMING", 5.0)
    box.wait_until(lambda: control(box, "op2")["lift"] is True, 10.0, "nothing is said of it")
    assert box.status()["calls"][0]["ringing"] == ["op1", "op2"]
    desks.op2.do("accept")
    desks.op2.wait_for("CALL_ESTABLISHED")
    in_state(box, "talking")
    assert control(box, "op2")["auto_answer"] == "rings"
    call.hang_up()
    record = record_of(box, known["call"])
    assert (record.result, record.phone) == (Result.ANSWERED, "op2")
    assert "no_answer.switchboard" not in record.trail
    call.wait(20.0)


def test_what_was_seen_of_a_phone_outlives_a_restart(tmp_path: Path) -> None:
    """A real phone picks up for a number that is dialled, hears Ada, and is known to do so after a
    restart; another one in its place is not.
    """
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    with Box(tmp_path, lines=2, extra=ALWAYS, options=("--no-chip-tones",)) as box:
        with Baresip(
            tmp_path / "op1", "op1", server=(box.address, box.port), secret="secret-op1",
            says=tone(tmp_path / "op1.wav", 90, 500), obeys=True,
        ) as real:  # fmt: skip
            box.wait_until(lambda: can_dial(box), 10.0, "op1 does not register")
            ada_has_called(box)
            asked = {"position": "op1", "by": "anna", "number": ADA}
            assert box.ask("Dial", **asked)["done"] is True
            real.wait_for("CALL_ESTABLISHED")
            box.wait_until(lambda: control(box, "op1")["can_hold"], 30.0, "Ada has not answered")
            for name in ("HoldCall", "ResumeCall", "HangUpCall"):
                assert box.ask(name, position="op1", by="anna")["done"] is True
            real.wait_for("CALL_CLOSED")
            box.wait_until(lambda: placed(box) is not None, 20.0, "the call was not over")
            assert control(box, "op1")["auto_answer"] == "seen"
            box.stop()
            box.start()
            box.wait_until(lambda: can_dial(box), 60.0, "op1 is not there again")
            assert control(box, "op1")["auto_answer"] == "seen"
            words = box.ask("Dial", **asked)["said"]["it"]
            assert words == "Il telefono risponde, poi parte la chiamata."
            real.wait_for("CALL_ESTABLISHED")
            # The phone tells of it before its answer has arrived.
            box.wait_until(lambda: control(box, "op1")["can_hang_up"], 10.0, "it cannot be ended")
            assert box.ask("HangUpCall", position="op1", by="anna")["done"] is True
        box.wait_until(lambda: not can_dial(box), 20.0, "op1 has not signed off")
        assert control(box, "op1")["auto_answer"] == "seen"
        box.phone("op1")
        box.wait_until(lambda: can_dial(box), 10.0, "the other phone does not register")
        assert control(box, "op1")["auto_answer"] == "unknown"
