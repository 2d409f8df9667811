"""Words from outside are words: in a real browser nothing of them runs, on any page.

Callers choose their name, citizens their subject, offices their names; sheets come from files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Browser, Dialog, Page

from appliance.calls import events
from appliance.calls.events import Caller, Presentation
from appliance.calls.switchboard import Switchboard
from appliance.policy.directory import ReturnRule
from appliance.policy.requests import Citizen, NewRequest
from appliance.policy.sheets import Sheet
from appliance.policy.users import Role, User
from appliance.store import requests, sheets, users, voicemail
from appliance.store.database import database_path, open_database
from appliance.store.users import ChangeRequester
from tests.calls.examples import TEN, tell
from tests.calls.test_transfer import office_switchboard
from tests.console import people
from tests.console.attack.call_control import AnsweringControl
from tests.console.attack.raw_request import Entry, entries, filled
from tests.console.browser import Screen, screen
from tests.console.control_socket import ServedSocket
from tests.console.screens.entering import carry
from tests.console.states import told
from tests.console.test_process import console
from tests.policy.small_directory import TOWN
from tests.store.samples import a_call, a_message

pytestmark = pytest.mark.system

EVIL: Final = (
    "\"'><script>window.ran=1</script><img src=x onerror=window.ran=1>"
    "<svg/onload=window.ran=1>${window.ran=1}{{7*7}}"
)
LINK: Final = "javascript:window.ran=1"
BODY: Final = f"""# {EVIL}

{EVIL}

[residenza]({LINK}) <a href="{LINK}">qui</a> ![x]({LINK}) <iframe src="{LINK}"></iframe>

<style>body {{ display: none }}</style><form action="https://evil.example"><input></form>
"""
SHEET: Final = Sheet("residenza", EVIL, "anagrafe", EVIL, date(2026, 11, 1), BODY, official=EVIL)
ALL: Final = User("tina", EVIL[:80], frozenset(Role), unit="anagrafe", position="op1")
NUMBER: Final = "0512345678"
PARAMETERS: Final = ("q", "next", "by", "since", "need", "unit", "line", "day", "done", "what")
NO_DATE: Final = "does not conform to the required format"
"""What the browser says of evil words in a field for days, which stays empty."""
STREAMS: Final = ("/live", "/sound", ".svg", "/ca.crt", ".csv")
"""Ends of what is no page."""
NOT_HERE: Final = (
    "a[href^='javascript:' i]", "iframe", "main style", "main script", "main [onerror]",
    "main [onload]", "main img[src=x]",
)  # fmt: skip
"""What no page has, as a selector: what would run, or waits for a click."""
RAN: Final = f"""() => [
  ...window.ran === undefined ? [] : ['a script ran'],
  ...{list(NOT_HERE)}.filter(one => document.querySelector(one)),
]"""
SPOILT: Final = f"""() => {{
  window.ran = 1;
  document.body.innerHTML = `<main>{BODY}<p onerror="x"></p></main>`;
  document.querySelector("main").append(document.createElement("script"));
}}"""
"""Make a page as it must not be."""


def pages() -> list[Entry]:
    """List what is opened in a browser."""
    return [one for one in entries() if one.method == "GET" and not one.path.endswith(STREAMS)]


def keep(path: Path) -> None:
    """Write evil words wherever somebody outside chooses them."""
    path.parent.mkdir(parents=True)
    with closing(open_database(path, path.parent / "corrupt").connection) as kept:
        users.add(kept, ALL, people.kept(), ChangeRequester("test", people.AT, shell=True))
        sheets.store(kept, (SHEET,))
        _leave(kept)


def _leave(kept: sqlite3.Connection) -> None:
    caller = Caller(Presentation.SHOWN, NUMBER, EVIL)
    call = replace(a_call(), caller=caller)
    voicemail.insert_message(kept, replace(a_message(), caller=caller), call, "boot")
    citizen = Citizen(EVIL[:100], NUMBER)
    new = NewRequest(
        ReturnRule.EMAIL, "anagrafe", "residenza", citizen, EVIL[:100], EVIL, people.AT, "tina"
    )
    requests.insert_request(kept, requests.RequestToStore("r1", new, people.AT))


def evil_control() -> Switchboard:
    """Return call control on which somebody of an evil name talks, and offices have one, too."""
    caller = events.CallerIdentified("line1", Caller(Presentation.SHOWN, NUMBER, EVIL))
    switchboard = office_switchboard(caller=caller)
    units = tuple(replace(unit, name=EVIL, say=EVIL) for unit in TOWN.units)
    tell(switchboard, TEN, events.DirectoryChanged(replace(TOWN, units=units)))
    return switchboard


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a real console over call control and records full of evil words; yields its address."""
    folder = tmp_path_factory.mktemp("evil")
    keep(database_path(folder / "state"))
    switchboard = evil_control()
    answer = AnsweringControl(folder / "desk", switchboard, EVIL)
    (folder / "run").mkdir()
    with (
        ServedSocket(folder / "run" / "desk.sock", answer, **told(switchboard)),
        console(folder, "--http") as port,
    ):
        yield f"http://127.0.0.1:{port}"
    assert "Traceback" not in (folder / "console.log").read_text(encoding="utf-8")


@pytest.fixture
def shown(browser: Browser, home: str) -> Iterator[Screen]:
    """Return a window of somebody who has logged in and may see everything."""
    with screen(browser, home) as found:
        found.page.on("dialog", lambda dialog: _note(found, dialog))
        carry(found, ALL.name)
        yield found


def _note(shown: Screen, dialog: Dialog) -> None:
    shown.troubles.append(f"a dialog: {dialog.message}")
    dialog.dismiss()


def look(shown: Screen, where: str) -> list[str]:
    """Return what ran or tried to, and what waits for a click."""
    ran: list[str] = shown.page.evaluate(RAN)
    wrong = [*ran, *(one for one in shown.troubles if NO_DATE not in one)]
    shown.troubles.clear()
    return [f"{where}: {one}" for one in wrong]


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("word", ["", EVIL], ids=["as it is", "evil words in its address"])
def test_nothing_runs_on_any_page(shown: Screen, word: str, half: int) -> None:
    """Whatever words from outside are on it; each half of the pages is looked at in one window."""
    wrong = []
    for entry in pages()[half::2]:
        path, query = filled(entry.path), ""
        if word:
            path = filled(entry.path, quote(word, safe=""))
            query = "?" + urlencode(dict.fromkeys(PARAMETERS, word))
        shown.page.goto(shown.home + path + query)
        wrong += look(shown, str(entry))
    assert not wrong, "\n".join(wrong)


def test_what_runs_is_seen(shown: Screen) -> None:
    """The check can fail: each way of words to become more than words."""
    shown.open("/alive")
    shown.page.evaluate(SPOILT)
    found = look(shown, "here")
    for wrong in ("a script ran", "iframe", "javascript:", "main script", "main [onerror]"):
        assert any(wrong in one for one in found), wrong


def test_nothing_runs_on_the_desk(shown: Screen) -> None:
    """A caller's name, a sheet that is opened, offices, a return, and what call control says."""
    page = shown.open("/desk")
    page.locator("[data-call]").first.wait_for()
    assert EVIL in page.locator(".desk-caller").first.inner_text(), "the name is not shown at all"
    page.locator("#search").fill("residenza")
    _open_sheet(page)
    wrong = look(shown, "sheet")
    page.keyboard.press("Escape")
    page.keyboard.press("F8")
    page.locator("[data-office]").first.wait_for()
    wrong += look(shown, "offices")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+a")
    page.locator("#told-words").wait_for()
    wrong += look(shown, "what was said")
    assert not wrong, "\n".join(wrong)


def _open_sheet(page: Page) -> None:
    page.locator("[data-found='sheet']").first.wait_for()
    page.locator("#search").press("Enter")
    page.locator("#sheet-title").wait_for()
