"""Status says why the box was started, where the image's helper has found it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.service.updates import WHY, number, reason, said

HELPER = Path(__file__).parents[2] / "image/overlay/usr/lib/centralino-image/boots"


def booted(folder: Path, *, watchdog: bool = False) -> str:
    """Have the helper look, as at a boot; returns what call control reads of it."""
    bite = folder / "sys/class/watchdog/watchdog0/bootstatus"
    bite.parent.mkdir(parents=True, exist_ok=True)
    bite.write_text("32\n" if watchdog else "0\n", encoding="ascii")
    places = {f"CENTRALINO_{name.upper()}": str(folder / name) for name in ("data", "run", "sys")}
    subprocess.run(["sh", HELPER, "begin"], env={**places, "PATH": "/usr/bin:/bin"}, check=True)
    return reason(folder / "run" / "centralino")


def test_each_boot_has_its_reason(tmp_path: Path) -> None:
    """The first, one after a power cut, one by the watchdog, and what was written as it ended."""
    assert booted(tmp_path) == "first"
    assert booted(tmp_path) == "power"
    assert booted(tmp_path, watchdog=True) == "watchdog"
    for why in ("asked", "service"):
        (tmp_path / "data" / "boots" / "ended").write_text(f"{why}\n", encoding="ascii")
        assert booted(tmp_path, watchdog=True) == why, "what was asked for nothing bit"
        assert booted(tmp_path) == "power", "it counts once"
    history = (tmp_path / "data" / "boots" / "history").read_text(encoding="ascii")
    assert [line.split()[1] for line in history.splitlines()][:3] == ["first", "power", "watchdog"]


def test_starts_are_counted_over_power_cuts(tmp_path: Path) -> None:
    """Each is one more, also behind a count that is torn; where nobody counts there is none."""
    assert number(tmp_path / "run" / "centralino") == 0
    for expected in (1, 2):
        booted(tmp_path)
        assert number(tmp_path / "run" / "centralino") == expected
    (tmp_path / "data" / "boots" / "number").write_text("x", encoding="ascii")
    booted(tmp_path)
    assert number(tmp_path / "run" / "centralino") == 1


def test_the_list_of_boots_is_bounded(tmp_path: Path) -> None:
    """Fifty lines, the newest last."""
    history = tmp_path / "data" / "boots" / "history"
    history.parent.mkdir(parents=True)
    history.write_text("".join(f"{n} power -\n" for n in range(90)), encoding="ascii")
    booted(tmp_path)
    lines = history.read_text(encoding="ascii").splitlines()
    assert len(lines) == 50
    assert lines[-2] == "89 power -"


@pytest.mark.parametrize("why", WHY)
def test_a_reason_is_a_line_of_status(why: str) -> None:
    """In both languages."""
    (words,) = said(why)
    assert words.text("it").startswith("Ultimo avvio: ")
    assert words.text("en").startswith("Last start: ")


def test_without_the_helper_nothing_is_said(tmp_path: Path) -> None:
    """A machine of somebody's own, and a file that is none, tell nothing."""
    assert said(reason(tmp_path / "centralino")) == ()
    (tmp_path / "centralino-boot").mkdir()
    (tmp_path / "centralino-boot" / "reason").write_text("whatever", encoding="ascii")
    assert said(reason(tmp_path / "centralino")) == ()
