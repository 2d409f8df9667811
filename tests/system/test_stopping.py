"""The service is stopped while a caller leaves a message: what was said is kept, and said so."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.calls.events import Evidence
from appliance.calls.orders import Result
from tests.helpers.box import Box, wait
from tests.system.calls import in_state, into_voicemail, is_at_rest

pytestmark = pytest.mark.system


@pytest.mark.promise("B5")
def test_a_message_under_way_is_stored_whole_before_the_box_stops(tmp_path: Path) -> None:
    """B5: its record is final, with the message; the next start finds nothing to recover."""
    with Box(tmp_path) as box:
        box.ask("SetClosed", on=True, by="test", until=None)
        _, caller = into_voicemail(box, 20.0)
        in_state(box, "recording")
        wait(4.0)
        assert box.stop() == 0
        assert caller.wait(5.0).ended_by == "host"
        assert is_at_rest(box, 1)
        (record,), (message,) = box.records(), box.messages()
    assert (record.result, record.evidence) == (Result.MESSAGE, Evidence.STOPPED)
    assert record.ended_at is not None
    assert (record.message, message.interrupted) == (message.id, False)
    assert message.length_ms > 3500
