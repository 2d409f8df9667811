"""publiccode.yml keeps to the standard (0.5) and says what the rest of the project says.

The rules are those of the standard's description and of the parser that Developers Italia runs:
mandatory keys, allowed values, lengths. The file keeps to a part of YAML that is read here; what
this reader does not know is a mistake.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance import __version__
from appliance.text import LANGUAGES
from tests.docs.pages import ROOT, read

FILE = ROOT / "publiccode.yml"
MANDATORY = {
    "publiccodeYmlVersion", "name", "url", "platforms", "developmentStatus", "softwareType",
    "description", "legal", "maintenance", "localisation",
}  # fmt: skip
OPTIONAL = {"softwareVersion", "logo", "categories", "intendedAudience", "dependsOn"}
"""Of the optional keys those that the file has."""
ALLOWED = {
    "publiccodeYmlVersion": {"0.5"},
    "developmentStatus": {"concept", "development", "beta", "stable", "obsolete"},
    "softwareType": {
        "standalone/mobile", "standalone/iot", "standalone/desktop", "standalone/web",
        "standalone/backend", "standalone/other", "addon", "library", "configurationFiles",
    },
    "categories": {"call-center-management", "communications", "voip"},
    "scope": {"government", "local-authorities"},
    "maintenance": {"internal", "contract", "community", "none"},
}  # fmt: skip
"""Allowed values; of the two long lists those that the file uses."""
SHORT, LONG = 150, range(150, 10_001)
"""Characters of a short description at most, of a long one."""
Line = tuple[int, str]


def lines_of(text: str) -> list[Line]:
    """Return the lines that say something, each with how far it is indented."""
    bare = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [(len(line) - len(line.lstrip()), line.strip()) for line in bare]


def value_of(lines: list[Line], indent: int) -> Any:
    """Read the lines from here on that belong to one value, and take them away."""
    if lines[0][1].startswith("- "):
        return list(items(lines, indent))
    return dict(entries(lines, indent))


def items(lines: list[Line], indent: int) -> Iterator[Any]:
    """Read a list: of words, or of mappings that begin beside the dash."""
    while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
        text = lines.pop(0)[1].removeprefix("- ")
        if re.match(r"\w+: ", text):
            lines.insert(0, (indent + 2, text))
            yield dict(entries(lines, indent + 2))
        else:
            yield scalar(text)


def entries(lines: list[Line], indent: int) -> Iterator[tuple[str, Any]]:
    """Read a mapping; raises ValueError for a line that is none of its entries."""
    while lines and lines[0][0] == indent and not lines[0][1].startswith("- "):
        key, colon, text = lines.pop(0)[1].partition(":")
        if not colon:
            raise ValueError(f"not understood: {key}")
        if text == " >-":
            words = []
            while lines and lines[0][0] > indent:
                words.append(lines.pop(0)[1])
            yield key, " ".join(words)
        elif text:
            yield key, scalar(text.strip())
        else:
            yield key, value_of(lines, lines[0][0])


def scalar(text: str) -> str | bool:
    """Read a word: true, false, or text with quotes or without."""
    return {"true": True, "false": False}.get(text, text.strip('"'))


def found() -> dict[str, Any]:
    """Return what the file says; raises ValueError for lines that are left over."""
    lines = lines_of(read(FILE))
    told: dict[str, Any] = value_of(lines, 0)
    if lines:
        raise ValueError(f"not understood: {lines[0][1]}")
    return told


def mistakes(told: dict[str, Any]) -> list[str]:
    """List what the standard does not allow, by its key."""
    wrong = [key for key in MANDATORY if not told.get(key)]
    wrong += [key for key in told if key not in MANDATORY | OPTIONAL]
    one_of = ("publiccodeYmlVersion", "developmentStatus", "softwareType")
    wrong += [key for key in one_of if told.get(key) not in ALLOWED[key]]
    wrong += [key for key in told.get("categories", ()) if key not in ALLOWED["categories"]]
    audience = told.get("intendedAudience", {})
    wrong += [key for key in audience.get("scope", ()) if key not in ALLOWED["scope"]]
    wrong += [one for one in audience.get("countries", ()) if not re.fullmatch("[A-Z]{2}", one)]
    if not re.fullmatch(r"https://\S+\.git", told.get("url", "")):
        wrong.append("url")
    logo = told.get("logo", "")
    if not logo.endswith((".svg", ".png")) or not (ROOT / logo).is_file():
        wrong.append("logo")
    for language, description in told.get("description", {}).items():
        wrong += [f"{language}/{key}" for key in described_wrongly(description)]
    maintenance = told.get("maintenance", {})
    if maintenance.get("type") not in ALLOWED["maintenance"]:
        wrong.append("maintenance/type")
    if not all(one.get("name") for one in maintenance.get("contacts", [{}])):
        wrong.append("maintenance/contacts")
    localisation = told.get("localisation", {})
    if not isinstance(localisation.get("localisationReady"), bool):
        wrong.append("localisationReady")
    if not localisation.get("availableLanguages"):
        wrong.append("availableLanguages")
    return wrong


def described_wrongly(description: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of a description that are too short, too long, missing or lead nowhere."""
    if not 0 < len(description.get("shortDescription", "")) <= SHORT:
        yield "shortDescription"
    if len(description.get("longDescription", "")) not in LONG:
        yield "longDescription"
    if not description.get("features"):
        yield "features"
    for name in description.get("screenshots", ()):
        if not (ROOT / name).is_file():
            yield "screenshots"


def test_it_keeps_to_the_standard() -> None:
    """A catalogue takes it as it is."""
    assert mistakes(found()) == []


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lambda told: told.pop("legal"), "legal"),
        (lambda told: told.update(it={}), "it"),
        (lambda told: told.update(url="centralino"), "url"),
        (lambda told: told.update(softwareType="box"), "softwareType"),
        (lambda told: told.update(logo="no.svg"), "logo"),
        (lambda told: told["categories"].append("telephony"), "telephony"),
        (lambda told: told["intendedAudience"]["countries"].append("it"), "it"),
        (lambda told: told["description"]["it"].update(shortDescription="x" * 151),
         "it/shortDescription"),
        (lambda told: told["description"]["en"].update(longDescription="short"),
         "en/longDescription"),
        (lambda told: told["description"]["en"].pop("features"), "en/features"),
        (lambda told: told["description"]["en"]["screenshots"].append("no.png"),
         "en/screenshots"),
        (lambda told: told["maintenance"].pop("contacts"), "maintenance/contacts"),
        (lambda told: told["maintenance"].update(type="hobby"), "maintenance/type"),
        (lambda told: told["localisation"].pop("localisationReady"), "localisationReady"),
        (lambda told: told["localisation"].pop("availableLanguages"), "availableLanguages"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_seen(spoil: Callable[[dict[str, Any]], Any], wrong: str) -> None:
    """Each rule is noticed where it is broken (the check can fail)."""
    told = found()
    spoil(told)
    assert mistakes(told) == [wrong]


def test_a_line_of_another_kind_is_seen() -> None:
    """What this reader does not know is no value."""
    with pytest.raises(ValueError, match="not understood: nonsense"):
        value_of(lines_of("name: x\nnonsense\n"), 0)


def test_it_says_what_the_project_says() -> None:
    """Version, licence, languages, owner and contact stand in other files, too."""
    told = found()
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    (contact,) = told["maintenance"]["contacts"]
    assert told["softwareVersion"] == __version__
    assert told["legal"]["license"] == setup["metadata"]["license"]
    assert told["localisation"]["availableLanguages"] == list(LANGUAGES)
    assert sorted(told["description"]) == sorted(LANGUAGES)
    assert f"Copyright: 2026 {told['legal']['mainCopyrightOwner']}\n" in read(
        ROOT / "debian" / "copyright"
    )
    assert f"Maintainer: {contact['name']} <" in read(ROOT / "debian" / "control")


def test_one_address_waits_for_the_publication() -> None:
    """No other value names a host that does not exist: a catalogue would follow it."""
    invented = [line.strip() for _, line in lines_of(read(FILE)) if "example." in line]
    assert [line.partition(":")[0] for line in invented] == ["url"]
