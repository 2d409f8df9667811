"""Whether a fax machine that calls is recognised by its calling tone (T.30)."""

from __future__ import annotations

import numpy as np

from appliance.text import _
from hw_tests import limits, signals
from hw_tests.bench import TAIL_S
from hw_tests.field import PAIRS, Field, found
from hw_tests.findings import Finding
from hw_tests.listening import Listener, wait_for

CALLING_HZ, CALLING_DBM0 = 1100.0, -13.0
BURST_S, PAUSE_S = 0.5, 3.0
BURSTS = 3
LIMIT_S = 12.0
UNHEARD = _("A fax machine that calls is taken for a person: it hears the greeting and hangs up.")
HEARD = _("By its calling tone.")


def fax(field: Field) -> list[Finding]:
    """Have each line hear the calling tone of a fax machine, sent by the other."""
    field.ready.ensure_call()
    return [_recognised(field, *pair) for pair in PAIRS]


def _recognised(field: Field, source: str, target: str) -> Finding:
    bench = field.ready
    burst = (signals.tone(CALLING_HZ, CALLING_DBM0, BURST_S), signals.rest(PAUSE_S))
    sent = signals.pcm(np.concatenate(burst * BURSTS))
    bench.direct(source, target)
    bench.run(BURST_S)
    listener = Listener(bench[target], field.world.country)
    _, ends_at = bench[source].play(sent, bench.now)

    def recognised() -> float | None:
        listener.poll()
        return listener.fax_s

    after = wait_for(bench, recognised, LIMIT_S)
    bench.run(max(0.0, ends_at - bench.now) + TAIL_S)
    return found(
        "fax",
        f"{source}>{target}",
        limits.FAX_KNOWN.figure("recognised after", after, "s"),
        remark=UNHEARD if after is None else HEARD,
    )
