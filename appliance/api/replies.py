"""Replies of the control socket, one class each: what handlers return and readers are given.

Fields are named as in the JSON on the socket (api.codec). Times carry their offset; None where
there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, TypeVar

from appliance.api import codec
from appliance.api.codec import blank
from appliance.calls.model import AutoAnswer
from appliance.calls.orders import CallRecord
from appliance.calls.status import Status
from appliance.policy.directory import ReturnRule
from appliance.policy.forms import FormProblem
from appliance.policy.hours_changes import SampleCall, Whose
from appliance.policy.office import PositionState
from appliance.policy.routing import Destination
from appliance.policy.standards import InTime
from appliance.policy.supervision import MediaHealth
from appliance.policy.text import SaidError
from appliance.store.alerts import NOTHING_OPEN, OpenCounts
from appliance.text import NOTHING, Words

R = TypeVar("R", bound="Reply")

# The media gateway loads calls.orders, which therefore does not import routing.
codec.resolve(CallRecord, Destination=Destination)

# Part of a reply that only people and their programs read, as `centralino status --json`.
Json = Any


@dataclass(frozen=True, slots=True)
class Reply:
    """Base of all replies."""


# ---- any command ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said(Reply):
    """What was done, as a sentence."""

    said: Words
    done: bool = True


@dataclass(frozen=True, slots=True)
class Done(Reply):
    """It was done."""


@dataclass(frozen=True, slots=True)
class NumberedSaid(Said):
    """The same with the number of the request, message or mail."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class PhoneSaid(Said):
    """The same of a command for the phone of a position.

    `call`: the caller's call, "" for none; `auto_answer`: what was seen of the phone when it was
    told to pick up.
    """

    call: str = ""
    auto_answer: AutoAnswer = AutoAnswer.UNKNOWN


@dataclass(frozen=True, slots=True)
class Part(Reply):
    """Part of a value of `size` bytes, as base64."""

    size: int
    data: str
    last: bool


@dataclass(frozen=True, slots=True)
class PartTaken(Reply):
    """Number of bytes that have come so far."""

    taken: int


@dataclass(frozen=True, slots=True)
class Declined(Reply):
    """Refusal of a valid command; `problems` are those of its form."""

    said: Words
    problems: tuple[FormProblem, ...] = ()
    done: bool = False


class DeclinedError(SaidError):
    """Raised to a reader whose command was declined."""

    def __init__(self, declined: Declined) -> None:
        super().__init__(declined.said)
        self.problems = declined.problems


def reply_of(kind: type[R], answer: dict[str, Any]) -> R:
    """Read a reply; raises DeclinedError, or ValueError if it is of another version."""
    if answer.get("done") is False:
        raise DeclinedError(codec.from_json(Declined, answer))
    return codec.from_json(kind, answer)


# ---- status --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhonePlace:
    """Phone's registered address, "" for none, and whether it answers."""

    name: str
    label: str
    address: str
    answers: bool


@dataclass(frozen=True, slots=True)
class RecoveryStep:
    """Recovery step of a line: what was seen of the modem, what prevents the step."""

    at: datetime
    step: str
    tried: Words
    seen: Words
    trouble: Words = NOTHING


@dataclass(frozen=True, slots=True)
class PartRestarts:
    """Restarts of a part since power-on; `limit` is its restart limit, None for none.

    `silent_s` seconds without a sign of life make it `late`.
    """

    part: str
    said: Words
    restarts: int
    last: datetime | None
    late: bool
    silent_s: float | None
    limit: Words | None


@dataclass(frozen=True, slots=True)
class FullStatus(Status):
    """The whole status, as `centralino status --json` shows it.

    `care` counts open cases; `register` sums up the directory.
    """

    troubles: tuple[Words, ...] = ()
    phones: tuple[PhonePlace, ...] = ()
    recoveries: Mapping[str, tuple[RecoveryStep, ...]] = field(default_factory=dict)
    supervision: tuple[PartRestarts, ...] = ()
    boot: str = ""
    mqtt: Json = None
    register: Json = None
    central: tuple[Words, ...] = ()
    weeks: tuple[Words, ...] = ()
    care: OpenCounts = NOTHING_OPEN
    night: Json = None
    card: Json = None
    health: MediaHealth | None = None

    @classmethod
    def extended(cls, status: Status, **others: Any) -> FullStatus:
        """Return the Switchboard's status with the fields of this class."""
        known = {each.name: getattr(status, each.name) for each in fields(Status)}
        return cls(**known, **others)


@dataclass(frozen=True, slots=True)
class WatchedStatus(Reply):
    """Status sent to those who watch it."""

    status: FullStatus


@dataclass(frozen=True, slots=True)
class StatusReply(Reply):
    """Status with the same in one line (`words`) and as text."""

    status: FullStatus
    words: str
    said: Words


@dataclass(frozen=True, slots=True)
class FiguresReply(Reply):
    """Durations (ms) since the start by name, and the latest moments."""

    figures: Mapping[str, Json]
    moments: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class SheetsLoaded(Reply):
    """Number of spoken sheets that were loaded."""

    sheets: int


# ---- hours ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WeekSince:
    """Ordinary week from a day on: the time windows of its days, Monday first."""

    since: date
    days: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """Day with special hours, why (policy.hours) and the name of the occasion."""

    day: date
    bands: tuple[str, ...]
    why: str
    name: Words


@dataclass(frozen=True, slots=True)
class GroupYear:
    """Year of the switchboard or the counter."""

    label: Words
    weeks: tuple[WeekSince, ...]
    special: tuple[SpecialDay, ...]


@dataclass(frozen=True, slots=True)
class CalendarReply(Reply):
    """A year; `first` and `last` are the years that can be asked for."""

    year: int
    first: int
    last: int
    groups: tuple[GroupYear, ...]


@blank("first", "last")
@dataclass(frozen=True, slots=True)
class EnteredHours:
    """Entry of special hours, or the revocation of entry `ends`, which has no days.

    `week` has the hours of each weekday; `holds`: neither past nor revoked.
    """

    number: int
    whose: Whose
    first: date | None
    last: date | None
    reason: Words
    week: tuple[str, ...]
    closed: bool
    greeting: str
    by: str
    at: datetime
    reference: str
    ends: int
    holds: bool


@dataclass(frozen=True, slots=True)
class HoursAhead(Reply):
    """Entries of special hours, newest first, and the announcements that one may use."""

    today: date
    entries: tuple[EnteredHours, ...]
    greetings: tuple[str, ...]


@blank("since")
@dataclass(frozen=True, slots=True)
class GroupWeek:
    """A group's ordinary week of today, by entry `entry` (0: none) since a day."""

    whose: str
    label: Words
    week: tuple[str, ...]
    configured: tuple[str, ...]
    entry: int
    since: date | None
    is_configured: bool


@blank("since")
@dataclass(frozen=True, slots=True)
class EnteredWeek:
    """Entry of an ordinary week, empty for the configured one; or the revocation of `ends`."""

    number: int
    whose: Whose
    since: date | None
    week: tuple[str, ...]
    by: str
    at: datetime
    reference: str
    ends: int
    holds: bool
    is_to_come: bool


@dataclass(frozen=True, slots=True)
class Weeks(Reply):
    """Ordinary weeks in force today, and all entries, newest first."""

    today: date
    groups: tuple[GroupWeek, ...]
    entries: tuple[EnteredWeek, ...]


@dataclass(frozen=True, slots=True)
class FormTaken(Reply):
    """What a form changes, in words; `said` once it is in force."""

    changes: tuple[Words, ...] = ()
    said: Words | None = None


@dataclass(frozen=True, slots=True)
class HoursChange(FormTaken):
    """What an entry of hours changes; `number` is its own, `saved` False for a preview."""

    number: int = 0
    saved: bool = False


@dataclass(frozen=True, slots=True)
class ShownBand:
    """Time window as people read it, and from which minute of the day to which."""

    said: str
    minutes: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """Hours of a weekday before and after, what opens and what closes."""

    before: tuple[ShownBand, ...]
    after: tuple[ShownBand, ...]
    opens: tuple[ShownBand, ...]
    closes: tuple[ShownBand, ...]


@dataclass(frozen=True, slots=True)
class ChangedGroup:
    """Changed week of a group, Monday first."""

    label: Words
    days: tuple[ChangedDay, ...]


@blank("since", "until")
@dataclass(frozen=True, slots=True)
class WeekChange(HoursChange):
    """What an ordinary week changes from a day on, until the next entry begins."""

    since: date | None = None
    until: date | None = None
    groups: tuple[ChangedGroup, ...] = ()
    heard: tuple[SampleCall, ...] = ()


# ---- calls, messages, users ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfferedNeed:
    """Need of an office and whether a transfer there is allowed now (calls.transfer.Offered)."""

    unit: str
    name: str
    say: str
    need: str
    need_name: str
    open: bool
    rules: tuple[ReturnRule, ...]
    words: Words
    until: datetime | None
    resumes_at: datetime | None
    unanswered: bool
    phone: PositionState | None = None


@dataclass(frozen=True, slots=True)
class Offices(Reply):
    """Every office and need."""

    offices: tuple[OfferedNeed, ...]


@dataclass(frozen=True, slots=True)
class CareSaid(NumberedSaid):
    """Step on a message or missed call, which is now in `state`."""

    state: str = ""


@dataclass(frozen=True, slots=True)
class UserSaid(Said):
    """Change of a user, whose sessions of an older `stamp` have ended."""

    user: str = ""
    stamp: int = 0


# ---- requests ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequestSaid(NumberedSaid):
    """Step on a request, which is now in `state`."""

    state: str = ""


@dataclass(frozen=True, slots=True)
class MailSaid(Said):
    """E-mail that is sent again, by its number in the outbox."""

    mail: int = 0


@dataclass(frozen=True, slots=True)
class DiaryDay:
    """Hours of the switchboard on a day."""

    day: date
    special: bool
    bands: tuple[str, ...]
    name: Words


@dataclass(frozen=True, slots=True)
class OfficeSlots:
    """Free slots of an office: the start of each, and its free places."""

    unit: str
    name: str
    free: tuple[tuple[datetime, int], ...]


@dataclass(frozen=True, slots=True)
class DiaryWeek(Reply):
    """A week of appointments."""

    days: tuple[DiaryDay, ...]
    offices: tuple[OfficeSlots, ...]


@dataclass(frozen=True, slots=True)
class FreeSlots(Reply):
    """Next free slots of an office; `offers` False where it gives no appointments."""

    slots: tuple[datetime, ...]
    offers: bool


@dataclass(frozen=True, slots=True)
class DueRequests(Reply):
    """Day by which each open request is due, by its number, and the late ones (E15)."""

    due: Mapping[int, date]
    late: tuple[int, ...]


# ---- wall ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettledInTime(Reply):
    """Messages and requests of a quarter that were settled in time, by the office's calendar."""

    messages: InTime
    requests: InTime


@dataclass(frozen=True, slots=True)
class ScreenLinkMade(NumberedSaid):
    """Link of a screen that was made; its secret is nowhere else."""

    secret: str = ""


# ---- directory -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DirectoryFormTaken(FormTaken):
    """What a form changes in the directory; `entry` is the last one, not `saved` by a preview."""

    saved: bool = False
    entry: int = 0


@dataclass(frozen=True, slots=True)
class RevealedNumber(Reply):
    """One number of the directory, which the audit now names."""

    number: str


@dataclass(frozen=True, slots=True)
class UnitsLoaded(Reply):
    """Number of units in the directory that was loaded."""

    units: int


@dataclass(frozen=True, slots=True)
class NeedReport:
    """Need and whether calls may be transferred for it (policy.directory_review.NeedStatus)."""

    need: str
    name: str
    allowed: bool
    code: str
    rules: tuple[str, ...]
    until: datetime | None
    resumes: datetime | None
    words: Words


@dataclass(frozen=True, slots=True)
class UnitReport:
    """Unit and the unit whose declaration is in force for it, "" for none."""

    unit: str
    name: str
    service: str
    say: str
    declared_by: str
    open: bool
    needs: tuple[NeedReport, ...]

    @property
    def until(self) -> datetime | None:
        """End of the last time window that is open now."""
        return max((n.until for n in self.needs if n.allowed and n.until), default=None)

    @property
    def resumes(self) -> datetime | None:
        """Beginning of the next time window."""
        return min((n.resumes for n in self.needs if n.resumes), default=None)

    @property
    def undeclared(self) -> bool:
        """Tell whether it has no valid declaration."""
        return not self.declared_by


@dataclass(frozen=True, slots=True)
class DirectoryReply(Reply):
    """State of every unit, items for the supervisor's attention, units without a declaration."""

    units: tuple[UnitReport, ...]
    attention: tuple[Words, ...]
    undeclared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoursOfUnit:
    """Special hours ahead; `name` is the unit's, "" for the whole switchboard."""

    first: date
    last: date | None
    unit: str
    name: str
    words: Words


@dataclass(frozen=True, slots=True)
class DirectoryAhead(Reply):
    """Special hours of the house and of units for a year from today."""

    today: date
    ahead: tuple[HoursOfUnit, ...]


@dataclass(frozen=True, slots=True)
class LineName:
    """Line and its public number."""

    line: str
    shown: str


@dataclass(frozen=True, slots=True)
class ExplainedTransfer(NeedReport):
    """Whether a unit can be reached for a need, and its numbers' labels in their order."""

    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainReply(Reply):
    """What happens to a call (policy.explain.Explanation.to_json), and to its transfer."""

    explanation: Json
    transfer: ExplainedTransfer | None
    lines: tuple[LineName, ...]


@dataclass(frozen=True, slots=True)
class PolicyWritten(Reply):
    """Whether a change of the directory was stored, not overtaken by another one."""

    written: bool


# ---- phones --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListedPhone:
    """Phone with its configuration and present registration; `fixed` is a fixed address.

    `fetched` is when it fetched its configuration, "" for never; `in_force`: the service has it.
    `warning` says what callers lose with it; the switchboard's only one `stays`.
    """

    name: str
    label: str
    extension: str
    group: str
    is_entered: bool
    fixed: str
    make: str
    mac: str
    fetched: str
    in_force: bool
    has_secret: bool
    registered: str
    answers: bool
    warning: Words = NOTHING
    stays: bool = False


@dataclass(frozen=True, slots=True)
class RemovedPhone:
    """Phone of the configuration file that is not used."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class WindowState:
    """End of the provisioning window, "" while it is closed, and what its process says."""

    until: str
    said: str


@dataclass(frozen=True, slots=True)
class ListedMake:
    """Make of phones; a soft one is an application.

    `picks_up`: by its maker's documentation it answers by itself a call that asks for it.
    """

    name: str
    models: str
    is_soft: bool
    picks_up: bool = False


@dataclass(frozen=True, slots=True)
class PhonesReply(Reply):
    """All phones; `waits` for a restart, which comes `by_itself` or by the technician."""

    phones: tuple[ListedPhone, ...]
    removed: tuple[RemovedPhone, ...]
    waits: bool
    by_itself: bool
    suggested: str
    window: WindowState
    makes: tuple[ListedMake, ...]


@dataclass(frozen=True, slots=True)
class NewPhoneAccount(Reply):
    """Account of a phone with its password, which is shown this once; `picture` is a QR code."""

    name: str
    label: str
    rows: tuple[tuple[Words, str], ...]
    secret: str
    url: str
    files: str
    is_soft: bool
    picture: str


# ---- sheets, announcements, privacy --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SheetText(Reply):
    """Whole file of a sheet."""

    text: str


@dataclass(frozen=True, slots=True)
class SheetSaid(Said):
    """Change of a sheet; `voice`: it is first given its sounds, which takes a while."""

    voice: bool = False


@dataclass(frozen=True, slots=True)
class SheetSaved(SheetSaid):
    """The same with what changes, also for a preview; `heard` is a changed text for callers."""

    change: str = ""
    title: str = ""
    before: str = ""
    after: str = ""
    body: str = ""
    heard: str = ""


@dataclass(frozen=True, slots=True)
class SheetNoted(Said):
    """Sheet noted with a call."""

    call: str = ""


@dataclass(frozen=True, slots=True)
class EntrySaved(FormTaken):
    """An entry of the address book was saved; `code` is its own."""

    code: str = ""


@dataclass(frozen=True, slots=True)
class NumberTold(Said):
    """Telling a number noted with a call."""

    call: str = ""


@dataclass(frozen=True, slots=True)
class DictationState(Reply):
    """Step of a dictation (calls.status.Went), "" for none."""

    went: str
    over: bool
    said: Words | None = None


@dataclass(frozen=True, slots=True)
class MailedData:
    """E-mail that had left before its data was erased."""

    to: str
    at: str
    request: int | None


@dataclass(frozen=True, slots=True)
class ErasureSaid(Said):
    """Amounts of erased data, also for a preview; `log_cut`: the database's log was cut."""

    calls: int = 0
    messages: int = 0
    requests: int = 0
    mails: int = 0
    texts: int = 0
    open_requests: tuple[int, ...] = ()
    mailed: tuple[MailedData, ...] = ()
    log_cut: bool = False


@dataclass(frozen=True, slots=True)
class KeptFor:
    """Days for which a kind of data is kept, 0 for ever."""

    what: Words
    days: int


@dataclass(frozen=True, slots=True)
class NumberedAt:
    """Message, by number and time."""

    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DueDeletions:
    """Data that is deleted until a time; `open_calls` of the calls nobody has closed."""

    until: datetime
    messages: tuple[NumberedAt, ...]
    numbers: int
    calls: int
    mails: int
    requests: int
    open_calls: int


@blank("oldest_message", "oldest_request")
@dataclass(frozen=True, slots=True)
class UnclosedData:
    """Data that stays until somebody closes it."""

    messages: int
    oldest_message: datetime | None
    requests: int
    oldest_request: datetime | None
    mails: int


@dataclass(frozen=True, slots=True)
class PastDeletion:
    """Past deletion of `count` items by age."""

    at: datetime
    what: Words
    count: int


@blank("ran")
@dataclass(frozen=True, slots=True)
class RetentionReply(Reply):
    """Retention times, deletions to come and past ones, and when they were last looked for."""

    kept: tuple[KeptFor, ...]
    soon: DueDeletions
    waiting: UnclosedData
    ran: datetime | None
    deleted: tuple[PastDeletion, ...]


@dataclass(frozen=True, slots=True)
class KeptData(Reply):
    """All data kept about a number, for a file."""

    kept: Json
