"""The one writer of files: whole or not at all, and nowhere else than where it was meant."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.files import (
    LEFT_S,
    acting_for,
    atomic_write,
    create_once,
    load_text,
    make_private,
    make_shared,
    open_plain,
    replacing,
)

SERVICE = 4321
"""An account's number: nobody's on this machine."""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give anything away")
Writer = Callable[[Path, bytes], None]


def fresh(path: Path, data: bytes) -> None:
    """Write a new file in the place of an old one, by a removal: what `create_once` is for."""
    path.unlink(missing_ok=True)
    create_once(path, data)


WRITERS: tuple[Writer, ...] = (atomic_write, fresh)


@pytest.fixture(autouse=True)
def _ordinary() -> Iterator[None]:
    """Let whoever makes them be as careless as a shell is."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of the service's."""
    made = tmp_path / "state"
    made.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(made, SERVICE, SERVICE)
    return made


def rights(path: Path) -> int:
    """Return the rights of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_missing_is_made_for_us_alone(tmp_path: Path) -> None:
    """And what is there already keeps its rights."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "a" / "b"
    for _ in range(2):
        make_private(folder)
    atomic_write(folder / "c", "text")
    assert [rights(path) for path in (tmp_path, folder.parent, folder)] == [0o755, 0o700, 0o700]
    assert rights(folder / "c") == 0o600
    assert load_text(folder / "c") == "text"


def test_a_folder_that_is_shown_is_opened_whoever_was_first(tmp_path: Path) -> None:
    """The night's copies make the folder of backups for the service alone, and then somebody asks
    for a backup in a browser, which the console is to fetch there.
    """
    os.umask(0o077)
    make_private(tmp_path / "backups" / "nightly")
    make_shared(tmp_path / "backups")
    make_shared(tmp_path / "central" / "inner")
    shown = (tmp_path / "backups", tmp_path / "central", tmp_path / "central" / "inner")
    assert [rights(path) for path in shown] == [0o750] * 3
    assert rights(tmp_path / "backups" / "nightly") == 0o700


def test_rights_are_what_was_asked_for_whatever_the_umask(folder: Path) -> None:
    """Root's helpers have UMask=0077 and write for others; an old file's rights do not stay."""
    os.umask(0o077)
    (folder / "kept").write_text("old")
    atomic_write(folder / "kept", "new", mode=0o644)
    assert rights(folder / "kept") == 0o644
    atomic_write(folder / "kept", "secret")
    assert rights(folder / "kept") == 0o600


@as_root
def test_what_root_makes_is_the_services(folder: Path) -> None:
    """Else a command of the administrator's leaves behind what call control cannot read."""
    make_private(folder / "a" / "b")
    atomic_write(folder / "a" / "b" / "c", "text")
    create_once(folder / "a" / "d", b"text")
    assert {path.stat().st_uid for path in folder.rglob("*")} == {SERVICE}
    assert {path.stat().st_gid for path in folder.rglob("*")} == {SERVICE}


@as_root
def test_an_owner_can_be_named(tmp_path: Path) -> None:
    """A password that root keeps in a folder of its own, for one service to read."""
    atomic_write(tmp_path / "word", "x", mode=0o640, owner=(0, SERVICE))
    found = (tmp_path / "word").stat()
    assert (found.st_uid, found.st_gid, rights(tmp_path / "word")) == (0, SERVICE, 0o640)


# --- links that somebody has planted ------------------------------------------------------------


@as_root
@pytest.mark.parametrize("write", WRITERS)
def test_a_link_planted_for_a_draft_leads_root_nowhere(
    folder: Path, tmp_path: Path, write: Writer
) -> None:
    """The service lays a link where it expects root's draft, or in the file's own place: a file of
    root's is neither overwritten nor given away.
    """
    roots = tmp_path / "roots"
    roots.write_text("root's")
    roots.chmod(0o600)
    path = folder / "phone_secrets.json"
    for name in ("phone_secrets.tmp", ".phone_secrets.json.tmp", "phone_secrets.json.new",
                 "phone_secrets.json.tmp", path.name):  # fmt: skip
        (folder / name).symlink_to(roots)
    write(path, b"{}")
    found = roots.stat()
    assert (roots.read_text(), found.st_uid, found.st_gid) == ("root's", 0, 0)
    assert path.read_text() == "{}"
    assert not path.is_symlink()


@as_root
@pytest.mark.parametrize("inner", [Path("private"), Path("private/deeper")])
def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path, inner: Path) -> None:
    """The service puts a link in the place of a folder of its own: root makes nothing there."""
    roots = tmp_path / "roots"
    (roots / "deeper").mkdir(parents=True)
    (folder / "private").symlink_to(roots)
    for act in (
        lambda: atomic_write(folder / inner / "word", "x"),
        lambda: make_private(folder / inner / "made"),
        lambda: open_plain(folder / inner / "word"),
    ):
        with pytest.raises(OSError) as raised:
            act()
        assert raised.value.errno in {errno.ELOOP, errno.ENOTDIR}
    assert sorted(roots.rglob("*")) == [roots / "deeper"]


@as_root
def test_a_link_of_roots_own_is_followed(tmp_path: Path, folder: Path) -> None:
    """The administrator has the state folder on another disk, behind a link."""
    (tmp_path / "there").symlink_to(folder)
    atomic_write(tmp_path / "there" / "word", "x")
    assert (folder / "word").read_text() == "x"


@as_root
def test_root_can_act_for_a_folders_owner() -> None:
    """What works by paths goes no further than the folder's owner may, and root is root again."""
    with tempfile.TemporaryDirectory() as name:  # outside pytest's own folder, which is root's
        place = Path(name)
        place.chmod(0o755)
        roots, folder = place / "roots", place / "state"
        roots.write_text("root's")
        roots.chmod(0o600)
        folder.mkdir()
        os.chown(folder, SERVICE, SERVICE)
        with acting_for(folder):
            (folder / "made").write_text("x")
            with pytest.raises(PermissionError):
                roots.read_text()
        assert (folder / "made").stat().st_uid == SERVICE
        assert roots.read_text() == "root's"
    assert (os.geteuid(), os.getegid()) == (0, 0)


def test_only_a_plain_file_is_read(folder: Path) -> None:
    """A link, a pipe nobody writes into, a folder: each is as good as no file, at once."""
    (folder / "there").write_text("x")
    (folder / "link").symlink_to(folder / "there")
    os.mkfifo(folder / "pipe")
    (folder / "inner").mkdir()
    with open_plain(folder / "there") as file:
        assert file.read() == b"x"
    for name in ("link", "pipe", "inner", "missing"):
        with pytest.raises(FileNotFoundError):
            open_plain(folder / name)


# --- power, kills, full disks -------------------------------------------------------------------


@pytest.mark.parametrize("write", WRITERS)
def test_the_order_outlives_a_power_cut(
    folder: Path, monkeypatch: pytest.MonkeyPatch, write: Writer
) -> None:
    """The bytes are on the disk before the name is theirs, and the name before anybody is told."""
    done: list[str] = []
    fsync, replace, link = os.fsync, os.replace, os.link

    def noting_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        done.append("folder" if is_folder else "bytes")
        fsync(descriptor)

    def noting_replace(*given: Any, **named: Any) -> None:
        done.append("name")
        replace(*given, **named)

    def noting_link(*given: Any, **named: Any) -> None:
        done.append("name")
        link(*given, **named)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    monkeypatch.setattr(os, "link", noting_link)
    write(folder / "f", b"x")
    assert done == ["bytes", "name", "folder"]


def test_in_memory_nothing_is_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run folder is gone with the power; the deciding thread must not wait for a disk."""

    def never(_: int) -> None:
        raise AssertionError("waited for the disk")

    monkeypatch.setattr(os, "fsync", never)
    atomic_write(folder / "f", "x", is_durable=False)
    assert (folder / "f").read_text() == "x"


@pytest.mark.parametrize("call", ["fsync", "fchmod", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Whatever is refused, the old file stands, the reason is told, and no draft is left."""
    atomic_write(folder / "f", "old")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(OSError, match="Input/output error"):
        atomic_write(folder / "f", "new")
    assert [path.name for path in folder.iterdir()] == ["f"]
    assert (folder / "f").read_text() == "old"


@as_root
@pytest.mark.system
def test_a_full_disk_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """On a disk with no byte left the old file stands and nothing is left beside it."""
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small), check=True)
    try:
        atomic_write(small / "f", "old")
        with contextlib.suppress(OSError), (small / "rest").open("wb", 0) as rest:
            while rest.write(b"x" * 4096):
                pass
        with pytest.raises(OSError) as raised:
            atomic_write(small / "f", b"n" * 8192)
        assert raised.value.errno == errno.ENOSPC
        assert sorted(path.name for path in small.iterdir()) == ["f", "rest"]
        assert (small / "f").read_text() == "old"
    finally:
        subprocess.run(("umount", small), check=True)


def test_what_is_broken_off_midway_is_gone(folder: Path) -> None:
    """Who writes piece by piece and fails leaves the old file, and no draft."""
    atomic_write(folder / "f", "old")
    with contextlib.suppress(ValueError), replacing(folder / "f") as file:
        file.write(b"half")
        raise ValueError("broken off")
    assert [path.name for path in folder.iterdir()] == ["f"]
    assert (folder / "f").read_text() == "old"


def test_drafts_that_power_cuts_left_are_taken_away(folder: Path) -> None:
    """A draft of long ago goes at the next write of that file; one just begun, and others, stay."""
    names = (".f.0011.tmp", ".f.2233.tmp", ".g.4455.tmp")
    for name in names:
        (folder / name).write_text("half")
    for old in (names[0], names[2]):
        when = (folder / old).stat().st_mtime - LEFT_S - 1
        os.utime(folder / old, (when, when))
    atomic_write(folder / "f", "x")
    assert sorted(path.name for path in folder.iterdir()) == [names[1], names[2], "f"]


# --- once -------------------------------------------------------------------------------------


def test_what_is_made_once_never_takes_anothers_place(folder: Path) -> None:
    """Two make the key at the same moment: the first one's holds, on a FAT stick, too."""
    create_once(folder / "key", b"first")
    with pytest.raises(FileExistsError):
        create_once(folder / "key", b"second")
    assert (folder / "key").read_bytes() == b"first"
    assert [path.name for path in folder.iterdir()] == ["key"]


def test_what_is_made_once_is_made_on_a_stick_without_links(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT refuses links: the file is made all the same, and an old one is left alone."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    create_once(folder / "export", b"first")
    with pytest.raises(FileExistsError):
        create_once(folder / "export", b"second")
    assert (folder / "export").read_bytes() == b"first"
