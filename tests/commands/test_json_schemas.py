"""What commands print with --json is what their published JSON Schemas describe, field by field."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Final

import click
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, FormatChecker

from appliance.__main__ import main
from appliance.commands import help as commands_help
from appliance.commands import settings
from appliance.commands.modems import json_row
from appliance.commands.reference import fields, schemas
from appliance.commands.reference.page import command_at, has_json, leaves, with_json
from appliance.config.settings_trial import digest_of
from appliance.modem.probe import DuplexVerdict, ProbeFinding
from appliance.selftest import findings
from appliance.service.settings import SettingsRequest
from appliance.simulator.exchange.call import CallReport
from appliance.text import LANGUAGES, _
from scripts import docs_site
from tests.commands.test_options import ENGLISH, ITALIAN, run
from tests.console.running import Running
from tests.console.screens.filled_box import full_box
from tests.docs.pages import ROOT

FORMATS: Final = FormatChecker(("date",))
FORMATS.checks("date-time", raises=ValueError)(
    lambda text: not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None
)
PUBLISHED: Final = ROOT / "docs" / "schemas"
REGISTER: Final = str(resources.files("appliance.config") / "example_register.toml")
SHOWS: Final = {"Find", "List", "Measure", "Name", "Print", "Say", "Show", "Sum", "Tell"}
"""First words of the help of commands that list or show."""
OTHERWISE: Final = {
    # A file for another program, as it is.
    ("box", "card", "show"), ("box", "firewall"),
    # The measurements of a test on real lines are a report in a folder.
    ("line", "field-test"),
    # These do something: an announcement is said from now on.
    ("office", "prompts", "forget"),
}  # fmt: skip
ON_THE_OFFICE: Final = (
    "status",
    "check",
    "explain",
    "state hours list --all",
    "state hours week show --all",
    "calls list",
    "calls list --missed --all",
    "calls show whole",
    "calls erase 0512345678 --preview",
    "messages list",
    "messages show 1",
    "messages retention",
    "messages retention --preview",
    "requests list --all",
    "requests show 1",
    "requests free-slots anagrafe",
    f"office directory check {REGISTER}",
    "office directory show",
    f"office directory show {REGISTER}",
    "office directory history anagrafe",
    "office directory attention",
    "office directory calendar",
    "office directory audit",
    "office explain-transfer --office anagrafe --need residenza",
    "office explain-transfer --office anagrafe --need residenza --at 3:00",
    "office address-book list",
    "office sheets search imu",
    "office prompts voice",
    "office report",
    "office standards",
    "office wall list",
    "phones list",
    "phones administrator",
    "users list",
    "line capacity --calls 10 --seconds 90",
    "box settings backups HERE HERE/collected",
    "box settings show",
    "box settings history",
    "box backup-target show",
    "box outbox list --all",
)
"""Commands that are run on an office in which each has something to show."""


def strict(schema: Any) -> Any:
    """Return a schema that refuses fields that it does not describe."""
    made = copy.deepcopy(schema)
    for each in objects(made):
        each.setdefault("additionalProperties", False)
    return made


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield the schemas of all objects with named fields."""
    if isinstance(schema, list):
        for each in schema:
            yield from objects(each)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield schema
        for each in schema.values():
            yield from objects(each)


def wrong(words: tuple[str, ...], value: Any) -> list[str]:
    """Name what of a value the published schema of a command does not allow, or leaves out."""
    text = (PUBLISHED / commands_help.schema_name(words)).read_text(encoding="utf-8")
    validator = Draft202012Validator(strict(json.loads(text)), format_checker=FORMATS)
    return [
        f"{each.json_path}: {each.message[:200]}"
        for error in validator.iter_errors(value)
        for each in (error, *error.context)
    ]


def words_of(line: str) -> tuple[str, ...]:
    """Return the words of a line that name its command."""
    found = [words for words in leaves() if tuple(line.split())[: len(words)] == words]
    return max(found, key=len)


# ---- what is published ---------------------------------------------------------------------------


def test_the_schemas_are_current() -> None:
    """One for each command with --json: what `python -m appliance.commands.reference` writes."""
    kept = {path.name: path.read_text(encoding="utf-8") for path in PUBLISHED.glob("*.schema.json")}
    assert kept == dict(schemas.files())
    assert len(kept) > 50
    for text in kept.values():
        Draft202012Validator.check_schema(json.loads(text))


def fields_in(schema: Any, *place: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every named field of a schema, at any depth: its place and its own schema."""
    if isinstance(schema, list):
        for each in schema:
            yield from fields_in(each, *place)
    elif isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            yield (*place, name), each
            yield from fields_in(each, *place, name)
        for key in ("items", "additionalProperties", "anyOf", "prefixItems"):
            yield from fields_in(schema.get(key), *place)


def described_fields() -> dict[tuple[str, ...], Any]:
    """Return the fields of all schemas by their place, which begins with the command's words."""
    return dict(
        field for words in with_json() for field in fields_in(schemas.json_schema(words), *words)
    )


def undescribed(found: Iterable[tuple[tuple[str, ...], Any]]) -> list[str]:
    """Name the fields that have no description."""
    return [" ".join(place) for place, schema in found if not schema.get("description")]


def test_every_field_has_a_description() -> None:
    """Nested ones, too; a field that the table does not know is named (the check can fail)."""
    found = described_fields()
    assert undescribed(found.items()) == []
    assert len(found) > 600
    added: Any = {"anyOf": [{"items": {"properties": {"at": {}, "added": {}}}}]}
    made = fields.described(added, "calls", "list")
    assert undescribed(fields_in(made, "calls", "list")) == ["calls list added"]


def test_no_description_is_left_over() -> None:
    """Each is of a field, and no field has two to choose from."""
    told = {place: fields.keys_of(place) for place in described_fields()}
    meant = {key for keys in told.values() for key in keys[:1]}
    assert set(fields.FIELDS) - meant == set()
    lengths = {place: [key.count("/") for key in keys] for place, keys in told.items()}
    assert [place for place, found in lengths.items() if found[1:] and found[0] == found[1]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_site_brings_every_schema_along(language: str) -> None:
    """The page of commands links to each, so that it is in the help of the reader's language."""
    brought = docs_site.staged(docs_site.plan(), "commands", language).files
    assert set(brought) == {f"schemas/{path.name}" for path in PUBLISHED.glob("*.schema.json")}


def test_every_shape_is_of_a_command_with_the_option() -> None:
    """No shape is left of a command that is no more."""
    assert set(schemas.SHAPES) <= {" ".join(words) for words in with_json()}


def lists_without(commands: list[tuple[tuple[str, ...], click.Command]]) -> list[str]:
    """Name the commands that list or show and take no --json."""
    return [
        " ".join(words)
        for words, command in commands
        if commands_help.summary(command, "en").split()[0] in SHOWS
        and words not in OTHERWISE
        and not has_json(command)
    ]


def test_what_lists_or_shows_has_the_option() -> None:
    """A command that is added without --json is named (the check can fail)."""
    assert lists_without([(words, command_at(words)) for words in leaves()]) == []

    @click.command()
    def added() -> None:
        """Show what nobody can read by a program."""

    assert lists_without([(("added",), added)]) == ["added"]


@pytest.mark.parametrize("words", with_json(), ids=" ".join)
def test_help_names_the_schema(words: tuple[str, ...]) -> None:
    """Where the documentation site puts it, in the tree of the reader's language."""
    for env, language in ((ITALIAN, "it"), (ENGLISH, "en")):
        said = "".join(run(*words, "--help", env=env).output.split())
        name = commands_help.schema_name(words)
        assert f"/usr/share/centralino/help/{language}/schemas/{name}" in said


def test_a_former_name_leads_to_the_same_schema() -> None:
    """`register show` is `office directory show`."""
    said = "".join(run("register", "show", "--help").output.split())
    assert "schemas/office-directory-show.schema.json" in said


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("users", "list"), [{"name": "anna"}]),
        (("users", "list"), {}),
        (("check",), {"en": "good", "it": 1}),
        (("requests", "free-slots"), ["domani"]),
        (("dev", "call"), {**asdict(CallReport()), "new": 1}),
    ],
)
def test_what_does_not_fit_is_named(words: tuple[str, ...], value: Any) -> None:
    """A field that is missing, of another type, or not described (the check can fail)."""
    assert wrong(words, value)


# ---- what is printed -----------------------------------------------------------------------------


def test_measurements_fit() -> None:
    """Those of a modem, of the box, of a simulated call."""
    finding = ProbeFinding(DuplexVerdict.DUPLEX, _("Aborted!"), "CX93001", 8000, 8000)
    assert wrong(("line", "probe"), json.loads(json.dumps(json_row("line1", finding)))) == []
    test = findings.whole(datetime(2026, 11, 25, 9, tzinfo=UTC), 31.0, ())
    assert wrong(("box", "selftest"), json.loads(findings.to_text(test))) == []
    assert wrong(("dev", "call"), json.loads(json.dumps(asdict(CallReport())))) == []


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box with calls, messages, requests, a directory, users."""
    folder = tmp_path_factory.mktemp("office")
    with full_box(folder / "box") as found:
        (folder / "boxes.toml").write_text('[boxes]\ncentro = "http://192.168.1.10:9799/metrics"\n')
        (folder / "collected").mkdir()
        box = settings.Box(found.box.config_path)
        wish = SettingsRequest(
            "apply", "anna", [{"set": "backup.keep", "value": 9}], digest_of(box.file.text)
        )
        box.engine.write(wish, settings.moment())
        yield found


@pytest.mark.system
@pytest.mark.parametrize("line", ON_THE_OFFICE)
def test_what_is_printed_on_an_office_fits(line: str, office: Running) -> None:
    """Every field is described, and has the type that is described."""
    words = words_of(line)
    folder = office.box.folder.parent
    typed = [word.replace("HERE", str(folder)) for word in line.split()]
    reads = any(param.name == "config_path" for param in parents(words))
    config = ["--config", str(office.box.config_path)] if reads else []
    result = CliRunner().invoke(main, [*typed, "--json", *config])
    value = json.loads(result.stdout)
    assert wrong(words, value) == []
    assert value or value == [], line
    if words[-1] in {"list", "show", "history", "audit"} and "hours" not in words:
        assert len(value) > 0


def parents(words: tuple[str, ...]) -> list[click.Parameter]:
    """Return the parameters of a command and of the groups above it."""
    above = [command_at(words[:number]) for number in range(len(words) + 1)]
    return [param for command in above for param in command.params]


def test_every_command_with_the_option_is_run_or_says_one_sentence() -> None:
    """What is not run above is measured, or prints a sentence in every language."""
    tried = {" ".join(words_of(line)) for line in ON_THE_OFFICE}
    rest = {" ".join(words) for words in with_json()} - tried
    assert rest & set(schemas.SHAPES) == {"line probe", "box selftest", "dev call"}
