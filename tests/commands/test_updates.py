"""`box update`: what it says where apt brings updates, how it stands, whom it listens to."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import appliance
from appliance.__main__ import main
from appliance.api import replies, technician_replies
from appliance.commands import updates
from appliance.commands.updates import (
    Bundle,
    Helper,
    Rauc,
    Slots,
    Stick,
    Watch,
    boot_id,
    health_of,
    helper_of,
)
from appliance.config import read
from appliance.console.uploads import UPLOADED_BACKUP
from appliance.policy import updates as policy_updates
from appliance.policy.text import Refused
from appliance.policy.updates import UpdateState
from appliance.service import updates as service_updates
from appliance.service.image_release import note_update
from appliance.service.nightly import CARD_COPY, NIGHTLY
from appliance.service.updates import UpdateRecord
from appliance.store.age import MAGIC
from appliance.store.database import database_path
from appliance.text import NOTHING
from tests.commands.samples import CONFIG
from tests.commands.test_backup import Home
from tests.commands.test_backup_nightly import spoil
from tests.helpers.words import pair


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A box's configuration."""
    path = tmp_path / "centralino.toml"
    path.write_text(CONFIG.format(folder=tmp_path) + f'console = "{tmp_path}/console"\n')
    (tmp_path / "console").mkdir()
    return path


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The box was made from the image."""
    cmdline = tmp_path / "cmdline"
    cmdline.write_text("console=ttyS1 root=PARTUUID=43454e54-02 rauc.slot=A ro\n")
    check = service_updates.check_image
    monkeypatch.setattr(service_updates, "check_image", lambda: check(cmdline))


def run(written: Path, *words: str) -> tuple[int, str]:
    """Run the command."""
    done = CliRunner().invoke(main, ["update", "--config", str(written), *words])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "words", [["status"], ["x.raucb"], ["back"], ["--fetch"], ["good"], ["--stick", "/dev/sda1"]]
)
def test_where_apt_brings_updates_every_word_says_so(written: Path, words: list[str]) -> None:
    """And does nothing."""
    code, said = run(written, *words)
    assert (code, "apt" in said) == (1, True)
    assert not (written.parent / "state-update").exists()
    told = json.loads(run(written, *words, "--json")[1])
    assert "apt install centralino" in told["it"]


@pytest.mark.parametrize("words", [[], ["status", "--fetch"], ["--asked", "--stick", "x"]])
def test_one_thing_at_a_time(written: Path, words: list[str]) -> None:
    """Nothing, or two things, cannot be meant."""
    assert run(written, *words)[0] == 2


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["status", "--now"], "--now"), (["--fetch", "--now"], "--now"),
        (["start", "--older"], "--older"), (["--check", "--older"], "--older"),
        (["x.raucb", "--yes"], "--yes"), (["back", "--yes"], "--yes"),
    ],
)  # fmt: skip
def test_an_option_that_would_do_nothing_is_refused(
    written: Path, words: list[str], option: str
) -> None:
    """Whoever types it expects something of it: what it goes with is named."""
    code, said = run(written, *words)
    assert code == 2
    assert f"{option} va soltanto con uno di questi" in said


@pytest.mark.usefixtures("image")
def test_how_it_stands_is_said(written: Path) -> None:
    """Which version runs, how far the last one came, and why it went back."""
    assert "In uso: versione" in run(written, "status")[1]
    folder = service_updates.folder_of_updates(written.parent / "state")
    folder.mkdir()
    why = pair("prima funzionava, ora no: line1", "")
    service_updates.keep(folder, UpdateRecord(UpdateState.BACK, "1.1.0", said=why))
    said = run(written, "status")[1]
    assert "La versione 1.1.0 non ha superato la prova" in said
    assert "line1" in said
    code, said = run(written, "start")
    assert (code, "nessun aggiornamento è pronto" in said) == (1, True)
    assert "Resta la versione" in run(written, "give-up")[1]
    assert "Nessun aggiornamento" in run(written, "status")[1]


@pytest.mark.usefixtures("image")
def test_a_broken_configuration_does_not_keep_a_box_from_its_updates(written: Path) -> None:
    """The slot must be marked good all the same: what held last is looked at, else the usual."""
    written.write_text("[site]\nname = 3\n[folders]\n" + f'state = "{written.parent}/state"\n')
    (written.parent / "state").mkdir()
    assert helper_of(written).settings.folders.state == "/var/lib/centralino"
    good = written.parent / "state" / "last_good.toml"
    good.write_text(CONFIG.format(folder=written.parent))
    assert helper_of(written).kept_in == written.parent / "state-update"


def test_an_image_is_known_by_its_kernel(tmp_path: Path) -> None:
    """Its slot is named there; this machine is none."""
    (tmp_path / "a").write_text("root=x rauc.slot=B quiet")
    (tmp_path / "b").write_text("root=x quiet")
    assert service_updates.is_image(tmp_path / "a")
    assert not service_updates.is_image(tmp_path / "b")
    assert not service_updates.is_image(tmp_path / "nowhere")
    service_updates.check_image(tmp_path / "a")
    with pytest.raises(Refused, match="apt"):
        service_updates.check_image(tmp_path / "b")


def test_the_running_version_is_the_slots(tmp_path: Path) -> None:
    """As the build has written it; without that the programme's own."""
    release = tmp_path / "release"
    release.write_text("BUILD=2026-11-26\nVERSION=1.4.0\nVARIANT=pi\n")
    assert service_updates.running_version(release) == "1.4.0"
    assert service_updates.running_version(tmp_path / "nowhere") == appliance.__version__


def test_an_experimental_image_says_so(tmp_path: Path) -> None:
    """Whoever looks which version runs reads that it is none for an office; so does who looks at a
    test image; else nothing.
    """
    release = tmp_path / "release"
    release.write_text("VERSION=1.4.0\nVARIANT=pi5-experimental\n")
    said = note_update(release)
    assert "sperimentale (pi5-experimental)" in said.text("it")
    assert "not for an office's only switchboard" in said.text("en")
    release.write_text("VERSION=1.4.0\nVARIANT=pi\n")
    release.write_text("VERSION=1.4.0\nVARIANT=pi\nTEST=yes\n")
    said = note_update(release)
    assert said.text("it").startswith("IMMAGINE DI PROVA")
    assert said.text("en").startswith("TEST IMAGE")
    release.write_text("VERSION=1.4.0\nVARIANT=pi\n")
    assert note_update(release) == NOTHING
    assert note_update(tmp_path / "nowhere") == NOTHING


@pytest.mark.parametrize("told", [{}, {"health": None}, {"health": {"ready_s": "soon"}}])
def test_call_control_that_says_nothing_is_not_well(told: dict[str, object]) -> None:
    """Whatever it says instead."""
    with pytest.raises(ValueError, match="HealthReply"):
        replies.reply_of(technician_replies.HealthReply, told)
    assert health_of(None) is None


class StandIn(Rauc):
    """Stands for RAUC where only what it is asked counts; slots are tried in tests/image."""

    def look(self, path: Path) -> Bundle:
        """Every file is signed and named by its version."""
        return Bundle(path.stem, "box")

    def slots(self) -> Slots:
        """Both are there."""
        return Slots("A", "B", "box", other_is_good=True)


def test_a_backup_on_a_stick_is_laid_ready(written: Path) -> None:
    """The newest sealed one, for the console's account, where none lies yet; its phrase is asked
    for on the page.
    """
    stick = written.parent / "stick"
    stick.mkdir()
    helper = Helper(read.load(written), written.parent / "run", StandIn())
    (stick / "old.backup").write_bytes(MAGIC + b"old")
    os.utime(stick / "old.backup", (0, 0))
    (stick / "new.backup").write_bytes(MAGIC + b"new")
    planted = written.parent / "console" / UPLOADED_BACKUP
    planted.parent.mkdir(parents=True, exist_ok=True)
    (written.parent / "roots").write_text("root's")
    planted.with_suffix(".stick").symlink_to(written.parent / "roots")
    said = updates.turn(helper, Stick(stick))
    target = written.parent / "console" / UPLOADED_BACKUP
    assert target.read_bytes() == MAGIC + b"new"
    assert target.stat().st_mode & 0o777 == 0o640, "the service looks through it"
    assert "new.backup" in said.text("it")
    assert (written.parent / "roots").read_text() == "root's"
    (stick / "newer.backup").write_bytes(MAGIC + b"newer")
    assert "non c'è un aggiornamento" in updates.turn(helper, Stick(stick)).text("it")
    assert target.read_bytes() == MAGIC + b"new"
    shutil.rmtree(target.parent)
    for path in stick.iterdir():
        path.write_bytes(b"anything else")
    updates.turn(helper, Stick(stick))
    assert not target.exists()


def test_an_unproved_stick_with_links_is_read_no_further(written: Path) -> None:
    """Only plain files of its outermost folder count."""
    stick = written.parent / "stick"
    (stick / "deep").mkdir(parents=True)
    (stick / "deep" / "9.0.0.raucb").write_bytes(b"x")
    (stick / "8.0.0.raucb").symlink_to("/etc/passwd")
    helper = Helper(read.load(written), written.parent / "run", StandIn())
    assert updates.newest(helper, Stick(stick).bundles()) is None
    (stick / "7.0.0.raucb").write_bytes(b"x")
    assert updates.newest(helper, Stick(stick).bundles()) == stick / "7.0.0.raucb"


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the helper look for the start's outcome many times a second."""
    monkeypatch.setattr(updates, "HELPER_LOOKS_S", 0.01)


@pytest.mark.usefixtures("looks_often")
def test_a_stick_that_stays_in_over_a_start_is_told_how_it_went(written: Path) -> None:
    """Not that an update waits, which is only what was kept before: the start has to be seen."""
    stick = written.parent / "stick"
    stick.mkdir()
    (stick / "9.0.0.raucb").write_bytes(b"x")
    helper = Helper(read.load(written), written.parent / "run", StandIn())
    helper.kept_in.mkdir()
    kept = UpdateRecord(UpdateState.INSTALLED, "9.0.0", slot="B", boot="before")
    service_updates.keep(helper.kept_in, kept)
    seen = replace(kept, state=UpdateState.BACK, boot=boot_id(), failed=("9.0.0",))
    goes_back = threading.Timer(0.1, service_updates.keep, (helper.kept_in, seen))
    goes_back.start()
    updates.wait_until_seen(helper)
    with pytest.raises(Refused, match=r"9\.0\.0 has been tried here"):
        updates.turn(helper, Stick(stick))
    goes_back.join()


@pytest.mark.usefixtures("looks_often")
def test_a_stick_that_is_pulled_out_before_it_was_read_is_told(written: Path) -> None:
    """While the start is still on trial the stick is not mounted: it may go, and people see why
    nothing came of it.
    """
    helper = Helper(read.load(written), written.parent / "run", StandIn())
    helper.kept_in.mkdir()
    service_updates.progress_path(helper.run).parent.mkdir()
    kept = UpdateRecord(UpdateState.INSTALLED, "9.0.0", slot="B", boot="before")
    service_updates.keep(helper.kept_in, kept)
    stick = written.parent / "sda1"
    stick.touch()

    def pull_out() -> None:
        stick.unlink()
        service_updates.keep(helper.kept_in, replace(kept, state=UpdateState.GOOD, boot=boot_id()))

    soon = threading.Timer(0.1, pull_out)
    soon.start()
    with pytest.raises(Refused, match="pulled out before it was read"):
        updates.brought(helper, stick)
    soon.join()
    assert "è stata tolta" in service_updates.stick_said(helper.run).text("it")


def test_a_trial_that_is_interrupted_goes_on(written: Path) -> None:
    """The watcher itself may be started anew: it is the same start of the machine."""
    helper = Helper(read.load(written), written.parent / "run", StandIn())
    kept = UpdateRecord(UpdateState.INSTALLED, "1.1.0", slot="A", boot="before")
    helper.kept_in.mkdir()
    service_updates.keep(helper.kept_in, kept)
    for _ in range(2):
        assert Watch(helper, boot="now")._started().state is UpdateState.TRIAL
    service_updates.keep(helper.kept_in, replace(kept, boot="now"))
    assert Watch(helper, boot="now")._started().state is UpdateState.INSTALLED


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize(
    "words", [("start",), ("x.raucb", "--now"), ("x.raucb", "--now", "--json")]
)
def test_whoever_starts_a_new_version_has_the_data_copied_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """A new version changes the records, and going back does not undo that: the copy is whole
    before the box restarts, and told. With --json it is one value.
    """
    home = Home(tmp_path / "box")
    home.fill()
    found: list[str] = []

    def restart() -> None:
        found.extend(path.name for path in (home.state / NIGHTLY).iterdir() if path.is_dir())

    waiting_update(home.config, monkeypatch, restart)
    code, said = run(home.config, *words)
    assert code == 0, said
    assert len(found) == 1
    told = json.loads(said)["it"] if "--json" in words else said
    assert CARD_COPY.text("it") in told
    assert told.splitlines()[-1] == policy_updates.STARTING.filled(version="9.0.0").text("it")


@pytest.mark.usefixtures("image")
def test_a_copy_that_fails_keeps_no_box_from_its_new_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records are damaged: that is told, and the new version, which may be the cure, starts."""
    home = Home(tmp_path / "box")
    home.fill()
    spoil(database_path(home.state))
    restarts: list[int] = []
    waiting_update(home.config, monkeypatch, lambda: restarts.append(1))
    code, said = run(home.config, "start")
    assert (code, restarts) == (0, [1])
    assert said.startswith("Prima non è stato possibile copiare i dati (")


@pytest.mark.usefixtures("image")
def test_where_no_new_version_waits_nothing_is_copied(tmp_path: Path) -> None:
    """It is refused at once."""
    home = Home(tmp_path / "box")
    home.fill()
    assert run(home.config, "start")[0] == 1
    assert not (home.state / NIGHTLY).exists()


def waiting_update(
    config: Path, monkeypatch: pytest.MonkeyPatch, restart: Callable[[], None]
) -> None:
    """Have a version wait for its start on a box whose restart is `restart`."""
    settings = read.load(config)
    helper = Helper(settings, Path(settings.folders.run), StandIn(), restart)
    helper.kept_in.mkdir()
    service_updates.keep(helper.kept_in, UpdateRecord(UpdateState.INSTALLED, "9.0.0", slot="B"))
    monkeypatch.setattr(updates, "helper_of", lambda *_: helper)
    monkeypatch.setattr(updates, "_installed", lambda *_, **__: pair("9.0.0 scritta.", "written"))
