"""`python -m tests.soak`: thousands of calls on a virtual clock; status 1 when something was wrong.

A failing seed says how to replay it, and its trace is kept in build/soak.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from tests.soak.soak import Outcome, soak

KEPT = Path("build/soak")


def main() -> int:
    """Soak, and print what came of it."""
    asked = _arguments()
    logging.disable(logging.CRITICAL)  # what the box writes in its journal is not asked for here
    failed = False
    for seed in range(asked.seed, asked.seed + asked.seeds):
        outcome = soak(asked.calls, asked.faults / 100, seed)
        sys.stdout.write(words(outcome, asked.faults))
        sys.stdout.flush()
        if outcome.failure or asked.keep:
            sys.stdout.write(f"  the trace: {keep(outcome)}\n")
        failed = failed or bool(outcome.failure)
    return int(failed)


def words(outcome: Outcome, faults: float) -> str:
    """Describe an outcome."""
    faulty = sum(outcome.faults.values())
    ran = f"{outcome.virtual_s:.0f} virtual s in {outcome.cpu_s:.1f} s of CPU"
    lines = [
        f"seed {outcome.seed}: {outcome.calls} calls, {faulty} faults, {ran}",
        f"  results: {_counts(outcome.results)}",
        f"  faults: {_counts(outcome.faults)}",
        f"  longest silence of an undisturbed caller: {outcome.longest_silence_s:.2f} s",
        f"  trace: {outcome.digest}",
    ]
    if outcome.failure:
        lines.append(f"  FAILED {outcome.failure}")
        lines.append(
            f"  replay: python -m tests.soak --calls {outcome.calls} --faults {faults:g} "
            f"--seed {outcome.seed}"
        )
    return "\n".join(lines) + "\n"


def keep(outcome: Outcome) -> Path:
    """Write the trace of a soak; returns where."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"seed-{outcome.seed}.trace"
    path.write_text("\n".join(outcome.trace) + "\n", encoding="utf-8")
    return path


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counted.items())) or "none"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--faults", type=float, default=5.0, help="percent of the calls")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds, one after the other")
    parser.add_argument("--keep", action="store_true", help="keep the trace in any case")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
