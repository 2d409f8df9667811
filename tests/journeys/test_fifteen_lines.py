"""A technician writes fifteen lines, and the box answers its first call.

1. They plug two modems in, copy the short example and type "centralino check": both modems stand
   there with their USB sockets, the phones with their names, and the address for the phones.
2. They start the box: both lines are in service.
3. Somebody calls the first number; the first operator's phone rings and they talk.
4. In the settings they name the first line: the change is shown in words, and the file then has
   that name, with all that it said before.
5. A technician writes the opposite of a list, and check says in one sentence what is wrong where.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.config.line_ports import PORTS_VARIABLE
from tests.config.test_short_form import SHORT
from tests.helpers.box import Box
from tests.journeys.harness.steps import Journey
from tests.system.calls import end, in_call

pytestmark = pytest.mark.system

SOCKETS = ("platform-usb-0:1.2:1.0", "platform-usb-0:1.3:1.0")
TYPED_S = 120.0


@dataclass
class ShortBox(Box):
    """A box with the short example, folders and port of the test, and open today."""

    @property
    def sockets(self) -> Path:
        """The folder of the plugged-in modems."""
        return self.folder / "sockets"

    def _configuration(self) -> str:
        self.sockets.mkdir()
        for number, name in enumerate(SOCKETS, 1):
            (self.sockets / name).symlink_to(self.folder / "lines" / f"line{number}")
        self.environment = {PORTS_VARIABLE: str(self.sockets)}
        text = SHORT.read_text(encoding="utf-8")
        week = 'weekdays = ["08:30-13:00", "14:30-17:30"]\nfriday = ["08:30-13:00"]'
        assert week in text
        # The same number of lines; a test is run at any hour of any day.
        text = text.replace(week, 'weekdays = ["00:00-24:00"]')
        rest = super()._configuration()
        opening = rest[rest.index("[[openings]]") : rest.index("[[lines]]")]
        folders = rest[rest.index("[folders]") :]
        # Other tests use other addresses of this machine meanwhile.
        place = f'[sip]\naddress = "{self.address}"\nport = {self.port}\n'
        return f"{text}\n{opening}{folders}{place}"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[ShortBox]:
    """A box that is started with the file."""
    with ShortBox(tmp_path / "box", operators=("operatore-1",), counters=()) as made:
        yield made


def typed(box: ShortBox, *words: str, config: Path | None = None) -> tuple[int, str]:
    """Type a command in Italian; returns its status and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *words, "--config", str(config or box.config_path)],
        capture_output=True, text=True, check=False, timeout=TYPED_S,
        env={**os.environ, **box.environment, "LANG": "it_IT.UTF-8"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_fifteen_lines(box: ShortBox, journey: Journey) -> None:
    """See the sentences above."""
    with journey.step(1):
        status, said = typed(box, "check", config=SHORT)
        assert status == 0, said
        assert "linea line1: modem trovato alla presa USB 1.2" in said
        assert "linea line2: modem trovato alla presa USB 1.3" in said
        assert "telefono «Operatore 1»: il suo nome per i comandi è operatore-1" in said
        assert "i telefoni raggiungono l'apparecchio" in said
    with journey.step(2):
        assert [line["name"] for line in box.status()["lines"]] == ["line1", "line2"]
        assert box.is_idle()
    with journey.step(3):
        phone = box.phone("operatore-1")
        call, _ = in_call(box, 1, phone)
        record = end(box, call)
        assert (record.line, record.phone) == ("line1", "operatore-1")
    with journey.step(4):
        change = ("settings", "diff", "lines.line1.label=Anagrafe")
        status, said = typed(box, *change)
        assert status == 0, said
        assert "Anagrafe" in said
        status, said = typed(box, "settings", "set", change[2])
        assert status == 0, said
        text = box.config_path.read_text(encoding="utf-8")
        assert 'label = "Anagrafe"' in text
        assert 'phones = ["Operatore 1", "Operatore 2", "Operatore 3"]' in text
        assert [line.label for line in box.settings.lines] == ["Anagrafe", "800 011 837"]
    with journey.step(5):
        text = SHORT.read_text(encoding="utf-8").replace(
            'lines = ["051 598 111", "800 011 837"]', 'lines = "051 598 111"'
        )
        box.config_path.write_text(text, encoding="utf-8")
        status, said = typed(box, "check")
        assert status != 0
        where = 1 + text[: text.index("\nlines =") + 1].count("\n")
        assert f"riga {where}, lines: dev'essere un elenco" in said
