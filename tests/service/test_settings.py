"""Settings by the control socket: listed, judged, applied, on trial, by root's helper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.api.protocol import DeferredReply
from appliance.api.replies import Declined
from appliance.config import read
from appliance.config.settings_files import SettingsFile
from appliance.config.settings_trial import ClockReading, digest_of
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.text import Refused
from appliance.service import settings
from appliance.service.settings import (
    SettingsCommands,
    SettingsRequest,
    answer_of,
    answer_path,
    answer_text,
    put_request,
    request_path,
    started_with,
    take_request,
    write_answer,
)
from appliance.service.settings_engine import Engine
from appliance.store import database
from tests.calls.examples import TEN
from tests.console import people
from tests.helpers.wire import wire
from tests.service.test_technician_commands_system import Kept

EXAMPLE = (Path(read.__file__).parent / "example.toml").read_text(encoding="utf-8")
NAME = {"set": "site.name", "value": "Comune Nuovo"}
PORT = {"set": "console.port", "value": 8443}


class Engines:
    """Stands for the child: the same engine, here."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.lines: list[str] = []
        self.has_ended = self.is_stopped = False

    def ask(self, asked: SettingsRequest) -> None:
        """Do it, as `centralino box settings serve` does."""
        self.lines.append(self._place.done(asked))

    def answers(self) -> list[tuple[str, Any]]:
        """Return what was answered since, as it is read."""
        lines, self.lines = self.lines, []
        return [found for line in lines if (found := answer_of(line))]

    def look(self) -> bool:
        """Return whether it has ended."""
        return self.has_ended

    def stop(self) -> None:
        """Note the end."""
        self.is_stopped = True


class Place:
    """A box with the example office; time stands until a test moves it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.run = folder / "etc" / "centralino.toml", folder / "run"
        for each in (self.path.parent, self.run, folder / "state", folder / "users"):
            each.mkdir()
        self.path.write_text(EXAMPLE, encoding="utf-8")
        self.state = folder / "state"
        self.stores = Kept(folder / "users")
        people.enter(self.stores.connection)
        self.now, self.changes = TEN, 0
        self.commands = SettingsCommands(
            self.path,
            folder / "state",
            self.run,
            cast("Any", self.stores),
            lambda: self.now,
            "boot-1",
            cast("Any", Engines(self)),
            self.changed,
            started_with(self.path),
        )
        self.told: list[Any] = []

    def changed(self) -> None:
        """Count how often the service is to read the file anew."""
        self.changes += 1

    @property
    def text(self) -> str:
        """The file's text."""
        return self.path.read_text(encoding="utf-8")

    @property
    def file(self) -> SettingsFile:
        """The file."""
        return SettingsFile(self.path, self.state, 2026)

    @property
    def moment(self) -> ClockReading:
        """The present moment."""
        return ClockReading(self.now.wall, self.now.monotonic, self.commands.boot)

    def done(self, asked: SettingsRequest) -> str:
        """Do what is asked; return the answer as it is written."""
        try:
            answer: Any = Engine(self.file, self.path).do(asked, self.moment)
        except CentralinoError as error:
            answer = error
        return answer_text(asked, answer)

    def send(self, name: str, **arguments: Any) -> None:
        """Send a command; its reply goes to `told`."""
        arguments.setdefault("by", "beppe")
        later = self.commands.known[name]({"ask": name, **arguments})
        cast("DeferredReply", later)(lambda reply: self.told.append(wire(reply)))

    def ask(self, name: str, **arguments: Any) -> Any:
        """Send a command, and let the deciding thread look."""
        self.send(name, **arguments)
        self.commands.look()
        return self.told.pop()

    def apply(self, *changes: Any, **more: Any) -> Any:
        """Apply changes to the file as it is."""
        return self.ask("settings_apply", changes=list(changes), base=digest_of(self.text), **more)

    def noted(self) -> list[tuple[str, str, str]]:
        """List what the audit has of it, oldest first."""
        found = database.latest(self.stores.connection, "settings.")
        return [(one.by, one.what, one.about) for one in reversed(found)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A box whose file this account may write."""
    made = Place(tmp_path)
    yield made
    made.stores.connection.close()


def test_settings_are_listed_with_names_and_values(place: Place) -> None:
    """And whether the service has them already; a hidden number is none of it."""
    place.path.write_text(EXAMPLE.replace("[switchboard]", '[switchboard]\noutside = "3401234567"'))
    told = place.ask("settings_list")
    rows = {row["key"]: row for row in told["settings"]}
    assert rows["lines.line2.label"]["where"]["it"] == "Linea 2"
    assert rows["retention.numbers_days"]["value"] == 180
    assert rows["switchboard.outside"]["hidden"] == 1
    assert "3401234567" not in str(told)
    assert told["waits"]
    assert told["trial"] is None
    assert told["source"]["it"] == ""


def test_a_box_that_is_made_from_the_card_says_so(place: Place) -> None:
    """The card's file is read first there."""
    from appliance.bootfile.read import config_head

    place.path.write_text(config_head() + EXAMPLE)
    assert "scheda" in place.ask("settings_list")["source"]["it"]


def test_changes_are_judged_without_being_made(place: Place) -> None:
    """Difference, needs and every mistake at its field."""
    told = place.ask(
        "settings_preview", changes=[NAME, PORT, {"set": "calls.lines_kept", "value": "x"}]
    )
    assert [one["words"]["it"] for one in told["differences"]] == [
        "Ente, nome: da «Comune di Esempio» a «Comune Nuovo»",
        "Console, porta: da 443 a 8443",
    ]
    assert [one["effect"] for one in told["effects"]] == ["call_control", "console"]
    assert [one["place"] for one in told["problems"]] == ["calls.lines_kept"]
    assert told["cuts_off"]
    assert told["revision"] == digest_of(EXAMPLE)
    assert place.text == EXAMPLE


def test_changes_are_applied_and_noted(place: Place) -> None:
    """With the reread that they need; the words stand in the history, not in the audit."""
    told = place.apply(NAME)
    assert told["said"]["it"] == "Applicato."
    assert (told["number"], told["trial_s"]) == (1, 0)
    assert told["revision"] == digest_of(place.text)
    assert place.noted() == [("beppe", "settings.apply", "1")]
    assert place.changes == 1
    (entry,) = place.ask("settings_history")["entries"]
    assert (entry["number"], entry["by"]) == (1, "beppe")
    assert "former" not in entry
    back = place.ask("settings_undo", number=1)
    assert back["said"]["it"] == "Ripristinato."
    assert place.text == EXAMPLE
    assert place.noted()[-1] == ("beppe", "settings.undo", "2")
    assert place.changes == 2


def test_what_needs_no_reread_causes_none(place: Place) -> None:
    """The number of backups is read by whoever makes them."""
    place.apply({"set": "backup.keep", "value": 3})
    place.apply(PORT)
    assert place.changes == 0


def test_what_is_the_consoles_alone_waits_for_nothing(place: Place) -> None:
    """Unless something of before still waits."""
    assert not place.ask("settings_list")["waits"]
    place.apply({"set": "backup.keep", "value": 3})
    assert not place.ask("settings_list")["waits"]
    place.apply(NAME)
    place.apply({"set": "backup.keep", "value": 4})
    assert place.ask("settings_list")["waits"]


@pytest.mark.parametrize("by", ["carla", "anna", "nobody"])
def test_only_a_technician_may(place: Place, by: str) -> None:
    """Nothing is written, nothing noted."""
    assert place.apply(NAME, by=by)["done"] is False
    assert place.ask("settings_undo", number=1, by=by)["done"] is False
    assert place.ask("settings_confirm", by=by)["done"] is False
    assert (place.text, place.noted()) == (EXAMPLE, [])


def test_mistakes_are_declined_at_their_fields(place: Place) -> None:
    """All of them, and nothing is noted."""
    told = place.apply(NAME, {"set": "calls.lines_kept", "value": "x"})
    assert told["done"] is False
    assert [one["place"] for one in told["problems"]] == ["calls.lines_kept"]
    assert (place.text, place.noted()) == (EXAMPLE, [])


def test_a_trial_is_confirmed(place: Place) -> None:
    """It is listed with the seconds that are left."""
    told = place.apply(PORT)
    assert told["trial_s"] == 60
    assert "confermare entro 60 s" in told["said"]["it"]
    place.now = replace(TEN, monotonic=TEN.monotonic + 20)
    assert place.ask("settings_list")["trial"] == {"number": 1, "by": "beppe", "left_s": 40}
    assert place.ask("settings_confirm")["done"]
    assert place.ask("settings_list")["trial"] is None
    assert place.noted()[-1] == ("beppe", "settings.confirm", "")
    assert not place.commands._due_at


def test_a_trial_that_nobody_confirms_is_undone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the service itself, which reads the file anew; tried again where it failed."""
    monkeypatch.setattr("appliance.service.settings.time.monotonic", lambda: place.now.monotonic)
    place.apply(NAME, trial=True)
    place.commands.look()
    assert place.text != EXAMPLE
    place.now = replace(TEN, monotonic=TEN.monotonic + 60)
    place.path.rename(place.path.with_suffix(".gone"))
    place.commands.look()
    place.path.with_suffix(".gone").rename(place.path)
    place.now = replace(TEN, monotonic=TEN.monotonic + 60 + settings.AGAIN_S)
    place.commands.look()
    assert place.text == EXAMPLE
    assert place.noted()[-1] == ("centralino", "settings.lapse", "2")
    assert place.changes == 2
    place.commands.look()
    assert len(place.noted()) == 2


def test_a_trial_that_a_power_cut_ended_is_undone_at_the_start(place: Place) -> None:
    """Another start of the box; within the same one it goes on."""
    place.apply(NAME, trial=True)
    place.commands._due_at = 0.0
    place.commands.start()
    assert place.commands._due_at == TEN.monotonic + 60
    place.commands.boot = "boot-2"
    place.commands.start()
    place.commands.look()
    assert place.text == EXAMPLE


def test_a_trial_that_the_helper_lets_go_on_is_not_ended_in_a_circle(place: Place) -> None:
    """If the two know the start of the box by other names, the helper is asked once a minute."""
    place.apply(NAME, trial=True)
    asked: list[str] = []
    child = cast("Any", place.commands.child)
    do = child.ask

    def ask(request: SettingsRequest) -> None:
        """Note the act, and do it."""
        asked.append(request.act)
        do(request)

    child.ask = ask
    boot, place.commands.boot = place.commands.boot, "another"
    place.commands.start()
    place.commands.boot = boot
    place.commands.look()
    place.commands.boot = "another"
    for _turn in range(5):
        place.commands.look()
    assert asked == ["recover"]
    assert place.text != EXAMPLE


def test_a_trial_that_somebody_has_ended_is_not_undone_nor_noted(place: Place) -> None:
    """By the shell, for instance, which call control has not heard of."""
    place.apply(NAME, trial=True)
    place.file.confirm("beppe", place.moment)
    place.commands._due_at = 1.0
    place.commands.look()
    place.commands.look()
    assert len(place.noted()) == 1
    assert place.text != EXAMPLE
    assert not place.commands._due_at


def test_a_stalled_database_keeps_no_trial_from_its_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is known at once."""
    base = digest_of(place.text)
    place.send("settings_apply", changes=[PORT], base=base)
    monkeypatch.setattr(place.stores, "do", lambda *_: None)
    place.commands.look()
    assert place.commands._due_at


def test_without_a_known_file_everything_is_declined(place: Place) -> None:
    """A demonstration, for instance."""
    place.commands.config = None
    place.commands.start()
    for name in ("settings_list", "settings_history", "settings_confirm"):
        assert place.ask(name)["done"] is False
    assert started_with(None) == ""
    assert started_with(place.path.parent) == ""


def test_arguments_are_checked(place: Place) -> None:
    """A question that is none never reaches the file."""
    for name, arguments in (
        ("settings_apply", {"changes": [NAME]}),
        ("settings_apply", {"changes": ["x"], "base": "x"}),
        ("settings_preview", {}),
        ("settings_undo", {"number": "1"}),
        ("settings_changed", {"act": "sing"}),
    ):
        with pytest.raises(OfficeError):
            place.send(name, **arguments)
    assert isinstance(place.ask("settings_preview", changes=[{"x": 1}]), OfficeError)
    engine = Engine(place.file, place.path)
    for act in ("sing", "list"):
        with pytest.raises(OfficeError):
            engine.write(SettingsRequest(act, "beppe"), place.moment)


def test_a_child_that_ends_keeps_nobody_waiting(place: Place) -> None:
    """Who waits is told, and may try again; the end of the service ends it."""
    child = cast("Any", place.commands.child)
    child.ask = lambda _: None
    place.send("settings_list")
    place.commands.look()
    assert place.told == []
    child.has_ended = True
    place.commands.look()
    assert place.told.pop()["done"] is False

    def busy(_: object) -> None:
        raise OSError("no memory")

    child.ask = busy
    assert place.ask("settings_list")["said"]["it"] == settings.BROKEN.text("it")
    place.commands.stop()
    assert child.is_stopped


def test_the_shells_change_is_noted_and_taken_up(place: Place) -> None:
    """It has written the file itself."""
    place.ask("settings_changed", by="shell:root", act="apply", number=3, reads=True)
    place.ask("settings_changed", by="shell:root", act="confirm")
    assert place.noted() == [
        ("shell:root", "settings.apply", "3"),
        ("shell:root", "settings.confirm", ""),
    ]
    assert place.changes == 1


# ---- root's helper -------------------------------------------------------------------------------


@pytest.fixture
def closed(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A box whose file only root may write."""
    monkeypatch.setattr("appliance.service.settings.os.access", lambda *_: False)
    return place


def serve(place: Place) -> None:
    """Do what root's helper does."""
    asked = take_request(place.run)
    assert asked is not None
    answer_path(place.run).parent.mkdir(exist_ok=True)
    answer_path(place.run).write_text(place.done(asked), encoding="utf-8")


def test_the_helper_does_it_and_the_answer_is_passed_on(closed: Place) -> None:
    """Noted once it is done, and no sooner."""
    closed.send("settings_apply", changes=[NAME], base=digest_of(EXAMPLE))
    closed.commands.look()
    assert (closed.told, closed.noted(), closed.text) == ([], [], EXAMPLE)
    assert len(closed.ask("settings_list")["settings"]) > 100
    serve(closed)
    closed.commands.look()
    assert closed.told.pop()["number"] == 1
    assert closed.noted() == [("beppe", "settings.apply", "1")]
    assert closed.changes == 1
    assert not request_path(closed.run).exists()


def test_the_helpers_refusal_is_passed_on(closed: Place) -> None:
    """With its problems, and nothing is noted."""
    bad = {"set": "calls.lines_kept", "value": "x"}
    closed.send("settings_apply", changes=[bad], base=digest_of(EXAMPLE))
    closed.commands.look()
    serve(closed)
    closed.commands.look()
    told = closed.told.pop()
    assert [one["place"] for one in told["problems"]] == ["calls.lines_kept"]
    assert closed.noted() == []


def test_a_helper_that_does_not_answer_is_said(
    closed: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits is not kept waiting for ever."""
    monkeypatch.setattr("appliance.service.settings.time.monotonic", lambda: closed.now.monotonic)
    closed.send("settings_confirm")
    closed.commands.look()
    closed.now = replace(TEN, monotonic=TEN.monotonic + settings.ANSWER_LIMIT_S)
    closed.commands.look()
    assert "centralino-helper@settings.service" in closed.told.pop()["said"]["it"]


def test_odd_requests_and_answers_are_none(place: Place) -> None:
    """A request is tried once; an answer to another one is not ours."""
    assert take_request(place.run) is None
    for odd in ("[]", "{", '{"act": "apply", "x": 1}'):
        request_path(place.run).write_text(odd)
        assert take_request(place.run) is None
        assert not request_path(place.run).exists()
    put_request(place.run, asked := SettingsRequest("confirm", "beppe"))
    assert take_request(place.run) == asked
    write_answer(place.run, asked, Refused(settings.BUSY))
    answer = settings.read_answer(place.run, asked.id)
    assert isinstance(answer, Declined)
    assert answer.said == settings.BUSY
    assert settings.read_answer(place.run, "x") is None
    for odd in ("{", "{}", '{"id": "x", "reply": {}}', '{"id": "y"}'):
        answer_path(place.run).write_text(odd)
        assert settings.read_answer(place.run, "x") is None


def test_who_waits_for_an_answer_is_known(place: Place) -> None:
    """Call control does not start anew before it has answered: a change, and what is only read."""
    seen = []
    for name, more in (
        ("settings_list", {}),
        ("settings_apply", {"changes": [NAME], "base": digest_of(place.text)}),
    ):
        place.send(name, **more)
        seen.append(place.commands.is_busy)
        place.commands.look()
        seen.append(place.commands.is_busy)
    # One that is refused is answered at once.
    place.send("settings_apply", by="carla", changes=[NAME], base="x")
    assert [*seen, place.commands.is_busy] == [True, False, True, False, False]
    assert len(place.told) == 3
