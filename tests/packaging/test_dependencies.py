"""The package brings every library of setup.cfg: Debian's where it is new enough, else a wheel."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.packaging.roots import ROOT

DEBIAN_NAMES = {
    "cattrs": "cattr",
    "markdown-it-py": "markdown-it",
    "pillow": "pil",
    "pyserial": "serial",
}
"""Where Debian's package is not called python3- and PyPI's name."""
OTHER_BUILDS = {"lgpio": "adafruit-lgpio"}
NEEDED_BY_OTHERS = {
    "argon2-cffi-bindings": "argon2-cffi",
    "cssselect2": "weasyprint",
    "fonttools": "weasyprint",
    "pyspnego": "smbprotocol",
    "tinycss2": "weasyprint",
    "tinyhtml5": "weasyprint",
}
MACHINES = ("arm64", "amd64")
FIELD_TEST = {
    "matplotlib": "python3-matplotlib",
    "numpy": "python3-numpy",
    "rich": "python3-rich",
}
"""What the field test needs beside, by PyPI's name (Suggests in debian/control)."""


def requirements(section: str, key: str) -> list[Requirement]:
    """Read one list of setup.cfg; what another Python needs is left out."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    found = [Requirement(line) for line in setup[section][key].split("\n") if line]
    image = {"python_version": "3.13"}
    return [each for each in found if not each.marker or each.marker.evaluate(image)]


def wheels(machine: str) -> dict[str, Version]:
    """Read name and version of every pinned wheel."""
    found: dict[str, Version] = {}
    for path in (ROOT / "debian" / "wheels.txt", ROOT / "debian" / f"wheels-{machine}.txt"):
        pinned = re.findall(r"^([\w-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        found |= {name.lower(): Version(version) for name, version in pinned}
    return found


def debian_floors() -> dict[str, str]:
    """Read the Python packages of debian/control with the versions they must at least have."""
    text = (ROOT / "debian" / "control").read_text(encoding="utf-8")
    return dict(re.findall(r"^ python3-([\w-]+)(?: \(>= ([\d.]+)\))?,", text, re.MULTILINE))


def constrained() -> dict[str, str]:
    """Read the version of every package of the test environment."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.partition("==") for line in lines if line and line[0] != "#")
    return {name.lower(): version for name, _, version in pins}


def not_as_debian(pinned: dict[str, str], shipped: dict[str, str]) -> list[str]:
    """List the pinned versions that are not the release that Debian's version names."""
    wrong = []
    for name, version in shipped.items():
        release = re.sub(r"^\d+:|[-+~].*$", "", version.rpartition(".really.")[2])
        if Version(pinned[name]).base_version != Version(release).base_version:
            wrong.append(f"{name}: {pinned[name]} here, {version} in Debian")
    return wrong


def is_brought(need: Requirement, pinned: dict[str, Version], floors: dict[str, str]) -> bool:
    """Say whether a wheel of a good version, or Debian's package with the same floor, brings it."""
    name = OTHER_BUILDS.get(need.name, need.name).lower()
    if name in pinned:
        return pinned[name] in need.specifier
    floor = floors.get(DEBIAN_NAMES.get(name, name))
    return floor is not None and need.specifier == SpecifierSet(f">={floor}")


@pytest.mark.parametrize("machine", MACHINES)
def test_every_library_is_brought(machine: str) -> None:
    """What setup.cfg installs is in the package or among its dependencies, new enough."""
    pinned, floors = wheels(machine), debian_floors()
    needs = requirements("options", "install_requires")
    assert len(needs) > 20
    assert [str(need) for need in needs if not is_brought(need, pinned, floors)] == []


def test_a_raspberry_pi_gets_its_pins() -> None:
    """The library for the pins comes with the arm64 package, without a compiler."""
    (lgpio,) = requirements("options.extras_require", "pi")
    assert is_brought(lgpio, wheels("arm64"), {})
    assert not is_brought(lgpio, wheels("amd64"), {})


@pytest.mark.parametrize("machine", MACHINES)
def test_no_wheel_too_many(machine: str) -> None:
    """A wheel that nothing asks for any more is not carried on."""
    asked = {need.name.lower() for need in requirements("options", "install_requires")}
    asked |= {OTHER_BUILDS[need.name] for need in requirements("options.extras_require", "pi")}
    asked |= {name for name, user in NEEDED_BY_OTHERS.items() if user in asked}
    assert set(wheels(machine)) - asked == set()


def test_what_is_missing_is_seen() -> None:
    """A new library, or one of a higher floor, is noticed (the check can fail)."""
    pinned, floors = wheels("amd64"), debian_floors()
    for text in ("flask>=3", "cryptography>=99", "gpiozero>=9"):
        assert not is_brought(Requirement(text), pinned, floors)


def test_hashes_are_pinned() -> None:
    """Every wheel has a hash, native ones one for each kind of machine."""
    lines = Path(ROOT / "debian" / "wheels.txt").read_text(encoding="utf-8")
    each = re.split(r"^(?=[\w-]+==)", lines, flags=re.MULTILINE)[1:]
    hashes = {
        part.split("==")[0]: len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", part)) for part in each
    }
    native = {name for name, count in hashes.items() if count == len(MACHINES)}
    assert native == {"argon2-cffi-bindings", "py-nanotts"}
    assert {count for name, count in hashes.items() if name not in native} == {1}


def test_tests_run_on_the_wheels_that_the_package_brings() -> None:
    """A wheel of the package has one version, in the package and in the test environment."""
    pinned, brought = constrained(), wheels("amd64")
    assert {name: pinned[name] for name in brought} == {k: str(v) for k, v in brought.items()}


def test_another_version_than_debians_is_seen() -> None:
    """The check can fail; an epoch or a suffix of Debian's is the same release."""
    shipped = {"click": "8.2.0+0.really.8.1.8-1", "numpy": "1:2.2.4+ds-1", "h11": "0.14.0-1.1"}
    pinned = {"click": "8.1.8", "numpy": "2.2.4", "h11": "0.16.0"}
    assert not_as_debian(pinned, shipped) == ["h11: 0.16.0 here, 0.14.0-1.1 in Debian"]


@pytest.mark.system
def test_tests_run_on_the_versions_that_debian_ships() -> None:
    """Every Python package on which the package depends is pinned to Debian 13's release."""
    pinned, floors = constrained(), debian_floors()
    packages = {
        name: f"python3-{known}"
        for name in pinned
        if (known := DEBIAN_NAMES.get(name, name)) in floors
    }
    assert len(packages) > 15
    packages |= FIELD_TEST
    told = subprocess.run(
        ("apt-cache", "policy", *packages.values()), capture_output=True, text=True, check=True
    ).stdout
    found = dict(re.findall(r"(?m)^(\S+):\n  Installed: .*\n  Candidate: (\S+)", told))
    shipped = {name: found[package] for name, package in packages.items()}
    assert not_as_debian(pinned, shipped) == []
