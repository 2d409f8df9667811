"""One machine for all that is shown under a real systemd; who takes it down finds it up again."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.systemd import programme
from tests.faults.systemd.machine import Machine, missing
from tests.faults.systemd.scenes import restarted
from tests.helpers import baresip
from tests.helpers.baresip import Baresip


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if lacks := missing():
        pytest.skip(f"needs {lacks}")
    folder = tmp_path_factory.mktemp("systemd")
    installed = _installed(tmp_path_factory.getbasetemp())
    with Machine(folder / "box", lines=1, counters=(), programme=installed) as made:
        yield made


def _installed(base: Path) -> Path:
    """Install the programme, once for all workers of this run; returns where it is."""
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / "installed", shared / "installed.done"
    with (shared / "installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            done.write_text(str(programme.install(folder)), encoding="utf-8")
    return Path(done.read_text(encoding="utf-8"))


@pytest.fixture
def machine(_made: Machine) -> Machine:
    """The machine, its lines idle."""
    if _made.daemon is not None and _made.daemon.poll() is not None:
        _made.stop()  # it ended behind a test's back
    if _made.daemon is None:
        _made.start()
    _made.wait_until(_made.is_idle, 120.0, "the lines are not idle")
    return _made


@pytest.fixture(scope="session")
def _phone(_made: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Baresip]:
    if not baresip.is_installed():
        pytest.skip(f"needs Debian package {baresip.PACKAGE}")
    server = (_made.address, _made.port)
    folder: Path = tmp_path_factory.mktemp("baresip")
    with Baresip(folder, "op1", server=server, secret="secret-op1", answer="auto") as made:
        yield made


@pytest.fixture
def phone(machine: Machine, _phone: Baresip) -> Baresip:
    """The operator's phone, which answers by itself; it can be rung."""
    machine.wait_until(machine.has_phone, 70.0, "the phone is not registered")
    return _phone


@pytest.fixture(scope="session")
def ordinary(_made: Machine, _phone: Baresip) -> float:
    """How long call control takes to start in good order, at this moment (s)."""
    if _made.daemon is None:
        _made.start()
    return restarted(_made)
