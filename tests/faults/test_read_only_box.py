"""F7: a whole box whose card turns read-only: calls go on, it says so, and is itself again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.simulator.phone.process import TestPhone
from tests.faults.disk import run, start_anew
from tests.faults.needs import require
from tests.helpers.box import Box
from tests.helpers.figures import Figures
from tests.system.calls import in_call, into_voicemail, record_of
from tests.system.processes import media_gateway_of
from tests.system.test_full_disk import SPOKEN_BYTES, heard_from_now, small_disk

pytestmark = pytest.mark.system

DISK_MB = 400
"""More than what a technician is warned of (voicemail/storage.py): there is no other trouble."""


@dataclass(frozen=True)
class Card:
    """An ext4 in a file, mounted where a box keeps its state."""

    image: Path
    mount: Path

    def fail(self) -> None:
        """Have the kernel find the file system damaged: from now on it is read-only."""
        loop = Path(run("findmnt", "-n", "-o", "SOURCE", self.mount)).name
        Path(f"/sys/fs/ext4/{loop}/trigger_fs_error").write_text("1")

    @property
    def is_read_only(self) -> bool:
        """Tell whether nothing can be written there."""
        with suppress(OSError):
            (self.mount / "probe").touch()
            return False
        return True


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    """Mount a card as the image's data partition is mounted."""
    require("mkfs.ext4", "losetup", root=True)
    mount = tmp_path / "box" / "state"
    with small_disk(tmp_path, mount, DISK_MB):
        run("mount", "-o", "remount,errors=remount-ro", mount)
        yield Card(tmp_path / "image", mount)


def closed(box: Box, *, on: bool) -> None:
    """Close the switchboard by hand, or open it: a caller is at the greeting at once."""
    box.ask("SetClosed", on=on, by="test", until=None)


def speak(box: Box) -> tuple[str, bytes]:
    """Have a caller speak and press the key; returns the call's name and what was heard then."""
    closed(box, on=True)
    name, caller = into_voicemail(box, 3.0)
    box.wait_until(lambda: states(box) <= {"recording", "farewell"}, 20.0, "no recording")
    if "recording" in states(box):
        caller.press("#")
    heard = heard_from_now(caller)
    box.wait_until(lambda: not box.status()["calls"], 20.0, f"{name} does not end")
    closed(box, on=False)
    return name, heard


def states(box: Box) -> set[str]:
    """Return the states of all calls."""
    return {call["state"] for call in box.status()["calls"]}


def answered(box: Box, phone: TestPhone) -> str:
    """Have an operator answer a call, and the caller hang up; returns its name."""
    call, name = in_call(box, 1, phone)
    call.hang_up()
    call.wait(20.0)
    box.wait_until(lambda: not box.status()["calls"], 20.0, f"{name} does not end")
    return name


def codes(box: Box) -> str:
    """Return what is wrong, as people read it."""
    return " ".join(box.troubles())


def test_a_whole_box_on_a_card_that_turns_read_only(
    card: Card, tmp_path: Path, figures: Figures
) -> None:
    """Callers are connected as before; who speaks is told that it is not kept; status says what is
    wrong; neither call control nor media gateway is started anew. After the next boot the message
    of before is there, whole, and the next one is taken.
    """
    with Box(tmp_path / "box", lines=1, line='caller_id = "none"\n') as box:
        op1 = box.phone("op1")
        before, _ = speak(box)
        assert record_of(box, before).result is Result.MESSAGE
        assert box.daemon is not None
        pids = (box.daemon.pid, media_gateway_of(box))

        card.fail()
        assert card.is_read_only
        calls = [answered(box, op1)]
        _, sentence = speak(box)
        box.wait_until(lambda: codes(box) != "", 20.0, "nobody is told")
        told = codes(box)
        calls.append(answered(box, op1))
        assert (box.daemon.pid, media_gateway_of(box)) == pids
        assert len(sentence) - sentence.count(0xFF) > SPOKEN_BYTES
        status = box.stop()

        start_anew(card.mount, card.image, tmp_path / "copy")
        box.start()
        after, _ = speak(box)
        assert record_of(box, after).result is Result.MESSAGE
        kept = {message.call for message in box.messages() if not message.interrupted}
        assert "Traceback" not in box.log()
        assert codes(box) == ""
        box.stop()
    figures.say(
        f"F7 a whole box on a card that turned read-only: {len(calls)} calls answered, "
        f"1 caller told that nothing is kept, no restart; after the next boot "
        f"{len(kept & {before, after})} of 2 messages are there"
    )
    assert status == 0
    assert told
    assert kept == {before, after}
