"""The technician's pages of the settings: shown, previewed, applied, confirmed, undone."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

import pytest

from appliance.api.technician_commands import ChangeSettings
from appliance.bootfile.apply import SeenSocket
from appliance.config import read
from appliance.config.differences import listed
from appliance.config.editing import SetValue
from appliance.config.settings_files import SettingsFile
from appliance.config.settings_trial import ClockReading, digest_of
from appliance.config.values import MonthDay
from appliance.console.control_client import ControlUnreachable, StatusSnapshot
from appliance.console.setting_fields import HELPS, SECTIONS, help_of
from appliance.console.setting_forms import socket_name
from appliance.console.settings import ConsoleSettings
from appliance.service.modems import ModemCommands
from appliance.service.settings import SettingsCommands, SettingsRequest, answer_of, answer_text
from appliance.service.settings_engine import Engine
from appliance.service.stores import Stores
from appliance.text import unchanged
from tests.calls.examples import TEN, up
from tests.console import people
from tests.console.call_control_users import serving
from tests.console.visitor import Visitor

EXAMPLE = (Path(read.__file__).parent / "example.toml").read_text(encoding="utf-8")
FREE = "/dev/serial/by-path/platform-3f980000.usb-usb-0:1.4:1.0"
TURN_S = 0.01


class Office:
    """Call control's side: the real commands; the engine answers here instead of in a child."""

    def __init__(self, folder: Path) -> None:
        self.path, self.state = folder / "centralino.toml", folder / "state"
        self.state.mkdir(parents=True)
        self.path.write_text(EXAMPLE, encoding="utf-8")
        self.stores = Stores(self.state, "b", lambda _: None, lambda *_: None)
        self.now = TEN
        self.lines: list[str] = []
        self.requests: list[SettingsRequest] = []
        self.commands = SettingsCommands(
            self.path, self.state, folder / "run", self.stores, lambda: self.now, "boot-1",
            cast("Any", self), lambda: None, "",
        )  # fmt: skip
        self.modems = ModemCommands(
            read.parse(EXAMPLE), self.stores, lambda: up().status(TEN), folder,
            lambda _: (SeenSocket(FREE, "Rockwell CX93010"),),
        )  # fmt: skip
        self._stopping = threading.Event()
        self._loop = threading.Thread(target=self._turn)

    def __enter__(self) -> Self:
        self.stores.start()
        self.stores.records.ask(people.enter)
        self._loop.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._loop.join()
        self.stores.stop(lambda: None)

    def _turn(self) -> None:
        while not self._stopping.wait(TURN_S):
            self.commands.look()

    @property
    def known(self) -> Mapping[str, Any]:
        """What is answered at the control socket."""
        return {**self.commands.known, **self.modems.known}

    @property
    def text(self) -> str:
        """The file's text."""
        return self.path.read_text(encoding="utf-8")

    @property
    def file(self) -> SettingsFile:
        """The file with its history."""
        return SettingsFile(self.path, self.state, 2026)

    @property
    def moment(self) -> ClockReading:
        """The present moment."""
        return ClockReading(self.now.wall, self.now.monotonic, "boot-1")

    # ---- instead of the child ----

    def ask(self, asked: SettingsRequest) -> None:
        """Do it at once."""
        self.requests.append(asked)
        try:
            answer: Any = Engine(self.file, self.path).do(asked, self.moment)
        except Exception as error:  # noqa: BLE001 - what is refused is answered
            answer = error
        self.lines.append(answer_text(asked, answer))

    def answers(self) -> list[tuple[str, Any]]:
        """Return what was answered since."""
        lines, self.lines = self.lines, []
        return [found for line in lines if (found := answer_of(line))]

    def look(self) -> bool:
        """It never ends."""
        return False

    def stop(self) -> None:
        """There is nothing to end."""


class Pages:
    """A technician before the pages."""

    def __init__(self, visitor: Visitor, office: Office) -> None:
        self.visitor, self.office = visitor, office

    def read(self, path: str) -> str:
        """Return a page in Italian."""
        answer = self.visitor.get(path, headers={"accept-language": "it"})
        self.status = answer.status_code
        return html.unescape(answer.text)

    def form(self, path: str) -> dict[str, list[str]]:
        """Return the form of a section as a browser would send it unchanged."""
        text = self.visitor.get(path, headers={"accept-language": "it"}).text
        body = text[
            text.index('id="settings-form"') : text.index("</form>", text.index('id="sett'))
        ]
        found: dict[str, list[str]] = {}
        for tag in re.findall(r"<input[^>]*>", body):
            fields = {k: html.unescape(v) for k, v in re.findall(r'([\w-]+)="([^"]*)"', tag)}
            if fields.get("type") == "checkbox" and " checked" not in tag:
                continue
            found.setdefault(fields["name"], []).append(fields.get("value", ""))
        for name, options in re.findall(
            r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL
        ):
            values = re.findall(r'<option value="([^"]*)"( selected)?', options)
            chosen = [html.unescape(v) for v, is_chosen in values if is_chosen]
            found[name] = chosen or [html.unescape(values[0][0])]
        return found

    def send(self, path: str, form: Mapping[str, Any]) -> str:
        """Send a form; returns the page, or where it leads."""
        answer = self.visitor.post(path, data=dict(form), headers={"accept-language": "it"})
        self.status = answer.status_code
        return answer.headers.get("location", "") or html.unescape(answer.text)

    def change(self, section: str, do: str = "apply", **values: Any) -> str:
        """Change fields of a section (dots written as __) and send it."""
        form = self.form(f"/settings/{section}")
        form |= {key.replace("__", "."): value for key, value in values.items()}
        return self.send(f"/settings/{section}", form | {"do": do})


@pytest.fixture
def pages(
    console_settings: ConsoleSettings, records: Any, visitor: Visitor, tmp_path: Path
) -> Iterator[Pages]:
    """Beppe the technician has logged in."""
    del records
    visitor.log_in(people.BEPPE)
    with (
        Office(tmp_path / "office") as office,
        serving(console_settings.control_socket, office.known),
    ):
        yield Pages(visitor, office)


# ---- the sections --------------------------------------------------------------------------------


def test_every_setting_stands_on_one_page() -> None:
    """None is forgotten, none stands twice, no section names one that there is not."""
    office = read.parse(EXAMPLE)
    there = {
        f"{one.table}.{one.key.rpartition('.')[2]}" if one.row else one.key
        for one in listed(office)
    } | {"mail.password"}
    placed = [
        f"{one.rows}.{key}" if group is one.row else key
        for one in SECTIONS
        for group in (*one.groups, *([one.row] if one.row else ()))
        for key in (*group.keys, *group.more)
    ]
    assert sorted(placed) == sorted(there)


def test_every_setting_has_its_help() -> None:
    """But for the days of the week, which have one together."""
    office = read.parse(EXAMPLE)
    places = {
        f"{one.table}.{one.key.rpartition('.')[2]}" if one.row else one.key
        for one in listed(office)
    }
    assert {place for place in places if ".hours." not in f".{place}"} <= HELPS.keys()
    assert HELPS.keys() <= places | {"mail.password"}


@pytest.mark.parametrize("key", sorted(key for key, one in HELPS.items() if one.choices))
def test_each_choice_is_one_that_the_file_may_have(key: str, tmp_path: Path) -> None:
    """The reader that the service uses takes every one of them."""
    path = tmp_path / "centralino.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    file = SettingsFile(path, tmp_path, 2026)
    table, _, name = key.rpartition(".")
    place = {"lines": "lines.line1", "phones": "phones.op1"}.get(table, table)
    told = help_of(table, "", key)
    for code, _shown in told.choices:
        value = (code,) if told.several else code
        found = file.judge([SetValue(f"{place}.{name}", value)])
        assert not [one for one in found.problems if one.place.endswith(name)], code


def test_the_pages_are_the_technicians_alone(pages: Pages) -> None:
    """Neither to look, nor to change."""
    for user in (people.ANNA, people.CARLA, people.DINO):
        pages.visitor.log_in(user)
        for path in ("/settings", "/settings/mail", "/settings/history"):
            assert pages.visitor.get(path).status_code == 403
        for path in ("mail", "mail/preview", "confirm", "undo/1"):
            assert pages.visitor.post(f"/settings/{path}").status_code == 403
    assert pages.office.requests == []


@pytest.mark.parametrize("section", [one.code for one in SECTIONS])
def test_a_section_that_is_sent_unchanged_changes_nothing(pages: Pages, section: str) -> None:
    """Whatever kind its fields are; and nothing is asked for."""
    text = pages.send(f"/settings/{section}", pages.form(f"/settings/{section}") | {"do": "look"})
    assert "Niente da applicare" in text
    assert not [one for one in pages.office.requests if one.act == "preview"]


def test_several_choices_keep_the_order_of_the_file(pages: Pages) -> None:
    """The boxes stand in the page's order; the file's first language is the one callers hear."""
    path = pages.office.path
    path.write_text(EXAMPLE.replace('["it", "en"]', '["en", "de", "it"]'), encoding="utf-8")
    assert pages.form("/settings/office")["site.languages"] == ["it", "de", "en"]
    pages.change("office", site__name="Comune di Prova")
    assert 'name = "Comune di Prova"' in pages.office.text
    assert 'languages = ["en", "de", "it"]' in pages.office.text
    pages.change("office", site__languages=["it", "en"])
    assert 'languages = ["en", "it"]' in pages.office.text
    pages.change("office", site__languages=["it", "de", "en"])
    assert 'languages = ["en", "it", "de"]' in pages.office.text


def test_the_first_section_opens(pages: Pages) -> None:
    """And an unknown one is none."""
    assert pages.visitor.get("/settings").headers["location"] == "/settings/office"
    assert pages.visitor.get("/settings/nothing").status_code == 404
    text = pages.read("/settings/lines")
    for words in ("Linea 2", "Verde 800 011 837", "USB 1.3", "USB 1.4 · Rockwell CX93010"):
        assert words in text, words


def test_a_group_without_phones_is_warned_of(pages: Pages) -> None:
    """In the preview, before it is applied: what callers lose."""
    form = pages.form("/settings/phones") | {"citizens_desk.phones": ""}
    text = pages.send("/settings/phones/preview", form)
    assert "lo Sportello Cittadini resta senza telefoni" in text


def test_sockets_have_short_names() -> None:
    """As they are printed on nothing, but counted along the plug."""
    assert socket_name(FREE) == "USB 1.4"
    assert socket_name("/tmp/modem1") == "/tmp/modem1"


# ---- changing ------------------------------------------------------------------------------------


def test_what_will_change_is_said_before(pages: Pages) -> None:
    """In words, with what it needs; nothing is written."""
    text = pages.change("lines", do="look", lines__line2__label="Numero verde")
    assert "Linea 2, etichetta: da «Verde 800 011 837» a «Numero verde»" in text
    assert "Nessuna chiamata si interrompe" in text
    assert "appena nessuno è al telefono" in text
    assert 'value="Numero verde"' in text
    assert pages.office.text == EXAMPLE
    part = pages.send(
        "/settings/lines/preview",
        pages.form("/settings/lines") | {"lines.line2.label": "Numero verde"},
    )
    assert part.lstrip().startswith("<h3>")
    assert "Numero verde" in part


def test_the_patron_saints_day_is_typed_as_people_write_days(pages: Pages) -> None:
    """It is shown as they read it, before it is applied and afterwards; the file has its form."""
    assert 'value="4 ottobre"' in pages.read("/settings/office")
    text = pages.change("office", do="look", site__patron="24/6")
    assert "da «4 ottobre» a «24 giugno»" in text or "da 4 ottobre a 24 giugno" in text
    pages.change("office", site__patron="24 giugno")
    assert read.parse(pages.office.text).site.patron == MonthDay(6, 24)
    assert 'value="24 giugno"' in pages.read("/settings/office")
    for typed, shown in (("24/6", "24 giugno"), ("31/6", ""), ("x" * 99, "")):
        query = {"text": typed}
        answer = pages.visitor.get("/settings/day", params=query, headers={"accept-language": "it"})
        assert answer.json() == {"shown": shown}
    for wrong in ("31/6", ""):
        text = pages.change("office", site__patron=wrong)
        assert pages.status == 422
        assert "Scrivere giorno e mese: 24 giugno, oppure 24/6." in text


def test_a_form_is_applied_whole_and_can_be_undone(pages: Pages) -> None:
    """All kinds of fields at once; the history says who, and puts the same bytes back."""
    to = pages.change(
        "phones", switchboard__phones=["op1"], switchboard__ring="30", head__phones=[],
        phones__op1__label="Banco 1",
    )  # fmt: skip
    assert (pages.status, to) == (303, "/settings/phones?done=1")
    office = read.parse(pages.office.text)
    assert office.switchboard.phones == ("op1",)
    assert (office.switchboard.ring, office.head.phones) == (30.0, ())
    text = pages.read(to)
    assert "Applicato." in text
    assert "Centralino, secondi di squillo: da 25 a 30" in text
    history = pages.read("/settings/history")
    assert "Beppe Neri" in history
    assert pages.send("/settings/undo/1", {}) == "/settings/history?undone=1"
    assert "tutto è come prima" in pages.read("/settings/history?undone=1")
    assert pages.office.text == EXAMPLE
    pages.send("/settings/undo/77", {})
    assert pages.status == 409


def test_every_mistake_stands_at_its_field(pages: Pages) -> None:
    """What was typed is still there, also what is good; nothing is written."""
    text = pages.change(
        "lines", lines__line1__called="051 598 112", calls__lines_kept="tre",
        lines__line2__identity_limit="x",
    )  # fmt: skip
    assert pages.status == 422
    assert pages.office.text == EXAMPLE
    for key in ("calls-lines_kept", "lines-line2-identity_limit"):
        place = re.search(f'id="{key}-problem"([^>]*)>([^<]*)<', text)
        assert place is not None
        assert "hidden" not in place[1]
        assert place[2]
        assert re.search(f'id="{key}"[^>]*aria-invalid="true"', text)
    assert 'value="tre"' in text
    assert 'value="051 598 112"' in text
    assert "Non si può applicare" in text


def test_two_people_at_once_lose_nothing(pages: Pages) -> None:
    """The second one is told; what they typed stays, the other's change is not taken back."""
    form = pages.form("/settings/retention")
    pages.change("retention", retention__calls_days="700")
    form |= {"retention.numbers_days": ["90"], "do": ["apply"]}
    text = pages.send("/settings/retention", form)
    assert pages.status == 409
    assert "nel frattempo" in text
    assert 'value="90"' in text
    assert 'value="700"' in text
    base = re.search(r'name="base" value="([^"]*)"', text)
    assert base is not None
    assert base[1] == digest_of(pages.office.text)
    pages.send("/settings/retention", form | {"base": base[1]})
    office = read.parse(pages.office.text)
    assert (office.retention.calls_days, office.retention.numbers_days) == (700, 90)


def test_a_password_is_never_shown(pages: Pages) -> None:
    """Neither in the preview, nor after a mistake, nor later."""
    account = {
        "mail__server": "smtp.example.org", "mail__sender": "urp@comune.example",
        "mail__user": "urp", "mail__password": "ramarro sotto il sasso",
    }  # fmt: skip
    text = pages.change("mail", do="look", **account)
    assert "Posta, password: cambiato, qui non mostrato" in text
    assert "ramarro" not in text
    text = pages.change("mail", **account | {"mail__port": "x"})
    assert pages.status == 422
    assert "ramarro" not in text
    pages.change("mail", **account)
    assert pages.status == 303
    kept = pages.office.path.with_name("mail_password")
    assert kept.read_text(encoding="utf-8") == "ramarro sotto il sasso\n"
    assert "ramarro" not in pages.read("/settings/mail") + pages.read("/settings/history")
    assert "ramarro" not in pages.office.text


def test_numbers_of_the_house_are_counted_and_never_shown(pages: Pages) -> None:
    """They can be replaced and taken away (P7)."""
    pages.change("phones", switchboard__outside="3401234567")
    text = pages.read("/settings/phones")
    assert "C'è 1 numero, non mostrato." in text
    assert "3401234567" not in text + pages.read("/settings/history")
    assert read.parse(pages.office.text).switchboard.outside == "3401234567"
    text = pages.change("phones", do="look", switchboard__outside="3407654321")
    assert "3407654321" not in text
    pages.change("phones", empty__switchboard__outside="1")
    assert read.parse(pages.office.text).switchboard.outside == ""
    pages.change("phones", switchboard__pbx_numbers="201, 202")
    assert read.parse(pages.office.text).switchboard.pbx_numbers == ("201", "202")


def test_a_line_is_added_with_a_free_modem_and_removed(pages: Pages) -> None:
    """The modem is chosen among those that are plugged in."""
    new = {"new__port": FREE, "new__label": "Terza", "new__called": "051 598 113"}
    text = pages.change("lines", do="look", **new)
    assert "Nuova linea: 3" in text
    assert 'value="Terza"' in text
    pages.change("lines", **new)
    assert [line.label for line in read.parse(pages.office.text).lines][-1] == "Terza"
    text = pages.change("lines", do="look", remove__lines__line3="1")
    assert "Linea tolta: 3" in text
    pages.change("lines", remove__lines__line3="1")
    assert len(read.parse(pages.office.text).lines) == 2


def test_numbers_and_switches_are_read_as_people_write_them(pages: Pages) -> None:
    """A comma, nothing for the default, a tick for yes."""
    pages.change(
        "lines", lines__line1__identity_limit="2,5", lines__line2__identity_limit="",
        lines__line1__echo="1",
    )  # fmt: skip
    first, second = read.parse(pages.office.text).lines
    assert (first.identity_limit, first.echo, second.identity_limit) == (2.5, True, 3.0)
    form = pages.form("/settings/lines")
    del form["lines.line1.echo"]
    pages.send("/settings/lines", form | {"do": "apply"})
    assert not read.parse(pages.office.text).lines[0].echo


# ---- on trial ------------------------------------------------------------------------------------


def serves(pages: Pages, **own: Any) -> None:
    """Have the console be one that was started with these settings, else with the file's."""
    state = pages.visitor.app.state
    state.settings = replace(state.settings, **{"port": 443, "redirect_port": 80} | own)


def test_what_may_cut_the_browser_off_waits_for_a_confirmation(pages: Pages) -> None:
    """The page says how long, and where the console answers from now on; only there, by a console
    that has started with it, is a confirmation offered.
    """
    serves(pages)
    pages.change("network", console__port="8443")
    office = pages.office
    office.now = replace(TEN, monotonic=TEN.monotonic + 8)
    text = pages.read("/settings/network?done=1")
    assert "conferma quando la rivedi" in text
    assert 'action="/settings/confirm"' not in text
    assert 'data-left="52"' in text
    assert "https://centralino.local:8443/settings/network" in text
    serves(pages, port=8443)
    text = pages.read("/settings/network")
    assert "Vedi ancora questa pagina? Conferma." in text
    assert 'action="/settings/confirm"' in text
    assert "centralino.local:8443" not in text
    text = pages.change("network", console__port="8444")
    assert pages.status == 409
    assert "prima" in text
    to = pages.send("/settings/confirm", {"section": "network"})
    assert to == "/settings/network?confirmed=1"
    assert "la modifica resta" in pages.read(to)
    assert office.file.trial() is None
    pages.send("/settings/confirm", {"section": "network"})
    assert pages.status == 409


def test_a_console_that_restarts_for_another_name_is_looked_for(pages: Pages) -> None:
    """Its address stays: the page opens itself anew, and offers the confirmation then."""
    serves(pages)
    pages.change("network", console__names="urp.local")
    text = pages.read("/settings/network")
    assert "data-moves" in text
    assert 'action="/settings/confirm"' not in text
    serves(pages, names=("urp.local",))
    text = pages.read("/settings/network")
    assert "data-moves" not in text
    assert 'action="/settings/confirm"' in text


def test_a_trial_is_undone_at_once_if_one_wants(pages: Pages) -> None:
    """And somebody else sees whose it is."""
    pages.change("network", console__port="8443")
    office = pages.office
    text = pages.read("/settings/mail")
    assert "Annulla ora" in text
    pages.send("/settings/undo/1", {"section": "mail"})
    assert office.text == EXAMPLE


def test_without_call_control_nothing_is_lost(pages: Pages, visitor: Visitor) -> None:
    """The page says why it shows nothing."""
    del pages
    visitor.app.state.control._control_socket = Path("/nowhere")
    for path in ("/settings/mail", "/settings/history"):
        answer = visitor.get(path, headers={"accept-language": "it"})
        assert "non risponde" in answer.text
    assert visitor.post("/settings/mail", data={"do": "apply"}).status_code == 503
    assert visitor.post("/settings/mail/preview").status_code == 503


def test_a_file_that_is_wrong_is_mended_with_an_editor(pages: Pages) -> None:
    """The page says what is wrong with it."""
    pages.office.path.write_text("[site\n", encoding="utf-8")
    assert 'role="alert"' in pages.read("/settings/mail")
    assert pages.status == 503


@pytest.mark.parametrize("is_done", [False, True], ids=["not carried out", "carried out"])
def test_call_control_that_restarts_meanwhile_loses_no_change(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    """A change whose answer does not come is sent again, and is in the history once."""
    client = pages.visitor.app.state.control
    send, tried = client.send, list[bool]()

    async def interrupted(command: Any, limit: float) -> Any:
        is_first = isinstance(command, ChangeSettings) and not tried
        if is_first:
            tried.append(is_done)
        if is_first and not is_done:
            raise ControlUnreachable(unchanged("gone"))
        found = await send(command, limit)
        if is_first:
            raise ControlUnreachable(unchanged("gone"))
        return found

    form = pages.form("/settings/office")
    monkeypatch.setattr(client, "send", interrupted)
    heard = StatusSnapshot(1, cast("Any", "heard before"), away=True)
    monkeypatch.setattr(pages.visitor.app.state.feed, "newest", heard)
    changed = form | {"site.name": ["Comune Nuovo"], "do": ["apply"]}
    answer = pages.visitor.post("/settings/office", data=changed)
    assert answer.headers["location"] == "/settings/office?done=1"
    assert tried
    assert [entry.number for entry in pages.office.file.history()] == [1]
    assert read.parse(pages.office.text).site.name == "Comune Nuovo"
