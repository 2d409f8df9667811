"""Protocols of call control for the command handlers; appliance.service implements them.

appliance.service imports this package, so this package cannot import it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from appliance.api.protocol import SendReply
from appliance.api.technician_replies import JobsReply
from appliance.calls.commands import BringHead, CallBack, ControlPhone, TransferCall
from appliance.calls.events import Event
from appliance.calls.phone_control import PhoneVerdict
from appliance.calls.status import Status, Went
from appliance.calls.transfer import Offered
from appliance.errors import CentralinoError
from appliance.paper.document import Document, LetterNames
from appliance.policy.clock import Now
from appliance.policy.directory import Directory, ReturnRule
from appliance.policy.hours_changes import HoursEntry
from appliance.policy.mail import LetterSender
from appliance.policy.office import Office
from appliance.policy.privacy import Disclosure
from appliance.policy.requests import Request
from appliance.policy.sheets import Menu
from appliance.store.outbox import StoredMail
from appliance.store.requests import SlotDiary, StoredRequest
from appliance.store.writer import DatabaseWriter
from appliance.text import Words
from appliance.voicemail.mailbox import Mailbox


class CallControlAccess(Protocol):
    """The switchboard in the deciding thread; `post` alone may be called from any thread."""

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""

    @property
    def directory(self) -> Directory:
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

    def about_phone(self, request: ControlPhone) -> PhoneVerdict:
        """Decide on a command for the phone of a position."""

    def why_no_ring(self, phone: str) -> Words | None:
        """Return why a phone cannot ring for a try now, None if it can."""

    def call_for(self, request: TransferCall | BringHead) -> str:
        """Return the id of the command's call; raises OfficeError if there is none."""

    def fact(self, event: Event) -> None:
        """Handle an event at once."""

    def post(self, event: Event) -> None:
        """Queue an event."""


class DirectoryAccess(Protocol):
    """The directory of offices in force, and the key of its undisclosed numbers."""

    @property
    def directory(self) -> Directory:
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

    @property
    def disclosure(self) -> Callable[[], Disclosure | None]:
        """What callers may be told now (P7); None before it is known."""

    def load(self, told: Callable[[Menu | CentralinoError], None] | None = None, /) -> None:
        """Read them again, then call `told` in the database thread."""


@dataclass(frozen=True, slots=True)
class Dictation:
    """A dictation that `by` asked for: its announcement and its progress."""

    language: str
    key: str
    by: str
    went: Went = Went.RINGS


class DictationsAccess(Protocol):
    """Dictations under way; in the deciding thread."""

    @property
    def folder(self) -> Path:
        """The folder of drafts."""

    def asked(self, ask: str, asked: Dictation, /) -> None:
        """Remember which announcement a dictation is for."""

    def latest(self, by: str, language: str, key: str) -> Dictation | None:
        """Return a person's last dictation of an announcement, None for none."""


class JobsAccess(Protocol):
    """Jobs of technicians, one at a time, each in a child process."""

    def told(self) -> JobsReply:
        """Return the running job, and the last result of each kind."""

    def hand_over(self, name: str, words: tuple[str, ...], typed: str, tell: SendReply, /) -> None:
        """Queue a job that a handler has permitted; from any thread."""


class PapersAccess(Protocol):
    """Papers of requests and their e-mails, as people read them."""

    def eml(self, kept: StoredMail, references: tuple[str, ...], /) -> bytes:
        """Return an e-mail as a file."""

    def mail_document(self, kept: StoredMail, request: int, directory: Directory, /) -> Document:
        """Return the content of an e-mail's PDF."""

    def request_document(
        self,
        kept: StoredRequest,
        due: Callable[[Request], date],
        directory: Directory,
        names: LetterNames,
        /,
    ) -> Document:
        """Return the content of a request's PDF."""

    def names(self, connection: sqlite3.Connection, /) -> LetterNames:
        """Return the names of users."""


class MailroomAccess(Protocol):
    """Letters of requests, and what offices declare about them."""

    @property
    def papers(self) -> PapersAccess:
        """The papers."""

    def sender(self) -> LetterSender:
        """Return the sender of letters, with directory and calendar."""

    def rules(self, unit: str, need: str, at: datetime, /) -> tuple[ReturnRule, ...]:
        """Return the return rules of a need; raises OfficeError for an unknown unit."""

    def diary(self, unit_code: str, at: datetime, /) -> SlotDiary | None:
        """Return an office's slots, None if it offers none."""

    def wake(self, hurry: bool = False) -> None:
        """Have the mail thread look at the outbox."""


class StoreAccess(Protocol):
    """The database thread, and call control's copies of the database in memory."""

    @property
    def records(self) -> DatabaseWriter:
        """The database thread, the only writer."""

    @property
    def mailbox(self) -> Mailbox:
        """The messages."""

    @property
    def directory(self) -> DirectoryAccess:
        """The directory of offices."""

    @property
    def hours(self) -> HoursAccess:
        """The entered hours."""

    @property
    def spoken(self) -> SpokenAccess:
        """The sounds."""

    @property
    def dictations(self) -> DictationsAccess:
        """The dictations."""

    @property
    def on_care(self) -> Callable[[], None]:
        """Called after a step on a message or a missed call."""

    def called_back(self, asked: CallBack) -> None:
        """Remember the user of a return call until it is over."""

    def forget_numbers(self, numbers: tuple[str, ...]) -> None:
        """Forget numbers that were erased (E20)."""
