"""The list of parts, from a small root: licences as each kind of package names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from image import sbom

STATUS = """\
Package: zlib1g
Status: install ok installed
Architecture: arm64
Version: 1:1.3+b1

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: adduser
Status: install ok installed
Architecture: all
Version: 3.152
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root with two installed packages, one that was removed, and a wheel."""
    status = tmp_path / sbom.STATUS
    status.parent.mkdir(parents=True)
    status.write_text(STATUS, encoding="utf-8")
    return tmp_path


def put(path: Path, text: str) -> None:
    """Write a file with its folders."""
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def parts(root: Path) -> dict[str, dict[str, Any]]:
    """Return the parts by name."""
    return {one["name"]: one for one in sbom.sbom(root, "1", 86_400)["components"]}


def names(part: dict[str, Any]) -> list[str]:
    """Return the names of a part's licences."""
    return [one["license"]["name"] for one in part["licenses"]]


def test_what_is_installed_is_listed_once(root: Path) -> None:
    """A package that was removed is no part; the epoch of a version is part of its address."""
    found = parts(root)
    assert list(found) == ["adduser", "zlib1g"]
    assert (
        found["zlib1g"]["purl"] == "pkg:deb/debian/zlib1g@1%3A1.3%2Bb1?arch=arm64&distro=debian-13"
    )


@pytest.mark.parametrize(
    "text, told",
    [
        ("Files: *\nLicense: Zlib\n\nFiles: x\nLicense: GPL-2+\n text\n", ["GPL-2+", "Zlib"]),
        ("see /usr/share/common-licenses/GPL-2.\n", ["GPL-2"]),
        ("do as you please\n", [sbom.UNKNOWN]),
    ],
)
def test_licences_are_those_of_the_copyright_file(root: Path, text: str, told: list[str]) -> None:
    """A file that a machine can read names them; an older one points to them."""
    put(root / "usr/share/doc/adduser/copyright", text)
    assert names(parts(root)["adduser"]) == told


@pytest.mark.parametrize(
    "text, told",
    [
        ("License-Expression: MIT\nLicense: other\n", ["MIT"]),
        ("License: BSD-3-Clause\n", ["BSD-3-Clause"]),
        ("Classifier: License :: OSI Approved :: MIT License\n", ["MIT License"]),
        ("Summary: nothing said\n", [sbom.UNKNOWN]),
    ],
)
def test_licences_of_a_wheel_are_those_of_its_metadata(
    root: Path, text: str, told: list[str]
) -> None:
    """The expression of today comes before the free text and the classifiers of earlier years."""
    put(root / sbom.SITE / "A_b-1.dist-info/METADATA", f"Name: A_b\nVersion: 1\n{text}\n")
    part = parts(root)["A_b"]
    assert (part["purl"], names(part)) == ("pkg:pypi/a-b@1", told)


def test_a_licence_without_a_name_comes_with_its_text(root: Path) -> None:
    """What no rule can name can still be read in the list; a named one is not repeated."""
    put(root / "usr/share/doc/adduser/copyright", "do as you please\n")
    put(root / sbom.SITE / "a-1.dist-info/METADATA", "Name: a\nVersion: 1\n\n")
    put(root / sbom.SITE / "a-1.dist-info/licenses/LICENSE.md", "and so here\n")
    put(root / "usr/share/doc/zlib1g/copyright", "License: Zlib\n")
    told = {name: one["licenses"][0]["license"] for name, one in parts(root).items()}
    assert told["adduser"]["text"]["content"] == "do as you please\n"
    assert told["a"]["text"]["content"] == "and so here\n"
    assert told["zlib1g"] == {"name": "Zlib"}


def test_the_same_parts_have_the_same_number(root: Path) -> None:
    """The list is a function of what is in the slot and of the date of the build."""
    assert sbom.sbom(root, "1", 0) == sbom.sbom(root, "1", 0)
    before = sbom.sbom(root, "1", 0)["serialNumber"]
    put(root / "usr/share/doc/adduser/copyright", "License: X\n")
    assert sbom.sbom(root, "1", 0)["serialNumber"] != before
