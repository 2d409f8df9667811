"""The operator's desk in a real browser, with real calls: seen at once, and done by keys alone."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from appliance.calls.orders import Result
from appliance.errors import OfficeError
from appliance.policy.requests import Request
from appliance.policy.sheets import Sheet
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.phone.process import TestPhone
from appliance.store import requests, sheets, users
from appliance.store.database import connect, database_path, open_reader
from appliance.text import _
from tests.console import people
from tests.console.browser import FILLED, every_language, screen
from tests.console.running import Running, open_console
from tests.console.screens.entering import log_in
from tests.console.screens.filled_box import IRMA
from tests.helpers.box import Box
from tests.system.test_transfer import OfficeBox

pytestmark = pytest.mark.system

SHEET = Sheet(
    "residenza", "Cambio di residenza", "anagrafe", "Protocollo 3", date(2026, 11, 1),
    "# Documenti\n\n- carta d'identità\n- codice fiscale",
)  # fmt: skip
CALLERS = (f"05123456{number:02d}" for number in range(100))
"""Each caller has a number of their own: nothing of an earlier one is open."""
NOTED = _("Sheet “{title}” noted with the call of {at}.")
TAKEN_OVER = _("Taken over: request {n}.")


HEARD = """() => {
    window.heard = [];
    for (const id of ["shouted", "said"]) {
        const region = document.getElementById(id);
        new MutationObserver(() => {
            if (region.textContent) window.heard.push(`${region.ariaLive}: ${region.textContent}`);
        }).observe(region, {childList: true, characterData: true, subtree: true});
    }
}"""
"""Keep what a screen reader is given to say."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box with an office to transfer to, a sheet, and people who may log in; it may be killed."""
    folder = tmp_path_factory.mktemp("box")
    own = f'console = "{folder}/console"\n\n[console]\nlisten = "127.0.0.1"\nredirect_port = 0\n'
    with OfficeBox(folder, lines=2, ring=60, extra=own, languages=FILLED) as box:
        box.declare()
        with contextlib.closing(connect(database_path(box.state))) as connection:
            sheets.store(connection, (SHEET,))
            people.enter(connection)
        with open_console(box) as (process, home):
            yield Running(box, home, process)


@pytest.fixture
def none_left(office: Running) -> Iterator[None]:
    """Interrupted calls of the test are dealt with after it."""
    yield
    now = datetime.now(UTC).isoformat()
    for record in office.box.records():
        if record.result is Result.INTERRUPTED:
            closing = {"step": "close", "outcome": "not_needed", "by": people.CARLA.name, "at": now}
            with contextlib.suppress(OfficeError):  # the test has dealt with it
                office.box.ask("care", kind="call", name=record.call, **closing)


@pytest.fixture
def no_mark(office: Running) -> Iterator[None]:
    """Drafts bear no mark of an erasure after the test: others look for empty ones."""
    yield
    with contextlib.closing(connect(database_path(office.box.state))) as connection:
        connection.execute("DELETE FROM drafts")


@pytest.fixture
def attended(office: Running) -> Iterator[None]:
    """The switchboard is attended again after the test."""
    yield
    if office.box.status()["service"]["unattended"] is not None:
        office.box.ask("SetUnattended", on=False, by=people.CARLA.name, until=None)


@contextlib.contextmanager
def calling(box: Box) -> Iterator[str]:
    """Have somebody call, and stay on the line until the block ends; yields the number.

    The line becomes idle some seconds later: the next caller waits for it.
    """
    box.wait_until(box.is_idle, 30.0, "the line did not become idle")
    number = next(CALLERS)
    call = box.place(1, CallPlan(caller=number))
    try:
        yield number
    finally:
        call.hang_up()


def half_typed(office: Running) -> str:
    """Return what the box has kept of what is typed on the operator's desk."""
    with contextlib.closing(open_reader(database_path(office.box.state))) as connection:
        return users.find_draft(connection, people.CARLA.name, "desk", datetime.now(UTC))


@every_language
def test_call_control_keeps_nobody_out(browser: Browser, office: Running, language: str) -> None:
    """Every language, both sizes: no violation of WCAG 2.2 AA."""
    with screen(browser, office.home, language) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("#position-op1")).to_be_visible()
        shown.look("desk")


def test_a_new_call_appears_at_the_side_and_moves_nothing(
    browser: Browser, office: Running
) -> None:
    """E22: what is being typed stays, the focus stays, and the caller is there."""
    with screen(browser, office.home) as shown, office.box.phone("op1"):
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("#position-op1")).to_contain_text("libera")
        page.keyboard.type("resid")
        with calling(office.box) as number:
            call = page.locator("[data-call]")
            expect(call).to_contain_text(number)
            expect(call).to_contain_text("Squilla")
            assert page.evaluate("document.activeElement.id") == "search"
            assert page.locator("#search").input_value() == "resid"
            assert page.title().startswith("(1)")
            shown.look("desk-ringing")
            page.locator("#search").fill("")  # nothing half typed is left to the next one
            office.box.wait_until(lambda: not half_typed(office), 30.0, "it was not forgotten")


@pytest.mark.parametrize(("width", "height"), [(683, 384), (360, 740)], ids=["zoom", "phone"])
def test_a_call_is_in_sight_however_small_the_window(
    browser: Browser, office: Running, width: int, height: int
) -> None:
    """At 200 % zoom, or on a phone, the button that answers stays in view while one reads on."""
    with screen(browser, office.home) as shown, office.box.phone("op1"):
        page = log_in(shown, people.CARLA.name, "/desk")
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        with calling(office.box) as number:
            answer = page.locator("#call-bar").get_by_role("button", name="Rispondi")
            expect(page.locator("#call-bar")).to_contain_text(number)
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            assert page.evaluate("scrollY") > 0
            expect(answer).to_be_in_viewport(ratio=1)


def test_who_does_not_see_the_page_hears_who_calls(browser: Browser, office: Running) -> None:
    """A new call at once, and once more who it is: that comes after the first ring, or later."""
    with screen(browser, office.home) as shown, office.box.phone("op1"):
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("#position-op1")).to_contain_text("libera")
        page.evaluate(HEARD)
        with calling(office.box) as number:
            expect(page.locator("[data-call]")).to_contain_text(number)
            page.wait_for_function(
                "number => window.heard.some(one => one.includes(number))", arg=number
            )
            heard = page.evaluate("window.heard")
        first = next(one for one in heard if one)
        assert first.startswith("assertive: Chiamata per L1")
        assert sum(number in one for one in heard) == 1


def test_the_sheet_that_answered_is_kept_with_the_call(browser: Browser, filled: Running) -> None:
    """P2: found by any word while the caller is on the line; it names its source, leads to the
    counter's application, and stands in the call's record.
    """
    with (
        screen(browser, filled.home) as shown,
        filled.box.phone("op1") as op1,
        calling(filled.box) as caller,
    ):
        page = log_in(shown, IRMA.name, "/desk")
        expect(page.locator("[data-call][data-number]")).to_be_visible()
        op1.wait_event("ringing", 30.0)
        op1.answer()
        expect(page.locator(".desk-mine")).to_contain_text("In conversazione")
        page.keyboard.type("seconda casa")
        expect(page.locator("[data-found='sheet']")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("#sheet-title")).to_have_text("IMU: imposta municipale propria")
        sheet = page.locator("#sheet")
        expect(sheet).to_contain_text("Fonte: Regolamento IMU e delibera delle aliquote")
        application = sheet.get_by_role("link", name="Applicazione dello sportello")
        expect(application).to_have_attribute("href", "https://sportello.comune.esempio.it/imu")
        page.keyboard.press("Alt+Enter")
        expect(page.locator("#told-words")).to_contain_text("annotata con la chiamata")
    (record,) = [one for one in filled.box.records() if one.caller.number == caller]
    assert record.sheets == ("imu",)


@pytest.mark.parametrize(("language", "citizen"), [("it", "Ada Rossi"), ("de", "Ida Gruber")])
def test_a_whole_call_is_served_by_keys(
    browser: Browser, office: Running, language: str, citizen: str
) -> None:
    """P2, P3, P5, P6: sheet noted, transfer asked for, return finished in three fields.

    What was half typed is there again after a reload (E18); the number stays to be read aloud.
    """
    box = office.box
    noted = NOTED.filled(title=SHEET.title, at="…").text(language).partition("…")[0]
    taken_over = TAKEN_OVER.text(language).partition("{n}")[0]
    with (
        screen(browser, office.home, language) as shown,
        box.phone("op1") as op1,
        box.phone("ana1") as ana1,
        calling(box) as caller,
    ):
        ana1.answer_mode("decline", 300)
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("[data-call]")).to_contain_text(caller)
        op1.wait_event("ringing", 30.0)
        op1.answer()
        expect(page.locator(".desk-mine")).to_contain_text(_("Talking").text(language))
        page.keyboard.type("resid")
        expect(page.locator("[data-found='sheet']")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("#sheet-title")).to_have_text(SHEET.title)
        assert main_actions(page) == [_("Answered by this sheet").text(language)]
        page.keyboard.press("Alt+Enter")
        expect(page.locator("#told-words")).to_contain_text(noted)
        page.keyboard.press("F8")
        expect(page.locator("#office-filter")).to_be_focused()
        page.keyboard.type("RESID")
        expect(page.locator("[data-office]:visible")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("[data-office]:visible")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("[name=reason]:checked")).to_be_focused()
        shown.look("desk-transfer")
        assert main_actions(page) == [_("Call and announce").text(language)]
        page.keyboard.press("Enter")
        expect(page.locator(".desk-back")).to_contain_text(_("declined the call").text(language))
        expect(page.locator("#return-title")).to_have_text(
            f"{_('Return').text(language)}: Anagrafe"
        )
        page.locator("[data-rule=email]").press("Enter")
        expect(page.locator("#citizen")).to_be_focused()
        page.keyboard.type(citizen)
        assert page.locator("#contact").input_value() == caller
        assert page.locator("#subject").input_value() == SHEET.title
        shown.look("desk-return")
        page.reload()
        expect(page.locator("#citizen")).to_have_value(citizen)
        expect(page.locator("#subject")).to_have_value(SHEET.title)
        page.locator("#citizen").press("Enter")
        expect(page.locator("#return")).to_be_hidden()
        expect(page.locator("#told-words")).to_contain_text(taken_over)
        expect(page.locator("#told")).to_be_focused()
        told = page.locator("#told-words").inner_text()
        page.reload()
        expect(page.locator(".desk-back")).to_be_visible()
        expect(page.locator("#return")).to_be_hidden()  # it is done: not opened a second time
        page.keyboard.press("Alt+n")
        expect(page.locator("#note-call")).to_contain_text(caller)
        page.locator("#difficult").press("Space")
        page.keyboard.press("Alt+n")
        page.keyboard.type("alza la voce")
        page.keyboard.press("Enter")
        expect(page.locator("#told-words")).to_have_text(_("Note added.").text(language))
        expect(page.locator("#note")).to_have_value("")
        shown.look("desk-noted")
        taken = max(requests_of(box), key=lambda one: one.number)
        assert told == f"{taken_over}{taken.number}."
        assert (taken.unit, taken.citizen.name, taken.citizen.phone) == (
            "anagrafe", citizen, caller,
        )  # fmt: skip
        assert taken.by == people.CARLA.name
        page.locator("#search").fill("")  # nothing half typed is left to the next one
        box.wait_until(lambda: not half_typed(office), 30.0, "it was not forgotten")
    record = next(one for one in box.records() if one.caller.number == caller)
    assert (record.sheets, record.returned) == ((SHEET.code,), "declined")


def test_an_announced_caller_is_handed_over_by_keys(browser: Browser, office: Running) -> None:
    """P3: the bar says with whom one talks; to the caller, to the office again, handed over."""
    box = office.box
    with (
        screen(browser, office.home) as shown,
        box.phone("op1") as op1,
        box.phone("ana1") as ana1,
        calling(box) as caller,
    ):
        ana1.answer_mode("auto", 300)
        page = log_in(shown, people.CARLA.name, "/desk")
        bar = page.locator("#call-bar")
        expect(bar).to_contain_text(caller)
        op1.wait_event("ringing", 30.0)
        op1.answer()
        expect(page.locator(".desk-mine")).to_contain_text("In conversazione")
        page.keyboard.press("F8")
        page.keyboard.type("RESID")
        expect(page.locator("[data-office]:visible")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("[data-office]:visible")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("[name=reason]:checked")).to_be_focused()
        page.keyboard.press("Enter")
        expect(bar).to_contain_text("Stai parlando con Anagrafe")
        expect(bar).to_be_focused()  # what follows: the office's keys are its next ones
        expect(bar).to_contain_text(f"{caller} è in attesa")
        shown.look("desk-announced")
        page.keyboard.press("Shift+F4")
        expect(bar).to_contain_text("Anagrafe è in attesa")
        expect(page.locator("#told-words")).to_contain_text("In linea con l'utente")
        shown.look("desk-office-waits")
        page.keyboard.press("Shift+F4")
        expect(bar).to_contain_text("Stai parlando con Anagrafe")
        page.keyboard.press("F8")
        expect(page.locator("#told-words")).to_contain_text("Chiamata passata all'ufficio")
        expect(bar).to_have_attribute("data-state", "idle")
        expect(page.locator("[data-call]")).to_contain_text("In comunicazione: Anagrafe")
    box.wait_until(box.is_idle, 60.0, "the line did not become idle")
    record = next(one for one in box.records() if one.caller.number == caller)
    assert (record.unit, record.returned) == ("anagrafe", "")
    with screen(browser, office.home) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        latest = page.get_by_role("list", name="Ultime")
        expect(latest).to_contain_text(caller)
        expect(latest).to_contain_text("trasferita: Anagrafe")
        shown.look("desk-latest")


COUNTS = """() => [...document.querySelectorAll("#offices ul")].map(one => [
    one.checkVisibility(), one.previousElementSibling.checkVisibility(),
    Number(one.previousElementSibling.querySelector(".count").textContent),
    [...one.querySelectorAll("[data-office]")].filter(each => each.checkVisibility()).length,
])"""
"""Each group of offices: seen, its heading seen, its count, its rows seen."""


def test_counts_of_offices_follow_the_filter(browser: Browser, office: Running) -> None:
    """A group with no office left is hidden; none at all is said."""
    with screen(browser, office.home) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("[data-office]").first).to_be_visible()
        for typed in ("resid", "xyzzy", ""):
            page.locator("#office-filter").fill(typed)
            for seen, headed, count, rows in page.evaluate(COUNTS):
                assert (seen, headed, count) == (rows > 0, rows > 0, rows), typed
            expect(page.locator("#offices-none")).to_be_visible(visible=typed == "xyzzy")


def test_a_whole_call_in_english_ends_with_an_appointment(
    browser: Browser, office: Running
) -> None:
    """The office cannot be had: its rule at once, by keys (P5, E23); every word in English."""
    with (
        screen(browser, office.home, "en") as shown,
        office.box.phone("op1") as op1,
        calling(office.box),
    ):
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("[data-call][data-number]")).to_be_visible()
        op1.wait_event("ringing", 30.0)
        op1.answer()
        expect(page.locator(".desk-mine")).to_contain_text("Talking")
        page.keyboard.press("F8")
        expect(page.locator("#office-filter")).to_be_focused()
        page.keyboard.type("anag")
        page.keyboard.press("ArrowDown")
        expect(page.locator("[data-office]:visible").first).to_be_focused()
        shown.picture("desk-transfer")
        page.keyboard.press("Enter")
        page.locator("[data-take-over]").press("Enter")
        expect(page.locator("#return-title")).to_contain_text("Anagrafe")
        page.keyboard.type("Bruno Neri")
        page.locator("#subject").fill("Change of residence")
        page.locator("#starts").fill("2030-01-08T10:00")
        shown.look("desk-appointment")
        page.locator("#citizen").press("Enter")
        expect(page.locator("#told-words")).to_contain_text("Taken over: request")
        expect(page.locator("#return")).to_be_hidden()
    taken = max(requests_of(office.box), key=lambda one: one.number)
    assert (taken.citizen.name, taken.rule.value) == ("Bruno Neri", "appointment")
    assert taken.appointment is not None


def main_actions(page: Page) -> list[str]:
    """Return the buttons of the page that are filled in the colour of a main action."""
    found: list[str] = page.evaluate("""() => {
        const probe = document.createElement("button");
        probe.className = "button primary";
        document.body.append(probe);
        const filled = getComputedStyle(probe).backgroundColor;
        probe.remove();
        return [...document.querySelectorAll(".button")]
            .filter(one => one.checkVisibility({visibilityProperty: true}))
            .filter(one => getComputedStyle(one).backgroundColor === filled)
            .map(one => [...one.childNodes].filter(part => part.nodeName !== "KBD")
                .map(part => part.textContent).join("").trim());
    }""")
    return found


def cut_power(box: Box) -> None:
    """Have every process of the box end at once, call control and those that hold the lines."""
    for pid in box.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    box.kill()


def requests_of(box: Box) -> list[Request]:
    """Return the requests that are kept."""
    with contextlib.closing(open_reader(database_path(box.state))) as connection:
        return [kept.request for kept in requests.list_requests(connection)]


@pytest.mark.usefixtures("attended")
def test_a_state_is_set_in_its_dialog_and_taken_back(browser: Browser, office: Running) -> None:
    """No letter sets it; the dialog asks until when; undone within ten seconds (E22)."""
    with screen(browser, office.home) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        page.locator(".desk-side").focus()
        page.keyboard.type("n")
        assert page.locator("#search").input_value() == "n"
        page.locator("#search").fill("")  # nothing half typed is left to the next one
        page.locator("#state-open").press("Enter")
        page.locator("#state-form [value=unattended]").press("Space")
        shown.look("desk-state-dialog")
        page.keyboard.press("Enter")
        state = page.locator("#house-unattended")
        expect(state).to_contain_text(f"impostato da {people.CARLA.shown}")
        expect(page.locator("#state-dialog")).to_be_hidden()
        expect(page.locator("#undo")).to_be_visible()
        shown.look("desk-unattended")
        page.locator(".desk-side").focus()
        page.keyboard.press("Control+z")
        expect(state).to_have_count(0)
        assert office.box.status()["service"]["unattended"] is None
        office.box.wait_until(lambda: not half_typed(office), 30.0, "it was not forgotten")


@pytest.mark.usefixtures("attended")
def test_a_state_is_taken_back_before_its_answer_has_come(
    browser: Browser, office: Running
) -> None:
    """Who is quick sees the new state sooner than the answer, and is obeyed all the same."""
    with screen(browser, office.home) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        held: list[tuple[Route, APIResponse]] = []

        def hold(route: Route) -> None:
            """Keep the first answer back, and let all later ones through."""
            if held:
                route.continue_()
            else:
                held.append((route, route.fetch()))

        def has_come() -> bool:
            page.wait_for_timeout(20)
            return bool(held)

        page.route("**/desk/state", hold)
        page.locator("#state-open").press("Enter")
        page.locator("#state-form [value=unattended]").press("Space")
        page.keyboard.press("Enter")
        state = page.locator("#house-unattended")
        expect(state).to_contain_text(people.CARLA.shown)
        page.keyboard.press("Escape")
        page.locator(".desk-side").focus()
        page.keyboard.press("Control+z")
        # the state is shown by the live page, which may be sooner than the answer has come here
        office.box.wait_until(has_come, 30.0, "no answer")
        ((route, answer),) = held
        route.fulfill(response=answer)
        expect(state).to_have_count(0)
        assert office.box.status()["service"]["unattended"] is None


@pytest.mark.usefixtures("attended")
def test_what_was_done_is_taken_back_one_by_one(browser: Browser, office: Running) -> None:
    """The last thing first, each within its ten seconds; the row says how long is left (E22)."""
    with screen(browser, office.home) as shown, office.box.phone("op1"):
        page = log_in(shown, people.CARLA.name, "/desk")
        away, state = page.locator("#state-away [type=submit]"), page.locator("#house-unattended")
        expect(away).to_have_attribute("aria-pressed", "false")
        page.keyboard.press("Alt+a")
        expect(away).to_have_attribute("aria-pressed", "true")
        page.locator("#state-open").press("Enter")
        page.locator("#state-form [value=unattended]").press("Space")
        page.keyboard.press("Enter")
        expect(state).to_be_visible()
        expect(page.locator("#undo-left")).to_contain_text("ancora")
        page.locator(".desk-side").focus()
        page.keyboard.press("Control+z")
        expect(state).to_have_count(0)
        expect(away).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("Control+z")
        expect(away).to_have_attribute("aria-pressed", "false")


def test_what_was_done_last_covers_nothing(browser: Browser, office: Running) -> None:
    """The row that says it stands below the three parts of the desk, on a desk's screen."""
    with screen(browser, office.home) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        page.keyboard.type("residenza")
        page.keyboard.press("Enter")
        expect(page.locator("#sheet-title")).to_have_text(SHEET.title)
        page.keyboard.press("Alt+Enter")
        told = page.locator("#told")
        expect(told).to_be_visible()
        top = page.evaluate("document.getElementById('told').getBoundingClientRect().top")
        ends = page.evaluate(
            "[...document.querySelectorAll('.desk > section')]"
            ".map(one => one.getBoundingClientRect().bottom)"
        )
        assert max(ends) <= top
        page.locator("#search").fill("")
        office.box.wait_until(lambda: not half_typed(office), 30.0, "it was not forgotten")


@pytest.mark.usefixtures("none_left")
def test_a_call_that_a_power_cut_interrupted_is_dealt_with(
    browser: Browser, office: Running
) -> None:
    """E18: who it was, with whom, and how far it was; closed by keys with what came of it."""
    with (
        screen(browser, office.home) as shown,
        office.box.phone("op1") as op1,
        calling(office.box) as caller,
    ):
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("[data-call][data-number]")).to_be_visible()
        op1.wait_event("ringing", 30.0)
        op1.answer()
        expect(page.locator(".desk-mine")).to_contain_text("In conversazione")
        cut_power(office.box)
        office.box.start()
        expect(page.locator("#interrupted-count")).to_contain_text("Chiamate interrotte: 1")
        page.keyboard.press("Alt+i")
        one = page.locator("#interrupted li")
        expect(one).to_contain_text(caller)
        expect(one).to_contain_text("Parlava con op1")
        shown.look("desk-interrupted")
        one.locator("form[data-shows] button").press("Enter")
        expect(page.locator("#interrupted")).to_contain_text("Non ne restano da richiamare.")
        expect(page.locator("#interrupted-count")).to_have_count(0)


@pytest.mark.usefixtures("none_left")
def test_a_return_half_typed_outlives_the_box_and_the_browser(
    browser: Browser, office: Running
) -> None:
    """E18: a power cut takes call, box and browser; the form is there again, and is taken over."""
    box = office.box
    with (
        screen(browser, office.home) as shown,
        box.phone("op1") as op1,
        box.phone("ana1") as ana1,
        calling(box) as caller,
    ):
        ana1.answer_mode("decline", 300)
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("[data-call][data-number]")).to_be_visible()
        op1.wait_event("ringing", 30.0)
        op1.answer()
        expect(page.locator(".desk-mine")).to_contain_text("In conversazione")
        page.keyboard.press("F8")
        expect(page.locator("#office-filter")).to_be_focused()
        page.keyboard.type("RESID")
        expect(page.locator("[data-office]:visible")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("[data-office]:visible")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("[name=reason]:checked")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#return-title")).to_contain_text("Ritorno: Anagrafe")
        page.locator("[data-rule=email]").press("Enter")
        expect(page.locator("#citizen")).to_be_focused()
        page.keyboard.type("Ida Neri")
        page.locator("#subject").fill("Stato di famiglia")
        box.wait_until(lambda: "Stato di famiglia" in kept(box), 30.0, "it was not kept")
        cut_power(box)
        box.start()
    with screen(browser, office.home) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("#citizen")).to_have_value("Ida Neri")
        expect(page.locator("#subject")).to_have_value("Stato di famiglia")
        expect(page.locator("#contact")).to_have_value(caller)
        shown.look("desk-drafted")
        page.locator("#citizen").press("Enter")
        expect(page.locator("#return")).to_be_hidden()
        expect(page.locator("#told-words")).to_contain_text("Presa in carico")
        box.wait_until(lambda: kept(box) == "", 30.0, "it was not forgotten")


@pytest.mark.usefixtures("no_mark")
def test_an_erased_caller_does_not_come_back(browser: Browser, office: Running) -> None:
    """E20: a form names its call beside a later one; erased, it leaves the page and stays away."""
    box = office.box
    with screen(browser, office.home) as shown, box.phone("op1") as op1:
        page = log_in(shown, people.CARLA.name, "/desk")
        with calling(box) as erased:
            take_over(page, op1, "Ugo Verdi")
        expect(page.locator("[data-call]")).to_have_count(0)
        with calling(box) as other:
            answer(page, op1, other)
            page.reload()
            expect(page.locator("#citizen")).to_have_value("Ugo Verdi")
            expect(page.locator("[data-of-call]")).to_contain_text(erased)
            page.goto(f"{office.home}/account")
            asked = {"number": erased, "reason": "lettera", "by": people.ANNA.name}
            assert box.ask("erase", **asked)["done"] is not False
            page.goto(f"{office.home}/desk")
            expect(page.locator("#told-words")).to_contain_text("cancellati")
            expect(page.locator("#return")).to_be_hidden()
            page.locator("#note").fill("residenza")
            box.wait_until(lambda: "residenza" in kept(box), 30.0, "it was not kept")
            assert "Ugo" not in kept(box) + page.evaluate("JSON.stringify(sessionStorage)")
            page.locator("#note").fill("")


@pytest.mark.usefixtures("no_mark")
def test_an_erased_caller_leaves_the_open_page(browser: Browser, office: Running) -> None:
    """E20: what the page holds is not kept again, and goes as soon as it wants to keep it."""
    box = office.box
    with screen(browser, office.home) as shown, box.phone("op1") as op1:
        page = log_in(shown, people.CARLA.name, "/desk")
        with calling(box) as erased:
            take_over(page, op1, "Ugo Verdi")
        box.wait_until(lambda: "Ugo" in kept(box), 30.0, "it was not kept")
        box.wait_until(box.is_idle, 30.0, "the line did not become idle")
        box.ask("erase", number=erased, reason="lettera", by=people.ANNA.name)
        page.locator("#subject").fill("Stato di famiglia")
        expect(page.locator("#return")).to_be_hidden()
        assert "Ugo" not in kept(box)


def answer(page: Page, phone: TestPhone, caller: str) -> None:
    """Answer a caller at the phone."""
    expect(page.locator("[data-call]")).to_contain_text(caller)
    phone.wait_event("ringing", 30.0)
    phone.answer()
    expect(page.locator(".desk-mine")).to_contain_text("In conversazione")


def take_over(page: Page, phone: TestPhone, name: str) -> None:
    """Answer the caller, take their request over for an office and type the name."""
    expect(page.locator("[data-call][data-number]")).to_be_visible()
    phone.wait_event("ringing", 30.0)
    phone.answer()
    expect(page.locator(".desk-mine")).to_contain_text("In conversazione")
    page.locator("[data-office]:not([data-later])").first.click()
    page.locator("[data-take-over]").click()
    expect(page.locator("#citizen")).to_be_focused()
    page.keyboard.type(name)


def kept(box: Box) -> str:
    """Return what the box has kept of what the operator types."""
    with contextlib.closing(open_reader(database_path(box.state))) as connection:
        return users.find_draft(connection, people.CARLA.name, "desk", datetime.now(UTC))


def test_call_control_that_is_gone_is_a_banner_and_comes_back(
    browser: Browser, office: Running
) -> None:
    """What was last known stays; the page is live again by itself. Pages without calls say it, too,
    and open.
    """
    with screen(browser, office.home) as shown, screen(browser, office.home) as stranger:
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("#desk-away")).to_be_hidden()
        expect(stranger.open("/").locator("#desk-away")).to_be_hidden()
        office.box.stop()
        try:
            expect(page.locator("#desk-away")).to_be_visible()
            expect(page.locator("#position-op1")).to_be_visible()
            expect(stranger.open("/").locator("#desk-away")).to_be_visible()
            stranger.look("desk-away")
        finally:
            office.box.start()
        expect(page.locator("#desk-away")).to_be_hidden()
        expect(stranger.open("/").locator("#desk-away")).to_be_hidden()


def test_the_console_stops_at_once_though_browsers_listen(
    browser: Browser, office: Running
) -> None:
    """An update is not kept waiting by open pages."""
    with open_console(office.box) as (process, home), screen(browser, home) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("#position-op1")).to_be_visible()
        process.terminate()
        assert process.wait(30.0) == 0
    # what uvicorn says when it has waited in vain for somebody who listens
    assert "graceful shutdown exceeded" not in (office.box.folder / "console.log").read_text()
