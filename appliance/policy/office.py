"""The office as configured: lines, groups of phones, positions, waiting, branches, voicemail."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from appliance.policy.clock import WithoutTime
from appliance.policy.dialling import DialRules
from appliance.policy.directory import NUMBER_SHAPES, Reach
from appliance.policy.hours import Schedule
from appliance.policy.lines import Line
from appliance.policy.numbering import EMERGENCY
from appliance.policy.opening import ManualMark, ManualState
from appliance.policy.text import Refused
from appliance.policy.users import PinRule
from appliance.text import Words, _

# A branch is a destination like any other: an office of the directory that has declared when, and
# under which name, it takes callers (P4, P5, B9).

# a branch is an account at the proxy, which the directory names like a SIP phone
BRANCH_NAME = NUMBER_SHAPES[Reach.PHONE]


class OverflowCause(enum.StrEnum):
    """Why nobody of this branch can take a caller."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNATTENDED = "unattended"
    UNREACHABLE = "unreachable"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class BranchRules:
    """`names` are the other branches' accounts at the proxy; `offices` ("unit.need" of the
    directory) are asked in this order, each for `ring_ms`, in the cases of `when`. Raises Refused.
    """

    names: tuple[str, ...] = ()
    offices: tuple[tuple[str, str], ...] = ()
    when: frozenset[OverflowCause] = frozenset()
    ring_ms: int = 20_000

    def __post_init__(self) -> None:
        for name in self.names:
            if not BRANCH_NAME.fullmatch(name):
                raise Refused(
                    _(
                        "{name!r} is no branch's name: write letters and digits, as at the proxy",
                        name=name,
                    ),
                )
        if self.ring_ms <= 0:
            raise Refused(_("ring must be above 0 seconds"))


# `by` of a position that is away because it missed calls ("assente (automatico)") (E3).
SET_AUTOMATICALLY = "automatic"
# a shorter ring was no chance to lift: the caller gave up, or was served elsewhere
MISSED_AFTER_MS = 10_000


class PositionState(enum.StrEnum):
    """State of a position."""

    FREE = "free"
    BUSY = "busy"
    AWAY = "away"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Position:
    """One position: its phone's name, its state, since when and (away) by whom it is so.

    `since` is None where nobody has noted it.
    """

    phone: str
    state: PositionState
    since: datetime | None = None
    by: str = ""

    @property
    def automatic(self) -> bool:
        """True for a position that is away because it missed its calls."""
        return self.state is PositionState.AWAY and self.by == SET_AUTOMATICALLY


@dataclass(frozen=True, slots=True)
class PositionRules:
    """Missed calls in a row after which a position is away, and ms until its reminder (E3).

    0 means never, for either. Raises ConfigurationError for less.
    """

    # E3: 2 missed calls, a reminder after 60 minutes
    away_after_missed: int = 2
    remind_after_ms: int = 3_600_000

    def __post_init__(self) -> None:
        if self.away_after_missed < 0 or self.remind_after_ms < 0:
            raise Refused(
                _("positions: write 0 for never, or a number above it"),
            )

    def goes_away(self, missed: int) -> bool:
        """True for a position that missed so many calls in a row."""
        return 0 < self.away_after_missed <= missed


def position(
    phone: str,
    mark: ManualMark | None,
    *,
    engaged: bool,
    reachable: bool,
    gone: datetime | None = None,
) -> Position:
    """Return what a position is doing: away overrides whatever its phone does.

    `gone` is since when its phone cannot be reached, None for not noted.
    """
    # nobody sits there, whatever state the phone is in
    if mark is not None:
        return Position(phone, PositionState.AWAY, mark.since, mark.by)
    if not reachable:
        return Position(phone, PositionState.UNREACHABLE, gone)
    return Position(phone, PositionState.BUSY if engaged else PositionState.FREE)


# at least as long as an announcement, at most a quarter of an hour
SHORTEST_WAIT_MS, LONGEST_WAIT_MS = 10_000, 900_000
# a waiting caller holds a line, and no appliance has more; also what one digit can announce
MOST_WAITING_PLACES = 9


@dataclass(frozen=True, slots=True)
class WaitingRules:
    """Waiting callers: `places` of them, for at most `longest_ms`, an announcement each `every_ms`.

    `announce_place` tells them their place too. With `before_counter` they wait for the switchboard
    first and reach the citizens' counter after that; else the counter comes first, and either
    group may serve them. Raises ConfigurationError for inconsistent values.
    """

    # as delivered nobody waits (E2), and the place in the queue is not announced (E22)

    places: int = 0
    longest_ms: int = 0
    every_ms: int = 30_000
    announce_place: bool = False
    before_counter: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.places <= MOST_WAITING_PLACES:
            raise Refused(
                _(
                    "{places} places to wait: write 0 (nobody waits) to {most}",
                    places=self.places,
                    most=MOST_WAITING_PLACES,
                ),
            )
        if self.longest_ms and not SHORTEST_WAIT_MS <= self.longest_ms <= LONGEST_WAIT_MS:
            raise Refused(
                _(
                    "{wait} s is no time to wait: write 0 (nobody waits), or "
                    "{least} to {most} seconds for max_wait",
                    wait=self.longest_ms // 1000,
                    least=SHORTEST_WAIT_MS // 1000,
                    most=LONGEST_WAIT_MS // 1000,
                ),
            )
        if self.every_ms < SHORTEST_WAIT_MS:
            raise Refused(
                _(
                    "an announcement every {pause:g} s leaves no pause: write "
                    "{least} or more for announce_every",
                    pause=self.every_ms / 1000,
                    least=SHORTEST_WAIT_MS // 1000,
                ),
            )
        if bool(self.places) is not bool(self.longest_ms):
            raise Refused(
                _(
                    "callers wait only where both queue_max and max_wait are above 0; write "
                    "both, or neither"
                ),
            )

    def free_places(self, taken: int) -> int:
        """Return how many more callers may wait."""
        return max(self.places - taken, 0)


def share_phones(free: Sequence[str], waiting: int) -> tuple[tuple[str, ...], ...]:
    """Share free phones among waiting callers in turn, the first caller first.

    One free phone rings for the first one alone; two callers and three phones: two and one.
    """
    # each phone rings for one caller, and the longest wait is served first
    return tuple(tuple(free[place::waiting]) for place in range(waiting))


# a comma is a pause before further digits
PBX_NUMBER = re.compile(r"[0-9*#,]{0,19}[0-9*#]")


@dataclass(frozen=True, slots=True)
class Group:
    """Phones that ring together for `ring_ms` before the call goes on; with their own hours (E2).

    `pbx_numbers` are its positions' extensions of a PBX behind the line, tried one after the other,
    each for `ring_ms`. `outside` is its ordinary telephone's number, called over a second line when
    no phone of the group can be reached (B4). Raises ConfigurationError for a ring time of 0, a
    phone or a number named twice, or a number that no key can dial.
    """

    # numbers have no repr: a printed group must not disclose them (P7)

    name: str
    label: Words
    phones: tuple[str, ...]
    schedule: Schedule
    ring_ms: int = 25_000
    pbx_numbers: tuple[str, ...] = field(default=(), repr=False)
    outside: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.ring_ms <= 0:
            raise Refused(
                _("group {name}: ring_ms must be above 0", name=self.name),
            )
        if len(set(self.phones)) != len(self.phones):
            raise Refused(
                _("group {name} names a phone twice", name=self.name),
            )
        if len(set(self.pbx_numbers)) != len(self.pbx_numbers):
            raise Refused(
                _("group {name} names an extension of the PBX twice", name=self.name),
            )
        for number in self.pbx_numbers:
            if not PBX_NUMBER.fullmatch(number) or number in EMERGENCY:
                raise Refused(
                    _(
                        "{number!r} is no extension of a PBX: write 1 to 20 digits, * or #, and no "
                        "emergency number",
                        number=number,
                    ),
                )

        if self.outside and (not self.outside.isdigit() or self.outside in EMERGENCY):
            raise Refused(
                _(
                    "{outside!r} is no ordinary telephone's number: write digits alone, and no "
                    "emergency number",
                    outside=self.outside,
                ),
            )

    @property
    def outside_name(self) -> str:
        """Name of its ordinary telephone in records."""
        return f"{self.name}.outside"

    @property
    def positions(self) -> tuple[str, ...]:
        """Names of the PBX extensions in records: "switchboard.1", never the number (P7)."""
        return tuple(f"{self.name}.{n}" for n in range(1, len(self.pbx_numbers) + 1))


class GreetingLength(enum.StrEnum):
    """Length of voicemail's greeting before the tone."""

    SHORT = "short"  # what everybody needs; the rest by a key, or after the message
    LONG = "long"  # everything, in every language


@dataclass(frozen=True, slots=True)
class VoicemailLimits:
    """Limits of a message, in ms: `limit_ms` of length; `silence_ms` ends it, but not before
    `grace_ms` (E5).

    Shorter than `minimum_ms` is no message. `store_ms` bounds the caller's wait for the word that
    the message was stored. `privacy` is the prompt of the notice spoken before, "" for none;
    `greeting` how much is said before the tone.
    """

    limit_ms: int = 180_000
    silence_ms: int = 5_000
    # E5: silence ends no message in its first 10 s
    grace_ms: int = 10_000
    minimum_ms: int = 2_000
    store_ms: int = 20_000
    # the front desk hears messages without a code; other phones give one
    pin: PinRule = PinRule.OTHERS
    privacy: str = ""
    # short: the tone comes within 20 s
    greeting: GreetingLength = GreetingLength.SHORT


@dataclass(frozen=True, slots=True)
class AfterHours:
    """Numbers that the closed greeting names (E11): 112, and those of the units `duty`.

    A unit's number is told only while its written authorisation holds (P7).
    """

    emergency: bool = False
    duty: tuple[str, ...] = ()


class StaffKey(enum.StrEnum):
    """Action of a key code other than setting a state of the switchboard."""

    AWAY = "away"  # the phone that dials is not rung, until it comes back
    PICK_UP = "pick_up"  # takes the call that has been ringing longest
    MESSAGES = "messages"  # hears the messages nobody has closed


@dataclass(frozen=True, slots=True)
class KeyCode:
    """Action of `digits` dialled on a phone of the office; `minutes` 0: until undone."""

    digits: str
    what: ManualState | StaffKey
    on: bool = True
    minutes: int = 0


# The codes as delivered: 81 Non presidiato, 82 Chiuso, 83 tutti assenti, 84 assente (this phone); 1
# on, 0 off. 85 takes a ringing call, 86 plays the messages.
KEY_CODES = (
    KeyCode("*811", ManualState.UNATTENDED, on=True),
    KeyCode("*810", ManualState.UNATTENDED, on=False),
    KeyCode("*821", ManualState.CLOSED, on=True),
    KeyCode("*820", ManualState.CLOSED, on=False),
    # E4: all absent for 30 minutes
    KeyCode("*831", ManualState.ABSENT, on=True, minutes=30),
    KeyCode("*830", ManualState.ABSENT, on=False),
    KeyCode("*841", StaffKey.AWAY, on=True),
    KeyCode("*840", StaffKey.AWAY, on=False),
    KeyCode("*85", StaffKey.PICK_UP),
    KeyCode("*86", StaffKey.MESSAGES),
)
# the first digit is not 0 (an outside line) and never a star (key codes)
_EXTENSION = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Extension:
    """Digits by which other phones reach `phone`; their screens show `label`.

    Raises ConfigurationError for digits that cannot be an extension.
    """

    digits: str
    phone: str
    label: str = ""

    def __post_init__(self) -> None:
        if self.digits in EMERGENCY:
            raise Refused(
                _(
                    "extension {digits} of {phone} is an emergency number: choose another",
                    digits=self.digits,
                    phone=self.phone,
                ),
            )
        if not _EXTENSION.fullmatch(self.digits):
            raise Refused(
                _(
                    "extension {digits!r} of {phone}: write 1 to 6 digits, the first not 0",
                    digits=self.digits,
                    phone=self.phone,
                ),
            )


@dataclass(frozen=True, slots=True)
class Office:
    """Everything call control knows of its office; raises ConfigurationError for a name used twice.

    `email` is the public address as prompt keys (announcements.spell_email makes them), empty if it
    is not spelt to callers. `citizens_desk` is None where there is no counter. `languages` are
    spoken in this order. A conversation lasts at most `longest_ms`; all numbers of an office
    together ring for `transfer_ms` (E7).
    `lines_kept` lines stay free to answer where there are more (`line_for`). `head` are the
    phones of the supervisor, whom an operator may bring into a conversation (E10).
    `without_time` is what holds instead of the hours while the clock cannot be trusted. `branches`
    says when callers are handed over to other branches (B9).
    """

    name: str
    lines: tuple[Line, ...]
    switchboard: Group
    citizens_desk: Group | None = None
    public_numbers: tuple[str, ...] = ()
    # E5: greetings are repeated briefly in the others
    languages: tuple[str, ...] = ("it", "en")
    email: tuple[str, ...] = ()
    voicemail: VoicemailLimits = field(default_factory=VoicemailLimits)
    after_hours: AfterHours = AfterHours()
    # a line that a forgotten handset keeps seized is let go after 4 hours (B1)
    longest_ms: int = 14_400_000
    # E7: 40 s for all numbers of a need
    transfer_ms: int = 40_000
    # P8: of two or more lines one stays free to answer
    lines_kept: int = 1
    positions: PositionRules = PositionRules()
    waiting: WaitingRules = WaitingRules()
    key_codes: tuple[KeyCode, ...] = KEY_CODES
    outgoing: DialRules = field(default_factory=DialRules)
    extensions: tuple[Extension, ...] = ()
    head: tuple[str, ...] = ()
    # by attendance, so that it is never voicemail all day (reliability.md 6)
    without_time: WithoutTime = WithoutTime.IF_STAFFED
    branches: BranchRules = BranchRules()

    def __post_init__(self) -> None:
        _refuse_twice(_LINE_TWICE, tuple(line.name for line in self.lines))
        _refuse_twice(_EXTENSION_TWICE, tuple(extension.digits for extension in self.extensions))
        _refuse_twice(_KEY_CODE_TWICE, tuple(code.digits for code in self.key_codes))
        if not self.languages:
            raise Refused(
                _("languages: name at least one, as in ['it', 'en']"),
            )

    @property
    def staff_language(self) -> str:
        """Language on the office's phones and in the subjects of spoken requests: the first."""
        return self.languages[0]

    @property
    def zone(self) -> ZoneInfo:
        """The office's time zone, that of the switchboard's hours."""
        return self.switchboard.schedule.zone

    @property
    def phones(self) -> tuple[str, ...]:
        """Every phone of either group, once, in the order of the configuration."""
        desk = self.citizens_desk.phones if self.citizens_desk else ()
        return tuple(dict.fromkeys(self.switchboard.phones + desk))

    def line(self, name: str) -> Line | None:
        """Return the line of that name."""
        return next((line for line in self.lines if line.name == name), None)

    def key_code(self, digits: str) -> KeyCode | None:
        """Return what a phone's code asks for, or None when nothing."""
        return next((code for code in self.key_codes if code.digits == digits), None)

    @property
    def known_phones(self) -> frozenset[str]:
        """Every phone that may dial: those of the groups and those with an extension."""
        return frozenset((*self.phones, *(extension.phone for extension in self.extensions)))

    def phone_at(self, digits: str) -> str:
        """Return the phone that rings when `digits` are dialled, or "" for none."""
        return next((e.phone for e in self.extensions if e.digits == digits), "")

    def extension_of(self, phone: str) -> Extension | None:
        """Return what others dial to reach a phone, or None."""
        return next((e for e in self.extensions if e.phone == phone), None)

    @property
    def calling_hours(self) -> Schedule:
        """Hours in which citizens are called without a reason; never on a holiday (E17)."""
        return Schedule(self.zone, self.outgoing.week, self.switchboard.schedule.holidays)

    def local(self, wall: datetime) -> datetime:
        """Return a moment in the office's own time."""
        return wall.astimezone(self.zone)

    def today(self, wall: datetime) -> date:
        """Return the office's own date at a moment."""
        return self.local(wall).date()


_LINE_TWICE = _("line {name!r} stands twice; every line needs its own")
_EXTENSION_TWICE = _("extension {name!r} stands twice; every extension needs its own")
_KEY_CODE_TWICE = _("key code {name!r} stands twice; every key code needs its own")


def _refuse_twice(words: Words, names: tuple[str, ...]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise Refused(words.filled(name=name))
