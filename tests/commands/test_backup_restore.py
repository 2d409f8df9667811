"""A restore that was asked for in the browser: done by root's helper, at a quiet moment, or not.

`systemctl` is a script of the test's own, which says what it was asked for.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands.backup import UNITS, RestoreHelper
from appliance.errors import CentralinoError
from appliance.policy.text import Refused
from appliance.service import helper_requests, restore
from appliance.service.backup import UPLOADED
from appliance.service.helper_requests import HelperRequest, HelperResult
from appliance.store.age import MAGIC
from appliance.store.database import open_reader
from appliance.text import NOTHING
from tests.commands.test_backup import PHRASE, Home
from tests.console.control_socket import ServedSocket
from tests.helpers.words import pair

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "{log}"
[ ! -e "{broken}" ] || {{ echo "no such unit" >&2; exit 5; }}
"""


class Site:
    """A box that has run and whose backup was uploaded; then something else has happened there."""

    def __init__(self, folder: Path) -> None:
        (folder / "box").mkdir()
        self.home = Home(folder / "box")
        self.home.fill()
        self.console = self.home.folder / "console"
        text = self.home.config.read_text(encoding="utf-8")
        own = f'[folders]\nconsole = "{self.console}"'
        self.home.config.write_text(text.replace("[folders]", own), encoding="utf-8")
        self.home.save()
        self.run = self.home.folder / "run"
        self.run.mkdir(exist_ok=True)
        self.uploaded = self.console / UPLOADED
        self.uploaded.parent.mkdir(parents=True)
        shutil.copy(self.home.backup, self.uploaded)
        (self.console / "sessions.db").write_bytes(b"people who have logged in")
        (self.home.state / "secrets" / "phone_secrets.json").write_text('{"op1": "later"}')
        self.log, self.broken = folder / "systemctl.log", folder / "systemctl.broken"
        self.helper = RestoreHelper(self.home.config, self.run, idle_s=0.0)

    @property
    def asked_of_systemd(self) -> list[str]:
        """List what systemd was asked for."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def ask(self, phrase: str = PHRASE) -> None:
        """Ask, as call control does."""
        helper_requests.ask_for_restore(self.run, HelperRequest("beppe", phrase))

    def secrets(self) -> str:
        """Read what is different since the backup."""
        return (self.home.state / "secrets" / "phone_secrets.json").read_text()

    def refused(self) -> HelperResult:
        """Have the helper refuse; returns its answer."""
        with pytest.raises((CentralinoError, OSError)):
            self.helper.turn()
        answer = helper_requests.restore_result(self.run)
        assert answer is not None
        assert not answer.is_well
        return answer


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A box, and a systemd that does as it is told."""
    made = Site(tmp_path)
    script = tmp_path / "bin" / "systemctl"
    script.parent.mkdir()
    script.write_text(SYSTEMCTL.format(log=made.log, broken=made.broken))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return made


def test_a_backup_takes_the_place_of_all(site: Site) -> None:
    """The services stop for it alone and start again; who was logged in is not any more."""
    site.ask()
    said = site.helper.turn()
    assert "users and passwords too" in said.text("en")
    assert site.secrets() == '{"op1": "s1"}'
    assert site.asked_of_systemd == [
        f"stop {' '.join(UNITS)}",
        f"start --no-block {' '.join(UNITS)}",
    ]
    assert list(site.console.glob("sessions.db*")) == []
    assert not site.uploaded.exists()
    answer = helper_requests.restore_result(site.run)
    assert answer is not None
    assert (answer.by, answer.is_well, answer.said) == ("beppe", True, said)
    kept = next(site.home.folder.glob("state.before-*"))
    assert (kept / "secrets" / "phone_secrets.json").read_text() == '{"op1": "later"}'
    assert str(kept) in said.text("it")
    assert not helper_requests.restore_request_path(site.run).exists()


def test_nothing_asked_is_nothing_done(site: Site) -> None:
    """At every boot: silence."""
    assert site.helper.turn() == NOTHING
    words = ["restore", "--asked", "--run", str(site.run), "--config", str(site.home.config)]
    told = CliRunner().invoke(main, words)
    assert (told.exit_code, told.output) == (0, "")
    assert site.asked_of_systemd == []
    assert helper_requests.restore_result(site.run) is None


def test_the_command_says_what_it_did_and_what_it_is_for(site: Site) -> None:
    """In the language of the house; without the run folder it cannot be meant."""
    site.ask()
    words = ["restore", "--asked", "--config", str(site.home.config)]
    assert CliRunner().invoke(main, words).exit_code == 2
    assert CliRunner().invoke(main, [*words, "--run", str(site.run), "--finish"]).exit_code == 2
    told = CliRunner().invoke(main, [*words, "--run", str(site.run)])
    assert told.exit_code == 0, told.output
    assert "Ripristino concluso" in told.output


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda site: site.uploaded.unlink(), "caricarlo di nuovo"),
        (lambda site: site.uploaded.write_bytes(MAGIC + b"x" * 99), ""),
        (lambda site: _other_places(site), "altre cartelle"),
    ],
    ids=["no file", "damaged", "other places"],
)
def test_what_cannot_be_put_back_changes_nothing(site: Site, change: Any, said: str) -> None:
    """The services are not even stopped; the answer says why."""
    change(site)
    site.ask()
    assert said in site.refused().said.text("it")
    assert site.secrets() == '{"op1": "later"}'
    assert site.asked_of_systemd == []
    assert not list(site.home.folder.glob(".centralino-restore-*"))


def _other_places(site: Site) -> None:
    """The box has moved since: what the backup names is not what the administrator has named."""
    text = site.home.config.read_text(encoding="utf-8")
    site.home.config.write_text(text.replace(f"{site.console}", f"{site.console}2"))
    shutil.copytree(site.console, f"{site.console}2")


def test_a_wrong_passphrase_is_told(site: Site) -> None:
    """As the command tells it."""
    site.ask("quattro parole non giuste")
    assert "frase" in site.refused().said.text("it")
    assert site.secrets() == '{"op1": "later"}'


def test_nobody_is_cut(site: Site) -> None:
    """While somebody is on the phone it waits, up to its limit; then nothing has changed."""
    looks: list[int] = []

    def answer(_: dict[str, Any]) -> dict[str, Any]:
        looks.append(1)
        return {"idle": len(looks) > 2, "waiting": False, "last": None}

    site.ask()
    with ServedSocket(site.run / "desk.sock", answer):
        assert "al telefono" in site.refused().said.text("it")
        assert site.asked_of_systemd == []
        site.ask()
        patient = RestoreHelper(site.home.config, site.run, idle_s=30.0)
        with pytest.raises(Refused):  # call control of this test does not stop
            patient.turn()
    assert len(looks) > 2
    assert site.secrets() == '{"op1": "later"}'
    assert site.asked_of_systemd[-1].startswith("start")


def test_a_service_that_cannot_be_stopped_leaves_all_as_it_is(site: Site) -> None:
    """Nothing is moved under call control that may be running."""
    site.broken.touch()
    site.ask()
    with pytest.raises(Refused, match="no such unit"):
        site.helper.turn()
    assert site.secrets() == '{"op1": "later"}'


def test_a_power_cut_is_finished_at_the_next_boot(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the plan on there is no way but forward; what the page then says has nobody's name."""

    def dies(*_: object) -> Any:
        raise KeyboardInterrupt

    site.ask()
    with monkeypatch.context() as patched:
        patched.setattr("appliance.service.restore.finish", dies)
        with pytest.raises(KeyboardInterrupt):
            site.helper.turn()
    assert site.secrets() == '{"op1": "later"}'
    assert restore.plan_path(site.home.state).exists()
    assert "in place" in site.helper.turn().text("en")
    assert site.secrets() == '{"op1": "s1"}'
    answer = helper_requests.restore_result(site.run)
    assert answer is not None
    assert (answer.by, answer.is_well) == ("", True)
    with closing(open_reader(site.home.state / "centralino.db")) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"


def test_a_request_is_for_two_alone_and_is_not_followed_elsewhere(tmp_path: Path) -> None:
    """It holds a passphrase; what is no plain file, or no request, is taken away and none."""
    path = helper_requests.restore_request_path(tmp_path)
    helper_requests.ask_for_restore(tmp_path, HelperRequest("beppe", PHRASE))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert helper_requests.take_restore(tmp_path) == HelperRequest("beppe", PHRASE)
    assert helper_requests.take_restore(tmp_path) is None
    (tmp_path / "secret").write_text('{"by": "x", "passphrase": "y"}')
    path.symlink_to(tmp_path / "secret")
    assert helper_requests.take_restore(tmp_path) is None
    assert not path.is_symlink()
    os.mkfifo(path)
    assert helper_requests.take_restore(tmp_path) is None
    assert not path.exists()
    for text in ("", "[]", '{"by": "x"}', "\x00"):
        path.write_text(text)
        assert helper_requests.take_restore(tmp_path) is None


def test_a_request_that_nobody_takes_does_not_stay(tmp_path: Path) -> None:
    """A passphrase must not lie about, nor a restore begin when nobody thinks of it any more."""
    assert not helper_requests.restore_is_waiting(tmp_path)
    helper_requests.ask_for_restore(tmp_path, HelperRequest("beppe", PHRASE))
    assert helper_requests.restore_is_waiting(tmp_path)
    old = datetime(2026, 11, 25, tzinfo=UTC).timestamp() - helper_requests.UNTAKEN_S
    os.utime(helper_requests.restore_request_path(tmp_path), (old, old))
    assert not helper_requests.restore_is_waiting(tmp_path)
    assert not helper_requests.restore_request_path(tmp_path).exists()


def test_an_answer_is_read_as_it_was_told(tmp_path: Path) -> None:
    """One that cannot be read is none."""
    run = tmp_path / "run"
    told = HelperResult(
        datetime(2026, 11, 25, 9, tzinfo=UTC), is_well=False, said=pair("a", "b"), by="beppe"
    )
    helper_requests.tell_restore(run, told)
    assert helper_requests.restore_result(run) == told
    helper_requests.restore_answer_path(run).write_text("{}")
    assert helper_requests.restore_result(run) is None


def test_call_control_can_read_what_became_of_it(tmp_path: Path) -> None:
    """The helper keeps what it writes to itself, but for its answer: call control is not root."""
    before = os.umask(0o077)
    try:
        helper_requests.tell_restore(
            tmp_path / "run", HelperResult(datetime.now(UTC), True, NOTHING)
        )
    finally:
        os.umask(before)
    mode = helper_requests.restore_answer_path(tmp_path / "run").stat().st_mode
    assert stat.S_IMODE(mode) == 0o644
