"""Who may import whom (docs/design/imports.md): read from the imports, not from memory."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.code_figures import circles, modules

ROOT = Path(__file__).resolve().parent.parent / "appliance"
FREE_FOR_ALL = {"deadlines", "errors", "files", "http_server", "lockout", "text", "workers"}
PURE = {"policy", "calls", "dsp"}
PURE_MAY_USE = {"deadlines", "errors", "lockout", "text"}
FORBIDDEN_IN_PURE = {
    "time", "threading", "socket", "os", "logging", "sqlite3", "subprocess", "select", "selectors",
    "asyncio", "multiprocessing", "queue", "signal", "tempfile", "shutil", "io",
}  # fmt: skip

ALLOWED: dict[str, set[str]] = {
    "deadlines": set(),
    "errors": set(),
    "files": set(),
    "text": set(),
    "http_server": set(),
    "lockout": set(),
    "workers": set(),
    "policy": set(),
    "dsp": set(),
    "calls": {"policy"},
    "modem": {"dsp", "calls.events"},
    "sip": {"dsp", "calls.events"},
    "media": {
        "modem",
        "dsp",
        "sip.rtp",
        "calls.events",
        "calls.orders",
        "policy.supervision",
        "policy.text",
    },
    "store": {"calls", "policy"},
    "voicemail": {"calls", "policy", "store"},
    "mail": {"calls", "policy"},
    "panel": {"calls", "policy"},
    "fleet": {"calls", "policy"},
    "usb": set(),
    "console": {
        "api.codec",
        "api.commands",
        "api.replies",
        "api.technician_commands",
        "api.technician_replies",
        "calls",
        "dsp",
        "paper",
        "policy",
        "prompts",
        "store",
        "voicemail",
    },
    "paper": {"policy", "store"},
    "prompts": {"dsp"},
    "provisioning": {"policy"},
    "config": {
        "calls.announcements",
        "dsp",
        "fleet",
        "mail",
        "media.line",
        "media.messages",
        "modem",
        "panel",
        "policy",
        "prompts",
        "provisioning",
        "sip",
        "store",
    },
    "managed_config": {"api", "config", "dsp", "policy", "service", "store"},
    "bootfile": {"config", "policy", "service", "sip"},
    "simulator": {"dsp.g711", "dsp.wav"},
    "selftest": {"api", "calls", "config", "dsp", "policy", "prompts", "simulator", "store"},
    "fieldtest": {"modem", "paper.pdf", "policy"},
}
"""Packages and what of ours they may import; api, service, commands, __main__: below."""
NEVER = {
    "api": {"simulator", "commands", "fieldtest", "service"},
    "service": {"simulator", "commands", "fieldtest"},
}
"""Packages of call control, and what they may not import; anything else they may."""

FOREIGN_OWNERS = {
    "serial": {"modem/port_server.py"},
    "pyVoIP": {"sip/pyvoip.py"},
    "paho": {"fleet/mqtt_client.py"},
    "gpiozero": {"panel.py"},
    "sdnotify": {
        "service/main.py",
        "media/process.py",
        "console/process.py",
    },  # each feeds its own watchdog
    "holidays": {"config/office.py"},
    "icalendar": {"mail.py"},
    "smtplib": {"mail.py"},
    "tomli_w": {"config/directory_file.py", "fieldtest/report.py", "bootfile/read.py"},
    "tomlkit": {"config/editing.py"},
    "phonenumbers": {"config/office.py"},
    "py_nanotts": {"api/speech.py"},
    "snowballstemmer": {"store/vocabulary.py"},
    "segno": {"provisioning/handset.py"},
    "smbclient": {"service/backup_smb.py"},
    "smbprotocol": {"service/backup_smb.py"},
    "cryptography": {
        "store/directory.py",
        "store/age.py",
        "console/certificates.py",
        "managed_config/bundle.py",
        "commands/minisign.py",
    },
    "uvicorn": {"console/process.py"},
    "jinja2": {"console/templates.py", "fieldtest/report.py", "paper/pdf.py"},
    "matplotlib": {"fieldtest/report.py"},
    "weasyprint": {"paper/pdf.py"},
    "rich": {"fieldtest/person.py"},
    "pytest": {"fieldtest/person.py"},
    "babel": {"console/say.py", "text/__main__.py"},
    "argon2": {"console/accounts.py"},
    "markdown_it": {"console/pages/sheets.py"},
    "nh3": {"console/pages/sheets.py"},
    "prometheus_client": {"fleet/prometheus_page.py"},
    "cattrs": {"api/codec.py", "config/read.py", "media/link.py"},
}
"""One file owns one foreign library (Rule 6 of CONTRIBUTING)."""
FOREIGN_PACKAGES = {
    "starlette": "console",
    "anyio": "console",
    "sse_starlette": "console",
    "asyncio": "console",
}
"""Libraries that a whole room is built of, and no other room sees."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source file: its place below `appliance` and the dotted names it imports."""

    where: str
    imports: tuple[str, ...]

    @property
    def room(self) -> str:
        """The room it belongs to."""
        return self.where.partition("/")[0].removesuffix(".py")

    @property
    def tops(self) -> set[str]:
        """The packages it imports from."""
        return {name.partition(".")[0] for name in self.imports}


@functools.cache
def sources() -> tuple[Source, ...]:
    """Read every source file once."""
    paths = sorted(ROOT.rglob("*.py"))
    return tuple(
        Source(str(path.relative_to(ROOT)), imports_of(path.read_text(encoding="utf-8")))
        for path in paths
    )


def imports_of(text: str) -> tuple[str, ...]:
    """List the dotted names a module imports, at any depth of its syntax tree."""
    names: list[str] = []
    nodes: list[ast.AST] = [ast.parse(text)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif not isinstance(node, ast.expr):  # an expression holds no import
            nodes += ast.iter_child_nodes(node)
    return tuple(sorted(names))


def breach(room: str, name: str, allowed: dict[str, set[str]] = ALLOWED) -> bool:
    """Tell whether `room` may not import `name` ("appliance.dsp.g711.encode")."""
    if not name.startswith("appliance."):
        return False
    inner = name.removeprefix("appliance.")
    target = inner.split(".")[0]
    if target in {room, "__version__"} or target in (
        PURE_MAY_USE if room in PURE else FREE_FOR_ALL
    ):
        return False
    if room in {*NEVER, "commands", "__main__"}:
        return target in NEVER.get(room, set())
    return not any(inner == a or inner.startswith(a + ".") for a in allowed.get(room, set()))


# --- the rules: each says what a file imports that it may not -----------------------------------


def against_the_table(source: Source) -> list[str]:
    """Every import of ours is one that the table of rooms allows."""
    if source.room == "__init__":
        return []
    return [name for name in source.imports if breach(source.room, name)]


def of_the_world(source: Source) -> list[str]:
    """Policy, calls and media know no clock, thread, file, socket or log."""
    return sorted(source.tops & FORBIDDEN_IN_PURE) if source.room in PURE else []


def of_anothers_library(source: Source) -> list[str]:
    """A foreign library is imported by its owner alone."""
    owned = source.tops & FOREIGN_OWNERS.keys()
    return sorted(library for library in owned if source.where not in FOREIGN_OWNERS[library])


def of_anothers_web(source: Source) -> list[str]:
    """What the console's pages are built of is imported by the console alone."""
    owned = source.tops & FOREIGN_PACKAGES.keys()
    return sorted(library for library in owned if source.room != FOREIGN_PACKAGES[library])


RULES = (against_the_table, of_the_world, of_anothers_library, of_anothers_web)


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without __init__.py runs from a checkout and is left out of what is installed."""
    folders = {f for path in ROOT.rglob("*.py") for f in path.parents if ROOT in (f, *f.parents)}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_file_imports_what_it_may_not(rule: Callable[[Source], list[str]]) -> None:
    """No source file of the product breaks the rule; all that do are listed."""
    found = {source.where: rule(source) for source in sources()}
    assert len(found) > 200
    assert {where: names for where, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("rule", "where", "text"),
    [
        (against_the_table, "calls/model.py", "from appliance.dsp import g711"),
        (against_the_table, "calls/model.py", "def f():\n    import appliance.dsp.g711\n"),
        (of_the_world, "policy/hours.py", "import time"),
        (of_the_world, "dsp/wav.py", "if 1:\n    pass\nelse:\n    from os.path import join\n"),
        (of_anothers_library, "modem/v253.py", "import serial.tools"),
        (of_anothers_library, "store/vault2.py", "try:\n    import cryptography\nfinally: ...\n"),
        (of_anothers_web, "mail.py", "import asyncio"),
        (of_anothers_web, "api/control_socket.py", "match 1:\n    case 1:\n        import anyio\n"),
    ],
)
def test_each_rule_sees_a_breach(
    rule: Callable[[Source], list[str]], where: str, text: str
) -> None:
    """Each rule names what a file imports against it, wherever in the file that stands."""
    assert rule(Source(where, imports_of(text))) != []
    assert rule(Source(where, imports_of("import dataclasses"))) == []


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("policy", "appliance.calls.events"),
        ("console", "appliance.api.control_socket"),
        ("dsp", "appliance.workers"),
        ("calls", "appliance.dsp.g711"),
        ("modem", "appliance.calls.orders"),
        ("media", "appliance.sip.service"),
        ("simulator", "appliance.modem.v253"),
        ("simulator", "appliance.dsp.dtmf"),
        ("service", "appliance.simulator.exchange.process"),
        ("api", "appliance.fieldtest.report"),
        ("api", "appliance.service.stores"),
        ("store", "appliance.config.read"),
    ],
)
def test_the_check_itself_sees_a_breach(room: str, name: str) -> None:
    """A breach of the table is noticed (the check can fail)."""
    assert breach(room, name)


def test_no_files_import_each_other() -> None:
    """No circle of files, inside a package either, in functions and for type checkers included."""
    all_ = modules(ROOT.parent)
    assert len(all_) > 200
    assert circles(all_) == []


def test_the_finder_sees_a_circle_of_files(tmp_path: Path) -> None:
    """A circle closed in a function and under TYPE_CHECKING is found, and nothing beside it."""
    room = "appliance.room"
    package = tmp_path / "appliance" / "room"
    package.mkdir(parents=True)
    files = {
        "a": f"if TYPE_CHECKING:\n    from {room}.b import B\n",
        "b": f"def f():\n    from {room} import c\n",
        "c": f"import {room}.a as a\n",
        "d": f"from {room}.a import A\n",
    }
    for name, text in files.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    assert circles(modules(tmp_path)) == [[f"{room}.{name}" for name in "abc"]]
