"""What is asked at the door about handing over (E19): who gives what to whom.

Checked and done in the records' thread; alerts and lists follow whoever has it then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.privacy import Item, Kind
from appliance.store import retention
from appliance.store.retention import Asked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from appliance.daemon.stores import Stores
    from appliance.policy.clock import Now
    from appliance.policy.text import Words

LONGEST_NAME = 64
MOST_ITEMS = 500
HIGHEST = 1_000_000_000


class HandoverQuestions:
    """Answers; `now` is the desk's clock. Raises OfficeError for what is no such question."""

    def __init__(self, stores: Stores, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Later]]:
        """Name what may be asked."""
        return {"hand_over": self.give}

    def give(self, question: dict[str, Any]) -> Later:
        """Hand things over to a colleague, or to all where `to` is empty."""
        asked, stores = read(question, self._now().wall), self._stores

        def later(tell: Tell) -> None:
            def done(result: Words | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    tell(result)
                    return
                stores.mailbox.recount()
                stores.on_care()
                answer: Answer = {"said": plain(result)}
                tell(answer)

            stores.records.do(lambda c: retention.give(c, asked, stores.records.letters), done)

        return later


def read(question: dict[str, Any], at: datetime) -> Asked:
    """Read the question; raises OfficeError with what is wrong in it."""
    by, position, to = (_name(question, key) for key in ("by", "position", "to"))
    items = question.get("items")
    if not by or not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise OfficeError(
            f'hand_over: by and items, at most {MOST_ITEMS} like "message:12", are needed'
        )
    return Asked(by, position, to, at, tuple(dict.fromkeys(_item(text) for text in items)))


def _name(question: dict[str, Any], key: str) -> str:
    return str(question.get(key) or "")[:LONGEST_NAME]


def _item(text: object) -> Item:
    kind, _, number = str(text).partition(":")
    if kind not in tuple(Kind) or not number.isdecimal() or len(number) > len(str(HIGHEST)):
        raise OfficeError(f'{text!r} is nothing to hand over: say "message:12", "call:7"')
    if not 0 < int(number) < HIGHEST:
        raise OfficeError(f"{text!r} has a number that nothing has")
    return Item(Kind(kind), int(number))
