"""Of which body of the address book a caller was told a number stands in the call's record."""

from __future__ import annotations

from appliance.calls import events
from appliance.calls.status import path_of
from tests.calls.examples import KNOWN, RANG, TEN, records, tell, up


def test_it_is_kept_once_while_the_call_goes_on() -> None:
    """The same one twice is one, and writes nothing; a call nobody knows has none."""
    switchboard = up()
    call = records(tell(switchboard, TEN, RANG, KNOWN))[-1].call
    told = tell(switchboard, TEN, events.NumberTold(call, "ausl"), events.NumberTold(call, "hera"))
    assert [record.told for record in records(told)] == [("ausl",), ("ausl", "hera")]
    assert records(told)[-1].trail[-2:] == ("book.ausl", "book.hera")
    assert tell(switchboard, TEN, events.NumberTold(call, "ausl")) == []
    assert tell(switchboard, TEN, events.NumberTold("boot7-99", "ausl")) == []
    said = [step.words.text("en") for step in path_of(records(told)[-1], {"book.ausl": "AUSL"})]
    assert said[-2:] == ["Is told a number of: AUSL", "Is told a number of: hera"]
