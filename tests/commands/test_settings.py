"""`box settings` for this box: show, diff, set, history, undo, confirm; root's helper."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api.replies import Declined
from appliance.api.technician_replies import SettingsDone
from appliance.commands import settings as commands
from appliance.commands.settings import CONSOLE_UNIT, SettingsHelper
from appliance.config import read
from appliance.config.setting_names import EFFECT_WORDS, Effect
from appliance.config.settings_files import SettingsFile
from appliance.config.settings_trial import digest_of
from appliance.policy.text import Refused, SaidError
from appliance.service import settings as service
from appliance.service.settings import SettingsRequest
from appliance.store.database import database_path, open_database
from appliance.text import NOTHING
from tests.console import people

EXAMPLE = (Path(read.__file__).parent / "example.toml").read_text(encoding="utf-8")


class Box:
    """A box on which the service does not run."""

    def __init__(self, folder: Path) -> None:
        self.path, self.run = folder / "centralino.toml", folder / "run"
        self.run.mkdir()
        places = f'\n[folders]\nstate = "{folder}/state"\nrun = "{folder}/run"\n'
        self.example = EXAMPLE + places
        self.path.write_text(self.example, encoding="utf-8")

    @property
    def text(self) -> str:
        """The file's text."""
        return self.path.read_text(encoding="utf-8")

    def say(self, *words: str, language: str = "it") -> Result:
        """Run `centralino box settings ...`."""
        told = ["settings", *words, "--config", str(self.path), "--language", language]
        return CliRunner().invoke(main, told)

    def said(self, *words: str) -> list[str]:
        """Return what a command prints, which succeeds."""
        result = self.say(*words)
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    def refused(self, *words: str) -> str:
        """Return why a command does not succeed; nothing is changed."""
        before = self.text
        result = self.say(*words)
        assert result.exit_code == 1, result.output
        assert self.text == before
        return result.output


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Return the example office."""
    return Box(tmp_path)


def test_settings_are_shown(box: Box) -> None:
    """KEY=VALUE, as `set` takes it; hidden ones are counted."""
    box.said("set", "switchboard.pbx_numbers=201,202")
    told = box.said("show")
    assert "lines.line2.label=Verde 800 011 837" in told
    assert "hours.monday=08:30-13:00, 14:30-17:30" in told
    assert "switchboard.pbx_numbers: 2, non mostrati" in told
    assert "switchboard.outside=" in told
    found = json.loads(box.say("show", "--json").output)
    assert found["retention.numbers_days"] == 180
    assert found["switchboard.pbx_numbers"] is None


def test_a_difference_is_shown_and_nothing_changed(box: Box) -> None:
    """In words, with what it needs; mistakes at their keys."""
    assert box.said("diff", "lines.line2.label=Numero verde", "voicemail.emergency_112=sì") == [
        "Linea 2, etichetta: da «Verde 800 011 837» a «Numero verde»",
        "Segreteria, 112 nell'annuncio di chiusura: da no a sì",
        EFFECT_WORDS[Effect.CALL_CONTROL].text("it"),
    ]
    assert box.text == box.example
    assert "retention.calls_days: -1" in box.refused("diff", "retention.calls_days=-1")


def test_settings_are_changed_listed_and_put_back(box: Box) -> None:
    """All words of one command together."""
    told = box.said(
        "set", "--add", "phones.op3", "phones.op3.label=Tre", "--remove", "phones.op2",
        "--clear", "site.email", "calls.transfer=12,5", "hours.sunday=09:00-12:00",
    )  # fmt: skip
    assert told[0] == "Applicato."
    assert "Nuovo telefono: «Tre»" in told
    assert "Chiamate, squilli all'ufficio (s): da 40 a 12.5" in told
    rows = box.said("history")
    assert rows[0].startswith("1 · ")
    assert rows[1].startswith("  Ente, indirizzo e-mail pubblico: vuoto")
    assert box.said("undo")[0] == "Ripristinato."
    assert box.text == box.example
    assert "cronologia" in box.refused("undo", "9")


NOBODY = "Così nessun telefono può più squillare: non risponde nessuno e ogni chiamata va"
COUNTER = "Così lo Sportello Cittadini resta senza telefoni: le chiamate a cui il centralino non"


def test_the_last_phone_is_asked_about(box: Box) -> None:
    """What callers lose, in one sentence; without a yes nothing is changed."""
    last = ["set", "--remove", "phones.sportello1"]
    told = box.refused(*last)
    assert COUNTER in told
    assert "non è stato cambiato nulla: con --yes" in told
    words = ["settings", *last, "--config", str(box.path), "--language", "it"]
    asked = CliRunner().invoke(main, words, input="n\n")
    assert (asked.exit_code, box.text) == (1, box.example)
    asked = CliRunner().invoke(main, words, input="y\n")
    assert asked.exit_code == 0, asked.output
    assert "Cambiare comunque?" in asked.output
    assert read.parse(box.text).citizens_desk.phones == ()
    # Now the switchboard's are the only ones.
    assert NOBODY in box.refused("set", "switchboard.phones=")
    assert NOBODY in "\n".join(box.said("diff", "switchboard.phones="))
    assert box.said("set", "switchboard.phones=", "--yes")[0] == "Applicato."


def test_a_phone_beside_others_is_not_asked_about(box: Box) -> None:
    """Nor one that can be reached over the line, nor what is wrong anyhow."""
    assert box.said("set", "--remove", "phones.op1")[0] == "Applicato."
    assert box.said("set", "switchboard.pbx_numbers=201")[0] == "Applicato."
    assert box.said("set", "switchboard.phones=")[0] == "Applicato."
    assert "resta" not in box.refused("set", "citizens_desk.phones=", "retention.calls_days=-1")


def test_the_history_has_the_persons_name(box: Box, tmp_path: Path) -> None:
    """Not the login of a browser's user; a shell stays one, as does whom nobody knows."""
    state = tmp_path / "state"
    state.mkdir(exist_ok=True)
    with closing(open_database(database_path(state), state / "corrupt").connection) as records:
        people.enter(records)
    for number, by in enumerate((people.CARLA.name, "shell: root", "gone")):
        base = digest_of(box.text)
        asked = SettingsRequest("apply", by, [{"set": "site.name", "value": f"N{number}"}], base)
        commands.Box(box.path).act(asked)
    heads = [row.rpartition(" · ")[2] for row in box.said("history") if row[0].isdigit()]
    assert heads == ["gone", "shell: root", people.CARLA.shown]
    rows = json.loads(box.say("history", "--json").output)
    assert [(row["number"], row["by"], row["name"], row["automatic"]) for row in rows] == [
        (3, "gone", "gone", False),
        (2, "shell: root", "shell: root", False),
        (1, "carla", people.CARLA.shown, False),
    ]
    assert datetime.fromisoformat(rows[0]["at"]).tzinfo is not None
    assert rows[2]["changes"][0]["en"] == "Office, name: from “Comune di Esempio” to “N0”"


def test_without_a_change_there_is_no_history(box: Box) -> None:
    """And nothing to undo or to confirm."""
    assert box.said("history") == ["Finora non è stato cambiato nulla."]
    assert "cronologia" in box.refused("undo")
    assert "confermare" in box.refused("confirm")


def test_a_trial_says_how_to_keep_it(box: Box) -> None:
    """Asked for, or because it may cut the browser off, which needs the console's restart."""
    told = box.said("set", "console.port=8443")
    assert "systemctl restart centralino-console" in told[-2]
    assert told[-1] == "Per tenerla: centralino box settings confirm"
    assert box.said("confirm") == ["Confermato: la modifica resta."]
    assert "in prova" in box.said("set", "--trial", "site.name=X")[0]


def test_the_mails_password_is_asked_for(box: Box) -> None:
    """It stands in no command line."""
    words = ["settings", "set", "--mail-password", "--config", str(box.path)]
    account = ["mail.server=smtp.example.org", "mail.sender=urp@comune.it", "mail.user=urp"]
    result = CliRunner().invoke(main, [*words, *account], input="segreta\n")
    assert result.exit_code == 0, result.output
    assert "segreta" not in result.output
    assert box.path.with_name("mail_password").read_text(encoding="utf-8") == "segreta\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["set"], "indicare una modifica"),
        (["set", "site.name"], "non è una modifica"),
        (["set", "voicemail.emergency_112=forse"], "scrivere sì o no"),
        (["set", "retention.calls_days=x"], "scrivere un numero"),
        (["set", "folders.state=/"], "lo scrive il tecnico"),
        (["set", "nonsense.key=1"], "non è un'impostazione"),
        (["set", "=1"], "non è un'impostazione"),
        (["set", "site.name=Comune di Esempio"], "Non cambia nulla"),
        (["set", "retention.calls_days=-1", "waiting.queue_max=-1"], "waiting"),
    ],
)
def test_mistakes_change_nothing(box: Box, words: list[str], why: str) -> None:
    """Each says what to do."""
    assert why in box.refused(*words)


def test_a_file_of_roots_takes_sudo(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is tried."""
    monkeypatch.setattr(SettingsFile, "may_write", lambda _: False)
    assert "sudo" in box.refused("set", "site.name=X")


def test_the_head_offices_file_is_still_shown(box: Box, tmp_path: Path) -> None:
    """`show FILE` is what it was."""
    (tmp_path / "x.bundle").write_bytes(b"x")
    assert "[central]" in box.refused("show", str(tmp_path / "x.bundle"))


# ---- root's helper -------------------------------------------------------------------------------


def helper(box: Box, restarted: list[str]) -> SettingsHelper:
    """Return the helper; restarts are noted."""
    return SettingsHelper(box.path, box.run, restarted.append)


def asked(box: Box, *changes: dict[str, Any]) -> SettingsRequest:
    """Put a request as call control does."""
    request = SettingsRequest("apply", "beppe", list(changes), digest_of(box.text))
    service.put_request(box.run, request)
    return request


def test_the_helper_does_what_is_asked_and_answers(box: Box) -> None:
    """The console restarts only for what is its own."""
    restarted: list[str] = []
    request = asked(box, {"set": "site.patron_name", "value": "San Rocco"})
    assert helper(box, restarted).turn().text("it") == "Applicato."
    answer = service.read_answer(box.run, request.id)
    assert isinstance(answer, SettingsDone)
    assert (answer.number, restarted) == (1, [])
    asked(box, {"set": "console.port", "value": 8443})
    helper(box, restarted).turn()
    assert restarted == [CONSOLE_UNIT]
    assert helper(box, restarted).turn() == NOTHING


def test_the_helper_answers_with_every_problem(box: Box) -> None:
    """What is the technician's stays the technician's, whatever is asked; a broken file is said."""
    request = asked(
        box, {"set": "folders.state", "value": "/etc"}, {"set": "mail.port", "value": -1}
    )
    helper(box, []).turn()
    answer = service.read_answer(box.run, request.id)
    assert isinstance(answer, Declined)
    assert sorted(one.place for one in answer.problems) == ["folders.state", "mail.port"]
    assert box.text == box.example
    box.path.write_text("[site\n", encoding="utf-8")
    request = asked(box, {"set": "mail.port", "value": 25})
    result = box.say("set", "--asked", "--run", str(box.run))
    assert result.exit_code == 0
    answer = service.read_answer(box.run, request.id)
    assert isinstance(answer, SaidError)
    assert box.said("set", "--asked", "--run", str(box.run)) == []


def test_a_unit_that_cannot_be_restarted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, with systemd's own."""
    ran: list[tuple[str, ...]] = []

    def run(words: tuple[str, ...], **_options: Any) -> Any:
        ran.append(words)
        return subprocess.CompletedProcess(words, len(ran) - 1, "", "no such unit")

    monkeypatch.setattr(commands.subprocess, "run", run)  # type: ignore[attr-defined]
    commands._try_restart(CONSOLE_UNIT)
    assert ran == [("systemctl", "--no-block", "try-restart", CONSOLE_UNIT)]
    with pytest.raises(Refused, match="no such unit"):
        commands._try_restart(CONSOLE_UNIT)
