"""A backup on the network counts when it was read back; one at a time; nothing half done stays."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.config import read
from appliance.errors import CentralinoError
from appliance.files import make_private
from appliance.policy.text import Refused
from appliance.service import backup_target
from appliance.service.backup_uploads import WORK, AcceptedTarget, BackupUpload
from tests.commands.test_backup import Home
from tests.helpers.age_tool import needs_age
from tests.helpers.words import pair

PHRASE = "pane burro alici capperi"
ACCEPTED = AcceptedTarget(PHRASE, "ssh-ed25519 AAAA")
AT = datetime(2026, 11, 25, 3, 5, tzinfo=UTC)


class Folder:
    """A folder of another machine; `lies` spoils what is read back, `refusal` ends each write."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.lies = False
        self.refusal: Exception | None = None

    def listed(self) -> dict[str, int]:
        """List it."""
        return {name: len(data) for name, data in self.files.items()}

    def put(self, file: Path, name: str) -> None:
        """Write, half of it where it is refused."""
        data = file.read_bytes()
        self.files[name] = data[: len(data) // 2] if self.refusal else data
        if self.refusal:
            raise self.refusal

    def get(self, name: str, to: Path, _: int) -> None:
        """Read."""
        data = self.files[name]
        to.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if self.lies else data)

    def rename(self, old: str, new: str) -> None:
        """Rename."""
        self.files[new] = self.files.pop(old)

    def remove(self, name: str) -> None:
        """Remove."""
        del self.files[name]


class Box:
    """A box that has run, with a target."""

    def __init__(self, folder: Path) -> None:
        self.home, self.there, self.days = Home(folder / "box"), Folder(), 0
        self.home.fill()
        text = self.home.config.read_text("utf-8")
        self.home.config.write_text(
            f'{text}\n[backup]\ntarget = "sftp://c@nas.test/x"\nkeep = 2\n', "utf-8"
        )
        settings = read.load(self.home.config)
        self.target = BackupUpload(settings, self.home.config, self.now, lambda *_: self.there)

    def now(self) -> datetime:
        """Return a later night each time."""
        self.days += 1
        return AT + timedelta(days=self.days)

    @property
    def kept(self) -> backup_target.BackupTarget | None:
        """What is kept of the target."""
        return backup_target.load(self.home.state)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A box that has run."""
    return Box(tmp_path)


def refused(said: Callable[[], object]) -> str:
    """Return the Italian sentence of a refusal."""
    with pytest.raises(Refused) as error:
        said()
    return error.value.words.text("it")


def standing(box: Box) -> backup_target.BackupTarget:
    """Return what is kept of a target that was set up."""
    assert box.kept is not None
    return box.kept


def test_a_set_up_that_fails_changes_nothing(box: Box) -> None:
    """Neither what was set up before nor a secret; a short passphrase is refused first."""
    short = refused(lambda: box.target.set_up(AcceptedTarget("corta", "k")))
    assert "12 caratteri" in short
    box.there.refusal = Refused(pair("il server è pieno", "the server is full"))
    assert refused(lambda: box.target.set_up(ACCEPTED)) == "il server è pieno"
    assert box.kept is None
    assert box.there.files == {}
    assert not list((box.home.state / "secrets").glob("backup_target_p*"))
    assert "non è ancora preparata" in refused(box.target.write)


def test_a_second_set_up_that_fails_leaves_the_first(box: Box) -> None:
    """With its passphrase and the server's key."""
    box.target.set_up(ACCEPTED)
    before = box.kept
    box.there.refusal = Refused(pair("il server è pieno", "the server is full"))
    refused(lambda: box.target.set_up(AcceptedTarget("un'altra frase segreta", "ssh-rsa BBBB")))
    assert box.kept == before
    secret = box.home.state / "secrets" / "backup_target_passphrase"
    assert secret.read_text() == PHRASE


def test_a_box_restored_from_its_first_backup_goes_on(box: Box) -> None:
    """The target is in every backup, the one of its set-up too."""
    box.target.set_up(ACCEPTED)
    (first,) = box.there.files
    box.home.backup.write_bytes(box.there.files[first])
    box.home.phrase.write_text(PHRASE)
    mark = standing(box).mark
    box.home.folder.rename(box.home.folder.with_name("dead"))
    box.home.folder.mkdir()
    box.home.put_back()
    assert standing(box).mark == mark
    assert "riletta per intero" in box.target.write().text("it")


def test_two_within_a_second_are_two(box: Box) -> None:
    """The set-up's own and one that is asked for at once: neither takes the other's name."""
    box.target = replace(box.target, now=lambda: AT)
    box.target.set_up(ACCEPTED)
    first = dict(box.there.files)
    box.target.write()
    assert len(box.there.files) == 2
    assert first.items() <= box.there.files.items()


def test_what_is_not_given_back_is_no_backup(box: Box) -> None:
    """A disk that lies: read back, not believed, and no piece of it stays beside the good ones."""
    box.target.set_up(ACCEPTED)
    before, done = dict(box.there.files), box.kept and box.kept.done
    box.there.lies = True
    assert "nas.test non restituisce ciò che vi è stato scritto" in refused(box.target.write)
    assert box.there.files == before
    assert box.kept is not None
    assert (box.kept.well, box.kept.done) == (False, done)
    assert "non restituisce" in box.kept.words.text("it")


@pytest.mark.parametrize(
    "error", [Refused(pair("via", "away")), OSError("away"), CentralinoError("x")]
)
def test_what_failed_is_kept_and_tried_again(box: Box, error: Exception) -> None:
    """The older ones stay, the piece goes, a piece of a killed try goes with the next good one."""
    box.target.set_up(ACCEPTED)
    before = dict(box.there.files)
    box.there.refusal = error
    with pytest.raises(type(error)):
        box.target.write()
    assert box.there.files == before
    assert not standing(box).well
    left = f"centralino-20261125-030500-{standing(box).mark}.part"
    box.there.files |= {left: b"half", "centralino-20261125-030500-ffff.part": b"another box's"}
    box.there.refusal = None
    box.target.write()
    assert standing(box).well
    assert left not in box.there.files
    assert "centralino-20261125-030500-ffff.part" in box.there.files


def test_one_at_a_time(box: Box) -> None:
    """A second one is told to wait, and what the first one keeps is not spoilt."""
    box.target.set_up(ACCEPTED)
    before = box.kept
    work = box.home.state / WORK
    make_private(work)
    descriptor = os.open(work, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert "già in corso" in refused(box.target.write)
    assert box.kept == before
    os.close(descriptor)
    box.target.write()


def test_a_new_card_is_set_up_before_there_is_anything_to_save(box: Box, tmp_path: Path) -> None:
    """It can list and fetch what the old card has left there, and takes none of it away."""
    box.target.set_up(ACCEPTED)
    (old,) = box.there.files
    box.home.state.rename(tmp_path / "old")
    box.home.state.mkdir()
    assert "Qui non c'è ancora nulla da salvare" in box.target.set_up(ACCEPTED).text("it")
    assert box.target.names() == [old]
    to = tmp_path / "fetched.backup"
    assert "centralino box restore" in box.target.fetch(old, to).text("it")
    assert to.read_bytes() == box.there.files[old]
    assert "esiste già" in refused(lambda: box.target.fetch(old, to))
    assert "non c'è" in refused(lambda: box.target.fetch("x.backup", tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_it_is_forgotten_with_its_secrets(box: Box) -> None:
    """What lies there stays, sealed."""
    box.target.set_up(ACCEPTED)
    box.target.forget()
    assert box.kept is None
    assert not list((box.home.state / "secrets").glob("backup_target_p*"))
    assert len(box.there.files) == 1


def keys(folder: Path, name: str) -> tuple[Path, str]:
    """Make a key of age; returns its file and the public key."""
    file = folder / name
    done = subprocess.run(["age-keygen", "-o", file], capture_output=True, text=True, check=True)
    return file, done.stderr.split()[-1]


def opened(sealed: bytes, key: Path) -> str:
    """Open it with age; "" where the key does not fit."""
    words = ["age", "--decrypt", "--identity", str(key)]
    return subprocess.run(words, input=sealed, capture_output=True, check=False).stdout.decode()


@needs_age
def test_the_head_office_can_open_every_backup(box: Box, tmp_path: Path) -> None:
    """The passphrase lies beside each backup, sealed to its key alone, and goes with it; another
    box's key or passphrase opens neither.
    """
    key, recipient = keys(tmp_path, "head")
    other, _ = keys(tmp_path, "other")
    backup = replace(box.target.settings.backup, recipient=recipient)
    box.target = replace(box.target, settings=replace(box.target.settings, backup=backup))
    box.target.set_up(ACCEPTED)
    for _each in range(3):
        box.target.write()
    names = sorted(box.there.files)
    assert [name.partition(".")[2] for name in names] == ["backup", "passphrase.age"] * 2
    assert len({name.partition(".")[0] for name in names}) == 2
    sealed = box.there.files[names[1]]
    assert opened(sealed, key) == PHRASE
    assert opened(sealed, other) == ""
    box.home.backup.write_bytes(box.there.files[names[0]])
    box.home.phrase.write_text("la frase di un'altra sede")
    assert "frase segreta non è quella" in box.home.put_back("--check", code=1)
    box.home.phrase.write_text(opened(sealed, key))
    assert "Copia integra" in box.home.put_back("--check")
    # Killed while the passphrase was sent: nothing half of it stays.
    mark = standing(box).mark
    box.there.files[f"centralino-20260101-030500-{mark}.passphrase.age.part"] = b"half"
    box.target.write()
    assert not [name for name in box.there.files if name.endswith(".part")]
