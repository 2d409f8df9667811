"""A box that was told nothing: whatever lies on its card, every line found is answered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from tests.helpers.box import Box
from tests.system.calls import end, in_state, into_voicemail, place, record_of

pytestmark = pytest.mark.system
SPOKEN_S = 3.0


@dataclass
class New(Box):
    """A box as it is flashed, its card empty: what it finds is what it knows."""

    def start(self, ready: bool = True) -> None:
        """Do what the image's units do: look at the card, start, answer on the card."""
        self.card.mkdir()
        self.config_path.unlink()
        ports = self.folder / "by-path"
        ports.mkdir()
        for line in range(1, self.lines + 1):
            name = f"platform-3f980000.usb-usb-0:1.{line}:1.0"
            (ports / name).symlink_to(self.folder / "lines" / f"line{line}")
        under = self.folder / "under.toml"
        under.write_text(
            f'[sip]\naddress = "{self.address}"\nport = {self.port}\n[folders]\n'
            f'state = "{self.folder}/state"\nrun = "{self.folder}/run"\n',
            encoding="utf-8",
        )
        places = {"kept": "kept", "data": "data", "networkd": "networkd", "under": "under.toml",
                  "notices": "run-notices", "ports": "by-path"}  # fmt: skip
        self.site("apply", places)
        super().start(ready)

    def site(self, what: str, places: dict[str, str] | None = None) -> None:
        """Run the card's command, as the units do; the kernel's words are those of an image."""
        own = {"card": "card", "config": "centralino.toml", "run": "run-site", **(places or {})}
        given = [word for name, at in own.items() for word in (f"--{name}", self.folder / at)]
        command = [sys.executable, "-m", "appliance", "site", what, *given]
        words = self.folder / "cmdline"
        words.write_text("console=tty1 rauc.slot=A\n", encoding="ascii")
        as_image = 'mount --bind "$0" /proc/cmdline && exec "$@"'
        subprocess.run(
            ["unshare", "--mount", "sh", "-c", as_image, words, *command], check=True, timeout=60
        )

    @property
    def card(self) -> Path:
        """The card's FAT partition."""
        return self.folder / "card"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[New]:
    """A new box with a modem in each of two sockets."""
    with New(tmp_path_factory.mktemp("box"), operators=(), counters=()) as made:
        yield made


def test_every_line_found_takes_a_message(box: New) -> None:
    """A caller on whichever line hears the closed greeting, and leaves a message that is kept."""
    assert [line["state"] for line in box.status()["lines"]] == ["idle", "idle"]
    name, caller = into_voicemail(box, SPOKEN_S)
    in_state(box, "recording")
    caller.press("#")  # once all is said
    caller.wait(30.0)
    kept = record_of(box, name)
    assert kept.result is Result.MESSAGE
    assert [message.call for message in box.messages()] == [name]
    second = place(box, 2, caller="0517654321", hang_up_after_ms=600_000)
    in_state(box, "greeting")
    assert box.status()["calls"][0]["line"] == "line2"
    end(box, second)


def test_it_says_so(box: New) -> None:
    """In the status, for the LED, and on the card, with the sockets and the first user's code."""
    box.wait_until(lambda: bool(box.troubles()), 20.0, "no trouble is told")
    (trouble,) = [one for one in box.troubles() if "centralino.toml" in one]
    assert "every line found answers as a closed office" in trouble
    box.site("tell")
    told = (box.card / "centralino-result.txt").read_text(encoding="utf-8-sig")
    for number in (1, 2):
        assert f'port = "platform-3f980000.usb-usb-0:1.{number}:1.0": linea line{number}' in told
    code = (box.state / "first-user-code.txt").read_text().strip()
    assert f"Codice per il primo utente della console: {code}" in told
