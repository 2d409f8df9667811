"""A whole box in which every page of the console has something to show, and its people."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from appliance.calls.orders import Result
from appliance.commands.register_changes import take
from appliance.commands.register_place import Place
from appliance.daemon.stores import database_path
from appliance.media import wav
from appliance.media.frames import Law
from appliance.policy.accounts import User
from appliance.policy.mail import Mail
from appliance.policy.roles import Role
from appliance.records import call_log, messages, requests, users
from appliance.records.database import connect
from appliance.records.request_rows import Happened, Kept
from appliance.records.requests import Letters, Taking
from appliance.records.users import Asked
from tests.console import people
from tests.console.running import Running, running
from tests.records.samples import SHOWN, WITHHELD, a_call, a_message
from tests.records.test_requests import ASKED, WANTED, a_letter

UGO: Final = User("ugo", "Ugo Viola", frozenset({Role.OFFICE}), unit="anagrafe")
WHO: Final = {next(iter(user.roles)): user for user in (*people.EVERYBODY, UGO)}
"""Somebody of each role."""
TOKEN: Final = "one-of-forty-three-characters-that-is-random"
"""The word in the link of an office's mail."""
SHEET: Final = "imu"
EXAMPLES: Final = resources.files("appliance.daemon")
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


@contextlib.contextmanager
def full_house(folder: Path) -> Iterator[Running]:
    """Start a box with offices, sheets, calls, messages, requests, mails that wait, and people."""
    with running(folder, lines=2, extra=NO_SERVER) as found:
        with contextlib.closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
            users.add(connection, UGO, people.kept(), Asked("test", people.AT, shell=True))
            _calls(connection, found.box.state)
            found.box.ask("mail_test", by=people.BEPPE.name, to="tecnico@comune.example")
            _requests(connection)
        take(Place(found.box.config_path), Path(str(EXAMPLES / "example_register.toml")), "Rossi")
        found.box.ask("register_changed")
        for sheet in (EXAMPLES / "example_sheets").iterdir():
            code, text = sheet.name.removesuffix(".md"), sheet.read_text(encoding="utf-8")
            found.box.ask("sheet_save", by=people.ANNA.name, code=code, text=text)
        yield found


def _calls(connection: Connection, state: Path) -> None:
    """Enter calls that left a message, gave up, or were cut off."""
    now = datetime.now(UTC)
    ended = [replace(a_call(f"lost-{n}", Result.GAVE_UP), rang_at=now - timedelta(minutes=21 * n),
                     called="0510000001") for n in range(1, 20)]  # fmt: skip
    cut = replace(a_call("cut-1", Result.INTERRUPTED), rang_at=now, phone="op1")
    call_log.upsert(connection, [*ended, cut], "b")
    for number, who in enumerate((SHOWN, WITHHELD)):
        call = replace(a_call(f"c{number}", Result.MESSAGE), message=f"m{number}")
        at = now - timedelta(minutes=20 - number)
        left = replace(a_message(f"m{number}", call.call), received_at=at, caller=who,
                       called="0510000001", length_ms=LENGTH_S * 1000)  # fmt: skip
        messages.insert(connection, left, call, "b")
        (state / "voicemail" / left.path).write_bytes(wav.build(bytes(8000 * LENGTH_S), Law.ULAW))


def _requests(connection: Connection) -> None:
    """Enter requests, whose mails wait; the first one's has the link that closes it."""
    now = datetime.now(UTC)

    def first(kept: Kept, happened: Happened | None) -> tuple[Mail, ...]:
        return tuple(replace(mail, token=TOKEN) for mail in a_letter(kept, happened))

    for number, new in enumerate((ASKED, WANTED, ASKED)):
        at = now - timedelta(days=number)
        taken = Taking(f"r{number}", replace(new, at=at, by=people.CARLA.name), at)
        requests.insert(connection, taken, Letters(first if number == 0 else a_letter))
