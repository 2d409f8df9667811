"""Users are changed by call control alone: from the console by right, from the shell by proof."""

from __future__ import annotations

import queue
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.api import users
from appliance.api.users import LOGGED_EVERY_S, UserCommands
from appliance.config import read as configuration
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.users import Role
from appliance.service.stores import Stores
from appliance.store import database
from appliance.store import users as store_users
from tests.commands.samples import CONFIG
from tests.helpers.wire import wire

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
HASH = "$argon2id$v=19$m=12288,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43
ANNA = {"name": "anna", "shown": "Anna Verdi", "password": HASH, "language": "it"}
CARLA = {"name": "carla", "shown": "Carla Blu", "roles": ["operator"], "password": HASH}


@dataclass
class Box:
    """Call control's side of users, and a clock."""

    state: Path
    stores: Stores
    questions: UserCommands
    now: list[Now]

    def ask(self, ask: str, **question: Any) -> Any:
        """Ask, and wait for the answer; raises what call control raises."""
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        later: Any = self.questions.known[ask]({"ask": ask, **question})
        later(box.put)
        told = wire(box.get(timeout=5))
        if isinstance(told, CentralinoError):
            raise told
        return told

    def refused(self, ask: str, **question: Any) -> str:
        """Ask what is refused, and return why in English."""
        answer = self.ask(ask, **question)
        assert answer["done"] is False
        assert answer["said"]["it"]
        return str(answer["said"]["en"])

    def first(self) -> None:
        """Make the first user by the code of the file."""
        code = users.code_path(self.state).read_text(encoding="utf-8")
        assert "anna" in self.ask("first_user", code=code.lower(), **ANNA)["said"]["it"]

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        before = self.now[0]
        later = before.wall + timedelta(seconds=seconds)
        self.now[0] = replace(before, monotonic=before.monotonic + seconds, wall=later)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Stores without a user, started."""
    file = tmp_path / "centralino.toml"
    phone = '[[phones]]\nname = "op1"\n'
    text = CONFIG.format(folder=tmp_path) + phone
    file.write_text(text, encoding="utf-8")
    stores = Stores(tmp_path / "state", "b", lambda _: None, lambda *_: None)
    stores.start()
    now = [Now(100.0, AT)]
    questions = UserCommands(configuration.load(file), stores, lambda: now[0])
    questions.start()
    stores.records.ask(lambda _: None)  # the code is there
    yield Box(tmp_path / "state", stores, questions, now)
    stores.stop(lambda: None)


def test_a_code_waits_for_the_first_user(box: Box) -> None:
    """For the technician's eyes alone; gone once it was used; no second first user."""
    path = users.code_path(box.state)
    code = path.read_text(encoding="utf-8").strip()
    assert len(users.plain_code(code)) == 12
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in users.wanted(box.state).text("it")
    box.first()
    assert not path.exists()
    assert users.wanted(box.state).text("en") == ""
    assert "code is wrong" in box.refused("first_user", code=code, **{**ANNA, "name": "eve"})
    assert "code is wrong" in box.refused("first_user", code="", **{**ANNA, "name": "eve"})
    (anna,) = box.stores.records.ask(store_users.everybody)
    assert anna.roles == {"head", "technician"}


def test_the_code_stays_over_a_restart_and_ends_with_the_first_user(box: Box) -> None:
    """Whoever has written it down need not look again; one left behind is taken away."""
    path = users.code_path(box.state)
    code = path.read_text(encoding="utf-8")
    box.questions.start()
    box.stores.records.ask(lambda _: None)
    assert path.read_text(encoding="utf-8") == code
    box.first()
    path.write_text(code, encoding="utf-8")
    box.questions.start()
    box.stores.records.ask(lambda _: None)
    assert not path.exists()


def test_wrong_codes_keep_nobody_out(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever tries codes on the LAN holds no form shut and fills no journal."""
    for _ in range(50):
        assert "code is wrong" in box.refused("first_user", code="AAAA-AAAA-AAAA", **ANNA)
    assert caplog.text.count("wrong code") == 1
    box.pass_by(LOGGED_EVERY_S)
    assert "code is wrong" in box.refused("first_user", code="AAAA-AAAA-AAAA", **ANNA)
    assert caplog.text.count("wrong code") == 2
    box.first()


def test_nobody_finds_the_code_by_trying() -> None:
    """A thousand tries a second for ten years: less than one chance in a million."""
    codes = len(users.ALPHABET) ** (users.GROUPS * users.GROUP)
    tried = 1000 * 10 * 366 * 24 * 3600
    assert tried / codes < 1e-6


def test_who_asks_needs_the_right(box: Box) -> None:
    """The console names who is logged in; call control looks up what that person may."""
    box.first()
    assert box.ask("user_add", **CARLA, position="op1", by="anna")["user"] == "carla"
    assert "may not change" in box.refused("user_add", **{**CARLA, "name": "dino"}, by="carla")
    with pytest.raises(OfficeError, match="by is needed"):
        box.ask("user_add", **{**CARLA, "name": "dino"})
    made = box.stores.records.ask(lambda c: store_users.find_user(c, "carla"))
    assert made is not None
    assert made.must_change


def test_one_changes_what_is_named(box: Box) -> None:
    """Roles, unit, position, language, disabled; the rest stays."""
    box.first()
    box.ask("user_add", **CARLA, position="op1", by="anna")
    box.ask("user_change", name="carla", roles=["clerk"], disabled=True, by="anna")
    made = box.stores.records.ask(lambda c: store_users.find_user(c, "carla"))
    assert made is not None
    assert (made.roles, made.disabled, made.position) == (frozenset({Role.CLERK}), True, "op1")
    assert "no position 'op9'" in box.refused(
        "user_change", name="carla", position="op9", by="anna"
    )
    assert "at least one role" in box.refused("user_change", name="carla", roles=[], by="anna")
    assert "at least one role" in box.refused("user_add", **{**CARLA, "roles": []}, by="anna")
    assert "no user 'dino'" in box.refused("user_change", name="dino", shown="D", by="anna")


def test_a_password_is_ones_own_or_the_heads_business(box: Box) -> None:
    """The stamp tells the console which sessions are older."""
    box.first()
    box.ask("user_add", **CARLA, by="anna")
    other = HASH[:-1] + "B"
    own = box.ask("user_password", name="carla", password=other, must_change=False, by="carla")
    assert own["stamp"] == 2
    assert "may not change anna" in box.refused(
        "user_password", name="anna", password=other, by="carla"
    )


@pytest.mark.parametrize(
    ("ask", "question", "sentence"),
    [
        ("user_add", {**CARLA, "password": "secret"}, "no argon2id"),
        ("user_add", {**CARLA, "password": 7}, "password has to be a text"),
        ("user_add", {**CARLA, "roles": ["mayor"]}, "say operator, clerk"),
        ("user_add", {**CARLA, "name": ["carla"]}, "name has to be a text"),
        ("user_add", {**CARLA, "shown": "x" * 65}, "a text of at most 64"),
        ("user_change", {"name": "carla"}, "nothing to change"),
        ("user_change", {"name": "carla", "disabled": "yes"}, "true or false"),
    ],
)
def test_what_cannot_be_asked_is_said(
    box: Box, ask: str, question: dict[str, Any], sentence: str
) -> None:
    """One sentence."""
    with pytest.raises(OfficeError, match=sentence):
        box.ask(ask, **{"by": "anna", **question})


def test_the_shell_proves_itself(box: Box) -> None:
    """By a file that only the administrator can write; a word that is none is refused."""
    with users.proof(box.state) as word:
        mode = (box.state / users.PROOF_FILE).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
        box.ask("user_add", **CARLA, by="root", proof=word)
        with pytest.raises(OfficeError, match="no proof"):
            box.ask("user_add", **CARLA, by="root", proof="x")
    assert not (box.state / users.PROOF_FILE).exists()
    for stale in (word, ""):
        with pytest.raises(OfficeError, match="no proof"):
            box.ask("user_change", name="carla", disabled=True, by="root", proof=stale)
    noted = box.stores.records.ask(lambda c: database.latest(c, "user."))
    assert [(n.by, n.what) for n in noted] == [("shell: root", "user.add")]
