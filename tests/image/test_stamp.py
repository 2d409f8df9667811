"""The boot tests are left out only for the very content that has passed them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.image import stamp

SITE, UPDATE = "appliance/bootfile/card.py", "appliance/commands/updates.py"
BOOTS, CUTS = "tests/image/test_boots.py", "tests/image/long/test_cuts.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout: a file of the image, two that it alone runs, two of its tests, one other."""
    for name in ("image/build.sh", "appliance/x.py", SITE, UPDATE, BOOTS, CUTS):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("one", encoding="utf-8")
    subprocess.run(("git", "init", "-q", str(tmp_path)), check=True)
    return tmp_path


def test_what_is_no_part_of_it_changes_nothing(tree: Path) -> None:
    """The programme's own code has its own tests."""
    before = stamp.fingerprint(tree)
    (tree / "appliance" / "x.py").write_text("two", encoding="utf-8")
    assert stamp.fingerprint(tree) == before


def test_what_only_the_long_run_does_changes_nothing(tree: Path) -> None:
    """Tests that take an hour are no part of the short boots."""
    before = stamp.fingerprint(tree)
    (tree / CUTS).write_text("two", encoding="utf-8")
    (tree / CUTS).with_name("more.py").write_text("new", encoding="utf-8")
    assert stamp.fingerprint(tree) == before


@pytest.mark.parametrize("name", [SITE, UPDATE, BOOTS])
def test_what_the_image_alone_runs_is_part_of_it(tree: Path, name: str) -> None:
    """A change in what reads the card, in updates, or in their tests, boots it."""
    before = stamp.fingerprint(tree)
    (tree / name).write_text("two", encoding="utf-8")
    assert stamp.fingerprint(tree) != before


@pytest.mark.parametrize("name", stamp.INPUTS)
def test_what_counts_is_there(name: str) -> None:
    """A file that was given another name is not left out unnoticed."""
    listed = subprocess.run(
        ("git", "ls-files", "--", name), cwd=stamp.ROOT, check=True, capture_output=True
    )
    assert listed.stdout


def test_a_byte_a_name_or_a_right_is_another_content(tree: Path) -> None:
    """Also in a file that is not yet committed."""
    script = tree / "image" / "build.sh"
    found = [stamp.fingerprint(tree)]
    script.write_text("two", encoding="utf-8")
    found.append(stamp.fingerprint(tree))
    script.chmod(0o755)
    found.append(stamp.fingerprint(tree))
    script.rename(tree / "image" / "make.sh")
    found.append(stamp.fingerprint(tree))
    assert len(set(found)) == len(found)


def test_only_what_has_passed_is_left_out(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No record: run; a record: not; another byte: run again; a torn record: run."""
    monkeypatch.setattr(stamp, "ROOT", tree)
    record = tree / stamp.PASSED
    assert stamp.main([]) == 1
    assert stamp.main(["--passed"]) == 0
    assert stamp.main([]) == 0
    assert "passed its boots on 20" in stamp.passed(tree)
    whole = record.read_text(encoding="ascii")
    for torn in ("", whole[:20], f"{whole.split()[0]}\n"):
        record.write_text(torn, encoding="ascii")
        assert stamp.main([]) == 1
    record.write_text(whole, encoding="ascii")
    (tree / "image" / "build.sh").write_text("two", encoding="utf-8")
    assert stamp.main([]) == 1
