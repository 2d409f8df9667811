"""How soon, and by what, it is noticed that the far end has gone (v253.md 2.4, 5, 10)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.media.detectors import CHIP, SILENCE_LIMIT_MS, TONES
from appliance.modem.events import Signal
from appliance.text import Words, _
from hw_tests import limits
from hw_tests.bench import UnmeasuredError
from hw_tests.field import Field, found, not_here, told, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Series, Verdict
from hw_tests.listening import BREAK, Listener, tone_words, wait_for
from hw_tests.listening import TONES as TONES_HEARD

NOTICED = "noticed after"
LIMIT_S = 12.0
PLANTED = ("busy", "congestion", "dial", "loop")
"""What the software exchange can be told to give; a real line gives what it gives."""
WAYS = (("release.called", "A", "B"), ("release.caller", "B", "A"))
"""What a real line is asked: who stays and who leaves a call that A has made."""
SILENCE = "release.silence"
TALK_S = 0.4


@dataclass(frozen=True, slots=True)
class Sign:
    """What told of a release, and when."""

    at: float
    by: Words


def releases_planted(field: Field) -> list[Finding]:
    """Have the exchange release in each of its ways, at last in none."""
    findings = [_planted(field, kind) for kind in PLANTED]
    field.world.turn("A", release="silence")
    try:
        return [*findings, _silent(field, "A", "B")]
    finally:
        field.world.turn("A", release="busy")


def _planted(field: Field, kind: str) -> Finding:
    stays, leaves = ("A", "B") if kind in {"busy", "congestion", "loop"} else ("B", "A")
    field.world.turn(stays, release=kind)
    try:
        return _released(field, f"release.{kind}", stays, leaves)
    finally:
        field.world.turn(stays, release="busy")


def releases(field: Field) -> list[Finding]:
    """Have either side hang up and see what the other is told; by silence, where by nothing."""
    findings = [_released(field, *way) for way in WAYS]
    mute = [way[1:] for way, each in zip(WAYS, findings, strict=True) if _is_mute(each)]
    return findings + ([_silent(field, *mute[0])] if mute else [_spoken()])


def _is_mute(finding: Finding) -> bool:
    return any(each.name == NOTICED and each.value is None for each in finding.figures)


def _spoken() -> Finding:
    return told(
        SILENCE,
        "",
        Verdict.SKIPPED,
        _("Not needed: the line tells otherwise that the other side has hung up."),
    )


def _silent(field: Field, stays: str, leaves: str) -> Finding:
    """Have a side leave without a sign; the silence behind it must be noticed, and nothing else."""
    bench = field.ready
    try:
        bench.call("A", "B")
        bench.direct(leaves, stays)
        bench.run(TALK_S)
        mark, listener = bench[stays].mark(), Listener(bench[stays], field.world.country)
        left_at = bench.hang_up(leaves)

        def over() -> float | None:
            sign = sign_of(field, stays, mark, listener)
            is_silent = listener.silent_s >= field.silence_s
            return sign.at if sign else bench.now if is_silent else None

        at = wait_for(bench, over, field.silence_s + LIMIT_S)
        sign = sign_of(field, stays, mark, listener)
    except UnmeasuredError as error:
        return unmeasured(SILENCE, stays, error)
    finally:
        bench.rest()
    after = at - left_at if at else None
    return found(
        SILENCE,
        stays,
        limits.SILENCE.later("silence noticed after", after, field.silence_s, "s"),
        Figure("other signs", float(sign is not None), "", Limit(None, 0.0)),
        remark=_said(sign, at),
    )


def _said(sign: Sign | None, at: float | None) -> Words:
    if sign:
        return _("Taken for a release: {by}.", by=sign.by)
    if at is None:
        return _(
            "The line does not fall silent: who hangs up without a sign would leave it seized."
        )
    limit_s = SILENCE_LIMIT_MS // 1000
    return _("In service the line is freed after {limit_s} s of silence.", limit_s=limit_s)


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
            _("The modem does not tell that the loop broke."),
        )
    return judge(field, key, stays, left_at, sign, mark)


def sign_of(field: Field, stays: str, mark: int, listener: Listener) -> Sign | None:
    """Give the first of what the chip and the product's detectors tell of a release."""
    signs = [
        Sign(at, _("the chip ({signal})", signal=TONES_HEARD.get(told.signal.value, BREAK)))
        for at, told in field.ready[stays].signals(mark)
        if told.signal in CHIP
    ]
    heard = listener.first(TONES)
    if heard:
        signs.append(Sign(heard[0], tone_words(heard[1])))
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
        limits.RELEASED.figure(NOTICED, after, "s"),
        Figure("loop breaks", float(breaks)),
        remark=_("By: {sign}.", sign=sign.by)
        if sign
        else _("Nothing tells that the other side has hung up."),
        series=drawn,
    )
