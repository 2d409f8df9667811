"""The head's pages in a real browser before a real box: sheets, announcements, hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.dsp import wav
from appliance.dsp.wav import Law
from tests.console.browser import screen
from tests.console.people import ANNA, CARLA
from tests.console.running import Running
from tests.console.screens.entering import log_in
from tests.console.test_announcements import tone
from tests.stories.offices import ROME

pytestmark = pytest.mark.system

SHEETS = Path(str(resources.files("appliance.config") / "example_sheets"))
LENGTH = """() => new Promise(done => {
  const audio = document.querySelector("audio");
  audio.onloadedmetadata = () => done(audio.duration);
  audio.onerror = () => done(-1);
  setTimeout(() => done(-2), 30000);
  audio.load();
})"""
TODAY = datetime.now(ROME).date()
LAST_OF_FEBRUARY = date(TODAY.year + 1, 3, 1) - timedelta(days=1)
WALK = (
    ("ArrowLeft", "01-01"), ("ArrowUp", "01-01"), ("PageUp", "01-01"), ("ArrowRight", "01-02"),
    ("ArrowDown", "01-09"), ("PageDown", "02-09"), ("Shift+ArrowLeft", "02-09"),
    ("ArrowLeft", "02-08"), ("PageDown", "03-08"), ("PageDown", "04-08"), ("ArrowUp", "04-01"),
    ("ArrowLeft", "03-31"), ("PageUp", f"{LAST_OF_FEBRUARY:%m-%d}"),
)  # fmt: skip
"""Keys in the calendar of next year, and the day that has the focus then."""
WEEKDAY = """() => {
  const day = document.activeElement.closest("td");
  return [...day.parentElement.cells].indexOf(day);
}"""
SUNDAY = TODAY + timedelta(days=13 - TODAY.weekday())
PAGE = "/announcements/it/hold"
OWN = """+++
title = "Tassa sui gatti"
source = "Regolamento 1931"
updated = 2019-03-01
+++
Abolita.
"""


@pytest.fixture
def own_sheet(filled: Running) -> Iterator[str]:
    """A sheet of one test alone; returns its code."""
    filled.box.ask("sheet_save", by=ANNA.name, code="gatti", text=OWN)
    yield "gatti"
    filled.box.ask("sheet_remove", by=ANNA.name, code="gatti")


@pytest.fixture
def hours_as_before(filled: Running) -> Iterator[None]:
    """Whatever hours are entered are revoked after the test."""
    yield
    for listed, revoke in (("hours_ahead", "hours_revoke"), ("weeks", "week_revoke")):
        for each in filled.box.ask(listed)["entries"]:
            if each["holds"]:
                form = {"number": each["number"], "reference": "test"}
                filled.box.ask(revoke, by=ANNA.name, form=form)


def test_an_announcement_is_replaced_and_brought_back(
    browser: Browser, filled: Running, tmp_path: Path
) -> None:
    """A recording is uploaded; the browser plays it; the original is two clicks away."""
    file = tmp_path / "own.wav"
    wav.write(file, wav.Sound(tone(1.0), Law.LINEAR16))
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, PAGE)
        page.get_by_label("File (.wav)").set_input_files(file)
        page.get_by_role("button", name="Falla ascoltare agli utenti").click()
        page.wait_for_url(f"**{PAGE}?saved=1")
        assert page.evaluate(LENGTH) == pytest.approx(1.2, abs=0.02)
        shown.look("announcement-own")
        page.get_by_text("Ripristina l'originale").click()
        shown.look("announcement-restore")
        page.get_by_role("button", name="Sì, elimina la registrazione").click()
        page.wait_for_url(f"**{PAGE}?restored=1")


def test_a_sheet_is_edited_by_keys(browser: Browser, filled: Running, own_sheet: str) -> None:
    """From the text to what changes to the list, without a mouse; then files."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, f"/sheets/edit?code={own_sheet}")
        page.keyboard.press("Control+End")
        page.keyboard.type("Dal 1992.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sheets/check")
        shown.look("sheet-preview")
        page.get_by_role("button", name="Salva la scheda").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/sheets?saved=1")
        page.get_by_label("Cerca nelle schede").fill("1992")
        page.locator("#rows li").nth(1).wait_for(state="detached")
        assert "Tassa sui gatti" in page.locator("#rows li").inner_text()
        page.get_by_label("File (.md)").set_input_files(sorted(SHEETS.glob("*.md"))[:2])
        page.get_by_role("button", name="Vedi che cosa cambia").click()
        page.wait_for_url("**/sheets/upload")
        shown.look("sheets-from-files")


@pytest.mark.usefixtures("hours_as_before")
def test_a_sunday_is_opened_without_a_mouse(browser: Browser, filled: Running) -> None:
    """Days, hours, what changes, saved (E14); the calendar and the list have it at once."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, f"/hours/new?first={SUNDAY}")
        page.get_by_role("button", name="Avanti: che cosa vale").press("Enter")
        page.get_by_label("Domenica").fill("9-12")
        page.get_by_label("Motivo, che gli operatori leggono").fill("Mercatini")
        page.get_by_label("Riferimento: chi l'ha detto e quando").fill("e-mail, 8:05")
        page.get_by_role("button", name="Avanti: che cosa cambia").press("Enter")
        page.get_by_text("09:00-12:00, «Mercatini»").first.wait_for()
        shown.look("hours-preview")
        page.get_by_role("button", name="Salva: in vigore da subito").press("Enter")
        page.wait_for_url("**/hours?saved=1#entered")
        shown.look("hours-entered")
        assert "Mercatini" in page.locator("section[aria-labelledby=entered]").inner_text()


def test_the_year_is_one_stop_and_days_are_reached_by_arrows(
    browser: Browser, filled: Running
) -> None:
    """Tab goes in and out of the calendar; keys of a grid move inside, and not out of the year."""
    year = TODAY.year + 1
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, f"/hours?year={year}")
        stops = page.locator(".house-months a[tabindex='0']")
        expect(stops).to_have_count(1)
        stops.focus()
        for key, day in WALK:
            page.keyboard.press(key)
            expect(page.locator(":focus")).to_have_attribute("data-day", f"{year}-{day}")
        page.keyboard.press("Home")
        assert page.evaluate(WEEKDAY) == 0
        page.keyboard.press("End")
        assert page.evaluate(WEEKDAY) in (6, LAST_OF_FEBRUARY.weekday())
        expect(stops).to_have_count(1)
        page.keyboard.press("Enter")
        chosen = page.locator(":focus").get_attribute("data-day")
        assert chosen is not None
        expect(page.locator("#day h2")).to_contain_text(str(int(chosen[-2:])))
        shown.look("hours-year-by-keys")
        page.keyboard.press("Tab")
        expect(page.locator(".house-months :focus")).to_have_count(0)


@pytest.mark.usefixtures("hours_as_before")
def test_a_week_is_changed_without_a_mouse(browser: Browser, filled: Running) -> None:
    """Hours, the drawing of what changes, what a caller meets, saved; the page says what holds."""
    since = TODAY + timedelta(days=1)
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, "/hours/week")
        page.get_by_label("Da quale giorno").fill(since.isoformat())
        page.get_by_label("Lunedì").fill("8-12:30 15-17")
        page.get_by_label("Martedì").fill("8:30-13")
        page.get_by_label("Riferimento: chi l'ha detto e quando").fill("delibera 9")
        page.get_by_role("button", name="Avanti: che cosa cambia").press("Enter")
        page.get_by_role("heading", name="Che cosa trova chi chiama").wait_for()
        shown.look("hours-week-preview")
        page.get_by_role("button", name="Salva: in vigore da").press("Enter")
        page.wait_for_url("**/hours?saved=week#weeks")
        shown.look("hours-week-entered")
        assert "a venire" in page.locator("section[aria-labelledby=weeks]").inner_text()


def test_a_callers_data_are_looked_for_by_keys(browser: Browser, filled: Running) -> None:
    """What would be erased is shown, a reason is asked for; nothing of that is kept here."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, "/retention")
        page.get_by_label("Il numero", exact=True).fill("347 9999999")
        page.get_by_role("button", name="Vedi che cosa sparirebbe").press("Enter")
        page.get_by_text("Sparirebbero (nulla è stato toccato)").wait_for()
        page.get_by_label("Perché si cancella").fill("lettera dell'utente")
        shown.look("erase-preview")
        page.get_by_role("button", name="Cancella per sempre").press("Enter")
        page.get_by_role("alert").wait_for()
        assert "niente da cancellare" in page.get_by_role("alert").inner_text()


def test_a_printed_report_has_figures_and_no_menus(
    browser: Browser, filled: Running, tmp_path: Path
) -> None:
    """What goes into a file is the report: of which days, of which office; no menu, no form."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, "/reports?since=2026-10-01&until=2026-10-31")
        page.emulate_media(media="print")
        for hidden in (page.get_by_role("navigation"), page.get_by_role("button")):
            assert [one.is_visible() for one in hidden.all() if one.is_visible()] == []
        expect(page.get_by_label("Dal", exact=True)).to_be_hidden()
        expect(page.get_by_text("Rapporto dal 1° ottobre 2026 al 31 ottobre 2026")).to_be_visible()
        expect(page.get_by_role("heading", name="Chiamate")).to_be_visible()
        page.emulate_media(media="screen")
        expect(page.get_by_text("Rapporto dal 1° ottobre 2026 al 31 ottobre 2026")).to_be_hidden()


def test_a_printed_list_of_calls_names_who_called(browser: Browser, filled: Running) -> None:
    """On the screen a number is a button, which calls it; on paper it is a number."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, CARLA.name, "/calls")
        number = page.locator("main [data-dial]").first
        page.emulate_media(media="print")
        expect(number).to_be_visible()
        expect(number.locator(".icon")).to_be_hidden()


def test_a_long_name_widens_no_page(browser: Browser, filled: Running) -> None:
    """A heading and a list's entry break within a word: at 200 % nobody scrolls sideways."""
    with screen(browser, filled.home, size="phone") as shown:
        page = log_in(shown, ANNA.name, "/users/carla")
        page.locator("h1").evaluate("one => { one.textContent = 'N'.repeat(64) }")
        page.locator("#unit option").last.evaluate(
            "one => { one.textContent = 'U'.repeat(120); one.selected = true }"
        )
        assert shown.wider_by() <= 0
        page.goto(f"{filled.home}/register")
        page.locator("main h2").last.evaluate("one => { one.textContent = 'S'.repeat(120) }")
        assert shown.wider_by() <= 0
