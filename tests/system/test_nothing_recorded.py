"""E21: conversations with operators are never recorded: no file and no memory file has them.

Looked at through all processes while people talk and after it: every file below the box's folders,
every file and memory file that any of its processes has open.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import OURS
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.phone.process import TestPhone
from tests.bench.office import noise
from tests.faults.needs import require
from tests.helpers.box import Box
from tests.helpers.writes import Writes
from tests.system.calls import IDLE_S, end, in_call

pytestmark = pytest.mark.system

SPEECH = OURS / "it" / "leave_message.wav"
SLACK_BYTES = 4096
"""What a database's page, or a line of a file, may add while nothing of the sound is kept."""
TALK_MS = 4000
SOUND_FILES = (".wav", ".part", ".raw", ".ulaw", ".alaw", ".meta")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with one line and one operator."""
    with Box(tmp_path_factory.mktemp("box"), lines=1, ring=8) as made:
        yield made


@pytest.fixture(scope="module")
def op1(box: Box) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


def processes(root: int) -> list[int]:
    """List a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(
            int(stat.parent.name)
        )
    found, ahead = [], [root]
    while ahead:
        found.append(ahead.pop())
        ahead += children.get(found[-1], [])
    return found


def open_files(root: int) -> dict[str, int]:
    """Map what the box's processes have open, files and memory files, to its size in bytes."""
    found: dict[str, int] = {}
    for process in processes(root):
        for link in Path(f"/proc/{process}/fd").glob("*"):
            try:
                name, size = str(link.readlink()), link.stat().st_size
            except OSError:  # closed meanwhile
                continue
            if name.startswith("/") and not name.startswith(("/dev/", "/proc/", "/sys/")):
                found[name] = max(size, found.get(name, 0))
    return found


def kept(folder: Path) -> dict[Path, int]:
    """Map every file below the box's folder to its size, but for what the box itself speaks.

    The house's name is given its voice soon after the start, whoever talks meanwhile.
    """
    found = (path for path in folder.rglob("*") if "spoken" not in path.parts and path.is_file())
    return {path: path.stat().st_size for path in found}


def sounds(files: dict[Path, int]) -> set[Path]:
    """Name those that could be a recording."""
    return {path for path in files if path.suffix in SOUND_FILES}


def test_a_conversation_leaves_no_sound_anywhere(box: Box, op1: TestPhone) -> None:
    """Four seconds of speech each way, 32,000 bytes: no file and no memory file grows by them."""
    assert box.daemon is not None
    state = Path(box.settings.folders.state)
    op1.say(SPEECH, repeat=True)
    files_before, open_before = kept(state), open_files(box.daemon.pid)
    call, _ = in_call(box, 1, op1)
    call.say(noise(TALK_MS / 1000 + 10, 7))
    before = len(op1.received().data)
    box.wait_until(lambda: len(op1.received().data) >= before + TALK_MS * 8, 30, "nobody was heard")
    during, open_during = kept(state), open_files(box.daemon.pid)
    record = end(box, call)
    after = kept(state)

    assert record.phone == "op1"
    assert record.message == ""
    assert sounds(during) == sounds(after) == sounds(files_before)
    assert list((state / "voicemail" / "rec").iterdir()) == []
    for name, size in open_during.items():
        if not name.endswith(("-wal", "-shm", ".db")):
            assert size - open_before.get(name, size) < SLACK_BYTES, name
            assert name in open_before or size < SLACK_BYTES, name


TEE = """
import os, socket

_sendto = socket.socket.sendto

def sendto(self, packet, *more):
    path = os.environ["TEE_INTO"]
    with open(path, "ab") as file:
        file.write(packet)
    os.unlink(path)
    return _sendto(self, packet, *more)

socket.socket.sendto = sendto
"""
"""A planted fault: whatever leaves for a phone is written down, and the file is gone at once."""


def watched_talk(box: Box, op1: TestPhone, report: Path) -> Writes:
    """Have a caller and an operator talk, and look at every file that any process writes."""
    require("strace")
    assert box.daemon is not None
    op1.say(SPEECH, repeat=True)
    call, _ = in_call(box, 1, op1)
    call.say(noise(TALK_MS / 1000 + 10, 7))
    before = len(op1.received().data)
    with Writes(processes(box.daemon.pid), report) as seen:
        box.wait_until(
            lambda: len(op1.received().data) >= before + TALK_MS * 8, 30, "nobody was heard"
        )
    end(box, call)
    return seen


def test_no_file_is_written_while_people_talk(box: Box, op1: TestPhone, tmp_path: Path) -> None:
    """Not even one that is gone a moment later: each system call of call control, media gateway and
    all that they have started is looked at. What is written is the records' log and state, in
    small.
    """
    seen = watched_talk(box, op1, tmp_path / "seen")
    own = [box.state / f"centralino.db{suffix}" for suffix in ("", "-wal", "-shm")]
    allowed = {str(path) for path in (*own, box.log_path, box.folder / "run" / "calls.json")}
    assert {_kept_as(path) for path in (*seen.made, *seen.filled)} <= allowed
    assert seen.others == []
    small = {path: size for path, size in seen.filled.items() if not path.endswith("-wal")}
    assert sum(small.values()) < SLACK_BYTES


def _kept_as(path: str) -> str:
    """Return which file a draft becomes (appliance/files.py)."""
    return re.sub(r"/\.([^/]+)\.[0-9a-f]{16}\.tmp$", r"/\1", path)


def test_a_media_gateway_that_writes_sound_down_is_seen(tmp_path: Path) -> None:
    """The look itself: a file that exists for microseconds, fifty times a second."""
    (tmp_path / "fault").mkdir()
    (tmp_path / "fault" / "sitecustomize.py").write_text(TEE)
    path = os.pathsep.join([str(tmp_path / "fault"), os.environ.get("PYTHONPATH", "")])
    tee = str(tmp_path / "tee")
    faulty = Box(tmp_path / "box", lines=1, environment={"PYTHONPATH": path, "TEE_INTO": tee})
    with faulty as box:
        seen = watched_talk(box, box.phone("op1"), tmp_path / "seen")
    assert tee in seen.made
    assert seen.filled[tee] > TALK_MS * 8 / 2
    assert not Path(tee).exists()


def test_no_byte_of_what_was_said_is_in_any_file(box: Box, op1: TestPhone) -> None:
    """What both said is looked for in every file of the box, the database's log included."""
    state = Path(box.settings.folders.state)
    op1.answer_mode("auto", 300)
    op1.say(SPEECH, repeat=True)
    known = len(box.records())
    box.wait_until(box.is_idle, IDLE_S, "the line did not become idle")
    box.call(1, CallPlan(caller="0511234567", hang_up_after_ms=TALK_MS), (SPEECH,))
    box.last_record(known + 1)
    spoken = wav.parse(SPEECH.read_bytes())
    linear = g711.decode(spoken.data, spoken.law)
    needles = [
        part[at : at + 64]
        for part in (linear, g711.encode(linear, Law.ULAW), g711.encode(linear, Law.ALAW))
        for at in range(len(part) // 4, len(part) * 3 // 4, len(part) // 10)
    ]
    contents = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    assert contents
    found = [path for path, data in contents.items() if any(each in data for each in needles)]
    assert found == []
