"""The technician's page: all that call control tells and records hold; others may not see it."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.api.replies import PartRestarts
from appliance.calls import events
from appliance.calls.events import Evidence
from appliance.calls.orders import Result
from appliance.console import accounts
from appliance.console.pages import system as shown
from appliance.console.settings import ConsoleSettings
from appliance.errors import OfficeError
from appliance.media.messages import Snapshot
from appliance.service.nightly import MemoryCard, Night
from appliance.store import call_log, users
from appliance.store.users import ChangeRequester
from tests.calls.examples import TEN, tell, up
from tests.console import people
from tests.console.control_socket import ServedSocket
from tests.console.states import told
from tests.console.visitor import Visitor
from tests.helpers.system_status import SystemStub
from tests.helpers.words import pair
from tests.store.samples import a_call


class Works:
    """A technician who looks at call control behind a real socket."""

    def __init__(self, settings: ConsoleSettings, folder: Path) -> None:
        self.system_stub = SystemStub(folder, up())
        self.refusal = ""
        self.restarts: list[dict[str, object]] = []
        settings.control_socket.parent.mkdir(parents=True, exist_ok=True)
        self.served = ServedSocket(
            settings.control_socket, self._answer, **told(self.system_stub.switchboard)
        )
        self.visitor = Visitor(settings)

    def _answer(self, question: dict[str, object]) -> Any:
        if self.refusal:
            raise OfficeError(self.refusal)
        if question["ask"] == "led_test":
            return {"done": question["by"] == "beppe", "said": {"it": "Accesi.", "en": "Lit."}}
        if question["ask"] == "line_restart":
            self.restarts.append(question)
            return {
                "done": question.get("even_in_call", False),
                "said": {"it": "Parola.", "en": "Word."},
            }
        assert question == {"ask": "plant"}
        return self.system_stub.ask()

    def text(self, language: str = "it") -> str:
        """Return the page as it is read."""
        answer = self.visitor.get("/plant", headers={"accept-language": language})
        assert answer.status_code == 200
        return answer.text


@pytest.fixture
def works(
    console_settings: ConsoleSettings, records: sqlite3.Connection, tmp_path: Path
) -> Iterator[Works]:
    """Everything is up; Beppe the technician has logged in."""
    del records
    made = Works(console_settings, tmp_path)
    with made.served, made.visitor:
        made.visitor.log_in(people.BEPPE)
        yield made


def test_the_page_is_the_technicians_alone(works: Works) -> None:
    """Neither operator nor head sees it, nor a link to it."""
    assert 'href="/plant"' in works.visitor.get("/").text
    for user in (people.ANNA, people.CARLA, people.DINO):
        works.visitor.log_in(user)
        assert 'href="/plant"' not in works.visitor.get("/").text
        for path in ("/plant", "/plant/live", "/plant/records"):
            assert works.visitor.get(path).status_code == 403, path
        assert works.visitor.post("/plant/leds").status_code == 403
        assert works.visitor.post("/plant/restart").status_code == 403
    assert works.restarts == []


def test_lines_phones_and_box_are_shown(works: Works) -> None:
    """What call control tells stands there in the reader's words, and names are escaped."""
    text = works.text()
    for part in (
        "Tutto in ordine.", "CX930xx", "/dev/serial/by-path/one", "ricezione 130",
        "registrato, risponde", "non registrato", "127.0.15.8:5060", "Front desk &lt;1&gt;",
        "al massimo 1.3 ms; interruzioni 3", "mail.example", "confermata da un server dell",
        "Nessun guasto.", "Linea line1", "127.0.15.9",
    ):  # fmt: skip
        assert part in text, part
    assert "All is well." in works.text("en")


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        ("SCHED_FIFO: Operation not permitted", "priorità in tempo reale (SCHED_FIFO)"),
        ("mlockall: Cannot allocate memory", "bloccare la propria memoria (mlockall)"),
        ("Operation not permitted", "il sistema non lo concede"),
    ],
)
def test_a_refused_right_is_told_in_the_readers_language(
    works: Works, refused: str, told: str
) -> None:
    """Its cause and what it means for the sound; the kernel's English is not shown."""
    works.system_stub.media_link.snapshot = Snapshot(realtime=refused)
    page = works.text()
    assert told in page
    assert "Operation not permitted" not in page
    assert "Cannot allocate" not in page


def test_what_was_restarted_is_shown(works: Works) -> None:
    """How often, when last, how often it may be, and who gives no sign of life; nothing of parts
    that are well.
    """
    assert "no restart" in works.text("en")
    last = datetime(2026, 11, 25, 9, tzinfo=UTC)
    limit = pair("limite 5 in 60 s", "limit 5 in 60 s")
    rows = [
        PartRestarts(
            "carrier", pair("Processo delle linee", "Lines' process"), 3, last, False, None, limit
        ),
        PartRestarts("mail", pair("Posta in uscita", "Outgoing mail"), 0, None, True, None, None),
    ]
    works.system_stub.collector.restarted = lambda _: rows
    page = works.text("en")
    assert re.search(
        r"Lines&#39; process: 3, the last one Wed 25 November[^<(]*\(limit 5 in 60 s\)", page
    )
    assert re.search(r"Outgoing mail\s+<span[^>]*bad[^>]*>no sign of life", page)


def test_what_is_wrong_stands_first_with_what_was_tried(works: Works) -> None:
    """A line that is out says why."""
    tell(works.system_stub.switchboard, TEN, events.LineLost("line1", pair("sparito", "gone")))
    works.system_stub.phones = dataclasses.replace(
        works.system_stub.phones, listening=False, trouble="port in use", locked_out=("10.0.0.9",)
    )
    text = works.text()
    assert text.index("sparito") < text.index("Linee e modem")
    assert "port in use" in text
    assert "10.0.0.9" in text


def test_the_last_ends_of_a_line_are_shown_with_their_evidence(
    works: Works, records: sqlite3.Connection
) -> None:
    """B1: by what the end was noticed and how long it took; five of them, no caller's number."""
    ended = [
        dataclasses.replace(
            a_call(f"c{n}", Result.ANSWERED, n),
            ended_at=TEN.wall + timedelta(minutes=n),
            evidence=Evidence.BUSY_TONE,
            release_ms=2000 + n,
        )
        for n in range(7)
    ]
    call_log.upsert_calls(records, [*ended, a_call("open", minute=9)], "boot")
    text = works.text()
    assert text.count("tono di occupato, 200") == shown.RELEASES
    assert "2006 ms" in text
    assert "2001 ms" not in text
    assert a_call().caller.number not in text


def test_call_control_that_refuses_leaves_what_is_kept(works: Works) -> None:
    """The disk and the records are read by the console itself."""
    works.refusal = "unknown question"
    text = works.text()
    assert "unknown question" in text
    assert "MB su" in text


def test_call_control_that_is_away_is_said(visitor: Visitor, records: sqlite3.Connection) -> None:
    """The page opens, and shows what does not need call control."""
    del records
    visitor.log_in(people.BEPPE)
    text = visitor.get("/plant").text
    assert "Il centralino non risponde" in text
    assert "MB su" in text


def test_records_that_cannot_be_read_are_said(
    works: Works, console_settings: ConsoleSettings
) -> None:
    """The page opens all the same, with what call control tells."""
    assert "MB su" in works.text()
    console_settings.records.rename(console_settings.records.with_name("elsewhere.db"))
    text = works.text()
    assert "centralino.db" in text
    assert "MB su" not in text
    assert "CX930xx" in text
    assert "centralino.db" in works.visitor.get("/plant/records").text


@pytest.mark.parametrize(
    ("free", "mark"), [(0, "low"), (64 << 20, "high"), (256 << 20, ""), ((256 << 20) - 1, "high")]
)
def test_free_space_is_compared_with_the_marks(free: int, mark: str) -> None:
    """The same marks as the mailbox's."""
    assert shown.disk_mark(free, 64 << 20, 256 << 20) == mark


def test_what_the_box_does_for_itself_is_shown(works: Works) -> None:
    """What came of the last night, and how worn the memory card is, in the reader's words."""
    assert "Lavoro notturno: non ancora fatto" in works.text()
    works.system_stub.collector.night = Night(
        TEN.wall, True, False, pair("archivi integri", "whole")
    )
    works.system_stub.collector.card = MemoryCard("mmcblk0p3", 2048, 0, 900, 1000)
    text = works.text()
    assert "Lavoro notturno del 25 novembre 2026 alle 10:00: archivi integri" in text
    assert "900 MB liberi di 1000; scritti finora 2.0 GB; errori del file system: 0" in text


def test_the_records_are_looked_through_when_asked(works: Works) -> None:
    """Whole ones are said to be whole."""
    assert "I dati sono integri." in works.visitor.get("/plant/records").text


def test_damaged_records_are_told(console_settings: ConsoleSettings, works: Works) -> None:
    """A table whose page is overwritten is found."""
    damaged = console_settings.records.parent / "damaged.db"
    with sqlite3.connect(damaged) as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 100,) for _ in range(200)])
    connection.close()
    data = bytearray(damaged.read_bytes())
    data[2 * 512 : 4 * 512] = b"\xff" * 1024
    damaged.write_bytes(data)
    works.visitor.app.state.store._path = damaged
    found = works.visitor._runner.run(works.visitor.app.state.store.read(shown.find_damage))
    assert found


def test_the_page_is_live_until_logged_out(
    works: Works, records: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each state of call control brings the content anew; who is disabled is sent nothing more."""
    monkeypatch.setattr(shown, "AT_MOST_EVERY_S", 0.0)
    monkeypatch.setattr(accounts, "FRESH_S", 0.0)
    feed, listening = works.visitor.app.state.feed, asyncio.Event()
    newer = feed.newer

    async def heard(number: int) -> object:
        if number >= 0:  # the state of now was sent
            listening.set()
        return await newer(number)

    async def watched() -> str:
        feed.newer = heard
        stream = asyncio.create_task(works.visitor.client.get("/plant/live"))
        await asyncio.wait_for(listening.wait(), 5)
        asked = ChangeRequester("x", TEN.wall, shell=True)
        users.add(records, dataclasses.replace(people.BEPPE, name="elio"), "", asked)
        users.change(records, "beppe", {"disabled": True}, asked)
        works.served.change(waiting=3)
        return (await asyncio.wait_for(stream, 5)).text

    text = works.visitor._runner.run(watched())
    events = [line for line in text.splitlines() if line.startswith("event: ")]
    assert events[:2] == ["event: away", "event: live"]
    assert events[-1] == "event: out"
    assert "CX930xx" in text


def test_the_leds_are_lit_and_that_is_said(works: Works) -> None:
    """Call control's own words; a refusal of its stands there as one."""
    assert "note good" in works.visitor.post("/plant/leds").text
    works.refusal = "no such question"
    answer = works.visitor.post("/plant/leds").text
    assert "note bad" in answer
    assert "no such question" in answer


def test_a_line_is_restarted_from_the_page(works: Works) -> None:
    """The line chosen, whether a call may be cut, and who asks; call control's words are shown."""
    text = works.text()
    assert '<option value="line1">' in text
    assert 'name="even_in_call" value="1">' in text
    refused = works.visitor.post("/plant/restart", data={"line": "line2"}).text
    assert "note bad" in refused
    assert "Parola." in refused
    cut = {"line": "line1", "even_in_call": "1"}
    assert "note good" in works.visitor.post("/plant/restart", data=cut).text
    asked = {"ask": "line_restart", "by": "beppe"}
    assert works.restarts == [
        {**asked, "line": "line2"},
        {**asked, "line": "line1", "even_in_call": True},
    ]
