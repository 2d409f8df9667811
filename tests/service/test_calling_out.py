"""How calling out is configured, asked for at the control socket, said in status and journal."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.api.calls import CallBacks, read_call_back
from appliance.api.replies import Said
from appliance.calls import events, orders
from appliance.calls.commands import CallBack
from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.commands.demo_office import configuration
from appliance.commands.status import summary
from appliance.config import read as config_read
from appliance.config.build import line_setup, numbers_of, rehearses
from appliance.config.office import build_office
from appliance.config.values import BadConfiguration, OnOff
from appliance.errors import CentralinoError, OfficeError, StoreError
from appliance.policy.dialling import DialRefusal, Identity
from appliance.policy.numbering import PLANS, NumberClass
from appliance.policy.text import SaidError
from appliance.policy.voicemail import MessageEntry, MessageStep
from appliance.service import stores as service_stores
from appliance.service.housekeeping import in_vain
from appliance.service.stores import Stores
from appliance.store import call_log, voicemail
from appliance.store.database import database_path, open_database
from appliance.store.voicemail import CaseKind
from tests.calls.examples import TEN, tell, up
from tests.config.test_read import EXAMPLE
from tests.helpers.wire import wish
from tests.helpers.words import pair
from tests.store.samples import TEN as AT
from tests.store.samples import a_call

IN_VAIN = replace(
    a_call("o-2", Result.NOT_REACHED),
    direction=Direction.OUT,
    phone="op1",
    ended_at=AT,
    case="message:12",
    trail=("dials", "dialled", "out.busy_tone"),
)
OUT = replace(a_call("o-1"), direction=Direction.OUT, phone="op1", ended_at=AT)


def test_calling_out_is_taken_as_written(tmp_path: Path) -> None:
    """Prefix, identity, band, limits, and which position dials what freely."""
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        'name = "op1"\n', 'name = "op1"\ndials = ["local", "mobile"]\n'
    )
    path = tmp_path / "c.toml"
    more = 'identity = "withheld"\nlocal = ["051"]\nband = "9-18"\ndays = ["monday"]\n'
    path.write_text(f"{text}\n[outgoing]\n{more}", encoding="utf-8")
    office = build_office(config_read.load(path), 2026)
    rules = office.outgoing
    assert (rules.identity, rules.local, rules.prefix) == (Identity.WITHHELD, ("051",), "0")
    assert rules.free == {"op1": {NumberClass.LOCAL, NumberClass.MOBILE}}
    assert not office.calling_hours.at(TEN.wall).open
    assert rules.plan is PLANS["it"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('identity = "hidden"', "presented"),
        ('prefix = "a"', "cannot be dialled"),
        ('withhold = "67!"', "cannot be dialled"),
        ('local = ["Bologna"]', "no area code"),
        ("calls_per_hour = -1", "write 0 to 200"),
        ("minutes_per_day = 9999", "write 0 to 1440"),
        ("known_days = 999", "write 0 to 365"),
        ('days = ["lunedi"]', "monday"),
        ('band = "8-"', "no time of day"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, written: str, said: str) -> None:
    """One sentence with the place and what to write."""
    path = tmp_path / "c.toml"
    path.write_text(f"{EXAMPLE.read_text(encoding='utf-8')}\n[outgoing]\n{written}\n")
    with pytest.raises(BadConfiguration, match=said):
        build_office(config_read.load(path), 2026)


def test_an_unknown_class_is_told(tmp_path: Path) -> None:
    """Emergency numbers need no leave, and what is no number gets none."""
    path = tmp_path / "c.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    path.write_text(text.replace('name = "op1"\n', 'name = "op1"\ndials = ["emergency"]\n'))
    with pytest.raises(BadConfiguration, match="emergency"):
        build_office(config_read.load(path), 2026)


def test_a_demonstration_cannot_dial_a_real_emergency_number(tmp_path: Path) -> None:
    """By construction: its lines are no devices, so policy knows fictitious numbers alone and the
    media gateway refuses the real ones; nobody can forget an option.
    """
    path = tmp_path / "c.toml"
    path.write_text(configuration(tmp_path, 5060, 16000, AT.date()), encoding="utf-8")
    settings = config_read.load(path)
    office = build_office(settings, 2026)
    assert office.outgoing.plan.rehearsed
    assert not set(office.outgoing.plan.emergency) & set(PLANS["it"].emergency)
    for line in settings.lines:
        setup = line_setup(settings, line)
        assert setup.rehearsal
        assert setup.emergency == PLANS["it"].emergency
    assert any("rehearsal" in line.text("en") for line in summary(settings, office))


def test_real_lines_dial_for_help_and_a_test_bench_does_not() -> None:
    """A field test on real lines says that it is one."""
    settings = config_read.load(EXAMPLE)
    assert not rehearses(settings)
    assert not line_setup(settings, settings.lines[0]).rehearsal
    assert numbers_of(settings).emergency == PLANS["it"].emergency
    bench = replace(settings, outgoing=replace(settings.outgoing, rehearsal=OnOff(True)))
    assert rehearses(bench)
    assert numbers_of(bench).rehearsed


def test_check_says_whether_help_can_be_called() -> None:
    """From every phone, over which lines; with none that carries a conversation, so."""
    settings = config_read.load(EXAMPLE)
    office = build_office(settings, 2026)
    assert any(
        "can be called from every phone (112, " in line.text("en")
        for line in summary(settings, office)
    )
    none = replace(office, lines=tuple(line.half_duplex() for line in office.lines))
    assert any(
        "cannot be called from the phones" in line.text("en") for line in summary(settings, none)
    )


# --- the control socket ---------------------------------------------------------------------------


class Disk:
    """Records that answer at once, from a database or with an error."""

    def __init__(
        self, connection: sqlite3.Connection, error: CentralinoError | None = None
    ) -> None:
        self.connection, self.error = connection, error
        self.records = self

    def do(self, job: Callable[[sqlite3.Connection], Any], told: Callable[[Any], None]) -> None:
        """Do a job, or fail."""
        told(self.error or job(self.connection))

    def called_back(self, _: object) -> None:
        """Who asks is remembered elsewhere."""


ASKED = {"ask": "CallBack", "position": "op1", "case": "message:12", "by": "Anna"}


def asked(
    tmp_path: Path, error: CentralinoError | None = None
) -> tuple[CallBacks, list[Any], list[Any]]:
    """Ask for a call back; returns what was posted and what the visitor was told."""
    posted: list[Any] = []
    told: list[Any] = []
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    stores = cast("Stores", Disk(connection, error))
    backs = CallBacks(stores, posted.append)
    backs.asked(wish(ASKED, "CallBack"))(told.append)
    connection.close()
    return backs, posted, told


def test_the_visitor_is_told_what_call_control_decides(tmp_path: Path) -> None:
    """Whose number it is the disk says, whether it may be called call control; one answer each."""
    backs, posted, told = asked(tmp_path)
    (event,) = posted
    assert event == events.CallBackAsked(event.ask, "op1", "", "message:12")
    assert told == []
    backs.answered(orders.AnswerAsked(event.ask, done=True, said=pair("squilla", "rings")))
    backs.answered(orders.AnswerAsked(event.ask, done=False, said=pair("no", "no")))
    assert told == [Said(pair("squilla", "rings"), done=True)]


def test_a_refusal_is_an_error_in_both_languages(tmp_path: Path) -> None:
    """So that a command ends with status 1 and the sentence."""
    backs, posted, told = asked(tmp_path)
    backs.answered(orders.AnswerAsked(posted[0].ask, done=False, said=pair("occupato", "busy")))
    assert isinstance(told[0], OfficeError)
    assert str(told[0]) == "occupato / busy"


def test_a_disk_that_fails_is_told(tmp_path: Path) -> None:
    """Nothing is asked of call control then."""
    _, posted, told = asked(tmp_path, StoreError("the records cannot be read"))
    assert posted == []
    assert isinstance(told[0], StoreError)


@pytest.mark.parametrize(
    "wrong",
    [{"position": ""}, {"case": "12"}, {"case": "fax:1"}, {"case": "call:"}],
)
def test_what_cannot_be_asked_is_said(wrong: dict[str, Any]) -> None:
    """One sentence with what is needed."""
    with pytest.raises(SaidError, match="position and case") as told:
        read_call_back(wish({**ASKED, **wrong}, "CallBack"))
    assert told.value.words.text("it").startswith("indicare la postazione e che cosa si richiama")
    assert read_call_back(wish(ASKED, "CallBack")).by == "Anna"


def test_a_call_back_from_ones_own_phone_may_pick_up_by_itself() -> None:
    """Only where the person at the phone asks for it; never by a guess."""
    assert read_call_back(wish({**ASKED, "picks_up": True}, "CallBack")).picks_up is True
    assert read_call_back(wish(ASKED, "CallBack")).picks_up is False


@pytest.mark.parametrize(
    ("record", "counted"),
    [
        (IN_VAIN, (CaseKind.MESSAGE, "12", MessageEntry(AT, "op1", MessageStep.FAIL))),
        (
            replace(IN_VAIN, case="call:a-1"),
            (CaseKind.CALL, "a-1", MessageEntry(AT, "op1", MessageStep.FAIL)),
        ),
        (replace(IN_VAIN, case="request:7"), None),
        (replace(IN_VAIN, result=Result.ANSWERED), None),
        (replace(IN_VAIN, trail=("dials",)), None),
        (replace(IN_VAIN, ended_at=None), None),
        (replace(IN_VAIN, direction=Direction.IN), None),
    ],
)
def test_a_call_back_in_vain_is_counted(record: CallRecord, counted: object) -> None:
    """With its time and position (E16), once the number was dialled and nobody was met."""
    assert in_vain(record) == counted


def test_the_stores_count_it_and_outlive_what_cannot_be_counted(tmp_path: Path) -> None:
    """The missed call says when it was tried; one that is not there costs nothing."""
    path = database_path(tmp_path)
    connection = open_database(path, tmp_path / "corrupt").connection
    call_log.upsert_calls(connection, [a_call("a-1", Result.GAVE_UP)], "b")
    connection.close()
    posted: list[Any] = []
    stores = Stores(tmp_path, "b", posted.append, lambda *_: None)
    stores.start()
    for number, case in enumerate(("call:a-1", "call:a-9")):
        stores.order(orders.WriteCall(replace(IN_VAIN, call=f"o-{number}", case=case)))
    stores.stop(lambda: None)
    connection = open_database(path, tmp_path / "corrupt").connection
    found = voicemail.care_by_id(connection, CaseKind.CALL)
    connection.close()
    assert {name: one.failed for name, one in found.items()} == {"a-1": (AT,)}


def test_who_asked_for_it_at_a_screen_has_it_counted(tmp_path: Path) -> None:
    """A position is not a person (E19): the message is Anna's, the phone that rang was op1."""
    path = database_path(tmp_path)
    connection = open_database(path, tmp_path / "corrupt").connection
    call_log.upsert_calls(connection, [a_call("a-1", Result.GAVE_UP)], "b")
    voicemail.add_entry(
        connection, CaseKind.CALL, "a-1", MessageEntry(AT, "Anna", MessageStep.TAKE)
    )
    connection.close()
    stores = Stores(tmp_path, "b", lambda _: None, lambda *_: None)
    stores.start()
    stores.called_back(CallBack("op1", "call:a-1", "Anna"))
    record = replace(IN_VAIN, call="o-1", phone="op1", case="call:a-1")
    stores.order(orders.WriteCall(replace(record, ended_at=None)))
    stores.order(orders.WriteCall(record))
    stores.stop(lambda: None)
    connection = open_database(path, tmp_path / "corrupt").connection
    entries = voicemail.list_entries(connection, CaseKind.CALL, "a-1")
    connection.close()
    assert [(one.step, one.by) for one in entries] == [
        (MessageStep.TAKE, "Anna"),
        (MessageStep.FAIL, "Anna"),
    ]


# --- journal and status ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (replace(OUT, result=Result.REFUSED, reason=DialRefusal.CLASS), "op1 may not call out"),
        (
            replace(
                OUT, result=Result.ANSWERED, number_class="emergency", trail=("freed.line1.a",)
            ),
            "emergency call from op1: answered freed.line1.a",
        ),
        (replace(OUT, result=Result.ANSWERED), ""),
        (replace(OUT, ended_at=None), ""),
        (a_call(), ""),
    ],
)
def test_the_journal_names_refusals_and_calls_for_help(
    record: CallRecord, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and without a number, wherever in the record one stands (P7, E20)."""
    number = "3331234567"
    named = replace(
        record,
        caller=Caller(Presentation.SHOWN, number, number),
        called=number,
        target=number,
        case=f"call:{number}",
        trail=(f"dialled.{number}", *record.trail),
    )
    with caplog.at_level(logging.DEBUG):
        service_stores.log_outgoing(named)
    assert len(caplog.records) == bool(said)
    assert said in caplog.text
    assert number not in caplog.text


def test_status_shows_who_calls_out_and_who_was_refused() -> None:
    """Position, line and how it gets on; a refusal stands for an hour, without the number."""
    from appliance.api.status_text import Seen, told
    from tests.stories.offices import ROME

    control = up()
    tell(control, TEN, events.PhoneDialled("help", "op2", "90112"))
    tell(control, TEN, events.OperatorAnswered("help", "op2"))
    tell(control, TEN, events.PhoneDialled("k", "op1", "0892424"), events.PhoneHungUp("k"))
    words = told(Seen(control.status(TEN), ROME))
    assert "op2        CHIAMA I SOCCORSI: line1 compone" in words.text("it")
    assert "op1: Numbers of this kind are not called from this position." in words.text("en")
    assert "892424" not in words.text("it")
    half = up("half_duplex")
    for line in half._board.channels:
        tell(half, TEN, events.LineRestored(line, "modem", duplex=False))
    assert any("112 cannot be called" in each.text("en") for each in half.status(TEN).degraded)
