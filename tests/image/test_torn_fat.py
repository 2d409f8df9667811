"""The card's first partition after a power cut in the middle of the answer, and what mends it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.image.fat import tear

TOOLS = {"mkfs.fat": "dosfstools", "mcopy": "mtools", "mshowfat": "mtools"}
MISSING = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(MISSING), reason=f"needs the Debian packages {' '.join(MISSING)}"),
]
DRAFT = ".centralino-result.txt.new"
"""How bootfile/card.py writes the answer before it has its name."""
FILE = b'[site]\nname = "Comune"\n' * 60


def run(*words: str, stdin: bytes = b"") -> tuple[int, bytes]:
    """Run a command; returns its status and what it wrote."""
    done = subprocess.run(words, check=False, capture_output=True, input=stdin)
    return done.returncode, done.stdout


@pytest.fixture
def partition(tmp_path: Path) -> Path:
    """A partition like the image's, with the technician's file, and a draft that a cut has torn."""
    made = tmp_path / "fat"
    assert run("mkfs.fat", "-C", "-F", "32", str(made), "65536")[0] == 0
    for name, contents in (("centralino.toml", FILE), (DRAFT, b"x" * 3000)):
        assert run("mcopy", "-i", str(made), "-", f"::{name}", stdin=contents)[0] == 0
    tear(made, 0, DRAFT)
    return made


def test_a_torn_answer_is_mended_and_the_rest_left_alone(partition: Path) -> None:
    """fsck.fat mends it by itself, as systemd-fsck calls it; the technician's file is as it was,
    and a second look finds nothing.
    """
    assert run("fsck.fat", "-n", str(partition))[0] == 1, "the cut has torn nothing"
    assert run("fsck.fat", "-a", str(partition))[0] == 1
    assert run("fsck.fat", "-n", str(partition))[0] == 0
    assert run("mtype", "-i", str(partition), "::centralino.toml") == (0, FILE)


def test_a_whole_partition_is_not_written_to(partition: Path) -> None:
    """At nearly every start there is nothing to mend: not a byte changes."""
    run("fsck.fat", "-a", str(partition))
    before = partition.read_bytes()
    assert run("fsck.fat", "-a", str(partition))[0] == 0
    assert partition.read_bytes() == before
