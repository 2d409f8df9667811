"""Steps of the first start that are done on their own page: phone, user, test of the mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.api import commands
from appliance.api.protocol import answered_by
from appliance.api.replies import FullStatus, NumberedSaid
from appliance.api.users import UserCommands
from appliance.config import phones
from appliance.console import accounts
from appliance.console.pages import start
from appliance.console.pages.start import NO_PHONE_YET
from appliance.console.settings import ConsoleSettings
from appliance.policy.clock import Now
from appliance.policy.opening import REASON_SENTENCES, ReasonCode
from appliance.policy.routing import GroupState
from appliance.policy.text import Refused
from appliance.service.stores import Stores
from appliance.text import unchanged
from tests.api.test_phones_entered import Office as PhonesOffice
from tests.calls.examples import up
from tests.console import people
from tests.console.call_control_users import serving
from tests.console.states import seen
from tests.console.test_settings import Office, Pages
from tests.console.visitor import Visitor

PHONE = {"name": "op3", "label": "Operatore 3", "group": "switchboard", "make": "", "mac": ""}
USER = {"name": "carlo.blu", "shown": "Carlo Blu", "roles": ["operator"], "unit": ""}


class Box:
    """Pages before real settings, phones and users; what mail was tried."""

    def __init__(self, pages: Pages, phones_office: PhonesOffice) -> None:
        self.pages, self.phones = pages, phones_office
        self.mails: list[str] = []

    def send_mail(self, wish: commands.TestMail) -> Any:
        """Queue a test e-mail, but for an address that is none."""
        if "@" not in wish.to:
            raise Refused(unchanged("no address"))
        self.mails.append(wish.to)
        return NumberedSaid(unchanged("queued"), number=len(self.mails))


@pytest.fixture
def box(
    console_settings: ConsoleSettings, records: Any, visitor: Visitor, tmp_path: Path
) -> Iterator[Box]:
    """Beppe the technician before the first start."""
    del records
    visitor.log_in(people.BEPPE)
    (tmp_path / "phones").mkdir()
    phones_office = PhonesOffice(tmp_path / "phones")
    stores = Stores(console_settings.records.parent, "b", lambda _: None, lambda *_: None)
    stores.start()
    phones_office.entering.stores = stores
    there = SimpleNamespace(state=str(console_settings.records.parent))
    settings: Any = SimpleNamespace(folders=there, phones=())
    users = UserCommands(settings, stores, lambda: Now(0.0, datetime.now(UTC)))
    users.start()
    with Office(tmp_path / "office") as office:
        found = Box(Pages(visitor, office), phones_office)
        known = {
            **office.known,
            **phones_office.entering.known,
            **users.known,
            **answered_by(commands.TestMail, found.send_mail),
        }
        with serving(console_settings.control_socket, known):
            yield found
    stores.stop(lambda: None)


def test_a_phone_is_added_within_its_step(box: Box) -> None:
    """Its account with the QR code stands in this answer alone; the window opens from there."""
    text = box.pages.send("/start/phone/add", PHONE)
    secret = phones.load_secrets(box.phones.settings)["op3"]
    assert (box.pages.status, text.count(secret)) == (200, 1)
    assert "<svg" in text
    assert "<h1>Primo telefono</h1>" in text
    assert 'action="/plant/phones/serve/now" data-act' in text
    again = box.pages.read("/start/phone")
    assert secret not in again
    assert "Operatore 3" in again


def test_a_phone_that_cannot_be_keeps_what_was_typed(box: Box) -> None:
    """In the step's own form, which is open."""
    text = box.pages.send("/start/phone/add", PHONE | {"name": "Op 3"})
    assert box.pages.status == 409
    assert 'value="Op 3"' in text
    assert re.search(r'<details class="box fold" id="add-phone" open>', text)


def test_phones_may_fetch_their_files_while_the_account_is_read(box: Box) -> None:
    """The page stays with its password: what was done is said by the script."""
    answer = box.pages.visitor.post("/plant/phones/serve/now").json()
    assert set(answer) == {"done", "said", "undo"}
    box.pages.visitor.app.state.control._control_socket = Path("/nowhere")
    answer = box.pages.visitor.post("/plant/phones/serve/now")
    assert (answer.status_code, answer.json()["done"]) == (503, False)


def test_a_user_is_made_within_its_step(box: Box) -> None:
    """An operator unless something else is ticked; the password is shown once."""
    text = box.pages.read("/start/user")
    assert re.search(r'value="operator" checked', text)
    text = box.pages.send("/start/user/add", USER)
    assert box.pages.status == 200
    (secret,) = re.findall(r'class="secret">([^<]+)<', text)
    assert "Carlo Blu" in text
    assert secret not in box.pages.read("/start/user")
    refused = box.pages.send("/start/user/add", USER)
    assert box.pages.status == 409
    assert 'value="carlo.blu"' in refused


def test_a_user_is_not_made_while_too_many_log_in(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step says so and keeps the form."""

    async def busy(*_: Any) -> str:
        raise accounts.Busy

    monkeypatch.setattr(box.pages.visitor.app.state.accounts, "hashed", busy)
    text = box.pages.send("/start/user/add", USER)
    assert box.pages.status == 503
    assert 'value="carlo.blu"' in text


def test_the_mail_server_is_tried_within_its_step(box: Box) -> None:
    """What was typed is applied first; the test's state stands on the step, which stays open."""
    form = box.pages.form("/start/mail")
    server = {"mail.server": "smtp.example.org", "mail.sender": "urp@comune.example"}
    to = box.pages.send("/start/mail", form | server | {"to": "io@comune.example", "do": "test"})
    assert to == "/start/mail?test=1&done=1"
    assert box.mails == ["io@comune.example"]
    assert "smtp.example.org" in box.pages.office.text
    assert box.pages.visitor.app.state.first_start.marks == {}
    # Without a change it is only tried.
    same = box.pages.form("/start/mail") | {"to": "io@comune.example", "do": "test"}
    assert box.pages.send("/start/mail", same) == "/start/mail?test=2&done=0"
    refused = box.pages.send("/start/mail", same | {"to": "nobody"})
    assert (box.pages.status, "no address" in refused) == (409, True)


def test_the_mail_is_not_tried_before_the_server_holds(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is on the phone: the step says that it is kept, and when to try."""
    monkeypatch.setattr(start, "START_S", 0.0)
    box.pages.office.commands.started = "another revision"
    form = box.pages.form("/start/mail") | {"to": "io@comune.example", "do": "test"}
    text = box.pages.send("/start/mail", form)
    assert (box.pages.status, box.mails) == (409, [])
    assert "vale appena nessuno è al telefono" in text


def test_how_the_box_answers_meanwhile_is_true() -> None:
    """Without a phone that can be reached nobody says that phones ring."""
    found = seen(up())
    free = _with(found, GroupState.FREE)
    assert start._answering(free) == free.sentence
    alone = replace(_with(found, GroupState.UNREACHABLE), citizens_desk=None)
    assert start._answering(replace(alone, phones=())) == NO_PHONE_YET
    assert start._answering(replace(alone, phones=found.phones)) == (
        REASON_SENTENCES[ReasonCode.NOBODY_REACHABLE] if found.phones else NO_PHONE_YET
    )
    assert start._answering(replace(alone, open=False)) == alone.sentence
    counter = replace(free.switchboard, state=GroupState.FREE)
    there = replace(alone, citizens_desk=counter)
    assert start._answering(there) == start.COUNTER_ANSWERS


def _with(status: FullStatus, state: GroupState) -> FullStatus:
    return replace(status, switchboard=replace(status.switchboard, state=state), open=True)
