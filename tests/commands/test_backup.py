"""`centralino box backup` and `restore`: what is kept comes back whole, or nothing has changed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import IO, Any, cast

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.calls.events import MessageStored
from appliance.commands import services
from appliance.files import open_plain
from appliance.policy.directory import Directory
from appliance.policy.text import Refused
from appliance.service import restore
from appliance.service.backup import FORMAT, MANIFEST
from appliance.store import directory, voicemail
from appliance.store.age import AgeWriter
from appliance.store.backup import SealedReader
from appliance.store.database import database_path, migrations, open_reader
from appliance.store.directory import key_path
from appliance.store.voicemail import Message
from tests.commands.samples import CONFIG
from tests.helpers import mounts
from tests.helpers.age_tool import needs_age, open_with_age
from tests.store.samples import a_call
from tests.voicemail.box import Box, speech
from tests.voicemail.test_mailbox import one_stored, record_message

PHRASE = "pane burro alici capperi"
MORE = """\
prompts = "{folder}/own"
[mail]
server = "127.0.15.25"
sender = "box@example.test"
head = "head@example.test"
user = "box"
password_file = "{folder}/mail-password"
"""
LEFT = {"centralino.db", "centralino.db-wal", "centralino.db-shm", "ballast"}
DRAFTS = (".part", ".restore", ".restore-plan")
FORMER = Path(__file__).with_name("kept") / "november-2026.backup"
_FILLED = tempfile.TemporaryDirectory(prefix="centralino-filled-")
STAGED, POINTS = 4, 12
"""Moments of a restore at which it is killed: before the plan of what is moved is there, in all."""


class Home:
    """A box with all that is kept, in a folder of its own; another box has the same places."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "centralino.toml"
        self.backup = folder.parent / "stick" / "box.backup"
        self.phrase = folder.parent / "phrase"
        self.phrase.write_text(f"{PHRASE}\n", encoding="utf-8")
        self.backup.parent.mkdir(exist_ok=True)

    def fill(self, seed: int = 1) -> None:
        """Have it run: a message, the example directory, a phone, a prompt, the mail's password.

        What was kept of one box is copied for the next: only the configuration names the folder.
        """
        kept = Path(_FILLED.name) / str(seed)
        if not kept.exists():
            self._really_fill(seed)
            shutil.copytree(self.folder, kept)
        else:
            shutil.copytree(kept, self.folder, dirs_exist_ok=True)
        self.config.write_text((CONFIG + MORE).format(folder=self.folder), encoding="utf-8")

    def _really_fill(self, seed: int) -> None:
        self.state.mkdir(parents=True)
        self.config.write_text((CONFIG + MORE).format(folder=self.folder), encoding="utf-8")
        mailbox = Box(self.state).start()
        record_message(mailbox, speech(seed, 3000))
        one_stored(mailbox)
        mailbox.stop()
        example = str(resources.files("appliance.config") / "example_register.toml")
        self.run("register", "import", example, "--by", "Responsabile", own_config=True)
        (self.state / "secrets" / "phone_secrets.json").write_text(f'{{"op1": "s{seed}"}}')
        (self.folder / "own" / "it").mkdir(parents=True)
        (self.folder / "own" / "it" / "closed.wav").write_bytes(speech(seed, 100))
        (self.folder / "mail-password").write_text(f"secret{seed}")

    def run(self, *words: str, code: int = 0, own_config: bool = False, typed: str = "") -> str:
        """Run a command line to its expected end."""
        config = ("--config", str(self.config))
        line = (words[0], *config, *words[1:]) if own_config else (*words, *config)
        result = CliRunner().invoke(main, line, input=typed)
        assert result.exit_code == code, result.output
        return result.output

    def save(self) -> None:
        """Make the backup."""
        self.run("backup", str(self.backup), "--passphrase-file", str(self.phrase))

    def put_back(self, *more: str, code: int = 0) -> str:
        """Restore it."""
        return self.run(
            "restore", str(self.backup), "--passphrase-file", str(self.phrase), *more, code=code
        )

    def kept(self) -> tuple[Directory, tuple[Message, ...], bytes]:
        """Read what a person would look for: offices with numbers, messages and a sound."""
        with closing(open_reader(database_path(self.state))) as records:
            listed = voicemail.list_messages(records)
            offices = directory.load(records, key_path(database_path(self.state)))
        return offices, listed, (self.state / "voicemail" / listed[0].path).read_bytes()

    def files(self) -> dict[str, bytes]:
        """Read every file, but the records, which SQLite writes its own way, and the ballast."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name not in LEFT
        }

    def side(self) -> set[bytes]:
        """Say of every piece which box it is from, by what is written in it."""
        places = ("state/secrets/phone_secrets.json", "mail-password", "own/it/closed.wav")
        return {(self.folder / place).read_bytes() for place in places}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A new box has its folder in the test's."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "box" / "state"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A box that has run, and its backup."""
    home = Home(tmp_path / "box")
    home.fill()
    home.save()
    return home


def test_another_box_has_all_of_it(home: Home) -> None:
    """Records, the directory's numbers, a message with its sound, secrets, prompts, settings."""
    kept, files = home.kept(), home.files()
    home.folder.rename(home.folder.with_name("broken"))
    home.folder.mkdir()
    said = home.put_back()
    assert "Ripristino concluso: avviare il centralino." in said
    assert home.kept() == kept
    assert kept[0].units
    assert home.files() == files
    assert (home.state / "secrets" / "register.key").stat().st_mode & 0o777 == 0o600
    started = Box(home.state).start()
    assert (started.listed(), started.troubles) == (kept[1], [])
    started.stop()


@needs_age
@pytest.mark.usefixtures("real_cost")
def test_age_opens_it_without_a_box(home: Home, tmp_path: Path) -> None:
    """`age` and `tar` of any computer give every file back; another passphrase opens nothing."""
    archive, folder = tmp_path / "backup.tar", tmp_path / "opened"
    assert open_with_age(home.backup, archive, f"{PHRASE}!") != 0
    assert open_with_age(home.backup, archive, PHRASE) == 0
    folder.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    about = json.loads((folder / MANIFEST).read_text())
    assert len(about["files"]) > 5
    for name, digest in about["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    secret = (folder / "state" / "secrets" / "phone_secrets.json").read_text()
    assert secret == '{"op1": "s1"}'


@pytest.mark.usefixtures("real_cost")
@pytest.mark.usefixtures("italian")
def test_a_backup_of_the_former_format_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was made on 30 November 2026, before backups were age files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIRECTORY", "box/state")
    home = Home(Path("box"))
    home.folder.mkdir()
    shutil.copyfile(FORMER, home.backup)
    assert "8 file. Nulla è stato cambiato." in home.put_back("--check")
    assert list(home.folder.iterdir()) == []
    assert "Ripristino concluso: avviare il centralino." in home.put_back()
    offices, messages, sound = home.kept()
    assert (len(offices.units), len(messages)) == (10, 1)
    assert sound.startswith(b"RIFF")
    assert (home.folder / "mail-password").read_text() == "secret1"


def test_what_stood_is_kept_beside(home: Home) -> None:
    """The folder is named, and holds what was there."""
    (home.state / "secrets" / "phone_secrets.json").write_text("changed since")
    said = home.put_back()
    (kept,) = home.folder.glob("state.before-*")
    assert str(kept) in said
    assert (kept / "secrets" / "phone_secrets.json").read_text() == "changed since"
    assert (home.state / "secrets" / "phone_secrets.json").read_text() != "changed since"


def test_nothing_of_it_can_be_read_on_the_stick(home: Home) -> None:
    """No name, no number and no word stands there in clear, and the file is ours alone."""
    contents = home.backup.read_bytes()
    found = [
        word for word in (b"state/", b"SQLite", b"secret1", b"phone_secrets") if word in contents
    ]
    assert found == []
    assert home.backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.backup.parent.iterdir()] == [home.backup.name]
    assert list(home.state.glob(".backup-*")) == []


def test_a_backup_is_looked_through_without_a_change(home: Home) -> None:
    """`--check` says of when it is, and touches nothing."""
    before = home.files()
    (home.folder / ".centralino-restore-killed").mkdir()
    assert "Nulla è stato cambiato" in home.put_back("--check")
    assert list(home.folder.glob(".centralino-restore-*")) == []
    assert home.files() == before


def test_another_passphrase_opens_nothing(home: Home) -> None:
    """It is said, and nothing has changed."""
    home.phrase.write_text("pane burro alici cappero")
    before = home.files()
    assert "la frase segreta non è quella di questa copia" in home.put_back(code=1)
    assert home.files() == before


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: d[:-1], "incompleta"),
        (lambda d: d[: len(d) // 2], "incompleta"),
        (lambda d: d[:70], "incompleta"),
        (lambda d: d[:25], "incompleta"),
        (lambda d: d[:-9] + bytes([d[-9] ^ 1]) + d[-8:], "danneggiat"),
        (lambda d: d[:36] + bytes([d[36] ^ 1]) + d[37:], "danneggiat"),
        (lambda d: d[:70] + bytes([d[70] ^ 1]) + d[71:], "danneggiat"),
        (lambda d: d[:300] + bytes([d[300] ^ 1]) + d[301:], "danneggiat"),
        (lambda d: d + b"x", "danneggiat"),
        (lambda d: b"x" + d, "non è una copia di sicurezza"),
    ],
    ids=["cut", "half", "short", "stub", "late", "salt", "key", "early", "longer", "other"],
)
def test_a_spoilt_backup_changes_nothing(
    home: Home, spoil: Callable[[bytes], bytes], said: str
) -> None:
    """A cut file, a flipped byte, something else: refused in words, and all is as it was."""
    home.backup.write_bytes(spoil(home.backup.read_bytes()))
    before = home.files()
    assert said in home.put_back(code=1)
    assert home.files() == before


def remade(home: Home, change: Callable[[Path], Any]) -> None:
    """Make a backup again whose contents somebody with the passphrase has changed."""
    folder = home.folder.parent / "opened"
    folder.mkdir()
    with home.backup.open("rb") as file:
        reader = SealedReader(file, PHRASE)
        with tarfile.open(fileobj=cast("IO[bytes]", reader), mode="r|") as tar:
            tar.extractall(folder, filter="data")
    change(folder)
    with home.backup.open("wb") as file:
        writer = AgeWriter(file, PHRASE)
        with tarfile.open(fileobj=cast("IO[bytes]", writer), mode="w|") as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, path.name)
        writer.close()


def newer(folder: Path) -> None:
    """Make the records a newer programme's."""
    with closing(sqlite3.connect(folder / "state" / "centralino.db")) as records:
        records.execute(f"PRAGMA user_version = {migrations()[-1][0] + 1}")
    _sign(folder)


def damaged(folder: Path) -> None:
    """Write over a page of the records."""
    path = folder / "state" / "centralino.db"
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * 4096 + path.read_bytes()[12288:])
    _sign(folder)


def misconfigured(folder: Path) -> None:
    """Leave a configuration that cannot be."""
    (folder / "config").write_text("[site]\n")
    _sign(folder)


def _sign(folder: Path) -> None:
    """Bring the list up to date."""
    about = json.loads((folder / MANIFEST).read_text())
    assert about["format"] == FORMAT
    about["files"] = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in about["files"]
    }
    (folder / MANIFEST).write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (newer, "viene da un programma più nuovo"),
        (damaged, "gli archivi nella copia sono danneggiati"),
        (misconfigured, "la configurazione nella copia non vale"),
        (lambda folder: (folder / "mail-password").write_text("other"), "ciò che dichiara"),
        (lambda folder: (folder / MANIFEST).unlink(), "non contiene il suo elenco"),
    ],
    ids=["newer", "damaged", "misconfigured", "other", "unlisted"],
)
def test_what_cannot_be_put_back_changes_nothing(
    home: Home, change: Callable[[Path], Any], said: str
) -> None:
    """Records of a newer programme or with damage, a wrong configuration, a file of another."""
    remade(home, change)
    before = home.files()
    assert said in home.put_back(code=1)
    assert home.files() == before


def test_a_name_that_leads_outside_is_refused(tmp_path: Path) -> None:
    """Nothing is ever written outside the folder that it is unpacked into."""
    with (tmp_path / "box.backup").open("wb") as file:
        writer = AgeWriter(file, PHRASE)
        with tarfile.open(fileobj=cast("IO[bytes]", writer), mode="w|") as tar:
            tar.addfile(tarfile.TarInfo("state/../../outside"), io.BytesIO())
        writer.close()
    (tmp_path / "into").mkdir()
    with pytest.raises(Refused, match="a name that cannot be"):
        restore.unpack(tmp_path / "box.backup", tmp_path / "into", PHRASE, tmp_path / "c.toml")
    assert not (tmp_path / "outside").exists()


def test_a_running_box_is_not_touched(home: Home) -> None:
    """While call control answers, a restore is refused; a backup is not."""
    (home.folder / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(home.folder / "run" / "desk.sock"))
        control.listen()
        assert "è in funzione: fermarlo prima" in home.put_back(code=1)
        home.backup.unlink()
        home.save()
    home.put_back()  # its control socket is still there, with nobody behind it


@pytest.mark.parametrize("point", range(POINTS + 1))
def test_a_restore_that_is_killed_leaves_old_or_new(home: Home, point: int) -> None:
    """Never a mixture: before the plan all is old; after it call control waits until all is new."""
    new = home.side()
    home.folder.rename(home.folder.with_name("first"))
    home.fill(seed=2)
    old = home.side()
    killed = _killed(home, point)
    plan = restore.plan_path(home.state)
    assert (killed, plan.exists()) == (point < POINTS, STAGED <= point < POINTS)
    if not plan.exists():
        assert home.side() == (old if killed else new)
        return
    with pytest.raises(Refused, match="centralino box restore --finish"):
        services._in_force(home.config)  # what `centralino run` begins with
    assert "centralino box restore --finish" in home.put_back(code=1)
    assert "Ripristino concluso" in home.run("restore", "--finish")
    assert home.side() == new
    assert not plan.exists()
    assert [path for path in home.folder.iterdir() if path.name.endswith(DRAFTS)] == []


def _killed(home: Home, point: int) -> bool:
    """Restore in a process that dies at a point; returns whether it got there."""
    if (pid := os.fork()) == 0:
        counted = iter(range(point))
        at_point = lambda _: None if next(counted, None) is not None else os._exit(9)  # noqa: E731 - a child's
        try:
            folder = home.folder.parent / "unpacked"
            folder.mkdir()
            checked = restore.unpack(home.backup, folder, PHRASE, home.config)
            restore.finish(restore.stage_backup(checked, "now", at_point), at_point)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


def test_a_disk_that_fails_leaves_all_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was brought beside its place already is taken away again."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = home.files()
    monkeypatch.setattr(restore, "write_plan", full)
    assert "il ripristino non è riuscito: il disco è pieno" in home.put_back(code=1)
    assert home.files() == before


def test_nothing_to_finish_and_nothing_named_are_said(home: Home) -> None:
    """`--finish` alone goes on; without it a file is needed."""
    assert "nessun ripristino è stato interrotto" in home.run("restore", "--finish", code=1)
    home.run("restore", code=2)


def test_damaged_records_are_not_backed_up(home: Home) -> None:
    """A backup that would not serve is refused where it is made, and leaves no file."""
    home.backup.unlink()
    path = database_path(home.state)
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * 4096 + path.read_bytes()[12288:])
    said = home.run("backup", str(home.backup), "--passphrase-file", str(home.phrase), code=1)
    assert "gli archivi sono danneggiati" in said
    assert list(home.backup.parent.iterdir()) == []


def test_what_a_backup_asks_for_is_said(home: Home) -> None:
    """A long passphrase, typed twice; a new name; a box that has run."""
    short = home.run("backup", str(home.backup), typed="alici\nalici\n", code=1)
    assert "meno di 12 caratteri" in short
    again = home.run("backup", str(home.backup), typed=f"{PHRASE}\n{PHRASE}\n", code=1)
    assert "esiste già" in again
    shutil.rmtree(home.state)
    never = home.run("backup", f"{home.backup}2", "--passphrase-file", str(home.phrase), code=1)
    assert "non è mai partito" in never


def test_a_new_box_is_told_in_the_readers_language(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No configuration says which language is spoken: LANG's, else English."""
    home.config.unlink()
    home.phrase.write_text("pane burro alici cappero")
    assert "the passphrase is not this backup's" in home.put_back(code=1)
    monkeypatch.setenv("LANG", "it_IT.UTF-8")
    assert "la frase segreta non è quella" in home.put_back(code=1)


def test_a_backup_beside_a_working_box_has_the_latest(home: Home) -> None:
    """What is stored when it begins is in it, also what SQLite has not moved to its file yet; a
    message that is being spoken is not, and goes on.
    """
    home.backup.unlink()
    working = Box(home.state).start()
    record_message(working, speech(7, 2000), "a-7")
    latest = working.wait_for(MessageStored)
    working.mailbox.begin("a-8", "ulaw", a_call("a-8"))
    working.mailbox.append("a-8", speech(8, 3000))
    working.settle()
    home.save()
    working.mailbox.finish("a-8", 0)
    working.wait_for(MessageStored)
    assert len(working.listed()) == 3
    working.stop()
    home.put_back()
    again = Box(home.state).start()
    sounds = [again.sound(message) for message in again.listed()]
    assert (len(sounds), again.troubles) == (2, [])
    assert speech(7, 2000) in sounds
    assert latest.message in {message.id for message in again.listed()}
    again.stop()


# --- a state folder that is a disk of its own ----------------------------------------------------


def _on_a_disk(home: Home) -> None:
    """Have the state folder be a disk of its own, as an SSD at its place."""
    stood = home.state.with_name("moved")
    home.state.rename(stood)
    home.state.mkdir()
    mounts.memory(home.state)
    for path in stood.iterdir():
        shutil.move(path, home.state / path.name)
    stood.rmdir()


def test_a_state_folder_that_is_a_mount_point_is_restored(home: Home) -> None:
    """An SSD at the state folder cannot be renamed: what is in it is exchanged within it."""
    kept, files, rights = home.kept(), home.files(), home.state.stat().st_mode & 0o777

    def job() -> None:
        _on_a_disk(home)
        (home.state / "secrets" / "phone_secrets.json").write_text("changed since")
        (home.state / "since").mkdir()
        said = home.put_back()
        assert home.kept() == kept
        (before,) = home.state.glob(".before-*")
        assert str(before) in said
        assert (before / "secrets" / "phone_secrets.json").read_text() == "changed since"
        assert (before / "since").is_dir()
        shutil.rmtree(before)
        found = {name: data for name, data in home.files().items() if ".before-" not in name}
        assert found == files
        assert home.state.stat().st_mode & 0o777 == rights
        started = Box(home.state).start()
        assert (started.listed(), started.troubles) == (kept[1], [])
        started.stop()
        home.backup.unlink()
        home.save()  # and what a restore has left is in no backup
        assert "Ripristino concluso" in home.put_back()

    mounts.within(job)


@pytest.mark.parametrize("point", [0, 3, 4, 6, 9, 12, 15, 18, 21])
def test_on_a_disk_too_a_restore_that_is_killed_leaves_old_or_new(home: Home, point: int) -> None:
    """Before the plan all is old; after it `--finish` goes on, wherever it was cut."""
    new = home.side()
    home.folder.rename(home.folder.with_name("first"))
    home.fill(seed=2)
    old = home.side()

    def job() -> None:
        _on_a_disk(home)
        killed = _killed(home, point)
        if not restore.plan_path(home.state).exists():
            assert home.side() == (old if killed else new)
            return
        assert "centralino box restore --finish" in home.put_back(code=1)
        assert "Ripristino concluso" in home.run("restore", "--finish")
        assert home.side() == new
        assert not restore.plan_path(home.state).exists()
        left = {path.name for path in home.state.iterdir() if path.name.startswith(".")}
        assert left <= {".before-now"}

    mounts.within(job)


def test_a_disk_that_is_not_there_is_waited_for(home: Home) -> None:
    """An SSD that is not mounted when the restore goes on: a sentence, and nothing is lost."""

    def job() -> None:
        _on_a_disk(home)
        assert _killed(home, STAGED + 2)
        disk = home.state.with_name("disk")
        disk.mkdir()
        subprocess.run(["mount", "--move", str(home.state), str(disk)], check=True)
        said = home.run("restore", "--finish", code=1)
        assert "non è montato: montarlo, poi `centralino box restore --finish`" in said
        subprocess.run(["mount", "--move", str(disk), str(home.state)], check=True)
        assert "Ripristino concluso" in home.run("restore", "--finish")
        assert home.kept()[1]

    mounts.within(job)


def test_a_file_that_is_a_mount_point_is_told_before_anything_changes(home: Home) -> None:
    """A configuration bound over its place: what to do stands in one sentence."""

    def job() -> None:
        subprocess.run(["mount", "--bind", str(home.config), str(home.config)], check=True)
        before = home.files()
        said = home.put_back(code=1)
        assert "è un punto di mount e non si può sostituire" in said
        assert home.files() == before
        assert not restore.plan_path(home.state).exists()

    mounts.within(job)


# --- all that a new card needs, and by ssh --------------------------------------------------------

NAMED = """\
[updates]
server = "https://updates.example.test"
ca_file = "{folder}/named/updates-ca"
[central]
server = "https://settings.example.test"
ca_file = "{folder}/named/central-ca"
certificate = "{folder}/named/central-certificate"
passphrase_file = "{folder}/named/central-passphrase"
branch = "nord"
[console]
certificate = "{folder}/named/console-certificate"
key = "{folder}/named/console-key"
[backup]
folder = "/media/stick"
passphrase_file = "{folder}/named/backup-passphrase"
[folders]
"""
FILES = (
    "updates-ca", "central-ca", "central-certificate", "central-passphrase",
    "console-certificate", "console-key", "backup-passphrase",
)  # fmt: skip


def _name_files(home: Home) -> None:
    """Have the configuration name each file that it can, and all of them be there."""
    text = home.config.read_text(encoding="utf-8")
    assert text.count("[folders]\n") == 1
    named = NAMED.format(folder=home.folder)
    console = f'console = "{home.folder}/console"\n'
    home.config.write_text(text.replace("[folders]\n", named + console), encoding="utf-8")
    (home.folder / "named").mkdir()
    for name in FILES:
        (home.folder / "named" / name).write_text(f"what {name} holds")
    (home.folder / "console" / "tls").mkdir(parents=True)
    (home.folder / "console" / "tls" / "ca.crt").write_text("the authority that browsers trust")


@pytest.mark.parametrize("lacking", FILES)
def test_every_file_that_the_configuration_names_is_in_the_backup(home: Home, lacking: str) -> None:
    """A new card is whole: certificates, keys and phrases too; `check` names what is not there."""
    _name_files(home)
    home.backup.unlink()
    home.save()
    home.folder.rename(home.folder.with_name("broken"))
    home.folder.mkdir()
    assert "Mancano" not in home.put_back()
    for name in FILES:
        assert (home.folder / "named" / name).read_text() == f"what {name} holds"
    assert "browsers trust" in (home.folder / "console" / "tls" / "ca.crt").read_text()
    (home.folder / "own" / "it" / "closed.wav").unlink()  # it is no sound
    assert "manca " not in home.run("check")
    path, key = home.folder / "named" / lacking, lacking.replace("-", ".", 1)
    path.unlink()
    said = home.run("check")
    assert f"manca {path}, indicato da {key}" in said.replace(".ca,", ".ca_file,").replace(
        "passphrase:", "passphrase_file:"
    )


def test_what_a_backup_did_not_bring_is_said_at_its_end(home: Home) -> None:
    """An earlier backup, or one by an account that could not read all: to be copied by hand."""
    _name_files(home)
    home.backup.unlink()
    (home.folder / "named" / "console-key").unlink()
    home.save()
    said = home.put_back()
    key = home.folder / "named" / "console-key"
    assert f"Mancano ancora, da copiare a mano: {key} (console.key)." in said


def test_a_file_that_is_closed_to_the_account_is_left_out_and_said(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's own account may not read the console's key: the rest is saved all the same."""
    _name_files(home)

    def closed(path: Path) -> IO[bytes]:
        if path.name == "console-key":
            raise PermissionError(13, "Permission denied")
        return open_plain(path)

    monkeypatch.setattr("appliance.service.backup.open_plain", closed)
    home.backup.unlink()
    said = home.run("backup", str(home.backup), "--passphrase-file", str(home.phrase))
    assert "Non leggibili da questo utente, quindi non compresi: console.key." in said
    assert "Copia integra" in home.put_back("--check")


def test_a_backup_comes_over_a_pipe(home: Home) -> None:
    """`ssh box sudo centralino box backup - > file`: the file alone on standard output."""
    line = ("backup", "-", "--passphrase-file", str(home.phrase), "--config", str(home.config))
    done = CliRunner(mix_stderr=False).invoke(main, line)
    assert "Copia di sicurezza scritta sull'uscita standard" in done.stderr
    home.backup.write_bytes(done.stdout_bytes)
    kept = home.kept()
    home.folder.rename(home.folder.with_name("broken"))
    home.folder.mkdir()
    assert "Ripristino concluso" in home.put_back()
    assert home.kept() == kept


def test_a_backup_is_not_thrown_at_a_terminal(home: Home) -> None:
    """What to do instead stands in the sentence."""
    line = f"backup - --passphrase-file {home.phrase} --config {home.config}"
    command = f"{sys.executable} -m appliance {line}"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], capture_output=True, check=False, text=True
    )
    assert done.returncode == 1
    assert "mandarla in un file" in done.stdout
    assert len(done.stdout) < 400
