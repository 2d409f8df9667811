"""What should never happen: a ring that nobody makes, a command refused that was taken before."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from appliance.modem.events import RingReceived
from appliance.modem.scripts import CONNECT
from appliance.modem.v253 import OK
from appliance.text import NOTHING, Words, _
from hw_tests import limits
from hw_tests.field import Field, found
from hw_tests.findings import Figure, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

TAKEN, REFUSED = frozenset({OK, CONNECT}), frozenset({"ERROR"})
WAKING = frozenset({"ATE0V1Q0", "AT"})
"""What a modem is woken by, again and again until it answers: no answer is none of its faults."""
HAUNTED = _(
    "The line rings though nobody calls: another telephone or an alarm on the same pair, crossed "
    "wires, or a modem that takes a noise for a ring."
)


def idle(field: Field) -> list[Finding]:
    """Leave every line on hook and alone for a while: nothing may ring."""
    bench = field.ready
    bench.rest()
    marks = {name: bench[name].mark() for name in field.names}
    bench.run(field.idle_s)
    findings = []
    for name, mark in marks.items():
        rings = len(bench[name].told(RingReceived, mark))
        figure = limits.GHOSTS.figure("rings that nobody makes", float(rings))
        watched = Figure("watched for", field.idle_s, "s")
        remark = NOTHING if figure.good else HAUNTED
        findings.append(found("idle", name, figure, watched, remark=remark))
    return findings


def commands(field: Field) -> list[Finding]:
    """Look at what came of every command of the whole run."""
    bench = field.ready
    return [
        judge(name, bench[name].replies + field.replies.get(name, Counter()))
        for name in field.names
    ]


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
