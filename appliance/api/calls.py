"""Calls and messages: supervisor, transfer, return calls, work on messages (P3, P5, E10, E17)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.api.call_control import CallControlAccess
from appliance.api.commands import (
    BringSupervisor,
    CallCitizen,
    CareTaken,
    ListOffices,
    TakeCare,
    TransferCaller,
)
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    SendReply,
    command,
    deferred,
)
from appliance.api.replies import CareSaid, Declined, OfferedNeed, Offices, Said
from appliance.api.technician_commands import RingPhone
from appliance.calls import events, orders
from appliance.calls.commands import BringHead, CallBack, TransferCall
from appliance.calls.transfer import Offered
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.text import SaidError
from appliance.policy.voicemail import MessageCare, MessageEntry, MessageOutcome, MessageStep
from appliance.store import cases, voicemail
from appliance.store.listings import done_words
from appliance.store.voicemail import CaseKind
from appliance.text import Words, _

if TYPE_CHECKING:
    from datetime import tzinfo

    from appliance.api.call_control import StoreAccess

RINGS = _("The head's phone is being rung.")
RINGS_NO_MORE = _("The head's phone is rung no longer.")


def bring_head(call_control: CallControlAccess, wish: BringSupervisor) -> Reply:
    """Have the supervisor join or leave a conversation (E10); if refused, `said` is the reason.

    Raises OfficeError for an unknown call.
    """
    request = BringHead(wish.call, wish.by, wish.on)
    refusal = call_control.answer_about_head(request)
    call_control.fact(events.HeadWished(call_control.call_for(request), request))
    said = RINGS if request.on else RINGS_NO_MORE
    return Declined(refusal) if refusal else Said(said)


TRIED = _("It rings for ten seconds: whoever lifts it hears a sentence.")


def ring_phone(call_control: CallControlAccess, wish: RingPhone) -> Reply:
    """Have a phone ring for a try; if refused, `said` is the reason."""
    if (refusal := call_control.why_no_ring(wish.name)) is not None:
        return Declined(refusal)
    call_control.fact(events.RingTried(wish.name))
    return Said(TRIED)


UNDER_WAY = _("The office is being rung.")


def transfer_call(call_control: CallControlAccess, wish: TransferCaller) -> Reply:
    """Transfer a caller to an office (E23); if refused, `said` is the reason.

    Raises OfficeError for an unknown call or office.
    """
    request = TransferCall(
        wish.call, wish.unit, wish.need, wish.reason, wish.by, wish.attended, wish.anyway
    )
    refusal = call_control.answer_to(request)
    # Also if refused: the attempt is noted.
    call_control.fact(events.TransferWished(call_control.call_for(request), request))
    return Declined(refusal) if refusal else Said(UNDER_WAY)


def offices(call_control: CallControlAccess, _: ListOffices) -> Offices:
    """List every office and need: open now or why not, and what to offer; no number (P7)."""
    return Offices(tuple(map(_offered, call_control.offered())))


def _offered(one: Offered) -> OfferedNeed:
    return OfferedNeed(
        unit=one.unit.code,
        name=one.unit.name,
        say=one.unit.say,
        need=one.need,
        need_name=one.need_name,
        open=one.open,
        rules=one.rules,
        words=one.words,
        until=one.until,
        resumes_at=one.resumes_at,
        unanswered=one.unanswered,
        phone=one.phone,
    )


class NotNowError(SaidError):
    """Raised if no call is placed; the command line shows every language."""

    def __str__(self) -> str:
        return " / ".join(dict.fromkeys(self.words.by_language().values()))


CASES = ("message", "request", "call")
WHICH = _(
    'CallBack: position and case ("message:12", "request:7" or "call:ID") are '
    "needed, and urgent is true or false"
)


class CallBacks(CommandHandlers):
    """Return calls: a position's phone rings, then the box dials (E17).

    The database thread looks up the number, the deciding thread decides whether it may be called.
    `post` sends that thread an event; the reply follows its `AnswerAsked`.
    """

    def __init__(self, stores: StoreAccess, post: Callable[[events.Event], None]) -> None:
        self._stores = stores
        self._post = post
        self._asks = itertools.count(1)
        self._waiting: dict[str, SendReply] = {}

    @command(CallCitizen)
    def asked(self, wish: CallCitizen) -> DeferredReply:
        """Have a position call the citizen of a case; raises OfficeError."""
        wanted = read_call_back(wish)
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
                        ask,
                        wanted.position,
                        number,
                        wanted.case,
                        name,
                        wanted.urgent,
                        wanted.picks_up,
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
        send(Said(said) if order.done else NotNowError(said))


def read_call_back(wish: CallCitizen) -> CallBack:
    """Return the call that is wanted; raises SaidError for an incomplete wish."""
    kind, _, name = wish.case.partition(":")
    if not wish.position or kind not in CASES or not name:
        raise SaidError(WHICH)
    return CallBack(wish.position, wish.case, wish.by, wish.urgent, wish.picks_up)


# Steps that a user may take; call control itself notes that a message was announced.
STEPS_ASKED = (
    MessageStep.HEAR,
    MessageStep.TAKE,
    MessageStep.RELEASE,
    MessageStep.FAIL,
    MessageStep.NOTE,
    MessageStep.CLOSE,
    MessageStep.REOPEN,
    MessageStep.TAKE_BACK,
)
LONGEST_NOTE = 1000
EMPTY = _("the note is empty: write a few words")
NO_OUTCOME = _(
    "say with which outcome it is closed ({messageoutcome})",
    messageoutcome=", ".join(MessageOutcome),
)


def take_step(stores: StoreAccess, wish: CareTaken, zone: tzinfo | None = None) -> DeferredReply:
    """Record a step on a message or missed call: take, release, close …; raises OfficeError."""
    kind, name, entry = read_step(wish)

    def reply(result: tuple[int, MessageCare] | CentralinoError) -> Reply | CentralinoError:
        if isinstance(result, CentralinoError):
            return result
        number, care_now = result
        # A closed message no longer counts for the message lamps.
        stores.mailbox.recount()
        stores.on_care()
        words = done_words(kind, number, entry.step, care_now)
        return CareSaid(words, number=number, state=care_now.state)

    return deferred(
        stores.records, lambda c: voicemail.add_entry(c, kind, name, entry, zone), reply
    )


def read_step(wish: CareTaken) -> tuple[CaseKind, str, MessageEntry]:
    """Return the case and its new entry; raises OfficeError for a step that cannot be taken."""
    # A closed message is a step on a message.
    kind, step = CaseKind.MESSAGE, MessageStep.CLOSE
    if isinstance(wish, TakeCare):
        kind, step = wish.kind, wish.step
    if step not in STEPS_ASKED:
        raise OfficeError(f"{step!r} cannot be asked; known are {', '.join(STEPS_ASKED)}")
    if step is MessageStep.CLOSE and wish.outcome is None:
        raise SaidError(NO_OUTCOME)
    note = wish.note[:LONGEST_NOTE]
    if step is MessageStep.NOTE and not note.strip():
        raise SaidError(EMPTY)
    outcome = wish.outcome if step is MessageStep.CLOSE else None
    return kind, wish.name, MessageEntry(wish.at, wish.by, step, outcome, note)
