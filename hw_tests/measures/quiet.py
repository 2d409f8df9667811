"""What should never happen: a ring that nobody makes, a command refused that was taken before."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from appliance.modem.events import RingReceived
from appliance.modem.scripts import CONNECT
from appliance.modem.v253 import OK
from appliance.policy.hours import moment_words
from appliance.text import NOTHING, Words, _, by_language, joined, unchanged
from hw_tests import limits
from hw_tests.field import Field, found
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.side import STOPPED

if TYPE_CHECKING:
    from collections.abc import Mapping

TAKEN, REFUSED = frozenset({OK, CONNECT}), frozenset({"ERROR"})
WAKING = frozenset({"ATE0V1Q0", "AT"})
"""What a modem is woken by, again and again until it answers: no answer is none of its faults."""
HAUNTED = _(
    "The line rings though nobody calls ({times}): another telephone or an alarm on the same pair, "
    "crossed wires, or a modem that takes a noise for a ring."
)
DROPS = _(
    "The modem drops off USB though nobody unplugs it ({times}): try another USB cable, socket and "
    "hub, or one with a power supply of its own; if it happens again, replace the modem."
)
STOPS = _(
    "The modem stops in the middle of its work, as one that starts anew by itself ({times}): try "
    "another USB socket, or a hub with a power supply of its own; if it happens again, replace the "
    "modem."
)
TIMES_TOLD, APART_S = 5, 15.0
"""So many times are told; rings that follow each other sooner than that are one call."""
MORE = _("{times} and {number} more")


def idle(field: Field) -> list[Finding]:
    """Leave every line on hook and alone for a while: nothing may ring."""
    bench = field.ready
    bench.rest()
    marks = {name: bench[name].mark() for name in field.names}
    bench.run(field.idle_s)
    watched = Figure("watched for", field.idle_s, "s")
    rings = {
        name: tuple(at for at, _ring in bench[name].told(RingReceived, mark))
        for name, mark in marks.items()
    }
    return [_haunted(field, "idle", name, rings[name], watched) for name in field.names]


def ghosts(field: Field) -> list[Finding]:
    """Look at every ring of the whole run that no call of ours made."""
    bench = field.ready
    return [_haunted(field, "ghosts", name, bench.stray_rings(name)) for name in field.names]


def _haunted(field: Field, key: str, name: str, rings: tuple[float, ...], *more: Figure) -> Finding:
    """Judge rings that nobody makes, by when they came."""
    figure = limits.GHOSTS.figure("rings that nobody makes", float(len(rings)))
    remark = HAUNTED.filled(times=_times(field, rings)) if rings else NOTHING
    return found(key, name, figure, *more, remark=remark)


def _times(field: Field, rings: tuple[float, ...]) -> Words:
    """Write when a line rang, by the clock on the wall."""
    firsts = [at for n, at in enumerate(rings) if not n or at - rings[n - 1] > APART_S]
    told = joined(", ", [_moment(field, at) for at in firsts[:TIMES_TOLD]])
    left = len(firsts) - TIMES_TOLD
    return MORE.filled(times=told, number=left) if left > 0 else told


def _moment(field: Field, at: float) -> Words:
    """Write a moment: its time, and its day where that is another one than today."""
    now = datetime.now().astimezone()
    then = now - timedelta(seconds=field.world.now() - at)
    if then.date() == now.date():
        return unchanged(f"{then:%H:%M:%S}")
    return by_language(lambda language: moment_words(then, language))


def drops(field: Field) -> list[Finding]:
    """Look at every moment of the whole run in which a modem was lost from USB."""
    bench = field.ready
    return [_dropped(field, name, tuple(bench[name].dropped)) for name in field.names]


def _dropped(field: Field, name: str, times: tuple[float, ...]) -> Finding:
    figure = limits.DROPPED.figure("lost from USB", float(len(times)))
    remark = DROPS.filled(times=_times(field, times)) if times else NOTHING
    return found("drops", name, figure, remark=remark)


def commands(field: Field) -> list[Finding]:
    """Look at what came of every command of the whole run."""
    bench = field.ready
    return [
        _stopped(field, name, judge(name, bench[name].replies + field.replies.get(name, Counter())))
        for name in field.names
    ]


def _stopped(field: Field, name: str, judged: Finding) -> Finding:
    """Add to what is said of a modem's answers how often it has stopped, if that is all."""
    times = tuple(field.ready[name].stopped)
    figure = Figure(STOPPED, float(len(times)), "", Limit(None, 0.0))
    is_first = times and judged.verdict is Verdict.PASSED
    remark = STOPS.filled(times=_times(field, times)) if is_first else judged.remark
    return found("commands", name, *judged.figures, figure, remark=remark)


def judge(name: str, replies: Mapping[tuple[str, str], int]) -> Finding:
    """Count what was refused that was also taken, and what was not answered."""
    taken = {text for text, result in replies if result in TAKEN}
    refused = {
        text: count
        for (text, result), count in replies.items()
        if result in REFUSED and text in taken
    }
    silent = {
        text: count
        for (text, result), count in replies.items()
        if not result and text not in WAKING
    }
    return found(
        "commands",
        name,
        limits.REFUSED.figure("refused, and taken at other times", float(sum(refused.values()))),
        limits.REPEATED.figure("not answered, and said again", float(sum(silent.values()))),
        Figure("commands in all", float(sum(replies.values()))),
        remark=_said(refused, silent),
    )


def _said(refused: Mapping[str, int], silent: Mapping[str, int]) -> Words:
    if refused:
        return _(
            "The modem refuses commands now and then that it takes else ({commands}): replace it, "
            "or look at cable and hub.",
            commands=_most(refused),
        )
    if silent:
        return _(
            "The modem leaves commands without an answer now and then ({commands}): replace it, "
            "or look at cable and hub.",
            commands=_most(silent),
        )
    return NOTHING


def _most(counts: Mapping[str, int]) -> str:
    """Name the most frequent ones."""
    return ", ".join(text for text, _count in Counter(counts).most_common(3))
