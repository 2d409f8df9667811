"""The unit's sandbox lets the console read the records and write none: tried with another account.

Who may not write the -shm file of a WAL database can read it all the same (SQLite wal.html, 5): the
file system refuses here what `ProtectSystem=strict` refuses there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store.database import connect, migrate
from tests.docs.pages import ROOT

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to read as another account"),
]
READER = """\
import os, sys
from pathlib import Path
from appliance.store.database import open_reader
os.setgroups([]), os.setgid(65534), os.setuid(65534)
reader = open_reader(Path(sys.argv[1]))
print(reader.execute("SELECT count(*) FROM kept").fetchone()[0])
try:
    reader.execute("INSERT INTO kept VALUES (9)")
except Exception as error:
    print(error)
"""


@pytest.fixture
def database() -> Iterator[Path]:
    """Return a database that all may read and root alone may write.

    pytest closes the folders of all its runs to other accounts: this one is beside them.
    """
    with tempfile.TemporaryDirectory(prefix="centralino-records-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "centralino.db"


def read(path: Path) -> list[str]:
    """Read as nobody, in a process of its own: who that is only once all is loaded, for the
    project may lie where nobody may look."""
    for file in path.parent.glob("centralino.db*"):
        file.chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)],
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60.0,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_beside_running_call_control(database: Path) -> None:
    """What was committed a moment ago, still in the -wal file, is read; nothing can be written."""
    writer = connect(database)
    migrate(writer)
    writer.execute("CREATE TABLE kept (number INTEGER)")
    writer.execute("INSERT INTO kept VALUES (1)")
    try:
        assert read(database) == ["1", "attempt to write a readonly database"]
        writer.execute("INSERT INTO kept VALUES (2)")
        assert read(database)[0] == "2"
    finally:
        writer.close()


def test_after_call_control_was_killed(database: Path) -> None:
    """Call control that died left -wal and -shm behind: both rows are there."""
    killed = (
        "import os, sys; from pathlib import Path;"
        "from appliance.store.database import connect;"
        "writer = connect(Path(sys.argv[1]));"
        "writer.execute('CREATE TABLE kept (number INTEGER)');"
        "writer.execute('INSERT INTO kept VALUES (1)');"
        "writer.execute('INSERT INTO kept VALUES (2)'); os._exit(1)"
    )
    subprocess.run(
        [sys.executable, "-c", killed, str(database)],
        env={"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=60.0,
    )
    assert database.with_name("centralino.db-wal").stat().st_size > 0
    assert read(database)[0] == "2"


def test_with_call_control_at_rest(database: Path) -> None:
    """After a clean stop there is the database alone."""
    writer = connect(database)
    writer.execute("CREATE TABLE kept (number INTEGER)")
    writer.close()
    assert not database.with_name("centralino.db-wal").exists()
    assert read(database)[0] == "0"
