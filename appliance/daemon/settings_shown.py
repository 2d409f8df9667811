"""The configuration in force as a technician reads it: by section, no internal number told (P7)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.values import Bands, Hours, Moment, MonthDay, PortRange
from appliance.policy.hours import WEEKDAYS

if TYPE_CHECKING:
    from appliance.daemon.settings import Settings

HIDDEN: Final = frozenset({"pbx_numbers", "outside"})
"""Fields of numbers that are told to nobody; only how many there are is."""


def sections(settings: Settings) -> list[dict[str, Any]]:
    """List the tables as they are named in the file, each with its rows; one of each of an array.

    A row is its key, its value as text, whether that is the delivered one, how many are hidden.
    """
    found = []
    for one in dataclasses.fields(settings):
        value = getattr(settings, one.name)
        several = value if _is_array(one.name, value) else (value,)
        for number, table in enumerate(several, 1):
            name = str(getattr(table, "name", number)) if value is several else ""
            found.append({"section": one.name, "which": name, "rows": _rows(table)})
    return found


def _is_array(name: str, value: object) -> bool:
    return isinstance(value, tuple) and name != "hours"


def _rows(table: Any) -> list[dict[str, Any]]:
    if isinstance(table, Hours):
        return _week(table)
    rows = []
    for one in dataclasses.fields(table):
        value = getattr(table, one.name)
        if isinstance(value, Hours):
            rows += [{**row, "key": f"{one.name}.{row['key']}"} for row in _week(value)]
        elif dataclasses.is_dataclass(value) and one.name == "registrar":
            rows += [{**row, "key": f"{one.name}.{row['key']}"} for row in _rows(value)]
        else:
            rows.append(_row(one.name, value, is_default=value == one.default))
    return rows


def _week(hours: Hours) -> list[dict[str, Any]]:
    days = zip(WEEKDAYS, hours.week.days, strict=True)
    return [_row(day, bands, is_default=not bands) for day, bands in days]


def _row(key: str, value: Any, *, is_default: bool) -> dict[str, Any]:
    if key in HIDDEN:
        count = len(value) if isinstance(value, tuple) else int(bool(value))
        return {"key": key, "value": "", "default": not count, "hidden": count}
    return {"key": key, "value": text_of(value), "default": is_default, "hidden": 0}


def text_of(value: Any) -> str:
    """Write a value as text; "" for none."""
    match value:
        case None:
            return ""
        case tuple():
            return ", ".join(text_of(each) for each in value)
        case Bands():
            return text_of(value.bands)
        case PortRange():
            return f"{value.low}-{value.high}"
        case MonthDay():
            return f"{value.month:02}-{value.day:02}"
        case Moment():
            return " ".join(str(part) for part in (value.day, value.at) if part is not None)
        case float():
            return f"{value:g}"
        case _:
            return str(value)
