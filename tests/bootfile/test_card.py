"""The card's FAT partition: read as it is, written to for a moment, and only where it must be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.bootfile import card
from appliance.bootfile.apply import SeenSocket, seen_by_box
from appliance.bootfile.card import CardOutcome, CardVerdict, UsbSocket, load_outcome, outcome_text
from appliance.bootfile.values import FILE_NAME
from appliance.policy.text import Refused

ROOT = Path(__file__).parents[2]
WRITES = """
import sys
from pathlib import Path
from appliance.bootfile import card
told = card.tell(Path(sys.argv[1]), "testo\\n"), card.tell(Path(sys.argv[1]), "testo\\n")
assert told == (True, False), told
"""


READ_MEANWHILE = """
import sys, threading
from pathlib import Path
from appliance.bootfile import card
folder = Path(sys.argv[1])
card.tell(folder, "prima\\n")
reader = (folder / card.ANSWER).open()
threading.Timer(1, reader.close).start()
card.tell(folder, "testo\\n")
"""
"""Somebody has the answer of before open, and closes it a second later."""


def refused(folder: Path) -> str:
    """Return why there is no file."""
    with pytest.raises(Refused) as caught:
        card.read_card(folder)
    assert caught.value.words.it
    return caught.value.words.en


def test_why_there_is_no_file(tmp_path: Path) -> None:
    """No partition, no file, a file by another name, a folder in its place: each in words."""
    assert "write the card again" in refused(tmp_path / "none")
    assert "write the card again" in refused(tmp_path)
    (tmp_path / "config.txt").touch()
    assert "is missing" in refused(tmp_path)
    (tmp_path / "Centralino.toml.txt").touch()
    assert "Centralino.toml.txt" in refused(tmp_path)
    (tmp_path / FILE_NAME).mkdir()
    assert "it is a folder" in refused(tmp_path)


def test_the_answer_is_as_windows_reads_it(tmp_path: Path) -> None:
    """A mark in front and CR LF; written once, and nothing else lies there afterwards."""
    assert card.write_result(tmp_path, "è così\n")
    assert (tmp_path / card.RESULT_FILE).read_bytes() == "\ufeffè così\r\n".encode()
    assert not card.write_result(tmp_path, "è così\n")
    assert card.write_result(tmp_path, "no\n")
    assert [path.name for path in tmp_path.iterdir()] == [card.RESULT_FILE]


@pytest.mark.promise("B7")
@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("what", [WRITES, READ_MEANWHILE], ids=["alone", "read meanwhile"])
def test_the_partition_is_read_only_before_and_after(tmp_path: Path, what: str) -> None:
    """Mounted read-only, it is writable for the answer alone, also where somebody still reads the
    one of before: the kernel makes nothing read-only as long as a file without a name is open.
    """
    script = (
        'mount -t tmpfs -o ro tmpfs "$0" && "$1" -c "$2" "$0" && ! touch "$0/x" 2>/dev/null && '
        'cat "$0/centralino-result.txt"'
    )
    command = ["unshare", "--mount", "sh", "-c", script, str(tmp_path), sys.executable, what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\ufefftesto\n"


def test_modems_are_seen_by_their_sockets(tmp_path: Path) -> None:
    """With the maker's words out of sysfs, one name a device, what is no USB device left out."""
    ports, ttys = tmp_path / "by-path", tmp_path / "tty"
    device = tmp_path / "usb1" / "1-1.2"
    (device / "1-1.2:1.0" / "tty").mkdir(parents=True)
    (device / "manufacturer").write_text("U.S. Robotics\n")
    (device / "product").write_text("56K  Modem\x01\n")
    (ttys / "ttyACM0").mkdir(parents=True)
    (ttys / "ttyACM0" / "device").symlink_to(device / "1-1.2:1.0")
    ports.mkdir()
    for name, tty in (
        ("platform-x.usb-usb-0:1.2:1.0", "ttyACM0"),
        ("platform-x.usb-usbv2-0:1.2:1.0", "ttyACM0"),
        ("platform-x.usb-usb-0:1.3:1.0", "ttyACM1"),
        ("platform-serial", "ttyAMA0"),
    ):
        (ports / name).symlink_to(f"/dev/{tty}")
    assert seen_by_box(ports, ttys) == (
        SeenSocket(f"{ports}/platform-x.usb-usb-0:1.2:1.0", "U.S. Robotics 56K Modem"),
        SeenSocket(f"{ports}/platform-x.usb-usb-0:1.3:1.0"),
    )
    assert seen_by_box(tmp_path / "none", ttys) == ()


def test_an_outcome_is_read_as_it_was_told(tmp_path: Path) -> None:
    """What is no outcome is none."""
    told = CardOutcome(
        CardVerdict.WRONG, sockets=(UsbSocket("/x", "y", "z"),), made=("op1",), set_aside="/b"
    )
    (tmp_path / "outcome.json").write_text(outcome_text(told), encoding="utf-8")
    assert load_outcome(tmp_path) == told
    for text in ("", "[]", "{}", json.dumps({"verdict": "x"})):
        (tmp_path / "outcome.json").write_text(text, encoding="utf-8")
        assert load_outcome(tmp_path) is None
