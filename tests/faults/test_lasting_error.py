"""F5: the card refuses every fsync for good: one restart, then a box that answers without it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.service.supervision import FILE
from appliance.simulator.phone.process import TestPhone
from tests.faults.needs import require
from tests.helpers.box import Box
from tests.helpers.figures import Figures
from tests.system.calls import in_call
from tests.system.notices import Notices

pytestmark = pytest.mark.system
REFUSED = ("fsync", "fdatasync")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box that believes itself under a service manager: it may leave."""
    require("strace", root=True)
    with Notices(60.0) as notices, Box(tmp_path, lines=1, environment=notices.environment) as made:
        yield made


@contextlib.contextmanager
def refusing(box: Box) -> Iterator[None]:
    """Have every fsync of call control fail from now on; it may end meanwhile."""
    assert box.daemon is not None
    inject = [part for call in REFUSED for part in ("-e", f"inject={call}:error=EIO")]
    trace = ["-e", f"trace={','.join(REFUSED)}", *inject]
    command = ["strace", "-f", "-o", str(box.folder / "strace"), *trace]
    strace = subprocess.Popen([*command, "-p", str(box.daemon.pid)], stderr=subprocess.PIPE)
    assert strace.stderr is not None
    strace.stderr.readline()  # "Process N attached"
    try:
        yield
    finally:
        strace.terminate()
        strace.wait(10.0)
        strace.stderr.close()


def troubles(box: Box) -> str:
    """Return what the status complains of."""
    return " ".join(box.troubles())


def left(box: Box) -> int:
    """Wait until the service has left of its own accord; returns its status."""
    assert box.daemon is not None
    return box.daemon.wait(30.0)


def conversation(box: Box, phone: TestPhone) -> None:
    """Have a caller talk to the operator."""
    call, _ = in_call(box, 1, phone)
    call.hang_up()
    box.wait_until(box.is_idle, 30.0, "the line did not come to rest")


def test_a_card_that_refuses_for_good(box: Box, figures: Figures) -> None:
    """Told as a trouble while the caller is still served, then one restart in good order; the next
    run finds the card as bad, stays and answers calls.
    """
    phone = box.phone("op1")
    with refusing(box):
        call, _ = in_call(box, 1, phone)
        box.wait_until(lambda: "restarts by itself" in troubles(box), 20.0, "nothing was told")
        assert box.status()["calls"], "nobody is cut off for it"
        call.hang_up()
        assert left(box) == 0
    box.start()
    with refusing(box):
        conversation(box, phone)
        box.wait_until(lambda: "was of no use" in troubles(box), 20.0, "nothing was told")
    assert box.daemon is not None
    assert box.daemon.poll() is None, "it left a second time"
    assert (box.folder / "run" / FILE).exists()
    figures.say("F5 every fsync refused for good: 1 restart, calls answered after it")
