"""Every key of the configuration is documented for the technician, with its true default."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest

from appliance.config import schema
from appliance.config.values import Hours, PortRange
from tests.docs.pages import guide, rows

SECTION = {"it": "Configurazione", "en": "Configuration"}
REQUIRED = {"it": "obbligatorio", "en": "required"}
AS_HOURS = {"it": "come `hours`", "en": "as `hours`"}


def keys(cls: type, language: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every key below `cls` as it is written, and its default as the guides write it."""
    hints = get_type_hints(cls)
    for field in fields(cls):
        inner = table_of(hints[field.name])
        if inner is not None:
            yield from keys(inner, language, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, default_of(field.default, language)


def table_of(hint: Any) -> type | None:
    """Return the settings class behind a table or a list of tables, None for a value."""
    kind = (get_args(hint) or (hint,))[0]
    is_table = is_dataclass(kind) and kind.__module__.startswith(schema.__name__)
    return kind if is_table and isinstance(kind, type) else None


def default_of(value: object, language: str) -> str:
    """Write a default as TOML, or in words where there is none."""
    if value is MISSING:
        return REQUIRED[language]
    if value is None:
        return AS_HOURS[language]
    if isinstance(value, PortRange):
        value = (value.low, value.high)
    return f"`{json.dumps(value)}`"


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_key_is_documented_with_its_default(language: str) -> None:
    """The guide's table has each key of settings.py once, no other, and its default."""
    table = rows(guide("technician", language), SECTION[language])
    told = [(row[0].strip("`"), row[1]) for row in table]
    assert sorted(told) == sorted(keys(schema.Settings, language))


def test_the_walk_finds_what_is_nested() -> None:
    """Tables, lists of tables and plain values are all found (the check sees keys at all)."""
    found = dict(keys(schema.Settings, "en"))
    assert found["site.patron"] == "required"
    assert found["lines.identity_limit"] == f"`{schema.Line('', '').identity_limit}`"
    assert found["sip.rtp_ports"] == "`[16000, 16199]`"
    assert found["citizens_desk.hours"] == "as `hours`"
    assert found["panel.ready"] == str(f"`{schema.PanelPins().ready}`")
    assert "hours" in found
    assert Hours.__name__ not in found
