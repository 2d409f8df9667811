"""Results of a self-test: one finding a check, the cause first, the verdict in one sentence."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from appliance.text import Words, _, stored


class Outcome(enum.StrEnum):
    """Outcome of a check. What was not measured is never OK."""

    OK = "ok"
    WRONG = "wrong"
    NOT_MEASURED = "not_measured"


TITLES: Final[Mapping[str, Words]] = {
    "programme": _("the programme's own files"),
    "configuration": _("the configuration"),
    "rights": _("files and their owners"),
    "disk": _("writing to the disk"),
    "room": _("room on the disk"),
    "memory": _("memory"),
    "processor": _("the processor"),
    "power": _("the power supply"),
    "heat": _("the temperature"),
    "clock": _("the clock"),
    "ports": _("network ports"),
    "announcements": _("the announcements"),
    "voice": _("the voice of the box"),
    "call_control": _("call control"),
    "gateway": _("the media gateway"),
    "phone": _("a phone registers"),
    "ring": _("a call rings at the phone"),
    "caller_id": _("the caller's number"),
    "answer": _("the call is answered"),
    "to_phone": _("sound from the caller to the phone"),
    "to_caller": _("sound from the phone to the caller"),
    "delay": _("delay of the sound"),
    "release": _("a caller who hangs up is noticed"),
    "prompt": _("an announcement as callers hear it"),
    "keys": _("the caller's keys"),
    "message": _("a message stored and read back"),
}
"""Checks by code. A cause stands before its consequences: the first one wrong is the cause."""
EXTRAS: Final = frozenset({"power", "heat", "voice"})
"""Checks that not every box can do: without them a result is whole all the same."""
BOX_IS_WELL: Final = _("The box is well: look at the line, the modem and the cable between them.")
BOX_IS_NOT_WELL: Final = _("The box is not well: {cause}")
INCOMPLETE: Final = _("Whether the box is well is not known: {reason}")
ENDED_EARLY: Final = _("the self-test ended before this was measured")


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check: what was measured, or what is wrong and what to do, or why not."""

    code: str
    outcome: Outcome
    said: Words
    figures: Mapping[str, float] = field(default_factory=dict)


def ok(code: str, said: Words, **figures: float) -> Finding:
    """Return the finding of a check that holds."""
    return Finding(code, Outcome.OK, said, figures)


def wrong(code: str, said: Words, **figures: float) -> Finding:
    """Return the finding of a fault."""
    return Finding(code, Outcome.WRONG, said, figures)


def not_measured(code: str, why: Words) -> Finding:
    """Return the finding of a check that could not be done."""
    return Finding(code, Outcome.NOT_MEASURED, why)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A whole self-test: when it began, how long it took (s), its findings, causes first."""

    at: datetime
    seconds: float
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """Return the faults, the cause first."""
        return tuple(f for f in self.findings if f.outcome is Outcome.WRONG)

    @property
    def missing(self) -> tuple[Finding, ...]:
        """Return what had to be measured and was not."""
        found = (f for f in self.findings if f.outcome is Outcome.NOT_MEASURED)
        return tuple(f for f in found if f.code not in EXTRAS)

    @property
    def status(self) -> int:
        """Return the exit status: 0 well, 1 not well, 2 not known."""
        return 1 if self.wrong else 2 if self.missing else 0

    @property
    def verdict(self) -> Words:
        """Return the verdict in one sentence."""
        if self.wrong:
            return BOX_IS_NOT_WELL.filled(cause=self.wrong[0].said)
        if self.missing:
            return INCOMPLETE.filled(reason=self.missing[0].said)
        return BOX_IS_WELL


def whole(at: datetime, seconds: float, found: Iterable[Finding]) -> SelfTest:
    """Put findings in order; a check without one was not measured."""
    by_code: dict[str, Finding] = {}
    for each in found:
        known = by_code.get(each.code)
        # Two that look at the same thing: a fault outweighs what held a moment before.
        if known is None or known.outcome is not Outcome.WRONG:
            by_code[each.code] = each
    return SelfTest(
        at,
        seconds,
        tuple(by_code.get(code) or not_measured(code, ENDED_EARLY) for code in TITLES),
    )


def to_text(test: SelfTest) -> str:
    """Return a self-test as JSON, its words in each language."""
    rows = [
        {
            "check": f.code,
            "outcome": f.outcome.value,
            "title": TITLES[f.code].by_language(),
            "said": f.said.by_language(),
            "figures": dict(f.figures),
        }
        for f in test.findings
    ]
    told = {
        "at": test.at.isoformat(),
        "seconds": round(test.seconds, 1),
        "status": test.status,
        **test.verdict.by_language(),
        "checks": rows,
    }
    return json.dumps(told, ensure_ascii=False)


def from_text(text: str) -> SelfTest | None:
    """Read what `to_text` has written; None if absent or malformed."""
    try:
        told = json.loads(text)
        found = [_finding(row) for row in told["checks"] if row["check"] in TITLES]
        at, seconds = datetime.fromisoformat(told["at"]), float(told["seconds"])
        return whole(at, seconds, found) if at.tzinfo else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _finding(row: dict[str, Any]) -> Finding:
    figures = {str(name): float(value) for name, value in row["figures"].items()}
    return Finding(row["check"], Outcome(row["outcome"]), stored(row["said"]), figures)


def consequence_of(cause: Finding | None, otherwise: Words) -> Words:
    """Return why a check could not be done: the fault before it, if there is one."""
    if cause is None:
        return otherwise
    return _("first {cause} must be mended", cause=TITLES[cause.code])
