"""The browser of journeys, before a page that is served to it alone: no box, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Route

from tests.journeys.harness.browser import KEY_MS, Window, computer, window
from tests.journeys.harness.reports import rows_of_csv, text_of_page, text_of_pdf
from tests.journeys.harness.steps import Journey, StepError, wait_until

pytestmark = pytest.mark.system

HOME: Final = "http://ufficio.example"
PAGE: Final = """<!doctype html>
<html lang="it"><title>Sportello</title>
<nav aria-label="Pagine"><a href="/a">Messaggi <b>3</b></a><a href="/b">Chiamate</a></nav>
<section aria-label="Modulo"><label>Nome <kbd>n</kbd><input></label>
<label><kbd>o</kbd> Oggetto<input value="prima"></label><button>Salva</button></section>
<p hidden>non si vede</p><p id="times"></p>
<script>
  const times = [];
  document.addEventListener("keydown", (event) => {
    times.push(event.timeStamp);
    document.getElementById("times").textContent =
      times.length < 3 ? "" : String(Math.round((times.at(-1) - times[0]) / (times.length - 1)));
  });
  document.querySelector("button").addEventListener("click", () => WHAT);
</script>"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this file."""
    with computer(tmp_path_factory.mktemp("computer")) as started:
        yield started


@pytest.fixture
def steps(tmp_path: Path) -> Journey:
    """A journey of one sentence."""
    return Journey("a visit", ("She presses Salva.",), tmp_path / "kept")


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, steps: Journey) -> Iterator[Window]:
    """The page, whose button does what the test's parameter says in JavaScript."""
    html = PAGE.replace("WHAT", getattr(request, "param", "null"))

    def serve(route: Route) -> None:
        if route.request.url.endswith("/broken"):
            route.fulfill(status=500, body="")
        elif route.request.url.endswith("/away"):
            route.abort("connectionrefused")
        else:
            route.fulfill(content_type="text/html", body=html)

    with window(steps, browser, "ada", HOME) as opened:
        opened.page.route("**/*", serve)
        opened.go_to("/")
        yield opened


def test_it_types_at_a_persons_speed(page: Window) -> None:
    """Fields are found by their labels, beside which a key may stand; what is there is replaced."""
    page.write("Nome", "Ada Rossi")
    assert page.field("Nome").input_value() == "Ada Rossi"
    assert int(page.page.locator("#times").inner_text()) >= KEY_MS
    page.rewrite("Oggetto", "dopo")
    assert page.field("Oggetto").input_value() == "dopo"


def test_it_reads_what_is_shown(page: Window) -> None:
    """What is hidden is not read; an entry of the menu is found though a number stands behind."""
    page.sees("Messaggi", "Salva")
    page.sees_no("non si vede")
    with pytest.raises(AssertionError):
        page.sees("non si vede", limit_ms=300)
    page.open("Messaggi")
    assert page.page.url == f"{HOME}/a"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("nothing.of.the.kind()", "nothing is not defined"),
        ("fetch('/broken')", "/broken: 500"),
        ("fetch('/away').catch(() => 0)", "/away: net::ERR_CONNECTION_REFUSED"),
        ("console.error('it went wrong')", "it went wrong"),
    ],
    indirect=["page"],
)
def test_what_goes_wrong_behind_the_page_fails_the_step(
    page: Window, steps: Journey, words: str
) -> None:
    """An error of a script, an answer of 5xx, a request without an answer, a complaint."""
    page.click("button", "Salva")
    wait_until(lambda: has_noticed(page), 10.0, "nothing was noticed")
    with pytest.raises(StepError, match="behind the person's back") as caught, steps.step(1):
        pass
    assert words in str(caught.value)


def has_noticed(page: Window) -> bool:
    """Ask the page something, so that what it has told is heard, and look."""
    page.page.title()
    return bool(page.troubles or page.shown.troubles)


def test_a_failed_step_leaves_a_picture_and_the_text(page: Window, steps: Journey) -> None:
    """Of the page as it was then, with its address."""
    page.write("Nome", "Ada")
    with pytest.raises(StepError, match=r"She presses Salva\."), steps.step(1):
        page.sees("Salvato.", limit_ms=300)
    picture, words = (steps.folder / f"step-01-ada.{end}" for end in ("png", "txt"))
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = words.read_text(encoding="utf-8")
    assert text.startswith(f"Sportello\n{HOME}/\n")
    assert "Salva" in text


def test_a_pdf_is_read(page: Window, browser: Browser, tmp_path: Path) -> None:
    """As a person reads it; a file that is none, and one without words, are refused."""
    paper, empty = tmp_path / "report.pdf", tmp_path / "empty.pdf"
    page.page.pdf(path=paper)
    assert "Oggetto" in text_of_pdf(paper)
    page.page.set_content("<p></p>")
    page.page.pdf(path=empty)
    with pytest.raises(AssertionError, match="no text"):
        text_of_pdf(empty)
    (tmp_path / "none.pdf").write_text("Oggetto", encoding="utf-8")
    with pytest.raises(AssertionError, match="no PDF"):
        text_of_pdf(tmp_path / "none.pdf")


def test_a_page_on_the_disk_is_read(browser: Browser, tmp_path: Path) -> None:
    """What is hidden is not; a picture that is missing beside it is told."""
    report = tmp_path / "report.html"
    report.write_text("<h1>Esito</h1><p hidden>x</p>", encoding="utf-8")
    assert text_of_page(browser, report) == "Esito"
    report.write_text("<h1>Esito</h1><img src='plot.png'>", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"plot\.png"):
        text_of_page(browser, report)


def test_a_table_is_read(tmp_path: Path) -> None:
    """With commas or semicolons, with the mark that some programmes write first."""
    table = tmp_path / "calls.csv"
    table.write_text("giorno,chiamate\n1,20\n", encoding="utf-8")
    assert rows_of_csv(table) == [{"giorno": "1", "chiamate": "20"}]
    table.write_text('\ufeffgiorno;chiamate\n1;"20;5"\n', encoding="utf-8")
    assert rows_of_csv(table) == [{"giorno": "1", "chiamate": "20;5"}]
    for wrong in ("giorno;chiamate\n1\n", "giorno;chiamate\n1;2;3\n", "giorno\n1\n"):
        table.write_text(wrong, encoding="utf-8")
        with pytest.raises(AssertionError):
            rows_of_csv(table)
