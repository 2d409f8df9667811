"""The technician's page of updates in a real browser, on a box that was made from the image."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from appliance.api.technician_replies import UpdateEnded
from appliance.console import uploads
from appliance.policy.updates import UpdateState
from appliance.service import updates
from appliance.service.updates import UpdateRecord, UpdateRequest
from appliance.store.database import connect, migrate
from tests.console import people
from tests.console.browser import screen
from tests.console.control_socket import ServedSocket
from tests.console.screens.entering import log_in
from tests.console.test_process import console
from tests.console.test_updates import BUNDLE, Place
from tests.helpers.words import pair

pytestmark = pytest.mark.system
PAGE = "/plant/updates"
PAST = (
    UpdateEnded("2026-11-25T04:00:00+00:00", "box", "0.9.0", "1.0.0", "good"),
    UpdateEnded(
        "2026-11-24T04:00:00+00:00", "beppe", "0.9.0", "", "refused", pair("firmato", "signed")
    ),
)


@dataclass
class Shown:
    """Call control that is asked of updates, and where a browser finds its console."""

    place: Place
    home: str


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """An image, on which people may log in."""
    folder: Path = tmp_path_factory.mktemp("box")
    for name in ("state", "run", "console"):
        (folder / name).mkdir()
    where: Any = SimpleNamespace(
        state=folder / "console", records=folder / "state" / "centralino.db"
    )
    with closing(connect(where.records)) as connection:
        migrate(connection)
        people.enter(connection)
    place = Place(where, folder)
    with ServedSocket(folder / "run" / "desk.sock", place.answer), console(folder) as port:
        yield Shown(place, f"https://127.0.0.1:{port}")


@pytest.mark.parametrize(("language", "size"), [("it", "phone"), ("en", "desk"), ("de", "desk")])
def test_an_update_goes_the_whole_way(
    browser: Browser, box: Shown, tmp_path: Path, language: str, size: str
) -> None:
    """Uploaded, asked for, started, and what went back noted: each page is for everybody."""
    place = box.place
    place.updates.kept, place.updates.at_once = UpdateRecord(past=PAST), False
    file = tmp_path / "centralino-1.1.0.raucb"
    file.write_bytes(BUNDLE)
    with screen(browser, box.home, language, size) as shown:
        page = log_in(shown, people.BEPPE.name, PAGE)
        page.locator("#file").set_input_files(file)
        with page.expect_navigation():  # the file of an earlier test is there already
            page.locator("#upload button").click()
        page.locator("#sure-install").check()
        shown.look("updates-uploaded")
        page.locator("form[action$='/install'] button").click()
        expect(page.locator("#update .note.info")).to_be_visible()
        assert updates.take(place.run) == UpdateRequest("beppe", "upload")

        place.updates.kept = UpdateRecord(UpdateState.INSTALLED, "1.1.0", past=PAST)
        expect(page.locator("#sure-start")).to_be_visible()  # the page has followed by itself
        shown.look("updates-ready")
        page.locator("#sure-start").check()
        page.locator("form[action$='/start'] button").click()
        page.wait_for_url(f"**{PAGE}")
        assert place.updates.at_once

        place.updates.kept = UpdateRecord(
            UpdateState.BACK, "1.1.0", said=pair("linea1", "line1"), past=PAST
        )
        page = shown.open(PAGE)
        expect(page.locator("#sure-give-up")).to_be_visible()
        shown.look("updates-back")
        page.locator("#upload button").click()  # without a file
        expect(page.locator("#upload-said")).to_be_hidden()


PIECE = 8 * 1024 * 1024
BIG = b"hsqs" + secrets.token_bytes(20_000_000)


class Network:
    """Way of a page's uploads: their offsets, and one that is `cut` or, `hangs`, never answered."""

    def __init__(self, page: Page, cut: int | None = None, hangs: int | None = None) -> None:
        self.offsets: list[int] = []
        self._cut, self._hangs = cut, hangs
        page.route("**/upload", self._pass)

    def _pass(self, route: Route) -> None:
        self.offsets.append(int(route.request.headers["upload-offset"]))
        number = len(self.offsets)
        if number == self._cut:
            route.abort("internetdisconnected")
        elif number != self._hangs:
            route.continue_()


@pytest.fixture
def big(box: Shown, tmp_path: Path) -> Path:
    """An update of three pieces, of which the box has nothing."""
    box.place.updates.kept = UpdateRecord()
    uploads.forget_upload(uploads.uploaded_update_path(box.place.console))
    file = tmp_path / "centralino-1.2.0.raucb"
    file.write_bytes(BIG)
    return file


def test_an_upload_goes_on_when_the_network_is_back(
    browser: Browser, box: Shown, big: Path
) -> None:
    """The page says that the box does not answer, tries again and sends what is missing."""
    with screen(browser, box.home) as shown:
        page = log_in(shown, people.BEPPE.name, PAGE)
        network = Network(page, cut=3)
        page.locator("#file").set_input_files(big)
        page.locator("#upload button").click()
        expect(page.locator("#upload-said")).to_contain_text("riprende da solo")
        expect(page.locator("#sure-install")).to_be_visible()
    assert uploads.uploaded_update_path(box.place.console).read_bytes() == BIG
    assert network.offsets == [0, 0, PIECE, PIECE, PIECE, 2 * PIECE]


def test_an_upload_goes_on_after_the_page_was_closed(
    browser: Browser, box: Shown, big: Path
) -> None:
    """The page says what has come; the same file chosen again is not sent from its beginning."""
    with screen(browser, box.home) as shown:
        page = log_in(shown, people.BEPPE.name, PAGE)
        Network(page, hangs=3)
        page.locator("#file").set_input_files(big)
        with page.expect_request(lambda asked: asked.headers.get("upload-offset") == str(PIECE)):
            page.locator("#upload button").click()
        page = shown.open(PAGE)
        expect(page.get_by_text("Di un caricamento interrotto")).to_contain_text("8,4 MB")
        shown.look("updates-broken")
        network = Network(page)
        page.locator("#file").set_input_files(big)
        page.locator("#upload button").click()
        expect(page.locator("#sure-install")).to_be_visible()
    assert uploads.uploaded_update_path(box.place.console).read_bytes() == BIG
    assert network.offsets == [0, PIECE, 2 * PIECE]
