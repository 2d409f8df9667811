"""Every way into the console: closed to strangers, other sites, and roles that it is not for."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Final

import pytest

from appliance.console.settings import ConsoleSettings
from appliance.policy.users import Role, User
from appliance.store import users
from appliance.store.users import ChangeRequester
from tests.console import people
from tests.console.attack.raw_request import Answer, Entry, Stranger, entries
from tests.console.attack.who_may import STRANGERS, WHO_MAY
from tests.console.visitor import Visitor
from tests.helpers.figures import Figures

pytestmark = pytest.mark.system  # no process, but every role at every page: once is enough

UGO: Final = User("ugo", "Ugo Viola", frozenset({Role.OFFICE}), unit="anagrafe")
IDS: Final = [str(entry) for entry in entries()]
CLOSED: Final = [entry for entry in entries() if str(entry) not in STRANGERS]
UNSAFE: Final = [entry for entry in entries() if entry.method != "GET"]
NOT_FOR_YOU: Final = "It is for: "
OLD_FORM: Final = "This form is of an older visit"
OTHER_SITE: Final = "This request came from another site"
OTHER_SITES: Final = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://centralino.local.evil.example"},
    {"origin": "http://centralino.local:8081"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
)
"""What a browser says that another site has led to ask."""
OTHER_NAMES: Final = (
    "evil.example", "centralino.local.evil.example", "centralino.local@evil.example", "", "a b",
)  # fmt: skip
"""What a browser says that has asked for another host."""


def one_of(role: Role) -> User:
    """Return somebody of one role alone."""
    return next(user for user in (*people.EVERYBODY, UGO) if user.roles == {role})


@pytest.fixture
def stranger(visitor: Visitor, records: sqlite3.Connection) -> Stranger:
    """Return somebody with a browser's cookie and token who has not logged in."""
    del records
    return Stranger(visitor)


@pytest.fixture(scope="module", params=list(Role), ids=[role.value for role in Role])
def role(request: pytest.FixtureRequest) -> Role:
    """Return each role in turn."""
    found: Role = request.param
    return found


@pytest.fixture
def somebody(
    console_settings: ConsoleSettings, records: sqlite3.Connection, role: Role
) -> Iterator[Stranger]:
    """Return somebody of one role who has logged in."""
    users.add(records, UGO, people.kept(), ChangeRequester("test", people.AT, shell=True))
    with Visitor(console_settings) as visitor:
        visitor.log_in(one_of(role))
        yield Stranger(visitor)


def test_every_way_in_stands_in_the_table() -> None:
    """Whoever adds a page says for whom it is: a line in tests/console/attack/who_may.py."""
    assert [name for name in IDS if name not in STRANGERS and name not in WHO_MAY] == []
    assert not STRANGERS & WHO_MAY.keys()


def test_strangers_are_let_in_nowhere_else(stranger: Stranger) -> None:
    """Without a login nothing is answered but what is written down; scripts are told so."""
    for entry in CLOSED:
        answer = stranger.ask(entry)
        assert (answer.status, _leads_to_login(answer)) == (303, True), entry
        for headers in ({"accept": "text/event-stream"}, {"hx-request": "true"}):
            assert stranger.ask(entry, headers=headers).status == 401, entry


def test_a_word_of_somebody_elses_making_opens_nothing(stranger: Stranger) -> None:
    """Fixation, guessing: a cookie that no login gave is nobody's."""
    for word in ("A" * 43, "", "x", "../" * 10, "'; DROP TABLE sessions; --"):
        for entry in CLOSED:
            answer = stranger.ask(entry, headers={"cookie": f"centralino={word}"})
            assert answer.status in (303, 403), entry
            assert answer.status == 403 or _leads_to_login(answer), entry


def test_each_role_is_let_in_where_the_table_says(somebody: Stranger, role: Role) -> None:
    """Every role at every way in: let in, or told for whom it is."""
    wrong = [
        f"{entry}: {role} {'may not' if is_refused else 'may'}, the table says otherwise"
        for entry in CLOSED
        if (is_refused := _is_refused(somebody.ask(entry))) is (role in WHO_MAY[str(entry)])
    ]
    assert wrong == []


@pytest.mark.parametrize("role", [Role.HEAD], indirect=True)
def test_nothing_changes_without_this_browsers_token(somebody: Stranger, figures: Figures) -> None:
    """CSRF (F22): no token, an empty one, one of another browser, one in the address."""
    others = "0" * 64
    for entry in UNSAFE:
        for token in ("", "x", others):
            answer = somebody.ask(entry, headers={"x-csrf-token": token})
            assert (answer.status, OLD_FORM in answer.text) == (403, True), entry
        no_token = {"x-csrf-token": ""}
        query = f"csrf={somebody.token}".encode()
        assert somebody.ask(entry, query=query, headers=no_token).status == 403, entry
    figures.say(f"F22 four forged tokens at each of {len(UNSAFE)} ways to change: all refused")


@pytest.mark.parametrize("role", [Role.HEAD], indirect=True)
def test_no_other_site_changes_anything(somebody: Stranger) -> None:
    """Though it knew the token and the browser sent the cookie along."""
    let_in = [
        f"{entry}: {headers}"
        for entry in UNSAFE
        for headers in OTHER_SITES
        if not _is_of_other_site(somebody.ask(entry, headers=headers))
    ]
    assert let_in == []


@pytest.mark.parametrize("role", [Role.HEAD], indirect=True)
def test_no_other_name_is_answered(somebody: Stranger) -> None:
    """A name that resolves to this box is not this box's (DNS rebinding)."""
    answered = [
        f"{entry}: {host!r}"
        for entry in entries()
        for host in OTHER_NAMES
        if somebody.ask(entry, headers={"host": host}).status != 400
    ]
    assert answered == []


@pytest.mark.parametrize("role", [Role.HEAD], indirect=True)
def test_other_methods_do_nothing(somebody: Stranger) -> None:
    """What is not in the table of routes is refused, not guessed."""
    known = {(entry.method, entry.path) for entry in entries()}
    for entry in entries():
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "x"):
            if (method, entry.path) not in known:
                assert somebody.ask(Entry(method, entry.path)).status in (404, 405), entry


@pytest.mark.parametrize("role", [Role.HEAD], indirect=True)
def test_every_answer_carries_the_policy(somebody: Stranger) -> None:
    """No inline script anywhere, no frame, no guessing of types, nothing kept by a cache."""
    for entry in entries():
        answer = somebody.ask(entry)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, entry
        assert "unsafe" not in policy, entry
        assert "frame-ancestors 'none'" in policy, entry
        assert answer.headers["x-content-type-options"] == "nosniff", entry
        assert answer.headers["cache-control"] == "no-store", entry
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert not re.search(r"<script(?![^>]*\ssrc=)", answer.text), entry
            assert not re.search(r"<[^>]+\s(on\w+|style)=", answer.text), entry


def _leads_to_login(answer: Answer) -> bool:
    return answer.headers.get("location", "").startswith("/login")


def _is_refused(answer: Answer) -> bool:
    return answer.status == 403 and NOT_FOR_YOU in answer.text


def _is_of_other_site(answer: Answer) -> bool:
    return answer.status == 403 and OTHER_SITE in answer.text
