"""Whatever is sent to whichever page: an answer in words, at once, and never a failure of ours.

A few pages are probed in every run, all of them in the long one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from appliance.console.settings import ConsoleSettings
from appliance.policy.sheets import Sheet
from appliance.policy.users import Role, User
from appliance.store import sheets, users
from appliance.store.database import open_database
from appliance.store.users import ChangeRequester
from tests.console import people
from tests.console.attack.raw_request import FORM, LIMIT_S, Answer, Entry, Stranger, entries, filled
from tests.console.attack.who_may import STRANGERS
from tests.console.visitor import Visitor

pytestmark = pytest.mark.system  # no process, but much to compute: once is enough

ALL_ROLES: Final = User("tina", "Tina Oro", frozenset(Role), unit="anagrafe", position="op1")
FIELDS: Final = (
    "at", "attended", "by", "call", "citizen", "code", "contact", "day", "done", "id", "language",
    "line", "minutes", "name", "need", "next", "note", "number", "old", "on", "outcome", "password",
    "position", "q", "reason", "reference", "role", "roles", "rule", "sheet", "shown", "since",
    "slot", "state", "step", "subject", "time", "unit", "until", "what",
)  # fmt: skip
"""Names of fields that pages read, in forms and addresses."""
NASTY: Final = (
    "", "0", "-1", "1e999", "9" * 30, "9" * 5000, "NaN", "٣", "0x10", "true", "None", "[]", "{}",
    "\x00", "a\x00b", "\r\nSet-Cookie: a=b", "\ud800", "\u202e", "é" * 300, "%s%n", "{{7*7}}",
    "../" * 8 + "etc/passwd", "..\\..\\", "/etc/passwd", "' OR 1=1 --", '" OR ""="', "*", '"',
    "NEAR(",
    "<script>alert(1)</script>", "javascript:alert(1)", "0001-01-01", "0001-01-01T00:00",
    "9999-12-31T23:59:59+23:59", "9999-12-31", "2026-02-30", "23:59:60", "24:00", "2026-W01-1",
    "2026-11-26T09:00:00-23:59", "unattended", "absent", "away", "anagrafe", "op1", "carla", "1",
)  # fmt: skip
SHEET: Final = Sheet(
    "anagrafe", "Cambio di residenza", "anagrafe", "Protocollo 3", date(2026, 11, 1), "# Documenti"
)
STATIC: Final = "/static/{file}"
AWAY: Final = 503
"""There is no call control behind this console: nothing that is asked is done, and that is said."""
INSIDES: Final = ("Traceback", "sqlite", "appliance.", 'File "', "argon2")
probed: Final = settings(
    max_examples=10,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(
        Phase.explicit,
        Phase.generate,
    ),  # which page fails is told sooner than how little it takes
    suppress_health_check=[HealthCheck.too_slow],
)
SOME: Final = random.Random(3).sample(entries(), 20)
"""The pages that are probed in every run: always the same."""
BYTES: Final = st.binary(max_size=200)
TARGETS: Final = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=200)
"""What the parser of requests lets through in an address (RFC 9112, 3.2)."""
WORDS: Final = st.sampled_from(NASTY) | st.text(max_size=40)
FORMS: Final = st.dictionaries(st.sampled_from(FIELDS), WORDS, max_size=6)
KINDS: Final = st.sampled_from(
    (FORM, "multipart/form-data; boundary=x", "multipart/form-data", "application/json", "", "x")
)
TRAVERSALS: Final = (
    "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "....//....//etc/passwd",
    "/etc/passwd", "..\\..\\..\\etc\\passwd", "%2e%2e/%2e%2e/etc/passwd", "\x00/etc/passwd",
    "console.css/../../../app.py", "file:///etc/passwd", "..", ".", "",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> ConsoleSettings:
    """Return settings of a console with records of their own, and no call control behind it."""
    folder = tmp_path_factory.mktemp("probed")
    (folder / "console").mkdir()
    return ConsoleSettings(
        site="Comune di Prova", zone="Europe/Rome", languages=("it", "en"), listen="127.0.0.1",
        port=0, redirect_port=0, names=("centralino.local",), certificate="", key="",
        state=folder / "console", records=folder / "centralino.db", voicemail=folder / "voicemail",
        control_socket=folder / "desk.sock", is_secure=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def visiting(home: ConsoleSettings) -> Iterator[Visitor]:
    """Serve a console with a user of every role and a sheet on record."""
    with closing(open_database(home.records, home.records.parent / "corrupt").connection) as kept:
        users.add(kept, ALL_ROLES, people.kept(), ChangeRequester("test", people.AT, shell=True))
        sheets.store(kept, (SHEET,))
        with Visitor(home, fails=True) as visitor:
            yield visitor


@pytest.fixture(params=["some", pytest.param("all", marks=pytest.mark.long)])
def probed_ones(request: pytest.FixtureRequest) -> list[Entry]:
    """Return the ways in that are probed."""
    return SOME if request.param == "some" else entries()


def anybody(visiting: Visitor) -> Stranger:
    """Return somebody of every role who has just logged in: every page does its work."""
    visiting.log_in(ALL_ROLES)
    return Stranger(visiting)


def failing(
    visiting: Visitor, ones: list[Entry], probe: Callable[[Stranger, Entry], None]
) -> list[str]:
    """Probe each of these ways in, as somebody who has just logged in; returns what went wrong."""
    found = []
    for entry in ones:
        try:
            probe(anybody(visiting), entry)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other ways in are probed too
            found.append(f"{entry}: {error!r} {getattr(error, '__notes__', '')}")
    return found


def look(entry: Entry, answer: Answer, *, is_in: bool = True) -> None:
    """Look at what every answer must be: no failure of ours, at once, no word of our insides."""
    assert answer.status < 500 or answer.status == AWAY, (entry, answer.status)
    if is_in and str(entry) not in STRANGERS and entry.path != STATIC:
        assert not answer.headers.get("location", "").startswith("/login"), f"{entry}: logged out"
    assert answer.took_s < LIMIT_S, (entry, answer.took_s)
    for told in INSIDES:
        assert told not in answer.text, (entry, told)
    assert "\r" not in answer.headers.get("location", ""), entry
    assert "\n" not in answer.headers.get("location", ""), entry


def test_no_form_and_no_address_makes_it_fail(visiting: Visitor, probed_ones: list[Entry]) -> None:
    """Fields and parameters of any content, under names that pages read."""

    def probe(somebody: Stranger, entry: Entry) -> None:
        @probed
        @given(query=FORMS, form=FORMS, word=WORDS)
        def ask(query: dict[str, str], form: dict[str, str], word: str) -> None:
            path = filled(entry.path, plain(word.replace("/", "")) or "x")
            look(entry, somebody.ask(entry, path, encoded(query), encoded(form)))

        ask()

    assert failing(visiting, probed_ones, probe) == []


def test_no_word_in_any_field_makes_it_fail(visiting: Visitor, probed_ones: list[Entry]) -> None:
    """Each nasty word in every field at once, and in the path."""

    def probe(somebody: Stranger, entry: Entry) -> None:
        for word in NASTY:
            fields = encoded(dict.fromkeys(FIELDS, word))
            path = filled(entry.path, plain(word.replace("/", "")) or "x")
            look(entry, somebody.ask(entry, path, fields, fields))

    assert failing(visiting, probed_ones, probe) == []


def test_no_bytes_make_it_fail(visiting: Visitor, probed_ones: list[Entry]) -> None:
    """Bodies, parameters and kinds that are no form at all."""

    def probe(somebody: Stranger, entry: Entry) -> None:
        @probed
        @given(query=TARGETS, body=BYTES, kind=KINDS, number=st.integers(0, 10**30))
        def ask(query: str, body: bytes, kind: str, number: int) -> None:
            path = filled(entry.path, number=str(number))
            headers = {"content-type": kind}
            look(entry, somebody.ask(entry, path, query.encode(), body, headers=headers))

        ask()

    assert failing(visiting, probed_ones, probe) == []


def test_no_path_leads_out_of_a_folder(visiting: Visitor) -> None:
    """Static files, sheets, recordings, offices: nothing of the machine's own is ever sent."""

    def probe(somebody: Stranger, entry: Entry) -> None:
        for path in TRAVERSALS:
            answer = somebody.ask(entry, entry.path.partition("{")[0] + path)
            look(entry, answer)
            assert "root:" not in answer.text, path

    ways = [entry for entry in entries() if "{" in entry.path]
    assert failing(visiting, [*ways, Entry("GET", STATIC)], probe) == []


def test_a_page_that_fails_is_named(visiting: Visitor) -> None:
    """The check can fail: what one page does is told, and the others are probed all the same."""
    first, second = SOME[:2]

    def probe(_: Stranger, entry: Entry) -> None:
        look(entry, Answer(500 if entry == first else 200, {}, "", 0.0))

    (wrong,) = failing(visiting, [first, second], probe)
    assert wrong.startswith(str(first))


def test_an_endless_header_or_name_is_refused_in_words(visiting: Visitor) -> None:
    """Long cookies, languages, lengths: read in part, or refused."""
    somebody = anybody(visiting)
    for entry in (Entry("GET", "/desk"), Entry("POST", "/desk/state")):
        for headers in (
            {"accept-language": "x;q=" * 5000},
            {"accept-language": "en;q=nan,it;q=inf"},
            {"content-length": "-1"},
            {"content-length": "9" * 5000},
            {"x-csrf-token": "\xff" * 1000},
            {"cookie": "centralino=" + "a" * 9000},
            {"cookie": "=;=;centralino;\xff"},
        ):
            look(entry, somebody.ask(entry, headers=headers), is_in="cookie" not in headers)


def plain(word: str) -> str:
    """Return a word as a path brings it: bytes that are no text are replaced."""
    return word.encode(errors="replace").decode()


def encoded(fields: dict[str, str]) -> bytes:
    """Write fields as browsers do; what is no text is sent as the bytes it would be."""
    pairs = (f"{name}={quote(text, errors='surrogatepass')}" for name, text in fields.items())
    return "&".join(pairs).encode()
