"""A release from a tag: refused in one sentence, put together from small stand-in parts, signed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from image import os_list, release
from tests.packaging.roots import ROOT

TOOLS = ("minisign", "bmaptool", "xz", "openssl", "rauc", "mksquashfs")
BASE = "https://example.org/centralino/1.0.0-rc1"
TAG, DEBIAN = "1.0.0-rc1", "1.0.0~rc1"
STATUS = """\
Package: zlib1g
Status: install ok installed
Architecture: arm64
Version: 1:1.3+b1
"""
CHANGELOG = f"""\
# Changelog

## [Unreleased]

## [{TAG}] - 2026-12-01

First candidate:
all in one box.

In italiano: Prima versione candidata.

Auf Deutsch: Erste Vorabversion.

### Added

- A switchboard.

## [0.1.0]

- Old.
"""
needs_tools = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)


def run(*words: str | Path, cwd: Path = ROOT, **more: str) -> str:
    """Run a programme of the repository and return what it prints."""
    clean = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "SOURCE_DATE_EPOCH": "1000000"}
    done = subprocess.run(
        words, cwd=cwd, env=clean | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit, without a tag."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "One")
    return folder


def git(folder: Path, *words: str) -> None:
    """Run git in a repository, with no configuration but its own."""
    run("git", "-C", folder, *words, HOME=str(folder), GIT_CONFIG_GLOBAL="/dev/null")


def minisign_keys(folder: Path) -> Path:
    """Make the pair that signs the list of checksums."""
    folder.mkdir(parents=True)
    run("minisign", "-G", "-W", "-p", folder / "minisign.pub", "-s", folder / "minisign.key")
    return folder


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """What a build leaves: an image of 1 MiB and an update of 64 KiB by the real steps."""
    out = tmp_path / "parts"
    status = out / "work" / "root" / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text(STATUS, encoding="utf-8")
    disk = out / "work" / f"centralino-{DEBIAN}.img"
    disk.write_bytes(bytes(1 << 19) + b"centralino" * 4096 + bytes(1 << 19))
    run("image/outputs.sh", disk, OUT=str(out), VERSION=DEBIAN, IMAGE_URL=BASE)
    keys, slot = tmp_path / "update-keys", tmp_path / "slot.ext4"
    slot.write_bytes(bytes(64 << 10))
    run("image/new_key.sh", keys)
    run("image/bundle.sh", slot, DEBIAN, out, KEYS=str(keys), FORMAT="plain", LEVEL="1")
    for machine in ("arm64", "amd64"):
        (out / f"centralino_{DEBIAN}_{machine}.deb").write_bytes(machine.encode())
    return out


@pytest.fixture
def made(tmp_path: Path) -> release.Release:
    """A release that lacks nothing but its parts."""
    keys = minisign_keys(tmp_path / "keys")
    return release.Release(release.Version(TAG), CHANGELOG, keys, BASE)


# ---- the tag ------------------------------------------------------------------------------------


def test_a_commit_without_a_tag_is_refused(checkout: Path) -> None:
    """So is one whose tags are no versions, or two; a version's tag is taken."""
    with pytest.raises(release.ReleaseError, match=r"no tag: give it one.*1\.0\.0-rc1"):
        release.tagged_version(checkout)
    for tag in ("v1.0.0", "1.0", "1.0.0-rc.1", "01.0.0", "1.0.0+here"):
        git(checkout, "tag", tag)
    with pytest.raises(release.ReleaseError, match="has the tags"):
        release.tagged_version(checkout)
    git(checkout, "tag", TAG)
    assert release.tagged_version(checkout).debian == DEBIAN
    git(checkout, "tag", "1.0.0")
    with pytest.raises(release.ReleaseError, match="has the tags"):
        release.tagged_version(checkout)


def test_a_dirty_tree_is_refused(checkout: Path) -> None:
    """Changed or new, the file is named."""
    git(checkout, "tag", TAG)
    (checkout / "more.txt").write_text("x", encoding="utf-8")
    with pytest.raises(release.ReleaseError, match=r"not committed \(more\.txt first\)"):
        release.tagged_version(checkout)


@pytest.mark.system
@needs_tools
def test_the_command_says_the_version_or_one_sentence(checkout: Path, tmp_path: Path) -> None:
    """The version as Debian has it, for the build; a refusal is one line and ends with 1."""
    git(checkout, "tag", TAG)
    script, keys = ROOT / "image" / "release.py", minisign_keys(tmp_path / "keys")
    asked = (sys.executable, script, "version")
    assert run(*asked, cwd=checkout, KEYS=str(keys), BASE_URL=BASE) == f"{DEBIAN}\n"
    clean = {"PATH": os.environ["PATH"]}
    for wrong, said in (
        ({"BASE_URL": BASE}, "KEYS="),
        ({"BASE_URL": BASE, "KEYS": str(tmp_path)}, "make keys"),
        ({"BASE_URL": "http://example.org", "KEYS": str(keys)}, "no https address"),
        ({"KEYS": str(keys)}, "no https address"),
    ):
        done = subprocess.run(
            asked, cwd=checkout, env=clean | wrong, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("release: ")
        assert done.stderr.count("\n") == 1
        assert said in done.stderr


def test_a_pre_release_is_below_its_release() -> None:
    """By Debian's own order, and by that of the box's updates."""
    for older, newer in (("1.0.0~rc1", "1.0.0~rc2"), ("1.0.0~rc2", "1.0.0"), ("1.0.0", "1.0.1")):
        run("dpkg", "--compare-versions", older, "lt", newer)


# ---- notes --------------------------------------------------------------------------------------


def test_notes_are_the_versions_section() -> None:
    """Whole for who downloads, in short in three languages for the box."""
    section = release.section_of(CHANGELOG, release.Version(TAG))
    assert section.startswith("First candidate:")
    assert section.endswith("- A switchboard.")
    told = release.summaries_of(section, release.Version(TAG))
    assert told == {
        "en": "First candidate: all in one box.\n",
        "it": "Prima versione candidata.\n",
        "de": "Erste Vorabversion.\n",
    }


def test_a_version_without_notes_is_refused() -> None:
    """No section, or no summary in one of the languages: the heading is named."""
    with pytest.raises(release.ReleaseError, match=r"no section 2\.0\.0"):
        release.section_of(CHANGELOG, release.Version("2.0.0"))
    for section in (
        "### Added\n\n- One.", "New.\n\n### Added", "In italiano: Nuovo.",
        "New.\n\nIn italiano: Nuovo.", "In italiano: Nuovo.\n\nAuf Deutsch: Neu.",
    ):  # fmt: skip
        with pytest.raises(release.ReleaseError, match=r"In italiano:.*Auf Deutsch:"):
            release.summaries_of(section, release.Version(TAG))


# ---- the folder ---------------------------------------------------------------------------------


@pytest.mark.system
@needs_tools
def test_a_release_is_whole_and_signed(made: release.Release, parts: Path, tmp_path: Path) -> None:
    """Each file is in the list, whose signature minisign itself accepts."""
    folder = made.assemble(parts, tmp_path / "out")
    assert folder.name == TAG
    names = {path.name for path in folder.iterdir()}
    assert names == {
        f"centralino-{DEBIAN}.img.xz", f"centralino-{DEBIAN}.bmap", f"centralino-{DEBIAN}.raucb",
        f"centralino-{DEBIAN}.cdx.json", f"centralino-{DEBIAN}.packages",
        f"centralino_{DEBIAN}_amd64.deb", f"centralino_{DEBIAN}_arm64.deb", "RELEASE-NOTES.txt",
        "notes.de.txt", "notes.en.txt", "notes.it.txt", "os_list.json", "latest.json",
        "centralino.svg", "SHA256SUMS", "SHA256SUMS.minisig",
    }  # fmt: skip
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=folder)
    listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert listed == names - {"SHA256SUMS", "SHA256SUMS.minisig"}
    verify = ("minisign", "-V", "-p", str(made.keys / "minisign.pub"), "-m", "SHA256SUMS")
    assert f"Trusted comment: Centralino {TAG}" in run(*verify, cwd=folder)
    with (folder / "SHA256SUMS").open("a", encoding="ascii") as file:
        file.write("x")
    assert subprocess.run(verify, cwd=folder, capture_output=True).returncode != 0


@pytest.mark.system
@needs_tools
def test_the_same_parts_give_the_same_bytes(
    made: release.Release, parts: Path, tmp_path: Path
) -> None:
    """The signature too; a release that is made again replaces the one of before whole."""
    first = made.assemble(parts, tmp_path / "one")
    second = made.assemble(parts, tmp_path / "two")
    (second / "stray").write_text("x", encoding="utf-8")
    second = made.assemble(parts, tmp_path / "two")
    assert contents(first) == contents(second)


def contents(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.system
@needs_tools
def test_a_part_that_is_missing_or_of_another_build_is_refused(
    made: release.Release, parts: Path, tmp_path: Path
) -> None:
    """An image that is not the list's, an update not latest.json's; nothing is published."""
    for name, said in (
        (f"centralino-{DEBIAN}.img.xz", "image_download_sha256"),
        (f"centralino-{DEBIAN}.raucb", r"latest\.json"),
    ):
        before = (parts / name).read_bytes()
        (parts / name).write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(release.ReleaseError, match=said):
            made.assemble(parts, tmp_path / "out")
        (parts / name).write_bytes(before)
    (parts / f"centralino_{DEBIAN}_amd64.deb").unlink()
    with pytest.raises(release.ReleaseError, match=r"lacks centralino_1\.0\.0~rc1_amd64\.deb"):
        made.assemble(parts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---- Imager's list ------------------------------------------------------------------------------


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Any]:
    """A list as the build writes it."""
    disk, packed = tmp_path / "x.img", tmp_path / "x.img.xz"
    disk.write_bytes(b"disk")
    packed.write_bytes(b"packed")
    variant = os_list.Variant("Centralino", "", ("pi3-64bit", "pi4-64bit"))
    return os_list.manifest(os_list.entry(disk, packed, BASE, DEBIAN, 86_400, variant))


def test_the_list_keeps_to_imagers_rules(told: dict[str, Any]) -> None:
    """Boards to choose from, whose tags the image has; the block map lies beside it."""
    assert list(os_list.mistakes(told)) == []
    (one,) = told["os_list"]
    boards = {tag for device in told["imager"]["devices"] for tag in device["tags"]}
    assert boards == set(one["devices"])
    assert one["bmap_url"] == f"{BASE}/x.bmap"


Change = Callable[[dict[str, Any]], Any]
WRONG: dict[str, Change] = {
    "there is no os_list": lambda told: told.pop("os_list"),
    "more is no field": lambda told: told.update(more=1),
    "imager.devices is missing": lambda told: told.pop("imager"),
    "imager.devices[0].tags": lambda told: told["imager"]["devices"][0].pop("tags"),
    "names no board": lambda told: told["os_list"][0].update(devices=["pi2-32bit"]),
    "extract_size is missing or no int": lambda told: told["os_list"][0].update(extract_size="1"),
    "a size that is not above 0": lambda told: told["os_list"][0].update(extract_size=0),
    "url is no https": lambda told: told["os_list"][0].update(url="http://example.org/x"),
    "bmap_url is no https": lambda told: told["os_list"][0].update(bmap_url="file:///x"),
    "is no SHA-256": lambda told: told["os_list"][0].update(extract_sha256="x"),
    "is no date": lambda told: told["os_list"][0].update(release_date="today"),
    "os_list[0] is no object": lambda told: told.update(os_list=["x"]),
}


@pytest.mark.parametrize("said", WRONG)
def test_what_imager_would_not_show_is_named(told: dict[str, Any], said: str) -> None:
    """Each of its rules, seen broken."""
    copy = json.loads(json.dumps(told))
    WRONG[said](copy)
    assert any(said in one for one in os_list.mistakes(copy))
