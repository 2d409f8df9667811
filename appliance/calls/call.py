"""One call: what the Switchboard remembers of it between two events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from appliance.calls.events import Caller, Evidence, Presentation
from appliance.calls.orders import CallRecord, Result, Ringing, WriteCall
from appliance.calls.states import LIMITS_MS, State
from appliance.calls.transfer_call import About, Choices, Dials, Transfer
from appliance.policy.clock import Now
from appliance.policy.office import Destination, Line
from appliance.policy.requests import NewRequest
from appliance.policy.routing import Decision, Missed, Way
from appliance.policy.sheets import Menu
from appliance.policy.text import NOTHING, Words

WORDS_FOR = {
    Presentation.WITHHELD: "numero riservato",
    Presentation.UNAVAILABLE: "numero non disponibile",
    Presentation.UNKNOWN: "numero sconosciuto",
}
"""What a phone's screen shows in place of a number; phones of the office speak Italian."""
FROM_DESK = "Centralino"
"""How a call that the front desk transfers begins on an office's phone."""


@dataclass(slots=True)
class Call:
    """A call on `line`: `legs` ring (leg -> phone), `leg` of `leg_phone` is the one that answered.

    `stage` is the group that is rung (since `rung_since`, monotonic), `missed` why the switchboard
    did not take it, `outcomes` how legs of the stage ended, `went_away` the phones that lifted and
    hung up at once. `settled` once it is known who calls, or that nobody will say so. `off_hook` is
    true from AnswerLine on, `up` from LineAnswered on, `on_line` until the line is free again,
    `full` once a message had its full length, `shared` once a telephone beside the line was lifted
    in the conversation. On a line that passes its calls to a PBX `position` counts the extensions
    called, `offers` how often the present one was told of the call; `returned` once the caller came
    back, `pbx_fault` when the PBX did not understand. `menu` is what
    the greeting offered, `heard` the sheets that the caller chose, `language` the one asked for by
    a key ("" for the office's first), `turns` how often a key led elsewhere in the announcements;
    `untold` while the numbers for emergencies were not told to this caller. A call that waits does
    so since `waiting_since`, was last told at `announced_at`, rings the phones in `spared` not
    before their time; the highest `priority` is served first; `waited` once its time was over.
    `ended_by` and `ended_ms` say why a recording was over and after how long, for a call that
    nothing else ends. `keyed` is what the operator has begun to key, `choices` what keys do now,
    `about` the office whose rule may be opened, `transfer` the last one asked for, `dials` an
    extension that it goes to, `postponed` what was decided and waits for who calls, `handed` the
    branches to which it was handed over, `request` what the caller's recorded words become, `brief`
    when they are too short to say anything. Times are
    monotonic seconds.
    """

    id: str
    line: Line
    record: CallRecord
    state: State = State.ARRIVED
    deadline: float | None = None
    decision: Decision | None = None
    stage: Way | None = None
    missed: Missed | None = None
    outcomes: list[Missed] = field(default_factory=list)
    legs: dict[str, str] = field(default_factory=dict)
    went_away: set[str] = field(default_factory=set)
    leg: str = ""
    leg_phone: str = ""
    off_hook: bool = False
    up: bool = False
    on_line: bool = True
    play: str = ""
    leg_play: str = ""
    recording_since: float = 0.0
    talking_since: float | None = None
    priority: int = 0
    waiting_since: float = 0.0
    announced_at: float = 0.0
    spared: dict[str, float] = field(default_factory=dict)
    waited: bool = False
    rung_since: float = 0.0
    full: bool = False
    brief: bool = False
    settled: bool = False
    ended_by: Evidence | None = None
    ended_ms: int = 0
    shared: bool = False
    position: int = 0
    offers: int = 0
    returned: bool = False
    pbx_fault: bool = False
    menu: Menu = ()
    heard: tuple[str, ...] = ()
    language: str = ""
    turns: int = 0
    untold: bool = False
    keyed: str = ""
    choices: Choices | None = None
    about: About | None = None
    transfer: Transfer | None = None
    refused: Words = NOTHING
    failed: tuple[str, float] = ("", 0.0)
    dials: Dials | None = None
    postponed: Decision | None = None
    handed: set[Destination] = field(default_factory=set)
    request: NewRequest | None = None
    _legs_made: int = 0
    _plays_made: int = 0

    def enter(self, state: State, now: Now, limit_ms: int | None = None) -> None:
        """Go to a state and start its limit: the given one, else that of LIMITS_MS, if any."""
        limit = LIMITS_MS.get(state) if limit_ms is None else limit_ms
        self.state = state
        self.deadline = None if limit is None else now.monotonic + limit / 1000

    def note(self, *codes: str, **changes: Any) -> None:
        """Add codes to the record's trail and change fields of the record."""
        self.record = replace(self.record, trail=self.record.trail + codes, **changes)

    def use_sheet(self, sheet: str) -> bool:
        """Note that a sheet answered the caller; tells whether that is new."""
        if sheet in self.record.sheets:
            return False
        self.note(f"sheet.{sheet}", sheets=(*self.record.sheets, sheet))
        return True

    def tell(self, units: tuple[str, ...]) -> None:
        """Note that the caller hears whom to call in need: which units' numbers (E11, P7)."""
        self.untold = False
        self.note(*(f"told.{unit}" for unit in units))

    def settle(self, result: Result) -> None:
        """Say how the call ended; what was said first holds."""
        if self.record.result is Result.OPEN:
            self.record = replace(self.record, result=result)

    def write(self) -> WriteCall:
        """Have the record kept as it stands."""
        return WriteCall(self.record)

    def new_leg(self, phone: str) -> Ringing:
        """Name a leg for a phone and remember that it rings."""
        leg = self.new_leg_name()
        self.legs[leg] = phone
        return Ringing(leg, phone)

    def new_leg_name(self) -> str:
        """Name a leg."""
        self._legs_made += 1
        return f"{self.id}.{self._legs_made}"

    def forget_leg(self) -> None:
        """The phone that was on the call is so no longer, nor hears an announcement."""
        self.leg = self.leg_phone = self.leg_play = ""

    def new_play(self) -> str:
        """Name an announcement; only the end of the latest one matters."""
        self._plays_made += 1
        self.play = f"{self.id}.p{self._plays_made}"
        return self.play

    def new_leg_play(self) -> str:
        """Name an announcement to the phone that is on the call, while the caller hears another."""
        self._plays_made += 1
        self.leg_play = f"{self.id}.p{self._plays_made}"
        return self.leg_play

    def owns(self, leg: str) -> bool:
        """True for a leg that rings for, or talks in, this call: an operator's or an office's."""
        office = self.transfer.leg if self.transfer else ""
        return leg in self.legs or (bool(leg) and leg in {self.leg, office})

    @property
    def phones_on(self) -> tuple[str, ...]:
        """The phones on the call: whoever answered, and the office's of a transfer."""
        office = self.transfer.phone if self.transfer and self.transfer.leg else ""
        return (self.leg_phone if self.leg else "", office)

    @property
    def display(self) -> str:
        """What the ringing phones show: the number called, label or line, and the caller.

        While the identity may still come nothing is said of it: a phone that takes no correction
        would go on showing it.
        """
        shown = self.line.shown
        return f"{shown} {caller_words(self.record.caller)}" if self.settled else shown


def office_display(call: Call, need: str) -> str:
    """Return what an office's phone shows: the front desk transfers, for which need, whose call."""
    shown = f"{FROM_DESK}: {need}"
    return f"{shown}, {caller_words(call.record.caller)}" if call.settled else shown


def caller_words(caller: Caller) -> str:
    """Return the caller's name or number, or the words for its absence."""
    if caller.presentation is Presentation.SHOWN:
        return caller.name or caller.number
    return WORDS_FOR[caller.presentation]
