"""The sheet that answered a caller (P2), noted by command beside the running box."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from tests.helpers.box import Box
from tests.system.calls import end, in_call

pytestmark = pytest.mark.system

EXAMPLES = str(resources.files("appliance.config") / "example_sheets")


def sheets(box: Box, *arguments: str) -> str:
    """Run `centralino office sheets` beside the running box."""
    asked = ("sheets", "--config", str(box.config_path), *arguments)
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.promise("P2")
def test_in_the_call_and_after_it(tmp_path: Path) -> None:
    """The call that op1 is in, then the one it has just ended; both stand in one record."""
    with Box(tmp_path, lines=1) as box:
        sheets(box, "import", EXAMPLES)
        call, name = in_call(box, 1, box.phone("op1"))
        said = sheets(box, "used", "imu", "--position", "op1")
        assert said.startswith("Scheda «IMU")
        box.wait_until(
            lambda: box.status()["calls"][0]["record"]["sheets"] == ["imu"], 5.0, "not noted"
        )
        assert end(box, call).sheets == ("imu",)
        sheets(box, "used", "carta-identita", "--position", "op1")
        records = {record.call: record for record in box.records()}
        assert records[name].sheets == ("imu", "carta-identita")
