"""What a script is made of, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.lines.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Command:
    """One AT command and what counts as its success.

    `limit_ms` is the time for its result, `tries` how often it is sent at most. An `optional` one
    may be refused. `answers` are results beside OK that are no trouble: the script goes on, and
    whoever began it is told. `otherwise` are other forms to try when it is refused. The answer's
    lines are kept under `keep` and must satisfy `accept`. A final refusal says `refusal` and is for
    good.
    """

    text: str
    limit_ms: int = 5000
    tries: int = 2
    optional: bool = False
    otherwise: tuple[str, ...] = ()
    keep: str = ""
    accept: Callable[[tuple[str, ...]], bool] | None = None
    refusal: Sentence | None = None
    answers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EndStream:
    """End the stream that runs, if one does; with `cut` without playing what lies ahead.

    Its end takes 50-200 ms, or what lies ahead (v253.md 4), which the carrier keeps below 1 s:
    after `limit_ms` the modem is asked for a result that was lost, then told anew.
    """

    cut: bool = False
    limit_ms: int = 2000


@dataclass(frozen=True, slots=True)
class Resync:
    """End whatever a former owner left running, and let `wait_ms` of its remains drain."""

    wait_ms: int = 300


@dataclass(frozen=True, slots=True)
class Drain:
    """Let results that are late arrive, so that none is taken for the next command's."""

    wait_ms: int = 300


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for `wait_ms` before the next step: a PBX needs time behind a hook flash."""

    wait_ms: int


Step = Command | EndStream | Resync | Drain | Pause


@dataclass(frozen=True, slots=True)
class Done:
    """Every step succeeded."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A step failed after its retries; `reason` quotes what was read."""

    reason: Sentence


@dataclass(frozen=True, slots=True)
class Refused:
    """The modem cannot do what a line needs; trying again is of no use."""

    reason: Sentence


Outcome = Done | Trouble | Refused
