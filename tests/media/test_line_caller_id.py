"""Who calls, end to end: exchange, FSK's fate, modem, driver; whatever goes wrong, in time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls.events import (
    Caller,
    CallerHungUp,
    CallerIdentified,
    LineAnswered,
    LineIdle,
    LineRang,
    LineRestored,
    Presentation,
)
from appliance.media.line import AnalogLine
from appliance.media.messages import LineSetup, StillRinging
from appliance.simulator.exchange.call import CallPlan, ExchangeCall
from tests.media.virtual import Hosted, World

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


# --- a caller who rang before this process began --------------------------------------------------


def _found(make: str, ago_ms: int, caller: Caller | None) -> tuple[Hosted, World, ExchangeCall]:
    """A gateway that is told, before its start, of a caller who rings on a modem that is up."""
    one, world = _ready(make, "after")
    modem = one.line.status.modem
    call = one.place(CallPlan(caller=NUMBER, rings=20))
    world.until(lambda: one.heard_of(LineRang))
    world.run(ago_ms)
    one.line = AnalogLine(one.setup, one.told.append, lambda: one.link, 60)
    one.line.found_ringing(StillRinging("line1", modem, ago_ms, caller), world.now)
    one.told.clear()
    return one, world, call


@pytest.mark.parametrize("make", ["conexant", "usr5637"])
@pytest.mark.parametrize("ago_ms", [500, 2900])
@pytest.mark.parametrize(("caller", "told"), [(SHOWN, SHOWN), (None, UNKNOWN)])
def test_who_rang_as_the_last_media_gateway_died_is_told_at_once(
    make: str, ago_ms: int, caller: Caller | None, told: Caller
) -> None:
    """B6: no initialising, no next ring and no identity is waited for; the call can be answered."""
    one, world, _ = _found(make, ago_ms, caller)
    one.line.start(world.now)
    world.until(lambda: one.heard_of(LineRang), 1000)
    assert one.heard_of(LineRestored)[0].modem == one.line.status.modem
    assert one.heard_of(LineRang) == [LineRang("line1", 1, told)]
    world.run(2000)
    assert one.callers()[0] == told  # one that is under way yet is told as well
    one.line.answer(world.now)
    world.until(lambda: one.heard_of(LineAnswered), 1500)
    world.hang_up(one)
    world.until(lambda: one.heard_of(LineIdle))


def test_who_gave_up_as_the_media_gateway_died_is_told_to_have_gone() -> None:
    """No ring follows within the gap, counted from the last one that anybody heard."""
    one, world, call = _found("conexant", 3000, SHOWN)
    call.wants_to_hang_up = True
    one.line.start(world.now)
    world.until(lambda: one.heard_of(CallerHungUp), 4100)
    world.until(lambda: one.heard_of(LineIdle), 3000)


@pytest.mark.parametrize("ago_ms", [7000, 60_000])
def test_who_rang_too_long_ago_has_gone(ago_ms: int) -> None:
    """The modem is initialised as ever."""
    one, world = _ready("conexant", "after")
    one.line = AnalogLine(one.setup, one.told.append, lambda: one.link, 60)
    one.line.found_ringing(StillRinging("line1", "CONEXANT", ago_ms, SHOWN), world.now)
    one.told.clear()
    one.line.start(world.now)
    world.until(lambda: one.heard_of(LineRestored), 10_000)
    world.run(3000)
    assert one.heard_of(LineRang) == []


def test_a_modem_that_is_not_as_it_was_is_initialised_while_it_rings() -> None:
    """It streams, or lost its settings: the caller is told of once it is up."""
    one, world, _ = _found("conexant", 500, SHOWN)
    one.station.power_cycle()
    one.line.start(world.now)
    world.until(lambda: one.heard_of(LineRang), 10_000)
    assert one.callers()[0] == SHOWN
    one.line.answer(world.now)
    world.until(lambda: one.heard_of(LineAnswered), 2500)
    world.hang_up(one)


def test_who_begins_to_ring_while_the_modem_is_initialised_is_told_when_it_is_up() -> None:
    """After a power cut: nobody waits for the exchange's next ring, nor for an identity that was
    sent when nobody listened.
    """
    setup = LineSetup("line1", "", caller_id="after", identity_limit_ms=LIMIT_MS)
    one = Hosted(setup, "conexant")
    world = World(one)
    one.place(CallPlan(caller="none", rings=20))
    world.run(200)
    one.line.start(world.now)
    world.run(700)  # it is being brought to its command state
    world.until(lambda: one.heard_of(LineRang), 6000)
    (up,), rang = one.heard_of(LineRestored), one.heard_of(LineRang)[0]
    assert one.told.index(rang) == one.told.index(up) + 1
