"""Only one process writes the records: call control while it runs, else the command that asks."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import pytest

from appliance.config.read import load
from appliance.errors import OfficeError, StoreError
from appliance.policy.numbering import HOME_PLAN, same_number
from appliance.policy.sheets import Sheet
from appliance.service import live_policy
from appliance.service.stores import Stores
from appliance.store import policy_change, privacy, sheets
from appliance.store.database import Noted, open_database, open_reader, records_made, sole_writer
from appliance.store.directory import Rows, Sealed, Who
from appliance.store.managed_config import InForce
from appliance.store.policy_change import ManagedPolicy, OvertakenError, PolicyChange
from tests.commands.samples import CONFIG, call_control

IMU = Sheet("imu", "IMU", "tributi", "Delibera", date(2026, 5, 20), "Acconto a giugno.\n")
TARI = Sheet("tari", "TARI", "tributi", "Delibera", date(2026, 5, 20), "A maggio.\n", ("a", "b"))
PACKAGE = Path(str(resources.files("appliance")))
DAEMON = resources.files("appliance.config")
WHY = ("--by", "Rita", "--reference", "e-mail, 8:05")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration of a box."""
    found = tmp_path / "centralino.toml"
    found.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    return found


@pytest.fixture
def stores(file: Path) -> Iterator[Stores]:
    """Call control, which holds the records."""
    with call_control(file) as found:
        yield found


def database(file: Path) -> Path:
    """Say where the records are."""
    return records_made(Path(load(file).folders.state))


def command(file: Path, *words: object) -> str:
    """Run a command in a process of its own; returns what it says when all is well."""
    asked = (sys.executable, "-m", "appliance", words[0], "--config", file, *words[1:])
    done = subprocess.run(
        [str(word) for word in asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def locks(path: Path) -> set[tuple[str, str]]:
    """List this process's POSIX locks on the database and its -shm: file and kind (proc(5))."""
    inodes = {(path.with_name(path.name + end)).stat().st_ino: end for end in ("", "-shm")}
    rows = [row.split() for row in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    return {
        (inodes[int(row[5].split(":")[2])], row[3])
        for row in rows
        if row[1] == "POSIX" and int(row[4]) == os.getpid() and int(row[5].split(":")[2]) in inodes
    }


def deleted() -> list[str]:
    """List the files that this process holds and that no name leads to any more."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            name = str(each.readlink())
        except FileNotFoundError:
            continue
        if name.endswith(" (deleted)") and "centralino.db" in name:
            found.append(name)
    return found


def test_an_erasure_keeps_sqlites_locks(file: Path, stores: Stores) -> None:
    """Looking for a number's digits in the file opens no second descriptor of it (E20, B5)."""
    path, number = database(file), same_number("3391112223", HOME_PLAN)
    before = locks(path)
    assert before, "SQLite holds no lock: this test sees nothing"
    stores.records.ask(lambda connection: privacy.cut_log(connection, path, number))
    assert locks(path) == before


def test_digits_that_stand_in_the_file_are_found_and_written_away(
    file: Path, stores: Stores
) -> None:
    """What SQLite moved about within a page is overwritten by writing the file anew."""
    path, number = database(file), same_number("3391112223", HOME_PLAN)
    assert privacy._is_gone(path, "3391112223")
    stores.records.ask(lambda c: c.execute("CREATE TABLE trace AS SELECT '3391112223' AS it"))
    stores.records.ask(lambda c: privacy.cut_log(c, path, None))
    assert not privacy._is_gone(path, "3391112223")
    stores.records.ask(lambda c: c.execute("PRAGMA secure_delete = OFF"))
    stores.records.ask(lambda c: c.execute("DROP TABLE trace"))
    assert stores.records.ask(lambda c: privacy.cut_log(c, path, number))
    assert privacy._is_gone(path, "3391112223")


def test_a_file_that_cannot_be_searched_counts_as_holding_them(tmp_path: Path) -> None:
    """Without an answer the file is written anew: nothing is left on a guess."""
    assert not privacy._is_gone(tmp_path / "none.db", "3391112223")


def test_opening_the_records_again_keeps_the_locks(file: Path, stores: Stores) -> None:
    """A second connection of the same process, too: only a new file is ever opened by hand."""
    path = database(file)
    before = locks(path)
    open_database(path, path.parent / "corrupt").connection.close()
    assert locks(path) == before
    del stores


def test_commands_ask_call_control(file: Path, stores: Stores) -> None:
    """Directory and sheets, imported and varied beside it: it alone writes, and sees it at once."""
    path = database(file)
    log = path.with_name(path.name + "-wal").stat().st_ino
    command(file, "register", "import", DAEMON / "example_register.toml", "--by", "Rita")
    said = command(file, "register", "vary", "anagrafe", "--band", "11:00-12:00", *WHY)
    assert "In vigore da subito." in said
    command(file, "sheets", "import", DAEMON / "example_sheets")
    assert path.with_name(path.name + "-wal").stat().st_ino == log
    assert deleted() == []
    assert stores.directory.directory.unit("anagrafe") is not None
    assert len(stores.records.ask(sheets.all_sheets)) > 3


def test_a_change_of_what_has_changed_meanwhile_is_made_anew(file: Path, stores: Stores) -> None:
    """Two people at once: nothing of either is lost, and the second sees the first's."""
    seen = []

    def made(connection: object) -> tuple[int, PolicyChange]:
        with closing(open_reader(database(file))) as reader:
            basis = live_policy.policy_version(reader)
            known = {sheet.code for sheet in sheets.all_sheets(reader)}
        seen.append(known)
        if len(seen) == 1:
            stores.records.ask(lambda c: sheets.store(c, (TARI,)))
        return len(known), PolicyChange(basis, sheets=(IMU,))

    assert live_policy.change_policy(load(file), made) == 1
    assert seen == [set(), {TARI.code}]
    assert {each.code for each in stores.records.ask(sheets.all_sheets)} == {IMU.code, TARI.code}


def test_who_is_never_quick_enough_is_told(file: Path, stores: Stores) -> None:
    """After some tries the command says what to do, and has changed nothing."""

    def made(_: object) -> tuple[None, PolicyChange]:
        return None, PolicyChange(-1, gone=(IMU.code,))

    with pytest.raises(OvertakenError, match="give the command again"):
        live_policy.change_policy(load(file), made)
    del stores


def test_without_call_control_the_command_writes(file: Path) -> None:
    """And holds the records meanwhile: a start that comes just then waits for it."""
    with call_control(file):
        pass
    command(file, "sheets", "import", DAEMON / "example_sheets")
    with closing(open_reader(database(file))) as connection:
        assert len(sheets.all_sheets(connection)) > 3


def test_nobody_else_opens_the_records_for_writing() -> None:
    """Neither a command nor the console: the writing connection is made at two places alone."""
    makers = ("connect", "open_database")
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "appliance.store.database"
        if any(alias.name in makers for alias in node.names)
    }
    assert found == {"store/writer.py", "service/live_policy.py"}


def test_two_never_write_at_once(file: Path) -> None:
    """Who comes second waits, and says so in the end."""
    with call_control(file):
        pass
    path = database(file)
    with sole_writer(path):
        with pytest.raises(StoreError, match="being written by another process"):
            sole_writer(path, 0.1).__enter__()
        entered = threading.Event()

        def write() -> None:
            with sole_writer(path):
                entered.set()

        second = threading.Thread(target=write)
        second.start()
        assert not entered.wait(0.2)
    second.join()
    assert entered.is_set()


def test_a_change_goes_over_the_control_socket_unchanged() -> None:
    """What is read is what was written, the head office's part, too."""
    at = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    row = {"number": 3, "kind": "variation", "unit": "anagrafe", "body": "{}"}
    rows = Rows(
        Who("Rita", at, "vary"),
        (("anagrafe", "Anagrafe", "a@b.example", "", "È chiusa."),),
        (row,),
        (Sealed("lettera.pdf", "ab" * 32, 3, b"\x00\xff\n"),),
        "variation 3 of anagrafe",
    )
    held = ManagedPolicy(InForce(2, "cd" * 32, 1, "", at, "Rita", "stick"), ("imu",), ("anagrafe",))
    noted = (Noted(at, "Rita", "central.apply", "2: orari"),)
    given = PolicyChange(3, rows, (IMU, TARI), ("old",), noted, held)
    assert policy_change.from_json(policy_change.to_json(given)) == given


@pytest.mark.parametrize("data", [b"", b"[]", b'{"basis": 1}', b'{"basis": "x", "register": null}'])
def test_what_is_no_change_is_refused(data: bytes) -> None:
    """In one sentence; the records' thread lives on."""
    with pytest.raises(OfficeError, match="no change of register and sheets"):
        policy_change.from_json(data)
