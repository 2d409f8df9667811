"""Every unit that waits for something is started by the image and by the package."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from appliance import usb
from appliance.commands.helper import HELPERS
from appliance.service import backup, clock, selftest, settings, updates
from appliance.service.helper_requests import restore_request_path
from tests.image.slot import ROOT

OVERLAY = ROOT / "image/overlay/etc/systemd/system"


def startable(folder: Path) -> set[str]:
    """List the units of a folder that say when they are to be started."""
    units = (one for one in folder.iterdir() if one.is_file())
    return {one.name for one in units if "\n[Install]\n" in one.read_text(encoding="utf-8")}


def packaged() -> set[str]:
    """List the units that the package enables; the image's build reads the same lines."""
    text = (ROOT / "debian/rules").read_text(encoding="utf-8")
    lines = re.findall(r"^\tdh_installsystemd (.*)$", text, re.MULTILINE)
    return {word for line in lines for word in line.split() if "." in word}


def test_the_package_starts_every_unit_of_its_own() -> None:
    """A path unit that nobody enables waits for nothing: what is asked for is never done."""
    assert startable(ROOT / "systemd") - packaged() == set()


def test_the_image_starts_every_unit_of_its_own() -> None:
    """Likewise; the package's are enabled as the package says."""
    listed = (ROOT / "image/enabled").read_text(encoding="utf-8").splitlines()
    assert startable(OVERLAY) - set(listed) == set()


def test_every_service_has_the_shared_sandbox_but_those_that_say_why(tmp_path: Path) -> None:
    """A new service has it without a word. Only what mounts for all, writes the card's table, names
    the box or runs before all file systems has lines of its own; each mask belongs to units.
    """
    subprocess.run(("sh", ROOT / "systemd/install.sh", tmp_path), check=True)
    shared = (ROOT / "systemd/hardening.conf").read_bytes()
    for name in ("centralino", "centralino-"):
        assert (tmp_path / f"{name}.service.d/10-hardening.conf").read_bytes() == shared
    dropins = [*tmp_path.rglob("10-*.conf"), *OVERLAY.rglob("10-hardening.conf")]
    masks = {path.parent.name.removesuffix(".service.d"): path for path in dropins[2:]}
    # A link to /dev/null would mask, too, but hides the unit from `systemctl --root enable`.
    assert not any(path.is_symlink() for path in masks.values())
    said = {line[:1] for path in masks.values() for line in path.read_text("utf-8").splitlines()}
    assert said == {"#"}
    assert masks.keys() == {"centralino-boot-", "centralino-site"}
    assert len(dropins) == len(masks) + 2
    masked = {path.stem for name in masks for path in OVERLAY.glob(f"{name}*.service")}
    early = {f"centralino-boot-{name}" for name in ("data", "firewall", "grow", "identity", "key")}
    assert masked == {*early, "centralino-site"}


def test_what_is_started_with_the_machine_and_has_no_install_section(tmp_path: Path) -> None:
    """Two instances of the helpers' template, by links that package and image bring along: to put
    back what a power cut interrupted, and to mark the slot good.
    """
    subprocess.run(("sh", ROOT / "systemd/install.sh", tmp_path), check=True)
    template = "centralino-helper@.service"
    for folder, name in ((tmp_path, "restore"), (OVERLAY, "good")):
        (link,) = (folder / "multi-user.target.wants").iterdir()
        assert link.name == f"centralino-helper@{name}.service"
        assert link.readlink().name == template
    assert (tmp_path / "multi-user.target.wants" / "centralino-helper@restore.service").exists()


def requested(unit: Path) -> set[str]:
    """List the helpers whose requests a unit has waited for."""
    return set(re.findall(r"centralino-request@(\S+)\.path", unit.read_text(encoding="utf-8")))


def test_call_control_brings_along_what_waits_for_its_requests() -> None:
    """Wherever call control writes a request somebody waits for it, and starts the helper whose
    service takes requests; the image adds the updates.
    """
    folder = Path("/run/centralino")
    waits = (ROOT / "systemd/centralino-request@.path").read_text(encoding="utf-8")
    for line in (f"PathExists={folder}/%i-asked", f"PathExistsGlob={folder}/%i/*"):
        assert line in waits.splitlines()
    asked = {
        "backup-stick": backup.request_path(folder),
        "restore": restore_request_path(folder),
        "selftest": selftest.request_path(folder),
        "settings": settings.request_path(folder),
        "update": folder / updates.REQUEST,
    }
    in_folders = {"clock": clock.folder_of(folder), "usb": usb.requests_folder(folder)}
    assert asked == {name: folder / f"{name}-asked" for name in asked}
    assert in_folders == {name: folder / name for name in in_folders}
    own = requested(ROOT / "systemd/centralino.service")
    image = requested(OVERLAY / "centralino.service.d/image.conf")
    assert (own | image, own & image) == (asked.keys() | in_folders.keys(), set())
    assert image == {"update"}
    assert "Unit=centralino-helper@%i.service" in waits.splitlines()
    assert own | image | {"good"} == set(HELPERS)


def test_every_right_belongs_to_a_helper() -> None:
    """A drop-in of a name that no helper has would be laid over nothing."""
    dropins = [
        *(ROOT / "systemd").glob("*.d/*.conf"),
        *OVERLAY.glob("centralino-helper@*.d/*.conf"),
    ]
    named = {
        re.sub(r"centralino-helper@(.*)\.service\.d", r"\1", one.parent.name) for one in dropins
    }
    assert named == {"backup-stick", "clock", "good", "restore", "selftest", "usb"}
    assert named <= set(HELPERS)
