"""Mounts of a test's own: a child in a mount namespace of its own, which ends with it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

NEW_MOUNTS, NEW_USERS = 0x0002_0000, 0x1000_0000
"""CLONE_NEWNS and CLONE_NEWUSER (sched.h)."""


def within(job: Callable[[], None]) -> None:
    """Do a job whose mounts nobody else sees; fails as it does, skips where none can be made."""
    sys.stdout.flush()
    if (pid := os.fork()) == 0:
        status = 1
        try:
            status = 77 if not _apart() else 0
            if status == 0:
                job()
        except BaseException:  # noqa: BLE001 - a child's top
            traceback.print_exc()
            status = 1
        finally:
            sys.stderr.flush()
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == 77:
        pytest.skip("this machine lets nobody make a mount namespace")
    assert status == 0, "see the child's traceback"


def memory(place: Path) -> None:
    """Mount an empty disk, of memory, at a folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "test", str(place)], check=True)


def _apart() -> bool:
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_MOUNTS if uid == 0 else NEW_MOUNTS | NEW_USERS) != 0:
        return False
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    done = subprocess.run(["mount", "--make-rprivate", "/"], check=False, capture_output=True)
    return done.returncode == 0
