"""Every page there is, for everybody who may open it: nothing keeps people out, keys lead all over.

The pages are those of the application's own table of routes: a new one is looked at by itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from appliance.policy.roles import Role
from tests.console import people
from tests.console.attack.asking import Entry, entries
from tests.console.attack.who_may import STRANGERS, WHO_MAY
from tests.console.browser import LOCALES, SCREENS, SIZES, Screen, screen
from tests.console.running import Running
from tests.console.screens.entering import log_in
from tests.console.screens.house import SHEET, TOKEN, WHO, full_house
from tests.console.screens.looking import by_tab, troubles

pytestmark = pytest.mark.system

NO_PAGE: Final = ("/live", "/sound", ".csv", ".crt", "/static/{file}")
"""Ends of what a browser keeps open, plays or downloads."""
NAMES: Final = {
    "token": TOKEN, "unit": "anagrafe", "code": SHEET, "language": "it", "key": "hold",
    "name": people.CARLA.name, "call": "lost-1", "number": "1",
}  # fmt: skip
"""What is put where a path has places."""
QUERIES: Final = {
    "/explain": "?day=2026-11-25&time=10:00&need=anagrafe/residenza",
    "/hours/new": "?step=what&whose=house&first=2030-12-01",
    "/sheets/edit": f"?code={SHEET}",
    "/register/vary": "?unit=scuola",
}
"""Pages that have more to show when asked for something."""
EVERY: Final = SCREENS / "every"
"""Pictures of all pages, to be looked at."""
NOT_HERE: Final = ("/plant/log", "/plant/backup/file")
"""Pages that say that this machine has no such thing."""
THERE: Final = (
    "/announcements/{language}/{key}", "/done/{token}", "/messages/{number:int}",
    "/missed/{number:int}", "/register/office/{unit}", "/register/office/{unit}/authorise",
    "/register/office/{unit}/declare", "/requests/{number:int}", "/sheet/{code}", "/users/{name}",
)  # fmt: skip
"""Of what has places in its path, what this house has; all else may say that it is not there."""
WITH_KEYS: Final = "it-desk"
"""Where Tab is pressed until it has been everywhere: keys are the same in each language."""
COMBINATIONS: Final = [(language, size) for language in LOCALES for size in SIZES]
DIAGONAL: Final = (("it", "desk"), ("en", "phone"), ("it", "phone"), ("en", "desk"))
"""The first two, and the last two, have both languages and both sizes."""
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
  document.getElementById("wide").style.cssText = "width: 3000px; height: 1px";
  document.getElementById("plain").style.cssText =
    "all: revert; outline: none !important; box-shadow: none !important; transition: none";
  document.getElementById("plain").addEventListener("keydown", event => event.preventDefault());
}"""
"""Make a page as it must not be; keys stop at one button."""
ASKING: Final = """[...document.querySelectorAll('main form[method=post]')].filter(form =>
  form.querySelector('input:not([type=hidden]), select, textarea'))"""
SEND: Final = f"""number => {{
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


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole box in which every page has something to show."""
    with full_house(tmp_path_factory.mktemp("every")) as found:
        yield found


def pages() -> list[Entry]:
    """List what a browser opens."""
    return [one for one in entries() if one.method == "GET" and not one.path.endswith(NO_PAGE)]


def address(entry: Entry) -> str:
    """Return where a page is found in this house."""
    filled = re.sub(r"{(\w+)(?::\w+)?}", lambda place: NAMES.get(place[1], "1"), entry.path)
    return filled + QUERIES.get(entry.path, "")


def share(role: Role, language: str, size: str) -> list[str]:
    """List the addresses that this role looks at so.

    Each page is seen in each language, in each size, and by every role that may; which language
    goes with which size takes turns.
    """
    found = []
    for number, entry in enumerate(pages()):
        may = sorted(WHO_MAY.get(str(entry), ()), key=list(Role).index)
        turns = [
            DIAGONAL[(2 * number + turn) % 4] for turn in range(max(len(may), 2) if may else 0)
        ]
        if (role, (language, size)) in ((may[n % len(may)], so) for n, so in enumerate(turns)):
            found.append(address(entry))
    return found


def test_every_page_is_in_somebodys_share() -> None:
    """None is left out: each in all languages and sizes, each for every role that may open it."""
    shares = {(role, *so): share(role, *so) for role in Role for so in COMBINATIONS}
    for entry in pages():
        if str(entry) not in STRANGERS:
            by = [key for key, paths in shares.items() if address(entry) in paths]
            roles, languages, sizes = (set(each) for each in zip(*by, strict=True))
            assert roles == WHO_MAY[str(entry)], entry
            assert (languages, sizes) == (set(LOCALES), set(SIZES)), entry


@pytest.mark.parametrize(("language", "size"), COMBINATIONS)
@pytest.mark.parametrize("role", list(Role), ids=[role.value for role in Role])
def test_every_page_is_for_everybody(
    browser: Browser, house: Running, role: Role, language: str, size: str
) -> None:
    """WCAG 2.1 AA, its own policy, one heading, a title, the language, the focus, no scrolling."""
    with screen(browser, house.home, language, size) as shown:
        log_in(shown, WHO[role].name)
        wrong = [trouble for path in share(role, language, size) for trouble in seen(shown, path)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("language", "size"), COMBINATIONS)
def test_strangers_pages_are_for_everybody(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """The same of what is read without a login: the page behind the link in a mail, too."""
    with screen(browser, house.home, language, size) as shown:
        paths = [address(one) for one in pages() if str(one) in STRANGERS]
        assert f"/done/{TOKEN}" in paths
        wrong = [trouble for path in paths for trouble in seen(shown, path)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("role", "language", "size"),
    [
        (Role.HEAD, "it", "phone"),
        (Role.TECHNICIAN, "en", "desk"),
        (Role.OFFICE, "en", "phone"),
        (Role.DEPUTY, "it", "desk"),
    ],
)
def test_a_form_that_is_sent_empty_is_answered_for_everybody(
    browser: Browser, house: Running, role: Role, language: str, size: str
) -> None:
    """What is wrong is said on a page like others."""
    with screen(browser, house.home, language, size) as shown:
        log_in(shown, WHO[role].name)
        paths = [address(one) for one in pages() if role in WHO_MAY.get(str(one), ())]
        wrong = [trouble for path in paths for trouble in answered(shown, path)]
    assert not wrong, "\n".join(wrong)


def test_what_is_wrong_is_seen(browser: Browser, house: Running) -> None:
    """A page without all that is found wanting in each of it."""
    with screen(browser, house.home) as shown:
        page = shown.open("/login")
        page.evaluate(SPOILT)
        found = troubles(shown) + by_tab(page)
    for wrong in ("image-alt", "2 headings", "no title", "another language", "sideways"):
        assert any(wrong in one for one in found), wrong
    assert any("no focus" in one and 'id="plain"' in one for one in found)
    assert any("by Tab" in one and 'id="trap"' in one for one in found)


def seen(shown: Screen, path: str) -> list[str]:
    """Open a page; returns what is wrong with it. Parts of pages are seen where they belong."""
    status = page_at(shown, path)
    if status is None:
        return []
    if status != 200 and path not in may_lack():
        return [f"{path}: {status}"]
    shown.page.goto(shown.home + path)
    wrong = troubles(shown) + (by_tab(shown.page) if shown.name == WITH_KEYS else [])
    keep(shown, path)
    return [f"{path}: {one}" for one in wrong]


@functools.cache
def may_lack() -> set[str]:
    """Return the addresses of what need not be there: that is said on a page like others."""
    placed = {one.path for one in pages() if "{" in one.path}
    return {*NOT_HERE, *(address(Entry("GET", path)) for path in placed - {*THERE})}


def page_at(shown: Screen, path: str) -> int | None:
    """Ask as the browser does; returns the status of a page, None for a part or a download."""
    answer = shown.page.context.request.get(shown.home + path)
    is_text = answer.headers.get("content-type", "").startswith("text/html")
    return answer.status if is_text and answer.text().lstrip()[:9].lower() == "<!doctype" else None


def keep(shown: Screen, path: str) -> None:
    """Keep a picture of the whole page."""
    EVERY.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", path.split("?")[0]).strip("-") or "home"
    shown.page.screenshot(path=EVERY / f"{name}-{shown.name}.png", full_page=True)


def answered(shown: Screen, path: str) -> list[str]:
    """Send every form of a page with nothing in it; returns what is wrong with the answers."""
    wrong: list[str] = []
    for number in range(_forms(shown, path)):
        if number:
            _forms(shown, path)
        with shown.page.expect_response(lambda one: one.request.method == "POST") as heard:
            shown.page.evaluate(SEND, number)
        shown.page.wait_for_load_state()
        expect(shown.page.locator(".htmx-request")).to_have_count(0)
        where = f"{path}: {heard.value.url.removeprefix(shown.home)}, {heard.value.status}"
        wrong += [f"{where}: {one}" for one in troubles(shown)]
        keep(shown, f"sent-{heard.value.url.removeprefix(shown.home)}-{number}")
    return wrong


def _forms(shown: Screen, path: str) -> int:
    """Open a page; returns how many of its forms ask for something."""
    if page_at(shown, path) is None:
        return 0
    shown.page.goto(shown.home + path)
    found: int = shown.page.evaluate(f"{ASKING}.length")
    return found
