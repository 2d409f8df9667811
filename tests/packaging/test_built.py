"""The package as a file: the same bytes every time, by Debian's rules, and for a bare machine."""

from __future__ import annotations

import gettext
import re
import subprocess
from pathlib import Path

import pytest

from appliance.console.pages.help import PACKAGED
from appliance.text import DOMAIN, LANGUAGES
from tests.docs.pages import ROOT
from tests.packaging import roots
from tests.packaging.machine import Machine

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        roots.missing(lintian="lintian") != "", reason=f"needs {roots.missing(lintian='lintian')}"
    ),
]

ELF_MACHINES = {"amd64": 62, "arm64": 183}
"""e_machine of EM_X86_64 and EM_AARCH64 (elf.h)."""
CALLS = r"^ +in the list of calls: (?:answered|message)$"
"""A call of `centralino dev demo` that went as it should (commands/demo.py)."""


@pytest.fixture(scope="module", params=roots.MACHINES)
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package for each kind of machine."""
    return roots.built(tmp_path_factory.mktemp("first"), request.param)


def machine_of(package: Path) -> str:
    """Read for which kind of machine a package is."""
    return package.stem.rpartition("_")[2]


def test_the_same_files_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    """Made again elsewhere, later, by somebody with another umask, nothing differs."""
    again = roots.built(tmp_path / "elsewhere", machine_of(package), umask=0o027)
    assert again.read_bytes() == package.read_bytes()


def test_lintian_finds_nothing(package: Path) -> None:
    """Debian's own checker of packages has no error and no warning, but for what is explained."""
    done = subprocess.run(
        ("lintian", "--fail-on", "error,warning", str(package)), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_native_libraries_are_for_the_machine(package: Path, tmp_path: Path) -> None:
    """No library of another kind of machine came with the wheels; a Raspberry Pi has its pins."""
    subprocess.run(("dpkg-deb", "-x", str(package), str(tmp_path)), check=True)
    natives = {file.name: file.read_bytes() for file in tmp_path.rglob("*.so")}
    machines = {int.from_bytes(content[18:20], "little") for content in natives.values()}
    assert machines == {ELF_MACHINES[machine_of(package)]}
    has_pins = any(name.startswith("_lgpio") for name in natives)
    assert has_pins == (machine_of(package) == "arm64")


def test_every_language_is_in_the_package(package: Path, tmp_path: Path) -> None:
    """The compiled catalogues are brought: a box without them would speak English alone."""
    subprocess.run(("dpkg-deb", "-x", str(package), str(tmp_path)), check=True)
    texts = next(tmp_path.rglob("appliance/text/locale"))
    italian = gettext.translation(DOMAIN, texts, ["it"])
    assert italian.gettext("no line is configured") == "nessuna linea configurata"


def test_a_bare_machine_gets_all_it_needs(tmp_path: Path) -> None:
    """On a Debian without even Python apt brings everything, and four calls go well."""
    package = roots.built(tmp_path, roots.own_machine())
    with Machine(roots.root(()), network=True) as machine:
        assert machine.try_("test", "-e", "/usr/bin/python3").returncode == 1
        # it shares this machine's network: nothing of it may listen there
        machine.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
        machine.run("chmod", "755", "/usr/sbin/policy-rc.d")
        machine.run("apt-get", "update")
        machine.run("apt-get", "install", "--yes", machine.bring(package), limit=600.0)
        told = machine.run("centralino", "--language", "en", "dev", "demo", limit=300.0)
    assert len(re.findall(CALLS, told, re.MULTILINE)) == 3, told


def test_the_guides_come_along(package: Path) -> None:
    """The console finds the documentation site in every language, and a person among the docs."""
    listed = contents(package)
    for language in LANGUAGES:
        assert f" .{PACKAGED}/{language}/index.html\n" in listed
        assert f" .{PACKAGED}/{language}/search/search_index.json\n" in listed
    assert " ./usr/share/doc/centralino/html -> ../../centralino/help\n" in listed


def contents(package: Path) -> str:
    """List what a package brings."""
    asked = ("dpkg-deb", "--contents", str(package))
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def test_each_shell_completes_and_man_explains(package: Path) -> None:
    """As drawn from the commands: for all shells, and a page of each group in both languages."""
    listed = contents(package)
    for completion in (ROOT / "share").rglob("*centralino*"):
        if completion.is_file():
            place = completion.relative_to(ROOT / "share")
            packed = ".gz" if "man" in place.parts else ""
            assert f" ./usr/share/{place}{packed}\n" in listed
    assert " ./usr/share/man/it/man1/centralino-box.1.gz\n" in listed
    assert " ./usr/share/bash-completion/completions/centralino\n" in listed
