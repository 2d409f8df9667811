"""A group's ordinary telephone, called over a second line: what a story cannot say."""

from __future__ import annotations

from appliance.calls import events, orders
from tests.calls.examples import KNOWN, RANG, TEN, tell, up


def test_only_its_line_tells_of_a_telephone() -> None:
    """A phone's word for a leg that no phone has would leave its line seized: it means nothing."""
    switchboard = up("outside")
    for phone in ("op1", "op2", "desk1", "desk2"):
        tell(switchboard, TEN, events.PhoneGone(phone))
    assert orders.DialLeg("line3", "0541704111", 20_000) in tell(switchboard, TEN, RANG, KNOWN)
    assert tell(switchboard, TEN, events.PhoneHungUp("boot7-1.1")) == []
    assert orders.HangUp("line3") in tell(
        switchboard, TEN, events.FarEndProgressed("line3", events.FarEnd.BUSY)
    )


def test_a_groups_telephone_sends_nothing_back() -> None:
    """B4: its stars are the far end's, which hears them; only an office has a key (E7)."""
    switchboard = up("outside")
    for phone in ("op1", "op2", "desk1", "desk2"):
        tell(switchboard, TEN, events.PhoneGone(phone))
    tell(switchboard, TEN, RANG, KNOWN, events.FarEndProgressed("line3", events.FarEnd.ANSWERED))
    key = events.DigitPressed("1", events.DigitSource.SOUND, "line3")
    star = events.DigitPressed("*", events.DigitSource.SOUND, "line3")
    answered = tell(switchboard, TEN, key)
    assert orders.JoinLines("line1", "line3") in answered
    tell(switchboard, TEN, events.LineAnswered("line1"))
    assert tell(switchboard, TEN, star, star, star) == []
