"""Small files and folders of state: for the service alone, whoever makes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.daemon.files import load_text, make_private, save_text


@pytest.fixture(autouse=True)
def _ordinary() -> Iterator[None]:
    """Let whoever makes them be as careless as a shell is."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_is_missing_is_made_for_us_alone(tmp_path: Path) -> None:
    """And what is there already keeps its rights."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "a" / "b"
    for _ in range(2):
        make_private(folder)
    save_text(folder / "c", "text")
    rights = [path.stat().st_mode & 0o777 for path in (tmp_path, folder.parent, folder)]
    assert rights == [0o755, 0o700, 0o700]
    assert (folder / "c").stat().st_mode & 0o777 == 0o600
    assert load_text(folder / "c") == "text"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give anything away")
def test_what_root_makes_is_the_services(tmp_path: Path) -> None:
    """Else a command of the administrator's leaves behind what the desk cannot read."""
    os.chown(tmp_path, 4321, 4321)
    make_private(tmp_path / "a" / "b")
    save_text(tmp_path / "a" / "b" / "c", "text")
    owners = {path.stat().st_uid for path in tmp_path.rglob("*")}
    assert owners == {4321}
