"""The technician's pages of the phones: added, seen, relabelled, given a new password, removed."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.config import phones
from appliance.console.accounts import START_S
from appliance.console.control_client import ControlUnreachable, StatusSnapshot
from appliance.console.settings import ConsoleSettings
from appliance.service.stores import Stores
from appliance.text import unchanged
from tests.api.test_phones_entered import Office
from tests.calls.examples import up
from tests.console import people
from tests.console.call_control_users import serving
from tests.console.states import seen
from tests.console.visitor import Visitor

FORM = {"name": "op3", "label": "Operatore 3", "group": "switchboard", "make": "", "mac": ""}


class Pages:
    """A technician before the pages of an office."""

    def __init__(self, visitor: Visitor, office: Office) -> None:
        self.visitor, self.office = visitor, office

    def read(self, path: str = "/plant/phones") -> str:
        """Return a page as it is read in Italian."""
        answer = self.visitor.get(path, headers={"accept-language": "it"})
        assert answer.status_code == 200
        return html.unescape(answer.text)

    def send(self, path: str = "/plant/phones", **form: str) -> tuple[int, str]:
        """Send a form; returns what is answered."""
        answer = self.visitor.post(path, data=form, headers={"accept-language": "it"})
        assert answer.status_code in {200, 409}
        self.headers = answer.headers
        return answer.status_code, html.unescape(answer.text)


@pytest.fixture
def pages(
    console_settings: ConsoleSettings, records: Any, visitor: Visitor, tmp_path: Path
) -> Iterator[Pages]:
    """Beppe the technician has logged in; the office has two phones of its file."""
    del records
    (tmp_path / "office").mkdir()
    office = Office(tmp_path / "office")
    stores = Stores(office.state, "b", lambda _: None, lambda *_: None)
    stores.start()
    office.entering.stores = stores
    visitor.log_in(people.BEPPE)
    with serving(console_settings.control_socket, office.entering.known):
        yield Pages(visitor, office)
    stores.stop(lambda: None)


def test_the_phones_are_the_technicians_alone(pages: Pages) -> None:
    """Neither to look, nor to change."""
    for user in (people.ANNA, people.CARLA, people.DINO):
        pages.visitor.log_in(user)
        assert pages.visitor.get("/plant/phones").status_code == 403
        for path in ("", "/op1/password", "/op1/label", "/op1/remove", "/op1/back"):
            assert pages.visitor.post(f"/plant/phones{path}").status_code == 403
    assert phones.load_secrets(pages.office.settings) == {"op1": "first"}


def test_a_password_is_shown_once(pages: Pages) -> None:
    """By the answer to the form alone, which no browser keeps; the page does not have it again."""
    status, text = pages.send(**FORM)
    secret = phones.load_secrets(pages.office.settings)["op3"]
    assert (status, text.count(secret)) == (200, 1)
    assert pages.headers["cache-control"] == "no-store"
    for words in ("Da inserire nel telefono «Operatore 3»", "127.0.18.7", "5060", "UDP", "op3"):
        assert words in text, words
    assert "<svg" in text
    assert secret not in pages.read() + pages.read("/plant/phones/op3")
    assert "entra in uso da solo appena nessuno è al telefono" in pages.read()


def test_a_mistake_keeps_what_was_typed(pages: Pages) -> None:
    """One sentence, and the form as it was."""
    status, text = pages.send(**(FORM | {"name": "Op 3"}))
    assert status == 409
    alerts = re.findall(r'role="alert">([^<]*)<', text)
    assert len(alerts) == 1
    assert alerts[0].startswith("il nome utente ha lettere minuscole")
    assert 'value="Op 3"' in text
    assert 'value="Operatore 3"' in text


def test_a_phone_is_relabelled_renewed_and_removed(pages: Pages) -> None:
    """Each is one form of the phone's own page, and said."""
    assert "Telefono Operator 1 (op1)" in pages.read("/plant/phones/op1")
    assert "L'etichetta è cambiata." in pages.send("/plant/phones/op1/label", label="Banco")[1]
    _, text = pages.send("/plant/phones/op1/password")
    assert phones.load_secrets(pages.office.settings)["op1"] in text
    assert "la sua password non vale più" in pages.send("/plant/phones/op1/remove")[1]
    text = pages.read()
    assert "Rimetti in uso" in text
    assert 'href="/plant/phones/op1"' not in text
    assert "di nuovo in uso" in pages.send("/plant/phones/op1/back")[1]
    assert 'href="/plant/phones/op1"' in pages.read()


def test_a_groups_only_phone_says_what_its_removal_means(pages: Pages) -> None:
    """Before the button; the switchboard's, which stays, has none."""
    pages.send(name="banco", label="Banco", group="citizens_desk")
    text = pages.read("/plant/phones/banco")
    assert "lo Sportello Cittadini resta senza telefoni" in text
    assert "Sì, togli" in text
    text = pages.read("/plant/phones/op1")
    assert ("resta senza" in text, "Sì, togli" in text) == (False, True)
    pages.send("/plant/phones/op1/remove")
    text = pages.read("/plant/phones/op2")
    assert ("l'unico telefono del centralino" in text, "Sì, togli" in text) == (True, False)


def test_a_refusal_is_said_on_the_phones_own_page(pages: Pages) -> None:
    """The last phone stays; a label that cannot be stays in its field."""
    pages.send("/plant/phones/op1/remove")
    status, text = pages.send("/plant/phones/op2/remove")
    assert (status, "ultimo telefono" in text) == (409, True)
    status, text = pages.send("/plant/phones/op2/label", label="x" * 60)
    assert (status, "x" * 60 in text) == (409, True)


def test_the_list_changes_only_with_the_phones(pages: Pages) -> None:
    """Who goes through it by keys is not put back every three seconds."""
    (again,) = re.findall(r'hx-get="([^"]*)"', pages.read("/plant/phones/live"))
    assert pages.visitor.get(again).status_code == 204
    pages.send("/plant/phones/op1/label", label="Banco")
    assert pages.visitor.get(again).status_code == 200


def test_phones_may_fetch_their_configuration_for_some_minutes(pages: Pages) -> None:
    """Until when, what they asked for, and an end; asked of call control, which alone opens it."""
    status, text = pages.send("/plant/phones/serve")
    assert (status, "I telefoni possono prendere la loro configurazione." in text) == (200, True)
    assert re.search(r"fino alle \d\d:\d\d", text)
    assert pages.office.window.left_s > 890
    assert "Chiudi adesso" in text
    _, text = pages.send("/plant/phones/serve/end")
    assert "Nessuna configurazione viene più data." in text
    assert (pages.office.window.left_s, "Chiudi adesso" in text) == (0.0, False)


def test_what_there_is_not_is_not_found(pages: Pages) -> None:
    """A phone, a step."""
    for path in ("/plant/phones/nobody", "/plant/phones/op1/dance"):
        answer = pages.visitor.get(path) if "dance" not in path else pages.visitor.post(path)
        assert answer.status_code == 404, path
    status, text = pages.send("/plant/phones/nobody/remove")
    assert (status, "non c'è più" in text) == (409, True)


def test_a_form_waits_for_call_control_that_starts_anew(
    pages: Pages, console_settings: ConsoleSettings
) -> None:
    """What was entered before is why it starts; who goes on meanwhile is not told to come back."""
    served, away = (
        console_settings.control_socket,
        console_settings.control_socket.with_suffix(".away"),
    )
    served.rename(away)
    assert pages.visitor.post("/plant/phones", data=FORM).status_code == 503  # it was never heard
    pages.visitor.app.state.feed.newest = StatusSnapshot(1, seen(up()), away=True)
    back = threading.Timer(1.0, away.rename, (served,))
    back.start()
    status, text = pages.send(**FORM)
    back.join()
    assert (status, "Da inserire nel telefono" in text) == (200, True)


@pytest.mark.parametrize(
    ("reply", "away_s"), [(None, START_S), ({"ok": True, "rows": 1}, 0.0)], ids=["away", "other"]
)
def test_nobody_waits_for_call_control_that_does_not_come_back(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, reply: dict[str, Any] | None, away_s: float
) -> None:
    """Away for longer than any start takes, it is not waited for; a reply of another version is
    not asked for again.
    """
    app, asked = pages.visitor.app, list[str]()

    async def ask(command: dict[str, Any], _limit: float) -> dict[str, Any]:
        asked.append(command["ask"])
        if reply is None:
            raise ControlUnreachable(unchanged("gone"))
        return reply

    since = time.monotonic() - away_s
    app.state.feed.newest = StatusSnapshot(1, seen(up()), away=True, since=since)
    monkeypatch.setattr(app.state.control, "ask", ask)
    assert pages.visitor.post("/plant/phones", data=FORM).status_code == 503
    assert asked.count("phone_add") == 1


def test_without_call_control_the_page_says_so(visitor: Visitor, records: Any) -> None:
    """It opens all the same, and its part asks on."""
    del records
    visitor.log_in(people.BEPPE)
    for path in ("/plant/phones", "/plant/phones/live", "/plant/phones/op1"):
        answer = visitor.get(path, headers={"accept-language": "it"})
        assert answer.status_code == 200, path
        assert "riprova ogni tre secondi" in answer.text, path
