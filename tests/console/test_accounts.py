"""Logging in: who may, who may not, and what nobody can do in another's name."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from http.cookies import SimpleCookie
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from appliance.api import users
from appliance.console import accounts
from appliance.console.accounts import FIRST_DELAY_S, FREE_OF_A_NAME
from appliance.console.packing import masked
from appliance.console.settings import ConsoleSettings
from appliance.policy.users import Role
from appliance.store import users as store_users
from appliance.store.users import ChangeRequester
from tests.console.call_control_users import serve_users
from tests.console.people import ANNA, AT, BEPPE, CARLA, PHRASE
from tests.console.visitor import Visitor

ENGLISH = {"accept-language": "en"}
OTHER = "acqua e sale grosso"


@pytest.fixture
def control(console_settings: ConsoleSettings) -> Iterator[Path]:
    """Call control behind its control socket."""
    with serve_users(console_settings) as state:
        yield state


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have users read anew at every page."""
    monkeypatch.setattr(accounts, "FRESH_S", 0.0)


def log_in(
    visitor: Visitor, name: str = "carla", password: str = PHRASE, where: str = "/"
) -> httpx.Response:
    """Send the login's form."""
    form = {"name": name, "password": password, "next": where}
    return visitor.post("/login", data=form, headers=ENGLISH)


def word(visitor: Visitor) -> str:
    """Return the word in a browser's cookie."""
    return str(visitor.client.cookies["centralino"])


def is_in(visitor: Visitor) -> bool:
    """Tell whether somebody is logged in."""
    return visitor.get("/account").status_code == 200


@pytest.mark.parametrize("path", ["/users", "/users/anna", "/audit?by=x", "/account", "/nowhere"])
def test_strangers_are_led_to_the_login(
    visitor: Visitor, records: sqlite3.Connection, path: str
) -> None:
    """Every page but the first few is closed; nobody learns which exist; the way back is kept."""
    answer = visitor.get(path)
    assert answer.status_code == 303
    wanted = path.replace("?", "%3F").replace("=", "%3D")
    assert answer.headers["location"] == f"/login?next={wanted}"
    events = visitor.get(path, headers={"accept": "text/event-stream"})
    by_htmx = visitor.get(path, headers={"hx-request": "true"})
    assert (events.status_code, by_htmx.status_code) == (401, 401)
    assert by_htmx.headers["hx-redirect"] == "/login?ended=page&next=/"


FORM = {"referer": "http://centralino.local/requests/new?about=anagrafe%7Caire"}
LEADS_BACK = "/login?ended=form&next=/requests/new%3Fabout%3Danagrafe%257Caire"


@pytest.mark.parametrize("end", ["password", "log-out"])
def test_a_form_after_the_sessions_end_leads_to_the_login_which_says_why(
    operator: Visitor, records: sqlite3.Connection, end: str
) -> None:
    """By a new password, or logged out in another window; then the form's page opens again."""
    token = operator.token()
    if end == "password":
        changed = ChangeRequester("x", AT, shell=True)
        store_users.set_password(records, "carla", "x", changed, must_change=True)
        operator.app.state.accounts.forget("carla")
    else:
        operator.post("/logout")
    headers = {**FORM, "x-csrf-token": token}
    answer = operator.post("/requests/new", is_ours=False, headers=headers, data={"name": "x"})
    assert (answer.status_code, answer.headers["location"]) == (303, LEADS_BACK)
    text = operator.get(LEADS_BACK, headers=ENGLISH).text
    assert 'role="alert">Your session has ended' in text
    assert "What you sent was not saved." in text
    assert 'name="next" value="/requests/new?about=anagrafe%7Caire"' in text


@pytest.mark.parametrize(
    ("referer", "leads"),
    [
        ("http://centralino.local/requests/7/close", "/requests/7"),
        ("http://centralino.local/hours/revoke", "/hours"),
        ("http://elsewhere.example/requests", "/"),
        ("http://[", "/"),
        ("http://centralino.local", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_is_a_page_of_this_box(
    visitor: Visitor, records: sqlite3.Connection, referer: str, leads: str
) -> None:
    """One that opens: a form that was refused stands at an address that takes forms alone."""
    answer = visitor.post("/requests/7/close", headers={"referer": referer})
    assert answer.headers["location"] == f"/login?ended=form&next={leads}"
    log_in = {"name": "carla", "password": PHRASE, "next": "/requests/7/close"}
    assert visitor.post("/login", data=log_in).headers["location"] == "/requests/7"
    # Logged in again in another window: nobody logs in twice.
    assert visitor.get("/login?ended=page&next=//x").headers["location"] == "/"


def test_a_form_of_an_older_visit_leads_back_to_its_page(operator: Visitor) -> None:
    """Logged in again meanwhile: nobody is sent to the head for that."""
    headers = {**ENGLISH, "referer": "http://centralino.local/account"}
    answer = operator.post("/account/language", is_ours=False, headers=headers)
    assert answer.status_code == 403
    assert "This form is of an older visit" in answer.text
    assert "Ask the head" not in answer.text
    assert 'href="/account">Back to the form</a>' in answer.text
    assert "data-refused" in answer.text


def test_logging_in_and_out(visitor: Visitor, records: sqlite3.Connection) -> None:
    """By name and password; back to the page that was wanted; out is out, for its cookie too."""
    answer = log_in(visitor, " Carla ", where="/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "Carla Blu" in visitor.get("/account").text
    old = word(visitor)
    assert visitor.post("/logout").status_code == 303
    assert word(visitor) != old
    assert not is_in(visitor)
    visitor.carry(old)
    assert not is_in(visitor)


@pytest.mark.parametrize("name", ["carla", "nobody", "../x", "<b>"])
def test_a_wrong_password_says_not_what_was_wrong(
    visitor: Visitor, records: sqlite3.Connection, name: str
) -> None:
    """A name that exists and one that does not get the same page, but for the name."""
    answer = log_in(visitor, name, "wrong password")
    assert answer.status_code == 403
    assert "Wrong user name or password." in answer.text
    assert "wrong password" not in answer.text
    assert "<b>" not in answer.text
    assert not is_in(visitor)


def test_a_disabled_user_has_no_password(visitor: Visitor, records: sqlite3.Connection) -> None:
    """The right one is as wrong as any."""
    store_users.change(records, "carla", {"disabled": True}, ChangeRequester("x", AT, shell=True))
    assert log_in(visitor).status_code == 403


def test_a_damaged_database_locks_nobody_out(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """After call control's next start they log in as before, and no first-user code is about."""
    path = console_settings.records
    with serve_users(console_settings):
        pass  # the records are looked at as they are opened
    records.close()
    for each in path.parent.glob(f"{path.name}-*"):
        each.unlink()
    path.write_bytes(b"\0" * 8192)
    with serve_users(console_settings) as state:
        assert not users.code_path(state).exists()
        assert log_in(visitor, password=OTHER).status_code == 403
        assert log_in(visitor, where="/account").status_code == 303
        assert "Carla Blu" in visitor.get("/account").text


def test_twenty_wrong_passwords_are_refused(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """The right one too, for a while; a session that is open goes on, a known desk logs in."""
    accounts = visitor.app.state.accounts
    at_desk = visitor._runner.run(accounts.begin(CARLA, "192.168.1.21"))
    statuses = [log_in(visitor, password=f"guess number {n}").status_code for n in range(20)]
    assert statuses[:5] == [403] * 5
    assert set(statuses[5:]) == {429}
    refused = log_in(visitor)
    assert refused.status_code == 429
    assert "try again in" in refused.text
    visitor.carry(at_desk)
    assert is_in(visitor)
    user = visitor._runner.run(accounts.prove("carla", PHRASE, "192.168.1.21"))
    assert user == CARLA


def test_one_password_a_window_is_compared_however_many_come_at_once(
    visitor: Visitor, records: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine at the same moment, after the free ones: the lock-out holds within the queue too."""
    accounts = visitor.app.state.accounts
    for n in range(FREE_OF_A_NAME):
        log_in(visitor, password=f"guess number {n}")
    compared: list[str] = []
    matches = accounts._passwords.matches

    def counted(kept: str, password: str) -> bool:
        compared.append(password)
        return bool(matches(kept, password))

    monkeypatch.setattr(accounts._passwords, "matches", counted)
    counted_at = accounts._lock_out.wrong._tries
    for key, wrong in counted_at.items():  # the first delay is over
        counted_at[key] = replace(wrong, latest=(wrong.latest[-1] - FIRST_DELAY_S - 1.0,))

    async def all_at_once() -> list[object]:
        tries = (accounts.prove("carla", f"more {n}", "127.0.0.1") for n in range(9))
        return list(await asyncio.gather(*tries, return_exceptions=True))

    found = visitor._runner.run(all_at_once())
    assert len(compared) == 1
    assert sorted(type(one).__name__ for one in found) == ["TryLater"] * 8 + ["WrongLogin"]


def test_a_word_that_was_there_before_is_not_taken(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """Fixation: a cookie that an attacker has planted is worth nothing after the login."""
    planted = "A" * 43
    visitor.carry(planted)
    log_in(visitor)
    cookies = [cookie.value for cookie in visitor.client.cookies.jar]
    assert planted not in cookies
    visitor.carry(planted)
    assert not is_in(visitor)


def test_another_login_in_a_browser_ends_the_one_before(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """A desk changes hands: nobody's session stays behind in it."""
    before = word(operator)
    log_in(operator, "anna")
    operator.carry(before)
    assert not is_in(operator)


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookies_flags(
    console_settings: ConsoleSettings, records: sqlite3.Connection, secure: bool
) -> None:
    """This host's alone, by TLS alone, no script's, no other site's, gone with the browser."""
    with Visitor(replace(console_settings, is_secure=secure)) as visitor:
        (header,) = visitor.get("/").headers.get_list("set-cookie")
    ((name, morsel),) = SimpleCookie(header).items()
    assert name == ("__Host-centralino" if secure else "centralino")
    assert len(morsel.value) == 43
    assert (morsel["path"], morsel["samesite"], morsel["httponly"]) == ("/", "Strict", True)
    assert bool(morsel["secure"]) is secure
    assert (morsel["domain"], morsel["max-age"], morsel["expires"]) == ("", "", "")


def test_a_form_without_the_token_does_nothing(operator: Visitor) -> None:
    """CSRF: none, a wrong one, another browser's; in the form or a header, ours alone counts."""
    others = masked(operator.app.state.accounts.sessions.token_of("B" * 43))
    for form in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": others}, {"csrf": "è"}):
        answer = operator.post("/logout", is_ours=False, data=form, headers=ENGLISH)
        assert answer.status_code == 403
        assert "older visit" in answer.text
    for headers in ({"x-csrf-token": others}, {"x-csrf-token": ""}):
        answer = operator.post("/logout", is_ours=False, headers=headers)
        assert answer.status_code == 403
    broken = {"content-type": "multipart/form-data; boundary=x"}
    answer = operator.post("/logout", is_ours=False, headers=broken, content=b"--y")
    assert answer.status_code == 403
    assert is_in(operator)
    ours = {"csrf": operator.token()}
    assert operator.post("/logout", is_ours=False, data=ours).status_code == 303
    assert not is_in(operator)


def test_a_form_of_another_site_does_nothing(operator: Visitor) -> None:
    """Even with the right token: the origin is another's; so is a host that is not this box."""
    origin = {"origin": "https://evil.example"}
    assert operator.post("/logout", headers=origin).status_code == 403
    host = {"host": "evil.example"}
    assert operator.get("/account", headers=host).status_code == 400
    assert is_in(operator)


@pytest.mark.parametrize("where", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_a_login_leads_to_no_other_site(
    visitor: Visitor, records: sqlite3.Connection, where: str
) -> None:
    """Where one wanted to go is a page of this box, or the first one."""
    assert log_in(visitor, where=where).headers["location"] == "/"


def test_who_is_not_allowed_reads_for_whom_it_is(operator: Visitor) -> None:
    """403 in words, in the reader's language."""
    answer = operator.get("/users")
    assert answer.status_code == 403
    assert "Possono farlo: Responsabile, Tecnico." in answer.text
    assert 'href="/users"' not in operator.get("/").text


@pytest.mark.usefixtures("strict")
def test_who_is_disabled_is_out(operator: Visitor, records: sqlite3.Connection) -> None:
    """At the next page; the session does not come back with the right to log in."""
    assert is_in(operator)
    for disabled in (True, False):
        store_users.change(
            records, "carla", {"disabled": disabled}, ChangeRequester("x", AT, shell=True)
        )
        assert not is_in(operator)


@pytest.mark.usefixtures("strict")
def test_who_is_out_sees_no_more_calls(operator: Visitor, records: sqlite3.Connection) -> None:
    """What the operator's page is sent ends at the next change, not at the next page."""
    feed, listening = operator.app.state.feed, asyncio.Event()
    newer = feed.newer

    async def heard(number: int) -> object:
        if number >= 0:  # the state of now was sent
            listening.set()
        return await newer(number)

    async def watched() -> httpx.Response:
        feed.newer = heard
        stream = asyncio.create_task(operator.client.get("/desk/live"))
        await asyncio.wait_for(listening.wait(), 5)
        store_users.change(
            records, "carla", {"disabled": True}, ChangeRequester("x", AT, shell=True)
        )
        feed._publish({}, away=True)
        return await asyncio.wait_for(stream, 5)

    answer = operator._runner.run(watched())
    assert answer.status_code == 200
    events = [line for line in answer.text.splitlines() if line.startswith("event: ")]
    told = [one for one in events if one not in ("event: beat", "event: beside")]
    assert told == ["event: away", "event: out"]


@pytest.mark.usefixtures("strict")
def test_records_that_cannot_be_read_log_nobody_out(
    operator: Visitor, console_settings: ConsoleSettings
) -> None:
    """E22: who is at work stays logged in; what cannot be read is said by its page."""
    assert is_in(operator)
    console_settings.records.rename(console_settings.records.with_name("away.db"))
    assert is_in(operator)


def test_a_session_outlives_the_consoles_restart(
    console_settings: ConsoleSettings, records: sqlite3.Connection
) -> None:
    """A console that is started anew, or crashed, finds everybody where they were."""
    with Visitor(console_settings) as visitor:
        log_in(visitor)
        kept = word(visitor)
    with Visitor(console_settings) as visitor:
        visitor.carry(kept)
        assert is_in(visitor)


@pytest.mark.usefixtures("control")
def test_ones_own_password(operator: Visitor, records: sqlite3.Connection, strict: None) -> None:
    """The old one is asked; elsewhere one is logged out, here one stays, under a new word."""
    accounts = operator.app.state.accounts
    elsewhere, here = operator._runner.run(accounts.begin(CARLA, "x")), word(operator)
    form = {"old": "wrong", "password": OTHER, "again": OTHER}
    wrong = operator.post("/account/password", data=form)
    assert (wrong.status_code, "La password attuale è errata." in wrong.text) == (403, True)
    form["old"] = PHRASE
    for bad in ("short", "la password di carla", "password12", "1234567890"):
        refused = operator.post("/account/password", data={**form, "password": bad, "again": bad})
        assert refused.status_code == 400
    assert operator.post("/account/password", data={**form, "again": "x"}).status_code == 400
    assert operator.post("/account/password", data=form).status_code == 303
    assert word(operator) != here
    assert is_in(operator)
    operator.carry(elsewhere)
    assert not is_in(operator)
    operator.client.cookies.clear()
    assert log_in(operator).status_code == 403
    assert log_in(operator, password=OTHER).status_code == 303


@pytest.mark.usefixtures("control")
def test_a_given_password_is_changed_first(visitor: Visitor, records: sqlite3.Connection) -> None:
    """Until then no other page opens."""
    hashed = store_users.password_of(records, "carla")
    eva = replace(CARLA, name="eva", shown="Eva Lilla", must_change=True)
    store_users.add(records, eva, hashed, ChangeRequester("x", AT, shell=True))
    log_in(visitor, "eva")
    assert visitor.get("/").headers["location"] == "/account"
    wanted = visitor.get("/requests?list=late").headers["location"]
    assert wanted == "/account?next=/requests%3Flist%3Dlate"
    assert 'name="next" value="/requests?list=late"' in visitor.get(wanted).text
    assert "propria password" in visitor.get("/account").text
    same = {"old": PHRASE, "password": PHRASE, "again": PHRASE}
    refused = visitor.post("/account/password", data=same)
    assert refused.status_code == 400
    assert "La nuova password è uguale a quella attuale" in refused.text
    assert visitor.get("/").headers["location"] == "/account"
    form = {"old": PHRASE, "password": OTHER, "again": OTHER}
    form["next"] = "/requests?list=late"
    assert visitor.post("/account/password", data=form).headers["location"] == form["next"]
    assert visitor.get("/").status_code == 200


@pytest.mark.usefixtures("control")
def test_who_must_choose_a_password_sees_that_page_once(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """Whatever the page asks for by itself is answered by a part of a page, or by nothing."""
    eva = replace(CARLA, name="eva", shown="Eva Lilla", must_change=True)
    store_users.add(
        records,
        eva,
        store_users.password_of(records, "carla"),
        ChangeRequester("x", AT, shell=True),
    )
    log_in(visitor, "eva")
    asked_for = re.findall(r'hx-get="([^"]+)"', visitor.get("/account").text)
    assert [path for path in asked_for if visitor.get(path).is_redirect] == []
    here = {"hx-request": "true", "hx-current-url": "http://centralino.local/account"}
    beside = visitor.get("/messages", headers=here)
    assert (beside.status_code, beside.text) == (403, "")
    assert "hx-redirect" not in beside.headers
    elsewhere = here | {"hx-current-url": "http://centralino.local/messages"}
    assert visitor.get("/messages", headers=elsewhere).headers["hx-redirect"] == "/account"
    assert visitor.get("/desk/live", headers={"accept": "text/event-stream"}).status_code == 403


@pytest.mark.usefixtures("control")
def test_ones_own_language(operator: Visitor) -> None:
    """Kept with the account, spoken from now on, also where one logs in next."""
    operator.post("/account/language", data={"language": "en"})
    assert "Your account" in operator.get("/account").text
    operator.client.cookies.clear()
    log_in(operator)
    assert "Your account" in operator.get("/account").text


def test_the_first_user_is_made_by_the_code(visitor: Visitor, control: Path) -> None:
    """Whoever can read the file on the box is head and technician, and logged in."""
    assert visitor.get("/login").headers["location"] == "/first"
    code = users.code_path(control).read_text(encoding="utf-8")
    form = {"code": "AAAA-AAAA-AAAA", "name": "anna", "shown": "Anna Verdi"}
    form |= {"password": OTHER, "again": OTHER}
    refused = visitor.post("/first", data=form)
    assert refused.status_code == 409
    assert "odice errato" in refused.text
    assert OTHER not in refused.text
    made = visitor.post("/first", data={**form, "code": code})
    assert made.headers["location"] == "/"
    assert "Anna Verdi" in visitor.get("/account").text
    assert visitor.get("/users").status_code == 200
    assert visitor.get("/first").headers["location"] == "/login"
    again = {**form, "code": code, "name": "eve", "shown": "Eve"}
    assert visitor.post("/first", data=again).status_code == 409


def test_wrong_codes_slow_down_the_address_they_come_from(
    visitor: Visitor, control: Path, console_settings: ConsoleSettings
) -> None:
    """No password is hashed for it any more; from elsewhere the first user is made meanwhile."""
    form = {"name": "anna", "shown": "Anna Verdi", "password": OTHER, "again": OTHER}
    guess = {**form, "code": "AAAA-AAAA-AAAA"}
    wrong = [visitor.post("/first", data=guess).status_code for _ in range(6)]
    assert wrong == [409] * 5 + [429]
    code = users.code_path(control).read_text(encoding="utf-8")
    assert visitor.post("/first", data={**form, "code": code}).status_code == 429
    guesses = visitor.app.state.first_guesses
    assert guesses.wait_s("192.0.2.7") == 0
    with Visitor(console_settings, address="192.0.2.7") as elsewhere:
        elsewhere.app.state.first_guesses = guesses
        made = elsewhere.post("/first", data={**form, "code": code})
        assert made.headers["location"] == "/"


@pytest.fixture
def head(visitor: Visitor, records: sqlite3.Connection, control: Path) -> Visitor:
    """A visitor who has logged in as head, with call control there."""
    visitor.log_in(ANNA)
    return visitor


def test_the_head_makes_an_operator(head: Visitor) -> None:
    """The password is shown once, works, and is to be changed."""
    form = {"name": "eva", "shown": "Eva Lilla", "roles": ["operator"], "position": "op1"}
    answer = head.post("/users", data=form)
    assert answer.status_code == 200
    found = re.search(r'<code class="secret">([a-z0-9-]{19})</code>', answer.text)
    assert found is not None
    assert found[1] not in head.get("/users").text
    assert "Eva Lilla" in head.get("/users").text
    head.post("/logout")
    assert log_in(head, "eva", found[1]).status_code == 303
    assert head.get("/").headers["location"] == "/account"


def test_what_cannot_be_is_said_and_kept_in_the_form(head: Visitor) -> None:
    """In the reader's language; what was typed stands there still."""
    form = {"name": "eva", "shown": "Eva Lilla", "roles": ["operator"], "position": "op9"}
    answer = head.post("/users", data=form)
    assert answer.status_code == 409
    assert "la postazione «op9» non c&#39;è" in answer.text
    assert 'value="Eva Lilla"' in answer.text
    last = {"shown": "Anna Verdi", "roles": ["operator"]}
    assert "è l&#39;ultimo con il ruolo" in head.post("/users/anna", data=last).text
    assert '<option value="">nessuno</option>' in answer.text
    assert head.get("/users/nobody").status_code == 404
    nobody = head.post("/users/nobody", data=last)
    assert nobody.status_code == 404


def test_the_head_changes_a_user(head: Visitor, records: sqlite3.Connection) -> None:
    """Roles, position, whether one may log in; a new password logs them out."""
    form = {"shown": "Carla B.", "roles": ["clerk"], "position": "sportello1", "disabled": "1"}
    assert head.post("/users/carla", data=form).status_code == 303
    carla = store_users.find_user(records, "carla")
    assert carla is not None
    assert (carla.shown, carla.roles, carla.position) == (
        "Carla B.",
        frozenset({Role.CLERK}),
        "sportello1",
    )
    assert carla.disabled
    assert "secret" in head.post("/users/dino/password").text
    dino = store_users.find_user(records, "dino")
    assert dino is not None
    assert (dino.stamp, dino.must_change) == (2, True)


def test_a_technician_makes_no_head(head: Visitor, records: sqlite3.Connection) -> None:
    """Neither by the form, which does not offer it, nor around it."""
    head.log_in(BEPPE)
    assert 'value="head"' not in head.get("/users").text
    assert "<form" not in head.get("/users/anna").text.split("<main")[1]
    form = {"name": "eva", "shown": "Eva", "roles": ["head"]}
    assert head.post("/users", data=form).status_code == 409
    assert head.post("/users/anna/password").status_code == 409
    assert head.post("/users/beppe", data={"shown": "B", "roles": ["head"]}).status_code == 409
    assert store_users.find_user(records, "eva") is None


def test_names_are_shown_as_they_are_written(head: Visitor, records: sqlite3.Connection) -> None:
    """XSS: what somebody is called runs nowhere, on no page that shows it."""
    evil = '"><script>alert(1)</script>'
    head.post("/users", data={"name": "eva", "shown": evil, "roles": ["operator"]})
    store_users.change(records, "anna", {"shown": evil}, ChangeRequester(evil, AT, shell=True))
    head.app.state.accounts.forget("anna")
    for path in ("/", "/users", "/users/eva", "/account", "/audit?since=2020-01-01"):
        text = head.get(path).text
        assert "&lt;script&gt;" in text
        assert "<script>alert" not in text


def test_the_list_of_changes(head: Visitor, records: sqlite3.Connection) -> None:
    """Who, when, what, in sentences; by days and by person; nothing that is no day breaks it."""
    head.post("/users/carla", data={"shown": "Carla B.", "roles": ["operator"]})
    today = datetime.now(ZoneInfo("Europe/Rome")).date().isoformat()
    text = head.get("/audit", params={"since": today}).text
    assert "Modificato l&#39;utente Carla B.: nome Carla Blu, ora Carla B." in text
    assert "<td>Anna Verdi</td>" in text
    assert "Creato" not in text
    by = head.get("/audit", params={"by": "shell: test", "since": "2020-01-01", "until": "x"}).text
    assert "<td>test, dalla riga di comando dell&#39;apparecchio</td>" in by
    assert "Creato l&#39;utente Dino Rosa (Sportellista)." in by
    assert "Carla B." not in by
    turned = head.get("/audit", params={"since": today, "until": "2026-11-01"}).text
    assert "ora Carla B." in turned
    assert head.get("/audit", params={"since": "9999-12-31", "until": "x"}).status_code == 200
    none = head.get("/audit", params={"since": "2020-01-02", "until": "2020-01-01"}).text
    assert "non è stato modificato nulla" in none


@pytest.mark.usefixtures("control")
def test_a_field_of_a_refusal_is_named_as_its_form_does(head: Visitor) -> None:
    """Not as the programme calls it; the browser takes no longer text in the first place."""
    form = {"name": "eva", "shown": "x" * 65, "roles": ["operator"]}
    for path in ("/users", "/users/carla"):
        text = head.post(path, data=form).text
        assert "Nome e cognome deve essere un testo di 64 caratteri al massimo" in text
        assert 'maxlength="64"' in text
    refused = head.post("/users", data=form | {"shown": "Eva", "name": "e" * 65}).text
    assert "Nome utente deve essere un testo" in refused


def test_without_call_control_nothing_changes_and_that_is_said(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """The pages still show what the records say."""
    visitor.log_in(ANNA)
    answer = visitor.post("/users/carla", data={"shown": "x", "roles": ["clerk"]})
    assert answer.status_code == 503
    assert "Il centralino non risponde" in answer.text
    assert store_users.find_user(records, "carla") == CARLA
