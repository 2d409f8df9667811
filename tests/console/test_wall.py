"""The wall: the figures of now and of the day, nobody's own, for the head and by a link."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from appliance.api.replies import GroupYear, SpecialDay, WeekSince
from appliance.calls.model import LineState
from appliance.calls.orders import Result
from appliance.console import wall as contents
from appliance.console.process import ConsoleServer, _config, build, listen
from appliance.console.settings import ConsoleSettings
from appliance.console.wall import (
    CHART_TOP,
    CHART_ZERO,
    chart_of,
    now_view,
    open_hours_of,
)
from appliance.policy.directory_changes import merge_directory
from appliance.policy.hours import week_of
from appliance.policy.reports import CallRow, Ending
from appliance.policy.wall import EarlierDays, day_figures
from appliance.store import call_log, database, directory, wall
from tests.calls.examples import TEN, up
from tests.console.call_control_wall import serve_wall
from tests.console.control_socket import ServedSocket
from tests.console.people import ANNA, BEPPE, CARLA
from tests.console.states import seen
from tests.console.test_requests import take
from tests.console.visitor import Visitor
from tests.helpers.words import pair
from tests.policy.small_directory import TOWN, rome, variation
from tests.store.samples import a_call
from tests.store.test_requests import ASKED

ENGLISH = {"accept-language": "en"}
SECRET = "a-secret-of-forty-three-characters-and-random"


@pytest.fixture
def control(
    console_settings: ConsoleSettings, records: sqlite3.Connection
) -> Iterator[ServedSocket]:
    """Call control behind its control socket."""
    del records
    with serve_wall(console_settings) as served:
        yield served


@pytest.fixture
def head(visitor: Visitor, control: ServedSocket) -> Visitor:
    """Return a visitor who has logged in as the head, and hears call control."""
    visitor.log_in(ANNA)
    visitor.hear_control()
    return visitor


def had_calls(records: sqlite3.Connection) -> None:
    """Have two calls of today answered, one of them late, and one lost."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    calls = [
        replace(
            a_call(name, Result.ANSWERED),
            rang_at=at,
            phone="op1",
            answered_at=at + timedelta(seconds=wait),
        )
        for name, wait in (("a", 7), ("b", 21))
    ]
    call_log.upsert_calls(records, [*calls, replace(a_call("c", Result.GAVE_UP), rang_at=at)], "b")


def figure(text: str, title: str) -> str:
    """Return the large figure of a tile."""
    found = re.search(rf"<h2>{title}</h2><p class=\"wall-figure\">(.*?)</p>", text)
    assert found
    return re.sub("<[^>]*>", "", found[1])


def test_the_figures_of_the_day(head: Visitor, records: sqlite3.Connection) -> None:
    """Answered in time beside what is promised, lost and called back; in both languages."""
    had_calls(records)
    text = head.get("/wall", headers=ENGLISH).text
    assert figure(text, "Answered within 20 s") == "50 %"
    assert "of 2 today · promised 80 %" in text
    assert (figure(text, "Lost today"), "called back 0 of 1" in text) == ("1", True)
    assert figure(text, "Waiting now") == "0"
    assert "open until 24:00" in text
    assert "served 2, other 0, lost 1" in text
    assert 'id="stale"' in text
    assert re.search(r'id="stale"[^>]* hidden', text)
    italian = head.get("/wall", headers={"accept-language": "it"}).text
    assert figure(italian, "Risposte entro 20 s") == "50 %"


def test_no_figure_is_a_persons(head: Visitor, records: sqlite3.Connection) -> None:
    """E21: neither the position that answered, nor its label, nor anybody's name, nor a number."""
    had_calls(records)
    text = head.get("/wall").text
    for one in seen(up()).positions:
        assert one.phone not in text
    for hidden in ("op1", ANNA.shown, ANNA.name, "347", "051"):
        assert hidden not in text


def test_before_anything_is_known(visitor: Visitor, records: sqlite3.Connection) -> None:
    """Without call control and without records the wall says that it stands still, and no zero."""
    visitor.log_in(ANNA)
    text = visitor.get("/wall", headers=ENGLISH).text
    assert figure(text, "Waiting now") == "–"
    assert not re.search(r'id="stale"[^>]* hidden', text)
    assert "Data stand still since" in text


def test_figures_that_cannot_be_read_stand_still(
    head: Visitor, records: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last ones stay, and the wall says so; when they can be read again it says nothing."""
    had_calls(records)
    monkeypatch.setattr(contents, "FIGURES_S", 0.0)
    assert figure(head.get("/wall", headers=ENGLISH).text, "Lost today") == "1"
    path = head.app.state.store._path
    head.app.state.store._path = path.parent / "nowhere" / "x.db"
    text = head.get("/wall", headers=ENGLISH).text
    assert figure(text, "Lost today") == "1"
    assert not re.search(r'id="stale"[^>]* hidden', text)
    head.app.state.store._path = path
    assert re.search(r'id="stale"[^>]* hidden', head.get("/wall", headers=ENGLISH).text)


def test_late_requests_have_their_office(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """By number and office, never by who asked; those due today beside them."""
    for _ in range(3):
        take(records, replace(ASKED, unit="tributi"), days=30)
    today = datetime.now(visitor.app.state.zone).date()
    due = {
        "1": str(today - timedelta(days=2)),
        "2": str(today),
        "3": str(today + timedelta(days=2)),
    }
    with serve_wall(console_settings, due, (1,)):
        visitor.log_in(ANNA)
        visitor.hear_control()
        text = visitor.get("/wall", headers=ENGLISH).text
    assert figure(text, "Late requests") == "1"
    assert ("Request 1" in text, "Request 2" in text, "Request 3" in text) == (True, True, False)
    assert ASKED.citizen.name not in text


def test_variations_that_end_today_stand_below_what_is_late(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """With the office's name; what the card has no room for is counted."""
    today = datetime.now(visitor.app.state.zone).date()
    changed = tuple(variation(n, str(today), week_of(), "anagrafe") for n in (2, 3))
    other = variation(4, str(today), week_of(), "statocivile")
    town = replace(TOWN, variations=(*changed, other))
    who = directory.Who("anna", datetime.now(UTC), "entered")
    key = directory.key_path(console_settings.records)
    directory.change(records, key, who, lambda stored: merge_directory(stored, town), {})
    for _ in range(5):
        take(records, replace(ASKED, unit="anagrafe"), days=30)
    due = {str(number): str(today - timedelta(days=1)) for number in range(1, 6)}
    for given, rows, more in (({}, 2, False), (due, 1, True)):
        with serve_wall(console_settings, given, tuple(map(int, given))):
            visitor.log_in(ANNA)
            visitor.hear_control()
            visitor.app.state.wall._house_at = -contents.HOUSE_S
            text = visitor.get("/wall", headers=ENGLISH).text
        assert (text.count("Variation: "), "and 2 more" in text) == (rows, more)
        assert "Variation: Anagrafe" in text
        assert "all day" in text


@pytest.mark.parametrize("path", ["/wall", "/wall/live", "/wall/screens"])
def test_the_wall_is_the_heads(visitor: Visitor, records: sqlite3.Connection, path: str) -> None:
    """Neither operators nor technicians; strangers are led to the login."""
    assert visitor.get(path).status_code == 303
    for user in (BEPPE, CARLA):
        visitor.log_in(user)
        assert visitor.get(path).status_code == 403


def made(head: Visitor, name: str = "schermo dell'ingresso") -> str:
    """Make a link, and return the path of its address."""
    text = head.post("/wall/screens", data={"name": name}, headers=ENGLISH).text
    return str(re.findall(r"http://centralino.local(/screen/[\w-]{43})<", text)[0])


def test_a_screen_shows_the_wall_and_nothing_else(
    head: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """Without a login; its address is shown once; it opens no other page and gets no cookie."""
    had_calls(records)
    path = made(head)
    assert path not in head.get("/wall/screens").text
    head.client.cookies.clear()
    answer = head.get(path, headers=ENGLISH)
    assert (answer.status_code, figure(answer.text, "Lost today")) == (200, "1")
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert "/wall/screens" not in answer.text
    for other in ("/wall", "/reports", "/calls", "/live", "/desk/live", f"{path}/calls"):
        assert head.get(other).status_code in (303, 404)
    assert head.ask("POST", path).status_code in (403, 405)
    assert 'data-look="dark"' in head.get(f"{path}?look=dark").text
    assert "data-look" not in head.get(f"{path}?look=x").text


def test_an_ended_link_shows_nothing(head: Visitor, records: sqlite3.Connection) -> None:
    """410, at once; the page says whom to ask; who ended it stands in the list and in the audit."""
    path = made(head)
    assert head.get(path).status_code == 200
    text = head.post("/wall/screens/1/end", headers=ENGLISH).text
    assert "was ended" in text
    assert "ended " in head.get("/wall/screens", headers=ENGLISH).text
    # A dark screen stays dark.
    assert 'data-look="dark"' in head.get(f"{path}?look=dark").text
    for gone in (path, f"{path}/live"):
        answer = head.get(gone, headers=ENGLISH)
        assert (answer.status_code, "This link was ended" in answer.text) == (410, True)
    codes = [(each.what, each.by, each.about) for each in database.latest(records, "wall.")]
    assert codes == [
        (wall.ENDED, ANNA.name, "schermo dell'ingresso"),
        (wall.MADE, ANNA.name, "schermo dell'ingresso"),
    ]
    assert head.post("/wall/screens/1/end", headers=ENGLISH).status_code == 409
    assert head.post("/wall/screens/9999999999/end").status_code == 404


def test_names_that_are_none_are_said(head: Visitor) -> None:
    """On the page, with what was typed."""
    made(head)
    answer = head.post("/wall/screens", data={"name": "Schermo dell'ingresso"}, headers=ENGLISH)
    assert (answer.status_code, "already" in answer.text) == (409, True)
    assert 'value="Schermo dell&#39;ingresso"' in answer.text


def test_guesses_are_slowed_down(
    head: Visitor, records: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Of wrong links from one address; no link stands in the journal."""
    caplog.set_level(logging.DEBUG)
    path = made(head)
    answers = [head.get(f"/screen/{'x' * 40}{number}").status_code for number in range(40)]
    assert (answers[0], answers[-1]) == (404, 429)
    assert head.get(path).status_code == 429
    # All but the visitor's own library.
    told = [each.getMessage() for each in caplog.records if each.name != "httpx"]
    assert path.removeprefix("/screen/") not in "\n".join(told)


def test_a_fault_of_a_screen_leaves_no_secret_in_the_journal(
    head: Visitor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal names the page, never the link."""
    path = made(head)

    async def fails(*_: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(head.app.state.wall, "view", fails)
    assert head.get(path).status_code == 500
    assert "GET /screen/… failed" in caplog.text
    assert path.removeprefix("/screen/") not in caplog.text


def test_ending_a_link_ends_its_running_stream(
    console_settings: ConsoleSettings, records: sqlite3.Connection
) -> None:
    """On the server that the box runs: contents and beats, then "out" within two seconds."""
    wall.add_link(records, "ingresso", SECRET, "anna", datetime.now(UTC))
    with serve_wall(console_settings):
        told = asyncio.run(asyncio.wait_for(_watch(console_settings, records), 30))
    assert {"stale", "at", "wall", "beat"} <= set(told)
    assert told[-1] == "out"


async def _watch(settings: ConsoleSettings, records: sqlite3.Connection) -> list[str]:
    app = build(settings)
    server, listening = ConsoleServer(_config(app)), listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    home = f"http://127.0.0.1:{listening.getsockname()[1]}"
    told: list[str] = []
    async with (
        httpx.AsyncClient(base_url=home) as browser,
        browser.stream("GET", f"/screen/{SECRET}/live") as heard,
    ):
        async for line in heard.aiter_lines():
            if not line.startswith("event: "):
                continue
            told.append(line.removeprefix("event: "))
            if told[-1] == "beat" and "wall" in told and wall.find_link(records, SECRET).is_open:  # type: ignore[union-attr]
                assert app.state.screens.shown[1] == 1
                wall.end_link(records, 1, "anna", datetime.now(UTC))
                ended = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - ended < 3
    async with asyncio.timeout(5):
        while server.server_state.tasks or server.server_state.connections:
            await asyncio.sleep(0.01)
    assert app.state.screens.shown[1] == 0
    app.state.feed.stop()
    server.should_exit = True
    await serving
    return told


def test_a_link_is_for_a_few_screens(head: Visitor, records: sqlite3.Connection) -> None:
    """An address that went round opens no more than ten."""
    path = made(head)
    head.app.state.screens.shown[1] = contents.MOST_OF_A_LINK
    answer = head.get(f"{path}/live", headers=ENGLISH)
    assert (answer.status_code, "too many screens" in answer.text) == (429, True)


def test_positions_and_lines_are_counted() -> None:
    """Without whose they are; a line that nobody has declared is none."""
    status = seen(up())
    view = now_view(status, TEN.wall)
    assert view.positions.present + view.positions.away + view.positions.unreachable == len(
        contents.phones_of(status.switchboard)
    )
    assert view.lines == sum(line.declared for line in status.lines)
    assert view.lines_free == sum(line.state is LineState.IDLE for line in status.lines)


def test_the_hours_of_a_day() -> None:
    """Of the week that holds then; a special day has its own; 24:00 is the end of the day."""
    day = date(2026, 12, 1)
    weeks = (
        WeekSince(date(2026, 1, 1), ((),) * 7),
        WeekSince(date(2026, 6, 1), (("08:00-13:00", "14:30-24:00"),) * 7),
    )
    group = GroupYear(
        pair("a", "b"), weeks, (SpecialDay(date(2026, 12, 8), (), "holiday", pair("", "")),)
    )
    assert open_hours_of(group, day) == ((8.0, 13.0), (14.5, 24.0))
    assert open_hours_of(group, date(2026, 12, 8)) == ()
    assert open_hours_of(group, date(2026, 3, 1)) == ()
    assert open_hours_of(replace(group, weeks=()), day) == ()


def test_a_whole_day_of_hours_has_short_names() -> None:
    """None runs into the next one."""
    noon = rome("2026-12-01 12:10")
    chart = chart_of(day_figures((), EarlierDays(), ((0.0, 24.0),), noon))
    assert (chart.has_room, chart.hours[9].label, len(chart.hours)) == (False, "9", 24)


def test_bars_begin_at_zero() -> None:
    """Pieces of a bar stand on each other, the first one on the axis; the top is the axis's."""
    noon = rome("2026-12-01 12:10")
    endings = (Ending.FILTER, Ending.VOICEMAIL, Ending.LOST, Ending.LOST)
    calls = [CallRow(noon.replace(hour=9), "", ending) for ending in endings]
    usual = EarlierDays({8: 1.0, 9: 2.0, 10: 0.0, 11: 3.0})
    chart = chart_of(day_figures(calls, usual, ((8.0, 13.0),), noon))
    assert [piece.kind for piece in chart.pieces] == ["served", "other", "lost"]
    assert chart.pieces[0].y + chart.pieces[0].height == pytest.approx(CHART_ZERO)
    for below, above in zip(chart.pieces, chart.pieces[1:], strict=False):
        assert above.y + above.height == pytest.approx(below.y, abs=0.2)
    assert (chart.lines[0], chart.lines[-1]) == ((CHART_ZERO, 0), (CHART_TOP, 4))
    assert [hour.calls for hour in chart.hours] == [0, 4, 0, 0, 0]
    assert [hour.is_running for hour in chart.hours] == [False, False, False, False, True]
    assert (chart.has_room, chart.hours[1].label) == (True, "9–10")
    # Steps that touch, and no line along the axis where nothing is usual.
    assert re.findall("[A-Z]", chart.usual) == ["M", "H", "V", "H", "M", "H"]
