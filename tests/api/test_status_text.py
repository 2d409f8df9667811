"""Call control's state in words: everything that is wrong is said, in both languages."""

from __future__ import annotations

import re
import typing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.api.replies import PartRestarts, PhonePlace, RecoveryStep
from appliance.api.status_text import (
    DONE_BY_COMMAND,
    GROUPS,
    LINES,
    MARKS,
    STATUS_WORDS,
    Seen,
    told,
    watched_words,
)
from appliance.calls import commands, events
from appliance.calls.model import LineState
from appliance.calls.states import State
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import ClockState, Now
from appliance.policy.office import SET_AUTOMATICALLY
from appliance.policy.opening import ManualMark, ManualState
from appliance.policy.routing import GroupState
from appliance.policy.sheets import OfficialInCharge
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep, care_of
from appliance.service.status import StatusCollector
from appliance.store.alerts import OpenCounts
from appliance.store.database import DATABASE_FAILING
from appliance.store.listings import done_words
from appliance.store.voicemail import CaseKind
from appliance.text import NOTHING, Words
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, later, tell, up
from tests.calls.test_branches_inbound import COMES, IS_UP, LIFTS
from tests.calls.test_transfer import asked, office_switchboard
from tests.helpers.words import pair
from tests.stories.directories import OFFICE_PHONES, TOWN
from tests.stories.offices import ROME

PHONES = (
    PhonePlace("op1", "Operatore 1", "10.0.0.21:5060", True),
    PhonePlace("op2", "", "10.0.0.22:5060", False),
    PhonePlace("desk1", "", "", True),
)


def words(switchboard: Switchboard, now: Now = TEN, **more: Any) -> Words:
    """Say how it is."""
    return told(Seen(switchboard.status(now), ROME, **more))


def test_all_is_well() -> None:
    """Open until when, lines, groups, messages; nothing that asks for attention."""
    said = words(up())
    assert re.match(r"Aperto \(cambia (\d\d\.\d\d\. )?\d\d:\d\d\)\n", said.text("it"))
    assert said.text("en").startswith("Open (changes ")
    assert "line1      " in said.text("it")
    assert "Centralino: libero; liberi op1, op2" in said.text("it")
    assert "Switchboard: free; free op1, op2" in said.text("en")
    assert "Messaggi da seguire: 0" in said.text("it")
    assert "Attenzione" not in said.text("it")


def test_a_caller_of_another_branch_stands_below_the_lines() -> None:
    """B9: on no line of the office, and yet a call: whence it comes, who has it."""
    made = up()
    tell(made, TEN, COMES)
    assert "  porto      utente di un'altra sede: Squilla op1, op2\n" in words(made).text("it")
    tell(made, TEN, LIFTS, IS_UP)
    assert "  porto      another branch's caller: Talking op1\n" in words(made).text("en")


def test_a_week_that_was_entered_stands_below_the_first_line() -> None:
    """Which hours hold, and by whose hand (P9)."""
    said = words(up(), weeks=(pair("Orario inserito", "Hours entered"),))
    assert [text.splitlines()[1] for text in (said.text("it"), said.text("en"))] == [
        "Orario inserito",
        "Hours entered",
    ]


def test_the_register_has_its_line() -> None:
    """Units, without declaration, running out: where the head looks for everything else."""
    said = words(up(), register=pair("10 tra servizi e uffici", "10 services and offices"))
    assert "\nRubrica uffici: 10 tra servizi e uffici\n" in said.text("it")
    assert "\nRegister of offices: 10 services and offices\n" in said.text("en")
    assert "Rubrica" not in words(up()).text("it")


def test_closed_says_why() -> None:
    """What voicemail tells the caller, the office reads too."""
    assert re.match(r"Chiuso \(cambia .*\)\. .*segreteria", words(up(now=NIGHT), NIGHT).text("it"))


def test_what_is_wrong_stands_above_the_lines_in_both_languages() -> None:
    """A line's reason, a store's trouble, a clock that cannot be trusted: each in its language."""
    wrong = pair("closures.greeting: il file non c'è", "closures.greeting: there is no such file")
    switchboard, collector = up(), StatusCollector(wrong)
    collector.trouble("records", DATABASE_FAILING)
    lost = events.LineLost("line1", pair("scollegarlo", "unplug it"))
    tell(switchboard, TEN, lost)
    said = words(switchboard, Now(600.0, TEN.wall, ClockState.UNSET), troubles=collector.troubles())
    for text, wanted in (
        (
            said.text("it"),
            (
                "scollegarlo",
                DATABASE_FAILING.words.text("it"),
                "L'ora non è affidabile",
                "fuori servizio",
            ),
        ),
        (
            said.text("en"),
            (
                "unplug it",
                DATABASE_FAILING.words.text("en"),
                "The clock cannot be trusted",
                "out of",
            ),
        ),
    ):
        head = text[: text.index("Linee" if text is said.text("it") else "Lines")]
        file = "no such file" if text is said.text("en") else "il file non c'è"
        assert [one for one in (*wanted[:3], file) if one not in head] == []
        assert wanted[3] in text
    assert "unplug it" not in said.text("it")


def test_a_sentence_that_holds_twice_is_said_once() -> None:
    """Two causes with the same remedy are one line."""
    same = pair("uguale", "same")
    assert words(up(), troubles=(same, same)).text("en").count("same") == 1


def test_what_was_started_again_is_told() -> None:
    """Which part, how often, when it was last and how often it may be; nothing of those that never
    had to be.
    """
    limit = pair("limite 5 in 60 s", "limit 5 in 60 s")
    said_of = pair("Processo delle linee", "Lines' process")
    never = PartRestarts("carrier", said_of, 0, None, False, None, limit)
    again = replace(never, restarts=2, last=TEN.wall)
    said = words(up(), restarted=(again, never))
    at = f"{TEN.wall.astimezone(ROME):%H:%M}"
    assert (
        f"Riavvii dall'accensione: Processo delle linee 2 (l'ultimo {at}; limite 5 in 60 s)"
        in said.text("it")
    )
    assert (
        f"Restarts since power-on: Lines' process 2 (the last one {at}; limit 5 in 60 s)"
        in said.text("en")
    )
    unlimited = words(up(), restarted=(replace(again, limit=None),))
    assert f"Lines' process 2 (the last one {at})" in unlimited.text("en")
    assert "Restarts" not in words(up(), restarted=(never,)).text("en")


def test_the_media_gateway_is_gone() -> None:
    """Every line is out, and why is said in the reader's language."""
    switchboard = up()
    tell(switchboard, TEN, events.MediaGatewayLost("it does not answer"))
    said = words(switchboard)
    assert "il processo delle linee si è fermato" in said.text("it")
    assert "it does not answer" in said.text("en")
    assert "it does not answer" not in said.text("it")


def test_manual_states_and_who_is_away() -> None:
    """Who asked, since when, until when; times of another day with their date."""
    switchboard = up()
    for request in (
        commands.SetUnattended(on=True, by="Anna", until=TEN.wall + timedelta(hours=1)),
        commands.SetClosed(on=True, by="capo", lasts=True, shown="Dina Capo"),
    ):
        tell(switchboard, TEN, events.ServiceStateChanged(request))
    tell(switchboard, TEN, events.PhoneDialled("d1", "op1", "*841"))
    said = words(switchboard)
    assert "Non presidiato: dalle 10:00 (Anna), fino alle 11:00" in said.text("it")
    assert "Closed by hand: since 10:00 (Dina Capo)" in said.text("en")
    assert "Assenti: op1" in said.text("it")
    assert "liberi op2; assenti op1" in said.text("it")
    automatic = up()
    service = automatic._board.service.go_away("op1", ManualMark(SET_AUTOMATICALLY, TEN.wall))
    automatic._board.service = service
    said = words(automatic)
    assert "Assenti: op1 dalle 10:00 (automatico: chiamate senza risposta)" in said.text("it")
    assert "Away: op1 since 10:00 (automatic: missed its calls)" in said.text("en")
    tomorrow = words(switchboard, later(TEN, 86_400))
    assert "since Wed 25 November, 10:00 (Dina Capo), without an end" in tomorrow.text("en")


def test_a_return_that_waits_has_its_sentence_to_say() -> None:
    """E6, E10: who waits for whom, and what the office lets its callers be told."""
    switchboard = office_switchboard()
    units = tuple(replace(each, say="Richiamano oggi.") for each in TOWN.units)
    known = (
        OfficialInCharge("anagrafe", "Ada Neri", ("residenza",)),
        OfficialInCharge("tributi", "Ugo Bianchi"),
    )
    tell(switchboard, TEN, events.DirectoryChanged(replace(TOWN, units=units), known))
    asked(switchboard, attended=False)
    for phone in ("op1", "op2", "desk1", "desk2", *OFFICE_PHONES):
        tell(switchboard, TEN, events.PhoneGone(phone))
    (call,) = switchboard._board.calls.values()
    assert call.transfer is not None
    assert "Da dire" not in words(switchboard).text("it")
    ringing = switchboard.status(TEN).calls[0].transfer
    assert ringing is not None
    assert (ringing.say, ringing.officials) == ("", ())
    while call.state is State.TRANSFER_RINGING:
        tell(switchboard, TEN, events.PhoneUnreachable(call.transfer.leg, "no answer"))
    said = words(switchboard)
    assert (
        "Ritorno in attesa: Anagrafe (op1) da dire: «Richiamano oggi.» "
        "responsabile del procedimento: Ada Neri\n"
    ) in said.text("it")
    assert (
        "Return waiting: Anagrafe (op1) to say: «Richiamano oggi.» official in charge: Ada Neri\n"
    ) in said.text("en")


def test_the_head_in_a_conversation_is_shown() -> None:
    """E10: that the head's phone rings, then who talks with the caller."""
    switchboard = office_switchboard()
    tell(switchboard, TEN, events.PhoneRegistered("capo1"))
    assert "responsabile" not in words(switchboard).text("it")
    request = commands.BringHead("op1", "op1")
    wished = events.HeadWished(switchboard.call_for(request), request)
    tell(switchboard, TEN, wished)
    said = words(switchboard).text("it")
    assert "line1 op1: squilla il telefono del responsabile (capo1)\n" in said
    (side,) = switchboard._board.sides.values()
    tell(switchboard, TEN, events.OperatorAnswered(side.leg, "capo1"))
    assert "line1 op1: con il responsabile (capo1)\n" in words(switchboard).text("it")
    assert "line1 op1: with the head (capo1)\n" in words(switchboard).text("en")


def test_what_was_tried_last_stands_under_its_line() -> None:
    """The last step of the ladder, with its time and what stands in its way."""
    step = RecoveryStep(
        datetime(2026, 11, 25, 9, 31, tzinfo=UTC),
        "reset_usb",
        pair("reset USB chiesto", "a USB reset is asked for"),
        NOTHING,
        pair("rifiutato", "refused"),
    )
    said = words(up(), recoveries={"line1": [replace(step, tried=NOTHING), step]})
    assert "mer 25 novembre, 10:31 reset USB chiesto (rifiutato)" in said.text("it")
    assert "Wed 25 November, 10:31 a USB reset is asked for (refused)" in said.text("en")


def test_which_phone_picks_up_by_itself_is_told_once_it_was_seen() -> None:
    """Never before: a make that should may be set up otherwise."""
    switchboard = up()
    assert "schermo" not in words(switchboard, phones=PHONES).text("it")
    tell(switchboard, TEN, events.LineRang("line1"))
    legs = switchboard._board.calls["boot7-1"].legs
    leg = next(leg for leg, phone in legs.items() if phone == "op1")
    tell(switchboard, TEN, events.AnswerWished("boot7-1", "op1"))
    assert "schermo" not in words(switchboard, phones=PHONES).text("it")
    tell(switchboard, TEN, events.OperatorAnswered(leg, "op1"))
    said = words(switchboard, phones=PHONES)
    assert (
        "op1              registrato a 10.0.0.21:5060, "
        "risponde da solo se richiesto dallo schermo\n"
    ) in said.text("it")
    assert "op1              registered at 10.0.0.21:5060, answers by itself" in said.text("en")


def test_where_the_phones_stand() -> None:
    """Registered, silent, not registered."""
    said = words(up(), phones=PHONES)
    assert "op1              registrato a 10.0.0.21:5060\n" in said.text("it")
    assert "op2              registered at 10.0.0.22:5060, does not answer\n" in said.text("en")
    assert "desk1            non registrato" in said.text("it")


def test_a_phone_that_rings_is_engaged() -> None:
    """Free, engaged and unreachable phones are told apart."""
    switchboard = up()
    tell(switchboard, TEN, RANG, KNOWN, events.PhoneGone("desk1"))
    said = words(switchboard)
    assert "Centralino: occupato; impegnati op1, op2" in said.text("it")
    assert "unreachable desk1" in said.text("en")
    assert "line1      " in said.text("en")
    assert ": ringing" in said.text("en")


def test_who_waits_on_the_line() -> None:
    """P8: the queue stands in the status, the next caller first."""
    switchboard = up("waiting_alone")
    tell(switchboard, TEN, events.PhoneDialled("d", "op1", "*811"))
    tell(switchboard, TEN, events.ServiceStateChanged(commands.SetUnattended(on=False, by="x")))
    tell(switchboard, TEN, RANG, KNOWN)
    assert "Attendono in linea: line1 Ada Rossi\n" in words(switchboard).text("it")
    assert "Waiting on the line: line1 Ada Rossi\n" in words(switchboard).text("en")


def test_an_office_without_lines_says_so() -> None:
    """Nothing is left blank."""
    status = up().status(TEN)
    bare = told(Seen(type(status)(**{**_fields(status), "lines": (), "citizens_desk": None}), ROME))
    assert "nessuna linea configurata" in bare.text("it")
    assert "Citizens' counter" not in bare.text("en")


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


@pytest.mark.parametrize(
    "table", [LINES, GROUPS, MARKS, STATUS_WORDS], ids=["lines", "groups", "marks", "words"]
)
def test_the_catalogue_speaks_both_languages(table: dict[str, Words]) -> None:
    """No word is missing in either, and none stands in the other's place."""
    assert [key for key, one in table.items() if not (one.text("it") and one.text("en"))] == []


def test_every_answer_speaks_both_languages() -> None:
    """What a command is answered, off and on, and that a message is closed."""
    assert set(DONE_BY_COMMAND) == set(typing.get_args(commands.Request))
    every = [words for pair in DONE_BY_COMMAND.values() for words in pair]
    assert [words for words in every if not (words.text("it") and words.text("en"))] == []
    closing = MessageEntry(TEN.wall, "Anna", MessageStep.CLOSE, MessageOutcome.CALLED_BACK)
    assert done_words(CaseKind.MESSAGE, 17, MessageStep.CLOSE, care_of([closing])) == pair(
        "Il messaggio 17 è chiuso: richiamato.", "Message 17 is closed: called back."
    )


def test_every_state_has_its_words() -> None:
    """A state that is added is added to the catalogue."""
    assert set(LINES) == set(LineState)
    assert set(GROUPS) == set(GroupState)
    assert set(MARKS) == set(ManualState)
    assert STATUS_WORDS["open"].text("it") == "Aperto"


def test_what_waits_is_said_with_what_to_do() -> None:
    """E16, in both languages; silence where nothing is late."""
    assert watched_words(OpenCounts(missed=3)) == ()
    unheard, unclosed = watched_words(OpenCounts(unheard=2, unclosed=1))
    assert "non ascoltati da mezz'ora: 2" in unheard.text("it")
    assert "not closed for a working day: 1" in unclosed.text("en")
    unseen, uncalled = watched_words(OpenCounts(calls_unseen=3, calls_unclosed=2))
    assert "nobody has looked at: 3" in unseen.text("en")
    assert "non richiamate da un giorno lavorativo: 2" in uncalled.text("it")


def test_requests_that_offices_owe_are_seen() -> None:
    """P6: the duty stays visible; what is late stands under attention."""
    text = words(up(), watched=OpenCounts(requests=3, overdue=1))
    assert "Attenzione:\n  Richieste in ritardo: 1. Vederle con centralino requests" in text.text(
        "it"
    )
    assert text.text("it").endswith("Richieste aperte presso gli uffici: 3")
    assert text.text("en").endswith("Open requests: 3")


def test_late_messages_and_missed_calls_are_seen() -> None:
    """E16, E18: what is late stands under attention, what waits beside the messages."""
    waiting = OpenCounts(unheard=1, missed=4, interrupted=2, wanted=1)
    text = words(up(), watched=waiting)
    assert "Attenzione:\n  Messaggi non ascoltati da mezz'ora: 1." in text.text("it")
    assert text.text("it").endswith(
        "Chiamate senza messaggio da seguire: 4, interrotte 2, chiedono di essere richiamati 1"
    )
    assert text.text("en").endswith(
        "Missed calls to be dealt with: 4, interrupted 2, ask to be called back 1"
    )
