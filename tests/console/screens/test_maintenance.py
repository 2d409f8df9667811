"""The technician's pages of backup, configuration and certificate in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.commands.backup import Device, StickHelper
from appliance.config import read
from appliance.service import backup
from tests.console import people
from tests.console.browser import FILLED, install, launched, screen
from tests.console.running import Running
from tests.console.screens.entering import log_in

pytestmark = pytest.mark.system

PHRASE = "pane burro alici capperi"
JOB_MS = 60_000


def test_a_backup_goes_the_whole_way(browser: Browser, filled: Running, tmp_path: Path) -> None:
    """Made, downloaded, uploaded, looked through, ready to be put back; by keyboard."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.BEPPE.name, "/plant/backup")
        page.locator("#phrase").fill(PHRASE)
        page.locator("#again").fill(PHRASE)
        page.keyboard.press("Enter")
        link = page.locator("a[href='/plant/backup/file']")
        expect(link).to_be_visible(timeout=JOB_MS)
        with page.expect_download() as download:
            link.click()
        file = tmp_path / "box.backup"
        download.value.save_as(file)
        assert file.read_bytes().startswith(b"age-encryption.org/v1\n")
        page.locator("#file").set_input_files(file)
        with page.expect_navigation():
            page.locator("#upload button").click()
        page.locator("#passphrase").fill(PHRASE)
        page.keyboard.press("Enter")
        expect(page.locator("#sure")).to_be_visible(timeout=JOB_MS)
        for language in FILLED:
            with screen(browser, filled.home, language) as seen:
                other = log_in(seen, people.BEPPE.name, "/plant/backup")
                other.locator("#restore details").evaluate("one => { one.open = true }")
                expect(other.get_by_text("sudo centralino box restore")).to_be_visible()
                seen.look("backup")
                seen.picture("backup-whole", is_whole=True)
        page.locator("form[action='/plant/backup/drop'] button").click()
        expect(link).to_have_count(0)
        page.locator("form[action='/plant/backup/forget'] button").click()
        expect(page.locator("form[action='/plant/backup/forget']")).to_have_count(0)


def test_another_file_is_refused_in_words(
    browser: Browser, filled: Running, tmp_path: Path
) -> None:
    """The page says why, and keeps what was typed."""
    (tmp_path / "picture.png").write_bytes(b"\x89PNG" + b"x" * 100_000)
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.BEPPE.name, "/plant/backup")
        page.locator("#file").set_input_files(tmp_path / "picture.png")
        page.locator("#upload button").click()
        expect(page.locator("#upload-said")).to_contain_text("non è una copia di sicurezza")
        shown.look("backup-refused")


def test_the_configuration_is_checked_by_a_key(browser: Browser, filled: Running) -> None:
    """The file on the disk is checked; what was found keeps nobody out, every table opened."""
    for language in FILLED:
        with screen(browser, filled.home, language) as shown:
            page = log_in(shown, people.BEPPE.name, "/plant/settings")
            if language == "it":
                page.locator("#check-file").focus()
                page.keyboard.press("Enter")
            said = page.locator("#chore-config_check .output")
            expect(said).to_be_visible(timeout=JOB_MS)
            unfold = "document.querySelectorAll('details').forEach(one => { one.open = true })"
            page.evaluate(unfold)
            shown.look("settings")
            shown.picture("settings-whole", is_whole=True)


def test_a_browser_without_the_authority_says_so(browser: Browser, filled: Running) -> None:
    """This computer has not installed it (test_every_page.py looks at the page itself)."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.BEPPE.name, "/plant/certificate")
        expect(page.locator("[data-answer=no]")).to_be_visible()
        expect(page.locator("[data-answer=yes]")).to_be_hidden()


def test_the_browser_trusts_once_the_authority_is_installed(
    browser: Browser, filled: Running, tmp_path: Path
) -> None:
    """Nothing is waved through: the page opens, and says yes by itself."""
    install(filled.box.folder / "console" / "tls" / "ca.crt", tmp_path)
    with (
        launched(browser.browser_type, tmp_path) as trusting,
        screen(trusting, filled.home, is_strict=True) as shown,
    ):
        page = log_in(shown, people.BEPPE.name, "/plant/certificate")
        expect(page.locator("[data-answer=yes]")).to_be_visible()
        expect(page.locator("[data-answer=no]")).to_be_hidden()
        shown.look("certificate-trusted")


def test_a_backup_stick_is_chosen_by_label_and_size(browser: Browser, filled: Running) -> None:
    """Looked for by a button, chosen by keyboard; one that cannot be written is not offered."""
    there = [
        Device("/dev/null", "AB-12", "COPIE", "exfat", 32_000_000_000),
        Device("/dev/null", "CD-34", "ALTRE", "vfat", 4_000_000_000),
        Device("/dev/null", "2", "FOTO", "ntfs", 8_000_000_000),
    ]
    # As root's helper, which the box of a test has not.
    run = Path(read.load(filled.box.config_path).folders.run)
    helper = StickHelper(filled.box.config_path, run, lambda: there)
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.BEPPE.name, "/plant/backup")
        with page.expect_navigation():
            page.locator("form[action='/plant/backup/stick/look'] button").click()
        helper.turn()
        for language in FILLED:
            with screen(browser, filled.home, language) as seen:
                other = log_in(seen, people.BEPPE.name, "/plant/backup")
                expect(other.get_by_label("FOTO, 8 GB")).to_be_disabled()
                seen.look("backup-sticks")
                seen.picture("backup-sticks", is_whole=True)
        page.reload()
        page.get_by_label("ALTRE, 4 GB").focus()
        page.keyboard.press("Space")
        page.locator("#stick_phrase").fill(PHRASE)
        page.locator("#stick_again").fill(PHRASE)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        asked = backup.take(run)
        assert asked is not None
        assert (asked.uuid, asked.passphrase) == ("CD-34", PHRASE)
