"""Every page there is, for everybody who may open it: nothing keeps people out, keys lead all over.

The pages are those of the application's own table of routes: a new one is looked at by itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pytest
from playwright.sync_api import APIResponse, Browser, expect

from appliance.policy.users import Role
from tests.console.attack.raw_request import Entry, entries
from tests.console.attack.who_may import STRANGERS, WHO_MAY
from tests.console.browser import (
    ARE_ALL_KEPT,
    FILLED,
    SIZES,
    Screen,
    every_language,
    screen,
)
from tests.console.running import Running
from tests.console.screens.entering import carry
from tests.console.screens.filled_box import SHEET, TOKEN, WHO, ZOE
from tests.console.screens.looking import by_tab, troubles

pytestmark = pytest.mark.system

NO_PAGE: Final = (
    "/live", "/sound", ".svg", ".csv", ".pdf", ".crt", "/static/{file}",
    "/help", "/help/{name:path}",
)  # fmt: skip
"""Ends of what a browser keeps open, plays, draws in a page or downloads, and the guides."""
NAMES: Final = {
    "token": TOKEN, "unit": "anagrafe", "code": SHEET, "language": "it", "key": "hold",
    "name": ZOE.name, "call": "lost-1", "number": "1", "section": "office", "step": "name",
    "kind": "request",
}  # fmt: skip
"""What is put where a path has places."""
MORE: Final = {
    "/address-book": ("", "?due=1"),
    "/address-book/edit": ("", "?code=ausl-cup"),
    "/address-book/entry/{code}": ("ausl-cup",),
    "/appointments": ("", "?week=2026-12-02"),
    "/calls/{call}": ("", "whole"),
    "/desk/book/{code}": ("ausl-cup",),
    "/explain": ("?day=2026-11-25&time=10:00&need=anagrafe/residenza",),
    "/hours/new": ("", "?step=what&whose=house&first=2030-12-01"),
    "/messages/{number:int}": ("", "2"),
    "/missed": ("", "?list=interrupted"),
    "/plant/phones/{name}": ("op1",),
    "/register/vary": ("?unit=scuola",),
    "/requests/new": ("", "?about=anagrafe|residenza"),
    "/requests/{number:int}": ("", "2"),
    "/settings/{section}": (
        "",
        "lines",
        "phones",
        "mail",
        "retention",
        "callbacks",
        "voicemail",
        "standards",
        "network",
        "certificates",
    ),
    "/sheet/{code}": ("", "cani"),
    "/start/{step}": ("", "hours", "lines", "phone", "user", "mail", "call"),
    "/sheets/edit": ("", f"?code={SHEET}"),
}
"""Pages that have more to show when asked for something, or for something else: a query, or what is
put in the path's last place."""
NOWHERE: Final = {
    "/static/nowhere": 404,
    f"/done/{'a' * 43}": 404,
    f"/screen/{'a' * 43}": 404,
}
"""What strangers are told is not there."""
GUIDE: Final = {
    "/login": "login", "/requests/new?about=anagrafe|residenza":
    "request-new", "/appointments?week=2026-12-02": "appointments", "/calls": "calls",
    "/calls/whole": "call", "/handover": "handover",
}  # fmt: skip
"""Pages of which the operator's guide has a picture, as an operator sees them; the first before
logging in."""
IN_A_PART: Final = 12
"""Pages that one test looks at, at most."""
NOT_HERE: Final = ("/plant/log", "/plant/backup/file")
"""Pages that say that this machine has no such thing."""
THERE: Final = (
    "/address-book/entry/{code}", "/announcements/{language}/{key}", "/done/{token}",
    "/messages/{number:int}",
    "/missed/{number:int}", "/plant/phones/{name}", "/register/office/{unit}",
    "/register/office/{unit}/authorise",
    "/register/office/{unit}/declare", "/requests/{number:int}", "/screen/{token}",
    "/sheet/{code}", "/start/{step}", "/users/{name}",
)  # fmt: skip
"""Of what has places in its path, what this house has; all else may say that it is not there."""
WITH_KEYS: Final = ("it", "desk")
"""Where Tab is pressed until it has been everywhere: keys are the same in each language."""
COMBINATIONS: Final = (
    ("it", "desk"), ("en", "phone"), ("it", "phone"),
    ("en", "desk"), ("de", "phone"), ("de", "desk"),
)  # fmt: skip
"""The order in which those who may open a page take turns."""
SENT_BY: Final = (
    (Role.HEAD, "de", "phone"),
    (Role.TECHNICIAN, "de", "phone"),
    (Role.OFFICE, "en", "phone"),
    (Role.DEPUTY, "it", "desk"),
)
"""Who sends forms with nothing in them, and sees the answer how: long words where room is least."""
SPOILT: Final = """() => {
  document.title = " · Test";
  document.documentElement.lang = "de";
  const put = (tag, more) => document.querySelector("main").append(
    Object.assign(document.createElement(tag), more));
  put("img", {src: "/static/icon.svg"});
  put("h1", {textContent: "Another"});
  put("button", {id: "plain", textContent: "x"});
  put("button", {id: "trap", textContent: "y"});
  put("div", {id: "wide"});
  put("button", {id: "small", textContent: "a"});
  put("button", {id: "small-too", textContent: "b"});
  for (const one of document.querySelectorAll("[id^=small]"))
    one.style.cssText = "all: revert; width: 12px; height: 12px; padding: 0; border: 0; margin: 0";
  put("button", {id: "under", textContent: "z"});
  put("div", {id: "over"});
  document.getElementById("under").style.cssText =
    "position: fixed; z-index: 8; top: 300px; left: 9px; width: 99px; height: 40px";
  document.getElementById("over").style.cssText =
    "position: fixed; z-index: 9; top: 290px; left: 0; width: 200px; height: 80px";
  document.getElementById("wide").style.cssText = "width: 3000px; height: 1px";
  document.getElementById("plain").style.cssText =
    "all: revert; outline: none !important; box-shadow: none !important; transition: none";
  document.getElementById("plain").addEventListener("keydown", event => event.preventDefault());
}"""
"""Make a page as it must not be; keys stop at one button."""
ASKING: Final = """[...document.querySelectorAll('main form[method=post]')].filter(form =>
  form.querySelector('input:not([type=hidden]), select, textarea'))"""
SEND: Final = f"""number => {{
  window.isLeft = true;
  const form = {ASKING}[number];
  form.noValidate = true;
  for (const one of form.elements) {{
    if (one.type === 'checkbox' || one.type === 'radio') one.checked = false;
    else if (one.type !== 'hidden' && one.tagName !== 'BUTTON' && one.tagName !== 'FIELDSET')
      one.value = '';
  }}
  form.requestSubmit();
}}"""
"""Send one form of those that ask for something, with nothing in its fields."""
ARRIVED: Final = "() => !window.isLeft && document.readyState === 'complete'"
"""Tell whether the page that follows has come."""


@dataclass(frozen=True)
class View:
    """An address, and in which language and sizes somebody looks at it."""

    path: str
    language: str
    sizes: tuple[str, ...]


def pages() -> list[Entry]:
    """List what a browser opens."""
    return [one for one in entries() if one.method == "GET" and not one.path.endswith(NO_PAGE)]


def addresses(entry: Entry) -> list[str]:
    """List where a page is found in this house."""
    path = re.sub(r"{(\w+)(?::\w+)?}", lambda place: NAMES.get(place[1], "1"), entry.path)
    return [
        path + more if more.startswith("?") or not more else f"{path.rpartition('/')[0]}/{more}"
        for more in MORE.get(entry.path, ("",))
    ]


def share(role: Role) -> list[View]:
    """List what this role looks at.

    Each page is seen by every role that may, and in each language and size: they take turns.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for number, entry in enumerate(pages()):
        may = sorted(WHO_MAY.get(str(entry), ()), key=list(Role).index)
        for turn in range(max(len(may), len(COMBINATIONS)) if may else 0):
            if may[turn % len(may)] is role:
                language, size = COMBINATIONS[(number + turn) % len(COMBINATIONS)]
                for path in addresses(entry):
                    found.setdefault((path, language), []).append(size)
    return [View(path, language, tuple(sizes)) for (path, language), sizes in found.items()]


def parts() -> list[tuple[Role, str, int]]:
    """List the parts of everybody's share, each of which is a test of some seconds."""
    shares = [(role, so, [one for one in share(role) if one.language == so])
              for role in Role for so in FILLED]  # fmt: skip
    return [(role, so, part) for role, so, views in shares for part in range(in_parts(views))]


def in_parts(views: Sequence[object]) -> int:
    """Return in how many tests so many pages are looked at."""
    return -(-len(views) // IN_A_PART)


def with_forms(role: Role) -> list[str]:
    """List an address of each page that a role may open, the one with most to show."""
    return [addresses(one)[-1] for one in pages() if role in WHO_MAY.get(str(one), ())]


def test_every_page_is_in_somebodys_share() -> None:
    """None is left out: each in all languages and sizes, each for every role that may open it."""
    seen_by = {
        (view.path, role, (view.language, size))
        for role in Role for view in share(role) for size in view.sizes
    }  # fmt: skip
    for entry in pages():
        for path in addresses(entry) if str(entry) not in STRANGERS else ():
            by = [(role, so) for at, role, so in seen_by if at == path]
            assert {role for role, _ in by} == WHO_MAY[str(entry)], entry
            assert {so for _, so in by} == {*COMBINATIONS}, entry


@pytest.mark.parametrize(
    ("role", "language", "part"), parts(), ids=lambda one: getattr(one, "value", None)
)
def test_every_page_is_for_everybody(
    browser: Browser, filled: Running, role: Role, language: str, part: int
) -> None:
    """WCAG 2.2 AA in both themes, own policy, one heading, title, language, focus, no scrolling."""
    views = [view for view in share(role) if view.language == language]
    with screen(browser, filled.home, language) as shown:
        carry(shown, WHO[role].name)
        wrong = [
            trouble
            for view in views[part * IN_A_PART : (part + 1) * IN_A_PART]
            for trouble in seen(shown, view.path, view.sizes)
        ]
    assert not wrong, "\n".join(wrong)


@every_language
def test_strangers_pages_are_for_everybody(
    browser: Browser, filled: Running, language: str
) -> None:
    """The same of what is read without a login: the page behind the link in a mail, too."""
    with screen(browser, filled.home, language) as shown:
        paths = [path for one in pages() if str(one) in STRANGERS for path in addresses(one)]
        assert f"/done/{TOKEN}" in paths
        wrong = [trouble for path in (*paths, *NOWHERE) for trouble in seen(shown, path, SIZES)]
    assert not wrong, "\n".join(wrong)


@every_language
def test_an_operator_opens_each_page_that_the_guide_shows(
    browser: Browser, filled: Running, language: str
) -> None:
    """What is seen is kept for the guide (scripts/draw_screens.sh)."""
    with screen(browser, filled.home, language) as shown:
        for number, (path, name) in enumerate(GUIDE.items()):
            if number == 1:
                carry(shown, WHO[Role.OPERATOR].name)
            page = shown.open(path)
            assert page.url.endswith("/login") == (path == "/login"), path
            expect(page.locator("h1")).to_be_visible()
            shown.picture(name)


@pytest.mark.parametrize(
    ("role", "language", "size", "part"),
    [(*so, part) for so in SENT_BY for part in range(in_parts(with_forms(so[0])))],
    ids=lambda one: getattr(one, "value", None),
)
def test_a_form_that_is_sent_empty_is_answered_for_everybody(
    browser: Browser, filled: Running, role: Role, language: str, size: str, part: int
) -> None:
    """What is wrong is said on a page like others."""
    paths = with_forms(role)[part * IN_A_PART : (part + 1) * IN_A_PART]
    with screen(browser, filled.home, language, size) as shown:
        carry(shown, WHO[role].name)
        wrong = [trouble for path in paths for trouble in answered(shown, path)]
    assert not wrong, "\n".join(wrong)


def test_what_is_wrong_is_seen(browser: Browser, filled: Running) -> None:
    """A page without all that is found wanting in each of it."""
    with screen(browser, filled.home) as shown:
        page = shown.open("/login")
        page.evaluate(SPOILT)
        found = troubles(shown) + by_tab(page)
    for wrong in (
        "image-alt",
        "target-size",
        "2 headings",
        "no title",
        "another language",
        "sideways",
    ):
        assert any(wrong in one for one in found), wrong
    assert any("no focus" in one and 'id="plain"' in one for one in found)
    assert any("is covered" in one and 'id="under"' in one for one in found)
    assert any("by Tab" in one and 'id="trap"' in one for one in found)


def seen(shown: Screen, path: str, sizes: Iterable[str]) -> list[str]:
    """Open a page; returns what is wrong with it. Parts of pages are seen where they belong."""
    answer = page_at(shown, path)
    if answer is None:
        return []
    if answer.status != NOWHERE.get(path, 200) and path not in may_lack():
        return [f"{path}: {answer.status}"]
    wrong = []
    shown.page.goto(shown.home + path)
    for size in sizes:
        shown.resize(size)
        if (shown.language, size) == WITH_KEYS:
            wrong += by_tab(shown.page)
        wrong += [f"{one} ({size})" for one in troubles(shown)]
        keep(shown, path)
    return [f"{path}: {one}" for one in wrong]


@functools.cache
def may_lack() -> set[str]:
    """Return the addresses of what need not be there: that is said on a page like others."""
    placed = {one.path for one in pages() if "{" in one.path} - {*THERE}
    return {*NOT_HERE, *(path for one in placed for path in addresses(Entry("GET", one)))}


def page_at(shown: Screen, path: str) -> APIResponse | None:
    """Ask as the browser does; returns a page, None for a part of one or a download."""
    answer = shown.page.context.request.get(shown.home + path)
    is_text = answer.headers.get("content-type", "").startswith("text/html")
    return answer if is_text and answer.text().lstrip()[:9].lower() == "<!doctype" else None


def keep(shown: Screen, path: str) -> None:
    """Keep a picture of the whole page, where all pictures are kept."""
    if ARE_ALL_KEPT:
        name = re.sub(r"\W+", "-", path).strip("-") or "home"
        shown.picture(f"every/{name}", is_whole=True)


def answered(shown: Screen, path: str) -> list[str]:
    """Send every form of a page with nothing in it; returns what is wrong with the answers."""
    wrong: list[str] = []
    for number in range(_forms(shown, path)):
        if number:
            _forms(shown, path)
        with shown.page.expect_response(lambda one: one.request.method == "POST") as heard:
            shown.page.evaluate(SEND, number)
        if heard.value.request.is_navigation_request():
            shown.page.wait_for_function(ARRIVED)
        else:
            expect(shown.page.locator(".htmx-request")).to_have_count(0)
        to = heard.value.url.removeprefix(shown.home)
        wrong += [f"{path}: {to}, {heard.value.status}: {one}" for one in troubles(shown)]
        keep(shown, f"sent{to}-{number}")
    return wrong


def _forms(shown: Screen, path: str) -> int:
    """Open a page; returns how many of its forms ask for something."""
    answer = page_at(shown, path)
    if answer is None or 'method="post"' not in answer.text().partition("<main")[2]:
        return 0
    shown.page.goto(shown.home + path)
    found: int = shown.page.evaluate(f"{ASKING}.length")
    return found
