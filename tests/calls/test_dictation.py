"""An announcement is dictated beside the stories: what crosses, what must not go on for ever."""

from __future__ import annotations

import pytest

from appliance.calls import events, orders
from appliance.calls.dictation import MOST_TAKES
from appliance.calls.events import DigitPressed, DigitSource, RecordingStop
from appliance.calls.orders import Order
from appliance.calls.status import GOING_ON, SAID, Went
from appliance.calls.switchboard import Switchboard
from tests.calls.examples import KNOWN, RANG, TEN, UP, later, tell, up

ASKED = events.DictationAsked("page", "op1")
LEG = "boot7-1.1"


def key(digit: str) -> events.DigitPressed:
    """Return a key of the phone."""
    return DigitPressed(digit, DigitSource.RFC4733, leg=LEG)


def ended(take: int, length_ms: int = 5000, trim_ms: int = 0) -> events.RecordingEnded:
    """Return the end of a take by its key."""
    return events.RecordingEnded(f"take:{LEG}.{take}", RecordingStop.KEY, length_ms, trim_ms)


def spoken(play: int) -> events.PromptEnded:
    """Return the end of what the phone hears."""
    return events.PromptEnded(f"key:{LEG}.{play}")


def dictating() -> Switchboard:
    """Return a switchboard at which op1 has lifted and hears what to do."""
    switchboard = up()
    tell(switchboard, TEN, ASKED, events.OperatorAnswered(LEG, "op1"))
    return switchboard


def reviewing() -> Switchboard:
    """Return a switchboard at which op1 hears what it has said."""
    switchboard = dictating()
    tell(switchboard, TEN, spoken(1), ended(1))
    return switchboard


def went(given: list[Order]) -> list[str]:
    """Return what whoever asked was told."""
    return [order.went for order in given if isinstance(order, orders.TakeWent)]


@pytest.mark.parametrize(
    ("said", "last"),
    [(0, Went.SILENT), (5000, Went.DISCARDED)],
    ids=["nothing is ever said", "it is said again and again"],
)
def test_it_is_not_said_for_ever(said: int, last: Went) -> None:
    """A phone left off the hook, or somebody who is never content, frees the phone in the end."""
    switchboard = dictating()
    told: list[str] = []
    plays = 1
    for take in range(1, MOST_TAKES + 1):
        told += went(tell(switchboard, TEN, spoken(plays), ended(take, said)))
        plays += 2 if said else 1
        told += went(tell(switchboard, TEN, *([key("2")] if said else [])))
    assert told[-1] == last
    assert told.count(last) == 1
    (hangs_up,) = tell(switchboard, TEN, spoken(plays))
    assert hangs_up == orders.HangUpPhone(LEG)
    assert switchboard._board.sides == {}


def test_a_key_crosses_the_end_of_the_recording() -> None:
    """The hash pressed twice, or one key too early, does nothing."""
    switchboard = dictating()
    assert tell(switchboard, TEN, key("#")) == []  # before the tone
    tell(switchboard, TEN, spoken(1))
    assert tell(switchboard, TEN, key("1")) == []
    assert tell(switchboard, TEN, key("#")) == [orders.EndRecording(LEG)]
    tell(switchboard, TEN, ended(1))
    assert tell(switchboard, TEN, key("#")) == []
    assert tell(switchboard, TEN, ended(1)) == []


def test_the_star_discards_what_is_heard_again() -> None:
    """As putting the handset down does."""
    switchboard = reviewing()
    given = tell(switchboard, TEN, key("*"))
    assert given[:2] == [orders.HangUpPhone(LEG), orders.DropTake(f"take:{LEG}.1")]
    assert went(given) == [Went.DISCARDED]


def test_a_store_that_does_not_answer_is_told() -> None:
    """The person is not left waiting; what comes late is nobody's."""
    switchboard = reviewing()
    tell(switchboard, TEN, key("1"))
    late = later(TEN, 10.1)
    given = tell(switchboard, late, *switchboard.due(late))
    assert went(given) == [Went.NOT_KEPT]
    assert tell(switchboard, late, events.TakeKept(LEG)) == []


@pytest.mark.parametrize("gone", [events.PhoneHungUp(LEG), events.MediaGatewayLost("killed")])
def test_who_hangs_up_while_it_is_being_kept_has_kept_it(gone: events.Event) -> None:
    """Nothing more is ordered: the store tells whoever asked."""
    switchboard = reviewing()
    tell(switchboard, TEN, key("1"))
    assert tell(switchboard, TEN, gone) == []
    assert switchboard._board.sides == {}


def test_a_caller_takes_the_phone_of_somebody_who_has_kept_it() -> None:
    """The draft stays; only the phone goes."""
    switchboard = reviewing()
    tell(switchboard, TEN, key("1"), events.PhoneGone("op2"))
    given = tell(switchboard, TEN, RANG, KNOWN)
    assert orders.HangUpPhone(LEG) in given
    assert not [order for order in given if isinstance(order, orders.DropTake)]
    assert went(given) == []


def test_an_engaged_phone_is_not_rung() -> None:
    """Whoever talks with a caller is left alone; one that rings for a caller too."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN)
    (told,) = tell(switchboard, TEN, ASKED)
    assert isinstance(told, orders.AnswerAsked)
    assert not told.done
    (call,) = switchboard._board.calls.values()
    leg = next(leg for leg, phone in call.legs.items() if phone == "op1")
    tell(switchboard, TEN, events.OperatorAnswered(leg, "op1"), UP)
    (told,) = tell(switchboard, TEN, ASKED)
    assert isinstance(told, orders.AnswerAsked)
    assert told.said == SAID[Went.BUSY]


def test_every_step_has_its_sentence() -> None:
    """In both languages; only what goes on is no end."""
    assert set(SAID) == set(Went)
    assert all(words.text("it") and words.text("en") for words in SAID.values())
    assert {Went.KEPT, Went.NEEDED, Went.LOST}.isdisjoint(GOING_ON)
