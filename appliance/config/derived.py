"""What the box derived where its configuration's file says nothing, in words for `check`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from appliance.config.line_ports import is_nowhere, usb_socket
from appliance.config.phones import lan_address
from appliance.config.schema import Line, Settings
from appliance.config.short_form import without_lists
from appliance.policy.text import Refused
from appliance.text import Words, _


def derived_words(text: str, settings: Settings) -> Iterator[Words]:
    """Yield a sentence for each value that was derived; `text` is a good file."""
    data = without_lists(tomllib.loads(text))
    for written, line in zip(_rows(data, "lines"), settings.lines, strict=False):
        if not written.get("port"):
            yield _modem(line)
    for written, phone in zip(_rows(data, "phones"), settings.phones, strict=False):
        if not written.get("name") or _is_text(tomllib.loads(text), phone.label):
            yield _("phone “{label}”: its name for commands is {name}",
                    label=phone.label or phone.name, name=phone.name)  # fmt: skip
    if "address" not in data.get("sip", {}):
        try:
            yield _("phones reach the box at {address}", address=lan_address(settings))
        except Refused:
            yield _("phones reach the box at each of its addresses; it has no network yet")


def _rows(data: dict[str, Any], table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = data.get(table, [])
    return rows


def _is_text(data: dict[str, Any], label: str) -> bool:
    """Tell whether a phone stands in a list as its label."""
    return bool(label) and label in data.get("phones", [])


def _modem(line: Line) -> Words:
    """Return where a line's modem was found."""
    if is_nowhere(line.port):
        return _(
            "line {name}: no modem was found for it: plug one in, then restart the service",
            name=line.name,
        )
    return _("line {name}: modem found at USB socket {socket}",
             name=line.name, socket=usb_socket(line.port))  # fmt: skip
