"""How a call arrives: rings, their cadence, who calls, and how soon it is answered."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean

from appliance.calls.events import Presentation
from appliance.dsp.dtmf import PLANS
from appliance.text import Words, _
from hw_tests import limits
from hw_tests.asking import CALLER_ID
from hw_tests.bench import UnmeasuredError
from hw_tests.called import Rung
from hw_tests.field import Field, found, told, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Series, Verdict

CADENCE_TOLERANCE = 0.15
IDENTITY = Limit(-5.0, 4.0)
"""Seconds from the first ring: sent before it, or within its long pause (EN 300 659-1)."""
KEYS = ("ring", "caller_id", "answer")
NO_IDENTITY = _("No number arrived: the line has no such service, or caller_id is to be changed.")
REFUSED = _("The modem refuses +VCID: it tells no caller's number. Use another modem.")
WITHHELD = _(
    "The caller's number is withheld, though it was called from a line with a known one: have the "
    "withholding taken off that line (CLIR), or give another number."
)


def calls(field: Field) -> list[Finding]:
    """Have each line call the other; the exchange tells who calls after the ring, then before."""
    findings = _call(field, "A", "B", "after") + _call(field, "B", "A", "before")
    field.ready.rest()
    return findings


def _call(field: Field, caller: str, called: str, order: str) -> list[Finding]:
    bench, way = field.ready, f"{caller}>{called}"
    number = field.world.numbers.get(caller, "")
    field.world.turn(caller, caller=[number, order])
    begin = bench.now
    try:
        rung = bench.call(caller, called, rings=2)
    except UnmeasuredError as error:
        bench.rest()
        return [unmeasured("ring", way, error), *(_not_measured(key, way) for key in KEYS[1:])]
    finally:
        field.world.turn(caller, caller=[number, "after"])
    identity_at = bench[called].read_at(rb"NMBR\s*=", begin)
    identity = _identity(way, rung, identity_at, number, no_identity(field, called))
    field.identified[called] = bool(identity.figures)
    return [ring(field, way, rung), identity, _answer(way, rung)]


def _not_measured(key: str, way: str) -> Finding:
    return told(key, way, Verdict.INCOMPLETE, _("The line did not ring."))


def ring(field: Field, way: str, rung: Rung) -> Finding:
    """Judge when and how regularly the line rang."""
    bursts = PLANS[field.world.country].ringback[0].bursts
    period = sum(burst.on_ms + burst.off_ms for burst in bursts) / 1000
    apart = [after - before for before, after in pairwise(rung.rings)]
    limit = Limit(period * (1 - CADENCE_TOLERANCE), period * (1 + CADENCE_TOLERANCE))
    first = rung.rings[0] - rung.dialled_at
    times = tuple(round(at - rung.rings[0], 3) for at in rung.rings)
    return found(
        "ring",
        way,
        limits.FIRST_RING.figure("first ring after dialling", first, "s"),
        Figure("from ring to ring", fmean(apart), "s", limit),
        series=(Series("rings", "timing", times, tuple(1.0 for _ in times), "s", "ring"),),
    )


def is_known(rung: Rung) -> bool:
    """Tell whether a call has brought anything of who calls, be it that this is withheld."""
    if rung.identified is None:
        return False
    return rung.identified[1].caller.presentation is not Presentation.UNKNOWN


def no_identity(field: Field, name: str) -> Words:
    """Say why no number came: a modem that refuses to tell it is no fault of the line."""
    told_of = dict(field.units[name].capabilities) if name in field.units else {}
    return REFUSED if told_of.get(CALLER_ID) is False else NO_IDENTITY


def _identity(way: str, rung: Rung, at: float | None, expected: str, lacks: Words) -> Finding:
    known = rung.identified[1].caller if rung.identified else None
    if known is None or known.presentation is Presentation.UNKNOWN or at is None:
        return told("caller_id", way, Verdict.FAILED, lacks)
    after = at - rung.rings[0]
    when = _("before the ring") if after < 0 else _("after the first ring")
    figures = [Figure("after the first ring", after, "s", IDENTITY)]
    if expected and known.presentation is not Presentation.SHOWN:
        wrong = Figure("number as expected", 0.0, "", Limit(1.0, 1.0))
        return found("caller_id", way, *figures, wrong, remark=WITHHELD)
    if expected and known.presentation is Presentation.SHOWN:
        right = float(known.number.endswith(expected[-6:]))
        figures.append(Figure("number as expected", right, "", Limit(1.0, 1.0)))
    said = known.number or known.presentation.value
    return found(
        "caller_id",
        way,
        *figures,
        remark=_("Came {when}: {number}.", when=when, number=said),
    )


def _answer(way: str, rung: Rung) -> Finding:
    took = rung.off_hook_at - rung.answered_at
    return found("answer", way, limits.ANSWER.figure("order to off hook", took, "s"))
