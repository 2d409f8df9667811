"""The demonstration's office: the example's lines, open today, its register and its sheets."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.api import control_socket
from appliance.commands.options import desk_socket
from appliance.commands.register_changes import take
from appliance.commands.register_place import Place
from appliance.service import policy_changes, speech
from appliance.store import sheets
from appliance.store.policy_change import PolicyChange

if TYPE_CHECKING:
    import sqlite3

TEMPLATE = """\
# Written by `centralino demo`.
[site]
name = "Comune di Esempio (dimostrazione)"
patron = "10-04"
email = "urp@comune.esempio.it"

[hours]
monday = ["08:30-17:30"]

[[openings]]                    # open all day today, whatever day it is
day = {today}
hours = ["00:00-24:00"]

[[lines]]
name = "line1"
label = "Ordinaria 051 598 111"
called = "051 598 111"
port = "{folder}/lines/line1"
dialect = "conexant"

[[lines]]
name = "line2"
label = "Verde 800 011 837"
called = "800 011 837"
port = "{folder}/lines/line2"
dialect = "conexant"

[sip]
address = "127.0.0.1"
port = {port}
rtp_ports = [{rtp}, {rtp_last}]
laws = ["ulaw", "alaw"]

[[phones]]
name = "op1"
label = "Operatore 1"

[[phones]]
name = "sportello1"
label = "Sportello Cittadini 1"

[[phones]]
name = "ufficio1"
label = "Office (all of them)"

[[phones]]
name = "soft"
label = "Your soft phone"

[switchboard]
phones = ["op1", "soft"]
ring = 8

[citizens_desk]
phones = ["sportello1"]
ring = 15

[folders]
state = "{folder}/state"
run = "{folder}/run"
console = "{folder}/console"

[console]
listen = "127.0.0.1"
redirect_port = 0
"""


DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS = "".join(f'{day} = ["00:00-24:00"]\n' for day in DAYS)
_BANDS = re.compile(r"(?<=^\[declarations\.bands\]\n)(?:\w+ = \[.*\]\n)+", re.MULTILINE)
_REACH = re.compile(r'^reach = "\w+"\nnumber = ".+"$', re.MULTILINE)
_MOBILE = re.compile(r"^service_mobile = true\n", re.MULTILINE)


def register_text() -> str:
    """Return the example's register with offices that take calls at any hour, at one phone.

    Whoever tries a transfer in the evening, without a PBX, finds somebody there.
    """
    example = resources.files("appliance.config") / "example_register.toml"
    text = _BANDS.sub(ALWAYS, example.read_text(encoding="utf-8"))
    return _MOBILE.sub("", _REACH.sub('reach = "phone"\nnumber = "ufficio1"', text))


def configuration(folder: Path, port: int, rtp: int, today: date) -> str:
    """Return the text of the demonstration's configuration."""
    return TEMPLATE.format(
        folder=folder, port=port, rtp=rtp, rtp_last=rtp + 99, today=today.isoformat()
    )


def furnish(config: Path) -> str:
    """Import the example's register and sheets beside the running desk; say what there is."""
    place, reload = Place(config), {"ask": "register_changed"}
    control_socket.ask(
        desk_socket(place.settings), reload, limit=30.0
    )  # answered once there are records
    register = config.parent / "register.toml"
    register.write_text(register_text(), encoding="utf-8")
    merged = take(place, register, "demo")
    with resources.as_file(resources.files("appliance.config")) as examples:
        given = speech.load_folder(examples / "example_sheets")

    def made(connection: sqlite3.Connection) -> tuple[None, PolicyChange]:
        basis, plan = policy_changes.basis_of(connection), sheets.planned(connection, given)
        return None, PolicyChange(basis, sheets=plan.written, gone=plan.gone)

    policy_changes.changed(place.settings, made)
    control_socket.ask(desk_socket(place.settings), reload, limit=30.0)
    units, declarations = len(merged.register.units), len(merged.register.declarations)
    return (
        f"register: {units} services and offices, {declarations} declarations; {len(given)} sheets"
    )
