"""The configuration's tables: what the technician wrote, and what follows where nothing was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from appliance.site import secret_entries
from appliance.site.network import host_name
from appliance.site.places import Placed
from appliance.site.written import EVERY_ADDRESS, Written

Table = dict[str, Any]

NOT_THE_DESKS: Final = frozenset({"network", "ssh", "encryption"})
NO_NAME: Final = "Centralino"


def tables(
    data: Table,
    written: Written,
    placed: Placed,
    under: Mapping[str, Any],
    passwords: Collection[str],
) -> Table:
    """Return the tables of a configuration; `data` are those of the card's file, `under` hold where
    that says nothing, `passwords` are the tables for which one is kept.
    """
    made = _over(under, {k: v for k, v in data.items() if k not in NOT_THE_DESKS})
    made["site"] = {"name": NO_NAME, "patron": "01-01", **made.get("site", {})}
    made["sip"] = {"address": EVERY_ADDRESS, **made.get("sip", {})}
    made.setdefault("hours", {})
    made["lines"] = _lines(data.get("lines", []), placed)
    made["phones"] = [_without(phone, "secret") for phone in data.get("phones", [])]
    if written.phones:
        made.setdefault("switchboard", {"phones": [phone.name for phone in written.phones]})
    if name := host_name(written.network):
        made["console"] = {"names": [f"{name}.local"], **made.get("console", {})}
    return secret_entries.laid(made, written, passwords)


def _over(under: Mapping[str, Any], data: Table) -> Table:
    """Lay tables over others, key by key."""
    made = {key: dict(table) for key, table in under.items()}
    for key, value in data.items():
        made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made


def _lines(rows: list[Table], placed: Placed) -> list[Table]:
    """Write each line with its name and port; where none was written, one for each modem."""
    kept = [row for row in rows if row] or [{} for _ in placed.ports]
    named = zip(kept, placed.ports, strict=True)
    return [{**row, "name": name, "port": port} for row, (name, port) in named]


def _without(table: Table, key: str) -> Table:
    return {name: value for name, value in table.items() if name != key}
