"""How soon, and by what, it is noticed that the far end has gone (v253.md 2.4, 5, 10)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.carrier.release import CHIP, TONES
from appliance.lines.facts import Signal
from hw_tests.bench import UnmeasuredError
from hw_tests.field import Field, found, not_here, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Series
from hw_tests.listening import Listener, wait_for

NOTICED = Limit(None, 8.0)
LIMIT_S = 12.0
PLANTED = ("busy", "congestion", "dial", "loop")
"""What the software exchange can be told to give; a real line gives what it gives."""
TALK_S = 0.4


@dataclass(frozen=True, slots=True)
class Sign:
    """What told of a release, and when."""

    at: float
    by: str


def releases_planted(field: Field) -> list[Finding]:
    """Have the exchange release in each of its ways."""
    return [_planted(field, kind) for kind in PLANTED]


def _planted(field: Field, kind: str) -> Finding:
    stays, leaves = ("A", "B") if kind in {"busy", "congestion", "loop"} else ("B", "A")
    field.world.turn(stays, release=kind)
    try:
        return _released(field, f"release.{kind}", stays, leaves)
    finally:
        field.world.turn(stays, release="busy")


def releases(field: Field) -> list[Finding]:
    """Have either side hang up and see what the other is told."""
    return [
        _released(field, "release.called", "A", "B"),
        _released(field, "release.caller", "B", "A"),
    ]


def _released(field: Field, key: str, stays: str, leaves: str) -> Finding:
    """Let A call B and one of them leave; what the other is told by counts."""
    bench = field.ready
    try:
        bench.call("A", "B")
        bench.direct(leaves, stays)
        bench.run(TALK_S)
        mark, listener = bench[stays].mark(), Listener(bench[stays], field.world.country)
        left_at = bench.hang_up(leaves)
        sign = wait_for(bench, lambda: sign_of(field, stays, mark, listener), LIMIT_S)
    except UnmeasuredError as error:
        return unmeasured(key, stays, error)
    finally:
        bench.rest()
    if sign is None and key == "release.loop":
        return not_here(
            key,
            stays,
            "Il modem non dice che il loop si è interrotto.",
            "The modem does not tell that the loop broke.",
        )
    return judge(field, key, stays, left_at, sign, mark)


def sign_of(field: Field, stays: str, mark: int, listener: Listener) -> Sign | None:
    """Give the first of what the chip and the house's ears tell of a release."""
    signs = [
        Sign(at, f"chip {told.signal}")
        for at, told in field.ready[stays].signals(mark)
        if told.signal in CHIP
    ]
    heard = listener.first(TONES)
    if heard:
        signs.append(Sign(heard[0], f"{heard[1].kind} {heard[1].cadence_ms}"))
    return min(signs, key=lambda sign: sign.at, default=None)


def judge(
    field: Field, key: str, stays: str, left_at: float, sign: Sign | None, mark: int
) -> Finding:
    """Judge how soon a release was noticed; `mark` is where the side's events of it begin."""
    breaks = field.ready[stays].count(Signal.LOOP, mark)
    after = sign.at - left_at if sign else None
    drawn = (Series(key, "timing", (after,), (1.0,), "s", "release"),) if after else ()
    return found(
        key,
        stays,
        Figure("noticed after", after, "s", NOTICED),
        Figure("loop breaks", float(breaks)),
        remark=(
            f"Da: {sign.by}." if sign else "Nulla dice che l'altro ha riagganciato.",
            f"By: {sign.by}." if sign else "Nothing tells that the other side has hung up.",
        ),
        series=drawn,
    )
