"""The machine itself: how punctual it is, while its lines carry sound."""

from __future__ import annotations

import json
import subprocess
import sys

from appliance.text import NOTHING, _
from hw_tests.field import Field, found, told
from hw_tests.findings import Figure, Finding, Limit, Verdict

SECONDS = 3.0
P99 = Limit(None, 5.0)
WORST = Limit(None, 40.0)
"""Less than what lies ahead inside the modem: nobody hears a gap."""
PATIENCE_S = 30.0


def lateness(_field: Field) -> list[Finding]:
    """Let the media gateway's clock tick in a process of its own."""
    command = [sys.executable, "-m", "hw_tests.lateness", str(SECONDS)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
        told_of = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        return [
            told(
                "lateness",
                "",
                Verdict.INCOMPLETE,
                _("Not measured: {error}", error=error),
            )
        ]
    return [judge(told_of)]


def judge(figures: dict[str, float | str]) -> Finding:
    """Hold the gateway to its limits where it has real time; without it nothing is promised."""
    refused = str(figures["refused"])
    promised = "SCHED_FIFO" not in refused
    late = [float(figures[name]) for name in ("p50", "p99", "max")]
    said = _("Without real time ({refused}).", refused=refused)
    return found(
        "lateness",
        "",
        Figure("half of the ticks", late[0], "ms"),
        Figure("99 of 100 ticks", late[1], "ms", P99 if promised else None),
        Figure("worst tick", late[2], "ms", WORST if promised else None),
        remark=NOTHING if promised else said,
    )
