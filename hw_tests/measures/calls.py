"""How a call arrives: rings, their cadence, who calls, and how soon it is answered."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

from appliance.calls.events import Presentation
from appliance.dsp.dtmf import PLANS
from appliance.policy import numbering
from appliance.text import NOTHING, Words, _
from hw_tests import limits
from hw_tests.asking import CALLER_ID
from hw_tests.bench import BUSY, BUSY_S, IN_CALL, SETTLED_S, UnmeasuredError
from hw_tests.called import Rung, tells
from hw_tests.field import PAIRS, Field, found, told, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Series, Verdict
from hw_tests.listening import Listener, wait_for

CADENCE_TOLERANCE = 0.15
IDENTITY = Limit(-5.0, 4.0)
"""Seconds from the first ring: sent before it, or within its long pause (EN 300 659-1)."""
LATE_IDENTITY = Limit(-5.0, SETTLED_S)
"""Some PBXs send it after the second ring: the box waits for it as long as it is told to."""
KEYS = ("ring", "caller_id", "answer")
NO_IDENTITY = _("No number arrived: the line has no such service, or caller_id is to be changed.")
LATE = _(
    "Came after the second ring: {number}. Set lines.identity_limit = {seconds}, so that the box "
    "waits for it, or have the exchange or PBX send it after the first ring."
)
REFUSED = _("The modem refuses +VCID: it tells no caller's number. Use another modem.")
WITHHELD = _(
    "The caller's number is withheld, though it was called from a line with a known one: have the "
    "withholding taken off that line (CLIR), or give another number."
)
CUT_OFF = _(
    "The caller's number comes cut off ({number} instead of {expected}): have whoever runs the "
    "exchange or PBX send the whole number."
)
FOREIGN = _(
    "Another number comes than the caller's ({number} instead of {expected}): look at the numbers "
    "that were given for the test, and at the caller id of the exchange or PBX."
)
SWAPPED = _(
    "line {called} does not ring, and line {caller} hears the busy tone: it has dialled its own "
    "number or a line in use; look whether the numbers of line A and line B are swapped"
)
IN_USE = _(
    "line {called} is in use before anybody has called it, while line {caller} can be called: its "
    "modem does not let it go though it says so (OK to ATH), or a telephone on its pair is off "
    "hook; look at the telephones and at the line's number, then replace the modem"
)
TWICE = _(
    "The modem tells a ring twice or more: the box would answer too early; replace the modem, or "
    "look for a bell of two bursts at the exchange or PBX."
)
OTHER_BELL = _(
    "The bell is not the country's: a line simulator has one of its own. On a line of a network "
    "look at --country."
)
OTHER_PERIODS_S, OTHER_TOLERANCE = (3.0, 4.0, 6.0), 0.05
"""From ring to ring in other countries: Great Britain, Belgium, the United States."""
EXTENSION_DIGITS = 4
"""A number of so few digits is an extension: a PBX may send the whole number that ends with it."""
LINE_PREFIXES = ("0", "9")
"""What is dialled behind a PBX before a number outside; nobody sends it back."""


def calls(field: Field) -> list[Finding]:
    """Have each line call the other; the exchange tells who calls after the ring, then before."""
    findings = _call(field, "A", "B", "after") + _call(field, "B", "A", "before")
    field.ready.rest()
    return _one_in_use(findings)


def _one_in_use(findings: list[Finding]) -> list[Finding]:
    """Tell a line in use from swapped numbers: of those each line hears the busy tone."""
    words = {f"{a}>{b}": {"caller": a, "called": b} for a, b in PAIRS}
    busy = [
        each
        for each in findings
        if each.key == "ring" and each.remark == SWAPPED.filled(**words[each.line])
    ]
    if len(busy) != 1:
        return findings
    said = IN_USE.filled(**words[busy[0].line])
    return [replace(each, remark=said) if each is busy[0] else each for each in findings]


def _call(field: Field, caller: str, called: str, order: str) -> list[Finding]:
    bench, way = field.ready, f"{caller}>{called}"
    number = field.world.numbers.get(caller, "")
    field.world.turn(caller, caller=[number, order])
    begin = bench.now
    try:
        rung = bench.call(caller, called, rings=2, identify=True)
    except UnmeasuredError as error:
        error = _hinted(field, caller, called, error)
        bench.rest()
        return [unmeasured("ring", way, error), *(_not_measured(key, way) for key in KEYS[1:])]
    finally:
        field.world.turn(caller, caller=[number, "after"])
    identity_at = bench[called].read_at(rb"NMBR\s*=", begin)
    expected = Expected(number, field.world.country)
    identity = _identity(way, rung, identity_at, expected, no_identity(field, called))
    field.identified[called] = bool(identity.figures)
    return [ring(field, way, rung), identity, _answer(way, rung)]


def _hinted(field: Field, caller: str, called: str, error: UnmeasuredError) -> UnmeasuredError:
    """Listen to what the caller is told where nobody is rung: a line that dials itself is busy."""
    bench = field.ready
    if {caller, called} & bench.rang or bench[caller].driver.stage not in IN_CALL:
        return error
    try:
        bench.listen(caller)
        listener = Listener(bench[caller], field.world.country)
        is_busy = wait_for(bench, lambda: listener.first(BUSY), BUSY_S)
    except UnmeasuredError:
        return error
    return UnmeasuredError(SWAPPED.filled(caller=caller, called=called)) if is_busy else error


def _not_measured(key: str, way: str) -> Finding:
    return told(key, way, Verdict.INCOMPLETE, _("The line did not ring."))


def ring(field: Field, way: str, rung: Rung) -> Finding:
    """Judge when and how regularly the line rang."""
    bursts = PLANS[field.world.country].ringback[0].bursts
    period = sum(burst.on_ms + burst.off_ms for burst in bursts) / 1000
    apart = [after - before for before, after in pairwise(rung.rings)]
    figure = _cadence(fmean(apart), period, is_answered=is_known(rung))
    first = rung.rings[0] - rung.dialled_at
    times = tuple(round(at - rung.rings[0], 3) for at in rung.rings)
    return found(
        "ring",
        way,
        limits.FIRST_RING.figure("first ring after dialling", first, "s"),
        figure,
        remark=OTHER_BELL if figure.needs_attention else TWICE if fmean(apart) < 1.0 else NOTHING,
        series=(Series("rings", "timing", times, tuple(1.0 for _ in times), "s", "ring"),),
    )


def _cadence(apart_s: float, period_s: float, *, is_answered: bool) -> Figure:
    """Judge the time from ring to ring; another country's deserves attention where all came."""
    name, own = "from ring to ring", _around(period_s, CADENCE_TOLERANCE)
    others = [_around(other, OTHER_TOLERANCE) for other in OTHER_PERIODS_S]
    other = next((each for each in others if each.holds(apart_s)), None)
    if own.holds(apart_s) or other is None or not is_answered:
        return Figure(name, apart_s, "s", own)
    return Figure(name, apart_s, "s", other, wanted=own)


def _around(seconds: float, tolerance: float) -> Limit:
    return Limit(seconds * (1 - tolerance), seconds * (1 + tolerance))


def is_known(rung: Rung) -> bool:
    """Tell whether a call has brought anything of who calls, be it that this is withheld."""
    return rung.identified is not None and tells(rung.identified[1])


def no_identity(field: Field, name: str) -> Words:
    """Say why no number came: a modem that refuses to tell it is no fault of the line."""
    told_of = dict(field.units[name].capabilities) if name in field.units else {}
    return REFUSED if told_of.get(CALLER_ID) is False else NO_IDENTITY


@dataclass(frozen=True, slots=True)
class Expected:
    """The number that a caller is reached by, "" if nobody gave it, and the country's plan."""

    number: str
    country: str

    def is_sent_as(self, number: str) -> bool:
        """Tell whether a network or PBX may send it so: whole, in a form of the country's plan."""
        plan = numbering.PLANS[self.country]
        forms = [self.number]
        if self.number.startswith(LINE_PREFIXES):
            forms.append(self.number[1:])
        if any(numbering.are_same_number(number, form, plan) for form in forms):
            return True
        kind = plan.classify(numbering.canonical_number(number, plan))
        is_whole = kind is not numbering.NumberClass.NONE
        is_extension = len(self.number) <= EXTENSION_DIGITS
        return is_extension and is_whole and number.endswith(self.number)

    def said(self, number: str) -> Words:
        """Say what is wrong with a number that is another one: a piece of it, or a foreign one."""
        said = CUT_OFF if number and number in self.number else FOREIGN
        return said.filled(number=number, expected=self.number)


def _identity(way: str, rung: Rung, at: float | None, expected: Expected, lacks: Words) -> Finding:
    known = rung.identified[1].caller if rung.identified else None
    if known is None or known.presentation is Presentation.UNKNOWN or at is None:
        return told("caller_id", way, Verdict.FAILED, lacks)
    after = at - rung.rings[0]
    figures = [Figure("after the first ring", after, "s", LATE_IDENTITY, wanted=IDENTITY)]
    remark = _came(known.number or known.presentation.value, after)
    if expected.number:
        is_shown = known.presentation is Presentation.SHOWN
        right = is_shown and expected.is_sent_as(known.number)
        figures.append(Figure("number as expected", float(right), "", Limit(1.0, 1.0)))
        if not right:
            remark = expected.said(known.number) if is_shown else WITHHELD
    return found("caller_id", way, *figures, remark=remark)


def _came(said: str, after_s: float) -> Words:
    """Say when it was told who calls; what comes late needs a setting of the box."""
    if after_s > (IDENTITY.high or 0.0):
        return LATE.filled(number=said, seconds=f"{math.ceil(2 * after_s + 1) / 2:g}")
    when = _("before the ring") if after_s < 0 else _("after the first ring")
    return _("Came {when}: {number}.", when=when, number=said)


def _answer(way: str, rung: Rung) -> Finding:
    took = rung.off_hook_at - rung.answered_at
    return found("answer", way, limits.ANSWER.figure("order to off hook", took, "s"))
