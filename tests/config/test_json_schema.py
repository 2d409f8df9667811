"""The JSON Schema for editors: it refuses what `check` refuses, and accepts what it accepts."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from appliance.config import read, schema, values
from appliance.config.keys.__main__ import schema_name
from appliance.config.keys.catalogue import KEYS, KeyPlace, places
from appliance.config.keys.json_schema import json_schema
from appliance.config.keys.limits import LIMITS, KeyLimit, bounds
from appliance.config.keys.page import INSTALLED
from appliance.config.office import build_office
from appliance.config.values import BadConfiguration
from appliance.text import LANGUAGES
from scripts import docs_site
from tests.docs.pages import ROOT

EXAMPLES: Final = ROOT / "appliance" / "config"
SCHEMA: Final = json_schema("en")
VALIDATOR: Final = Draft7Validator(SCHEMA)
FULL: Final = """
[site]
name = "a"
patron = "10-04"
[hours]
monday = ["8:00-9:00"]
[sip]
[sip.registrar]
address = "192.168.1.5:5060"
user = "box"
[[lines]]
name = "line1"
port = "/dev/serial/by-path/a"
daytime = "message"
[[lines]]
name = "line2"
port = "/dev/serial/by-path/b"
[[phones]]
name = "op1"
[switchboard]
phones = ["op1"]
[citizens_desk]
[head]
[[closures]]
start = 2026-12-24
end = 2026-12-25
[[openings]]
day = 2026-12-24
hours = ["8:00-9:00"]
[[periods]]
start = 2026-12-24
end = 2026-12-25
hours = { monday = ["8:00-9:00"] }
[mqtt]
prefix = "a"
[waiting]
queue_max = 1
max_wait = 60
"""
"""A good file with every table."""
MEANT: Final = frozenset({
    "lines.called", "lines.daytime", "lines.overrides", "phones.address", "phones.extension",
    "phones.name", "site.zone", "sip.allowed", "sip.registrar.address", "switchboard.phones",
    "switchboard.pbx_numbers", "switchboard.outside", "citizens_desk.phones",
    "citizens_desk.pbx_numbers", "citizens_desk.outside", "head.phones", "closures.greeting",
    "openings.hours", "periods.greeting", "voicemail.notify", "outgoing.prefix",
    "outgoing.withhold", "outgoing.local", "outgoing.band", "mail.sender", "mail.head",
    "mail.server", "mail.user", "mail.password_file", "mqtt.user", "mqtt.password_file",
    "mqtt.certificate", "mqtt.key", "console.listen", "console.names", "console.certificate",
    "console.key", "metrics.listen", "metrics.allowed", "backup.folder", "backup.target",
    "backup.notify", "backup.recipient", "updates.server", "central.server", "branches.names",
    "branches.offices",
    "calls.lines_kept", "waiting.queue_max", "waiting.max_wait", "site.languages",
    *(f"panel.{name}" for name in ("ready", "network", "messages", "fault", "lines",
                                   "unattended_button")),
})  # fmt: skip
"""Keys of whose values `check` also judges the meaning, alone or beside another key."""


def as_json(value: Any) -> Any:
    """Return TOML's values as an editor's schema sees them."""
    match value:
        case dict():
            return {key: as_json(one) for key, one in value.items()}
        case list():
            return [as_json(one) for one in value]
        case datetime() | date():
            return value.isoformat()
    return value


def schema_refuses(data: Any) -> list[str]:
    """Return the places that the schema refuses."""
    return [error.json_path for error in VALIDATOR.iter_errors(as_json(data))]


def check_refuses(data: Any) -> list[str]:
    """Return the places that `check` refuses."""
    try:
        settings = read.structured(copy.deepcopy(data), "", "f", schema.Settings)
        build_office(settings, 2026, announcements=())
    except BadConfiguration as error:
        return [mistake.place for mistake in error.mistakes]
    return []


def with_value(data: dict[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    """Return tables with another value of one key; of an array's first row."""
    made = copy.deepcopy(data)
    *tables, key = dotted.split(".")
    inner: Any = made
    for step in tables:
        inner = inner.setdefault(step, {})
        inner = inner[0] if isinstance(inner, list) else inner
    inner[key] = value
    return made


# ---- files ---------------------------------------------------------------------------------------


def files() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the examples, the documents' configurations and those of the tests."""
    for path in sorted(EXAMPLES.glob("example*.toml")):
        if "register" not in path.name:
            yield path.name, tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for number, text in enumerate(
            re.findall(r'"""(.*?)"""', path.read_text("utf-8"), re.DOTALL)
        ):
            if "[site]" in text and "{" not in text and "\\" not in text:
                try:
                    yield f"{path.name}:{number}", tomllib.loads(text)
                except tomllib.TOMLDecodeError:
                    continue


def test_whatever_check_accepts_the_schema_accepts() -> None:
    """Every example, and every configuration in the tests."""
    good = [(name, data) for name, data in files() if not check_refuses(data)]
    assert len(good) > 5
    assert {"example.toml", "example_short.toml"} <= {name for name, _ in good}
    assert {name: wrong for name, data in good if (wrong := schema_refuses(data))} == {}


def test_whatever_the_schema_refuses_check_refuses() -> None:
    """Among the tests' configurations, which are also wrong ones."""
    refused = [(name, data) for name, data in files() if schema_refuses(data)]
    assert [name for name, data in refused if not check_refuses(data)] == []


def test_the_full_file_is_good() -> None:
    """What the tests below change is good as it is."""
    data = tomllib.loads(FULL)
    assert (check_refuses(data), schema_refuses(data)) == ([], [])


# ---- any value of any key ------------------------------------------------------------------------

PLACES: Final = tuple(places())
WRONG_TYPES: Final[tuple[Any, ...]] = (
    7,
    2.5,
    True,
    "x",
    ["x"],
    [7],
    {"a": 1},
    [],
    "",
    "true",
    "on",
)


def near(place: KeyPlace) -> list[Any]:
    """Return values at the bounds of a key, just outside them, and of other types."""
    limit = LIMITS.get(place.dotted, KeyLimit())
    low, high = bounds(place)
    found: list[Any] = [*WRONG_TYPES, *limit.one_of, *(f"{each}x" for each in limit.one_of)]
    step = 1 if place.kind is int else 0.5
    for edge in (low, high):
        if edge is not None:
            number = int(edge) if place.kind is int else float(edge)
            found += [number, number - step, number + step]
    if place.kind is values.PortRange:
        found += [[16000, 16199], [1, 2], [16000, 70000], [16000], ["a", "b"]]
    if place.is_list:
        found += [[one] for one in found if not isinstance(one, list | dict)]
    return found


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.dotted)
def test_the_schema_judges_a_value_as_check_does(place: KeyPlace) -> None:
    """Types, known words and bounds of one key: the same verdict from both."""
    base = tomllib.loads(FULL)
    strict, lax = [], []
    for value in near(place):
        data = with_value(base, place.dotted, value)
        by_schema, by_check = bool(schema_refuses(data)), bool(check_refuses(data))
        if by_schema and not by_check:
            strict.append(value)
        if by_check and not by_schema:
            lax.append(value)
    assert strict == []
    assert bool(lax) is (place.dotted in MEANT), lax
    assert by_types(base, place) == []


def by_types(base: dict[str, Any], place: KeyPlace) -> list[Any]:
    """Return the values of a wrong type that the schema would let pass."""
    passed = []
    for value in ({"a": 1}, 7, True, "x", ["x"]):
        data = with_value(base, place.dotted, value)
        try:
            read.structured(copy.deepcopy(data), "", "f", schema.Settings)
        except BadConfiguration:
            if not schema_refuses(data):
                passed.append(value)
    return passed


@pytest.mark.parametrize("table", [*sorted({place.table for place in PLACES}), "hours"])
def test_an_unknown_key_is_refused_in_every_table(table: str) -> None:
    """As `check` does."""
    data = with_value(tomllib.loads(FULL), f"{table}.no_such_key".lstrip("."), "x")
    assert schema_refuses(data)
    assert check_refuses(data)


@pytest.mark.parametrize("place", [p for p in PLACES if p.dotted in {
    "site.name", "site.patron", "hours", "closures.start", "openings.hours", "periods.hours",
    "sip.registrar.user"}], ids=lambda place: place.dotted)  # fmt: skip
def test_a_required_key_is_required(place: KeyPlace) -> None:
    """As `check` does."""
    data: Any = tomllib.loads(FULL)
    *tables, key = place.dotted.split(".")
    inner = data
    for step in tables:
        inner = inner[step][0] if isinstance(inner[step], list) else inner[step]
    del inner[key]
    assert schema_refuses(data)
    assert check_refuses(data)


ODD: Final = st.recursive(
    st.none().filter(lambda _: False) | st.booleans() | st.integers(-5, 100_000)
    | st.floats(0.1, 90_000, allow_nan=False).filter(lambda x: x != int(x))
    | st.sampled_from(["", "x", "auto", "true", "on", "it", "op1", "monday", "10-04"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner,
                                                              max_size=2),
    max_leaves=4,
)  # fmt: skip


@given(place=st.sampled_from(PLACES), value=ODD)
def test_the_schema_is_never_stricter_than_check(place: KeyPlace, value: Any) -> None:
    """An editor underlines nothing that the box would accept; no type that it refuses passes."""
    data = with_value(tomllib.loads(FULL), place.dotted, value)
    refused = bool(schema_refuses(data))
    assert not refused or check_refuses(data)
    if not refused and place.dotted not in MEANT:
        assert read.structured(copy.deepcopy(data), "", "f", schema.Settings)


# ---- the files that are published ----------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_published_schema_is_current(language: str) -> None:
    """`python -m appliance.config.keys docs` writes what is there; each key has its sentence."""
    place = ROOT / "docs" / "schemas" / schema_name(language)
    found = json.loads(place.read_text(encoding="utf-8"))
    Draft7Validator.check_schema(found)
    assert found == json_schema(language)
    text = json.dumps(found, ensure_ascii=False)
    sentences = [json.dumps(key.words.text(language), ensure_ascii=False) for key in KEYS.values()]
    assert [one for one in sentences if one not in text] == []


@pytest.mark.parametrize("name", ["example.toml", "example_short.toml"])
def test_the_examples_name_their_schema(name: str) -> None:
    """An editor finds it on the box, where the documentation site's page brings it along."""
    first = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()[0]
    place = first.removeprefix(f"#:schema file://{INSTALLED}/it/")
    files = docs_site.staged(docs_site.plan(), "configuration", "it").files
    assert files[place] == ROOT / "docs" / "schemas" / schema_name("it")
