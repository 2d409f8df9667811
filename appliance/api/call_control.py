"""Protocols of call control for the command handlers; appliance.service implements them.

appliance.service imports this package, so this package cannot import it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from appliance.calls.commands import BringHead, CallBack, TransferCall
from appliance.calls.events import Event
from appliance.calls.status import Status
from appliance.calls.transfer import Offered
from appliance.errors import CentralinoError
from appliance.policy.clock import Now
from appliance.policy.directory import Directory
from appliance.policy.hours_changes import HoursEntry
from appliance.policy.office import Office
from appliance.policy.sheets import Menu
from appliance.policy.text import Words
from appliance.store.writer import DatabaseWriter
from appliance.voicemail.mailbox import Mailbox


class CallControlAccess(Protocol):
    """The switchboard in the deciding thread; `post` alone may be called from any thread."""

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""

    @property
    def register(self) -> Directory:
        """The directory of offices in force."""

    def now(self) -> Now:
        """Return the time, by all three clocks."""

    def status(self) -> Status:
        """Return the present status."""

    def offered(self) -> tuple[Offered, ...]:
        """Return every office and need, and whether a call may be transferred there now (P5)."""

    def answer_to(self, request: TransferCall) -> Words | None:
        """Return why a transfer is refused now, None if it is allowed."""

    def answer_about_head(self, request: BringHead) -> Words | None:
        """Return why the supervisor cannot join or leave a call now, None if possible."""

    def call_for(self, request: TransferCall | BringHead) -> str:
        """Return the id of the command's call; raises OfficeError if there is none."""

    def fact(self, event: Event) -> None:
        """Handle an event at once."""

    def post(self, event: Event) -> None:
        """Queue an event."""


class DirectoryAccess(Protocol):
    """The directory of offices in force, and the key of its undisclosed numbers."""

    @property
    def register(self) -> Directory:
        """The directory as last read."""

    @property
    def key(self) -> Path:
        """The file with the key."""

    def load(self, told: Callable[[Directory | CentralinoError], None] = ..., /) -> None:
        """Read it again, then call `told` in the database thread."""


class HoursAccess(Protocol):
    """The entered hours in force."""

    def load(
        self, told: Callable[[tuple[HoursEntry, ...] | CentralinoError], None] = ..., /
    ) -> None:
        """Read them again, then call `told` in the database thread."""


class SpokenAccess(Protocol):
    """The sounds made of text, and the office's own announcements."""

    @property
    def folder(self) -> Path:
        """Their folder."""

    @property
    def site(self) -> Path | None:
        """The technician's folder of announcements, which takes precedence."""

    def load(self, told: Callable[[Menu | CentralinoError], None] | None = None, /) -> None:
        """Read them again, then call `told` in the database thread."""


class StoreAccess(Protocol):
    """The database thread, and call control's copies of the database in memory."""

    @property
    def records(self) -> DatabaseWriter:
        """The database thread, the only writer."""

    @property
    def mailbox(self) -> Mailbox:
        """The messages."""

    @property
    def register(self) -> DirectoryAccess:
        """The directory of offices."""

    @property
    def hours(self) -> HoursAccess:
        """The entered hours."""

    @property
    def spoken(self) -> SpokenAccess:
        """The sounds."""

    @property
    def on_care(self) -> Callable[[], None]:
        """Called after a step on a message or a missed call."""

    def called_back(self, asked: CallBack) -> None:
        """Remember the user of a return call until it is over."""

    def forget_numbers(self, numbers: tuple[str, ...]) -> None:
        """Forget numbers that were erased (E20)."""
