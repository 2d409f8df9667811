"""Command tree: names, order, headings and the module of each command; former names.

The module of a command is imported when the command is used, so `centralino run` loads neither
the exchange nor the reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from appliance.text import Words, _


@dataclass(frozen=True, slots=True)
class Section:
    """Commands of a group under one heading, the commonest first."""

    heading: Words
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """Group of commands: purpose, sections, and the place of each command as `module:name`."""

    purpose: Words
    sections: tuple[Section, ...]
    places: Mapping[str, str] = field(default_factory=dict)
    own: str = ""
    """Place of a click group whose commands and options belong to this group."""
    branches: Mapping[str, Branch] = field(default_factory=dict)


STATE: Final = Branch(
    _("How calls are answered now: states set by hand, opening hours."),
    (
        Section(_("States set by hand"), ("unattended", "closed", "opened", "absent")),
        Section(_("Opening hours"), ("hours",)),
    ),
    {
        "unattended": "appliance.commands.status:unattended",
        "closed": "appliance.commands.status:closed",
        "opened": "appliance.commands.status:opened",
        "absent": "appliance.commands.status:absent",
        "hours": "appliance.commands.hours:hours",
    },
)
CALLS: Final = Branch(
    _("Calls: the latest ones, missed calls, control of a call in progress."),
    (
        Section(_("Look up"), ("list", "show")),
        Section(_("A call in progress"), ("transfer", "desk-phone", "bring-in")),
        Section(_("Call out"), ("dial", "call-back")),
        Section(
            _("Missed calls: who returns them"),
            ("take", "note", "failed", "close", "release", "reopen"),
        ),
        Section(_("Data protection"), ("erase",)),
    ),
    {
        "list": "appliance.commands.calls:list_calls",
        "transfer": "appliance.commands.calls:transfer",
        "desk-phone": "appliance.commands.phone_control:desk_phone",
        "bring-in": "appliance.commands.calls:bring_in",
        "dial": "appliance.commands.phone_control:dial",
        "call-back": "appliance.commands.calls:call_back",
        "erase": "appliance.commands.privacy:erase",
    },
    own="appliance.commands.calls:calls",
)
MESSAGES: Final = Branch(
    _("Voicemail messages: list them, take one, call back, close it with its outcome."),
    (
        Section(_("Look up"), ("list", "show")),
        Section(
            _("Messages: who deals with them"),
            ("take", "note", "failed", "close", "release", "reopen"),
        ),
        Section(_("Settings"), ("retention", "pin")),
    ),
    own="appliance.commands.calls:messages",
)
REQUESTS: Final = Branch(
    _("Requests taken for offices, with their appointments."),
    (
        Section(_("Look up"), ("list", "show", "free-slots")),
        Section(_("Deal with"), ("new", "take", "remind", "move", "close", "cancel")),
        Section(_("Protocol"), ("export",)),
    ),
    own="appliance.commands.requests:requests",
)
OFFICE: Final = Branch(
    _("What the office tells callers: directory, sheets, announcements; its reports."),
    (
        Section(
            _("Directory and answers"),
            ("directory", "explain-transfer", "address-book", "sheets"),
        ),
        Section(_("Announcements"), ("prompts",)),
        Section(_("Figures"), ("report", "standards", "wall")),
    ),
    {
        "directory": "appliance.commands.directory:register",
        "explain-transfer": "appliance.commands.directory:explain_transfer",
        "address-book": "appliance.commands.address_book:address_book",
        "sheets": "appliance.commands.sheets:sheets",
        "prompts": "appliance.commands.announcements:prompts",
        "report": "appliance.commands.reports:report",
        "standards": "appliance.commands.reports:standards",
        "wall": "appliance.commands.wall:wall",
    },
)
PHONES: Final = Branch(
    _("Telephones of the office: accounts, printed sheets, provisioning."),
    (
        Section(_("Telephones"), ("list", "add", "serve")),
        Section(_("Passwords"), ("administrator", "registrar")),
    ),
    own="appliance.commands.provisioning:phones",
)
USERS: Final = Branch(
    _("Users of the console: who may log in, and with which role."),
    (
        Section(
            _("Users"),
            ("list", "add", "change", "password", "disable", "enable"),
        ),
    ),
    own="appliance.commands.users:users",
)
LINE: Final = Branch(
    _("Telephone lines and modems: tests, measurements, repair."),
    (
        Section(_("Tests"), ("field-test", "probe", "commission")),
        Section(_("Repair"), ("usb-reset", "bundle")),
        Section(_("Planning"), ("capacity",)),
    ),
    {
        "field-test": "appliance.commands.services:field_test",
        "probe": "appliance.commands.modems:probe",
        "commission": "appliance.commands.reports:commission",
        "usb-reset": "appliance.commands.modems:usb_reset",
        "capacity": "appliance.commands.reports:capacity",
    },
    own="appliance.commands.bundle:line",
)
CARD: Final = Branch(
    _("The configuration file on the SD card: show it, replace it, add a phone."),
    (Section(_("The card's file"), ("show", "put", "add-phone")),),
    own="appliance.commands.bootfile:site",
)
BOX: Final = Branch(
    _("The box itself: self-test, backup, updates, settings."),
    (
        Section(_("Is it well?"), ("selftest",)),
        Section(_("Backup"), ("backup", "restore", "backup-target")),
        Section(_("Update"), ("update",)),
        Section(_("Settings"), ("settings", "card", "firewall")),
        Section(_("Mail"), ("outbox",)),
    ),
    {
        "selftest": "appliance.commands.selftest:selftest",
        "backup": "appliance.commands.backup:backup",
        "restore": "appliance.commands.backup:restore",
        "backup-target": "appliance.commands.backup_target:backup_target",
        "update": "appliance.commands.updates:update",
        "settings": "appliance.commands.managed_config:settings",
        "firewall": "appliance.commands.bootfile:firewall",
        "outbox": "appliance.commands.requests:outbox",
    },
    branches={"card": CARD},
)
DEV: Final = Branch(
    _("Try it without a line: demonstration, software telephone exchange."),
    (Section(_("Simulated lines"), ("demo", "exchange", "call")),),
    {
        "demo": "appliance.commands.demo:demo",
        "exchange": "appliance.simulator.exchange.service:exchange_command",
        "call": "appliance.commands.simulated_call:call_command",
    },
)
ROOT: Final = Branch(
    _("Centralino: a filtering switchboard in a box."),
    (
        Section(_("See how it is"), ("status", "check", "explain")),
        Section(_("Every day at the switchboard"), ("state", "calls", "messages", "requests")),
        Section(_("The office"), ("office", "phones", "users")),
        Section(_("Lines and box"), ("line", "box")),
        Section(_("Try it out"), ("dev",)),
    ),
    {
        "status": "appliance.commands.status:status",
        "check": "appliance.commands.status:check",
        "explain": "appliance.commands.status:explain",
    },
    branches={
        "state": STATE,
        "calls": CALLS,
        "messages": MESSAGES,
        "requests": REQUESTS,
        "office": OFFICE,
        "phones": PHONES,
        "users": USERS,
        "line": LINE,
        "box": BOX,
        "dev": DEV,
    },
)
SERVICES: Final = {
    "run": "appliance.commands.services:run_service",
    "console": "appliance.commands.services:console",
    "media": "appliance.commands.services:media",
    "clock-set": "appliance.commands.clock:clock_set",
    "helper": "appliance.commands.helper:helper",
}
"""Commands that systemd runs, hidden from help."""
FORMER: Final = {
    **{name: f"state {name}" for name in STATE.places},
    **{name: f"calls {name}" for name in CALLS.places if name != "list"},
    **{name: f"office {name}" for name in OFFICE.places if name != "directory"},
    "register": "office directory",
    **{name: f"line {name}" for name in LINE.places},
    **{name: f"box {name}" for name in BOX.places},
    "site": "box card",
    **{name: f"dev {name}" for name in DEV.places},
    "carrier": "media",
}
"""Former names of version 0.x with the present ones: understood for one release, not listed."""


def branches(branch: Branch = ROOT, *before: str) -> Iterator[tuple[tuple[str, ...], Branch]]:
    """Yield every group below a group with its words, in the order of the help."""
    for section in branch.sections:
        for name in section.names:
            if (inner := branch.branches.get(name)) is not None:
                yield (*before, name), inner
                yield from branches(inner, *before, name)


def paths(branch: Branch = ROOT, *before: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group under a heading, without importing any."""
    for section in branch.sections:
        for name in section.names:
            yield (*before, name)
            if (inner := branch.branches.get(name)) is not None:
                yield from paths(inner, *before, name)
