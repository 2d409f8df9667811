"""The directory in TOML: every mistake at once with its line; what is written is what was read."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.config import directory_file
from appliance.config.values import BadConfiguration
from appliance.policy.directory import Directory
from appliance.policy.numbering import Purpose

EXAMPLE = resources.files("appliance.config") / "example_register.toml"
CONFIG = resources.files("appliance.config") / "example.toml"

WRONG = """
[[services]]
code = "demografici"
name = "Servizi demografici"
email = "demografici"

[[declarations]]
unit = "tributi"
declared_by = "Dirigente"
entered_by = "Responsabile"
entered_at = 2026-01-12T09:00:00+01:00
reference = ""
first = 2026-01-15
returns = ["phone"]
bands = { monday = ["9:00-12:00"] }

[[declarations.needs]]
code = "residenza"
name = "Residenza"

[[declarations.needs.numbers]]
reach = "pigeon"
number = "204"

[[declarations]]
unit = "demografici"
declared_by = "Dirigente"
entered_by = "Responsabile"
entered_at = 2026-01-12T09:00:00+01:00
reference = "Protocollo 2"
first = 2026-01-15
last = 2026-01-14
returns = []
bands = {}
slots = { minutes = 1, hours = {} }

[[declarations.needs]]
code = "residenza"
name = "Residenza"

[[declarations.needs.numbers]]
reach = "pbx"
number = "204"

[[declarations.needs.numbers]]
reach = "outside"
number = "3355501260"

[[declarations.needs]]
code = "vuota"
name = "Vuota"
numbers = []

[[variations]]
unit = "demografici"
entered_by = "Responsabile"
entered_at = 2026-01-12T09:00:00+01:00
reference = ""
first = 2026-01-15
last = 2026-01-15

[[variations]]
unit = "demografici"
entered_by = "Responsabile"
entered_at = 2026-01-12T09:00:00+01:00
reference = "E-mail"
first = 2026-01-15
last = 2026-01-14

[[authorisations]]
unit = "demografici"
tell = "abc"
authorised_by = "Dirigente"
entered_by = "Responsabile"
entered_at = 2026-01-12T09:00:00+01:00
reference = "E-mail"
"""


def example() -> Directory:
    """Read the example office's directory."""
    return directory_file.parse(EXAMPLE.read_text(encoding="utf-8"))


def place(text: str) -> str:
    """Return "line N, place" of a listed mistake."""
    return text.strip().split(":")[0]


def test_every_mistake_at_once_with_its_line() -> None:
    """One reading tells all there is to mend, each where it stands."""
    with pytest.raises(BadConfiguration) as caught:
        directory_file.parse(WRONG)
    assert [place(row) for row in str(caught.value).splitlines()[1:]] == [
        "line 12, declarations.1.reference",
        "line 14, declarations.1.returns",
        "line 22, declarations.1.needs.1.numbers.1.reach",
        "line 33, declarations.2.returns",
        "line 47, declarations.2.needs.1.numbers.2.number",
        "line 52, declarations.2.needs.2.numbers",
        "line 35, declarations.2.slots",
        "line 58, variations.1.reference",
        "line 62, variations.2",
        "line 72, authorisations.1.tell",
        "unit demografici",
    ]


def test_a_refused_number_is_not_repeated() -> None:
    """P7: a private mobile that was typed in stands in no message."""
    with pytest.raises(BadConfiguration) as caught:
        directory_file.parse(WRONG)
    assert "3355501260" not in str(caught.value)


def test_an_unknown_key_is_named_with_what_was_meant() -> None:
    """As in the configuration."""
    with pytest.raises(BadConfiguration, match="Did you mean 'email'"):
        directory_file.parse('[[services]]\ncode = "a"\nname = "A"\nemial = "a@b"\n')


def test_a_moment_needs_its_offset() -> None:
    """When something was entered is a moment, not a wall-clock time."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("T09:20:00+01:00", "T09:20:00")
    with pytest.raises(BadConfiguration, match="must be a moment with offset"):
        directory_file.parse(text)


def test_the_example_office() -> None:
    """Six offices in four services, and what an office declares about returns, slots, mobiles."""
    register = example()
    offices = [unit.code for unit in register.units if unit.service]
    assert offices == ["anagrafe", "statocivile", "tributi", "edilizia", "scuola", "sociali"]
    assert register.undeclared(date(2026, 11, 25)) == ()
    sociali = register.unit("sociali")
    assert sociali is not None
    declared = register.valid_declaration(sociali, date(2026, 11, 25))
    assert declared is not None
    assert declared.needs[0].targets[1].service_mobile
    anagrafe = register.own_declaration("anagrafe", date(2026, 11, 25))
    assert anagrafe is not None
    assert anagrafe.slots is not None
    assert (anagrafe.slots.minutes, anagrafe.slots.places) == (20, 2)


def test_each_need_has_its_own_code_for_the_keys() -> None:
    """A code that stands twice, or that no phone can key, is named with its place (P5)."""
    text = EXAMPLE.read_text(encoding="utf-8")
    with pytest.raises(BadConfiguration) as caught:
        directory_file.parse(text.replace('code_keys = "32"', 'code_keys = "31"'))
    assert "declarations.2.needs.2.code_keys: '31' is already the code of residenza of" in str(
        caught.value
    )
    with pytest.raises(BadConfiguration, match=r"needs\.2\.code_keys: need aire: .#7. is"):
        directory_file.parse(text.replace('code_keys = "32"', 'code_keys = "#7"'))


def test_it_goes_round() -> None:
    """What is exported is what was imported, and exporting it again gives the same text."""
    register = example()
    text = directory_file.text_for(register)
    again = directory_file.parse(text)
    assert again == register
    assert directory_file.text_for(again) == text


REVOKED = """
[authorisations.revoked]
number = 9
entered_by = "Responsabile"
entered_at = 2026-06-01T10:00:00+02:00
reference = "E-mail dell'Edilizia del 1 giugno 2026"
"""


def test_a_revocation_goes_round() -> None:
    """It stands beside what it revokes."""
    register = directory_file.parse(EXAMPLE.read_text(encoding="utf-8") + REVOKED)
    assert register.authorisations[0].revoked is not None
    assert directory_file.parse(directory_file.text_for(register)) == register


def test_entries_without_a_number_get_the_next() -> None:
    """In the order in which they stand, after those that have one."""
    text = re.sub(r"(?m)^number = [12]\n", "", EXAMPLE.read_text(encoding="utf-8"))
    numbers = [d.entry.number for d in directory_file.parse(text).declarations]
    assert numbers == [9, 10, 3, 4, 5, 6]


def run(*arguments: str) -> str:
    """Run a command of the product; returns what it prints."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_no_command_shows_a_number() -> None:
    """P7: operators and technicians see office, need and label."""
    secrets = {
        target.number.reveal(Purpose.EXPORT)
        for declaration in example().declarations
        for need in declaration.needs
        for target in need.targets
    }
    at = ("--at", "2026-11-25 10:00")
    asked = ("--config", str(CONFIG), "--register", str(EXAMPLE), "--office", "anagrafe")
    printed = (
        run("register", "check", str(EXAMPLE))
        + run("register", "show", str(EXAMPLE))
        + run("explain-transfer", *asked, "--need", "residenza", *at)
        + run("explain-transfer", *asked, "--need", "residenza", *at, "--json")
    )
    assert "interno 1" in printed
    assert not [secret for secret in secrets if secret in printed]


@pytest.mark.parametrize(
    ("need", "at", "said"),
    [
        ("residenza", "2026-11-25 10:00", "si può trasferire a Anagrafe, interno 1"),
        ("residenza", "2026-11-25 13:00", "trasferibile 9:00–12:30, riprende oggi alle 15:00"),
        ("residenza", "2026-03-10 10:00", "riprende oggi alle 11:00"),
        ("residenza", "2026-10-04 10:00", "riprende domani alle 9:00"),
    ],
)
def test_explain_transfer(need: str, at: str, said: str) -> None:
    """By declaration, variation and holiday, in the words of call control."""
    asked = ("--config", str(CONFIG), "--register", str(EXAMPLE), "--office", "anagrafe")
    assert said in run("explain-transfer", *asked, "--need", need, "--at", at)


def test_explain_transfer_as_json() -> None:
    """Stable keys, whichever way the answer is."""
    asked = ("--config", str(CONFIG), "--register", str(EXAMPLE), "--office", "anagrafe", "--json")
    later = run("explain-transfer", *asked, "--need", "residenza", "--at", "2026-11-25 13:00")
    assert '"code": "transfer.outside_band"' in later
    assert '"resumes_at": "2026-11-25T15:00:00+01:00"' in later
    allowed = run("explain-transfer", *asked, "--need", "aire", "--at", "2026-11-25 10:00")
    assert '"declaration": 2' in allowed
