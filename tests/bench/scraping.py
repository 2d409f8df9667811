"""Prometheus asks ten times a second: how long an answer takes, and what sound notices of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.workers import Worker
from tests.bench import wire
from tests.bench.office import BenchBox
from tests.bench.sounding import bridge, even_row, window
from tests.bench.table import Row, row
from tests.helpers.prometheus import WatchedBox

EVERY_S = 0.1
CALLS = 4
ANSWER = ("p95", 20.0)


@dataclass
class Scraped(WatchedBox, BenchBox):
    """A box that is measured and watched."""


class Scraper:
    """Asks every EVERY_S; keeps how long each answer took (ms) and how large it was (bytes)."""

    def __init__(self, box: Scraped) -> None:
        self.took: list[float] = []
        self.sizes: list[float] = []
        self._box = box
        self._worker = Worker("scraper", self._turn)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Ask as long as the block runs."""
        self._worker.start()
        try:
            yield
        finally:
            self._worker.stop()

    def _turn(self) -> None:
        if self._worker.stopping.wait(EVERY_S):
            return
        began = time.perf_counter()
        page = self._box.scrape()
        self.took.append((time.perf_counter() - began) * 1000)
        self.sizes.append(float(len(page)))


def rows(folder: Path, seconds: float) -> list[Row]:
    """Four calls, for a while unwatched, then watched; then an idle box."""
    box = Scraped(folder / "scraping", lines=CALLS)
    talking, idle = Scraper(box), Scraper(box)
    with box, wire.Wire(box.address) as tap:
        calls = bridge(box, 1, CALLS)
        windows = [window(box, f"{CALLS} calls, nobody asks", CALLS, seconds)]
        with talking.asking():
            windows.append(window(box, f"{CALLS} calls, asked every 100 ms", CALLS, seconds))
        for call in calls:
            call.hang_up()
        box.wait_until(box.is_idle, 30.0, "the lines did not become idle again")
        with idle.asking():
            box_shares = window(box, "no call, asked every 100 ms", 1, seconds / 2).shares
    return [
        row("metrics: asked -> answered, no call", idle.took, aim=ANSWER),
        row(f"metrics: asked -> answered, {CALLS} calls", talking.took, aim=ANSWER),
        row(f"metrics: a page, {CALLS} lines", talking.sizes, "bytes"),
        *(even_row(tap, each) for each in windows),
        *(row(f"CPU, {each.name}", each.shares, "% of a core") for each in windows),
        row("CPU, no call, asked every 100 ms", box_shares, "% of a core"),
    ]
