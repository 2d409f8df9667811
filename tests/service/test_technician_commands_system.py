"""What the technician is told of the installation over the socket: all of it, and no secret."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from appliance.api.technician_commands import TestLeds
from appliance.calls import events
from appliance.errors import CentralinoError
from appliance.media.messages import Recovering, Snapshot
from appliance.modem.events import Recovery
from appliance.panel import Led
from appliance.service import technician_commands
from appliance.sip.phones import PhoneState
from appliance.sip.trunk import RegistrationState
from appliance.store import database
from appliance.store.database import DATABASE_FAILING
from tests.calls.examples import KNOWN, RANG, TEN, later, tell, up
from tests.console import people
from tests.fuzz.targets import control_socket as beside
from tests.helpers.system_status import SystemStub
from tests.helpers.words import both, pair


class Kept(beside.Stores):
    """Records whose refusals reach who asks as they are."""

    def do(self, job: Any, done: Any) -> None:
        """Do a job at once, as the worker's thread does."""
        try:
            result = job(self.connection)
        except CentralinoError as error:
            result = error
        except sqlite3.Error as error:
            result = CentralinoError(str(error))
        done(result)


@pytest.fixture
def system_stub(tmp_path: Path) -> SystemStub:
    """Two lines that are up, one phone of two registered."""
    return SystemStub(tmp_path, up())


def test_a_line_is_told_with_its_modem_and_settings(system_stub: SystemStub) -> None:
    """State in words, port, dialect, levels, whether it carries a conversation."""
    line = system_stub.ask()["lines"][0]
    assert (line["port"], line["modem"]) == ("/dev/serial/by-path/one", "CX930xx")
    assert (line["receive_gain"], line["transmit_gain"], line["echo"]) == (130, -1, True)
    assert line["words"]["it"].startswith("libera")
    assert not line["in_trouble"]


def test_a_line_in_trouble_says_why_and_what_was_tried(system_stub: SystemStub) -> None:
    """The reason in both languages, and every step of the ladder with what was seen."""
    tell(system_stub.switchboard, TEN, events.LineLost("line1", pair("sparito", "gone")))
    system_stub.recoveries.heard(Recovering("line1", Recovery.REOPEN, pair("muto", "silent")))
    first, second = system_stub.ask()["lines"]
    assert first["in_trouble"]
    assert first["words"]["it"].endswith("sparito")
    assert first["tried"][0]["seen"] == both("muto", "silent")
    assert (second["in_trouble"], second["tried"]) == (False, [])


def test_what_is_wrong_is_told_in_both_languages(system_stub: SystemStub) -> None:
    """Lines' and stores' troubles stand first on the page."""
    assert system_stub.ask()["troubles"] == []
    tell(system_stub.switchboard, TEN, events.LineLost("line1", pair("sparito", "gone")))
    system_stub.collector.trouble("records", DATABASE_FAILING)
    told = system_stub.ask()["troubles"]
    assert [one["it"] for one in told][-1] == DATABASE_FAILING.words.text("it")
    assert "sparito" in told[0]["it"]
    assert "gone" in told[0]["en"]


def test_a_phone_that_is_gone_says_since_when(system_stub: SystemStub) -> None:
    """Where it is registered, whether it answers, since when it does not."""
    tell(system_stub.switchboard, later(TEN, 60), events.PhoneGone("op2"))
    first, second = system_stub.ask()["phones"]
    assert (first["address"], first["answers"], first["gone_since"]) == (
        "127.0.15.8:5060", True, None,
    )  # fmt: skip
    assert second["address"] == ""
    assert second["gone_since"] == later(TEN, 60).wall.isoformat()


def test_what_sip_has_met_with_is_told(system_stub: SystemStub) -> None:
    """Floods, nonsense, lock-outs, and the other telephone system in words."""
    system_stub.phones = dataclasses.replace(
        system_stub.phones, dropped=3, nonsense=4, locked_out=("127.0.15.66",),
        registrar=RegistrationState.REFUSED,
        branches=(PhoneState("savena", "", None, answers=False),),
        tcp_trouble="why", connections=5,
    )  # fmt: skip
    sip = system_stub.ask()["sip"]
    assert (sip["tcp_trouble"], sip["connections"]) == ("why", 5)
    assert (sip["dropped"], sip["nonsense"], sip["locked_out"]) == (3, 4, ["127.0.15.66"])
    assert sip["registrar"] == "127.0.15.9"
    assert sip["standing"]["en"] == "refuses the name or the password"
    assert sip["branches"] == [{"name": "savena", "answers": False}]
    assert set(technician_commands.REGISTRATION_WORDS) == set(RegistrationState)


def test_the_lines_process_is_told_with_its_figures(system_stub: SystemStub) -> None:
    """Whether it runs, whether in real time, how late its sound is; a unit's number is not ours."""
    told = system_stub.ask()["carrier"]
    assert (told["connected"], told["pid"], told["realtime"]) == (True, 77, "")
    assert told["health"]["late_p99"] == 0.4
    system_stub.media_link.child = None
    system_stub.media_link.snapshot = Snapshot(realtime="refused")
    told = system_stub.ask()["carrier"]
    assert (told["pid"], told["realtime"]) == (None, "refused")


def test_every_led_says_what_it_shows(system_stub: SystemStub) -> None:
    """The technician reads what the LEDs on the box mean at this moment."""
    told = {one["led"]: one["words"] for one in system_stub.ask()["leds"]}
    assert set(told) == {*map(str, Led), "line:line1", "line:line2", "line:line3"}
    assert told["line:line1"]["en"] == "Line idle and in order."
    assert told["fault"]["it"] == "Nessun guasto."


def test_versions_name_the_programme_and_what_it_runs_on(
    system_stub: SystemStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system says no name its kind is told."""
    assert set(system_stub.ask()["versions"]) == {
        "centralino", "python", "sqlite", "system", "kernel", "machine",
    }  # fmt: skip
    monkeypatch.setattr("platform.freedesktop_os_release", dict)
    assert technician_commands.versions()["system"] == "Linux"


def test_no_password_and_no_callers_number_is_told(system_stub: SystemStub) -> None:
    """P7: neither who calls nor where the mail's password lies."""
    tell(system_stub.switchboard, TEN, RANG, KNOWN)
    told = json.dumps(system_stub.ask())
    assert system_stub.ask()["lines"][0]["state"] == "ringing"
    assert "051234567" not in told
    assert "mail-secret" not in told


def test_the_leds_are_lit_for_a_technician_and_audited(tmp_path: Path) -> None:
    """Who may open no technician's page lights nothing, and reads why in both languages."""
    stores = Kept(tmp_path)
    people.enter(stores.connection)
    system_stub = SystemStub(tmp_path, up(), stores)
    told: list[Any] = []
    for by in ("carla", "nobody", "beppe"):
        system_stub.questions.led_test(TestLeds(by=by))(told.append)
    assert [answer.done for answer in told] == [False, False, True]
    assert "Tecnico" in told[0].said.text("it")
    assert told[2].said.text("en") == "All LEDs are lit for ten seconds."
    assert system_stub.lit == 1
    assert [noted.by for noted in database.latest(stores.connection, "panel.")] == ["beppe"]


def test_leds_stay_as_they_are_where_nothing_can_be_audited(tmp_path: Path) -> None:
    """What cannot be kept is not done, and said."""
    stores = Kept(tmp_path)
    people.enter(stores.connection)
    stores.connection.execute("DROP TABLE audit")
    system_stub = SystemStub(tmp_path, up(), stores)
    told: list[Any] = []
    system_stub.questions.led_test(TestLeds(by="beppe"))(told.append)
    assert isinstance(told[0], CentralinoError)
    assert system_stub.lit == 0
