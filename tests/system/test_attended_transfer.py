"""P3, P5 with a real telephone that can consult: linphone's own key joins its two calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from tests.bench.office import noise
from tests.helpers import linphone
from tests.helpers.linphone import Linphone
from tests.system.calls import in_state, place
from tests.system.test_calling_out import is_heard
from tests.system.test_transfer import OfficeBox, over

pytestmark = pytest.mark.system


@pytest.fixture
def box(tmp_path: Path) -> Iterator[OfficeBox]:
    """A box with a declared office."""
    if not linphone.is_installed():
        pytest.skip(f"needs the Debian package {linphone.PACKAGE}")
    with OfficeBox(tmp_path, lines=1, options=("--no-chip-tones",), ring=20) as made:
        made.declare()
        yield made


def test_linphone_joins_its_caller_with_the_office(box: OfficeBox, tmp_path: Path) -> None:
    """It holds its caller, dials the office's code, speaks, and sends REFER with Replaces: caller
    and clerk talk, both its calls end, and the record says how.
    """
    server = (box.address, box.port)
    secret = "secret-op1"
    with (
        box.phone("ana1") as ana1,
        Linphone(tmp_path / "op1", "op1", server=server, secret=secret, auto=True) as op1,
    ):
        ana1.answer_mode("auto", 300)
        box.wait_until(
            lambda: "op1" in box.status()["switchboard"]["free"], 10.0, "op1 did not register"
        )
        call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
        op1.wait_for("Media streams established", 20.0)
        in_state(box, "talking")
        name = box.status()["calls"][0]["call"]
        op1.do("pause")
        op1.wait_for("Call 1 with")
        op1.do("call 31")
        ana1.wait_event("ack", 20.0)
        op1.wait_for("Media streams established", 20.0)
        op1.do("transfer 1 --to-call 2")
        in_state(box, "transferred")
        call.say(noise(3.0, 7))
        box.wait_until(lambda: is_heard(ana1.received().data), 15.0, "the clerk hears nobody")
        for _ in range(2):
            op1.wait_for("ended")
        record = over(box, call, name)
        ana1.wait_event("ended", 10.0)
    assert (record.result, record.phone, record.unit) == (Result.ANSWERED, "op1", "anagrafe")
    assert record.target == "Anagrafe, sportello 1"
    assert record.returned == ""
    assert "transfer.attended" in record.trail
