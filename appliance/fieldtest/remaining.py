"""How long a run still takes, from how long its tests took before."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.files import READABLE, atomic_write

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "centralino/field-test-{}.json"


@dataclass(slots=True)
class Clock:
    """The tests to come with what is known of their length (s); `took` of those that have ended.

    `known` are times of earlier runs. A test that was told to take another time than then, a soak
    of an hour after one of a minute, is another one: `told` is what this run's suite says.
    """

    known: dict[str, float]
    waiting: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)

    def expect(self, tests: Sequence[str], seconds: Sequence[float]) -> None:
        """Note what comes; the suite's own word of its length counts where it never ran here."""
        self.waiting = list(tests)
        self.told = {test: s for test, s in zip(tests, seconds, strict=False) if s > 0}

    def ended(self, test: str, seconds: float) -> None:
        """Note how long a test took."""
        self.took[test] = seconds
        if test in self.waiting:
            self.waiting.remove(test)

    @property
    def times(self) -> dict[str, float]:
        """What the next run should know."""
        return {**self.known, **{self._key(test): s for test, s in self.took.items()}}

    def left_s(self, running_s: float) -> float | None:
        """Say how long it still takes, `running_s` into a test; None when nothing is known.

        A test of which nothing is known takes as long as those that ended, on the average.
        """
        expected = {test: s for test in self.waiting if (s := self._length(test)) is not None}
        times = [*self.took.values()] or list(expected.values())
        if not times:
            return None
        average = sum(times) / len(times)
        each = [expected.get(test, average) for test in self.waiting]
        return max(0.0, each[0] - running_s) + sum(each[1:]) if each else 0.0

    def _length(self, test: str) -> float | None:
        return self.known.get(self._key(test), self.told.get(test))

    def _key(self, test: str) -> str:
        told = self.told.get(test)
        return test if told is None else f"{test} ({told:g} s)"


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
        atomic_write(path, json.dumps(known, indent=1), mode=READABLE)
    except OSError:
        return
