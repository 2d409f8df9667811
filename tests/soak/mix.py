"""Who calls and what they meet: one table, drawn from by a seed."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.simulator.exchange.audio import IDENTITY_FAULTS
from appliance.simulator.exchange.call import OUTCOMES, CallPlan, Party
from tests.helpers import sound
from tests.soak.office import EXTENSIONS

RELEASES = ("busy", "busy200", "dial", "loop", "silence")
CALLERS = ("number", "number", "number", "withheld", "unavailable", "none")
SPOILT = 0.2
"""How many of the identities arrive otherwise than they should."""
STAYS_MS = 40_000
"""A caller who waits for the box to end the call gives up at last."""


class Manner(enum.StrEnum):
    """What whoever sits at a phone does when it rings."""

    ANSWERS = "answers"
    IGNORES = "ignores"
    DECLINES = "declines"
    REDIRECTS = "redirects"
    BUSY = "busy"
    FLAPS = "flaps"  # lifts and puts down at once


class Speaks(enum.StrEnum):
    """What a caller does once the line is answered."""

    TALKS = "talks"  # without a pause, then hangs up
    STAYS = "stays"  # talks until the box hangs up
    MESSAGE_KEY = "message_key"
    MESSAGE_SILENCE = "message_silence"
    MESSAGE_HANGS_UP = "message_hangs_up"
    MESSAGE_LIMIT = "message_limit"
    SKIPS = "skips"  # presses # in the greeting and says nothing
    LEAVES = "leaves"  # hangs up at once
    MUTE = "mute"  # says nothing at all
    FAX = "fax"  # a fax machine


MESSAGES = frozenset(
    {
        Speaks.MESSAGE_KEY,
        Speaks.MESSAGE_SILENCE,
        Speaks.MESSAGE_HANGS_UP,
        Speaks.MESSAGE_LIMIT,
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the mix: how often, what the operators and the counter do, what the caller does.

    `rings` is how often it rings before the caller gives up; `late` lets the phones answer only
    when that is about to happen. `refers`: the operator's phone asks for a transfer by itself.
    """

    weight: int
    operators: Manner
    counter: Manner
    speaks: Speaks
    rings: int = 7
    late: bool = False
    holds: bool = False
    refers: bool = False


_M, _S = Manner, Speaks
KINDS: Mapping[str, Kind] = {
    "talk": Kind(22, _M.ANSWERS, _M.ANSWERS, _S.TALKS),
    "operator ends": Kind(10, _M.ANSWERS, _M.ANSWERS, _S.STAYS),
    "hold": Kind(5, _M.ANSWERS, _M.ANSWERS, _S.TALKS, holds=True),
    "REFER": Kind(4, _M.ANSWERS, _M.ANSWERS, _S.STAYS, holds=True, refers=True),
    "fax": Kind(3, _M.BUSY, _M.DECLINES, _S.FAX),
    "fax, answered": Kind(2, _M.ANSWERS, _M.ANSWERS, _S.FAX),
    "counter": Kind(7, _M.IGNORES, _M.ANSWERS, _S.TALKS),
    "busy": Kind(4, _M.BUSY, _M.ANSWERS, _S.TALKS),
    "declined": Kind(4, _M.DECLINES, _M.ANSWERS, _S.STAYS),
    "redirected": Kind(2, _M.REDIRECTS, _M.DECLINES, _S.MESSAGE_KEY),
    "nobody, a key": Kind(6, _M.DECLINES, _M.DECLINES, _S.MESSAGE_KEY),
    "nobody, silence": Kind(5, _M.IGNORES, _M.BUSY, _S.MESSAGE_SILENCE),
    "nobody, hangs up": Kind(8, _M.BUSY, _M.DECLINES, _S.MESSAGE_HANGS_UP),
    "nobody, limit": Kind(4, _M.DECLINES, _M.BUSY, _S.MESSAGE_LIMIT),
    "nobody, no word": Kind(3, _M.DECLINES, _M.IGNORES, _S.MUTE),
    "skips": Kind(3, _M.BUSY, _M.BUSY, _S.SKIPS),
    "leaves": Kind(4, _M.BUSY, _M.BUSY, _S.LEAVES),
    "gives up": Kind(7, _M.IGNORES, _M.IGNORES, _S.TALKS, rings=1),
    "gives up later": Kind(4, _M.IGNORES, _M.IGNORES, _S.TALKS, rings=2),
    "gives up as it is answered": Kind(6, _M.ANSWERS, _M.ANSWERS, _S.TALKS, rings=1, late=True),
    "lifts and puts down": Kind(5, _M.FLAPS, _M.ANSWERS, _S.TALKS),
    "all put down": Kind(3, _M.FLAPS, _M.FLAPS, _S.MESSAGE_KEY),
}


@dataclass(frozen=True, slots=True)
class Script:
    """One call: what the caller does, what each group does and when, how long they talk."""

    number: int
    kind: str
    plan: CallPlan = field(repr=False)
    speaks: Speaks = Speaks.TALKS
    operators: Manner = Manner.ANSWERS
    counter: Manner = Manner.ANSWERS
    after_s: Mapping[str, float] = field(default_factory=dict)
    talk_s: float = 10.0
    flap_s: float = 0.1
    holds: bool = False
    refers: bool = False
    parties: Mapping[str, Party] = field(default_factory=dict)

    def manner_of(self, phone: str) -> tuple[Manner, float]:
        """Say what is done at a phone, and how many seconds after it began to ring."""
        manner = self.counter if phone.startswith("desk") else self.operators
        return manner, self.after_s[phone]


SPEECH = g711.encode(sound.babble(3.0, seed=5), Law.ULAW)
"""What callers say, in mu-law: no silence longer than the recorder's, no tone, no key."""
PHONES = ("op1", "op2", "desk1", "desk2")


def draw(number: int, dice: random.Random) -> Script:
    """Draw one call."""
    names = list(KINDS)
    name = dice.choices(names, [KINDS[each].weight for each in names])[0]
    kind = KINDS[name]
    return Script(
        number=number,
        kind=name,
        plan=_plan(number, kind, dice),
        speaks=kind.speaks,
        operators=kind.operators,
        counter=kind.counter,
        after_s={phone: _after(kind, dice) for phone in PHONES},
        talk_s=dice.uniform(6.0, 9.0) if kind.holds else dice.uniform(1.0, 8.0),
        flap_s=dice.uniform(0.0, 1.2),
        holds=kind.holds,
        refers=kind.refers,
        parties={number: _party(dice) for number in EXTENSIONS},
    )


def _party(dice: random.Random) -> Party:
    """Somebody at an extension of the PBX: accepts by the key, says a word, is not there."""
    outcome = dice.choice((*OUTCOMES, "answer", "answer", "answer"))
    return Party(
        outcome,
        rings=dice.choice((0, 1, 2)),
        says=dice.random() < 0.7,
        press=dice.choice(("1", "1", "1", "", "5")),
        press_after_ms=dice.randrange(500, 6000),
        hang_up_after_ms=dice.choice((0, 0, 0, 1500, 9000)),
    )


def _after(kind: Kind, dice: random.Random) -> float:
    """A ring lasts 5 s; the phones ring from 2.2 s on, when the caller is known."""
    return dice.uniform(2.2, 4.6) if kind.late else dice.uniform(0.2, 3.0)


def _plan(number: int, kind: Kind, dice: random.Random) -> CallPlan:
    caller = dice.choice(CALLERS)
    base = {
        "caller": f"051{number:07d}" if caller == "number" else caller,
        "name": dice.choice(("", "", "Ada Rossi")),
        "id_fault": dice.choice(IDENTITY_FAULTS) if dice.random() < SPOILT else "",
        "rings": kind.rings,
        "release": dice.choice(RELEASES),
    }
    return CallPlan(**base, **DOES[kind.speaks](dice))  # type: ignore[arg-type]  # by the table


def _message(dice: random.Random, **more: object) -> dict[str, object]:
    seconds = dice.uniform(1.6, 3.0)
    return {"clips": (SPEECH[: int(seconds * 8000)],), "after_quiet_ms": 400, **more}


DOES: Mapping[Speaks, Callable[[random.Random], dict[str, object]]] = {
    Speaks.TALKS: lambda d: {
        "clips": (SPEECH,),
        "repeat_say": True,
        "hang_up_after_ms": d.randrange(300, 9000),
    },
    Speaks.STAYS: lambda _: {
        "clips": (SPEECH,),
        "repeat_say": True,
        "hang_up_after_ms": STAYS_MS,
    },
    Speaks.MESSAGE_KEY: lambda d: _message(d, digits="#", hang_up_after_ms=STAYS_MS),
    Speaks.MESSAGE_SILENCE: lambda d: _message(d, hang_up_after_ms=STAYS_MS),
    Speaks.MESSAGE_HANGS_UP: _message,
    Speaks.MESSAGE_LIMIT: lambda d: _message(d, repeat_say=True, hang_up_after_ms=STAYS_MS),
    Speaks.SKIPS: lambda d: {"digits": "#", "hang_up_after_ms": d.randrange(500, 4000)},
    Speaks.LEAVES: lambda d: {"hang_up_after_ms": d.randrange(0, 2500)},
    Speaks.MUTE: lambda _: {"hang_up_after_ms": STAYS_MS},
    Speaks.FAX: lambda _: {"fax": True, "hang_up_after_ms": STAYS_MS},
}
"""What a caller does, as fields of a `CallPlan`."""
