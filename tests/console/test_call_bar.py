"""The call bar on every page: whose call it shows, and what the phone can do with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.calls import commands, events
from appliance.calls.phone_control import PhoneControl
from appliance.calls.side_states import SideState
from appliance.console.call_bar import (
    PLACED,
    WITH_COLLEAGUE,
    BarState,
    OwnCall,
    PhoneActs,
    call_bar,
    phone_acts,
    position_labels,
)
from appliance.console.settings import ConsoleSettings
from tests.calls.examples import RANG, TEN, later, tell, up
from tests.calls.test_phone_control import announced, placed
from tests.calls.test_transfer import office_switchboard
from tests.console import people
from tests.console.states import seen
from tests.console.test_operator import Home

pytestmark = pytest.mark.usefixtures("records")


def test_without_a_call_it_says_how_the_position_is() -> None:
    """Free, busy, away; who has no position is told so."""
    status = seen(up())
    idle = call_bar(status, "op1")
    assert (idle.state, idle.is_on) == (BarState.IDLE, False)
    assert idle.me is not None
    assert call_bar(status, "").state is BarState.NO_POSITION


def test_a_call_that_waits_is_shown_to_everybody() -> None:
    """Also to who sits nowhere, and has no phone to answer it with."""
    switchboard = up()
    tell(switchboard, TEN, RANG)
    for position in ("op1", ""):
        bar = call_bar(seen(switchboard), position)
        assert bar.state is BarState.RINGS
        assert bar.call is not None
        assert bar.call.waits
        assert bar.acts.can_answer == ((bar.call.call,) if position else ())


def test_ones_own_call_comes_before_what_rings() -> None:
    """In conversation the bar is the conversation's."""
    bar = call_bar(seen(office_switchboard()), "op1")
    assert bar.state is BarState.TALKS
    assert bar.call is not None
    assert bar.call.mine


def test_the_phone_can_do_what_call_control_reports() -> None:
    """Each act of the position's own phone alone; without a report none."""
    controls = (
        PhoneControl("op2", "", can_answer=("x",)),
        PhoneControl("op1", "", can_answer=("a", "b"), can_hold=True, can_dial=True),
    )
    acts = phone_acts(controls, "op1")
    assert acts == PhoneActs(("a", "b"), can_hold=True, can_dial=True)
    assert phone_acts(controls, "elsewhere") == PhoneActs()


def test_a_call_that_one_has_placed_is_ones_own() -> None:
    """With what the phone can do with it, and who waits meanwhile; an older call control's has no
    beginning.
    """
    switchboard, side = placed()
    bar = call_bar(seen(switchboard), "op1")
    assert (bar.state, bar.call, bar.is_on, bar.acts.can_hold) == (BarState.TALKS, None, True, True)
    assert bar.own == OwnCall(PLACED[SideState.TALKING], TEN.wall)
    tell(switchboard, TEN, RANG, events.HoldWished(side.record.call, "op1"))
    bar = call_bar(seen(switchboard), "op1")
    assert (bar.state, bar.acts.can_resume) == (BarState.HOLDS, True)
    assert bar.own == OwnCall(PLACED[SideState.ON_HOLD], TEN.wall)
    assert bar.following is not None
    assert call_bar(seen(switchboard), "op2").own is None


def test_it_says_why_the_position_is_away(console_settings: ConsoleSettings) -> None:
    """Since when, by whom and until when: whoever comes back to the desk wonders."""
    switchboard = up()
    until = later(TEN, 1800).wall
    request = commands.SetAway(on=True, by="op1", until=until)
    tell(switchboard, TEN, events.ServiceStateChanged(request))
    bar = call_bar(seen(switchboard), "op1")
    assert bar.me is not None
    assert (bar.state, bar.me.state, bar.at) == (BarState.IDLE, "away", TEN.wall)
    with Home(console_settings, switchboard) as home:
        shown = home.visitor.get("/messages").text.split('id="call-bar"')[1].split("</section>")[0]
        words = " ".join(shown.split())
        assert "dalle 10:00 (con un tasto del suo telefono) fino alle 10:30" in words


def test_an_announced_call_is_handed_over_in_the_bar(console_settings: ConsoleSettings) -> None:
    """The office has answered: with whom one talks and who waits, in words; one primary action."""
    switchboard = announced()
    with Home(console_settings, switchboard) as home:
        text = home.visitor.get("/desk").text
        shown = text.split('id="call-bar"')[1].split("</section>")[0]
        assert "Stai parlando con Anagrafe" in shown
        assert "è in attesa" in shown
        assert [shown.count(one) for one in ('value="hand_over"', 'value="alternate"')] == [1, 1]
        assert 'value="resume"' in shown
        assert shown.count("primary") == 1
    tell(switchboard, TEN, events.AlternateWished("boot7-1", "op1"))
    mine = call_bar(seen(switchboard), "op1").call
    assert mine is not None
    assert (mine.office, mine.office_waits) == ("Anagrafe", True)
    with Home(console_settings, switchboard) as home:
        text = home.visitor.get("/desk").text
        assert "Stai parlando con l&#39;utente; Anagrafe è in attesa" in text
        assert "Parla con l&#39;ufficio" in text
    tell(switchboard, TEN, events.HandOverWished("boot7-1", "op1"))
    bar = call_bar(seen(switchboard), "op1")
    assert (bar.state, bar.call) == (BarState.IDLE, None), "free for the next call"


def test_a_colleagues_call_is_answered_and_ended_in_the_bar(
    console_settings: ConsoleSettings,
) -> None:
    """It has no caller: the phone rings, then it is in a call."""
    switchboard = up()
    tell(switchboard, TEN, events.PhoneDialled("k1", "op2", "11"))
    bar = call_bar(seen(switchboard), "op1")
    assert (bar.state, bar.own, bar.acts.rings) == (BarState.IDLE, None, True)
    with Home(console_settings, switchboard) as home:
        text = home.visitor.get("/desk").text
        assert "Il tuo telefono squilla" in text
        assert 'data-action="answer"' in text
    (side,) = switchboard._board.sides.values()
    (leg,) = (leg for leg, phone in side.legs.items() if phone == "op1")
    tell(switchboard, TEN, events.OperatorAnswered(leg, "op1"))
    assert call_bar(seen(switchboard), "op1").own == OwnCall(WITH_COLLEAGUE)
    with Home(console_settings, switchboard) as home:
        text = home.visitor.get("/desk").text
        assert "Il tuo telefono è in una chiamata interna." in text
        assert 'data-action="hang-up"' in text


def test_positions_are_called_by_their_labels() -> None:
    """A phone without a label keeps its code."""
    status = seen(up())
    first = replace(status.phones[0], label="Sportello A") if status.phones else None
    if first is not None:
        labels = position_labels(replace(status, phones=(first,)))
        assert labels == {first.name: "Sportello A"}
    assert position_labels(replace(status, phones=())) == {}


@pytest.mark.parametrize(
    ("act", "asked"),
    [
        ("answer", "AnswerCall"),
        ("hold", "HoldCall"),
        ("resume", "ResumeCall"),
        ("alternate", "AlternateCall"),
        ("hand_over", "HandOverCall"),
        ("hang_up", "HangUpCall"),
    ],
)
def test_a_button_is_a_command_for_ones_own_phone(
    console_settings: ConsoleSettings, act: str, asked: str
) -> None:
    """The position is the requester's, whatever the form says; the call is the one they saw."""
    with Home(console_settings, up()) as home:
        answer = home.visitor.post(
            "/desk/phone", data={"act": act, "call": "c1", "position": "op9"}
        )
        assert answer.json()["done"]
        wanted = {"ask": asked, "position": "op1", "by": people.CARLA.name, "call": "c1"}
        assert home.question == wanted


def test_what_no_phone_can_do_is_refused(console_settings: ConsoleSettings) -> None:
    """In words, and call control is not asked."""
    with Home(console_settings, up()) as home:
        for path, fields in (("/desk/phone", {"act": "explode"}), ("/desk/dial", {"number": " "})):
            answer = home.visitor.post(path, data=fields)
            assert (answer.status_code, answer.json()["done"]) == (400, False)
        assert home.served.asked == []


def test_a_number_is_dialled_from_ones_own_phone(console_settings: ConsoleSettings) -> None:
    """With the reason of a call that cannot wait."""
    with Home(console_settings, up()) as home:
        form = {"number": " 051 555 0142 ", "urgent": "1"}
        assert home.visitor.post("/desk/dial", data=form).json()["done"]
        wanted: dict[str, Any] = {
            "ask": "Dial", "position": "op1", "number": "051 555 0142", "urgent": True,
            "by": people.CARLA.name,
        }  # fmt: skip
        assert home.question == wanted


def test_it_stands_on_every_page_of_who_sees_calls(console_settings: ConsoleSettings) -> None:
    """With who calls and since when; a technician has no call bar."""
    switchboard = up()
    tell(switchboard, TEN, RANG)
    with Home(console_settings, switchboard) as home:
        for path in ("/", "/desk", "/messages", "/account"):
            text = home.visitor.get(path).text
            assert text.count('id="call-bar"') == 1, path
            assert 'data-state="rings"' in text
            assert 'data-action="answer"' in text
            assert 'data-action="away"' in text
        home.visitor.log_in(people.BEPPE)
        assert 'id="call-bar"' not in home.visitor.get("/").text
