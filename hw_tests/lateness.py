"""How late the media gateway's tick comes on this very machine: `python -m hw_tests.lateness
SECONDS`.

The media gateway's own clock and its real time, in a process of its own; the figures as JSON.
"""

from __future__ import annotations

import json
import select
import sys
import time

from appliance.media.clock import Ticker, go_realtime


def measure(seconds: float) -> dict[str, float | str]:
    """Tick for so long; returns percentiles of the lateness in ms, and what was refused."""
    refused = go_realtime()
    ticker = Ticker()
    now = time.monotonic()
    end = now + seconds
    ticker.run(now, wanted=True)
    while now < end:
        due = ticker.deadline or now
        select.select([], [], [], max(0.0, due - now))
        now = time.monotonic()
        if now >= due:
            ticker.woken(due, now)
            ticker.due(now)
    late = ticker.lateness
    return {
        "p50": late.percentile(0.5),
        "p99": late.percentile(0.99),
        "max": late.percentile(1.0),
        "ticks": float(len(late.samples)),
        "refused": refused,
    }


def main() -> None:
    """Measure and print."""
    sys.stdout.write(json.dumps(measure(float(sys.argv[1]))) + "\n")


if __name__ == "__main__":
    main()
