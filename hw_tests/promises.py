"""What a line must do for those who use it, and whether a field test has shown that it does."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.text import NOTHING, Words, _, joined
from hw_tests.findings import MAY_BE_LEFT_OUT, MAY_LACK, Finding, Verdict
from hw_tests.titles import TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hw_tests.findings import Figure, Run

ONE_LINE = "one line"
NOTHING_FOR_IT = _("In this set-up nothing measures it.")
NOT_RUN = _("Not run: {}.")
NOT_FOUND = _("Not measured on this line.")


class Kept(enum.StrEnum):
    """Whether a promise is kept."""

    YES = "yes"
    NO = "no"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that a line does.

    `by` are the keys of the findings that prove it, of which one at least must have passed; `also`
    are those that can disprove it. `told` is a figure that says how well, by key and name. `means`
    is what an office has to bear where it is not kept.
    """

    title: Words
    means: Words
    by: tuple[str, ...]
    also: tuple[str, ...] = ()
    told: tuple[tuple[str, str], ...] = ()


NOTICED = "noticed after"
TONES = ("release.busy", "release.congestion", "release.dial")
FAR_END = ("release.called", "release.caller", *TONES, "person_release")
PROMISES: Mapping[str, Promise] = {
    "answers": Promise(
        _("Answers a call"),
        _("Callers hear it ring, and nobody is there."),
        ("answer", "person_ring"),
        ("unit", "idle", "ring", "stream_end", "ghosts", "commands", "drops"),
        (("answer", "order to off hook"),),
    ),
    "joins": Promise(
        _("Joins caller and operator"),
        _("Caller and operator cannot understand each other."),
        ("level", "person_sound"),
        (
            "duplex",
            "bytes",
            "noise",
            "clipping",
            "response",
            "swept",
            "round_trip",
            "asymmetry",
            "soak",
            "soak.sound",
        ),
        (("noise", "signal to noise"), ("person_sound", "the person's voice")),
    ),
    "caller_id": Promise(
        _("Receives the caller's number"),
        _("Operators do not see who calls; a message without a number cannot be called back."),
        ("caller_id", "person_caller_id"),
        ("at_4886", "soak.caller_id"),
        (),
    ),
    "release": Promise(
        _("Notices that the other side has hung up"),
        _("Lines stay engaged after a call, and the next caller finds them busy."),
        FAR_END,
        ("release.loop", "release.silence"),
        tuple((key, NOTICED) for key in FAR_END),
    ),
    "keys": Promise(
        _("Understands the caller's keys"),
        _("Whoever is asked to press a key presses it in vain."),
        ("keys", "person_keys"),
        ("keys_sent", "chip_keys"),
        (("keys", "nominal"),),
    ),
    "both_ways": Promise(
        _("Carries both voices at once"),
        _("Callers can leave a message, but not talk with an operator."),
        ("duplex",),
        ("load", "content", "drift"),
        (),
    ),
    "echo": Promise(
        _("Keeps its echo low"),
        _("Who speaks hears themselves again, a moment later."),
        ("echo", "person_echo"),
        (),
        (("echo", "echo return loss"), ("person_echo", "echo return loss")),
    ),
    "fax": Promise(
        _("Recognises a fax machine"),
        _("A fax that calls occupies an operator, or leaves a message of whistles."),
        ("fax",),
        (),
        (("fax", "recognised after"),),
    ),
    "dials": Promise(
        _("Calls out"),
        _("Nobody can be called back, and no call leaves over this line."),
        ("dial_tone",),
        ("busy_tone", "congestion_tone"),
        (("dial_tone", "recognised after"),),
    ),
    "transfers": Promise(
        _("Passes a call on behind a PBX (hook flash)"),
        _("Calls cannot be passed on to extensions of the PBX."),
        ("flash",),
        (),
        (("flash", "flash"),),
    ),
    "recovers": Promise(
        _("Comes back by itself after a fault"),
        _("After a fault somebody has to come and unplug the modem."),
        ("recovery",),
        ("recovery_usb", "recovery_power", "kill", "unplug"),
        (("recovery", "in band"),),
    ),
    "place": Promise(
        _("Wiring and box are in order"),
        _("Cable, box or machine can spoil calls that are good today."),
        ("lateness",),
        ("line_voltage", "extension", "leds", "button"),
        (),
    ),
}
"""By name, in the order in which they are told. Each key of a finding belongs to one."""
CONVERSATION = ("joins", "both_ways", "echo")
"""What a line that only takes messages, or stands behind a PBX, can do without."""
DEFAULT = tuple(name for name in PROMISES if name not in {"fax", "transfers"})
"""What a line is for where no configuration says otherwise: callers talk with phones."""
CALLED = frozenset({"ring", "caller_id", "answer", "at_4886", "fax"})
"""Keys of what "A>B" tells of line B alone; of sound it tells of both."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A promise of one line: kept or not, `why` not, or what was measured; `needed` by its use.

    `finding` is the first that is against it.
    """

    name: str
    line: str
    kept: Kept
    needed: bool
    why: Words = NOTHING
    figures: tuple[Figure, ...] = ()
    finding: Finding | None = None

    @property
    def title(self) -> Words:
        """What is promised."""
        return PROMISES[self.name].title


def lines_of(run: Run) -> tuple[str, ...]:
    """Give the letters of a run's lines."""
    return ("A",) if run.set_up == ONE_LINE else ("A", "B")


def needs_of(run: Run, line: str) -> tuple[str, ...]:
    """Give the names of the promises that a line's use needs."""
    return next((use.needs for use in run.uses if use.line == line), DEFAULT)


def judged(run: Run) -> tuple[Judged, ...]:
    """Judge every promise of every line; those of line A come first."""
    return tuple(_judged(run, name, line) for line in lines_of(run) for name in PROMISES)


def verdict(run: Run) -> Verdict:
    """Give what a run tells: passed only where all that is needed was measured and holds."""
    kept = {each.kept for each in judged(run) if each.needed}
    if Kept.NO in kept:
        return Verdict.FAILED
    if Kept.NOT_MEASURED in kept or run.missing or not run.ended or not kept:
        return Verdict.INCOMPLETE
    return Verdict.PASSED


def is_needed(run: Run, finding: Finding) -> bool:
    """Tell whether a finding counts for what one of its lines is for."""
    return bool(_weights(run, finding))


def touches(finding: Finding, line: str) -> bool:
    """Tell whether a finding says something of a line."""
    return touches_line(finding.key, finding.line, line)


def touches_line(key: str, where: str, line: str) -> bool:
    """Tell whether what is found of a key somewhere ("A", "A>B", "") says something of a line."""
    if not where:
        return True
    ends = where.split(">")
    return line == ends[-1] if key in CALLED else line in ends


def counted(finding: Finding, by: tuple[str, ...] = ()) -> Verdict:
    """Give what a finding counts; NOT_ON_THIS_DEVICE, SKIPPED: nothing.

    What a line lacks that would prove it (`by`) is no proof, whatever the box can do without.
    """
    told, key = finding.verdict, finding.key
    if told is Verdict.NOT_ON_THIS_DEVICE and (key in by or key not in MAY_LACK):
        return Verdict.FAILED
    if told is Verdict.SKIPPED and key not in MAY_BE_LEFT_OUT:
        return Verdict.INCOMPLETE
    return told


def counts(run: Run, finding: Finding) -> Verdict:
    """Give what a finding counts for what the lines of a run are for.

    What none of them needs counts as skipped where it does not hold.
    """
    told = _weights(run, finding)
    for worst in (Verdict.FAILED, Verdict.INCOMPLETE):
        if worst in told:
            return worst
    if not told and finding.verdict in {Verdict.FAILED, Verdict.INCOMPLETE}:
        return Verdict.SKIPPED
    return finding.verdict


def _weights(run: Run, finding: Finding) -> set[Verdict]:
    """Give what a finding counts for each promise that one of its lines needs."""
    return {
        counted(finding, PROMISES[name].by)
        for line in lines_of(run)
        if touches(finding, line)
        for name in needs_of(run, line)
        if finding.key in (*PROMISES[name].by, *PROMISES[name].also)
    }


def _judged(run: Run, name: str, line: str) -> Judged:
    promise, needed = PROMISES[name], name in needs_of(run, line)
    keys = (*promise.by, *promise.also)
    found = [each for each in run.findings if each.key in keys and touches(each, line)]
    for verdict_, kept in ((Verdict.FAILED, Kept.NO), (Verdict.INCOMPLETE, Kept.NOT_MEASURED)):
        for each in found:
            if counted(each, promise.by) is verdict_:
                return Judged(name, line, kept, needed, _reason(each), finding=each)
    missing = [key for key in run.missing if key in keys]
    if missing:
        titles = joined(", ", [TITLES.get(key, Words(key)) for key in missing])
        return Judged(name, line, Kept.NOT_MEASURED, needed, NOT_RUN.filled(titles))
    if not any(each.key in promise.by and each.verdict is Verdict.PASSED for each in found):
        is_made = set(promise.by) & set(run.expected)
        why = NOT_FOUND if is_made else NOTHING_FOR_IT
        return Judged(name, line, Kept.NOT_MEASURED, needed, why)
    return Judged(name, line, Kept.YES, needed, NOTHING, _told(promise, found))


def _reason(finding: Finding) -> Words:
    """Name what a promise is broken by; its figures are told where the finding is."""
    title = finding.title if finding.title != NOTHING else TITLES.get(finding.key, NOTHING)
    return joined(": ", [each for each in (title, finding.remark) if each != NOTHING])


def _told(promise: Promise, found: list[Finding]) -> tuple[Figure, ...]:
    """Give the worst of the figures that say how well a promise is kept: nearest to its limit."""
    wanted = set(promise.told)
    figures = [
        figure
        for each in found
        for figure in each.figures
        if (each.key, figure.name) in wanted and figure.value is not None
    ]
    return tuple(sorted(figures, key=margin)[:1])


def margin(figure: Figure) -> float:
    """Tell how far a figure is from its nearer limit, in parts of that limit; without one, far."""
    if figure.limit is None or figure.value is None:
        return float("inf")
    ends = [
        (figure.value - figure.limit.low, figure.limit.low)
        if figure.limit.low is not None
        else None,
        (figure.limit.high - figure.value, figure.limit.high)
        if figure.limit.high is not None
        else None,
    ]
    return min((far / max(abs(end), 1e-9) for far, end in filter(None, ends)), default=float("inf"))
