"""The next change of the written hours: what the status names is when the house opens or closes."""

from __future__ import annotations

from datetime import datetime

import pytest

from appliance.calls.switchboard import Switchboard
from appliance.commands.status import _now
from appliance.config import read
from appliance.config.office import build_office
from appliance.policy.clock import Now
from appliance.policy.hours import moment_words
from tests.stories.offices import ROME

OFFICE = build_office(
    read.parse(
        '[site]\nname = "Comune"\npatron = "10-04"\n[sip]\naddress = "127.0.0.1"\n[hours]\n'
        + "".join(f'{day} = ["9-18"]\n' for day in ("monday", "tuesday", "wednesday", "thursday"))
    ),
    2026,
)


@pytest.mark.parametrize(
    ("at", "changes"),
    [
        (datetime(2026, 11, 25, 10, tzinfo=ROME), datetime(2026, 11, 25, 18, tzinfo=ROME)),
        (datetime(2026, 12, 7, 22, tzinfo=ROME), datetime(2026, 12, 9, 9, tzinfo=ROME)),
        (datetime(2026, 12, 8, 10, tzinfo=ROME), datetime(2026, 12, 9, 9, tzinfo=ROME)),
    ],
    ids=["open", "the evening before a holiday", "a holiday"],
)
def test_check_and_status_name_the_same_moment(at: datetime, changes: datetime) -> None:
    """A holiday that begins at midnight while it is closed anyhow changes nothing for a caller."""
    found = Switchboard(OFFICE, "boot7").status(Now(500.0, at)).changes_at
    assert found == changes
    said = _now(OFFICE, at).text("en")
    assert said.endswith(f"changes {moment_words(changes, 'en', year=False)}")
