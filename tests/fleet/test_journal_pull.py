"""The head office pulls a box's journal: the real journald's, by the script of docs/fleet.

journald runs in a mount namespace of its own. In ssh's place stands a script that does what sshd
does with a command, and breaks off when it is told to.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "fleet" / "journal-pull.sh"
JOURNALD = Path("/usr/lib/systemd/systemd-journald")
BOX = "technician@nord"
UNITS = ("centralino.service", "centralino-media.service", "centralino-console.service")
EVIL = "it says\n-- cursor: s=evil\n"
SAID = (("one", "two", "three"), ("four", EVIL))
SSH = f"""\
#!/bin/sh
# as sshd: what follows the host is one line for the account's shell
[ "$1 $2 $3 $4" = "-o BatchMode=yes -- {BOX}" ] || exit 255
echo "$5" >> "$FOLDER/asked"
sh -c "$5" | sh -c "${{THEN:-cat}}"
"""
JOURNAL = """\
set -eu
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mkdir -p /run/systemd/journald.conf.d
printf '[Journal]\\nAudit=no\\nReadKMsg=no\\n' > /run/systemd/journald.conf.d/of_the_test.conf
"$1" & daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
until [ -S /run/systemd/journal/io.systemd.journal ]; do sleep 0.05; done
for part in 0 1; do
    for message in "$2/$part".*; do
        python3 - "$message" <<'END'
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(open(sys.argv[1], "rb").read(), "/run/systemd/journal/socket")
END
    done
    journalctl --sync
    cp -r /run/log/journal "$2/journal.$part"
done
"""


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Have journald write a journal: as it is after a while, and later on."""
    if not JOURNALD.exists() or os.geteuid() or not shutil.which("unshare"):
        pytest.skip("takes systemd's journald, unshare, and root")
    folder = tmp_path_factory.mktemp("journal")
    for part, messages in enumerate(SAID):
        for number, text in enumerate(messages):
            told = text.encode()
            entry = b"SYSLOG_IDENTIFIER=centralino\nMESSAGE\n" + struct.pack("<Q", len(told))
            (folder / f"{part}.{number}").write_bytes(entry + told + b"\n")
    words = ["unshare", "--mount", "sh", "-c", JOURNAL, "sh", str(JOURNALD), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60.0, check=False)
    if "unshare failed" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.returncode == 0, done.stderr
    return folder / "journal.0", folder / "journal.1"


@dataclass
class Office:
    """The head office's side: where it keeps what it pulled, and its ssh."""

    folder: Path
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kept = self.folder / "kept"
        (self.folder / "ssh").write_text(SSH, encoding="utf-8")
        (self.folder / "ssh").chmod(0o755)

    def pull(self, *options: str, then: str = "cat") -> int:
        """Run the script; returns its status."""
        more = {"PATH": f"{self.folder}:{os.environ['PATH']}", "FOLDER": str(self.folder)}
        words = [str(SCRIPT), BOX, str(self.kept), *options]
        done = subprocess.run(
            words,
            env={**os.environ, **more, "THEN": then},
            capture_output=True,
            text=True,
            timeout=30.0,
            check=False,
        )
        self.wrong.append(done.stderr)
        return done.returncode

    def files(self) -> dict[str, list[str]]:
        """Return the messages of the box's programme in each file, in order."""
        found = sorted(self.kept.glob("*.export"))
        return {path.name: messages_in(path.read_bytes()) for path in found}


def messages_in(exported: bytes) -> list[str]:
    """Read the export format: the MESSAGE of every entry of ours."""
    ours = (e for e in entries_in(exported) if e.get(b"SYSLOG_IDENTIFIER") == b"centralino")
    return [entry[b"MESSAGE"].decode() for entry in ours]


def entries_in(exported: bytes) -> list[dict[bytes, bytes]]:
    """Read it by its description (systemd.io/JOURNAL_EXPORT_FORMATS)."""
    entries: list[dict[bytes, bytes]] = [{}]
    while exported:
        line, _, exported = exported.partition(b"\n")
        name, is_text, value = line.partition(b"=")
        if not line:
            entries.append({})
        elif is_text:
            entries[-1][name] = value
        else:
            (size,) = struct.unpack_from("<Q", exported)
            entries[-1][name], exported = exported[8 : 8 + size], exported[9 + size :]
    return [entry for entry in entries if entry]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A head office that has pulled nothing yet."""
    return Office(tmp_path)


def test_each_line_is_fetched_once(office: Office, journals: tuple[Path, Path]) -> None:
    """A run brings what is new since the last one, whatever a line says, and else nothing."""
    first, later = (f"--directory={path}" for path in journals)
    assert office.pull(first) == 0, office.wrong
    assert office.files() == {"00000001.export": list(SAID[0])}
    assert office.pull(first) == 0, office.wrong
    assert office.pull(later) == 0, office.wrong
    wanted = {"00000001.export": list(SAID[0]), "00000002.export": list(SAID[1])}
    assert office.files() == wanted
    assert office.pull(later) == 0, office.wrong
    assert office.files() == wanted
    assert {path.stat().st_mode & 0o077 for path in office.kept.iterdir()} == {0}


@pytest.mark.parametrize(
    "then", ["head -c 700; exit 255", "head -c 700", "head -n -1", "cat; echo -- cursor: \\`id\\`"]
)
def test_what_breaks_off_adds_nothing(
    then: str, office: Office, journals: tuple[Path, Path]
) -> None:
    """The next run fetches it again, whole; what is no cursor is handed to no shell."""
    first, later = (f"--directory={path}" for path in journals)
    office.pull(first)
    assert office.pull(later, then=then) != 0
    assert list(office.files()) == ["00000001.export"]
    assert office.pull(later) == 0, office.wrong
    assert office.files()["00000002.export"] == list(SAID[1])


def test_a_cut_between_file_and_cursor_doubles_nothing(
    office: Office, journals: tuple[Path, Path]
) -> None:
    """The same file is written again, with what has come since."""
    first, later = (f"--directory={path}" for path in journals)
    office.pull(first)
    (office.kept / "cursor").unlink()
    assert office.pull(later) == 0, office.wrong
    assert office.files() == {"00000001.export": [*SAID[0], *SAID[1]]}


def test_a_box_that_says_nothing(office: Office, journals: tuple[Path, Path]) -> None:
    """Without options the box's three units are asked for; nothing found is no mistake."""
    empty = office.folder / "empty"
    empty.mkdir()
    assert office.pull() == 0, office.wrong
    assert office.pull(f"--directory={journals[0]}", "--identifier=nobody") == 0, office.wrong
    assert office.files() == {}
    asked = (office.folder / "asked").read_text().splitlines()
    assert all(f"'--unit={unit}'" in asked[0] for unit in UNITS)
    assert "--output=export" in asked[0]


def test_two_runs_at_once(office: Office, journals: tuple[Path, Path]) -> None:
    """The second one says so and does nothing."""
    held = f"--directory={journals[0]}"
    office.pull(held)
    with (office.kept / "lock").open("w") as lock:
        subprocess.run(["flock", "-n", str(lock.fileno())], pass_fds=(lock.fileno(),), check=True)
        assert office.pull(held) == 75
    assert "under way" in office.wrong[-1]
    assert len(office.files()) == 1
