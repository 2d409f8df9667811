"""The steps of a journey: numbered sentences of its file's docstring, walked in their order.

A test says `with journey.step(3):` around the code of the third sentence. A step that fails says
its sentence, and what the person saw then (page, terminal) is kept in the journey's folder. A test
that passes without having walked every sentence fails too: docstring and code stay the same.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import pytest

from tests.docs.pages import ROOT

KEPT: Final = ROOT / "build" / "journeys"
LOOK_AGAIN_S: Final = 0.1
ALL_PICTURES: Final = "CENTRALINO_JOURNEY_PICTURES"
"""Where this stands in the environment, every step leaves its pictures, not only a failed one."""
_ITEM: Final = re.compile(r"^(\d+)\. +(.*)$")


class Witness(Protocol):
    """What a person looks at: a browser's window, a terminal."""

    def keep(self, stem: Path) -> list[Path]:
        """Write what is seen now into files whose names begin with `stem`; returns them."""

    def complaints(self) -> list[str]:
        """Return what went wrong behind the person's back since the last time."""


class StepError(AssertionError):
    """A step did not go as its sentence says."""


@dataclass
class Journey:
    """`folder` is where a failed step leaves its pictures; it is made by the first of them."""

    name: str
    sentences: tuple[str, ...]
    folder: Path
    witnesses: list[Witness] = field(default_factory=list)
    walked: int = 0

    @contextlib.contextmanager
    def step(self, number: int) -> Iterator[None]:
        """Walk the sentence of this number, which must be the next one."""
        assert number == self.walked + 1, f"step {number} comes after step {self.walked}"
        assert number <= len(self.sentences), f"the docstring has no sentence {number}"
        began = time.monotonic()
        try:
            yield
            self._no_complaints()
        except (Exception, pytest.fail.Exception) as error:
            raise StepError(self._told(number, error)) from error
        if os.environ.get(ALL_PICTURES):
            self._pictures(number)
        self.walked = number
        print(f"step {number}: {time.monotonic() - began:.1f} s")  # noqa: T201 - shown by pytest -s

    def _no_complaints(self) -> None:
        found = [one for witness in self.witnesses for one in witness.complaints()]
        assert not found, "behind the person's back: " + "; ".join(found)

    def _told(self, number: int, error: BaseException) -> str:
        """Word a failure, and keep what is seen."""
        kept = self._pictures(number)
        words = f'{self.name}, step {number}, "{self.sentences[number - 1]}":\n{error}'
        return f"{words}\nwhat was seen then:\n" + "\n".join(f"  {path}" for path in kept)

    def _pictures(self, number: int) -> list[Path]:
        """Keep what every witness sees."""
        return [path for witness in self.witnesses for path in self._kept(number, witness)]

    def _kept(self, number: int, witness: Witness) -> list[Path]:
        """Have a witness keep what it sees; one that cannot any more hides no failure."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            return witness.keep(self.folder / f"step-{number:02}")
        except Exception as error:  # noqa: BLE001 - the step's own failure is what counts
            words = self.folder / f"step-{number:02}-not-kept.txt"
            words.write_text(f"{witness}: {error}\n", encoding="utf-8")
            return [words]

    def end(self) -> None:
        """Fail where sentences are left that nobody has walked."""
        left = self.sentences[self.walked :]
        assert not left, f"{self.name} ended before step {self.walked + 1}: {left[0]}"


def sentences(docstring: str | None) -> tuple[str, ...]:
    """Return the numbered sentences of a docstring, each in one line, in their order."""
    found: list[str] = []
    is_in = False
    for line in (docstring or "").splitlines():
        item = _ITEM.match(line)
        if item:
            assert int(item[1]) == len(found) + 1, f"{line}: the number is not the next one"
            found.append(item[2])
        elif is_in and line.startswith("   "):
            found[-1] += f" {line.strip()}"
        is_in = bool(item) or (is_in and line.startswith("   "))
    assert found, "the docstring has no numbered sentences"
    return tuple(found)


def wait_until(
    is_so: Callable[[], bool], limit_s: float, why: str, every_s: float = LOOK_AGAIN_S
) -> None:
    """Wait for something that no event tells of; fails with `why`."""
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline, f"{why} within {limit_s:.0f} s"
        time.sleep(every_s)
