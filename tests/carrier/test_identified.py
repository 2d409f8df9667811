"""Who calls, end to end: exchange, FSK's fate, modem, driver; whatever goes wrong, in time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls.events import Caller, CallerIdentified, LineAnswered, LineRang, Presentation
from appliance.carrier.messages import LineSetup
from appliance.exchange.call import CallPlan
from tests.carrier.virtual import Hosted, World

NUMBER = "0541704111"
LIMIT_MS = 3000
SHOWN = Caller(Presentation.SHOWN, NUMBER)
NAMED = Caller(Presentation.SHOWN, NUMBER, "ROSSI MARIO")
UNKNOWN = Caller()
FATES = [
    (CallPlan(caller=NUMBER), SHOWN),
    (CallPlan(caller=NUMBER, name="ROSSI MARIO"), NAMED),
    (CallPlan(caller="withheld"), Caller(Presentation.WITHHELD)),
    (CallPlan(caller="unavailable"), Caller(Presentation.UNAVAILABLE)),
    (CallPlan(caller="none"), UNKNOWN),
    (CallPlan(caller=NUMBER, id_fault="doubled"), SHOWN),
    (CallPlan(caller=NUMBER, name="ROSSI MARIO", id_fault="doubled"), NAMED),
    (CallPlan(caller="withheld", id_fault="doubled"), Caller(Presentation.WITHHELD)),
    (CallPlan(caller=NUMBER, id_fault="number_only"), SHOWN),
    (CallPlan(caller=NUMBER, id_fault="name_absent"), SHOWN),
    (CallPlan(caller=NUMBER, id_fault="spoilt"), UNKNOWN),
    (CallPlan(caller=NUMBER, id_fault="malformed"), UNKNOWN),
    (CallPlan(caller=NUMBER, id_fault="cut"), UNKNOWN),
]


def _ready(make: str, order: str, *, dripping: bool = False) -> tuple[Hosted, World]:
    setup = LineSetup("line1", "", caller_id=order, identity_limit_ms=LIMIT_MS)
    one = Hosted(setup, make)
    world = World(one)
    world.bring_up()
    if dripping:
        one.to_host = lambda data: _drip(one, world, data)
    return one, world


def _drip(one: Hosted, world: World, data: bytes) -> bytes:
    """Give all but the last byte one at a time; the last one is the caller's to give."""
    for at in range(len(data) - 1):
        one.line.receive(data[at : at + 1], world.now)
    return data[-1:]


@pytest.mark.parametrize("dripping", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("make", ["conexant", "usr5637"])
@pytest.mark.parametrize(("plan", "caller"), FATES, ids=lambda each: getattr(each, "id_fault", ""))
def test_the_caller_is_known_in_time_and_told_once(
    make: str, order: str, dripping: bool, plan: CallPlan, caller: Caller
) -> None:
    """P1: number, name or their absence; doubled is once, nonsense is nobody, and nothing takes
    longer than the limit from the first ring.
    """
    one, world = _ready(make, order, dripping=dripping)
    one.place(replace(plan, id_order=order))
    world.until(lambda: one.heard_of(LineRang))
    world.until(one.callers, LIMIT_MS + 50)
    world.run(3000)
    assert one.callers() == [caller]


def test_a_caller_told_before_the_bell_is_known_with_the_first_ring() -> None:
    """The phones are rung with it; it is not told again."""
    one, world = _ready("conexant", "before")
    one.place(CallPlan(caller=NUMBER, id_order="before"))
    world.until(lambda: one.heard_of(LineRang))
    world.run(3000)
    assert one.heard_of(LineRang)[0] == LineRang("line1", 1, SHOWN)
    assert one.heard_of(CallerIdentified) == []


def test_a_caller_told_as_the_line_goes_off_hook_is_known_still() -> None:
    """The report was under way as somebody lifted: it is told beside the conversation."""
    one, world = _ready("conexant", "after")
    one.place(CallPlan(caller="none", hang_up_after_ms=60_000))
    world.until(lambda: one.heard_of(LineRang))
    one.line.answer(world.now)
    world.until(lambda: one.heard_of(LineAnswered), 1500)
    one.line.receive(f"\x10XNMBR = {NUMBER}\r\n\x10.".encode(), world.now)
    assert one.callers() == [UNKNOWN, SHOWN]


@pytest.mark.parametrize("fault", ["", "spoilt", "doubled", "cut"])
@pytest.mark.parametrize("after_ms", [50, 900, 2100])
def test_an_answer_waits_for_no_identity(fault: str, after_ms: int) -> None:
    """P1: whoever lifts at once is connected at once; the name is told, or not, beside it."""
    one, world = _ready("conexant", "after")
    one.place(CallPlan(caller=NUMBER, id_fault=fault, hang_up_after_ms=60_000))
    world.until(lambda: one.heard_of(LineRang))
    world.run(after_ms)
    one.line.answer(world.now)
    world.until(lambda: one.heard_of(LineAnswered), 1500)
    told = one.heard_of(CallerIdentified)
    assert 1 <= len(set(told)) == len(told) <= 2  # unknown at once, the number when it has come


def test_the_identity_of_one_call_is_not_the_next_one_s() -> None:
    """A caller with a number gives up; who calls next has none."""
    one, world = _ready("conexant", "after")
    one.place(CallPlan(caller=NUMBER, rings=1))
    world.until(lambda: one.heard_of(CallerIdentified))
    world.run(14_000)
    one.place(CallPlan(caller="none"))
    world.until(lambda: len(one.heard_of(CallerIdentified)) == 2)
    assert [each.caller for each in one.heard_of(CallerIdentified)] == [SHOWN, UNKNOWN]
