"""The copy of directory and sheets while the process is killed at every system call of its writing.

What is there afterwards is the copy of before or the new one, whole; a copy that was written in
place would be neither (shown).
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from appliance.policy.sheets import Sheet
from appliance.store import backup, sheets
from appliance.store.database import connect, open_database
from tests.faults.needs import require

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
POINTS = {"fsync": 1, "rename": 1, "unlink": 1, "pwrite64": 6}
"""System calls and how many uses of each the writing has at least."""
CASES = [*((call, 1) for call in POINTS if call != "pwrite64"), ("pwrite64", 4),
         pytest.param("pwrite64", 1, marks=pytest.mark.long)]  # fmt: skip
"""Each how-manieth use is tried."""
WRITE = """
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from appliance.store import backup
from appliance.store.database import connect
root, bug = Path(sys.argv[1]), sys.argv[2]
if bug == "in_place":
    (root / "policy" / "policy.tmp").symlink_to("policy.db")
    backup._make_empty = lambda path: path.resolve().write_bytes(b"")
with closing(connect(root / "centralino.db")) as connection:
    backup.write(connection, root / "policy", datetime.now(UTC))
"""
AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
SHEET = Sheet("imu", "Prima", "tributi", "Regolamento", date(2026, 11, 25), "Testo. " * 4000)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave records whose sheet has changed since they were copied."""
    require("strace")
    root = tmp_path_factory.mktemp("base")
    with closing(open_database(root / "centralino.db", root / "corrupt").connection) as connection:
        sheets.store(connection, (SHEET,))
        backup.write(connection, root / "policy", AT)
        changed = Sheet("imu", "Dopo", "tributi", "Regolamento", date(2026, 11, 25), SHEET.body)
        sheets.store(connection, (changed,))
    return root


def killed_at(base: Path, root: Path, call: str, nth: int, bug: str = "none") -> bool:
    """Kill the writing at the n-th use of a call; False when it came to its end before that."""
    shutil.copytree(base, root)
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    strace += ["-e", f"inject={call}:signal=SIGKILL:when={nth}"]
    command = [sys.executable, "-c", WRITE, str(root), bug]
    done = subprocess.run(
        [*strace, *command], cwd=ROOT, timeout=60, capture_output=True, check=False
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


def put_back(root: Path) -> tuple[str, ...]:
    """Return the titles of the sheets that an empty database gets of the copy."""
    new = root / "new.db"
    with closing(open_database(new, root / "corrupt").connection) as connection:
        backup.restore(connection, root / "policy")
        return tuple(sheet.title for sheet in sheets.all_sheets(connection))


@pytest.mark.parametrize(("call", "step"), CASES)
def test_the_copy_is_the_one_before_or_the_new_one(
    base: Path, in_memory: Path, call: str, step: int
) -> None:
    """F3 for policy; and the next writing, over whatever the killed one left, is whole again."""
    nth = 1
    while killed_at(base, root := in_memory / f"{call}-{nth}", call, nth):
        assert put_back(root) in {("Prima",), ("Dopo",)}, f"{call} {nth}"
        with closing(connect(root / "centralino.db")) as connection:
            backup.PolicyCopy(root / "policy", print).look(connection)
        (root / "new.db").unlink()
        assert put_back(root) == ("Dopo",)
        nth += step
    assert nth > POINTS[call]
    assert put_back(root) == ("Dopo",)


def test_a_copy_written_in_place_is_caught(base: Path, in_memory: Path) -> None:
    """The rig finds what it is for: a copy of which the kill left nothing that can be read."""
    nth = 1
    while killed_at(base, root := in_memory / f"planted-{nth}", "pwrite64", nth, "in_place"):
        if put_back(root) == ():
            return
        nth += 1
    pytest.fail("nothing was lost")
