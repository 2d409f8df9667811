"""Commands of the control socket, one class each: what is sent, who may, what is replied.

A class has the command's name, the permissions of which one is needed, and its reply's class;
fields are named as in the JSON on the socket (api.codec reads and writes them). Commands of the
technician's pages: api.technician_commands.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from datetime import date, datetime
from types import EllipsisType
from typing import Any, ClassVar, Final, Generic, TypeVar, dataclass_transform

from appliance.api import codec, replies
from appliance.api.codec import Code, Line, Name, Number, Reason, Text, Word
from appliance.api.replies import (
    CalendarReply,
    CareSaid,
    DiaryWeek,
    DictationState,
    DirectoryAhead,
    DirectoryFormTaken,
    DirectoryReply,
    Done,
    DueRequests,
    EntrySaved,
    ErasureSaid,
    ExplainReply,
    FiguresReply,
    FormTaken,
    FreeSlots,
    HoursAhead,
    HoursChange,
    KeptData,
    MailSaid,
    NumberedSaid,
    NumberTold,
    Offices,
    Part,
    PartTaken,
    PhoneSaid,
    Reply,
    RequestSaid,
    RetentionReply,
    RevealedNumber,
    Said,
    ScreenLinkMade,
    SettledInTime,
    SheetNoted,
    SheetSaid,
    SheetSaved,
    SheetsLoaded,
    SheetText,
    StatusReply,
    UnitsLoaded,
    UserSaid,
    WeekChange,
    Weeks,
)
from appliance.errors import Bug
from appliance.policy.directory import ReturnRule
from appliance.policy.requests import AppointmentForm, Contact, RequestStep
from appliance.policy.transfers import TransferReason
from appliance.policy.users import Permission, Role
from appliance.policy.voicemail import MessageOutcome, MessageStep
from appliance.store.voicemail import CaseKind

R_co = TypeVar("R_co", bound=Reply, covariant=True)
F_co = TypeVar("F_co", bound=FormTaken, covariant=True)

Needs = frozenset[Permission] | None
# Anybody may send it: it changes nothing, or carries a secret of its own.
FREE: Final = frozenset[Permission]()
# Any user may send it; the handler refuses what belongs to somebody else.
ANYBODY: Final = frozenset(Permission)
# Only a shell on the box may send it, never the console.
SHELL: Final = None


@dataclass_transform(frozen_default=True, kw_only_default=True)
@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Command(Generic[R_co]):
    """Base of all commands; one with a name stands in COMMANDS."""

    ask: ClassVar[str] = ""
    needs: ClassVar[Needs] = SHELL
    reply: ClassVar[type[Reply]] = Reply

    def __init_subclass__(
        cls, ask: str = "", needs: Permission | Needs | EllipsisType = ..., **others: Any
    ) -> None:
        """Declare a command's name and its permissions (one is enough)."""
        super().__init_subclass__(**others)
        # Every command is a frozen value; its fields are named where it is made. Without methods of
        # its own for repr and ==: they take a slow board longer to make than all the rest, and a
        # passphrase stands in no log.
        dataclass(frozen=True, kw_only=True, repr=False, eq=False)(cls)
        for base in getattr(cls, "__orig_bases__", ()):
            for kind in typing.get_args(base):
                # A base's own type variable is no reply.
                if isinstance(kind, type):
                    cls.reply = kind
        if ask:
            # Who may is said, never left to a default.
            if isinstance(needs, EllipsisType):
                raise Bug(f"{cls.__name__}: who may send it?")
            cls.ask, COMMANDS[ask] = ask, cls
            cls.needs = frozenset({needs}) if isinstance(needs, Permission) else needs
            NEEDS[ask] = cls.needs

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def arguments(self) -> dict[str, Any]:
        """Return the command as it is sent."""
        return {"ask": self.ask, **codec.arguments_of(self)}

    def reply_of(self, answer: dict[str, Any]) -> R_co:
        """Read the reply; raises DeclinedError, or ValueError if it is of another version."""
        return typing.cast(R_co, replies.reply_of(self.reply, answer))


COMMANDS: Final[dict[str, type[Command[Any]]]] = {}
"""Commands by name."""
# The control socket itself answers `watch`.
NEEDS: Final[dict[str, Needs]] = {"watch": FREE}
"""Permissions of each command, of which one is needed."""


class UserCommand(Command[R_co]):
    """Base of commands in the name of `by`, the user who gives them."""

    # The console and the command line fill it in where the command is sent.
    by: Name = ""


class ProvenCommand(UserCommand[R_co]):
    """Base of commands that a shell may give too, with the proof that it is the administrator's."""

    proof: str | None = None


class FormCommand(UserCommand[F_co]):
    """Base of changes by a form, which may be previewed; the handler reads the form itself."""

    form: dict[str, Any]
    preview: bool = False


# ---- users ---------------------------------------------------------------------------------------


class AddUser(ProvenCommand[UserSaid], ask="user_add", needs=Permission.USERS):
    """Add a user; call control gets the password's hash alone."""

    name: Word
    shown: Word
    password: str
    roles: tuple[Role, ...] = ()
    unit: Word = ""
    position: Word = ""
    language: Word = ""
    must_change: bool = True


class ChangeUser(ProvenCommand[UserSaid], ask="user_change", needs=ANYBODY):
    """Change what is given of a user."""

    name: Word
    shown: Word | None = None
    roles: tuple[Role, ...] | None = None
    unit: Word | None = None
    position: Word | None = None
    language: Word | None = None
    disabled: bool | None = None


class SetPassword(ProvenCommand[UserSaid], ask="user_password", needs=ANYBODY):
    """Set a user's password by its hash: one's own, or any with the permission USERS."""

    name: Word
    password: str
    must_change: bool = True


class AddFirstUser(Command[UserSaid], ask="first_user", needs=FREE):
    """Add the first user by the box's code, which replaces a login."""

    code: Code
    name: Word
    shown: Word
    password: str
    unit: Word = ""
    position: Word = ""
    language: Word = ""


# ---- requests ------------------------------------------------------------------------------------


class RequestTaken(UserCommand[NumberedSaid]):
    """A citizen's request for an office; `starts` and `form` are those of an appointment.

    The citizen's open requests are offered first, unless `anyway` (E9).
    """

    rule: ReturnRule
    unit: Line = ""
    need: Line = ""
    name: Line = ""
    phone: Line = ""
    email: Line = ""
    prefers: Contact
    language: Line = ""
    subject: Text = ""
    asked: Text = ""
    starts: datetime | None = None
    form: AppointmentForm | None = None
    anyway: bool = False


class TakeRequest(RequestTaken, ask="new_request", needs=Permission.REQUESTS):
    """Store the request of a call; `sheet` did not cover it."""

    call: Line = ""
    sheet: Line = ""


class TakeAtCounter(RequestTaken, ask="counter_request", needs=Permission.REQUESTS):
    """Store a request without a call, at the counter or afterwards; audited."""


class StepRequest(
    UserCommand[RequestSaid],
    ask="request_step",
    needs=frozenset({Permission.REQUESTS, Permission.OWN_REQUESTS}),
):
    """Take a step on a request: take, remind, close, cancel, move."""

    step: RequestStep
    number: int = 0
    said_by: Line = ""
    words: Text = ""
    # Of a move: the new time; another form; the office, which offers no slots, has agreed.
    starts: datetime | None = None
    form: AppointmentForm | None = None
    agreed: bool = False


class ListFreeSlots(Command[FreeSlots], ask="free_slots", needs=FREE):
    """Return the next free slots of an office."""

    unit: Line = ""


class ShowWeek(Command[DiaryWeek], ask="appointments", needs=Permission.REQUESTS):
    """Return the hours and the free slots of seven days, of one unit or, for "", of all."""

    first: date
    unit: Code = ""


class ListDueRequests(Command[DueRequests], ask="requests_due", needs=FREE):
    """Return the day by which each open request is due (E15)."""


class CloseByLink(Command[NumberedSaid], ask="request_by_link", needs=FREE):
    """Close the request of a link; `said_by` is the name that its reader typed."""

    token: str = ""
    said_by: Line = ""


class FetchPaper(
    UserCommand[Part],
    ask="request_paper",
    needs=frozenset({Permission.REQUESTS, Permission.OWN_REQUESTS}),
):
    """Return a paper from byte `at`: a request's mail, or for `mail` 0 the request itself."""

    number: Number = 0
    mail: Number = 0
    as_: str = ""
    at: Number = 0


class SendAgain(UserCommand[MailSaid], ask="mail_again", needs=Permission.REQUESTS):
    """Send an e-mail of a request again, to the office's present address."""

    number: Number = 0
    mail: Number = 0


class TestMail(UserCommand[NumberedSaid], ask="mail_test", needs=Permission.TECHNICAL):
    """Queue a test mail."""

    to: str = ""


class RetryMail(UserCommand[Said], ask="outbox_retry", needs=Permission.TECHNICAL):
    """Send a queued mail again, now."""

    number: int = 0


class DropMail(UserCommand[Said], ask="outbox_drop", needs=Permission.TECHNICAL):
    """Give up a queued mail."""

    number: int = 0
    reason: Text = ""


# ---- calls ---------------------------------------------------------------------------------------


class BringSupervisor(UserCommand[Said], ask="BringHead", needs=Permission.SEE_DESK):
    """Have the supervisor join or leave the conversation of a call or a position (E10)."""

    call: Name
    on: bool = True


class TransferCaller(UserCommand[Said], ask="TransferCall", needs=Permission.TRANSFER):
    """Transfer the caller of a call or a position to an office (E23)."""

    call: Name
    unit: Code
    need: Code
    reason: TransferReason
    attended: bool = True
    anyway: bool = False


class ListOffices(Command[Offices], ask="offices", needs=FREE):
    """List every office and need: open now or why not, and what to offer; no number (P7)."""


class CallCitizen(UserCommand[Said], ask="CallBack", needs=Permission.CALL_BACK):
    """Have a position call the citizen of a case: "message:12", "request:7", "call:ID" (E17)."""

    position: Code = ""
    case: Code = ""
    urgent: bool = False
    # The position's phone is asked to pick up by itself.
    picks_up: bool = False


# ---- the phone of one's position -----------------------------------------------------------------


class PhoneCommand(UserCommand[PhoneSaid]):
    """A command of the call bar, for the phone of the position at which the user sits."""

    position: Name


class CallCommand(PhoneCommand):
    """A command about a call that the user sees; refused if that call is no longer there.

    "" for whichever call the phone has, or that it would answer next.
    """

    call: Code = ""


class AnswerCall(CallCommand, ask="AnswerCall", needs=Permission.SEE_DESK):
    """Have the phone pick up `call`, else the call that rings at it or waits longest."""


class HoldCall(CallCommand, ask="HoldCall", needs=Permission.SEE_DESK):
    """Put the caller on hold, who hears music."""


class ResumeCall(CallCommand, ask="ResumeCall", needs=Permission.SEE_DESK):
    """Go back to the caller, from hold or from an office that is being called."""


class AlternateCall(CallCommand, ask="AlternateCall", needs=Permission.SEE_DESK):
    """Talk with the other one of caller and office while a transfer is announced."""


class HandOverCall(CallCommand, ask="HandOverCall", needs=Permission.SEE_DESK):
    """Hand an announced caller over to the office that has answered."""


class HangUpCall(CallCommand, ask="HangUpCall", needs=Permission.SEE_DESK):
    """Put the phone down; a caller on hold is taken back first."""


class DialNumber(PhoneCommand, ask="Dial", needs=Permission.CALL_BACK):
    """Have the phone call a number that is shown, within the rules of calling out (E17)."""

    number: Word
    # Shown on the phone.
    name: Line = ""
    # The reason for a call outside the hours for calling back.
    urgent: bool = False


# ---- messages and missed calls -------------------------------------------------------------------


class CareTaken(UserCommand[CareSaid]):
    """A step on a message or missed call, taken `at` a time."""

    name: Name
    at: datetime
    outcome: MessageOutcome | None = None
    note: Text = ""


class TakeCare(CareTaken, ask="care", needs=frozenset({Permission.MESSAGES, Permission.CALL_BACK})):
    """Record a step: take, release, close …"""

    kind: CaseKind
    step: MessageStep


class SettleMessage(CareTaken, ask="close_message", needs=Permission.MESSAGES):
    """Close a message."""


# ---- sheets --------------------------------------------------------------------------------------


class ShowSheet(UserCommand[SheetText], ask="sheet_text", needs=Permission.EDIT_SHEETS):
    """Return a sheet's whole file."""

    code: Name


class SaveSheet(UserCommand[SheetSaved], ask="sheet_save", needs=Permission.EDIT_SHEETS):
    """Store a sheet's whole file, or preview the change."""

    code: Name
    text: str
    preview: bool = False


class RemoveSheet(UserCommand[SheetSaid], ask="sheet_remove", needs=Permission.EDIT_SHEETS):
    """Remove a sheet."""

    code: Name


class UseSheet(Command[SheetNoted], ask="NoteSheet", needs=Permission.SEE_DESK):
    """Note a sheet with a call, or with the call of a position (P2)."""

    sheet: str = ""
    call: str = ""
    position: str = ""


# ---- address book --------------------------------------------------------------------------------


class SaveEntry(FormCommand[EntrySaved], ask="book_save", needs=Permission.EDIT_BOOK):
    """Add an entry, or change the one that the form's `code` names; nothing is previewed."""


class RemoveEntry(UserCommand[Said], ask="book_remove", needs=Permission.EDIT_BOOK):
    """Remove an entry."""

    code: Name


class ConfirmEntry(UserCommand[Said], ask="book_confirm", needs=Permission.EDIT_BOOK):
    """Note that an entry is still right."""

    code: Name


class NoteTold(Command[NumberTold], ask="book_told", needs=Permission.SEE_DESK):
    """Note with a call, or with the call of a position, that a number was told."""

    entry: Name
    call: str = ""
    position: str = ""


# ---- announcements -------------------------------------------------------------------------------


class AnnouncementCommand(ProvenCommand[R_co]):
    """Base of commands about an announcement of the office's own."""

    language: Name
    key: Name


class SendRecording(AnnouncementCommand[Reply], ask="announcement_part", needs=Permission.PROMPTS):
    """Take a part of a recording, A-law at 8 kHz; the last one replaces the announcement."""

    at: Number
    data: bytes = b""
    last: bool = False


class RestoreRecording(
    AnnouncementCommand[Said], ask="announcement_restore", needs=Permission.PROMPTS
):
    """Delete the office's own recording, so that callers hear ours again."""


class Dictate(AnnouncementCommand[Said], ask="announcement_dictate", needs=Permission.PROMPTS):
    """Ring a phone, given by name or extension, to record an announcement."""

    phone: Name


class FollowDictation(
    AnnouncementCommand[DictationState], ask="announcement_dictation", needs=Permission.PROMPTS
):
    """Return the progress of the user's dictation."""


class DropDraft(AnnouncementCommand[Said], ask="announcement_draft_drop", needs=Permission.PROMPTS):
    """Delete a draft."""


# ---- hours ---------------------------------------------------------------------------------------


class ShowCalendar(Command[CalendarReply], ask="calendar", needs=FREE):
    """Return a year's hours, this year's by default."""

    year: int | None = None


class ListHours(Command[HoursAhead], ask="hours_ahead", needs=FREE):
    """Return the entries of special hours, newest first."""


class ListWeeks(Command[Weeks], ask="weeks", needs=FREE):
    """Return each group's week in force today, its configured week, and all entries."""


class HoursForm(FormCommand[F_co], ProvenCommand[F_co]):
    """Base of changes of hours, which a shell may make too."""


class EnterHours(HoursForm[HoursChange], ask="hours_enter", needs=Permission.SCHEDULE):
    """Enter or correct special hours."""


class RevokeHours(HoursForm[HoursChange], ask="hours_revoke", needs=Permission.SCHEDULE):
    """End an entry from now on."""


class EnterWeek(HoursForm[WeekChange], ask="week_enter", needs=Permission.SCHEDULE):
    """Enter an ordinary week from a day on."""


class RevokeWeek(HoursForm[WeekChange], ask="week_revoke", needs=Permission.SCHEDULE):
    """Revoke a week that has not begun."""


# ---- directory -----------------------------------------------------------------------------------


class DirectoryForm(FormCommand[DirectoryFormTaken]):
    """Base of changes of the directory; `attached` names the file that was sent before."""

    attached: str = ""


class Declare(DirectoryForm, ask="register_declare", needs=Permission.EDIT_DIRECTORY):
    """Enter a unit's declaration."""


class Vary(DirectoryForm, ask="register_vary", needs=Permission.VARY_DIRECTORY):
    """Enter a variation."""


class Authorise(DirectoryForm, ask="register_authorise", needs=Permission.EDIT_DIRECTORY):
    """Enter an authorisation to tell a number to callers."""


class Revoke(DirectoryForm, ask="register_revoke", needs=Permission.EDIT_DIRECTORY):
    """Revoke an entry."""


class EditUnit(DirectoryForm, ask="register_unit", needs=Permission.EDIT_DIRECTORY):
    """Enter or change a unit."""


class SendAttachment(
    UserCommand[PartTaken],
    ask="register_file_part",
    needs=frozenset({Permission.REVEAL_NUMBERS, Permission.EDIT_DIRECTORY}),
):
    """Take a part of a file; the form that names it follows the last one."""

    at: Number
    data: bytes = b""


class FetchAttachment(UserCommand[Part], ask="register_file", needs=Permission.REVEAL_NUMBERS):
    """Return a part of an entry's file from byte `at`; audited."""

    entry: Number = 0
    at: Number = 0


class KeepDraft(
    UserCommand[Done],
    ask="draft_keep",
    needs=frozenset({Permission.SEE_DESK, Permission.EDIT_DIRECTORY}),
):
    """Keep what is half typed in a place, "" to delete it (E18)."""

    place: str = ""
    body: str = ""


class RevealNumber(
    UserCommand[RevealedNumber], ask="register_number", needs=Permission.REVEAL_NUMBERS
):
    """Reveal one number to the supervisor; audited."""

    entry: int = 0
    need: Code = ""
    which: int = 0


class TellNumber(UserCommand[RevealedNumber], ask="register_tell", needs=Permission.TRANSFER):
    """Reveal a number that may be told to callers under its authorisation; audited."""

    entry: int = 0


class LoadDirectory(Command[UnitsLoaded], ask="register_changed", needs=SHELL):
    """Load the directory again after a command line has changed it (E12)."""


class ListUnits(Command[DirectoryReply], ask="register_state", needs=FREE):
    """Return whether each unit is open now, and items for the supervisor's attention."""


class ListTimesAhead(Command[DirectoryAhead], ask="register_ahead", needs=FREE):
    """Return special hours of the switchboard and of units for a year from today (E14)."""


class Explain(Command[ExplainReply], ask="explain", needs=FREE):
    """Explain what happens to a call that rings now or `at`, and to its transfer to `unit`."""

    line: str = ""
    unit: Code = ""
    need: Code = ""
    at: datetime | None = None


# ---- privacy -------------------------------------------------------------------------------------


class Erase(ProvenCommand[ErasureSaid], ask="erase", needs=Permission.ERASE):
    """Erase what is kept of a number, or one call, message or request, or preview it."""

    # A shell's preview has nobody's name: it changes nothing.
    by: Code = ""
    number: str = ""
    call: str = ""
    message: str = ""
    request: str = ""
    reason: Reason = ""
    close_requests: bool = False
    preview: bool = False


class HandOver(UserCommand[Said], ask="hand_over", needs=Permission.REQUESTS):
    """Hand items ("message:12", "call:7") over to a colleague, or to all if `to` is empty (E19)."""

    position: Code = ""
    to: Code = ""
    items: tuple[str, ...]


class ShowRetention(UserCommand[RetentionReply], ask="retention", needs=Permission.ERASE):
    """Return retention times, deletions due within 30 days, past deletions, the last run."""


class ExportKept(UserCommand[KeptData], ask="kept_of", needs=Permission.ERASE):
    """Return all data about a number."""

    number: str = ""


# ---- wall and standards --------------------------------------------------------------------------


class AddScreen(UserCommand[ScreenLinkMade], ask="wall_link_add", needs=Permission.REPORTS):
    """Make a link for the screen `name`; its secret stands in the reply and nowhere else."""

    name: Line


class EndScreen(UserCommand[Said], ask="wall_link_end", needs=Permission.REPORTS):
    """End a link: the screens that show it stop."""

    number: Number


class CountInTime(Command[SettledInTime], ask="standards_in_time", needs=Permission.REPORTS):
    """Count a quarter's messages and requests that were settled in time; "": the last one."""

    quarter: Code = ""


# ---- status and manual states --------------------------------------------------------------------


class ShowStatus(Command[StatusReply], ask="status", needs=FREE):
    """Return the status, with its text lines."""


class ShowFigures(Command[FiguresReply], ask="figures", needs=FREE):
    """Return the counters since the start, and the moments of the last calls."""


class LoadSpoken(Command[SheetsLoaded], ask="spoken", needs=SHELL):
    """Load spoken sheets and notices again; the next caller hears them."""


class StateCommand(UserCommand[Said]):
    """Set or end a manual state; calls.commands says what each is, and when it ends."""

    on: bool
    until: datetime | None = None


class OfficeState(StateCommand):
    """State of the whole office, which may last until a person ends it."""

    lasts: bool = False


class LeaveUnattended(OfficeState, ask="SetUnattended", needs=Permission.SET_STATES):
    """Switchboard temporarily unattended (P8)."""


class CloseOffice(OfficeState, ask="SetClosed", needs=Permission.SET_STATES):
    """Closed: voicemail answers at once (P9)."""


class OpenOffice(OfficeState, ask="SetOpened", needs=Permission.SET_STATES):
    """Opened outside the written hours."""


class DeclareAbsent(OfficeState, ask="SetAllAbsent", needs=Permission.SET_STATES):
    """All absent (E4)."""


class LeavePosition(StateCommand, ask="SetAway", needs=Permission.SEE_DESK):
    """Position `by` away (E3)."""


# A position is not a person (E19): `by` cannot be compared with the logged-in user.
IN_A_PLACE: Final = frozenset({LeavePosition.ask})
"""Commands whose `by` is a position."""
