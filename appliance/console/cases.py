"""A message or a call without one as pages show it (P9, E16): how it stands, and what is done."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request

from appliance.calls.orders import CallRecord, Result
from appliance.console.accounts.rights import somebody
from appliance.console.asking import NotDone, ask
from appliance.console.say import N_
from appliance.console.who import who
from appliance.policy.voicemail import Entry, MessageState, MessageStep, care_of
from appliance.store import call_log, care, users
from appliance.store.care import Kind

LONGEST_NOTE: Final = 1000
STEPS: Final = (
    MessageStep.TAKE,
    MessageStep.RELEASE,
    MessageStep.FAIL,
    MessageStep.NOTE,
    MessageStep.CLOSE,
    MessageStep.REOPEN,
)
"""What a page's buttons ask for."""
NO_POSITION: Final = N_("Choose your position on the operator's desk first.")
OFF_HOURS: Final = N_("Called back outside the band: %(why)s")


@dataclass(frozen=True, slots=True)
class History:
    """What was done about one case: entries, oldest first, and the calls back, newest first."""

    case: str
    entries: tuple[Entry, ...]
    back: tuple[CallRecord, ...]
    names: dict[str, str]

    @property
    def state(self) -> MessageState:
        """Say whether somebody deals with it."""
        return care_of(self.entries).state

    @property
    def holder(self) -> str:
        """Return who has it, "" for nobody."""
        return care_of(self.entries).holder

    @property
    def is_called(self) -> bool:
        """True while it is being called back."""
        return bool(self.back) and self.back[0].result is Result.OPEN

    def named(self, by: str) -> str:
        """Return the name that people know somebody by."""
        return self.names.get(by, by)


def read(connection: sqlite3.Connection, kind: Kind, name: str, number: int) -> History:
    """Read what was done about a message or call, by its id and its short number."""
    case = f"message:{number}" if kind is Kind.MESSAGE else f"call:{name}"
    back = call_log.called_back(connection, (case,)).get(case, ())
    return History(case, care.history(connection, kind, name), back, names(connection))


def names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return people's names by those they log in with."""
    return {user.name: user.shown for user in users.everybody(connection)}


async def do(request: Request, kind: Kind, name: str, step: str, form: FormData) -> None:
    """Have the desk do one step about a case; raises NotDone in the reader's language."""
    if step not in STEPS:
        raise NotDone(400, request.state.speaker(N_("There is no such step.")))
    question: dict[str, Any] = {"outcome": str(form.get("outcome", ""))} if step == "close" else {}
    await ask(request, _care(request, kind, name, step, str(form.get("note", ""))) | question)


async def heard(request: Request, name: str) -> None:
    """Note that whoever asks heard a message; raises NotDone."""
    await ask(request, _care(request, Kind.MESSAGE, name, MessageStep.HEAR))


async def call_back(request: Request, kind: Kind, name: str, case: str, reason: str) -> None:
    """Ring one's own phone, then the caller; taken first: two never call back at once (E16, E17).

    `reason` is why outside the band, "" within it. Raises NotDone.
    """
    say, asks = request.state.speaker, who(request)
    if not asks.position:
        raise NotDone(400, say(NO_POSITION))
    await ask(request, _care(request, kind, name, MessageStep.TAKE))
    urgent = bool(reason.strip())
    question = {"position": asks.position, "case": case, "urgent": urgent, "by": asks.by}
    await ask(request, {"ask": "CallBack", **question})
    if urgent:
        note = say(OFF_HOURS, why=reason.strip())
        await ask(request, _care(request, kind, name, MessageStep.NOTE, note))


def sound_file(folder: Path, name: str) -> Path | None:
    """Return the sound file of that name, None for none and for one outside the folder."""
    folder = folder.resolve()
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder) and path.is_file() else None


def _care(request: Request, kind: Kind, name: str, step: str, note: str = "") -> dict[str, Any]:
    """Write the question; times are said as the house has them."""
    return {
        "ask": "care",
        "kind": kind,
        "name": name,
        "step": step,
        "by": somebody(request).name,
        "at": datetime.now(request.app.state.zone).isoformat(),
        "note": note[:LONGEST_NOTE],
    }
