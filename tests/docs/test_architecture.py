"""The architecture page names every thread and process, and the layers as the test of layers."""

from __future__ import annotations

import functools
import re

from scripts.code_figures import modules, of_one_sibling
from tests.docs.pages import ARCHITECTURE, DESIGN, read, rows, spans
from tests.test_layers import ALLOWED, FOREIGN_OWNERS, ROOT

STARTERS = {
    "Worker": re.compile(r"\bWorker\(\s*\"(\w+)\""),
    "thread": re.compile(r"\bthreading\.Thread\("),
    "fork": re.compile(r"\bos\.fork\("),
    "child": re.compile(r"\bsubprocess\.(?:Popen|run|call|check_\w+)\("),
    "module": re.compile(r"\"-m\",\s*\"(appliance[\w.]*)\""),
    "pool": re.compile(
        r"^\s*(?:import|from) (multiprocessing|concurrent|asyncio|_thread)\b", re.MULTILINE
    ),
}
FORKS = {"modem/fork_server.py": 3, "workers.py": 1}
"""The media gateway's fork server, a port server, a reaper; the reader of the configuration."""
CHILDREN = {
    "commands/backup.py", "commands/demo_office.py", "commands/bootfile.py", "commands/updates.py",
    "service/media_link.py", "service/jobs.py", "api/phones.py", "service/backup_target.py",
    "simulator/exchange/process.py", "fieldtest/run.py", "fieldtest/holding.py",
    "paper/document.py", "paper/pdf.py", "store/privacy.py", "bootfile/card.py",
    "simulator/phone/process.py", "usb.py", "commands/settings.py", "service/settings.py",
    "commands/selftest.py", "selftest/box.py", "selftest/programme.py",
}  # fmt: skip
"""The demonstration's call control and console, media gateway, a technician's jobs, exchange, test
phone; the USB helper's uhubctl, the backup target's OpenSSH, the backup stick's lsblk and
mount, the restore and settings helpers' systemctl, the card helper's mount and systemctl, the
update helpers' rauc, systemctl and mount; the field test's suite, systemctl and restorer; the
self-test's call control, reader of modules and systemctl; grep, which looks for erased digits
in the records; what lays a PDF out, and fc-list, which knows the fonts.
"""


def found(kind: str) -> dict[str, list[str]]:
    """Return where something of a kind is started, by source file."""
    pattern = STARTERS[kind]
    return {name: hits for name, text in texts().items() if (hits := pattern.findall(text))}


@functools.cache
def texts() -> dict[str, str]:
    """Read every source file once, by its place below `appliance`."""
    paths = sorted(ROOT.rglob("*.py"))
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def table() -> str:
    """Return the table of processes and threads as text."""
    return "\n".join(
        " | ".join(row) for row in rows(DESIGN / "processes.md", "Every process and thread")
    )


def test_every_worker_is_in_the_table() -> None:
    """A thread of the house stands in the table by name, with the file that starts it."""
    workers = {(w, file) for file, names in found("Worker").items() for w in names}
    assert workers
    assert [w for w, file in workers if f"`{w}` | `{file}`" not in table()] == []


def test_threads_are_workers() -> None:
    """Nobody but workers.py makes a thread, and nobody a pool of them but the console's loop."""
    assert set(found("thread")) == {"workers.py"}
    assert [file for file in found("pool") if not file.startswith("console/")] == []


def test_every_process_is_in_the_table() -> None:
    """What is forked or started as a child is known to the table; a new one must be written in."""
    assert {file: len(hits) for file, hits in found("fork").items()} == FORKS
    assert set(found("child")) == CHILDREN
    modules = {name for names in found("module").values() for name in names} - {"appliance"}
    assert modules
    assert [name for name in modules if f"python -m {name}" not in table()] == []


def test_the_layers_are_those_of_the_test() -> None:
    """The page's table of who may import whom is the one that tests/test_layers.py uses."""
    told = {spans(row[0])[0]: set(spans(row[1])) for row in rows(DESIGN / "imports.md", WHO)}
    assert told == ALLOWED


def test_the_owners_are_those_of_the_test() -> None:
    """The page's table of foreign libraries is the one that tests/test_layers.py uses."""
    told = {spans(row[0])[0]: set(spans(row[1])) for row in rows(DESIGN / "imports.md", OWNERS)}
    assert told == FOREIGN_OWNERS


def test_who_serves_one_sibling_alone_is_a_named_seam() -> None:
    """Each module that one sibling alone imports stands in the page's table, with its reason."""
    told = {spans(row[0])[0] for row in rows(DESIGN / "imports.md", SEAMS)}
    found = of_one_sibling(modules(ROOT.parent))
    assert told == {name.removeprefix("appliance.").replace(".", "/") + ".py" for name in found}


WHO = "Packages"
SEAMS = "Seams"
OWNERS = "One file owns one foreign library"


def test_every_room_is_shown() -> None:
    """Each room of the code has its line in the plan of the house."""
    packages = {where.partition("/")[0] for where in texts() if "/" in where}
    assert len(packages) > 15
    assert [
        package for package in sorted(packages) if f"\n  {package}/ " not in read(ARCHITECTURE)
    ] == []
