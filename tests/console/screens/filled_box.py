"""A whole box in which every page of the console has something to show, and its people."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import Result
from appliance.commands.directory import Place, take
from appliance.config.address_book_file import read_table
from appliance.dsp import wav
from appliance.dsp.g711 import encode
from appliance.dsp.wav import Law
from appliance.policy.address_book import HouseNumbers
from appliance.policy.mail import Mail
from appliance.policy.users import Role, User
from appliance.store import address_book, call_log, requests, users, voicemail, wall
from appliance.store.database import connect, database_path
from appliance.store.requests import RequestMails, RequestToStore, StoredRequest, StoredStep
from appliance.store.users import ChangeRequester
from tests.console import people
from tests.console.browser import FILLED
from tests.console.running import Running, running
from tests.console.test_calls import WHOLE
from tests.helpers.box import Box
from tests.store.samples import SHOWN, WITHHELD, a_call, a_message
from tests.store.test_requests import ASKED, WANTED, a_letter

UGO: Final = User("ugo", "Ugo Viola", frozenset({Role.OFFICE}), unit="anagrafe")
WHO: Final = {next(iter(user.roles)): user for user in (*people.EVERYBODY, UGO)}
"""Somebody of each role."""
IRMA: Final = User("irma", "Irma Gialli", frozenset({Role.OPERATOR}), position="op1")
"""An operator of whom nothing half typed is looked for."""
DORA: Final = User("dora", "Dora Grigi", frozenset({Role.HEAD}), position="op2")
"""A head who has a telephone."""
ZOE: Final = User("zoe", "Zoe Bruni", frozenset({Role.CLERK}))
"""Nobody logs in as her: what tests do to a user, they do to her."""
OLD_SHEET: Final = """+++
title = "Tassa sui cani"
source = "Regolamento 1931"
updated = 2019-03-01
+++
Abolita.
"""
TOKEN: Final = "one-of-forty-three-characters-that-is-random"
"""The word in the link of an office's mail, and in that of a screen."""
SHEET: Final = "imu"
EXAMPLES: Final = resources.files("appliance.config")
NO_SERVER: Final = """
[mail]
server = "127.0.0.1"
port = 9
security = "none"
sender = "Centralino <centralino@comune.example>"
head = "responsabile@comune.example"
"""
"""A mail server that is away: what is sent waits, and is seen waiting."""
LENGTH_S: Final = 2
FROM_A_MOBILE: Final = Caller(Presentation.SHOWN, "3391234567")


@contextlib.contextmanager
def full_box(folder: Path) -> Iterator[Running]:
    """Start a box with offices, sheets, calls, messages, requests, mails that wait, and people."""
    options: dict[str, Any] = {"operators": ("op1", "op2"), "languages": FILLED}
    with (
        running(folder, lines=2, extra=NO_SERVER, **options) as found,
        # Open until the end: no later connection of a test is the last one of this process, which
        # would put away the records' log where call control's own locks are gone.
        contextlib.closing(connect(database_path(found.box.state))) as connection,
    ):
        _fill(found.box, connection)
        yield found


def _fill(box: Box, connection: Connection) -> None:
    people.enter(connection)
    for user in (UGO, IRMA, DORA, ZOE):
        users.add(connection, user, people.kept(), ChangeRequester("test", people.AT, shell=True))
    _calls(connection, box.state)
    _requests(connection)
    box.ask("mail_test", by=people.BEPPE.name, to="tecnico@comune.example")
    take(Place(box.config_path), Path(str(EXAMPLES / "example_register.toml")), "Rossi")
    box.ask("register_changed")
    texts = {
        sheet.name.removesuffix(".md"): sheet.read_text(encoding="utf-8")
        for sheet in (EXAMPLES / "example_sheets").iterdir()
    }
    for code, text in (texts | {"cani": OLD_SHEET}).items():
        box.ask("sheet_save", by=people.ANNA.name, code=code, text=text)
    _book(connection)


def _book(connection: Connection) -> None:
    """Enter other bodies, one of them to be checked."""
    today = datetime.now(UTC).date()
    table = (EXAMPLES / "example_address_book.csv").read_text(encoding="utf-8")
    entries = read_table(table, "example", people.ANNA.name, today, (), HouseNumbers())
    due = replace(entries[-1], check_by=today)
    address_book.lay(connection, (*entries[:-1], due), ())


def _calls(connection: Connection, state: Path) -> None:
    """Enter calls that left a message, gave up, were cut off, or had all that a call may have."""
    now = datetime.now(UTC)
    ended = [replace(a_call(f"lost-{n}", Result.GAVE_UP), rang_at=now - timedelta(minutes=21 * n),
                     called="0510000001", trail=("rang", "callback_wanted")[: 1 + n % 2])
             for n in range(1, 20)]  # fmt: skip
    cut = replace(a_call("cut-1", Result.INTERRUPTED), rang_at=now, phone="op1")
    whole = replace(WHOLE, call="whole", rang_at=now, answered_at=now, ended_at=now)
    call_log.upsert_calls(connection, [*ended, cut, whole], "b")
    for number, who in enumerate((SHOWN, WITHHELD, FROM_A_MOBILE)):
        leave_message(connection, state, f"m{number}", who, timedelta(minutes=20 - number))


def leave_message(
    connection: Connection,
    state: Path,
    name: str,
    who: Caller = SHOWN,
    ago: timedelta = timedelta(0),
    length_s: int = LENGTH_S,
) -> int:
    """Enter a message with its call; returns its number. That of a mobile has been cut off."""
    call = replace(a_call(f"call-{name}", Result.MESSAGE), message=name)
    left = replace(
        a_message(name, call.call), received_at=datetime.now(UTC) - ago, caller=who,
        called="0510000001", length_ms=length_s * 1000, interrupted=who is FROM_A_MOBILE,
    )  # fmt: skip
    (state / "voicemail" / left.path).write_bytes(wav.build(_tone(length_s), Law.ULAW))
    voicemail.insert_message(connection, left, call, "b")
    return next(one.number for one in voicemail.list_messages(connection, None) if one.id == name)


@functools.cache
def _tone(length_s: int) -> bytes:
    samples = (int(8000 * math.sin(n * 0.35)) for n in range(8000 * length_s))
    return encode(b"".join(each.to_bytes(2, "little", signed=True) for each in samples), Law.ULAW)


def _requests(connection: Connection) -> None:
    """Enter requests, whose mails wait: one has the link that closes it, one is late."""
    now = datetime.now(UTC)

    def first(kept: StoredRequest, happened: StoredStep | None) -> tuple[Mail, ...]:
        return tuple(replace(mail, token=TOKEN) for mail in a_letter(kept, happened))

    wall.add_link(connection, "Ingresso", TOKEN, people.ANNA.name, now)
    for number, (new, days) in enumerate(((ASKED, 0), (WANTED, 1), (ASKED, 30))):
        at = now - timedelta(days=days)
        taken = RequestToStore(f"r{number}", replace(new, at=at, by=people.CARLA.name), at)
        requests.insert_request(connection, taken, RequestMails(first if number == 0 else a_letter))
