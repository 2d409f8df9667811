"""A box that Prometheus watches, and promtool's word on what it reads."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.box import Box
from tests.helpers.ports import free_port


@dataclass
class WatchedBox(Box):
    """A box that serves its figures at its own address."""

    def _configuration(self) -> str:
        self.metrics_port = free_port(self.address)
        where = f'listen = "{self.address}"\nport = {self.metrics_port}\n'
        return f"{super()._configuration()}\n[metrics]\n{where}"

    @property
    def url(self) -> str:
        """Where Prometheus asks."""
        return f"http://{self.address}:{self.metrics_port}/metrics"

    def scrape(self) -> str:
        """Read the figures, as Prometheus does."""
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            return str(answer.read().decode())

    def value(self, sample: str) -> float:
        """Return one sample, named as it is written before its value."""
        found = [line for line in self.scrape().splitlines() if line.startswith(f"{sample} ")]
        assert len(found) == 1, f"{sample}: {found}"
        return float(found[0].rsplit(" ", 1)[1])


def promtool(*words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run Debian's promtool (package prometheus); the test is skipped without it."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is missing (Debian: prometheus)")
    return subprocess.run(
        ["promtool", *map(str, words)], input=given, capture_output=True, text=True, check=False
    )
