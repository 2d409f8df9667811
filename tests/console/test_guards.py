"""What stands before every page: host names, origins, headers, sizes, errors in words."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from appliance.console import guards
from appliance.console.guards import BODY_LIMIT, is_own_host
from tests.console.visitor import Visitor

ENGLISH = {"accept-language": "en"}


def test_the_first_page_opens(visitor: Visitor) -> None:
    """Whoever opens the box's address finds the site's name, in the site's first language."""
    answer = visitor.get("/")
    assert answer.status_code == 200
    assert "Comune di Prova" in answer.text
    assert '<html lang="it">' in answer.text
    assert "Vai al contenuto" in answer.text


def test_nothing_inline_and_no_outside_host(visitor: Visitor) -> None:
    """The policy forbids what a page has not from this box, and the pages keep it."""
    answer = visitor.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "://" not in policy
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    assert " onclick=" not in answer.text
    assert 'src="http' not in answer.text
    assert 'href="http' not in answer.text


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/console.css", "/static/none"])
def test_every_answer_has_the_headers(visitor: Visitor, path: str) -> None:
    """Pages, errors and files all carry what browsers must know."""
    headers = visitor.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("centralino.local", True),
        ("CENTRALINO.local:8443", True),
        ("192.168.1.10", True),
        ("[fe80::1]:443", True),
        ("localhost:8080", True),
        ("evil.example", False),
        ("centralino.local.evil.example", False),
        ("evil.example@centralino.local", False),
        ("centralino.local, evil.example", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_names_of_the_box_are_answered(host: str, expected: bool) -> None:
    """A foreign name that leads to this box is not answered (DNS rebinding); an address is."""
    assert is_own_host(host, frozenset({"centralino.local"})) is expected


def test_a_foreign_host_is_refused_in_words(visitor: Visitor) -> None:
    """The refusal says what is wrong, in the visitor's language."""
    answer = visitor.get("/", headers={"host": "evil.example", **ENGLISH})
    assert answer.status_code == 400
    assert "This address is none of this box" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(visitor: Visitor, headers: dict[str, str]) -> None:
    """What another site has a browser send is not carried out."""
    answer = visitor.post("/language", data={"language": "en"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_form_of_our_own_is_taken(visitor: Visitor) -> None:
    """A browser names our own origin with our own forms."""
    headers = {"origin": "http://centralino.local", "sec-fetch-site": "same-origin"}
    answer = visitor.post("/language", data={"language": "en"}, headers=headers)
    assert answer.status_code == 303


@pytest.mark.parametrize("length", [str(BODY_LIMIT + 1), "9" * 40, "-1", "many"])
def test_too_long_a_request_is_refused_before_it_is_read(visitor: Visitor, length: str) -> None:
    """A length that is too long, or none at all, costs no memory."""
    answer = visitor.ask("POST", "/language", headers={"content-length": length}, content=b"")
    assert answer.status_code == 413


def test_too_long_a_body_without_a_length_is_refused(visitor: Visitor) -> None:
    """Who does not say how much comes is stopped when it is too much."""

    async def pieces() -> object:
        for _ in range(BODY_LIMIT // 65_536 + 2):
            yield b"x" * 65_536

    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = visitor.ask("POST", "/language", headers=kind, content=pieces())
    assert answer.status_code == 413
    assert "troppo lungo" in answer.text


def test_a_body_that_never_ends_is_not_waited_for(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends a byte now and then holds nothing but a connection of their own, for a while."""
    monkeypatch.setattr(guards, "BODY_S", 0.05)

    async def pieces() -> object:
        yield b"x"
        await asyncio.Event().wait()

    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = visitor.ask("POST", "/language", headers=kind, content=pieces())
    assert answer.status_code == 408
    assert "troppo tempo" in answer.text


def test_a_browser_that_leaves_is_no_failure(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is left to be told, and no stranger fills the journal with it."""
    sent: list[object] = []

    async def leaves() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    host = [(b"host", b"centralino.local")]
    path = {"type": "http", "method": "POST", "path": "/login", "query_string": b""}
    scope = {**path, "scheme": "http", "server": ("box", 80), "headers": host, "root_path": ""}
    visitor._runner.run(visitor.app(scope, leaves, send))
    assert (sent, caplog.messages) == ([], [])


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "There is no such page"),
        ("POST", "/", 405, "cannot be understood"),
        ("GET", "/static/../app.py", 404, "There is no such page"),
        ("GET", "/static/%2e%2e/%2e%2e/settings.py", 404, "There is no such page"),
        ("GET", "/static/..%2f..%2fapp.py", 404, "There is no such page"),
        ("GET", "/static//etc/passwd", 404, "There is no such page"),
        ("GET", "/static/vendor", 404, "There is no such page"),
        ("POST", "/static/console.css", 405, "cannot be understood"),
    ],
)
def test_errors_are_pages_in_words(
    operator: Visitor, method: str, path: str, status: int, words: str
) -> None:
    """A wrong address or method is told in a sentence; no path leads out of the static folder."""
    headers = {**ENGLISH, "x-csrf-token": operator.token()}
    answer = operator.ask(method, path, headers=headers)
    assert answer.status_code == status
    assert words in answer.text


def test_a_failure_of_ours_says_that_calls_go_on(operator: Visitor) -> None:
    """A page that fails costs that page: no trace for strangers, the headers as ever."""

    async def failing(_: Request) -> Response:
        raise RuntimeError("secret detail")

    operator.app.router.routes.append(Route("/failing", failing))
    answer = operator.get("/failing", headers=ENGLISH)
    assert answer.status_code == 500
    assert "Calls go on as before" in answer.text
    assert "secret detail" not in answer.text
    assert "content-security-policy" in answer.headers


def test_pages_are_not_kept_and_files_are(visitor: Visitor) -> None:
    """A page of names and numbers stays in no cache; a file named by its hash stays for ever."""
    page = visitor.get("/")
    assert page.headers["cache-control"] == "no-store"
    address = page.text.split('<link rel="stylesheet" href="')[1].split('"')[0]
    file = visitor.get(address)
    assert file.headers["cache-control"].endswith("immutable")
    assert file.headers["content-type"].startswith("text/css")
    plain = visitor.get("/static/console.css")
    assert plain.headers["cache-control"] == "no-cache"
    known = {"if-none-match": plain.headers["etag"]}
    assert visitor.get("/static/console.css", headers=known).status_code == 304


def test_the_sign_of_life_reads_nothing(visitor: Visitor) -> None:
    """Whoever watches the box may ask whether the console turns."""
    assert visitor.get("/alive").text == "alive\n"
