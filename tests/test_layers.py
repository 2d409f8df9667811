"""Who may import whom (docs/architecture.md, Rooms): read from the imports, not from memory."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "appliance"
FREE_FOR_ALL = {"errors", "workers"}
PURE = {"policy", "calls", "media"}
PURE_MAY_USE = {"errors"}
FORBIDDEN_IN_PURE = {
    "time", "threading", "socket", "os", "logging", "sqlite3", "subprocess", "select", "selectors",
    "asyncio", "multiprocessing", "queue", "signal", "tempfile", "shutil", "io",
}  # fmt: skip

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "workers": set(),
    "policy": set(),
    "media": set(),
    "calls": {"policy"},
    "lines": {"media", "calls.events"},
    "phones": {"media", "calls.events"},
    "carrier": {
        "lines",
        "media",
        "phones.rtp",
        "calls.events",
        "calls.orders",
        "policy.supervision",
    },
    "records": {"calls", "policy"},
    "voicemail": {"calls", "policy", "records"},
    "mail": {"calls", "policy"},
    "panel": {"calls", "policy"},
    "fleet": {"calls", "policy"},
    "usb": set(),
    "console": {"calls", "media", "policy", "prompts", "records", "voicemail"},
    "prompts": {"media"},
    "provisioning": {"policy"},
    "central": {"daemon", "media", "policy", "records"},
    "site": {"daemon", "phones", "policy"},
    "exchange": {"media.g711", "media.wav"},
    "testphone": {"media.g711", "media.wav"},
    "fieldtest": {"lines", "policy"},
}
"""Rooms and what of ours they may import; daemon, commands and __main__ are told apart below."""

FOREIGN_OWNERS = {
    "serial": {"lines/keeper.py"},
    "pyVoIP": {"phones/pyvoip.py"},
    "paho": {"fleet/mqtt_client.py"},
    "gpiozero": {"panel/leds.py"},
    "sdnotify": {
        "daemon/service.py",
        "carrier/process.py",
        "console/process.py",
    },  # each feeds its own watchdog
    "holidays": {"daemon/calendar.py"},
    "icalendar": {"mail/invitation.py"},
    "smtplib": {"mail/smtp.py"},
    "pydyf": {"mail/paper.py"},
    "tomli_w": {"daemon/register_text.py", "fieldtest/profile.py", "site/made.py"},
    "phonenumbers": {"daemon/numbers.py"},
    "py_nanotts": {"daemon/voice.py"},
    "segno": {"provisioning/qr.py"},
    "cryptography": {"records/vault.py", "console/certificates.py", "central/signing.py"},
    "uvicorn": {"console/process.py"},
    "jinja2": {"console/templates.py", "fieldtest/page.py"},
    "matplotlib": {"fieldtest/plots.py"},
    "weasyprint": {"fieldtest/paper.py"},
    "rich": {"fieldtest/progress.py"},
    "pytest": {"fieldtest/telling.py"},
    "babel": {"console/say.py"},
    "argon2": {"console/accounts/passwords.py"},
    "markdown_it": {"console/sheets.py"},
    "nh3": {"console/sheets.py"},
    "prometheus_client": {"fleet/metrics_page.py"},
    "cattrs": {"daemon/config.py", "carrier/wire.py"},
}
"""One file owns one foreign library (house rule 6)."""
FOREIGN_ROOMS = {
    "starlette": "console",
    "anyio": "console",
    "sse_starlette": "console",
    "asyncio": "console",
}
"""Libraries that a whole room is built of, and no other room sees."""

SOURCES = sorted(ROOT.rglob("*.py"))


def imports_of(path: Path) -> list[str]:
    """List the dotted names a module imports, at any depth of its syntax tree."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def breach(room: str, name: str, allowed: dict[str, set[str]] = ALLOWED) -> bool:
    """Tell whether `room` may not import `name` ("appliance.media.g711.encode")."""
    if not name.startswith("appliance."):
        return False
    inner = name.removeprefix("appliance.")
    target = inner.split(".")[0]
    if target in {room, "__version__"} or target in (
        PURE_MAY_USE if room in PURE else FREE_FOR_ALL
    ):
        return False
    if room in {"daemon", "commands", "__main__"}:
        return room == "daemon" and target in {"exchange", "testphone", "commands", "fieldtest"}
    return not any(inner == a or inner.startswith(a + ".") for a in allowed.get(room, set()))


def room_of(path: Path) -> str:
    """Name the room of a source file."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_import_only_what_the_house_allows(path: Path) -> None:
    """Every import of ours is one the table of the house allows."""
    room = room_of(path)
    if room == "__init__":
        return
    assert [n for n in imports_of(path) if breach(room, n)] == []


@pytest.mark.parametrize("path", [p for p in SOURCES if room_of(p) in PURE], ids=str)
def test_pure_rooms_import_no_world(path: Path) -> None:
    """Policy, calls and media know no clock, thread, file, socket or log."""
    tops = {name.split(".")[0] for name in imports_of(path)}
    assert tops & FORBIDDEN_IN_PURE == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_one_file_owns_one_foreign_library(path: Path) -> None:
    """A foreign library is imported by its owner alone."""
    tops = {name.split(".")[0] for name in imports_of(path)}
    where = str(path.relative_to(ROOT))
    assert [
        lib for lib, owners in FOREIGN_OWNERS.items() if lib in tops and where not in owners
    ] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_one_room_is_built_of_the_web(path: Path) -> None:
    """What the console's pages are built of is imported by the console alone."""
    tops = {name.split(".")[0] for name in imports_of(path)}
    room = room_of(path)
    assert [lib for lib, owner in FOREIGN_ROOMS.items() if lib in tops and room != owner] == []


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("policy", "appliance.calls.events"),
        ("console", "appliance.daemon.door"),
        ("media", "appliance.workers"),
        ("calls", "appliance.media.g711"),
        ("lines", "appliance.calls.orders"),
        ("carrier", "appliance.phones.sip"),
        ("exchange", "appliance.lines.dle"),
        ("exchange", "appliance.media.tones"),
        ("daemon", "appliance.exchange.client"),
        ("daemon", "appliance.fieldtest.report"),
        ("records", "appliance.daemon.config"),
    ],
)
def test_the_check_itself_sees_a_breach(room: str, name: str) -> None:
    """A breach of the table is noticed (the check can fail)."""
    assert breach(room, name)
