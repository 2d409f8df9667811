"""Parts of the pages on requests: cases, due dates, papers, downloads."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import re
import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from appliance.calls import positions
from appliance.calls.orders import CallRecord, Result
from appliance.calls.states import State
from appliance.console.accounts import somebody
from appliance.console.desk_client import DeskAway, NotDone, ask
from appliance.console.say import N_
from appliance.console.shared import who
from appliance.errors import OfficeError
from appliance.paper import child
from appliance.policy.text import Words
from appliance.policy.voicemail import Entry, MessageState, MessageStep, care_of
from appliance.store import call_log, care, users
from appliance.store.care import Kind

# ---- cases -------------------------------------------------------------------------------------
# A message or a call without one as pages show it (P9, E16): how it stands, and what is done.

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


def read_case(connection: sqlite3.Connection, kind: Kind, name: str, number: int) -> History:
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


# ---- downloads ---------------------------------------------------------------------------------
# Files that a browser keeps and never shows: whatever stands in them, they open nothing here.

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "x-download-options": "noopen",
}
"""A browser that shows one all the same runs nothing of it."""
LONGEST_NAME: Final = 100


def download(data: bytes, name: str, kind: str) -> Response:
    """Answer with a file to keep under a name of plain letters; `kind` is its media type."""
    head = {"content-disposition": f'attachment; filename="{plain_name(name)}"'}
    return Response(data, media_type=kind, headers=HEADERS | head)


def plain_name(name: str) -> str:
    """Return a file's name in letters and digits, `-`, `_`, `.`: nothing ends a header."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", bare).strip(".-")[-LONGEST_NAME:] or "file"


# ---- dues --------------------------------------------------------------------------------------
# By when requests are due: asked of the desk, which knows the house's calendar.


@dataclass(frozen=True, slots=True)
class Dues:
    """By when requests are due, and which are late; nothing is known while the desk is away."""

    days: Mapping[int, date]
    late: frozenset[int]


async def dues_of(request: Request) -> Dues:
    """Ask the desk; nothing is known while it is away."""
    try:
        answer = await request.app.state.desk.ask({"ask": "requests_due"})
    except (DeskAway, OfficeError):
        return Dues({}, frozenset())
    days = {int(number): date.fromisoformat(day) for number, day in answer["due"].items()}
    return Dues(days, frozenset(answer["late"]))


# ---- emails ------------------------------------------------------------------------------------
# An office's e-mail as its reader sees it: who wrote when, and the text; nothing of it is run.

FIELDS: Final = {
    "From": N_("Sender"),
    "To": N_("Recipient"),
    "Date": N_("Date"),
    "Subject": N_("Subject"),
}
"""The header fields that are shown, in this order."""
LONGEST_EMAIL: Final = 100_000
LONGEST_FIELD: Final = 500
MOST_FILES: Final = 50
UNREADABLE: Final = (
    MessageError, ValueError, LookupError, AttributeError, TypeError, AssertionError,
    RecursionError,
)  # fmt: skip
"""What the library raises for letters that nobody sends, and somebody makes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of an e-mail: `fields` by their sentence, `files` the names of attachments."""

    fields: tuple[tuple[str, str], ...]
    text: str
    files: tuple[str, ...]


def read_email(data: bytes) -> Shown:
    """Read an e-mail; blocking: for threads. What cannot be read of it is left out."""
    try:
        message = message_from_bytes(data, _class=EmailMessage, policy=default)
    except UNREADABLE:
        return Shown((), "", ())
    fields = ((said, _field(message, name)) for name, said in FIELDS.items())
    return Shown(tuple(each for each in fields if each[1]), _text(message), _files(message))


def _field(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message[name] or "").split())[:LONGEST_FIELD]
    except UNREADABLE:
        return ""


def _text(message: EmailMessage) -> str:
    """Return the plain text; a letter of markup alone is for the mail programme."""
    try:
        body = message.get_body(("plain",))
        return str(body.get_content())[:LONGEST_EMAIL].strip() if body is not None else ""
    except UNREADABLE:
        return ""


def _files(message: EmailMessage) -> tuple[str, ...]:
    try:
        names = [part.get_filename() or "" for part in message.iter_attachments()]
    except UNREADABLE:
        return ()
    return tuple(name[:LONGEST_FIELD] for name in names if name)[:MOST_FILES]


# ---- leaving -----------------------------------------------------------------------------------
# Why a position may not be left now, made of the desk's status (E19). Pure: values in, out.


def left_behind(status: Mapping[str, Any], position: str) -> tuple[Words, ...]:
    """Say what would be left behind for nobody: callers held, returns open; none for no position.

    The same words with which the desk refuses whoever asks to be away.
    """
    found = (_why_not(one, position) for one in status["calls"])
    return tuple(words for words in found if words is not None)


def _why_not(one: Mapping[str, Any], position: str) -> Words | None:
    transfer = one["transfer"] or {"operator": "", "office": ""}
    if not position or position not in (one["phone"], transfer["operator"]):
        return None
    return positions.why_not(State(one["state"]), position, transfer["office"])


# ---- request papers ----------------------------------------------------------------------------
# A request's papers, as the desk writes them for whoever files them (E15).
#
# The desk says what stands on a PDF; a child lays it out, one at a time: each needs 60 MB.

log = logging.getLogger(__name__)

KINDS: Final = {"eml": "message/rfc822", "pdf": "application/pdf"}
"""What a paper can be had as, and its media type."""
LIMIT_S: Final = child.LIMIT_S + 5
"""The child ends itself before."""
_ONE: Final = asyncio.Lock()


async def fetch(request: Request, number: int, mail: int, kind: str) -> bytes:
    """Fetch a request's e-mail, or where `mail` is 0 the request itself; raises NotDone.

    Part by part: it is longer than the desk answers at once.
    """
    question = {"ask": "request_paper", "number": number, "mail": mail, "as": kind}
    data, is_last = b"", False
    while not is_last:
        part = {**question, "at": len(data), "by": somebody(request).name}
        answer = await ask(request, part)
        data += base64.b64decode(answer["data"])
        is_last = answer["last"]
    if kind != "pdf":
        return data
    try:
        return await laid_out(data)
    except child.NoPaper as error:
        log.error("%s", error)
        raise NotDone(500, request.state.speaker.words(error.words), error.words) from error


async def laid_out(document: bytes) -> bytes:
    """Return a document (JSON) as a PDF; raises NoPaper."""
    pipe = asyncio.subprocess.PIPE
    async with _ONE:
        try:
            made = await asyncio.create_subprocess_exec(
                *child.COMMAND, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise child.NoPaper(str(error)) from error
        try:
            async with asyncio.timeout(LIMIT_S):
                data, said = await made.communicate(document)
        except TimeoutError as error:
            raise child.NoPaper(f"{LIMIT_S:.0f} s") from error
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                made.kill()
            await made.wait()
    if made.returncode:
        raise child.NoPaper(child.reason(said))
    return data
