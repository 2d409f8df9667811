"""Whoever may read the records may lock them: call control says who does, then goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.store import database, writer
from tests.store.samples import a_call
from tests.store.test_writer import Collector

HOLDER = """
import fcntl, os, struct, sys, time
shm = os.open(sys.argv[1] + "-shm", os.O_RDONLY)
lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 120, 8, 0)
fcntl.fcntl(shm, fcntl.F_SETLK, lock)
print("held", flush=True)
sys.stdin.read()
"""
"""A reader that keeps every lock of the -shm file, by a descriptor that cannot write."""


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Let another process keep a database's locks."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as holder:  # type: ignore[call-overload] # two pipes
        assert holder.stdout.readline() == b"held\n"
        yield holder.pid
        holder.kill()


def test_who_keeps_the_records_locked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call waits in memory, the trouble names the process and what to do; it is written as soon
    as that process is gone.
    """
    pragmas = {name: (value, expected) for name, value, expected in database._PRAGMAS}
    pragmas["busy_timeout"] = ("100", 100)  # as the product's 5 s, in less of a test's time
    changed = tuple((name, *rest) for name, rest in pragmas.items())
    monkeypatch.setattr(database, "_PRAGMAS", changed)
    collector = Collector(tmp_path)
    records = collector.records().start()
    records.write_call(a_call("a-1"))
    records.ask(lambda c: c.execute("SELECT 1"))
    with held(collector.path) as pid:
        records.write_call(a_call("a-2"))
        trouble = collector.trouble()
        assert trouble is not None
        assert trouble.code == "records.locked"
        assert str(pid) in trouble.words.text("it")
        assert f"sudo kill {pid}" in trouble.words.text("en")
        assert [call.call for call in collector.calls()] == ["a-1"]
    assert collector.trouble() is None
    records.stop()
    assert {call.call for call in collector.calls()} == {"a-1", "a-2"}


def a_proc(folder: Path, *locked: str, unit: str = "") -> Path:
    """Write what the kernel says of locks, and of process 77."""
    (folder / "77").mkdir(parents=True)
    (folder / "locks").write_text("".join(f"{line}\n" for line in locked), encoding="ascii")
    (folder / "77" / "comm").write_text("python3\n", encoding="ascii")
    (folder / "77" / "cgroup").write_text(f"0::/system.slice/{unit}.service\n", encoding="ascii")
    return folder


def test_the_console_is_named_as_its_unit(tmp_path: Path) -> None:
    """What reads, or holds another lock, or is ourselves, keeps nobody out."""
    path = tmp_path / "c.db"
    (tmp_path / "c.db-shm").touch()
    shm, folder = (tmp_path / "c.db-shm").stat().st_ino, tmp_path.stat().st_ino
    held_by = f"1: POSIX  ADVISORY  READ  77 00:22:{shm} "
    reads, keeps = held_by + "123 123", held_by + "0 EOF"
    flock = f"2: FLOCK  ADVISORY  WRITE 77 00:22:{folder} 0 EOF"
    other = f"3: POSIX  ADVISORY  WRITE 77 00:22:{shm + folder} 0 EOF"
    for n, harmless in enumerate(((), (reads,), (other,), ("garbage",))):
        assert writer.lock_holder(path, a_proc(tmp_path / f"h{n}", *harmless)) is None
    assert writer.lock_holder(path, tmp_path / "nowhere") is None
    for n, line in enumerate((keeps, flock)):
        proc = a_proc(tmp_path / f"k{n}", reads, line, unit="centralino-console")
        found = writer.lock_holder(path, proc)
        assert found == writer.LockHolder(77, "centralino-console", "centralino-console")
        assert found is not None
        assert "sudo systemctl restart centralino-console" in writer.locked_trouble(
            found
        ).words.text("it")
    assert writer.lock_holder(tmp_path / "none" / "d.db", a_proc(tmp_path / "z", keeps)) is None
