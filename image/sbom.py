"""Writes what is in a slot, with versions and licences, as CycloneDX 1.6 JSON on standard output.

Every Debian package of its dpkg status, the programme and every wheel that came with it. Licences
are the names that a package's copyright file or a wheel's metadata uses, not checked against texts.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import uuid
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

STATUS = Path("var/lib/dpkg/status")
SITE = Path("usr/lib/centralino/lib/python3.13/site-packages")
DEP5_LICENCE = re.compile(r"^License:[ \t]*(\S[^\n]*)$", re.MULTILINE)
"""The short names of a machine-readable copyright file (DEP-5)."""
COMMON_LICENCE = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])")
"""What an older copyright file points to."""
UNKNOWN = "see copyright file"
CLASSIFIER = "License :: "


def stanzas(status: str) -> list[dict[str, str]]:
    """Split a dpkg status file into the fields of each installed package, by name."""
    found = [dict(HeaderParser().parsestr(one)) for one in status.strip().split("\n\n")]
    return sorted(
        (one for one in found if one.get("Status") == "install ok installed"), key=by_name
    )


def by_name(fields: dict[str, str]) -> str:
    """Order packages."""
    return fields["Package"]


def licences(copyright_text: str) -> list[str]:
    """Name the licences that a Debian copyright file speaks of."""
    found = {name.strip() for name in DEP5_LICENCE.findall(copyright_text)}
    return sorted(found or set(COMMON_LICENCE.findall(copyright_text))) or [UNKNOWN]


def of_package(root: Path, fields: dict[str, str]) -> dict[str, Any]:
    """Describe a Debian package."""
    name, version, machine = fields["Package"], fields["Version"], fields["Architecture"]
    file = root / "usr/share/doc" / name / "copyright"
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    place = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={machine}&distro=debian-13"
    return component(name, version, place, licences(text), text)


def of_wheel(metadata: Path) -> dict[str, Any]:
    """Describe what came as a wheel, by its METADATA (core metadata 2.4)."""
    fields = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
    classified = [one for one in fields.get_all("Classifier", []) if one.startswith(CLASSIFIER)]
    told = fields["License-Expression"] or (fields["License"] or "").split("\n")[0].strip()
    names = [told] if told else [one.rpartition(" :: ")[2] for one in classified]
    name, version = fields["Name"], fields["Version"]
    place = f"pkg:pypi/{name.lower().replace('_', '-')}@{quote(version)}"
    files = sorted(metadata.parent.rglob("LICEN[CS]E*"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    return component(name, version, place, names or [UNKNOWN], text)


def one_licence(name: str, text: str) -> dict[str, Any]:
    """Name a licence; the whole text goes with one that has no name."""
    whole = {"text": {"contentType": "text/plain", "content": text}}
    return {"license": {"name": name} | (whole if name == UNKNOWN and text else {})}


def component(name: str, version: str, place: str, names: list[str], text: str) -> dict[str, Any]:
    """Write one component as CycloneDX wants it.

    `place` is its package URL, `text` what its author says of its licence.
    """
    told = [one_licence(name, text) for name in names]
    identity = {"type": "library", "bom-ref": place, "name": name, "version": version}
    return identity | {"purl": place, "licenses": told}


def sbom(root: Path, version: str, epoch: int) -> dict[str, Any]:
    """Describe the slot that lies in `root`; the date is that of the build (s since 1970)."""
    packages = stanzas((root / STATUS).read_text(encoding="utf-8"))
    wheels = sorted((root / SITE).glob("*.dist-info/METADATA"))
    built = datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = [of_package(root, one) for one in packages] + [of_wheel(one) for one in wheels]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(parts))
    box = {"type": "firmware", "name": "centralino", "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"timestamp": built, "component": box},
        "components": parts,
    }


if __name__ == "__main__":
    folder, told_version, seconds = sys.argv[1:]
    json.dump(sbom(Path(folder), told_version, int(seconds)), sys.stdout, indent=1)
    sys.stdout.write("\n")
