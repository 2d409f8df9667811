"""`box settings`: made at the head office, brought or fetched to a branch, taken back."""

from __future__ import annotations

import hashlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.commands.downloads import SettingsServer
from appliance.commands.options import control_socket_path
from appliance.config import read
from appliance.config.rollout_file import rollout_in_force, rollout_text
from appliance.managed_config import bundle
from appliance.policy.clock import ClockState
from appliance.policy.rollout import Rollout, Stage
from appliance.policy.text import Refused
from appliance.service import managed_config
from appliance.service.managed_config import FetchOutcome
from appliance.store import database
from appliance.store import managed_config as store_managed_config
from appliance.store.database import Noted, connect
from tests.calls.examples import TEN, up
from tests.commands.test_updates_fetch import certificate
from tests.console.control_socket import ServedSocket
from tests.console.states import told
from tests.helpers.wire import raw
from tests.managed_config.samples import (
    CERTIFICATE,
    FIRST,
    PHRASE,
    REGISTER,
    SECRET,
    Branch,
    branch,
    made,
    sheet,
    without,
)

pytestmark = pytest.mark.usefixtures("italian")
PLAIN = without(FIRST, "register.toml")
SECOND = PLAIN | {"sheets/imu.md": sheet("IMU 2027")}


class Web:
    """A plain https server with one file, as any web server has it: ETag, Last-Modified."""

    def __init__(self, folder: Path, *, days: int = 30) -> None:
        folder.mkdir()
        self.data = b""
        self.answers: list[int] = []
        self.ca_file = folder / "ca.pem"
        certificate(folder, days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, folder / "key.pem")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="web")
        self.address = f"https://localhost:{self._server.server_port}/settings.bundle"
        self._goes = False

    def __enter__(self) -> Self:
        self._thread.start()
        self._goes = True
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone."""
        if self._goes:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._goes = False


def _handler(web: Web) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            etag = f'"{hashlib.sha256(web.data).hexdigest()}"'
            code = 304 if self.headers.get("If-None-Match") == etag else 200
            web.answers.append(code)
            self.send_response(code)
            if code == 200:
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(web.data)))
            self.end_headers()
            if code == 200:
                self.wfile.write(web.data)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    return Handler


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """The head office's server."""
    with Web(tmp_path / "web") as made_web:
        yield made_web


def fetching(folder: Path, web: Web) -> Branch:
    """Make a branch that looks at a server."""
    box = branch(folder)
    text = box.config.read_text()
    given = f'[central]\nserver = "{web.address}"\nca_file = "{web.ca_file}"\n'
    box.config.write_text(text.replace("[central]\n", given))
    return box


def ask(box: Branch, *words: str) -> Result:
    """Run a command as call control does."""
    environment = {"CENTRALINO_CONFIG": str(box.config)}
    return CliRunner().invoke(main, ["settings", *words, "--json"], env=environment)


def said(box: Branch, *words: str) -> str:
    """Return what a command that did well has said, in English."""
    result = ask(box, *words)
    assert result.exit_code == 0, result.output
    return str(json.loads(result.output)["en"])


def refused(box: Branch, *words: str) -> str:
    """Return why a command was refused, in English."""
    result = ask(box, *words)
    assert result.exit_code == 1, result.output
    told = json.loads(result.output)
    assert told["it"] != told["en"]
    return str(told["en"])


def test_from_the_head_offices_folder_to_the_branch(tmp_path: Path) -> None:
    """Key, folder, one file; shown, put in force, shown again, taken back: each in a sentence."""
    office, box = tmp_path / "office", branch(tmp_path / "box")
    for name, data in FIRST.items():
        (office / name).parent.mkdir(parents=True, exist_ok=True)
        (office / name).write_bytes(data)
    (office / "phrase").write_text(f"{PHRASE}\n")
    runner, file = CliRunner(), tmp_path / "settings.bundle"
    words = ["settings", "pack", str(office), "--version", "1", "--to", str(file)]
    assert runner.invoke(main, ["settings", "key", str(office / "key")]).exit_code == 0
    assert (
        "c'è già una chiave" in runner.invoke(main, ["settings", "key", str(office / "key")]).output
    )
    words += ["--key", str(office / "key/key.pem")]
    assert "--passphrase-file" in runner.invoke(main, words).output
    assert not file.exists()
    packed = runner.invoke(main, [*words, "--passphrase-file", str(office / "phrase")])
    assert "versione 1 per tutte le sedi" in packed.output
    assert "signature is not the head office's" in refused(box, "show", str(file))
    (box.folder / "certificate.pem").write_bytes((office / "key/certificate.pem").read_bytes())
    told = "sheets new: 2, offices new: 2, declarations added: 1, schedule changed"
    assert told in said(box, "show", str(file))
    assert told in said(box, "apply", str(file))
    assert "in force already" in said(box, "apply", str(file))
    assert "version 1 since" in said(box, "status")
    assert "no central settings in force" in said(box, "revert")
    assert "nothing to go back to" in refused(box, "revert")
    assert (office / "key/key.pem").stat().st_mode & 0o077 == 0


def test_mistakes_are_named_before_anything_is_signed(tmp_path: Path) -> None:
    """All at once, each with its file and place, and no file is written."""
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets/imu.md").write_text("niente")
    (tmp_path / "register.toml").write_text(
        REGISTER.replace("1042/2026", "").replace("email =", "e =")
    )
    (tmp_path / "key.pem").write_bytes(SECRET)
    file = tmp_path / "settings.bundle"
    words = ["settings", "pack", str(tmp_path), "--key", str(tmp_path / "key.pem")]
    result = CliRunner().invoke(main, [*words, "--version", "1", "--to", str(file)])
    assert result.exit_code == 1
    assert "register.toml, services.1.email: manca: va scritta" in result.output
    assert "sheets/imu.md, la scheda: non ha l'intestazione" in result.output
    assert not file.exists()


def test_what_is_newer_is_fetched_once(tmp_path: Path, web: Web) -> None:
    """The second look costs the server a few bytes; who and where stand in what is told."""
    box = fetching(tmp_path / "box", web)
    web.data = made(1, PLAIN)
    assert "central settings 1 put in force" in said(box, "fetch")
    assert "in force already" in said(box, "fetch")
    assert web.answers == [200, 304]
    web.data = made(2, SECOND)
    assert "sheets changed: 1" in said(box, "fetch")
    assert box.sheets()["imu"] == "IMU 2027"
    assert "version 2 since" in (told := said(box, "status"))
    assert f"from {web.address} (box)" in told
    assert "Last look" in told


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<html>not found</html>", "no file of `settings pack`"),
        (made(2, SECOND, secret=bundle.make_key_pair("Altri")[0]), "signature is not"),
        (made(2, SECOND)[:-1], "signature is not"),
        (made(2, SECOND, ("centro",)), "others' (centro)"),
        (made(1, SECOND), "another file of version 1"),
        (made(2, SECOND | {"sheets/orti.md": sheet("Orti")}), "names: orti"),
        (made(2, PLAIN | {"schedule.toml": b"[hours]\nmonday = 7\n"}), "schedule.toml, hours"),
    ],
    ids=["no_settings", "signature", "cut", "other_office", "same_version", "sheet", "schedule"],
)
def test_a_server_with_something_wrong_changes_nothing(
    tmp_path: Path, web: Web, data: bytes, why: str
) -> None:
    """One sentence, kept for call control; the settings of before hold, and the next good ones
    come.
    """
    box = fetching(tmp_path / "box", web)
    web.data = made(1, PLAIN)
    said(box, "fetch")
    web.data = data
    assert why in refused(box, "fetch")
    kept = managed_config.load_central_said(box.place.state)
    assert kept is not None
    assert (kept.outcome, kept.good_at is None) == (FetchOutcome.REFUSED, False)
    assert why in kept.words.text("en")
    assert box.sheets()["imu"] == "IMU"
    assert why in refused(box, "fetch"), "it is judged again"
    assert web.answers[-1] == 304
    web.data = made(3, SECOND)
    said(box, "fetch")
    assert box.sheets()["imu"] == "IMU 2027"


def test_an_import_of_the_branchs_own_leaves_the_head_offices(tmp_path: Path) -> None:
    """A folder with the branch's sheets alone takes none of the head office's away."""
    box, folder = branch(tmp_path / "box"), tmp_path / "sheets"
    box.apply(made(1, PLAIN))
    folder.mkdir()
    (folder / "caldaie.md").write_bytes(sheet("Caldaie"))
    environment = {"CENTRALINO_CONFIG": str(box.config)}
    words = ["sheets", "import", str(folder)]
    assert CliRunner().invoke(main, words, env=environment).exit_code == 0
    assert box.sheets() == {"imu": "IMU", "tari": "TARI", "caldaie": "Caldaie"}
    (folder / "imu.md").write_bytes(sheet("Mia"))
    result = CliRunner().invoke(main, words, env=environment)
    assert (result.exit_code, "imu" in result.output) == (1, True)
    assert box.sheets()["imu"] == "IMU"


def test_what_was_taken_back_does_not_come_again_by_itself(tmp_path: Path, web: Web) -> None:
    """People have gone back from it: only a higher version comes from the server."""
    box = fetching(tmp_path / "box", web)
    for version, files in ((1, PLAIN), (2, SECOND)):
        web.data = made(version, files)
        said(box, "fetch")
    assert "central settings 1 in force again" in said(box, "revert")
    assert ", again (shell" in said(box, "status")
    assert "2: taken back here, a higher version is waited for" in said(box, "fetch")
    assert box.sheets()["imu"] == "IMU"
    web.data = made(3, SECOND)
    assert "central settings 3 put in force" in said(box, "fetch")


def refusals(box: Branch) -> list[Noted]:
    """List what was refused, the oldest first."""
    with closing(connect(box.place.database)) as connection:
        return list(database.latest(connection, store_managed_config.REFUSED))[::-1]


def test_a_refusal_stands_in_the_list_of_changes(tmp_path: Path, web: Web) -> None:
    """Who brought which file, and why it was not taken, in each language; nothing else is noted,
    and what the box is refused each hour stands there once.
    """
    box, file = fetching(tmp_path / "box", web), tmp_path / "settings.bundle"
    web.data = made(2, SECOND)
    said(box, "fetch")
    file.write_bytes(made(1, PLAIN))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    assert "version 1, and 2 was in force" in refused(box, "apply", str(file), "--by", "anna")
    (noted,) = refusals(box)
    first, it, de, en = noted.about.split("\n")
    assert (noted.by, first) == ("anna", f"{digest} settings.bundle")
    assert "qui c'è già stata la 2" in it
    assert "hier galt schon 2" in de, de
    assert "and 2 was in force here" in en

    web.data = b"centralino-settings-1\n" + bytes(200)
    for _ in range(3):
        refused(box, "fetch")
    web.data = made(1, PLAIN)
    refused(box, "fetch")
    refused(box, "show", str(file))  # only looked at
    assert [one.by for one in refusals(box)] == ["anna", "box", "box"]
    assert refusals(box)[-1].about.startswith(f"{digest} {web.address}\n")


def test_a_refusal_names_no_number(tmp_path: Path) -> None:
    """P7: of many mistakes the first are said, and what may be somebody's number or address is
    masked.
    """
    box, file = branch(tmp_path / "box"), tmp_path / "settings.bundle"
    file.write_bytes(made(1, PLAIN, ("0519876543",)))
    assert "0519876543" in refused(box, "apply", str(file))
    wrong = b"".join(b'[[openings]]\nx = "y"\n' for _ in range(90))
    file.write_bytes(made(1, PLAIN | {"schedule.toml": wrong}))
    refused(box, "apply", str(file))
    number, many = refusals(box)
    assert "settings are others' (•••)" in number.about
    assert "0519876543" not in number.about
    # Four hundred letters a language, and where it came from.
    assert 1200 < len(many.about) < 1300


@pytest.mark.parametrize("words", ["apply", "status", "revert", "fetch"])
def test_without_records_it_is_said_in_both_languages(tmp_path: Path, web: Web, words: str) -> None:
    """A box that was never started: one sentence, and what to do."""
    box, file = fetching(tmp_path / "box", web), tmp_path / "settings.bundle"
    web.data = made(1, PLAIN)
    file.write_bytes(web.data)
    box.place.database.unlink()
    asked = (words, str(file)) if words == "apply" else (words,)
    assert "there are no records in" in refused(box, *asked)


def test_records_that_cannot_be_written_hide_no_refusal(tmp_path: Path) -> None:
    """Why a file is refused is said also where it cannot be noted."""
    box, file = branch(tmp_path / "box"), tmp_path / "settings.bundle"
    file.write_bytes(b"nothing")
    box.place.database.unlink()
    assert "no file of" in refused(box, "apply", str(file))


def test_a_server_that_is_gone(tmp_path: Path) -> None:
    """It is told as such; what is in force stays, and what came before is not fetched anew."""
    with Web(tmp_path / "web") as web:
        box = fetching(tmp_path / "box", web)
        web.data = made(1, PLAIN)
        said(box, "fetch")
        web.stop()
        assert "cannot be fetched: nobody answers" in refused(box, "fetch")
    kept = managed_config.load_central_said(box.place.state)
    assert kept is not None
    assert kept.outcome is FetchOutcome.UNREACHED
    assert box.sheets()["imu"] == "IMU"


def test_another_authority_and_other_dates(tmp_path: Path) -> None:
    """A server must be the one meant; its dates count only where the box knows the time."""
    with Web(tmp_path / "web", days=-30) as web:
        web.data = b"anything"
        state = tmp_path / "state"
        address = web.address
        with pytest.raises(Refused, match="certificate has expired"):
            SettingsServer(address, str(web.ca_file)).bundle(state)
        assert (
            SettingsServer(address, str(web.ca_file), checks_dates=False).bundle(state)
            == b"anything"
        )
        with pytest.raises(Refused, match="certificate"):
            SettingsServer(address, "", checks_dates=False).bundle(state)
        with pytest.raises(Refused, match="no https address"):
            SettingsServer(address.replace("https", "http"), str(web.ca_file)).bundle(state)


@pytest.mark.parametrize(
    ("clock", "counts"), [(ClockState.STALE, False), (ClockState.SYNCED, True)]
)
def test_dates_count_where_call_control_trusts_its_clock(
    tmp_path: Path, clock: ClockState, counts: bool
) -> None:
    """A box without the time must not be kept from its settings by a certificate's dates."""
    status = told(up(), replace(TEN, clock_state=clock))
    said_to_all = {"status": status, "words": "", "said": {"it": "", "en": ""}}
    with Web(tmp_path / "web", days=-30) as web:
        box = fetching(tmp_path / "box", web)
        web.data = made(1, PLAIN)
        socket = control_socket_path(read.load(box.config))
        with ServedSocket(socket, lambda _: raw(said_to_all)):
            output = ask(box, "fetch").output
    assert ("certificate has expired" in output) is counts


def test_a_wrong_passphrase_is_told(tmp_path: Path) -> None:
    """The directory of a bundle stays closed, and nothing of the bundle comes into force."""
    box, file = branch(tmp_path / "box"), tmp_path / "settings.bundle"
    file.write_bytes(made(1, FIRST))
    (box.folder / "phrase").write_text("tutt'altra frase\n")
    assert "passphrase in central.passphrase_file is not" in refused(box, "apply", str(file))
    (box.folder / "certificate.pem").unlink()
    assert "central.certificate" in refused(box, "apply", str(file))
    assert box.sheets() == {"orti": "Orti urbani"}
    (box.folder / "certificate.pem").write_bytes(CERTIFICATE)


def rolled_out(folder: Path, *words: str) -> Result:
    """Run the head office's command on a folder."""
    return CliRunner().invoke(main, ["settings", "rollout", str(folder), *words])


def test_a_rollout_that_cannot_be_is_said_in_a_sentence(tmp_path: Path) -> None:
    """Each with the file, and what to do; nothing is written."""
    begin = ("--begin", "1.4.0", "--first", "borgo")
    boxes = tmp_path / "boxes.toml"
    assert "boxes.toml" in rolled_out(tmp_path, *begin).output
    assert "--begin" in rolled_out(tmp_path).output
    boxes.write_text('[boxes]\nborgo = "192.168.1.10:9799"\n')
    assert "http://192.168.1.10:9799/metrics" in rolled_out(tmp_path, *begin).output
    boxes.write_text('[boxes]\ncentro = "http://127.0.0.1:1/metrics"\n')
    assert "borgo" in rolled_out(tmp_path, *begin).output
    assert rolled_out(tmp_path, *begin, "--stop").exit_code == 2
    assert "1.4" not in rolled_out(tmp_path, *begin, "--percent", "0").output
    assert not (tmp_path / "updates.toml").exists()


def test_a_rollout_is_stopped_whatever_the_boxes_are(tmp_path: Path) -> None:
    """A silent one is named; stopped it is without asking any. Unchanged, nothing is written."""
    boxes, file = tmp_path / "boxes.toml", tmp_path / "updates.toml"
    boxes.write_text('[boxes]\nborgo = "http://127.0.0.1:1/metrics"\n')
    said = rolled_out(tmp_path, "--begin", "1.4.0", "--first", "borgo")
    assert said.exit_code == 0, said.output
    assert "metrics.allowed" in said.output
    written = file.read_bytes()
    assert "pack" not in rolled_out(tmp_path).output
    assert file.read_bytes() == written
    boxes.unlink()
    assert "fermata" in rolled_out(tmp_path, "--stop").output
    assert 'stage = "stopped"' in file.read_text()


TARGET = '[backups]\ntarget = "sftp://{branch}@backup.test/copie/{branch}"\nrecipient = "'
RECIPIENT = "age100crk8ykyfs8z4za8zk36p5eap5xmjgej0va9ntlmztly3w3avdqlcdkqa"


def test_a_backup_target_travels_with_the_settings(tmp_path: Path) -> None:
    """Each box takes it with its own name, unless its own file has one; taken back as the rest."""
    office, box = tmp_path / "office", branch(tmp_path / "box")
    office.mkdir()
    (tmp_path / "key.pem").write_bytes(SECRET)
    file = tmp_path / "settings.bundle"
    words = ["box", "settings", "pack", str(office), "--version", "1", "--to", str(file)]
    words += ["--key", str(tmp_path / "key.pem")]
    for text, said_of in (
        (TARGET.replace("{branch}", "borgo") + RECIPIENT + '"\n', "backups.toml, backups.target"),
        (TARGET.replace("sftp", "ftp") + RECIPIENT + '"\n', "backups.toml, backups.target"),
        (TARGET + "age1x" + '"\n', "backups.toml, backups.recipient"),
    ):
        (office / "backups.toml").write_text(text)
        wrong = CliRunner().invoke(main, words)
        assert (wrong.exit_code, said_of in wrong.output) == (1, True), wrong.output
    (office / "backups.toml").write_text(TARGET + RECIPIENT + '"\n')
    packed = CliRunner().invoke(main, words)
    assert packed.exit_code == 0, packed.output
    assert read.load(box.config).backup.target == ""
    assert "backup target changed" in said(box, "apply", str(file))
    taken = read.load(box.config)
    assert (
        taken.backup.target
        == f"sftp://{taken.central.branch}@backup.test/copie/{taken.central.branch}"
    )
    assert taken.backup.recipient == RECIPIENT
    plain = box.config.read_text("utf-8")
    box.config.write_text(f'{plain}\n[backup]\ntarget = "smb://c@h/x"\n', "utf-8")
    own = read.load(box.config).backup
    assert (own.target, own.recipient) == ("smb://c@h/x", "")
    box.config.write_text(
        plain.replace(f'branch = "{taken.central.branch}"', 'branch = ""'), "utf-8"
    )
    assert read.load(box.config).backup.target == ""
    box.config.write_text(plain, "utf-8")
    for damaged in ("[backups", "[backups]\ntarget = 1\n"):
        (kept,) = (Path(taken.folders.state) / "central").glob("*/backups.toml")
        kept.write_text(damaged)
        assert read.load(box.config).backup.target == ""
    kept.write_bytes(b"\xff")
    assert read.load(box.config).backup.target == ""
    said(box, "revert")
    assert read.load(box.config).backup == taken.backup.__class__()


def test_a_rollout_travels_with_the_settings(tmp_path: Path) -> None:
    """Checked before it is signed; in force with the rest, and taken back with it."""
    office, box = tmp_path / "office", branch(tmp_path / "box")
    office.mkdir()
    since = datetime(2026, 12, 1, tzinfo=UTC)
    text = rollout_text(Rollout("1.4.0", Stage.FIRST, "borgo", since))
    (office / "updates.toml").write_text(text.replace("1.4.0", "next"))
    (tmp_path / "key.pem").write_bytes(SECRET)
    file = tmp_path / "settings.bundle"
    words = ["settings", "pack", str(office), "--version", "1", "--to", str(file)]
    words += ["--key", str(tmp_path / "key.pem")]
    wrong = CliRunner().invoke(main, words)
    assert (wrong.exit_code, "updates.toml, rollout" in wrong.output) == (1, True), wrong.output
    (office / "updates.toml").write_text(text)
    packed = CliRunner().invoke(main, words)
    assert packed.exit_code == 0, packed.output
    assert "rollout of updates changed" in said(box, "apply", str(file))
    found = rollout_in_force(read.load(box.config))
    assert found == Rollout("1.4.0", Stage.FIRST, "borgo", since)
    said(box, "revert")
    assert rollout_in_force(read.load(box.config)) is None
