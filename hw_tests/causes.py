"""Causes of findings: the cause is told first, its consequences folded under it.

One command that a modem refuses spoils twenty measurements; who reads the report needs the one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hw_tests.bench import on_line
from hw_tests.findings import Verdict
from hw_tests.promises import counted
from hw_tests.side import GONE, LOSES, STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hw_tests.findings import Finding

GRAVE = (Verdict.FAILED, Verdict.INCOMPLETE)
CALLER = "A"
"""The line that makes the calls in which all but rings is measured."""
SOUND = (
    "bytes", "content", "clipping", "asymmetry", "noise", "response", "round_trip", "swept", "keys",
    "keys_sent", "chip_keys", "fax", "drift", "soak", "soak.sound",
)  # fmt: skip
"""What cannot be measured where no sound arrives."""
IN_CALL = (
    "level", *SOUND, "echo", "load", "soak.caller_id", "busy_tone", "congestion_tone",
    "release.called", "release.caller", "release.busy", "release.congestion", "release.dial",
    "release.loop", "release.silence", "flash", "at_4886", "kill", "person_sound", "person_echo",
    "person_keys", "person_release",
)  # fmt: skip
RUNG = ("caller_id", "answer")
OFF_HOOK = ("dial_tone", "stream_end", "recovery", "recovery_usb", "recovery_power", "extension")
"""What takes a line off hook without a call."""
EVERYTHING = (
    "line_voltage", "duplex", "idle", "ghosts", *OFF_HOOK, "ring", *RUNG, *IN_CALL, "unplug",
    "lateness", "commands", "drops", "person_ring", "person_caller_id", "leds", "button",
)  # fmt: skip
BLOCKS: Mapping[str, tuple[str, ...]] = {
    "drops": EVERYTHING,
    "unit": EVERYTHING,
    "commands": EVERYTHING,
    "line_voltage": (*OFF_HOOK, "ring", *RUNG, *IN_CALL),
    "duplex": (*OFF_HOOK, "ring", *RUNG, *IN_CALL),
    "dial_tone": ("ring", "stream_end", *IN_CALL),
    "ring": (*RUNG, *IN_CALL),
    "answer": IN_CALL,
    "level": SOUND,
    "caller_id": ("soak.caller_id", "at_4886"),
    "person_ring": ("person_caller_id", "person_sound", "person_echo", "person_keys",
                    "person_release"),
}  # fmt: skip
"""By the key of what did not come about: keys of what could then not be measured at all."""
HALF_DUPLEX = ("load", "content", "drift", "echo", "person_echo", "kill")
"""What alone cannot be measured where a modem is half duplex."""
ALWAYS = frozenset({"drops", "unit", "line_voltage", "commands", "caller_id"})
"""Keys that block whatever their figures are; others only where they were not measured."""
TOGETHER = frozenset({"load", "content", "drift", "soak", "round_trip", "asymmetry"})
"""Keys of what needs both lines at once: a fault of either is one of both."""
GROSS_PPM = 500.0
"""A clock so far off leaves no sound as it was."""
SPOILT = (
    "bytes", "content", "load", "level", "noise", "response", "swept", "round_trip", "asymmetry",
    "clipping", "keys", "keys_sent", "fax", "echo", "soak", "soak.sound", "release.silence",
)  # fmt: skip
"""What is measured of sound that is lost or stops, whatever its figures then are."""
ANY = "*"
WORSENS: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{(key, "level"): ("level",) for key in ("dial_tone", "busy_tone", "congestion_tone")},
    ("noise", "signal to noise"): ("level",),
    ("swept", "signal to noise"): ("noise", "level"),
    ("swept", ANY): ("response", "level"),
    ("keys", ANY): ("level", "noise", "response", "swept"),
    ("keys_sent", ANY): ("level", "noise"),
    ("fax", ANY): ("level", "noise"),
    ("drift", "drift, playing"): ("level", "noise", "echo"),
    ("load", "heard"): ("drift",),
    ("load", ANY): ("lateness",),
    ("round_trip", ANY): ("level",),
    ("at_4886", ANY): ("caller_id",),
    ("soak.caller_id", ANY): ("caller_id", "ghosts"),
    ("asymmetry", ANY): ("level",),
    ("content", "speech"): ("level",),
    # an echo beyond the canceller's reach fills the pauses of who hears it
    ("content", "loudest noise between words"): ("echo",),
    ("clipping", ANY): ("level",),
    ("bytes", ANY): ("level",),
    ("soak", "weakest sound"): ("level",),
    ("idle", ANY): ("ghosts",),
    ("commands", "not answered, and said again"): ("drops",),
    ("commands", STOPPED): ("drops",),
    ("ring", "from ring to ring"): ("ghosts",),
    ("soak", ANY): ("unit", "ghosts", "dial_tone", "ring", "answer", "level", "noise"),
    ("soak.sound", ANY): (
        "content",
        "noise",
        "clipping",
        "level",
        "swept",
        "echo",
        "drift",
        "round_trip",
        "bytes",
    ),
    ("release.silence", ANY): ("noise",),
    ("person_keys", ANY): ("person_sound",),
}
"""By key and figure beyond its limit: keys of what, beyond its own limit, makes it so."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings that have one reason, and those that follow from them."""

    findings: tuple[Finding, ...]
    follows: tuple[Finding, ...] = ()


def causes(findings: Iterable[Finding]) -> tuple[Cause, ...]:
    """Give the causes of all that does not hold or was not measured, those that fail first."""
    grave = [each for each in findings if counted(each) in GRAVE]
    roots: dict[int, list[Finding]] = {}
    known = [_root(each, grave) for each in grave]
    for each, root in zip(grave, known, strict=True):
        # What has the words of one that follows from something follows from it, too.
        twins = (r for other, r in zip(grave, known, strict=True) if _are_twins(each, other, r))
        roots.setdefault(grave.index(next(twins, root) if root is each else root), []).append(each)
    made: dict[tuple[int, object], Cause] = {}
    for at, group in sorted(roots.items()):
        root = grave[at]
        reason = GRAVE.index(counted(root)), _reason(root)
        before = made.get(reason, Cause(()))
        rest = tuple(each for each in group if each is not root)
        made[reason] = Cause((*before.findings, root), (*before.follows, *rest))
    return tuple(made[reason] for reason in sorted(made, key=lambda reason: reason[0]))


def _reason(finding: Finding) -> object:
    """Give what two findings of one cause have in common: their words, or only themselves."""
    bad = tuple(figure for figure in finding.figures if not figure.good)
    if str(finding.remark):
        return finding.remark, bad
    return (finding.key, bad) if bad else (finding.key, finding.line)


def _are_twins(finding: Finding, other: Finding, root: Finding) -> bool:
    same = finding.key == other.key and finding.remark == other.remark
    return same and root.key != finding.key and not _is_measured(finding)


def _root(finding: Finding, grave: Sequence[Finding]) -> Finding:
    """Follow a finding to its first cause; each step leads to a key that is earlier in a table."""
    seen = [finding]
    while (cause := _cause(seen[-1], grave)) is not None and cause not in seen:
        seen.append(cause)
    return seen[-1]


def _cause(finding: Finding, grave: Sequence[Finding]) -> Finding | None:
    others = [each for each in grave if each.key != finding.key]
    if finding.key in SPOILT and (spoilt := next((e for e in others if _spoils(e, finding)), None)):
        return spoilt
    if not _is_measured(finding) or finding.key == "soak":
        blocking = (each for key in BLOCKS for each in others if each.key == key)
        if (found := next((each for each in blocking if _blocks(each, finding)), None)) is not None:
            return found
    bad = [figure.name for figure in finding.figures if not figure.good]
    worse = [_worsens(finding, name, others) for name in bad]
    return worse[0] if worse and all(worse) else None


def _is_measured(finding: Finding) -> bool:
    return any(figure.value is not None for figure in finding.figures)


def _blocks(cause: Finding, finding: Finding) -> bool:
    """Tell whether a finding could not be made because of another one."""
    if cause.key not in ALWAYS and _is_measured(cause):
        return False
    blocked = BLOCKS[cause.key]
    if cause.key == "duplex" and cause.verdict is Verdict.NOT_ON_THIS_DEVICE:
        blocked = HALF_DUPLEX
    if finding.key not in blocked:
        return False
    if cause.key == "drops":
        return finding.remark == on_line(cause.line, GONE)
    if cause.key == "dial_tone" and finding.key != "stream_end":
        maker = finding.line[:1] if finding.key == "ring" else CALLER
        return cause.line in {"", maker}
    if cause.key in {"ring", "answer"} and finding.key not in RUNG:
        return cause.line in {"", "A>B"} or finding.key in {"kill", "soak"}
    if cause.key in {"duplex", "unit", "commands", "line_voltage"} and finding.key in {
        "ring",
        *RUNG,
        *IN_CALL,
    }:
        return (
            _share(cause, finding)
            or finding.key not in HALF_DUPLEX
            or cause.key in {"unit", "commands"}
        )
    return _share(cause, finding)


def _spoils(cause: Finding, finding: Finding) -> bool:
    """Tell whether a modem's clock, lost bytes or a start of its own explain what is heard."""
    if not _share(cause, finding):
        return False
    bad = {figure.name: figure.value for figure in cause.figures if not figure.good}
    if cause.key == "commands":
        return STOPPED in bad
    if cause.key != "drift" or (hears := bad.get("drift, hearing")) is None:
        return False
    if cause.remark == LOSES:
        return finding.line.endswith(cause.line)
    return abs(hears) > GROSS_PPM


def _worsens(finding: Finding, name: str, others: Sequence[Finding]) -> Finding | None:
    keys = WORSENS.get((finding.key, name)) or WORSENS.get((finding.key, ANY), ())
    found = (each for key in keys for each in others if each.key == key)
    return next((each for each in found if _share(each, finding)), None)


def _share(one: Finding, other: Finding) -> bool:
    """Tell whether two findings have a line in common; two ways are one only where they agree."""
    if not one.line or not other.line or {one.key, other.key} & TOGETHER:
        return True
    if ">" in one.line and ">" in other.line:
        return one.line == other.line
    return bool(set(one.line.split(">")) & set(other.line.split(">")))
