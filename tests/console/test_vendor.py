"""What the pages are made of is exactly what was fetched, with its licences, and not too much."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

SHIPPED = ROOT / "appliance" / "console" / "static" / "vendor"
FOLDERS = (SHIPPED, ROOT / "tests" / "console" / "vendor")
OURS = {"README.md", "SHA256SUMS"}


def listed(folder: Path) -> dict[str, str]:
    """Return the hashes that stand in the list, by name."""
    lines = (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.parent.name)
def test_every_file_is_the_one_that_was_fetched(folder: Path) -> None:
    """No file was changed, none is missing, none came by itself."""
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in OURS
    }
    assert found == listed(folder)
    assert found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.parent.name)
def test_every_package_has_its_licence_and_its_row(folder: Path) -> None:
    """Whoever receives the product receives the licences; the page says where each came from."""
    told = (folder / "README.md").read_text(encoding="utf-8")
    for package in (path for path in folder.iterdir() if path.is_dir()):
        assert (package / "LICENSE").stat().st_size > 100
        assert f"`{package.name}" in told


def test_it_is_as_small_as_told() -> None:
    """A small board serves it: 110 KB."""
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < 120_000
