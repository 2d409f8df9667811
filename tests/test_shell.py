"""Every shell script of the repository can be read to its end, also where nothing calls it here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("scripts", "image", "debian", "docs", "systemd", "tests", ".ci")


def is_shell(path: Path) -> bool:
    """Tell whether a file begins as a script of sh."""
    with path.open("rb") as file:
        return file.readline().startswith((b"#!/bin/sh", b"#!/usr/bin/sh"))


SCRIPTS = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and not path.is_symlink() and is_shell(path)
)


def test_there_are_scripts() -> None:
    """The list is not empty by mistake."""
    assert ROOT / "scripts" / "packages.sh" in SCRIPTS
    assert len(SCRIPTS) > 10


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_is_read_to_its_end(path: Path) -> None:
    """POSIX sh finds no mistake of syntax: where all packages are there, most lines never run."""
    read = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
