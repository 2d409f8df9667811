"""How long a run still takes, from how long its tests took before."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "centralino/field-test-{}.json"


@dataclass(slots=True)
class Clock:
    """The tests to come with what is known of their length (s); `took` of those that have ended."""

    known: dict[str, float]
    waiting: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)

    def expect(self, tests: Sequence[str], seconds: Sequence[float]) -> None:
        """Note what comes; the suite's own word of its length counts where it never ran here."""
        self.waiting = list(tests)
        told = {test: s for test, s in zip(tests, seconds, strict=False) if s > 0}
        self.known = {**told, **self.known}

    def ended(self, test: str, seconds: float) -> None:
        """Note how long a test took."""
        self.took[test] = seconds
        if test in self.waiting:
            self.waiting.remove(test)

    def left_s(self, running_s: float) -> float | None:
        """Say how long it still takes, `running_s` into a test; None when nothing is known.

        A test that never ran takes as long as those that did, on the average.
        """
        times = [*self.took.values()] or list(self.known.values())
        if not times:
            return None
        average = sum(times) / len(times)
        each = [self.known.get(test, average) for test in self.waiting]
        return max(0.0, each[0] - running_s) + sum(each[1:]) if each else 0.0


def place(set_up: str) -> Path:
    """Say where the times of earlier runs in such a set-up are kept (XDG base directories)."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / FILE.format(set_up)


def read(path: Path) -> dict[str, float]:
    """Read known times; none where there is no file, or none that can be read."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {str(k): float(v) for k, v in told.items() if math.isfinite(float(v))}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def write(path: Path, known: dict[str, float]) -> None:
    """Keep times for the next run; a place that cannot be written costs an estimate, no more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(known, indent=1), encoding="utf-8")
        draft.replace(path)
    except OSError:
        return
