"""Phones entered in the console: kept beside the configuration's file, by call control, with a
password that is told once; every mistake is one sentence, and nothing has changed then.
"""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.api.phones import PhoneCommands, ProvisioningWindow
from appliance.config import office as config_office
from appliance.config import phones as config_phones
from appliance.config import read
from appliance.config.build import extensions
from appliance.config.phones import EnteredPhone, EnteredPhones, phone_settings
from appliance.config.schema import Settings
from appliance.errors import OfficeError
from appliance.policy.directory import Reach, make_target
from appliance.policy.text import Refused
from appliance.sip.service import Phones
from appliance.store import database
from tests.calls.examples import TEN
from tests.commands.test_phones import CONFIG, YEALINK
from tests.console import people
from tests.helpers.wire import wire
from tests.policy.small_directory import RESIDENCE, declaration, with_declarations
from tests.service.test_technician_commands_system import Kept

NEW = {"name": "op3", "label": "Operatore 3", "group": "switchboard"}


class Office:
    """Call control with two phones, of which one is registered; `started` counts its starts."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "centralino.toml"
        self.path.write_text(CONFIG.format(folder=folder))
        self.state = folder / "state"
        self.state.mkdir()
        self.settings = read.load(self.path)
        config_phones.save_secrets(self.settings, {"op1": "first"})
        self.kept = Kept(self.state)
        people.enter(self.kept.connection)
        self.started = 0
        (folder / "run").mkdir()
        self.window = ProvisioningWindow(self.path, folder / "run")
        self.start()

    def start(self) -> None:
        """Start with what is written and entered now."""
        written, self.settings, _, complaint = config_office.in_force_with_written(self.path)
        secrets = config_phones.load_secrets(self.settings)
        self.phones = Phones(phone_settings(self.settings, secrets), lambda _: None)
        stores: Any = self.kept
        self.entering = PhoneCommands(
            self.settings, written, self.phones, stores, lambda: TEN, complaint, kept=True,
            window=self.window,
        )  # fmt: skip
        self.entering.on_change = self._changed

    def _changed(self) -> None:
        self.started += 1

    def ask(self, what: str, by: str = people.BEPPE.name, **more: Any) -> Any:
        """Ask as a technician; returns the answer, raises what is one."""
        told: list[Any] = []
        later: Any = self.entering.known[what]({"ask": what, "by": by, **more})
        later(lambda reply: told.append(wire(reply)))
        if isinstance(told[0], Exception):
            raise told[0]
        answer: dict[str, Any] = told[0]
        return answer

    def names(self) -> list[str]:
        """List the phones that the page shows."""
        return [row["name"] for row in self.ask("phones")["phones"]]

    def knows(self, name: str) -> bool:
        """Tell whether a phone of that name may register now."""
        self.phones._loop.turn(0.0)
        return self.phones._endpoint.registrar.authentication.knows(name)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Two phones of the configuration's file."""
    return Office(tmp_path)


def refused(office: Office, what: str, **more: Any) -> str:
    """Ask what cannot be; returns why in Italian, once nothing has changed by it."""
    before = [path.read_bytes() for path in sorted(office.state.rglob("*.json"))]
    try:
        answer = office.ask(what, **more)
        said = str(answer["said"]["it"])
        assert answer["done"] is False
    except Refused as error:
        said = error.words.text("it")
    assert [path.read_bytes() for path in sorted(office.state.rglob("*.json"))] == before
    assert office.started == 0
    return said


def test_a_phone_is_added_with_a_password_that_is_told_once(office: Office) -> None:
    """It is kept where no other account reads it; the configuration's file is left alone."""
    text = office.path.read_text()
    told = office.ask("phone_add", **NEW)
    rows = {words["it"]: value for words, value in told["rows"]}
    assert (rows["Interno"], rows["Server SIP (registrar)"], rows["Porta"]) == (
        "13", "127.0.18.7", "5060",
    )  # fmt: skip
    assert rows["Password"] == told["secret"] == config_phones.load_secrets(office.settings)["op3"]
    assert stat.S_IMODE(config_phones.secrets_path(office.settings).stat().st_mode) == 0o600
    assert told["secret"] not in config_phones.path_of(office.state).read_text()
    assert told["secret"] not in json.dumps(office.ask("phones"))
    assert (office.path.read_text(), office.started) == (text, 1)


def test_it_rings_from_the_next_start_on(office: Office) -> None:
    """It is one of the office's, in its group; what is shown says that it waits until then."""
    office.ask("phone_add", **NEW)
    assert office.ask("phones")["waits"]
    assert [row["in_force"] for row in office.ask("phones")["phones"]] == [True, True, False]
    office.start()
    assert office.settings.switchboard.phones == ("op1", "op2", "op3")
    assert not office.ask("phones")["waits"]
    assert office.knows("op3")
    row = office.ask("phones")["phones"][-1]
    assert (row["label"], row["extension"], row["group"]) == ("Operatore 3", "13", "switchboard")
    assert (row["registered"], row["has_secret"], row["is_entered"]) == ("", True, True)


@pytest.mark.parametrize("group", ["citizens_desk", ""])
def test_it_rings_where_it_was_asked_for(office: Office, group: str) -> None:
    """At the counter, or in an office, where none rings by itself."""
    office.ask("phone_add", **{**NEW, "group": group})
    office.start()
    assert office.settings.switchboard.phones == ("op1", "op2")
    assert office.settings.citizens_desk.phones == (("op3",) if group else ())
    assert office.ask("phones")["phones"][-1]["group"] == group


def test_a_phone_that_fetches_its_file_is_told_where(office: Office) -> None:
    """By its hardware address the make is known; a program is given a code to scan."""
    told = office.ask("phone_add", **NEW, mac=YEALINK)
    assert (told["is_soft"], told["picture"]) == (False, "")
    assert told["url"].startswith("http://127.0.18.7:5080/")
    row = office.ask("phones")["phones"][-1]
    assert (row["make"], row["mac"]) == ("yealink", "00:15:65:aa:bb:cc")
    soft = office.ask("phone_add", name="op4", label="Banco", group="switchboard")
    assert soft["url"].endswith("/linphone.xml")
    assert soft["picture"].startswith("<svg")


def test_every_mistake_is_one_sentence(office: Office) -> None:
    """What is wrong, and what is right; nothing is kept."""
    for wrong, words in (
        ({"name": "Op 3"}, "lettere minuscole"),
        ({"name": "op1"}, "già di un telefono"),
        ({"name": None}, "lettere minuscole"),
        ({"label": "  "}, "da 1 a 40 caratteri"),
        ({"label": "x" * 41}, "da 1 a 40 caratteri"),
        ({"label": "a\x07b"}, "da 1 a 40 caratteri"),
        ({"mac": "00:15:65"}, "scritto sotto il telefono"),
        ({"mac": "aa:aa:aa:aa:aa:aa"}, "sceglierla dall'elenco"),
        ({"make": "gxp"}, "sceglierla dall'elenco"),
        ({"make": "yealink"}, "serve l'indirizzo MAC"),
    ):
        assert words in refused(office, "phone_add", **(NEW | wrong)), wrong
    with pytest.raises(OfficeError):
        office.ask("phone_add", **(NEW | {"group": "head"}))
    assert office.names() == ["op1", "op2"]


def test_a_hardware_address_is_one_phones(office: Office) -> None:
    """Two of them would fetch one another's password."""
    office.ask("phone_add", **NEW, mac=YEALINK)
    office.started = 0
    other = NEW | {"name": "op4", "label": "Operatore 4"}
    said = refused(office, "phone_add", **other, mac=YEALINK)
    assert said == "questo indirizzo MAC è già del telefono op3"


def test_only_a_technician_may(office: Office) -> None:
    """Call control looks itself, whatever the console has looked at."""
    for by in (people.ANNA.name, people.CARLA.name, "eve"):
        assert "tecnico" in refused(office, "phone_add", by=by, **NEW).lower() or by == "eve"
        assert refused(office, "phone_renew", by=by, name="op1")
        assert refused(office, "phone_remove", by=by, name="op1")
    assert config_phones.load_secrets(office.settings) == {"op1": "first"}


def test_what_was_done_is_noted(office: Office) -> None:
    """Who, what, which phone; no password."""
    told = office.ask("phone_add", **NEW)
    renewed = office.ask("phone_renew", name="op3")
    office.ask("phone_label", name="op3", label="Banco")
    office.ask("phone_remove", name="op3")
    noted = [(n.by, n.what, n.about) for n in database.latest(office.kept.connection, "phone")]
    assert noted == [
        ("beppe", what, "op3")
        for what in ("phone.remove", "phone.label", "phone.password", "phone.add")
    ]
    assert told["secret"] != renewed["secret"]


def test_a_new_password_counts_at_once(office: Office) -> None:
    """Also for a phone of the file's that had none; the service goes on."""
    assert not office.knows("op2")
    told = office.ask("phone_renew", name="op2")
    assert office.knows("op2")
    assert told["secret"] == config_phones.load_secrets(office.settings)["op2"]
    assert office.started == 0


def test_the_window_is_a_technicians_and_noted(office: Office) -> None:
    """Opened, closed, made anew by a phone that is added meanwhile."""
    assert refused(office, "phones_serve", by=people.CARLA.name)
    assert office.window.left_s == 0
    office.ask("phones_serve")
    assert office.ask("phones")["window"]["until"]
    office.ask("phones_serve_end")
    assert office.ask("phones")["window"] == {"until": "", "said": ""}
    noted = [n.what for n in database.latest(office.kept.connection, "phone")]
    assert noted == ["phone.serve_end", "phone.serve"]


def test_a_label_of_the_files_phone_is_changed_beside_it(office: Office) -> None:
    """The file keeps its own."""
    office.ask("phone_label", name="op1", label="Sportello")
    office.start()
    assert [phone.label for phone in office.settings.phones] == ["Sportello", ""]
    assert 'label = "Operator 1"' in office.path.read_text()


def test_a_label_is_one_phones(office: Office) -> None:
    """Added, renamed or put back; capitals and spaces do not tell two labels apart."""
    same = NEW | {"label": "operator  1"}
    taken = "l'etichetta «operator 1» è già del telefono op1: sceglierne un'altra"
    assert refused(office, "phone_add", **same) == taken
    assert refused(office, "phone_label", name="op2", label="operator 1") == taken
    office.ask("phone_label", name="op1", label="Operator 1")
    office.ask("phone_remove", name="op1")
    office.ask("phone_label", name="op2", label="Operator 1")
    office.started = 0
    assert "è già del telefono op2" in refused(office, "phone_back", name="op1")


def test_a_label_that_the_file_gives_twice_may_stay(office: Office) -> None:
    """An existing configuration is warned of, not refused."""
    text = office.path.read_text()
    office.path.write_text(text.replace('name = "op2"', 'name = "op2"\nlabel = "Operator 1"'))
    office.start()
    office.ask("phone_label", name="op2", label="Operator 1")


def test_a_phone_is_removed_and_its_password_with_it(office: Office) -> None:
    """One that was entered is gone; one of the file's may be put back. Extensions stay."""
    office.ask("phone_add", **NEW)
    office.start()
    office.ask("phone_remove", name="op1")
    assert not office.knows("op1")
    assert office.ask("phones")["removed"] == [{"name": "op1", "label": "Operator 1"}]
    office.start()
    assert office.names() == ["op2", "op3"]
    assert [one.digits for one in extensions(office.settings.phones)] == ["12", "13"]
    office.ask("phone_remove", name="op3")
    assert "op3" not in config_phones.load_secrets(office.settings)
    assert "op3" not in config_phones.load_handsets(office.settings)
    assert office.names() == ["op2"]
    office.ask("phone_back", name="op1")
    office.start()
    assert office.settings.switchboard.phones == ("op1", "op2")


def test_the_switchboards_last_phone_stays(office: Office) -> None:
    """Without one nobody would be rung; and a name that was removed is not given anew."""
    office.ask("phone_remove", name="op1")
    office.started = 0
    assert "ultimo telefono" in refused(office, "phone_remove", name="op2")
    assert "rimetterlo in uso" in refused(office, "phone_add", **(NEW | {"name": "op1"}))
    assert "non c'è più" in refused(office, "phone_label", name="op1", label="x")


def test_a_configuration_that_is_wrong_is_mended_first(office: Office) -> None:
    """Call control could not start with these entries; the last good phones stay."""
    office.path.write_text(office.path.read_text().replace("[hours]", "[hour]"))
    office.start()
    assert office.names() == ["op1", "op2"]
    assert "correggerlo prima" in refused(office, "phone_add", **NEW)


def test_the_name_that_is_suggested_is_free(office: Office) -> None:
    """The next one, also after those that were removed."""
    assert office.ask("phones")["suggested"] == "op3"
    office.ask("phone_add", **NEW)
    office.ask("phone_remove", name="op1")
    assert office.ask("phones")["suggested"] == "op4"


def test_a_damaged_file_costs_what_was_entered_and_no_call(office: Office) -> None:
    """The office starts with its own phones; the page names the file."""
    config_phones.path_of(office.state).write_text("{")
    office.start()
    assert [phone.name for phone in office.settings.phones] == ["op1", "op2"]
    assert "phones_entered.json non si legge" in office.ask("phones")["said"]["it"]


def settings_of(office: Office, **entered: Any) -> Settings:
    """Lay something over the office's own configuration."""
    return config_phones.overlay_phones(read.load_written(office.path), EnteredPhones(**entered))


def test_the_files_own_phone_goes_before_one_of_the_same_name(office: Office) -> None:
    """Somebody has written it into the file since: one phone, and no mistake."""
    laid = settings_of(office, added=(EnteredPhone("op2", "Altro", "citizens_desk", "12"),))
    assert [(phone.name, phone.label) for phone in laid.phones] == [
        ("op1", "Operator 1"),
        ("op2", ""),
    ]
    assert laid.citizens_desk.phones == ()


def test_the_file_may_take_the_switchboards_last_phone_only_with_another(office: Office) -> None:
    """Whatever was entered before the file was changed, somebody can be rung."""
    laid = settings_of(office, removed=("op1", "op2"))
    assert laid.switchboard.phones == ("op1", "op2")
    laid = settings_of(office, removed=("op1", "op2"), added=(EnteredPhone("op3", "Tre"),))
    assert laid.switchboard.phones == ("op3",)


def test_an_extension_that_the_file_has_given_away_is_another(office: Office) -> None:
    """Two phones never have one number."""
    text = office.path.read_text().replace('name = "op2"', 'name = "op2"\nextension = "13"')
    office.path.write_text(text)
    laid = settings_of(office, added=(EnteredPhone("op3", "Tre", "switchboard", "13"),))
    assert [one.digits for one in extensions(laid.phones)] == ["11", "13", "12"]


def test_a_phone_that_an_office_has_declared_says_so(office: Office) -> None:
    """Who removes it reads whose calls then come back; the others have no such word."""
    phone = make_target(Reach.PHONE, "op2", "desk")
    one = replace(RESIDENCE, targets=(phone,))
    directory = with_declarations(replace(declaration(), needs=(one,)))
    office.entering.directory = lambda: directory
    first, second = (row["warning"]["it"] for row in office.ask("phones")["phones"])
    assert first == ""
    assert second.startswith(
        "Anagrafe: l'ufficio lo ha comunicato. Una chiamata trasferita lì torna"
    )
