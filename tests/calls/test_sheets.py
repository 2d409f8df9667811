"""Which sheets answered a caller (P2) stands in the call's record."""

from __future__ import annotations

from appliance.calls import events
from tests.calls.examples import KNOWN, RANG, TEN, records, tell, up


def test_a_sheet_is_kept_once_while_the_call_goes_on() -> None:
    """The same one twice is one, and writes nothing; a call nobody knows has none."""
    switchboard = up()
    call = records(tell(switchboard, TEN, RANG, KNOWN))[-1].call
    used = tell(switchboard, TEN, events.SheetUsed(call, "imu"), events.SheetUsed(call, "carta"))
    assert [record.sheets for record in records(used)] == [("imu",), ("imu", "carta")]
    assert records(used)[-1].trail[-2:] == ("sheet.imu", "sheet.carta")
    assert tell(switchboard, TEN, events.SheetUsed(call, "imu")) == []
    assert tell(switchboard, TEN, events.SheetUsed("boot7-99", "imu")) == []
