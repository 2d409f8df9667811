"""Call control is killed while phones are in calls with it: its successor sets them free."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import OfficeError
from tests.helpers import baresip, linphone
from tests.helpers.baresip import Baresip
from tests.helpers.box import Box
from tests.helpers.linphone import Linphone
from tests.interop.offices import needed

pytestmark = pytest.mark.system

SOON = 20.0
"""Seconds from the start of the successor until its phones are free: far less than a phone waits by
itself for one that has gone. On a quiet machine it takes 3 s.
"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box with baresip and linphone as its operators' phones."""
    needed(baresip.PACKAGE, is_here=baresip.is_installed())
    needed(linphone.PACKAGE, is_here=linphone.is_installed())
    with Box(tmp_path / "box", operators=("talks", "rings"), counters=()) as made:
        yield made


def test_its_phones_are_free_soon_after_the_restart(box: Box, tmp_path: Path) -> None:
    """One phone talks and one rings when call control is killed (SIGKILL): both are free soon after
    the restart, and can be rung at once. What was written of them is gone.
    """
    server = (box.address, box.port)
    with (
        Baresip(tmp_path / "talks", "talks", server=server, secret="secret-talks") as talks,
        Linphone(tmp_path / "rings", "rings", server=server, secret="secret-rings") as rings,
    ):
        box.wait_until(lambda: is_free(box, "talks", "rings"), 10.0, "the phones did not register")
        box.place(1, caller="0511234567")
        talks.wait_for("CALL_INCOMING")
        talks.do("accept")
        talks.wait_for("CALL_ESTABLISHED")
        rings.wait_for(" ended (")  # answered elsewhere
        box.place(2, caller="0517654321")
        rings.wait_for("Receiving new incoming call")
        box.wait_until(lambda: len(kept(box)) == 2, 10.0, "the calls were not written")

        box.kill()
        began = time.monotonic()
        box.start(ready=False)
        talks.wait_for("CALL_CLOSED", SOON)
        rings.wait_for(" ended (", SOON)
        took = time.monotonic() - began
        print(f"free {took:.1f} s after the start")  # noqa: T201 - a figure for the report
        assert took < SOON

        box.wait_until(lambda: kept(box) == [], 10.0, "the calls stayed written")
        box.wait_until(lambda: is_free(box, "talks", "rings"), 30.0, "the phones are not free")


def kept(box: Box) -> list[object]:
    """Return the calls that call control has written down for a successor."""
    try:
        found: list[object] = json.loads((box.folder / "run" / "calls.json").read_text())
    except FileNotFoundError:
        return []
    return found


def is_free(box: Box, *phones: str) -> bool:
    """Tell whether these phones could be rung now."""
    try:
        free: list[str] = box.status()["switchboard"]["free"]
    except OfficeError:
        return False
    return sorted(free) == sorted(phones)
