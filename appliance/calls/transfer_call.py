"""What the Switchboard remembers of a transfer (P3 to P6): what was asked, how it gets on."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from appliance.calls import orders
from appliance.policy.directory import ReturnRule, Target, Unit
from appliance.policy.routing import Missed
from appliance.policy.transfers import Allowed, Reason

NO_KEYS: Mapping[str, Act] = {}


class Asked(enum.StrEnum):
    """Which way a transfer is asked for; all of them end in `transfer.ask` (P5)."""

    KEYS = "keys"  # a code on the phone's keys, during the call
    REFER = "refer"  # the phone's own transfer key
    PERSON = "person"  # console or command


class Act(enum.StrEnum):
    """What a key does while the operator is asked and the caller held."""

    TOPIC = "topic"
    DEPTH = "depth"
    OTHER = "other"
    APPOINTMENT = "appointment"
    EMAIL = "email"
    TRY = "try"  # an office that has not answered of late (E8)


class Cause(enum.StrEnum):
    """Why a transferred call came back (P6)."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    DECLINED = "declined"
    REFUSED = "refused"  # the clerk said so to the operator (E7)
    SENT_BACK = "sent_back"  # by the office's key: not competent (E7)
    LOST = "lost"  # the office's phone went without a word
    TAKEN_BACK = "taken_back"  # the operator did not wait


CAUSES: Mapping[Missed, Cause] = {
    Missed.NO_ANSWER: Cause.NO_ANSWER,
    Missed.BUSY: Cause.BUSY,
    Missed.UNREACHABLE: Cause.UNREACHABLE,
    Missed.DECLINED: Cause.DECLINED,
}


class TransferStep(enum.StrEnum):
    """How far a return has come, in the order of E6."""

    OPERATOR = "operator"
    OTHERS = "others"
    WAIT = "wait"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Wish:
    """What `by` asks for; no `reason` yet: a key will say it. `anyway`: told of E8 before."""

    unit: str
    need: str
    by: str
    asked: Asked = Asked.KEYS
    reason: Reason | None = None
    attended: bool = True
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """What each key does now; `*` always leads back to the caller."""

    keys: Mapping[str, Act] = field(default_factory=lambda: NO_KEYS)
    wish: Wish | None = None


@dataclass(frozen=True, slots=True)
class About:
    """The office whose rule the operator may open: refused, or the call came back (P5, P6)."""

    unit: Unit
    need: str
    rules: tuple[ReturnRule, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Dials:
    """An extension of the PBX that is to be called next: its name in records, its digits."""

    name: str
    digits: str = field(repr=False)
    ring_ms: int = 25_000


@dataclass(slots=True)
class Transfer:
    """One transfer by `operator`'s phone; `leg` and `phone` are the office's, that rings or is up.

    `position` counts the targets tried, `outcomes` how they ended; at `ends_at` (monotonic s) no
    further one is. `met` once somebody there was spoken with. `announced` once the caller has heard
    what is done. A return is at `step`; `rang` did not answer it in this round, `wait_until` ends
    the wait, `offers` counts how often the caller could leave words.
    """

    wish: Wish
    allowed: Allowed
    operator: str
    ends_at: float
    leg: str = ""
    phone: str = ""
    up: bool = False
    met: bool = False
    announced: bool = False
    position: int = 0
    outcomes: list[Missed] = field(default_factory=list)
    step: TransferStep = TransferStep.OPERATOR
    rang: set[str] = field(default_factory=set)
    wait_until: float = 0.0
    offers: int = 0

    @property
    def unit(self) -> Unit:
        """The office."""
        return self.allowed.unit

    @property
    def target(self) -> Target:
        """The number that is being tried."""
        return self.allowed.targets[self.position - 1]

    @property
    def name(self) -> str:
        """What records say of that number: never its digits (P7)."""
        return f"{self.unit.code}.{self.allowed.need.code}.{self.position}"

    @property
    def shown(self) -> str:
        """What people read of it: its label, else its name."""
        return self.target.label or self.name

    def let_go(self, *, answered_elsewhere: bool = False) -> Iterator[orders.Order]:
        """Let the office's phone go, whether it rings or is up."""
        if self.leg:
            stop = orders.StopRinging(self.leg, answered_elsewhere)
            yield orders.HangUpPhone(self.leg) if self.up else stop
        self.leg, self.up = "", False
