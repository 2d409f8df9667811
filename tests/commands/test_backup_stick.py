"""The backup stick: set up once, written each night, read back whole; a stick that is a disk."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands import backup as command
from appliance.commands.backup import Device, StickHelper, devices_of, mounted
from appliance.policy.text import Refused
from appliance.service import backup
from appliance.service.backup import BackupStick, write_backup
from appliance.service.helper_requests import HelperRequest
from tests.commands.test_backup import Home
from tests.faults.needs import require
from tests.helpers import mounts
from tests.helpers.words import pair

KEYED = "a passphrase of four words"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A box that has run."""
    home = Home(tmp_path / "box")
    home.fill()
    (home.folder / "run").mkdir(exist_ok=True)
    return home


class Sticks:
    """USB sticks of a test: files with a file system, mounted by a loop device as a disk is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plugged: list[Device] = []

    def new(self, label: str, megabytes: int = 64) -> Device:
        """Make a stick and plug it in."""
        image = self.folder / f"{label}.img"
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-L", label, str(image)], check=True)
        self.plugged.append(Device(str(image), f"uuid-{label}", label))
        return self.plugged[-1]


def apart(job: Callable[[], None]) -> None:
    """Do it where mounts are the test's own; loop devices are the administrator's."""
    require("mkfs.ext4", "losetup", root=True)
    mounts.within(job)


def helper(home: Home, sticks: Sticks) -> StickHelper:
    """Make the helper that sees these sticks."""
    return StickHelper(home.config, home.folder / "run", lambda: list(sticks.plugged))


def on(device: Device) -> list[str]:
    """List what lies on a stick."""
    with mounted(device.path, is_written=False) as folder:
        return sorted(path.name for path in folder.iterdir())


def fill(path: Path) -> None:
    """Write a file until nothing goes on its disk any more."""
    with path.open("wb") as file, contextlib.suppress(OSError):
        while True:
            os.write(file.fileno(), bytes(4096))


def refused(said: Callable[[], object]) -> str:
    """Return the Italian sentence of a refusal."""
    with pytest.raises(Refused) as error:
        said()
    return error.value.words.text("it")


@pytest.mark.system
def test_set_up_once_and_written_each_night(home: Home, tmp_path: Path) -> None:
    """The plugged stick gets a whole backup at once; from then on without a passphrase, and what
    else lies on it stays. With it a new card is as the old one, and goes on writing to the stick.
    """
    sticks = Sticks(tmp_path)

    def job() -> None:
        device = sticks.new("COPIE")
        with mounted(device.path, is_written=True) as folder:
            (folder / "foto.jpg").write_bytes(b"holidays")
        helping = helper(home, sticks)
        backup.ask_for_stick(helping.run, HelperRequest("beppe", KEYED))
        said = helping.turn()
        assert "riletta per intero" in said.text("it")
        stick = backup.load_stick(home.state)
        assert stick is not None
        assert (stick.uuid, stick.label, stick.by, stick.well) == (
            "uuid-COPIE", "COPIE", "beppe", True,
        )  # fmt: skip
        (made,) = [name for name in on(device) if name.endswith(".backup")]
        assert "foto.jpg" in on(device)
        backup.ask_for_stick(helping.run, HelperRequest())
        helping.turn()
        later = backup.load_stick(home.state)
        assert later is not None
        assert later.done is not None
        assert later.done >= (stick.done or later.done)
        kept = home.kept()
        with mounted(device.path, is_written=False) as folder:
            home.backup.write_bytes((folder / made).read_bytes())
        home.phrase.write_text(KEYED)
        home.folder.rename(home.folder.with_name("broken"))
        home.folder.mkdir()
        assert "Ripristino concluso" in home.put_back()
        assert home.kept() == kept
        (home.folder / "run").mkdir(exist_ok=True)
        assert "riletta per intero" in helping.write().text("it")

    apart(job)


@pytest.mark.system
def test_only_the_stick_that_was_set_up(home: Home, tmp_path: Path) -> None:
    """None, two, another one, one that is full: each is a sentence that says what to do, and the
    failure is kept where the warning comes from.
    """
    sticks = Sticks(tmp_path)

    def job() -> None:
        helping = helper(home, sticks)
        assert "nessuna chiavetta USB" in refused(lambda: helping.set_up(HelperRequest("b", KEYED)))
        assert "nessuna chiavetta preparata" in refused(helping.write)
        first, second = sticks.new("UNO"), sticks.new("DUE")
        assert "UNO" in refused(lambda: helping.set_up(HelperRequest("b", KEYED)))
        assert backup.load_stick(home.state) is None
        helping.set_up(HelperRequest("b", KEYED, "uuid-DUE"))
        assert [name for name in on(second) if name.endswith(".backup")]
        with mounted(second.path, is_written=True) as folder:
            for path in folder.glob("*.backup"):
                path.unlink()
        backup.forget(home.state)
        sticks.plugged = [first]
        assert "12 caratteri" in refused(lambda: helping.set_up(HelperRequest("b", "corta")))
        helping.set_up(HelperRequest("b", KEYED))
        sticks.plugged = [second]
        assert "(UNO) non è inserita, ce n'è un'altra (DUE)" in refused(helping.write)
        stick = backup.load_stick(home.state)
        assert stick is not None
        assert not stick.well
        assert stick.done is not None
        assert "non è inserita" in stick.words.text("it")
        assert not [name for name in on(second) if name.endswith(".backup")]
        sticks.plugged = [first]
        with mounted(first.path, is_written=True) as folder:
            fill(folder / "film.mkv")
        assert "la chiavetta UNO è piena: cancellare" in refused(helping.write)
        assert "film.mkv" in on(first)
        assert not [name for name in on(first) if name.endswith((".tmp", ".part"))]

    apart(job)


@pytest.mark.system
def test_what_the_stick_does_not_give_back_is_no_backup(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick that lies about its size, or ages: read back, not believed."""
    sticks = Sticks(tmp_path)

    def job() -> None:
        sticks.new("COPIE")
        helping = helper(home, sticks)
        helping.set_up(HelperRequest("b", KEYED))
        before = backup.load_stick(home.state)

        def spoilt(*args: Any) -> object:
            written = write_backup(*args)
            (path,) = (arg for arg in args if isinstance(arg, Path) and arg.suffix == ".backup")
            with path.open("r+b") as file:
                file.seek(path.stat().st_size // 2)
                file.write(b"\0" * 64)
            return written

        monkeypatch.setattr("appliance.service.backup.write_backup", spoilt)
        before_it = on(sticks.plugged[0])
        assert "non restituisce ciò che vi è stato scritto" in refused(helping.write)
        assert on(sticks.plugged[0]) == before_it
        after = backup.load_stick(home.state)
        assert before is not None
        assert after is not None
        assert (after.well, after.done) == (False, before.done)

    apart(job)


def test_the_oldest_go_and_the_newest_stays(home: Home, tmp_path: Path) -> None:
    """As many as the configuration says; fewer where the next would not fit."""
    for day in range(1, 6):
        (tmp_path / f"centralino-2026112{day}-030500.backup").write_bytes(b"x")
    (tmp_path / "altro.txt").write_text("x")
    command.make_room(tmp_path, home.state, keep=3)
    assert len(list(tmp_path.glob("*.backup"))) == 2  # and the one that is written now
    command.make_room(tmp_path, home.state, keep=1)
    (newest,) = tmp_path.glob("*.backup")
    assert newest.name == "centralino-20261125-030500.backup"
    assert (tmp_path / "altro.txt").exists()


LSBLK = {
    "blockdevices": [
        {"path": "/dev/mmcblk0", "tran": "mmc", "fstype": None, "uuid": None, "label": None,
         "children": [{"path": "/dev/mmcblk0p1", "tran": None, "fstype": "vfat", "uuid": "1",
                       "label": "BOOT"}]},
        {"path": "/dev/sda", "tran": "usb", "fstype": None, "uuid": None, "label": None,
         "children": [
             {"path": "/dev/sda1", "tran": None, "fstype": "vfat", "uuid": "AB-12",
              "label": "COPIE", "size": 32000000000},
             {"path": "/dev/sda2", "tran": None, "fstype": "ntfs", "uuid": "2", "label": "X",
              "size": 512000000}]},
        {"path": "/dev/sdb", "tran": "usb", "fstype": "ext4", "uuid": "cd", "label": None},
        {"path": "/dev/sdc", "tran": "usb", "fstype": None, "uuid": None, "label": None,
         "size": 8000000000},
        {"path": "/dev/sdd", "tran": "usb", "fstype": None, "uuid": None, "label": None, "size": 0},
    ]
}  # fmt: skip


def test_sticks_are_told_from_the_card() -> None:
    """By how they are connected; with or without partitions; a reader without a card is none."""
    found = devices_of(json.loads(json.dumps(LSBLK)))
    assert [(one.path, one.name, one.is_usable) for one in found] == [
        ("/dev/sda1", "COPIE, 32 GB", True),
        ("/dev/sda2", "X, 512 MB", False),
        ("/dev/sdb", "cd", True),
        ("/dev/sdc", "/dev/sdc, 8 GB", False),
    ]
    assert devices_of({}) == []


def test_a_stick_that_cannot_be_used_is_said_so(home: Home, tmp_path: Path) -> None:
    """By its name, and what to do; beside one that can be used it is left alone."""
    sticks = Sticks(tmp_path)
    sticks.plugged = [Device("/dev/sda1", "2", "FOTO", "ntfs", 32_000_000_000)]
    helping = helper(home, sticks)
    said = refused(lambda: helping.set_up(HelperRequest("b", KEYED)))
    assert "la chiavetta inserita (FOTO, 32 GB)" in said
    assert "FAT32 o exFAT" in said
    sticks.plugged.append(Device("/dev/null", "3", "COPIE"))
    assert "FOTO" not in refused(lambda: helping.set_up(HelperRequest("b", KEYED)))


def test_the_plugged_sticks_are_listed_and_one_is_chosen(home: Home, tmp_path: Path) -> None:
    """With label and size; one that was pulled out meanwhile, or cannot be written, is none."""
    sticks = Sticks(tmp_path)
    helping = helper(home, sticks)
    backup.ask_for_stick(helping.run, HelperRequest("beppe", looks=True))
    assert "nessuna chiavetta USB" in refused(helping.turn)
    assert backup.sticks_told(helping.run) == ()
    sticks.plugged = [
        Device("/dev/null", "AB-12", "COPIE", "vfat", 32_000_000_000),
        Device("/dev/null", "2", "FOTO", "ntfs"),
    ]
    backup.ask_for_stick(helping.run, HelperRequest("beppe", looks=True))
    assert "COPIE, 32 GB; FOTO" in helping.turn().text("it")
    told = backup.sticks_told(helping.run)
    assert [(one.uuid, one.is_usable) for one in told] == [("AB-12", True), ("2", False)]
    for uuid in ("2", "gone"):
        said = refused(partial(helping.set_up, HelperRequest("b", KEYED, uuid)))
        assert "non è più inserita" in said
    # What the file holds is root's; what is none of it is no stick.
    (backup.answer_path(helping.run).with_name(backup.PLUGGED)).write_text('[{"uuid": 1}]')
    assert backup.sticks_told(helping.run) == ()


@pytest.mark.system
def test_a_write_lock_is_said_so(home: Home, tmp_path: Path) -> None:
    """Not that it is to be formatted, nor that the memory card is to be looked at."""
    sticks = Sticks(tmp_path)

    def job() -> None:
        image = sticks.new("COPIE").path
        asked = ("losetup", "--find", "--show", "--read-only", image)
        loop = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
        try:
            sticks.plugged = [Device(loop, "uuid-COPIE", "COPIE", "ext4")]
            said = refused(lambda: helper(home, sticks).set_up(HelperRequest("b", KEYED)))
            assert "sulla chiavetta COPIE non si può scrivere: togliere la protezione" in said
            assert backup.load_stick(home.state) is None
        finally:
            subprocess.run(("losetup", "--detach", loop), check=True)

    apart(job)


def test_a_stick_that_turns_read_only_is_said_so(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel does so after an error of its file system."""

    @contextlib.contextmanager
    def at(_: str, *, is_written: bool) -> Iterator[Path]:
        yield tmp_path

    def write(*_: object) -> None:
        raise Refused(pair("no", "no")) from OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(command, "mounted", at)
    monkeypatch.setattr(backup, "write_backup", write)
    sticks = Sticks(tmp_path)
    sticks.plugged = [Device("/dev/null", "3", "COPIE")]
    said = refused(lambda: helper(home, sticks).set_up(HelperRequest("b", KEYED)))
    assert "sulla chiavetta COPIE non si può scrivere" in said


def test_nothing_asked_is_nothing_done(home: Home) -> None:
    """A request that somebody else took, or of nobody: silence."""
    line = ["backup", "--stick-asked", "--run", str(home.folder / "run")]
    told = CliRunner().invoke(main, [*line, "--config", str(home.config)])
    assert (told.exit_code, told.output) == (0, "")
    assert CliRunner().invoke(main, ["backup", "--stick-asked"]).exit_code == 2
    assert CliRunner().invoke(main, ["backup", "x", "--stick"]).exit_code == 2


def test_what_failed_is_answered_for_the_page(home: Home, tmp_path: Path) -> None:
    """Whoever asked in the browser reads why."""
    helping = helper(home, Sticks(tmp_path))
    backup.ask_for_stick(helping.run, HelperRequest("beppe", KEYED))
    assert "nessuna chiavetta USB" in refused(helping.turn)
    went = backup.last(helping.run)
    assert went is not None
    assert not went.is_well
    assert "nessuna chiavetta USB" in went.said.text("it")
    assert not backup.is_waiting(helping.run)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"by": 1}', '{"by": "x", "passphrase": "\\ud800"}']
)
def test_a_request_that_is_none_is_taken_away(tmp_path: Path, text: str) -> None:
    """The folder is call control's, whom root does not trust."""
    backup.request_path(tmp_path).write_text(text)
    asked = backup.take(tmp_path)
    assert asked is None or asked.by == "x"
    assert not backup.request_path(tmp_path).exists()


def test_a_stick_is_kept_as_it_was(tmp_path: Path) -> None:
    """With what became of the last try; a broken file is no stick."""
    at = datetime(2026, 11, 25, 3, 5, tzinfo=UTC)
    stick = BackupStick("AB-12", "COPIE", "beppe", at, at + timedelta(days=1), at, False)
    backup.keep_stick(tmp_path, stick)
    assert backup.load_stick(tmp_path) == stick
    (tmp_path / backup.FILE).write_text('{"uuid": 1}')
    assert backup.load_stick(tmp_path) is None
    backup.forget(tmp_path)
    backup.forget(tmp_path)
    assert list(tmp_path.iterdir()) == []
