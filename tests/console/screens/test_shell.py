"""The shell of every page in a real browser: keys, the language, errors, and what checks see."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from appliance.simulator.exchange.call import CallPlan
from tests.console import people
from tests.console.browser import axe, screen
from tests.console.running import Running
from tests.console.screens.entering import carry
from tests.console.screens.filled_box import IRMA
from tests.console.screens.looking import acts_by_letters

pytestmark = pytest.mark.system


def test_an_error_is_a_page_like_others(browser: Browser, filled: Running) -> None:
    """Who mistypes an address finds the way back (test_every_page.py looks at the page itself)."""
    with screen(browser, filled.home) as shown:
        page = shown.open("/static/nowhere", status=404)
        page.get_by_role("main").get_by_role("link").click()
        assert page.url == filled.home + "/"


def test_the_content_is_one_key_away(browser: Browser, filled: Running) -> None:
    """The first key Tab offers to skip what stands on every page; Enter goes to the content."""
    with screen(browser, filled.home) as shown:
        page = shown.open("/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_language_is_chosen_by_keys_and_stays(browser: Browser, filled: Running) -> None:
    """Who wants the other language has it from then on."""
    with screen(browser, filled.home) as shown:
        page = shown.open("/")
        button = page.get_by_role("button", name="English")
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.documentElement.lang === 'en'")
        assert shown.open("/").locator("html").get_attribute("lang") == "en"


def test_the_checks_see_what_is_wrong(browser: Browser, filled: Running) -> None:
    """A picture without words, a script in the page and an outside host are noticed."""
    with screen(browser, filled.home) as shown:
        page = shown.open("/")
        page.evaluate(
            """() => {
                document.querySelector("main").innerHTML = '<img src="/static/icon.svg">';
                const script = document.createElement("script");
                script.textContent = "window.wrong = true";
                document.body.append(script);
                fetch("https://outside.example/").catch(() => {});
            }"""
        )
        assert any("image-alt" in one for one in axe(page))
        page.wait_for_function("() => performance.now() > 0")
        assert any("Content Security Policy" in one for one in shown.troubles)
        assert page.evaluate("window.wrong") is None


LETTERS_ACT = {
    "clicks": "key => { if (key === 'c') document.querySelector('main a, main button').click(); }",
    "sends": "key => { if (key === 'Z') document.querySelector('form').requestSubmit(); }",
    "asks": "key => { if (key === '1') fetch('/desk/state', { method: 'POST' }); }",
    "opens": "key => { if (key === '?') document.getElementById('keys-dialog').showModal(); }",
    "goes": "key => { if (key === '.') location.href = '/messages'; }",
}
"""Pages on which a letter, digit or sign alone does something."""


@pytest.mark.parametrize("what", LETTERS_ACT)
def test_the_checks_see_a_letter_that_acts(browser: Browser, filled: Running, what: str) -> None:
    """By whichever way (WCAG 2.1.4); the page as it is has none."""
    with screen(browser, filled.home) as shown:
        carry(shown, IRMA.name)
        page = shown.open("/")
        assert acts_by_letters(page) == []
        page.evaluate(
            f"() => addEventListener('keydown', event => ({LETTERS_ACT[what]})(event.key))"
        )
        assert acts_by_letters(page)


KEEPS = """() => addEventListener('keydown', event => {
  if (event.altKey && event.code === 'KeyS') setTimeout(() => dispatchEvent(new Event('blur')));
})"""
"""A browser that takes Alt+S although the page has cancelled it: the window loses the focus."""


def test_a_key_that_the_browser_keeps_is_told(browser: Browser, filled: Running) -> None:
    """F1 names what arrives; a key that takes the window away is marked, with another offered."""
    with screen(browser, filled.home) as shown:
        carry(shown, IRMA.name)
        page = shown.open("/")
        page.keyboard.press("F1")
        told = page.locator("#keys-told")
        row = page.locator('[data-key-row="search"]')
        kept = row.locator("[data-kept]")
        expect(row).to_be_visible()
        expect(kept).to_be_hidden()
        page.keyboard.press("Alt+s")
        expect(told).to_contain_text("Alt+S arriva: ")
        page.evaluate(KEEPS)
        for _ in range(2):
            page.keyboard.press("Alt+s")
            expect(told).to_have_text("Questo tasto è del browser o del sistema.")
        expect(kept).to_be_visible()
        shown.look("keys-kept")
        row.get_by_role("button", name="Usa Alt+Maiusc+S").press("Enter")
        expect(kept).to_be_hidden()
        expect(row.locator("kbd")).to_have_text("Alt+Maiusc+S")
        # as a new key of another action it is refused
        other = page.locator('[data-key-row="offices"]')
        other.get_by_role("button", name="Cambia").press("Enter")
        page.keyboard.press("Alt+s")
        expect(told).to_have_text("Questo tasto è del browser o del sistema.")
        # a key that never arrives while a new one is asked for
        page.evaluate("dispatchEvent(new Event('blur'))")
        expect(told).to_have_text("Questo tasto è del browser o del sistema.")
        assert page.evaluate("localStorage.getItem('keys')") == '{"search":"Alt+Shift+S"}'


def test_sound_is_chosen_by_each_person(browser: Browser, filled: Running) -> None:
    """Two at one computer: what one answers holds for that one, also after a reload."""
    with screen(browser, filled.home) as shown:
        carry(shown, IRMA.name)
        page = shown.open("/")
        ask = page.get_by_text("Suono e avviso quando arriva una chiamata?")
        expect(ask).to_be_visible()
        page.get_by_role("button", name="No", exact=True).press("Enter")
        expect(ask).to_be_hidden()
        page.keyboard.press("F1")
        page.get_by_label("Suono all'arrivo di una chiamata").check()
        page.keyboard.press("Escape")
        page.reload()
        expect(ask).to_be_hidden()
        page.context.clear_cookies()
        carry(shown, people.CARLA.name)
        page.reload()
        expect(ask).to_be_visible()
        page.keyboard.press("F1")
        expect(page.get_by_label("Suono all'arrivo di una chiamata")).not_to_be_checked()
        carry(shown, IRMA.name)
        page.reload()
        page.keyboard.press("F1")
        expect(page.get_by_label("Suono all'arrivo di una chiamata")).to_be_checked()


def test_a_number_of_the_address_book_is_called_by_a_click(
    browser: Browser, filled: Running
) -> None:
    """It stands in the form; outside the hours for calling back a reason is given (E17)."""
    with screen(browser, filled.home) as shown, filled.box.phone("op1") as op1:
        carry(shown, IRMA.name)
        page = shown.open("/address-book")
        expect(page.locator('#call-bar [data-action="dial"]')).to_be_visible()
        number = page.locator("[data-dial]").first
        shown.look("address-book-dialled")
        number.click()
        dialog = page.get_by_role("dialog", name="Chiama un numero")
        expect(dialog.get_by_label("Numero")).to_have_value(number.get_attribute("data-dial") or "")
        dialog.get_by_role("checkbox").check()
        dialog.get_by_role("button", name="Chiama", exact=True).click()
        op1.wait_event("invite", 30.0)
        expect(page.locator("#told-words")).to_contain_text("telefono")
        op1.hang_up()
        expect(page.locator("#call-bar")).to_have_attribute("data-state", "idle")


NOTES = """() => {
  window.notes = [];
  window.OscillatorNode = class extends OscillatorNode {
    constructor(context, options) { super(context, options); window.notes.push(options.frequency); }
  };
}"""
"""Note how high the tones are that a page makes."""


def test_the_tone_of_a_call_is_chosen_and_tried(browser: Browser, filled: Running) -> None:
    """One of four, how loud, heard at once; kept for the person in this browser, off by default."""
    with screen(browser, filled.home) as shown:
        carry(shown, IRMA.name)
        page = shown.open("/")
        page.evaluate(NOTES)
        page.keyboard.press("F1")
        tone = page.get_by_label("Suoneria")
        expect(tone).to_have_value("pair")
        tone.select_option(label="carillon")
        page.get_by_label("Volume").press("ArrowRight")
        page.get_by_role("button", name="Prova", exact=True).click()
        assert page.evaluate("window.notes") == [784, 659, 523] * 3
        expect(page.get_by_label("Suono all'arrivo di una chiamata")).not_to_be_checked()
        shown.look("keys-tone")
        page.reload()
        page.keyboard.press("F1")
        expect(tone).to_have_value("chime")
        expect(page.get_by_label("Volume")).to_have_value("6")
        carry(shown, people.CARLA.name)
        page.reload()
        page.keyboard.press("F1")
        expect(tone).to_have_value("pair")


HEARD = """() => {
  window.heard = [];
  for (const id of ["said", "shouted"]) {
    const place = document.getElementById(id);
    new MutationObserver(() => window.heard.push(`${id}: ${place.textContent}`))
      .observe(place, { childList: true, characterData: true, subtree: true });
  }
}"""
"""Note what is said to who does not see the page."""


def test_a_call_is_seen_and_heard_on_every_page(browser: Browser, filled: Running) -> None:
    """Who reads messages sees who calls and for how long, in the bar, the title and the icon; it is
    said once with who it is. The focus and what lies below the bar stay where they are.
    """
    box = filled.box
    with screen(browser, filled.home) as shown, box.phone("op1"):
        carry(shown, IRMA.name)
        page = shown.open("/messages")
        bar = page.locator("#call-bar")
        expect(bar).to_have_attribute("data-state", "idle")
        page.locator("main a").first.focus()
        before = page.evaluate("document.querySelector('main').getBoundingClientRect().top")
        plain = page.locator("#icon").get_attribute("href")
        page.evaluate(HEARD)
        box.wait_until(box.is_idle, 30.0, "the line did not become idle")
        call = box.place(1, CallPlan(caller="0519876543"))
        try:
            expect(bar).to_have_attribute("data-state", "rings")
            expect(bar).to_contain_text("0519876543")
            expect(bar).to_contain_text("Rispondi")
            expect(bar).to_contain_text("L1")  # the line's label
            assert page.title().startswith("(1)")
            assert page.locator("#icon").get_attribute("href") != plain
            page.wait_for_function("window.heard.some(one => one.includes('0519876543'))")
            heard = [one for one in page.evaluate("window.heard") if "0519876543" in one]
            assert len(heard) == 1
            assert page.evaluate("document.activeElement.closest('main') !== null")
            assert page.evaluate(
                "document.querySelector('main').getBoundingClientRect().top"
            ) == before  # fmt: skip
            shown.look("call-bar")
        finally:
            call.hang_up()
        expect(bar).to_have_attribute("data-state", "idle")
        expect(page.locator("#icon")).to_have_attribute("href", plain or "")


def test_the_palette_leads_anywhere_by_keys(browser: Browser, filled: Running) -> None:
    """Some letters and Enter: a page, a sheet; arrows choose, Escape gives the focus back."""
    with screen(browser, filled.home) as shown:
        carry(shown, IRMA.name)
        page = shown.open("/account")
        page.keyboard.press("Control+k")
        field = page.locator("#palette-field")
        expect(field).to_be_focused()
        page.keyboard.type("chiamate senza")
        expect(page.locator("[role=option]").first).to_have_attribute("data-path", "/missed")
        shown.look("palette")
        page.keyboard.press("Enter")
        page.wait_for_url("**/missed")
        page.keyboard.press("Control+k")
        page.keyboard.type("seconda casa")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sheet/imu")
        page.keyboard.press("Control+k")
        page.keyboard.type("zzzz")
        expect(page.locator("#palette-none")).to_be_visible()
        page.keyboard.press("Escape")
        expect(field).to_be_hidden()


def test_the_colours_that_a_person_chooses_stay(browser: Browser, filled: Running) -> None:
    """Dark, also where the system is light; on the next page, too."""
    with screen(browser, filled.home) as shown:
        carry(shown, IRMA.name)
        page = shown.open("/account")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.locator("#person > summary").press("Enter")
        page.get_by_role("button", name="scuri").press("Enter")
        page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        page = shown.open("/messages")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
