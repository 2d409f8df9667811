"""What stands at the operator's side: calls, positions, states; in front-desk words alone (E22)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.calls import commands, events
from appliance.calls.events import Caller, Presentation
from appliance.calls.model import LineState
from appliance.calls.status import LineStatus
from appliance.calls.switchboard import Switchboard
from appliance.console.live import OperatorView, line_labels, operator_view
from appliance.policy.clock import ClockState
from tests.calls.examples import KNOWN, RANG, TEN, UP, later, tell, up
from tests.calls.test_branches_inbound import COMES, IS_UP, LIFTS
from tests.calls.test_phone_control import placed
from tests.calls.test_transfer import asked, office_switchboard
from tests.console.states import seen


def of(switchboard: Switchboard, position: str = "op1", seconds: float = 0.0) -> OperatorView:
    """Return what a position sees."""
    return operator_view(seen(switchboard, later(TEN, seconds)), position)


def test_a_call_that_rings_says_who_calls_which_number_since_when() -> None:
    """E22: number called, caller, time waiting; nobody talks, and it is nobody's yet."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN)
    (call,) = of(switchboard).calls
    assert call.caller == Caller(Presentation.SHOWN, "051234567", "Ada Rossi")
    assert (call.since, call.words.text("it"), call.waits) == (TEN.wall, "Squilla", True)
    assert (call.phone, call.mine, call.back) == ("", False, None)
    assert "op1" in call.phones


def test_a_withheld_caller_is_said_to_be_so() -> None:
    """Nothing is guessed of who calls."""
    switchboard = up()
    withheld = events.CallerIdentified("line1", Caller(Presentation.WITHHELD))
    tell(switchboard, TEN, RANG, withheld)
    (call,) = of(switchboard).calls
    assert call.caller.presentation is Presentation.WITHHELD


def test_the_call_one_talks_in_is_ones_own() -> None:
    """Keys act on it; to a colleague it is another's."""
    switchboard = office_switchboard()
    (call,) = of(switchboard).calls
    assert (call.mine, call.talks, call.phone, call.waits) == (True, True, "op1", False)
    assert of(switchboard).mine == call
    assert of(switchboard, "op2").mine is None
    assert of(switchboard, "").mine is None


def test_a_transfer_says_how_far_it_is() -> None:
    """The operator sees that the office rings, and then that the call came back and why."""
    switchboard = office_switchboard()
    asked(switchboard)
    (call,) = of(switchboard).calls
    assert (call.words.text("it"), call.mine) == ("Squilla: Anagrafe", True)
    (real,) = switchboard._board.calls.values()
    while real.transfer is not None and real.transfer.leg:
        tell(switchboard, TEN, events.PhoneDeclined(real.transfer.leg))
    (call,) = of(switchboard).calls
    assert call.back is not None
    assert (call.back.unit, call.back.office, call.mine) == ("anagrafe", "Anagrafe", True)
    assert call.back.why.text("it") == "ha rifiutato la chiamata"
    assert call.back.rules


def test_calls_that_wait_stand_first_the_longest_of_them_on_top() -> None:
    """Whoever waits longest is seen first; a conversation is no hurry."""
    switchboard = office_switchboard()
    tell(switchboard, later(TEN, 5), events.LineRang("line2"))
    assert [call.waits for call in of(switchboard).calls] == [True, False]


def test_positions_say_who_is_there() -> None:
    """Free, busy, away since when, out of reach."""
    switchboard = office_switchboard()
    until = TEN.wall + timedelta(minutes=30)
    away = commands.SetAway(on=True, by="op2", until=until)
    tell(switchboard, TEN, events.ServiceStateChanged(away), events.PhoneGone("desk1"))
    seen = of(switchboard)
    found = {one.phone: one for one in seen.positions}
    assert (found["op1"].state, found["op2"].state) == ("busy", "away")
    assert (found["op2"].mark.since, found["op2"].mark.until) == (TEN.wall, until)
    assert found["desk1"].state == "unreachable"
    assert seen.me == found["op1"]


def test_a_call_that_is_over_is_not_shown() -> None:
    """The line may still be clearing: nobody at the front desk need know."""
    switchboard = office_switchboard()
    tell(switchboard, TEN, events.CallerHungUp("line1", events.Evidence.BUSY_TONE))
    assert seen(switchboard).calls
    assert of(switchboard).calls == ()


@pytest.mark.parametrize("seconds", [0, 5, 20, 60, 90, 200])
def test_no_technicians_word_and_no_offices_number_is_in_it(seconds: int) -> None:
    """E22 and P7, however far a call has come."""
    switchboard = office_switchboard()
    asked(switchboard)
    tell(switchboard, later(TEN, seconds), *switchboard.due(later(TEN, seconds)))
    shown = repr(of(switchboard, seconds=seconds))
    assert "Anagrafe" in shown
    assert not re.search(r"\b(?:modem|sip:|line1|linea|204|205)\b", shown)


def test_who_is_up_before_the_first_word_is_known() -> None:
    """UP after KNOWN: the caller's name stays."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN, UP)
    assert of(switchboard).calls[0].caller.name == "Ada Rossi"


def test_a_time_that_nobody_trusts_is_said() -> None:
    """What holds meanwhile, and what to do; nothing while the clock is trusted."""
    switchboard = up()
    assert of(switchboard).time.text("it") == ""
    lost = replace(TEN, clock_state=ClockState.STALE)
    assert "i telefoni squillano" in operator_view(seen(switchboard, lost), "op1").time.text("it")


def test_a_caller_of_another_branch_says_whence_it_comes() -> None:
    """B9: a call like any other; the number called is not known, the branch is. No head is offered,
    for none can be let in.
    """
    switchboard = up()
    tell(switchboard, TEN, COMES, LIFTS, IS_UP)
    (call,) = of(switchboard).calls
    assert (call.origin, call.mine, call.talks, call.has_head) == ("porto", True, True, False)
    assert call.caller.number == "0512222222"
    tell(switchboard, TEN, RANG)
    assert next((one.origin, one.has_head) for one in of(switchboard).calls) == ("", True)


def a_line(name: str, label: str, called: str = "") -> LineStatus:
    """Return an idle line's status."""
    return LineStatus(name, label, LineState.IDLE, None, called=called)


def test_a_called_line_has_its_label() -> None:
    """P1: the label that the technician gave, by line or by its number alone; else the number."""
    lines = (
        a_line("line1", "Numero verde", "800011837"),
        a_line("line2", "051598111", "051598111"),
        a_line("line3", "line3"),
        a_line("line4", "Sala", "051598222"),
        a_line("line5", "Cortile", "051598222"),
    )
    status = replace(seen(up()), lines=lines)
    labels = line_labels(status)
    assert labels.of("800011837") == labels.of("", "line1") == "Numero verde"
    assert labels.of("051598111", "line2") == "051598111"
    assert labels.of("", "line3") == "", "its code is no label"
    assert labels.of("051598222", "line5") == "Cortile"
    assert labels.of("051598222") == "051598222", "two labels: nothing is guessed"
    assert line_labels(None).of("051598111", "line1") == "051598111"


def test_a_call_is_shown_with_the_label_of_its_line() -> None:
    """In the bar and at the desk alike."""
    switchboard = up()
    tell(switchboard, TEN, RANG)
    status = seen(switchboard)
    status = replace(status, lines=(a_line("line1", "Numero verde", "800011837"),))
    assert [one.called for one in operator_view(status, "op1").calls] == ["Numero verde"]


def doing(switchboard: Switchboard) -> dict[str, str]:
    """Return what each busy position is said to do."""
    said = {one.phone: one.doing.text("it") for one in of(switchboard).positions}
    return {phone: words for phone, words in said.items() if words}


def test_why_a_position_is_busy_is_said() -> None:
    """Its phone rings, a caller, a colleague, a number that it has called; no name (E21)."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN)
    assert doing(switchboard) == dict.fromkeys(("op1", "op2"), "il suo telefono squilla")
    switchboard = office_switchboard()
    tell(switchboard, TEN, events.PhoneDialled("k1", "op2", "21"))
    assert doing(switchboard)["op1"] == "con un utente"
    assert doing(switchboard)["op2"] == "chiamata interna"
    assert doing(placed()[0]) == {"op1": "ha chiamato un numero"}
