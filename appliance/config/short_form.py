"""The short form of centralino.toml: lines and phones as lists, names and groups left out.

Pure: parsed tables come in, the same tables written out go out. The long form stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from appliance.config.line_ports import WrittenLine, line_names

ROWS: Final = {"lines": "called", "phones": "label"}
"""Arrays of tables that may be lists of texts, with the key that such a text stands for."""
GROUPS: Final = ("citizens_desk", "head")
"""Groups whose phones do not ring for the switchboard unless it names them."""


def written_out(data: dict[str, Any]) -> dict[str, Any]:
    """Return the tables with every line and phone as a table with its name, and with the phones
    that ring for the switchboard.
    """
    made = {**data, **{table: rows_of(data, table) for table in ROWS if table in data}}
    named = made.get("phones")
    if isinstance(named, list) and named and "switchboard" not in data:
        made["switchboard"] = {"phones": list(_ringing(made, named))}
    return made


def rows_of(data: dict[str, Any], table: str) -> Any:
    """Return the rows of lines or phones with their names; what is no list stays as it is."""
    rows = data[table]
    if not isinstance(rows, list):
        return rows
    whole = [_row(table, row, number) for number, row in enumerate(rows, 1)]
    names = _line_names(whole) if table == "lines" else tuple(_phone_names(whole))
    return [_named(row, name) for row, name in zip(whole, names, strict=True)]


def _named(row: Any, name: str) -> Any:
    """Return a row with its name; one in an odd form stays, and is a mistake."""
    if not isinstance(row, dict) or not isinstance(row.get("name", ""), str):
        return row
    return {"name": name, **{key: value for key, value in row.items() if key != "name"}}


def without_lists(data: dict[str, Any]) -> dict[str, Any]:
    """Return the tables with every line and phone as a table; names that a table leaves out
    stay left out.
    """
    lists = {table: data[table] for table in ROWS if isinstance(data.get(table), list)}
    tables = {
        table: [_row(table, row, number) for number, row in enumerate(rows, 1)]
        for table, rows in lists.items()
    }
    return {**data, **tables}


def is_list(data: dict[str, Any], table: str) -> bool:
    """Tell whether lines or phones are a list with a text in it."""
    rows = data.get(table)
    return isinstance(rows, list) and any(isinstance(row, str) for row in rows)


def _row(table: str, row: Any, number: int) -> Any:
    """Return a list's text, at its place from 1, as a table."""
    if not isinstance(row, str):
        return row
    if table == "phones":
        name = name_from(row)
        return {"name": row} if row == name else {"name": name or f"phone{number}", "label": row}
    return {"called": row, "label": row}


def _line_names(rows: list[Any]) -> tuple[str, ...]:
    """Return every line's name: as written, else by its place."""
    return line_names(
        [WrittenLine(str(row.get("name", "")) if isinstance(row, dict) else "") for row in rows]
    )


def _phone_names(rows: list[Any]) -> Iterator[str]:
    """Yield every phone's name: as written, else from its label, else phone1, phone2 ..."""
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            yield ""
            continue
        label = row.get("label")
        made = name_from(label) if isinstance(label, str) else ""
        yield str(row.get("name") or made or f"phone{number}")


def name_from(label: str) -> str:
    """Return a phone's name made of its label: "Sportello Città 1" becomes sportello-citta-1."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:32]


def _ringing(data: dict[str, Any], rows: list[Any]) -> Iterator[str]:
    """Yield the phones of no other group."""
    taken: set[Any] = set()
    for group in GROUPS:
        table = data.get(group)
        phones = table.get("phones") if isinstance(table, dict) else None
        taken |= set(map(str, phones)) if isinstance(phones, list) else set()
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("name"), str) and row["name"] not in taken:
            yield row["name"]
