"""B9 through all processes: what a branch does with a caller whom another one has handed over."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from appliance.calls.events import Evidence
from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.policy.routing import Destination
from appliance.simulator.exchange.process import RunningCall
from appliance.simulator.phone.process import TestPhone
from tests.system.branches import Branch, meet, two_branches
from tests.system.calls import IDLE_S, in_state, record_of
from tests.system.rulers import share_of_tone
from tests.system.test_branches import (
    ANSWERS,
    LOST_S,
    SAYS,
    heard_by,
    hears,
    is_idle,
    over_there,
    tone,
)

pytestmark = pytest.mark.system

AT_HOME = """
[[declarations.needs]]
code = "aire"
name = "Italiani all'estero"
code_keys = "32"

[[declarations.needs.numbers]]
reach = "phone"
number = "ana1"
"""
"""An office of Porto itself, beside the other branch."""
SECOND = 16_000
"""Bytes of a second of 16-bit sound."""
CLERK, WORDS = 1300, 700
"""Hertz that the clerk says, and the caller to the voicemail: none that a line takes for a tone."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Branch, Branch]]:
    """Porto, which takes callers over, with a second phone, and Savena, which sends them."""
    folder = tmp_path_factory.mktemp("taken")
    with two_branches(folder, lines=1, counters=("ana1",)) as (_, porto, savena):
        porto.register += AT_HOME
        porto.declare()
        meet(savena)
        with savena.phone("op2") as op2:
            op2.answer_mode("busy")
            yield porto, savena


def came_over(porto: Branch) -> dict[str, object]:
    """Return the one call that Porto shows."""
    (call,) = porto.status()["calls"]
    return dict(call)


def taken(town: tuple[Branch, Branch], op1: TestPhone) -> tuple[RunningCall, str]:
    """Have op1 of Porto talk with a caller of Savena's; returns caller and Porto's call."""
    porto, savena = town
    caller, _ = over_there(savena, 1, op1, "0512222222", branch="porto")
    in_state(porto, "talking")
    call = came_over(porto)
    assert (call["origin"], call["line"], call["phone"]) == ("savena", "savena", "op1")
    return caller, str(call["call"])


def test_an_operator_puts_the_caller_through_to_an_office_of_the_branch(
    town: tuple[Branch, Branch],
) -> None:
    """P3, P5: shown while it goes on, by the keys of the operator's phone, with a consultation;
    caller and clerk hear each other, and both branches' records say how it was.
    """
    porto, savena = town
    with porto.phone("op1") as op1, porto.phone("ana1") as ana1:
        ana1.answer_mode("auto", 100)
        ana1.say(tone(CLERK), repeat=True)
        caller, name = taken(town, op1)
        op1.press("**32#")
        in_state(porto, "transfer_choice")
        op1.press("1")
        in_state(porto, "transfer_consult")
        op1.press("#")
        in_state(porto, "transferred")
        caller.say(tone(SAYS) * 30)
        porto.wait_until(lambda: hears(ana1.received().data, SAYS), 20.0, "the clerk hears nothing")
        porto.wait_until(lambda: hears(heard_by(caller), CLERK), 20.0, "the caller hears nothing")
        caller.hang_up()
        record = record_of(porto, name)
    assert (record.result, record.evidence) == (Result.ANSWERED, Evidence.SIGNALLED)
    assert (record.line, record.unit, record.need) == ("savena", "anagrafe", "aire")
    savena.wait_until(lambda: is_idle(savena, 1), IDLE_S, "the line did not become idle")
    savena.wait_until(
        lambda: savena.records()[0].result is not Result.OPEN, IDLE_S, "its record stays open"
    )
    sent = savena.records()[0]
    assert (sent.way, sent.result, sent.phone) == (Destination.BRANCH, Result.ANSWERED, "porto")


def test_the_operators_phone_loses_power_and_another_one_rings(
    town: tuple[Branch, Branch],
) -> None:
    """B6: the caller who came over hears music, not silence or the end, and then who lifts next."""
    porto, savena = town
    with porto.phone("op1") as op1, porto.phone("ana1") as ana1:
        ana1.answer_mode("manual")
        ana1.say(tone(ANSWERS), repeat=True)
        caller, name = taken(town, op1)
        os.kill(op1.pid, signal.SIGSTOP)
        try:
            in_state(porto, "holding")
            ana1.wait_event("invite", LOST_S)
            held = len(heard_by(caller))
            porto.wait_until(
                lambda: len(set(heard_by(caller)[held:])) > 20, 10.0, "the caller hears no music"
            )
            ana1.answer()
            in_state(porto, "talking")
            porto.wait_until(lambda: hears(heard_by(caller), ANSWERS), 20.0, "nothing is heard")
        finally:
            os.kill(op1.pid, signal.SIGCONT)
        caller.hang_up()
        record = record_of(porto, name)
    assert (record.phone, record.result) == ("ana1", Result.ANSWERED)
    assert record.trail.index("operator_lost") < record.trail.index("answered.ana1")
    savena.wait_until(lambda: is_idle(savena, 1), IDLE_S, "the line did not become idle")


def test_nobody_is_left_and_the_caller_leaves_a_message_there(
    town: tuple[Branch, Branch],
) -> None:
    """P9: the branch that has answered keeps the words; only the caller is in them (E21)."""
    porto, savena = town
    with porto.phone("op1") as op1, porto.phone("ana1") as ana1:
        ana1.answer_mode("decline")
        op1.say(tone(ANSWERS), repeat=True)
        caller, name = taken(town, op1)
        os.kill(op1.pid, signal.SIGSTOP)
        try:
            in_state(porto, "greeting")
            caller.press("#")  # heard in the sound: nothing is passed on apart
            in_state(porto, "recording")
            caller.say(tone(WORDS) * 2)
            caller.press("#")  # once all of it was said
            record = record_of(porto, name)
        finally:
            os.kill(op1.pid, signal.SIGCONT)
    assert (record.way, record.result) == (Destination.VOICEMAIL, Result.MESSAGE)
    assert record.caller.number == "0512222222"
    (message,) = porto.messages()
    assert message.call == name
    assert "recorded.key" in record.trail
    stored = wav.read(porto.recording(message.id))
    pcm = g711.decode(stored.data, stored.law)
    assert share_of_tone(pcm[SECOND : 3 * SECOND], WORDS) > 0.8
    assert savena.messages() == ()
    savena.wait_until(lambda: is_idle(savena, 1), IDLE_S, "the line did not become idle")
