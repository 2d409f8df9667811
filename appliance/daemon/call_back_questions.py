"""What is asked at the door about calling back: a position's phone rings, then the box dials (E17).

Whose number it is the records' thread finds out; whether it may be called the deciding thread; the
visitor is told what that one has said.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from appliance.calls import events, orders
from appliance.calls.commands import CallBack
from appliance.daemon.door import Later, Tell
from appliance.errors import CentralinoError
from appliance.policy.text import SaidError, Words
from appliance.store import call_log

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from appliance.daemon.stores import Stores


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
        self._waiting: dict[str, Tell] = {}

    def asked(self, question: dict[str, Any]) -> Later:
        """Look up whom a case is about and have the position call; raises OfficeError."""
        wanted = read(question)
        self._stores.called_back(wanted)

        def later(tell: Tell) -> None:
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


def read(question: dict[str, Any]) -> CallBack:
    """Read the question; raises OfficeError with what is wrong in it."""
    position, case = str(question.get("position", "")), str(question.get("case", ""))
    urgent = question.get("urgent", False)
    kind, _, name = case.partition(":")
    if not position or kind not in CASES or not name or not isinstance(urgent, bool):
        raise SaidError(WHICH)
    return CallBack(
        position[:LONGEST], case[:LONGEST], str(question.get("by", ""))[:LONGEST], urgent
    )
