"""Commands of the call bar: answer, hold, resume, announced transfers, hang up, dial.

They are for the phone of the position at which the user sits. A refusal is a sentence in `said`;
what can be done now stands in the status (`controls`).
"""

from __future__ import annotations

import itertools
import sqlite3
from typing import TYPE_CHECKING, Final

from appliance.api.commands import (
    AlternateCall,
    AnswerCall,
    CallCommand,
    DialNumber,
    HandOverCall,
    HangUpCall,
    HoldCall,
    ResumeCall,
)
from appliance.api.protocol import CommandHandlers, DeferredReply, Reply, SendReply, command
from appliance.api.replies import Declined, PhoneSaid
from appliance.calls import events, orders
from appliance.calls.commands import ControlPhone, PhoneAct
from appliance.errors import CentralinoError
from appliance.policy.numbering import typed_number
from appliance.policy.text import Refused
from appliance.store import address_book, database
from appliance.store.database import Noted, transaction
from appliance.text import Words, _

if TYPE_CHECKING:
    from appliance.api.call_control import CallControlAccess, StoreAccess

DIALLED: Final = "phone.dial"
"""Code in the audit; it names position and user, never the number (E20)."""
NO_NUMBER: Final = _("This is no number: write its digits, with + in front if it is abroad.")


class PhoneControlCommands(CommandHandlers):
    """Commands for the phone of one's position.

    The deciding thread decides; `post` sends it an event, whose `AnswerAsked` is the reply to a
    number that is dialled.
    """

    def __init__(self, call_control: CallControlAccess, stores: StoreAccess) -> None:
        self._call_control = call_control
        self._stores = stores
        self._asks = itertools.count(1)
        self._waiting: dict[str, SendReply] = {}

    @command(AnswerCall)
    def answer(self, wish: AnswerCall) -> Reply:
        """Have the phone pick up a call."""
        return self._carry_out(wish, PhoneAct.ANSWER)

    @command(HoldCall)
    def hold(self, wish: HoldCall) -> Reply:
        """Put the caller on hold."""
        return self._carry_out(wish, PhoneAct.HOLD)

    @command(ResumeCall)
    def resume(self, wish: ResumeCall) -> Reply:
        """Go back to the caller."""
        return self._carry_out(wish, PhoneAct.RESUME)

    @command(AlternateCall)
    def alternate(self, wish: AlternateCall) -> Reply:
        """Go from the office to the caller, or back."""
        return self._carry_out(wish, PhoneAct.ALTERNATE)

    @command(HandOverCall)
    def hand_over(self, wish: HandOverCall) -> Reply:
        """Hand the caller over to the office."""
        return self._carry_out(wish, PhoneAct.HAND_OVER)

    @command(HangUpCall)
    def hang_up(self, wish: HangUpCall) -> Reply:
        """Put the phone down."""
        return self._carry_out(wish, PhoneAct.HANG_UP)

    def _carry_out(self, wish: CallCommand, act: PhoneAct) -> Reply:
        asked = ControlPhone(wish.position, act, wish.by, wish.call)
        verdict = self._call_control.about_phone(asked)
        if verdict.event is None:
            return Declined(verdict.said)
        self._call_control.fact(verdict.event)
        return PhoneSaid(verdict.said, call=verdict.call, auto_answer=verdict.auto_answer)

    @command(DialNumber)
    def dial(self, wish: DialNumber) -> DeferredReply:
        """Have the phone call a number, which is noted first; raises Refused for none."""
        position, by = wish.position, wish.by
        number = typed_number(wish.number)
        if not number:
            raise Refused(NO_NUMBER)
        ask = f"dial {next(self._asks)}"
        at, office = self._call_control.now().wall, self._call_control.office
        today = at.astimezone(office.zone).date()

        def note(connection: sqlite3.Connection) -> bool:
            with transaction(connection):
                database.note(connection, Noted(at, by, DIALLED, position))
            return address_book.holds_number(connection, number, today, office.outgoing.plan)

        def deferred_reply(send: SendReply) -> None:
            def noted(result: bool | CentralinoError) -> None:
                # Who called out is known before the number is dialled (toll fraud).
                if isinstance(result, CentralinoError):
                    send(result)
                    return
                self._waiting[ask] = send
                self._call_control.post(
                    events.CallBackAsked(
                        ask,
                        position,
                        number,
                        "",
                        wish.name,
                        wish.urgent,
                        picks_up=True,
                        in_book=result,
                    )
                )

            self._stores.records.do(note, noted)

        return deferred_reply

    def answered(self, order: orders.AnswerAsked) -> None:
        """Send the deciding thread's reply to the session that waits for it."""
        send = self._waiting.pop(order.ask, None)
        said = order.said
        if send is None or not isinstance(said, Words):
            return
        send(PhoneSaid(said) if order.done else Declined(said))
