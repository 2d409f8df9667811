"""What the technician is told of the installation at the door: all of it, and no secret."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from appliance.api import status
from appliance.calls import events
from appliance.errors import CentralinoError
from appliance.media.messages import Recovering, Snapshot
from appliance.modem.events import Recovery
from appliance.panel import Led
from appliance.sip.phones import PhoneState
from appliance.sip.trunk import RegistrationState
from appliance.store import database
from appliance.store.database import DATABASE_FAILING
from tests.calls.desk import KNOWN, RANG, TEN, later, tell, up
from tests.console import people
from tests.fuzz.targets import door as beside
from tests.helpers.plant import Plant


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
def plant(tmp_path: Path) -> Plant:
    """Two lines that are up, one phone of two registered."""
    return Plant(tmp_path, up())


def test_a_line_is_told_with_its_modem_and_settings(plant: Plant) -> None:
    """State in words, port, dialect, levels, whether it carries a conversation."""
    line = plant.ask()["lines"][0]
    assert (line["port"], line["modem"]) == ("/dev/serial/by-path/one", "CX930xx")
    assert (line["receive_gain"], line["transmit_gain"], line["echo"]) == (130, -1, True)
    assert line["words"]["it"].startswith("libera")
    assert not line["in_trouble"]


def test_a_line_in_trouble_says_why_and_what_was_tried(plant: Plant) -> None:
    """The reason in both languages, and every step of the ladder with what was seen."""
    tell(plant.switchboard, TEN, events.LineLost("line1", "gone", reason_it="sparito"))
    plant.recoveries.heard(Recovering("line1", Recovery.REOPEN, "muto", "silent"))
    first, second = plant.ask()["lines"]
    assert first["in_trouble"]
    assert first["words"]["it"].endswith("sparito")
    assert first["tried"][0]["seen"] == {"it": "muto", "en": "silent"}
    assert (second["in_trouble"], second["tried"]) == (False, [])


def test_what_is_wrong_is_told_in_both_languages(plant: Plant) -> None:
    """Lines' and stores' troubles stand first on the page."""
    assert plant.ask()["troubles"] == []
    tell(plant.switchboard, TEN, events.LineLost("line1", "gone", reason_it="sparito"))
    plant.collector.trouble("records", DATABASE_FAILING)
    told = plant.ask()["troubles"]
    assert [one["it"] for one in told][-1] == DATABASE_FAILING.it
    assert "sparito" in told[0]["it"]
    assert "gone" in told[0]["en"]


def test_a_phone_that_is_gone_says_since_when(plant: Plant) -> None:
    """Where it is registered, whether it answers, since when it does not."""
    tell(plant.switchboard, later(TEN, 60), events.PhoneGone("op2"))
    first, second = plant.ask()["phones"]
    assert (first["address"], first["answers"], first["gone_since"]) == (
        "127.0.15.8:5060", True, None,
    )  # fmt: skip
    assert second["address"] == ""
    assert second["gone_since"] == later(TEN, 60).wall.isoformat()


def test_what_sip_has_met_with_is_told(plant: Plant) -> None:
    """Floods, nonsense, lock-outs, and the other telephone system in words."""
    plant.phones = dataclasses.replace(
        plant.phones, dropped=3, nonsense=4, locked_out=("127.0.15.66",),
        registrar=RegistrationState.REFUSED,
        branches=(PhoneState("savena", "", None, answers=False),),
        tcp_trouble="why", connections=5,
    )  # fmt: skip
    sip = plant.ask()["sip"]
    assert (sip["tcp_trouble"], sip["connections"]) == ("why", 5)
    assert (sip["dropped"], sip["nonsense"], sip["locked_out"]) == (3, 4, ["127.0.15.66"])
    assert sip["registrar"] == "127.0.15.9"
    assert sip["standing"]["en"] == "refuses the name or the password"
    assert sip["branches"] == [{"name": "savena", "answers": False}]
    assert set(status.STANDINGS) == set(RegistrationState)


def test_the_lines_process_is_told_with_its_figures(plant: Plant) -> None:
    """Whether it runs, whether in real time, how late its sound is; a unit's number is not ours."""
    told = plant.ask()["carrier"]
    assert (told["connected"], told["pid"], told["realtime"]) == (True, 77, "")
    assert told["health"]["late_p99"] == 0.4
    plant.carrier.child = None
    plant.carrier.snapshot = Snapshot(realtime="refused")
    told = plant.ask()["carrier"]
    assert (told["pid"], told["realtime"]) == (None, "refused")


def test_every_led_says_what_it_shows(plant: Plant) -> None:
    """The technician reads what the LEDs on the box mean at this moment."""
    told = {one["led"]: one["words"] for one in plant.ask()["leds"]}
    assert set(told) == {*map(str, Led), "line:line1", "line:line2", "line:line3"}
    assert told["line:line1"]["en"] == "Line idle and in order."
    assert told["fault"]["it"] == "Nessun guasto."


def test_versions_name_the_programme_and_what_it_runs_on(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system says no name its kind is told."""
    assert set(plant.ask()["versions"]) == {
        "centralino", "python", "sqlite", "system", "kernel", "machine",
    }  # fmt: skip
    monkeypatch.setattr("platform.freedesktop_os_release", dict)
    assert status.versions()["system"] == "Linux"


def test_no_password_and_no_callers_number_is_told(plant: Plant) -> None:
    """P7: neither who calls nor where the mail's password lies."""
    tell(plant.switchboard, TEN, RANG, KNOWN)
    told = json.dumps(plant.ask())
    assert plant.ask()["lines"][0]["state"] == "ringing"
    assert "051234567" not in told
    assert "mail-secret" not in told


def test_the_leds_are_lit_for_a_technician_and_audited(tmp_path: Path) -> None:
    """Who may open no technician's page lights nothing, and reads why in both languages."""
    stores = Kept(tmp_path)
    people.enter(stores.connection)
    plant = Plant(tmp_path, up(), stores)
    told: list[Any] = []
    for by in ("carla", "nobody", "beppe"):
        plant.questions.led_test({"ask": "led_test", "by": by})(told.append)
    assert [answer.get("done", True) for answer in told] == [False, False, True]
    assert "Tecnico" in told[0]["said"]["it"]
    assert told[2]["said"]["en"] == "All LEDs are lit for ten seconds."
    assert plant.lit == 1
    assert [noted.by for noted in database.latest(stores.connection, "panel.")] == ["beppe"]


def test_leds_stay_as_they_are_where_nothing_can_be_audited(tmp_path: Path) -> None:
    """What cannot be kept is not done, and said."""
    stores = Kept(tmp_path)
    people.enter(stores.connection)
    stores.connection.execute("DROP TABLE audit")
    plant = Plant(tmp_path, up(), stores)
    told: list[Any] = []
    plant.questions.led_test({"ask": "led_test", "by": "beppe"})(told.append)
    assert isinstance(told[0], CentralinoError)
    assert plant.lit == 0
