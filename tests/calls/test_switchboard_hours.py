"""The Switchboard lives by the hours that were entered, from the next call on (E14, E1)."""

from __future__ import annotations

from appliance.calls import events
from appliance.policy.hours import Period, Week
from appliance.policy.hours_changes import HoursEntry, Whose
from appliance.policy.opening import ReasonCode
from tests.calls.examples import TEN, up
from tests.helpers.words import pair

SHUT = Period(TEN.wall.date(), TEN.wall.date(), pair("Sciopero", "Strike"), Week(((),) * 7))
HOURS = (HoursEntry(1, Whose.HOUSE, SHUT, "capo", TEN.wall, "e-mail"),)


def test_a_closure_holds_at_once_and_is_taken_back() -> None:
    """What people see says so, with its name; without it all is as written."""
    switchboard = up()
    switchboard.handle(events.HoursChanged(HOURS), TEN)
    status = switchboard.status(TEN)
    assert (status.open, status.code) == (False, ReasonCode.SPECIAL)
    assert "Sciopero" in status.sentence.text("it")
    switchboard.handle(events.HoursChanged(()), TEN)
    assert switchboard.office == up().office


def test_what_is_no_list_of_entries_changes_nothing() -> None:
    """As for every value whose type is known elsewhere."""
    switchboard = up()
    switchboard.handle(events.HoursChanged("nonsense"), TEN)
    assert switchboard.office == up().office
