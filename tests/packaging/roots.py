"""Debian 13 roots, made once a month and kept in /var/cache: what a package is installed into."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path("/var/cache/centralino-tests")
SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
SUITE = "trixie"
BARE = ("ca-certificates", "dbus", "iproute2", "systemd", "systemd-sysv", "udev")
"""Beside the essential packages: a system that boots, as a technician has it."""
TOOLS = {"mmdebstrap": "mmdebstrap", "dh": "debhelper"}
MACHINES = ("amd64", "arm64")


def own_machine() -> str:
    """Return Debian's name of this machine's kind."""
    told = subprocess.run(("dpkg", "--print-architecture"), capture_output=True, text=True)
    return told.stdout.strip()


def missing(**more: str) -> str:
    """Name what is not on this machine; `more` are further tools and their packages."""
    if os.geteuid() != 0:
        return "root"
    if not shutil.which("dpkg") or own_machine() not in MACHINES:
        return f"Debian on one of {', '.join(MACHINES)}"
    tools = TOOLS | more
    return next((package for tool, package in tools.items() if not shutil.which(tool)), "")


def built(folder: Path, machine: str, umask: int = 0o022) -> Path:
    """Make the package as `make deb` does, in a folder of its own."""
    made = subprocess.run(
        ("scripts/deb.sh", machine),
        cwd=ROOT,
        env=os.environ | {"PYTHON": sys.executable, "OUT": str(folder)},
        capture_output=True,
        text=True,
        umask=umask,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (package,) = folder.glob("*.deb")
    return package


def dependencies() -> tuple[str, ...]:
    """Read from debian/control what the package depends on."""
    text = (ROOT / "debian" / "control").read_text(encoding="utf-8")
    block = text.split("\nDepends:")[1].split("\nRecommends:")[0]
    names = re.findall(r"^\s*([a-z][a-z0-9.+-]+)", block, re.MULTILINE)
    return tuple(dict.fromkeys(names))


def root(packages: tuple[str, ...]) -> Path:
    """Return a Debian root of the bare system and these packages, made when it is not there."""
    wanted = ",".join(sorted({*BARE, *packages}))
    month = time.strftime("%Y-%m", time.gmtime())
    found = CACHE / hashlib.sha256(f"{SUITE} {month} {wanted}".encode()).hexdigest()[:16]
    if not found.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.iterdir():
            if old.stat().st_mtime < time.time() - 40 * 86_400:
                shutil.rmtree(old)
        new = found.with_suffix(f".{os.getpid()}")
        _make(new, wanted)
        with contextlib.suppress(OSError):  # another run was first: its root is as good
            new.rename(found)
        shutil.rmtree(new, ignore_errors=True)
    return found


def _make(folder: Path, wanted: str) -> None:
    sources = [str(SOURCES)] if SOURCES.exists() else []
    command = (
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={wanted}"),
        *("--aptopt=Apt::Install-Recommends false", "--aptopt=Acquire::Check-Valid-Until false"),
        *("--dpkgopt=force-unsafe-io", "--format=directory"),
        *(SUITE, str(folder), *sources),
    )
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        sys.stderr.write(made.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        raise RuntimeError(f"mmdebstrap ended with {made.returncode}")
