"""What is asked at the door about messages and missed calls: take, release, close and the like.

The disk may stall, the desk may not: it is done, and answered, in the records' thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.daemon import status_words
from appliance.daemon.door import Answer, Later, Tell, moment
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.text import SaidError, Words
from appliance.policy.voicemail import Care, Entry, MessageStep, Outcome
from appliance.store import care
from appliance.store.care import Kind
from appliance.store.voicemail import done

if TYPE_CHECKING:
    from appliance.daemon.stores import Stores

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


def care_question(stores: Stores, question: dict[str, Any]) -> Later:
    """Add an entry about a message or call; raises OfficeError for what is no such question."""
    kind, name, entry = read(question)

    def later(tell: Tell) -> None:
        def answer(result: tuple[int, Care] | CentralinoError) -> None:
            tell(
                result
                if isinstance(result, CentralinoError)
                else _told(stores, kind, entry, result)
            )

        stores.records.do(lambda c: care.add(c, kind, name, entry), answer)

    return later


def read(question: dict[str, Any]) -> tuple[Kind, str, Entry]:
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


def _told(stores: Stores, kind: Kind, entry: Entry, result: tuple[int, Care]) -> Answer:
    number, care_now = result
    stores.mailbox.recount()
    stores.on_care()
    words = done(kind, number, entry.step, care_now)
    return {"number": number, "state": care_now.state, "said": status_words.plain(words)}
