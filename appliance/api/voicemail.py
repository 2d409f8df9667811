"""Commands on messages and call-backs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from appliance.api.protocol import DeferredReply, Reply, SendReply, moment, plain
from appliance.calls import events, orders
from appliance.calls.commands import CallBack
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.text import SaidError, Words
from appliance.policy.voicemail import Care, Entry, MessageStep, Outcome
from appliance.store import call_log, care
from appliance.store.care import Kind
from appliance.store.voicemail import done

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from appliance.service.loop import Stores


# ---- call back questions -----------------------------------------------------------------------
# What is asked at the door about calling back: a position's phone rings, then the box dials (E17).
#
# Whose number it is the records' thread finds out; whether it may be called the deciding thread;
# the visitor is told what that one has said.


class NotNowError(SaidError):
    """Raised when nobody is rung; the command line shows both languages."""

    def __str__(self) -> str:
        return f"{self.words.it} / {self.words.en}"


CASES = ("message", "request", "call")
WHICH = Words(
    "indicare la postazione e che cosa si richiama: message:12 (messaggio), request:7 (presa in "
    "carico) o call:ID (chiamata)",
    'CallBack: position and case ("message:12", "request:7" or "call:ID") are needed, and '
    "urgent is true or false",
)
LONGEST = 64


class CallBacks:
    """Keeps who waits for which answer; `post` brings a fact to the deciding thread."""

    def __init__(self, stores: Stores, post: Callable[[events.Event], None]) -> None:
        self._stores = stores
        self._post = post
        self._asks = itertools.count(1)
        self._waiting: dict[str, SendReply] = {}

    def asked(self, question: dict[str, Any]) -> DeferredReply:
        """Look up whom a case is about and have the position call; raises OfficeError."""
        wanted = read_call_back(question)
        self._stores.called_back(wanted)

        def later(tell: SendReply) -> None:
            ask = f"call back {next(self._asks)}"

            def found(who: tuple[str, str] | CentralinoError) -> None:
                if isinstance(who, CentralinoError):
                    tell(who)
                    return
                number, name = who
                self._waiting[ask] = tell
                self._post(
                    events.CallBackAsked(
                        ask, wanted.position, number, wanted.case, name, wanted.urgent
                    )
                )

            self._stores.records.do(lambda c: _who(c, wanted.case), found)

        return later

    def answered(self, order: orders.AnswerAsked) -> None:
        """Tell the visitor what the desk has decided."""
        tell = self._waiting.pop(order.ask, None)
        said = order.said
        if tell is None or not isinstance(said, Words):
            return
        if order.done:
            tell({"said": {"it": said.it, "en": said.en}})
        else:
            tell(NotNowError(said))


def _who(connection: sqlite3.Connection, case: str) -> tuple[str, str]:
    return call_log.number_of(connection, case)


def read_call_back(question: dict[str, Any]) -> CallBack:
    """Read the question; raises OfficeError with what is wrong in it."""
    position, case = str(question.get("position", "")), str(question.get("case", ""))
    urgent = question.get("urgent", False)
    kind, _, name = case.partition(":")
    if not position or kind not in CASES or not name or not isinstance(urgent, bool):
        raise SaidError(WHICH)
    return CallBack(
        position[:LONGEST], case[:LONGEST], str(question.get("by", ""))[:LONGEST], urgent
    )


# ---- care questions ----------------------------------------------------------------------------
# What is asked at the door about messages and missed calls: take, release, close and the like.
#
# The disk may stall, the desk may not: it is done, and answered, in the records' thread.

ASKED = (
    MessageStep.HEAR,
    MessageStep.TAKE,
    MessageStep.RELEASE,
    MessageStep.FAIL,
    MessageStep.NOTE,
    MessageStep.CLOSE,
    MessageStep.REOPEN,
)
"""What may be asked; that a message was told of is noted by the desk itself."""
LONGEST_NAME, LONGEST_NOTE = 64, 1000
EMPTY = Words("La nota è vuota: scrivere due parole.", "the note is empty: write a few words")
NO_OUTCOME = Words(
    "Con quale esito si chiude? Sceglierne uno.",
    f"say with which outcome it is closed ({', '.join(Outcome)})",
)


def care_question(stores: Stores, question: dict[str, Any]) -> DeferredReply:
    """Add an entry about a message or call; raises OfficeError for what is no such question."""
    kind, name, entry = read_care(question)

    def later(tell: SendReply) -> None:
        def answer(result: tuple[int, Care] | CentralinoError) -> None:
            tell(
                result
                if isinstance(result, CentralinoError)
                else _told(stores, kind, entry, result)
            )

        stores.records.do(lambda c: care.add(c, kind, name, entry), answer)

    return later


def read_care(question: dict[str, Any]) -> tuple[Kind, str, Entry]:
    """Read the question; raises OfficeError with what is wrong in it."""
    closing = question.get("ask") == "close_message"
    try:
        kind = Kind.MESSAGE if closing else Kind(question["kind"])
        step = MessageStep.CLOSE if closing else MessageStep(question["step"])
        outcome = _outcome(question) if step is MessageStep.CLOSE else None
        name, by = str(question["name"]), str(question["by"])[:LONGEST_NAME]
        at = moment(question["at"])
    except (KeyError, ValueError, TypeError) as error:
        raise OfficeError(
            f"name, by, at, a step ({', '.join(ASKED)}) and to close an outcome "
            f"({', '.join(Outcome)}) are needed: {error}"
        ) from error
    if step not in ASKED:
        raise OfficeError(f"{step!r} cannot be asked; known are {', '.join(ASKED)}")
    note = str(question.get("note", ""))[:LONGEST_NOTE]
    if step is MessageStep.NOTE and not note.strip():
        raise SaidError(EMPTY)
    return kind, name, Entry(at, by, step, outcome, note)


def _outcome(question: dict[str, Any]) -> Outcome:
    try:
        return Outcome(question["outcome"])
    except (KeyError, ValueError) as error:
        raise SaidError(NO_OUTCOME) from error


def _told(stores: Stores, kind: Kind, entry: Entry, result: tuple[int, Care]) -> Reply:
    number, care_now = result
    stores.mailbox.recount()
    stores.on_care()
    words = done(kind, number, entry.step, care_now)
    return {"number": number, "state": care_now.state, "said": plain(words)}
