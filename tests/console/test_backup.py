"""Backups by way of the browser: made, taken along, brought, looked through; for technicians."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from appliance.calls import events
from appliance.config import read
from appliance.console import uploads
from appliance.console.guards import BACKUP_UPLOAD, BODY_LIMIT
from appliance.console.pages import backup as pages_backup
from appliance.console.settings import ConsoleSettings
from appliance.errors import CentralinoError
from appliance.policy.clock import Now
from appliance.service import backup, backup_target, helper_requests, updates
from appliance.service.backup import PluggedStick
from appliance.service.backup_uploads import TargetCommands, UploadSchedule
from appliance.service.helper_requests import HelperRequest, HelperResult
from appliance.service.jobs import Jobs
from appliance.service.technician_commands import JobCommands, RestoreCommands
from appliance.store import database
from appliance.store.age import MAGIC
from appliance.store.database import connect, database_path, open_reader
from appliance.text import NOTHING
from tests.calls.examples import TEN, tell, up
from tests.commands.test_backup import PHRASE, Home
from tests.console import people
from tests.console.control_socket import ServedSocket
from tests.console.visitor import Visitor
from tests.faults.needs import require
from tests.helpers.backup_servers import SshServer
from tests.helpers.odd_web_server import odd_server
from tests.helpers.words import pair

PAGES = ("/plant/backup", "/plant/settings", "/plant/certificate", "/plant/chore/config_check")


class Records:
    """Does a job at once, with a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def do(self, job: Any, done: Any) -> None:
        """Do it."""
        with closing(connect(self._path)) as connection:
            try:
                result = job(connection)
            except CentralinoError as error:
                result = error
        done(result)


class Works:
    """A box that has run, whose call control does jobs by real children, and its console."""

    def __init__(self, home: Home, console: ConsoleSettings) -> None:
        settings = read.load(home.config)
        folders = replace(settings.folders, console=str(console.state))
        stores: Any = SimpleNamespace(records=Records(console.records))
        self.console, self.jobs = console, Jobs(home.config)
        self.home = home
        here, self.switchboard = replace(settings, folders=folders), up()
        self.questions = JobCommands(stores, here, NOTHING, self.jobs, lambda: TEN)
        self.restores = RestoreCommands(
            stores, here, self.questions, lambda: self.switchboard.status(TEN)
        )
        self.run = Path(here.folders.run)
        self.uploads = UploadSchedule(here, stores.records, Jobs(home.config), lambda *_: None)
        self.target = TargetCommands(stores, here, self.uploads, lambda: TEN)

    def name_target(self, address: str) -> None:
        """Have the configuration name a network folder."""
        text = self.home.config.read_text("utf-8")
        self.home.config.write_text(f'{text}\n[backup]\ntarget = "{address}"\n', "utf-8")
        stores: Any = self.target.stores
        settings = read.load(self.home.config)
        jobs = Jobs(self.home.config)
        self.uploads = UploadSchedule(settings, stores.records, jobs, lambda *_: None)
        self.target = TargetCommands(stores, settings, self.uploads, lambda: TEN)

    def answer(self, question: dict[str, Any]) -> Any:
        """Answer as call control does, which looks at its jobs in every turn."""
        self.questions.look()
        self.uploads.look(Now(time.monotonic(), TEN.wall), lambda: True)
        parts = {**self.questions.known, **self.restores.known, **self.target.known}
        known: Any = parts[question["ask"]](question)
        if not callable(known):
            return known

        def later(tell: Any) -> None:
            known(tell)
            self.questions.look()

        return later


@pytest.fixture(scope="module")
def run_before(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A box that has run: each test has a copy, which is made sooner than another one."""
    home = Home(tmp_path_factory.mktemp("run_before") / "own")
    home.folder.mkdir()
    home.fill()
    with closing(connect(database_path(home.state))) as connection:
        people.enter(connection)
    return home


@pytest.fixture
def works(tmp_path: Path, console_settings: ConsoleSettings, run_before: Home) -> Iterator[Works]:
    """A box in a folder of its own; people may log in."""
    home = Home(tmp_path / "own")
    shutil.copytree(run_before.folder, home.folder)
    text = run_before.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace(str(run_before.folder), str(home.folder)), "utf-8")
    made = Works(home, replace(console_settings, records=database_path(home.state)))
    yield made
    made.jobs.stop()


@pytest.fixture
def technician(works: Works) -> Iterator[Visitor]:
    """Beppe has logged in."""
    works.console.control_socket.parent.mkdir(parents=True)
    with (
        ServedSocket(works.console.control_socket, works.answer),
        Visitor(works.console) as visitor,
    ):
        visitor.log_in(people.BEPPE)
        yield visitor


def ended(visitor: Visitor, name: str, limit: float = 60.0) -> str:
    """Ask how a job stands until it has ended; returns the part of the page."""
    until = time.monotonic() + limit
    while "every 2s" in (text := visitor.get(f"/plant/chore/{name}").text):
        assert time.monotonic() < until, f"{name} did not end within {limit} s"
        time.sleep(0.05)  # the child needs the processor more than the page does
    return text


def send(visitor: Visitor, data: bytes) -> Any:
    """Upload a file as the page's script does."""
    return visitor.post(
        BACKUP_UPLOAD, content=data, headers={"content-type": "application/octet-stream"}
    )


def test_the_pages_are_the_technicians_alone(technician: Visitor) -> None:
    """Not the head's, not an operator's."""
    assert [technician.get(path).status_code for path in PAGES] == [200] * len(PAGES)
    for user in (people.ANNA, people.CARLA):
        technician.log_in(user)
        assert [technician.get(path).status_code for path in PAGES] == [403] * len(PAGES)
        assert send(technician, MAGIC + b"x").status_code == 403


def test_a_backup_is_made_and_comes_back_whole(technician: Visitor, works: Works) -> None:
    """Made, downloaded, uploaded, looked through; then the page says by which command it holds."""
    form = {"phrase": PHRASE, "again": PHRASE}
    assert technician.post("/plant/backup/make", data=form).status_code == 303
    assert "note good" in ended(technician, "backup_make")
    assert "Scarica" in technician.get("/plant/backup").text
    answer = technician.get("/plant/backup/file")
    assert answer.content.startswith(MAGIC)
    assert ".backup" in answer.headers["content-disposition"]

    assert send(technician, answer.content).status_code == 204
    lies = uploads.uploaded_backup_path(works.console)
    assert lies.read_bytes() == answer.content
    assert lies.stat().st_mode & 0o777 == 0o640, "the service looks through it"
    assert "centralino box restore" not in technician.get("/plant/backup").text
    os.utime(lies, (0, 0))  # the sample's call control lives on another day
    check = {"passphrase": PHRASE}
    assert technician.post("/plant/backup/check", data=check).status_code == 303
    assert "Nulla è stato cambiato" in ended(technician, "backup_check")
    assert f"sudo centralino box restore {lies}" in technician.get("/plant/backup").text

    technician.post("/plant/backup/drop")
    technician.post("/plant/backup/forget")
    assert technician.get("/plant/backup/file").status_code == 404
    assert not lies.exists()
    with closing(open_reader(works.console.records)) as connection:
        noted = [(one.by, one.what) for one in database.latest(connection, "backup.")]
    done = ["drop", "check", "fetch", "make"]
    assert noted == [("beppe", f"backup.{what}") for what in done]


def whole(technician: Visitor, works: Works) -> None:
    """Upload a backup, and have it found whole."""
    works.home.save()
    assert send(technician, works.home.backup.read_bytes()).status_code == 204
    os.utime(
        uploads.uploaded_backup_path(works.console), (0, 0)
    )  # the sample's call control lives on another day
    technician.post("/plant/backup/check", data={"passphrase": PHRASE})
    assert "note good" in ended(technician, "backup_check")


@pytest.mark.usefixtures("real_cost")  # a child reads what is sealed here
@pytest.mark.usefixtures("real_cost")  # a real child opens what is sealed here
def test_a_backup_is_put_back_at_a_word_and_a_tick(technician: Visitor, works: Works) -> None:
    """Never without the tick, nor while somebody is on the phone; then root's helper is asked."""
    whole(technician, works)
    form = {"phrase_again": PHRASE, "sure": "1"}
    answer = technician.post("/plant/backup/restore", data={"phrase_again": PHRASE})
    assert (answer.status_code, "Confermare" in answer.text) == (400, True)
    tell(works.switchboard, TEN, events.LineRang("line1"))
    assert "Ora qualcuno è al telefono" in technician.get("/plant/backup").text
    answer = technician.post("/plant/backup/restore", data=form)
    assert (answer.status_code, "al telefono" in answer.text) == (409, True)
    assert helper_requests.take_restore(works.run) is None

    works.switchboard = up()
    works.run.mkdir(exist_ok=True)
    assert technician.post("/plant/backup/restore", data=form).status_code == 303
    assert "È stato chiesto un ripristino" in technician.get("/plant/backup").text
    assert helper_requests.take_restore(works.run) == HelperRequest("beppe", PHRASE)
    helper_requests.tell_restore(
        works.run, HelperResult(TEN.wall, is_well=True, said=pair("<fatto>", "<done>"), by="beppe")
    )
    text = technician.get("/plant/backup").text
    assert "L&#39;ultima volta" in text
    assert "&lt;fatto&gt;" in text


def test_what_is_not_whole_is_not_put_back(technician: Visitor, works: Works) -> None:
    """The page names the command only for the very file that was found whole."""
    send(technician, MAGIC + b"x" * 100)
    text = technician.get("/plant/backup").text
    assert f"centralino box restore {uploads.uploaded_backup_path(works.console)}" not in text
    assert technician.post("/plant/backup/check", data={"passphrase": PHRASE}).status_code == 303
    assert "note bad" in ended(technician, "backup_check")
    assert "centralino box restore" not in technician.get("/plant/backup").text


def test_wrong_forms_are_told_in_words(technician: Visitor) -> None:
    """Two different passphrases, a short one, one job too many, an unknown one."""
    form = {"phrase": PHRASE, "again": "altro"}
    answer = technician.post("/plant/backup/make", data=form)
    assert (answer.status_code, "non sono uguali" in answer.text) == (400, True)
    short = {"phrase": "corta", "again": "corta"}
    answer = technician.post("/plant/backup/make", data=short)
    assert (answer.status_code, "12 caratteri" in answer.text) == (409, True)
    assert technician.get("/plant/chore/nonsense").status_code == 404
    technician.post("/plant/settings/check")
    assert technician.post("/plant/settings/check").status_code == 409
    assert "note bad" in ended(technician, "config_check")  # the sample's prompt is no WAV


def test_uploads_are_backups_in_a_bearable_size(
    technician: Visitor, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file, a file cut short, no room, a second one meanwhile: nothing is kept."""
    assert "non è una copia" in send(technician, b"GIF89a" + b"x" * 5000).text
    assert "intero" in send(technician, MAGIC[:5]).text
    assert technician.post(BACKUP_UPLOAD, content=b"").status_code == 409
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000, total=1 << 40))
        assert "spazio" in send(technician, MAGIC + b"x").text
    with monkeypatch.context() as patched:
        patched.setattr("os.open", _no_more)
        assert send(technician, MAGIC + b"x").status_code == 507
    lock: anyio.Lock = technician.app.state.uploading
    assert not lock.statistics().locked
    assert list(uploads.uploaded_backup_path(works.console).parent.iterdir()) == []


def _no_more(*_: object) -> int:
    raise OSError(28, "No space left on device")


def test_a_large_body_is_taken_by_that_page_with_its_token_alone(technician: Visitor) -> None:
    """Every other one, and a form without a header, is refused before it is read."""
    large = b"x" * (BODY_LIMIT + 1)
    assert technician.post(BACKUP_UPLOAD, is_ours=False, content=large).status_code == 413
    assert technician.post("/plant/backup/make", content=large).status_code == 413
    assert send(technician, large).status_code == 409


def test_desk_and_console_mean_the_same_places() -> None:
    """Neither imports the other."""
    assert (pages_backup.MADE_BACKUP, uploads.UPLOADED_BACKUP) == (
        backup.MADE,
        backup.UPLOADED,
    )
    assert updates.UPLOADED == uploads.UPLOADED_UPDATE


def test_the_configuration_is_shown_as_it_is_in_force(technician: Visitor, works: Works) -> None:
    """By table, in words; a file that was no good at the last start is told with its mistakes."""
    text = technician.get("/plant/settings").text
    assert "Orari della settimana" in text
    assert works.console.site != "Test"
    assert "<dd>Test" in text
    assert "il file era valido" in text
    works.questions.complaint = pair("riga 3, site: <ignota>", "line 3, site: <unknown> key")
    text = technician.get("/plant/settings").text
    assert "riga 3, site: &lt;ignota&gt;" in text
    assert "ultima configurazione valida" in text


def test_pages_stay_readable_with_call_control_away(works: Works) -> None:
    """What cannot be asked is said; what lies on the disk is shown."""
    with Visitor(works.console) as visitor:
        visitor.log_in(people.BEPPE)
        for path in PAGES:
            assert visitor.get(path).status_code == 200
        assert "non risponde" in visitor.get("/plant/settings").text
        assert visitor.post("/plant/backup/drop").status_code == 503
        made = pages_backup.made_backup_path(works.console)
        made.parent.mkdir()
        made.write_bytes(MAGIC)
        assert visitor.get("/plant/backup/file").status_code == 503


def test_a_stick_is_set_up_and_its_age_shown(technician: Visitor, works: Works) -> None:
    """What it is for stands there before it is; the helper's answer and the last whole backup
    after; one passphrase is typed twice, and is for the technician alone.
    """
    page = technician.get("/plant/backup").text
    assert "Nessuna copia lascia da sola la scheda di memoria." in page
    form = {"stick_phrase": PHRASE, "stick_again": "un'altra frase segreta"}
    assert technician.post("/plant/backup/stick", data=form).status_code == 400
    short = {"stick_phrase": "corta", "stick_again": "corta"}
    assert "12 caratteri" in technician.post("/plant/backup/stick", data=short).text
    form["stick_again"] = PHRASE
    works.run.mkdir(exist_ok=True)
    told = technician.post("/plant/backup/stick", data=form)
    assert told.status_code == 303, told.text
    settings = works.restores.settings
    run, state = Path(settings.folders.run), Path(settings.folders.state)
    assert "La chiavetta sta per essere letta o scritta" in technician.get("/plant/backup").text
    assert backup.take(run) == HelperRequest("beppe", PHRASE)
    at = datetime(2026, 11, 25, 2, 5, tzinfo=UTC)
    words = pair("nessuna chiavetta USB", "no USB stick")
    backup.tell(run, HelperResult(at, False, words))
    assert "nessuna chiavetta USB" in technician.get("/plant/backup").text
    backup.keep_stick(state, backup.BackupStick("AB-12", "COPIE", "beppe", at, at, at))
    page = technician.get("/plant/backup").text
    assert "Preparata: COPIE" in page
    assert "Ultima copia intera: " in page
    assert "Scrivi ora una copia sulla chiavetta" in page
    assert technician.post("/plant/backup/stick").status_code == 303
    assert backup.take(run) == HelperRequest("beppe", "")
    assert technician.post("/plant/backup/stick/forget").status_code == 303
    assert backup.load_stick(state) is None


def test_one_of_several_sticks_is_chosen(technician: Visitor, works: Works) -> None:
    """By label and size; what the box cannot write is shown with what to do, and not offered."""
    works.run.mkdir(exist_ok=True)
    settings = works.restores.settings
    run = Path(settings.folders.run)
    assert technician.post("/plant/backup/stick/look").status_code == 303
    assert backup.take(run) == HelperRequest("beppe", looks=True)
    two = (PluggedStick("AB-12", "COPIE, 32 GB", True), PluggedStick("", "FOTO, 8 GB", False))
    backup.tell_sticks(run, two)
    page = technician.get("/plant/backup").text
    assert re.search(r'value="AB-12" required checked> COPIE, 32 GB', page)
    assert re.search(r"disabled> FOTO, 8 GB: formattarla in FAT32", page)
    backup.tell_sticks(run, (*two, PluggedStick("CD-34", "ALTRE, 4 GB", True)))
    assert "checked> COPIE" not in technician.get("/plant/backup").text
    form = {"stick_phrase": PHRASE, "stick_again": PHRASE, "stick_uuid": "CD-34"}
    assert technician.post("/plant/backup/stick", data=form).status_code == 303
    assert backup.take(run) == HelperRequest("beppe", PHRASE, "CD-34")


def test_without_a_network_folder_the_page_says_how(technician: Visitor) -> None:
    """It is configured in the file; nothing can be written before."""
    assert "Nessuna cartella è configurata" in technician.get("/plant/backup").text
    told = technician.post("/plant/backup/target")
    assert told.status_code == 409
    assert "nessuna cartella di rete è configurata" in told.text


def test_a_network_folder_is_shown_as_it_stands(works: Works, technician: Visitor) -> None:
    """What is still to be done, our own key for the server; then the last try, and the button."""
    address, key = "sftp://copie@nas.example.test/copie", "ssh-ed25519 AAAA"
    works.name_target(address)
    page = technician.get("/plant/backup").text
    assert "non è ancora preparata" in page
    assert "ssh-ed25519 " in page
    at, words = datetime(2026, 11, 25, 2, 5, tzinfo=UTC), pair("il server è spento", "it is off")
    target = backup_target.BackupTarget(address, key, "a1b2", "beppe", at, at, at, False, words)
    backup_target.keep(works.home.state, target)
    page = technician.get("/plant/backup").text
    assert "il server è spento" in page
    assert "Nessuna copia lascia da sola" not in page
    assert "Ultima copia intera: " in page
    assert backup_target.fingerprint(key) in page
    assert technician.post("/plant/backup/target").status_code == 303
    assert works.uploads.is_waiting
    assert "Lavoro in corso" in technician.get("/plant/backup").text
    works.uploads.stop()


def test_a_servers_key_is_compared_before_anything_is_set_up(
    works: Works, technician: Visitor
) -> None:
    """No key, no tick, two passphrases, a short one: nothing is begun."""
    works.name_target("sftp://copie@nas.example.test/copie")
    form = {"target_phrase": PHRASE, "target_again": PHRASE}
    to = "/plant/backup/target/set-up"
    assert "chiederla prima al server" in technician.post(to, data=form).text
    assert "Confermare che la chiave" in technician.post(to, data=form | {"host_key": "x"}).text
    unlike = form | {"target_again": "un'altra frase segreta"}
    assert technician.post(to, data=unlike).status_code == 400
    short = {"target_phrase": "corta", "target_again": "corta", "host_key": "x", "same": "1"}
    assert "12 caratteri" in technician.post(to, data=short).text
    assert not works.uploads.is_waiting


def test_a_web_servers_certificate_is_compared_where_it_must(
    works: Works, technician: Visitor
) -> None:
    """The password is asked for; the certificate too, once somebody has asked the server for it."""
    address = "https://copie@cloud.example.test/dav"
    works.name_target(address)
    page = technician.get("/plant/backup").text
    assert 'name="target_password"' in page
    assert "Chiedi al server il suo certificato" in page
    assert 'name="host_key"' not in page
    backup_target.keep_offered(works.home.state, address, "x509 AAAA")
    shown = backup_target.fingerprint("x509 AAAA")
    page = technician.get("/plant/backup").text
    assert f"(SHA-256): <strong>{shown}</strong>" in " ".join(page.split())
    assert 'name="target_password"' in page
    form = {"target_phrase": PHRASE, "target_again": PHRASE, "target_password": "x"}
    told = technician.post("/plant/backup/target/set-up", data=form | {"host_key": shown})
    assert "Confermare che la chiave" in told.text
    assert not works.uploads.is_waiting


def rested(visitor: Visitor, limit: float = 60.0) -> str:
    """Open the page until nothing is being done with the network folder; returns it."""
    until = time.monotonic() + limit
    while "Lavoro in corso" in (text := visitor.get("/plant/backup").text):
        assert time.monotonic() < until
        time.sleep(0.1)
    return text


@pytest.mark.system
def test_a_network_folder_is_set_up_in_the_browser(
    works: Works, technician: Visitor, tmp_path: Path
) -> None:
    """The key of the box is on the page, the server's too, once it was asked; who has compared them
    sets it up, and the first backup lies there. Another key than the compared one is refused.
    """
    require("sftp", "sshd")
    nas = SshServer(tmp_path / "nas")
    works.name_target(nas.address)
    (key,) = re.findall(r"ssh-ed25519 \S+ centralino", technician.get("/plant/backup").text)
    nas.know(key)
    nas.start()
    try:
        assert technician.post("/plant/backup/target/look").status_code == 303
        assert nas.fingerprint in rested(technician)
        form = {"target_phrase": PHRASE, "target_again": PHRASE, "same": "1"}
        wrong = form | {"host_key": "SHA256:an-other"}
        assert technician.post("/plant/backup/target/set-up", data=wrong).status_code == 303
        assert "presenta la chiave" in rested(technician)
        assert list(nas.share.iterdir()) == []
        good = form | {"host_key": nas.fingerprint}
        assert technician.post("/plant/backup/target/set-up", data=good).status_code == 303
        assert "riletta per intero" in rested(technician)
    finally:
        nas.stop()
    assert len(list(nas.share.iterdir())) == 1
    target = backup_target.load(works.home.state)
    assert target is not None
    assert target.well


@pytest.mark.system
def test_a_web_folder_is_set_up_in_the_browser(
    works: Works, technician: Visitor, tmp_path: Path
) -> None:
    """Without the compared certificate nothing goes there, and the page says what to do."""
    with odd_server(tmp_path / "dav") as (server, certified):
        works.name_target(server.address)
        form = {"target_phrase": PHRASE, "target_again": PHRASE, "target_password": "segreto"}
        assert technician.post("/plant/backup/target/set-up", data=form).status_code == 303
        assert "chiedere al server il suo certificato" in rested(technician)
        assert technician.post("/plant/backup/target/look").status_code == 303
        assert certified.fingerprint in rested(technician)
        assert server.asked == []
        form |= {"host_key": certified.fingerprint, "same": "1"}
        assert technician.post("/plant/backup/target/set-up", data=form).status_code == 303
        page = rested(technician)
        assert "riletta per intero" in page
        assert "Certificato accettato del server" in page
        (name,) = server.files
    assert name.endswith(".backup")
