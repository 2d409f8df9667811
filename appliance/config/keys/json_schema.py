"""JSON Schema of centralino.toml for editors, made of the declarations that the reader uses."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any, Final, get_type_hints

from appliance.config import schema, values
from appliance.config.keys.catalogue import (
    KEYS,
    KeyPlace,
    is_array,
    is_required,
    place_of,
    table_of,
)
from appliance.config.keys.limits import LIMITS, KeyLimit, bounds
from appliance.config.short_form import ROWS
from appliance.config.values import WORKING_DAYS, PortRange
from appliance.policy.hours import WEEKDAYS

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""Draft that editors of TOML know (taplo, Even Better TOML)."""
JsonSchema = dict[str, Any]
_TIME: Final = r"\s*\d{1,2}(:\d{1,2})?\s*"
_BANDS: Final[JsonSchema] = {
    "type": "array",
    "items": {"type": "string", "pattern": rf"^{_TIME}-{_TIME}$"},
}
_DAY: Final = r"\d{4}-\d{2}-\d{2}"
_SHORT: Final = 1024
_PORT: Final[JsonSchema] = {"type": "integer", "minimum": _SHORT, "maximum": 65_535}
_KINDS: Final[dict[Any, JsonSchema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    values.Seconds: {"type": "number"},
    values.LongSeconds: {"type": "number"},
    values.Pause: {"type": "number"},
    values.OnOff: {"enum": [True, False, "on", "off"]},
    values.Proven: {"enum": [True, False, "auto", "true", "false"]},
    values.MonthDay: {"type": "string", "pattern": r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"},
    values.Moment: {"type": "string", "pattern": rf"^{_DAY}([T ]\d{{2}}:\d{{2}}.*)?$"},
    values.Hours: {
        "type": "object",
        "properties": dict.fromkeys((*WEEKDAYS, WORKING_DAYS), _BANDS),
        "additionalProperties": False,
    },
    values.Bands: _BANDS,
    values.PortRange: {"type": "array", "items": _PORT, "minItems": 2, "maxItems": 2},
    values.BundleFile: {"type": "string"},
    date: {"type": "string", "pattern": rf"^{_DAY}$"},
}


def json_schema(language: str) -> JsonSchema:
    """Return the schema, with the keys' sentences in one language."""
    return {
        "$schema": DRAFT,
        "title": "centralino.toml",
        **_table(schema.Settings, "", language),
    }


def _table(cls: type, table: str, language: str) -> JsonSchema:
    """Return the schema of a table."""
    hints = get_type_hints(cls)
    found: dict[str, JsonSchema] = {}
    required = []
    for field in dataclasses.fields(cls):
        inner = table_of(hints[field.name])
        if inner is None:
            place = place_of(table, field, hints[field.name])
            found[field.name] = _value(place, language)
            if is_required(place):
                required.append(field.name)
            continue
        found[field.name] = _table(inner, f"{table}.{field.name}".lstrip("."), language)
        if is_array(hints[field.name]):
            found[field.name] = _array(found[field.name], field.name, language)
        elif field.default is dataclasses.MISSING:
            required.append(field.name)
    made: JsonSchema = {"type": "object", "properties": found, "additionalProperties": False}
    return made | ({"required": required} if required else {})


def _array(rows: JsonSchema, table: str, language: str) -> JsonSchema:
    """Return the schema of an array of tables; of a list of texts, too, where that is allowed."""
    if table not in ROWS:
        return {"type": "array", "items": rows}
    short = KEYS[f"{table}.{ROWS[table]}"].words.text(language)
    return {"type": "array", "items": {"anyOf": [{"type": "string", "description": short}, rows]}}


def _value(place: KeyPlace, language: str) -> JsonSchema:
    """Return the schema of a key's value, with its sentence and default."""
    one = {**_KINDS[place.kind], **_limits(place)}
    made = {"type": "array", "items": one} if place.is_list else one
    described = {"description": KEYS[place.dotted].words.text(language), **made}
    if not is_required(place) and place.default is not None:
        described["default"] = _plain(place.default)
    return described


def _limits(place: KeyPlace) -> JsonSchema:
    limit = LIMITS.get(place.dotted, KeyLimit())
    if limit.one_of:
        return {"enum": list(limit.one_of)}
    low, high = bounds(place)
    made: JsonSchema = {}
    if low is not None:
        # A time without a lowest value is above 0.
        is_open = place.kind in {values.Seconds, values.LongSeconds} and not low
        made["exclusiveMinimum" if is_open else "minimum"] = low
    if high is not None:
        made["maximum"] = high
    return made


def _plain(value: Any) -> Any:
    """Return a default as JSON has it."""
    if isinstance(value, PortRange):
        return [value.low, value.high]
    return list(value) if isinstance(value, tuple) else value
