"""Calls and messages: supervisor, transfer, return calls, work on messages (P3, P5, E10, E17)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.api.call_control import CallControlAccess
from appliance.api.permissions import FREE, command
from appliance.api.protocol import (
    LONGEST_NAME,
    Arguments,
    DeferredReply,
    Reply,
    SendReply,
    deferred,
    moment,
    plain,
    user_of,
)
from appliance.calls import events, orders
from appliance.calls.commands import BringHead, CallBack, TransferCall
from appliance.calls.transfer import Offered
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.text import SaidError, Words
from appliance.policy.transfers import TransferReason
from appliance.policy.users import Permission
from appliance.policy.voicemail import MessageCare, MessageEntry, MessageOutcome, MessageStep
from appliance.store import cases, voicemail
from appliance.store.listings import done_words
from appliance.store.voicemail import CaseKind

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess

RINGS = Words("Squilla il telefono del responsabile.", "The head's phone is being rung.")
RINGS_NO_MORE = Words(
    "Il telefono del responsabile non squilla più.", "The head's phone is rung no longer."
)


@command("BringHead", needs=Permission.SEE_DESK)
def bring_head(desk: CallControlAccess, arguments: Arguments) -> Reply:
    """Have the supervisor join or leave a conversation (E10); if refused, `said` is the reason.

    Raises OfficeError for a missing or wrong argument, or an unknown call.
    """
    request = read_bring_head(arguments)
    refusal = desk.answer_about_head(request)
    desk.fact(events.HeadWished(desk.call_for(request), request))
    said = refusal or (RINGS if request.on else RINGS_NO_MORE)
    return {"done": refusal is None, "said": plain(said)}


def read_bring_head(arguments: Arguments) -> BringHead:
    """Read the arguments; raises OfficeError with what is missing or wrong."""
    try:
        call, by = (str(arguments[name])[:64] for name in ("call", "by"))
    except KeyError as error:
        raise OfficeError(f"BringHead: call and by are needed: {error}") from error
    on = arguments.get("on", True)
    if not isinstance(on, bool):
        raise OfficeError(f"BringHead: on is true or false, not {on!r}")
    return BringHead(call, by, on)


TEXTS = ("call", "unit", "need", "by")
NO_REASON = Words(
    "Perché la chiamata va oltre? Sceglierne il motivo: argomento, approfondimento o altro.",
    f"TransferCall: a reason ({', '.join(TransferReason)}) is needed",
)
UNDER_WAY = Words("L'ufficio squilla.", "The office is being rung.")


@command("TransferCall", needs=Permission.TRANSFER)
def transfer_call(desk: CallControlAccess, arguments: Arguments) -> Reply:
    """Transfer a caller to an office (E23); if refused, `said` is the reason.

    Raises OfficeError for a missing or wrong argument, an unknown call or office.
    """
    request = read_transfer(arguments)
    refusal = desk.answer_to(request)
    # Also if refused: the attempt is noted.
    desk.fact(events.TransferWished(desk.call_for(request), request))
    said = refusal or UNDER_WAY
    return {"done": refusal is None, "said": plain(said)}


@command("offices", needs=FREE)
def offices(desk: CallControlAccess, _: Arguments) -> Reply:
    """List every office and need: open now or why not, and what to offer; no number (P7)."""
    return {"offices": [_row(one) for one in desk.offered()]}


def _row(one: Offered) -> Reply:
    return {
        "unit": one.unit.code,
        "name": one.unit.name,
        "say": one.unit.say,
        "need": one.need,
        "need_name": one.need_name,
        "open": one.open,
        "rules": list(one.rules),
        "words": plain(one.words),
        "until": one.until.isoformat() if one.until else None,
        "resumes_at": one.resumes_at.isoformat() if one.resumes_at else None,
        "unanswered": one.unanswered,
    }


def _reason(arguments: Arguments) -> TransferReason:
    try:
        return TransferReason(arguments["reason"])
    except (KeyError, ValueError) as error:
        raise SaidError(NO_REASON) from error


def read_transfer(arguments: Arguments) -> TransferCall:
    """Read the arguments; raises OfficeError with what is missing or wrong."""
    try:
        call, unit, need, by = (str(arguments[name])[:64] for name in TEXTS)
        reason = _reason(arguments)
        attended, anyway = arguments.get("attended", True), arguments.get("anyway", False)
        if not isinstance(attended, bool) or not isinstance(anyway, bool):
            raise TypeError("attended and anyway are true or false")
        return TransferCall(call, unit, need, reason, by, attended, anyway)
    except (KeyError, TypeError, ValueError) as error:
        raise OfficeError(
            f"TransferCall: call, unit, need, by and a reason are needed: {error}"
        ) from error


class NotNowError(SaidError):
    """Raised if no call is placed; the command line shows both languages."""

    def __str__(self) -> str:
        return f"{self.words.it} / {self.words.en}"


CASES = ("message", "request", "call")
WHICH = Words(
    "indicare la postazione e che cosa si richiama: message:12 (messaggio), request:7 (presa in "
    "carico) o call:ID (chiamata)",
    'CallBack: position and case ("message:12", "request:7" or "call:ID") are needed, and '
    "urgent is true or false",
)


class CallBacks:
    """Return calls: a position's phone rings, then the box dials (E17).

    The database thread looks up the number, the deciding thread decides whether it may be called.
    `post` sends that thread an event; the reply follows its `AnswerAsked`.
    """

    def __init__(self, stores: StoreAccess, post: Callable[[events.Event], None]) -> None:
        self._stores = stores
        self._post = post
        self._asks = itertools.count(1)
        self._waiting: dict[str, SendReply] = {}

    @command("CallBack", needs=Permission.CALL_BACK)
    def asked(self, arguments: Arguments) -> DeferredReply:
        """Have a position call the citizen of a case; raises OfficeError."""
        wanted = read_call_back(arguments)
        self._stores.called_back(wanted)

        def deferred_reply(send: SendReply) -> None:
            # The number joins the deciding thread's reply to this session.
            ask = f"call back {next(self._asks)}"

            def found(who: tuple[str, str] | CentralinoError) -> None:
                if isinstance(who, CentralinoError):
                    send(who)
                    return
                number, name = who
                self._waiting[ask] = send
                self._post(
                    events.CallBackAsked(
                        ask, wanted.position, number, wanted.case, name, wanted.urgent
                    )
                )

            self._stores.records.do(lambda c: cases.party_of_case(c, wanted.case), found)

        return deferred_reply

    def answered(self, order: orders.AnswerAsked) -> None:
        """Send the deciding thread's reply to the session that waits for it."""
        send = self._waiting.pop(order.ask, None)
        said = order.said
        if send is None or not isinstance(said, Words):
            return
        send({"said": plain(said)} if order.done else NotNowError(said))


def read_call_back(arguments: Arguments) -> CallBack:
    """Read the arguments; raises OfficeError with what is wrong in them."""
    position, case = str(arguments.get("position", "")), str(arguments.get("case", ""))
    urgent = arguments.get("urgent", False)
    kind, _, name = case.partition(":")
    if not position or kind not in CASES or not name or not isinstance(urgent, bool):
        raise SaidError(WHICH)
    return CallBack(position[:LONGEST_NAME], case[:LONGEST_NAME], user_of(arguments), urgent)


STEPS_ASKED = (
    MessageStep.HEAR,
    MessageStep.TAKE,
    MessageStep.RELEASE,
    MessageStep.FAIL,
    MessageStep.NOTE,
    MessageStep.CLOSE,
    MessageStep.REOPEN,
)
"""Steps that a user may take; call control itself notes that a message was announced."""
LONGEST_NOTE = 1000
EMPTY = Words("La nota è vuota: scrivere due parole.", "the note is empty: write a few words")
NO_OUTCOME = Words(
    "Con quale esito si chiude? Sceglierne uno.",
    f"say with which outcome it is closed ({', '.join(MessageOutcome)})",
)


@command("care", needs=frozenset({Permission.MESSAGES, Permission.CALL_BACK}))
@command("close_message", needs=Permission.MESSAGES)
def take_step(stores: StoreAccess, arguments: Arguments) -> DeferredReply:
    """Record a step on a message or missed call: take, release, close …; raises OfficeError."""
    kind, name, entry = read_step(arguments)

    def reply(result: tuple[int, MessageCare] | CentralinoError) -> Reply | CentralinoError:
        if isinstance(result, CentralinoError):
            return result
        number, care_now = result
        # A closed message no longer counts for the message lamps.
        stores.mailbox.recount()
        stores.on_care()
        words = done_words(kind, number, entry.step, care_now)
        return {"number": number, "state": care_now.state, "said": plain(words)}

    return deferred(stores.records, lambda c: voicemail.add_entry(c, kind, name, entry), reply)


def read_step(arguments: Arguments) -> tuple[CaseKind, str, MessageEntry]:
    """Read the arguments; raises OfficeError with what is wrong in them."""
    # `close_message` is `care` with the step and the kind given.
    closing = arguments.get("ask") == "close_message"
    try:
        kind = CaseKind.MESSAGE if closing else CaseKind(arguments["kind"])
        step = MessageStep.CLOSE if closing else MessageStep(arguments["step"])
        outcome = _outcome(arguments) if step is MessageStep.CLOSE else None
        name, by = str(arguments["name"]), str(arguments["by"])[:LONGEST_NAME]
        at = moment(arguments["at"])
    except (KeyError, ValueError, TypeError) as error:
        raise OfficeError(
            f"name, by, at, a step ({', '.join(STEPS_ASKED)}) and to close an outcome "
            f"({', '.join(MessageOutcome)}) are needed: {error}"
        ) from error
    if step not in STEPS_ASKED:
        raise OfficeError(f"{step!r} cannot be asked; known are {', '.join(STEPS_ASKED)}")
    note = str(arguments.get("note", ""))[:LONGEST_NOTE]
    if step is MessageStep.NOTE and not note.strip():
        raise SaidError(EMPTY)
    return kind, name, MessageEntry(at, by, step, outcome, note)


def _outcome(arguments: Arguments) -> MessageOutcome:
    try:
        return MessageOutcome(arguments["outcome"])
    except (KeyError, ValueError) as error:
        raise SaidError(NO_OUTCOME) from error
