"""A whole box in its quiet hour: what it does for itself, unasked, and what people see of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.service import nightly as service_nightly
from appliance.service.nightly import Night
from tests.faults.test_clock import clocked
from tests.helpers.box import JOB_S, ROME, Box
from tests.helpers.words import pair

pytestmark = pytest.mark.system

QUIET = datetime(2026, 11, 25, 3, 6, tzinfo=ROME)


def last_night(box: Box) -> dict[str, Any]:
    """Wait for the end of the night's work; returns what call control tells of it, in whole
    seconds.
    """
    box.wait_until(
        lambda: datetime.fromisoformat(box.status()["night"]["at"]) >= QUIET,
        JOB_S,
        "the night's work was not done",
    )
    found: dict[str, Any] = box.status()["night"]
    return found


def test_the_night_is_used_once(tmp_path: Path) -> None:
    """Records looked through and copied by a child, which ends; everybody is told, once."""
    before = tmp_path / "box" / "state"
    (before / service_nightly.NIGHTLY).mkdir(parents=True)
    service_nightly.keep_night(
        before, Night(QUIET - timedelta(days=1), True, False, pair("ieri", "yesterday"))
    )
    with clocked(tmp_path, QUIET) as (box, _):
        done = last_night(box)
        assert (done["well"], done["damaged"]) == (True, False), done
        nightly = box.state / service_nightly.NIGHTLY
        assert (nightly / "2026-11-25" / "centralino.db").stat().st_size > 0
        told = box.ask("status")["said"]["it"]
        assert "Lavoro notturno del 25 novembre 2026 alle 03:0" in told
        assert "archivi integri; copia sulla scheda fatta" in told
        assert box.troubles() == []
        assert box.status()["card"]["total_mb"] > 0
        assert box.log().count("the night's work: ") == 1
