"""A box to be tried: its configuration and folders, and how the command is run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.config import read
from appliance.config.schema import Settings

COMMAND_S = 300.0
"""It takes half a minute on a busy machine."""
CONFIG = """\
[site]
name = "Comune di Prova"
patron = "10-04"
[hours]
monday = ["08:30-17:30"]
[[lines]]
name = "line1"
port = "/dev/serial/by-path/none"
[sip]
address = "127.0.0.1"
port = {port}
{sip}
[[phones]]
name = "op1"
[switchboard]
phones = ["op1"]
[folders]
state = "{folder}/state"
run = "{folder}/run"
{folders}
"""


@dataclass(frozen=True)
class Site:
    """A box that is installed in a folder and does not run."""

    folder: Path
    port: int

    @classmethod
    def made(cls, folder: Path, port: int, *, sip: str = "", folders: str = "") -> Site:
        """Write its configuration and make its folders."""
        (folder / "state").mkdir(parents=True)
        (folder / "run").mkdir()
        text = CONFIG.format(folder=folder, port=port, sip=sip, folders=folders)
        (folder / "centralino.toml").write_text(text, encoding="utf-8")
        return cls(folder, port)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "centralino.toml"

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    @property
    def settings(self) -> Settings:
        """The configuration, parsed."""
        return read.load(self.config)


@dataclass(frozen=True)
class Told:
    """What the command said, as JSON."""

    status: int
    told: dict[str, Any]
    error: str

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each check."""
        return {row["check"]: row["outcome"] for row in self.told["checks"]}

    @property
    def wrong(self) -> list[str]:
        """The faults, the cause first."""
        return [check for check, outcome in self.outcomes.items() if outcome == "wrong"]


def run(config: Path, **environment: str) -> Told:
    """Run the command on a box as a technician does."""
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "selftest", "--json", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_S,
        env={**os.environ, **environment},
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return Told(done.returncode, json.loads(done.stdout), done.stderr)
