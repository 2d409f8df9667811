"""What the system refuses a command is one sentence with its remedy: no sudo, a full disk."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.commands import managed_config
from appliance.commands import status as status_command
from appliance.modem.port_server import explain
from appliance.store.database import database_path
from appliance.store.writer import DatabaseWriter
from tests.docs.pages import ROOT

NOBODY = 65534
SUDO = "is denied: run it with sudo"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")


@pytest.fixture
def box() -> Iterator[Path]:
    """A configuration that everybody reads, and records that only root does."""
    # pytest's own folders are closed to nobody from their top on.
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        path = folder / "centralino.toml"
        path.write_text(
            '[site]\nname = "Comune"\npatron = "10-04"\n[hours]\n[sip]\naddress = "127.0.0.1"\n'
            f'[folders]\nstate = "{folder}/state"\nrun = "{folder}/run"\n'
        )
        path.chmod(0o644)
        (folder / "state").mkdir(mode=0o750)
        (folder / "run").mkdir(mode=0o750)
        records = DatabaseWriter(database_path(folder / "state"), "b").start()
        records.ask(lambda _: None)
        records.stop()
        yield path


def run(box: Path, *words: str) -> Result:
    """Type a command in English."""
    env = {"LANG": "en_GB.UTF-8", "LC_ALL": None, "CENTRALINO_CONFIG": str(box)}
    return CliRunner().invoke(main, words, env=env)


@pytest.fixture
def nobody(box: Path) -> Iterator[None]:
    """Be nobody, as a technician who has forgotten sudo."""
    assert box.exists()
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)
    os.setegid(0)
    os.setgroups(groups)


@AS_ROOT
@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    "words",
    [
        ("calls", "list"), ("calls", "show", "1"), ("messages", "list"), ("users", "list"),
        ("phones", "list"), ("phones", "add", "op1"), ("phones", "administrator"),
        ("office", "directory", "show"), ("office", "directory", "audit"), ("office", "report"),
        ("office", "standards"), ("office", "sheets", "search", "aire"), ("wall", "list"),
        ("office", "address-book", "list"), ("office", "prompts", "say", "aiuto", "Testo"),
        ("office", "prompts", "voice"), ("box", "outbox", "list"), ("requests", "list"),
        ("box", "settings", "history"), ("box", "settings", "diff", "retention.calls_days=365"),
        ("box", "selftest"), ("status",), ("state", "closed", "on"),
        ("messages", "take", "1", "--by", "Anna"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_forgotten_sudo_is_what_the_command_says(box: Path, words: tuple[str, ...]) -> None:
    """One sentence with the file; never a traceback, "nothing", or a remedy that does harm."""
    result = run(box, *words)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    (line,) = result.output.splitlines()
    assert line.startswith(f"Error: access to {box.parent}"), line
    assert line.endswith(SUDO)


@AS_ROOT
def test_closed_records_in_an_open_folder_take_sudo(
    box: Path, request: pytest.FixtureRequest
) -> None:
    """SQLite says only that it cannot open the file."""
    (box.parent / "state").chmod(0o755)
    database_path(box.parent / "state").chmod(0o600)
    request.getfixturevalue("nobody")
    result = run(box, "calls", "list")
    assert (result.exit_code, SUDO in result.output) == (1, True), result.output


@AS_ROOT
@pytest.mark.usefixtures("nobody")
def test_a_port_that_a_person_may_not_open_takes_sudo() -> None:
    """Only the service's account belongs into the group dialout."""
    said = "The port /dev/null may not be opened: run it with sudo."
    refused = PermissionError(errno.EACCES, "Permission denied")
    assert str(explain("/dev/null", refused).sentence) == said


@pytest.mark.parametrize(
    "words", [("status", "--help"), ("--help",), ("check",), ("calls", "list", "--json")]
)
def test_a_full_disk_takes_no_output(box: Path, words: tuple[str, ...]) -> None:
    """Status 1 and one sentence, also for what Python writes at its end only."""
    program = [sys.executable, "-m", "appliance", *words]
    env = {"LANG": "en_GB.UTF-8", "CENTRALINO_CONFIG": str(box), "PATH": "/usr/bin:/bin"}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            program, stdout=full, stderr=subprocess.PIPE, text=True, env=env, cwd=ROOT, check=False
        )
    assert (done.returncode, done.stderr) == (1, "Error: the disk is full: free some space\n")


def test_a_reader_that_has_gone_is_told_nothing(box: Path) -> None:
    """`| head -1` ends a command silently."""
    program = [sys.executable, "-m", "appliance", "check"]
    env = {"LANG": "en_GB.UTF-8", "CENTRALINO_CONFIG": str(box), "PATH": "/usr/bin:/bin"}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        program, stdout=writer, stderr=subprocess.PIPE, text=True, env=env, cwd=ROOT, check=False
    )
    os.close(writer)
    assert done.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_no_outcome(box: Path, closed: str) -> None:
    """A script that closes a stream gets the command's own status, and no traceback."""
    env = {"LANG": "en_GB.UTF-8", "CENTRALINO_CONFIG": str(box), "PATH": "/usr/bin:/bin"}

    def done(words: str) -> subprocess.CompletedProcess[str]:
        program = ("sh", "-c", f"exec {sys.executable} -m appliance {words}")
        return subprocess.run(
            program, capture_output=True, text=True, env=env, cwd=ROOT, check=False
        )

    for words in ("check", "capacity --calls 20 --seconds 180"):
        without = done(f"{words} {closed}")
        assert without.returncode == done(words).returncode
        assert "Traceback" not in without.stderr


def test_a_failed_export_leaves_no_folder(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key's folder is gone again when the disk has no room for the key."""

    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(managed_config, "atomic_write", full)
    result = run(box, "box", "settings", "key", str(tmp_path / "key"))
    expected = f"Error: {tmp_path}/key/key.pem: the disk is full: free some space\n"
    assert (result.exit_code, result.output) == (1, expected)
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize(
    ("listen", "status", "said"),
    [("/tmp", 2, "is a directory"), ("/tmp/none/x.wav", 1, "there is no file of that name")],
)
def test_a_recording_that_cannot_be_written_is_refused_before_the_call(
    listen: str, status: int, said: str, box: Path
) -> None:
    """Nobody waits for a call whose sound is lost at its end."""
    words = ("dev", "call", "--exchange", str(box.parent), "--line", "1", "--listen", listen)
    result = run(box, *words)
    assert (result.exit_code, said in result.output) == (status, True), result.output


@AS_ROOT
@pytest.mark.usefixtures("nobody")
def test_an_exchange_in_a_closed_folder_takes_sudo(box: Path) -> None:
    """Not the system's own error, in English."""
    result = run(box, "dev", "exchange", "--directory", f"{box.parent}/state/x", "--lines", "1")
    assert (result.exit_code, SUDO in result.output) == (1, True), result.output


def test_a_reset_is_answered_in_the_readers_language(box: Path, tmp_path: Path) -> None:
    """The line that does not exist first; then why its modem could not be reset."""
    line = '[[lines]]\nname = "line1"\nport = "/dev/serial/by-path/x"\n[folders]'
    box.write_text(box.read_text().replace("[folders]", line))
    unknown = run(box, "line", "usb-reset", "line9", "--sysfs", str(tmp_path))
    assert (unknown.exit_code, "line9" in unknown.output) == (1, True)
    assert "nothing was asked" not in unknown.output
    words = ("line", "usb-reset", "--step", "reset_usb", "line1", "--sysfs", str(tmp_path))
    told = run(box, "--language", "it", *words)
    assert "in questo momento non è un modem USB" in told.output, told.output


def test_a_phones_words_are_the_readers(box: Path) -> None:
    """The sheet follows the site, the terminal whoever reads it."""
    text = '[[phones]]\nname = "op1"\n[folders]'
    box.write_text(box.read_text().replace("[folders]", text))
    result = run(box, "phones", "add", "op1")
    assert (result.exit_code, "To be typed into the phone" in result.output) == (0, True)


def test_a_mistake_of_ours_keeps_its_traceback(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the system refuses is a sentence."""
    for wrong in (KeyError("here"), OSError(errno.EBADF, "Bad file descriptor")):

        def fail(*_: object, wrong: Exception = wrong) -> None:
            raise wrong

        monkeypatch.setattr(status_command, "load_settings", fail)
        assert run(box, "status").exception is wrong
