"""What happened in a call, in the front desk's words (E22, E24)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.calls.model import ReturnCause
from appliance.calls.orders import CallRecord
from appliance.calls.status import (
    Names,
    office_words,
    path_of,
    returned_words,
    transfers_of,
)
from appliance.text import Words

AT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
NAMES = {"anagrafe": "Anagrafe", "anagrafe.aire": "Italiani all'estero"}


def path_words(trail: Sequence[str], names: Names) -> tuple[Words, ...]:
    """Return what is said of a trail."""
    return tuple(step.words for step in path_of(a_call(*trail), names))


def a_call(*trail: str) -> CallRecord:
    """Return a call in which so much happened; answered after five seconds, over after sixty."""
    answered, ended = AT + timedelta(seconds=5), AT + timedelta(seconds=60)
    return CallRecord("c", "line1", AT, answered_at=answered, ended_at=ended, trail=trail)


def timed(record: CallRecord) -> dict[str, int]:
    """Return how many seconds after it rang each thing happened that has its time."""
    steps = path_of(record, {})
    return {step.words.text("en"): (step.at - AT).seconds for step in steps if step.at}


@pytest.mark.parametrize(
    ("code", "it"),
    [
        ("rang", "Squilla"),
        ("route.closed.holiday", "Giorno festivo: risponde la segreteria."),
        ("ring.op1,op2", "Squilla: op1, op2"),
        ("answered.op1", "Risponde: op1"),
        ("picked_up.op2", "Risponde: op2"),
        ("no_answer.op1", "op1: non risponde"),
        ("ring.anagrafe.aire.1", "Squilla: Anagrafe · Italiani all'estero"),
        ("answered.anagrafe.aire.2", "Risponde: Anagrafe · Italiani all'estero"),
        ("unreachable.tributi.imu.1", "tributi · imu: non raggiungibile"),
        ("answered.switchboard.1", "Risponde: Centralino"),
        ("ring.citizens_desk.outside", "Squilla: Sportello Cittadini"),
        ("no_answer.citizens_desk", "Sportello Cittadini: non risponde"),
        ("transfer.anagrafe.aire.topic.keys", "Trasferimento: Anagrafe · Italiani all'estero"),
        ("transferred.anagrafe", "Anagrafe ha preso la chiamata"),
        ("returned.anagrafe.busy", "Ritorno: Anagrafe, occupato"),
        ("returned.tributi.unheard_of", "Ritorno: tributi"),
        ("transfer_refused.tributi.imu.closed", "tributi · imu: non trasferibile in quel momento"),
        ("transfer_warned.anagrafe.", "Anagrafe: di recente non ha risposto"),
        ("return.answered.op1", "Ritorno: risponde op1"),
        ("return.ring.op1,op2", "Ritorno: squilla op1, op2"),
        ("return.busy.op1", "op1: occupato"),
        ("return.waiting", "Ritorno in attesa"),
        ("head.answered.resp", "Il responsabile partecipa"),
        ("language.en", "Sceglie l'inglese"),
        ("branch.busy.anagrafe.aire", "Tutti occupati: passa a Anagrafe · Italiani all'estero"),
        ("branch.closed.savena.pubblico", "Chiuso: passa a savena · pubblico"),
        ("branch.from.sede.porto", "Arriva da sede.porto"),
        ("no_answer.branch", "L'altra sede: non risponde"),
        ("sheet.imu", "Ascolta la scheda imu"),
        ("request.stored.12", "Presa in carico: richiesta 12"),
        ("rings_back", "Era stato cercato da qui: richiama"),
        ("callback_wanted", "Chiede di essere richiamato"),
    ],
)  # fmt: skip
def test_what_is_said(code: str, it: str) -> None:
    """By the names of offices and positions, in both languages."""
    (words,) = path_words([code], NAMES)
    assert words.text("it") == it
    assert words.text("en")
    assert "{" not in words.text("it") + words.text("en")


@pytest.mark.parametrize(
    "code",
    [
        "route.line.half_duplex", "route.unheard.of", "line.never_up", "silence.ignored",
        "pbx.greeting", "recording.gap.40", "freed.emergency", "transfer_refused.no_such_code",
        "transfer.no_line", "request.brief", "return.unheard", "head.refused.busy", "no_answer",
        "recorded.busy_tone", "caller.late", "branch.unheard.a.b", "branch.busy",
    ],
)  # fmt: skip
def test_what_is_the_technicians_has_no_words(code: str) -> None:
    """E22: nothing of lines, sound or phones' ways on an operator's screen."""
    assert path_words([code], NAMES) == ()


def test_in_order_and_never_twice_in_a_row() -> None:
    """What a call did over and over is read once; codes without words between do not matter."""
    trail = ("rang", "caller.late", "rang", "held", "rang", "ended")
    assert [words.text("en") for words in path_words(trail, {})] == [
        "It rings",
        "Held",
        "It rings",
        "Ended",
    ]


def test_what_the_record_has_a_time_of_is_said_with_it() -> None:
    """It rang, was answered, ended; the last answer is the one whose time is kept."""
    trail = ("rang", "ring.op1", "greeting", "answered.op2", "talking", "ended")
    assert timed(a_call(*trail)) == {"It rings": 0, "Talking": 5, "Ended": 60}
    assert timed(a_call("rang", "answered.op1", "ended")) == {
        "It rings": 0, "Answers: op1": 5, "Ended": 60,
    }  # fmt: skip


def test_what_the_record_has_no_time_of_is_said_without() -> None:
    """A call that goes on, or was cut off, has no end; nobody answered: no time of that."""
    cut = replace(a_call("rang", "talking", "interrupted"), answered_at=None, ended_at=None)
    assert timed(cut) == {"It rings": 0}
    assert timed(replace(a_call("rang", "held"), ended_at=AT)) == {"It rings": 0}
    assert path_of(a_call(), {}) == ()


def test_a_time_is_kept_where_the_same_is_said_once() -> None:
    """Two codes, one sentence: the one that has the time gives it."""
    assert timed(a_call("rang", "talking", "talking", "ended"))["Talking"] == 5
    assert timed(a_call("rang", "answered.op1", "picked_up.op1"))["Answers: op1"] == 5


@pytest.mark.parametrize("cause", ReturnCause)
def test_every_cause_of_a_return_has_its_words(cause: ReturnCause) -> None:
    """P6: no answer, busy, unreachable, declined and so on."""
    assert returned_words(cause).text("it")


def test_an_office_without_a_need_is_named_alone() -> None:
    """Nothing hangs after its name."""
    assert office_words("anagrafe", "", NAMES) == "Anagrafe"


def test_a_list_of_calls_shows_the_transfers_alone() -> None:
    """E22: where to, who took the call, what came back, in order; refused ones are left out."""
    record = a_call(
        "rang", "answered.op1", "transfer_refused.tributi.imu.closed",
        "transfer.anagrafe.aire.topic.keys", "transferred.anagrafe", "returned.anagrafe.busy",
        "ended",
    )  # fmt: skip
    said = transfers_of(record, NAMES)
    assert [words.text("it") for words in said] == [
        "Trasferimento: Anagrafe · Italiani all'estero",
        "Anagrafe ha preso la chiamata",
        "Ritorno: Anagrafe, occupato",
    ]
    assert [words.text("en") for words in said] == [
        "Transfer: Anagrafe · Italiani all'estero",
        "Anagrafe has taken the call",
        "Return: Anagrafe, busy",
    ]
    assert transfers_of(a_call("rang", "answered.op1", "ended"), NAMES) == ()
