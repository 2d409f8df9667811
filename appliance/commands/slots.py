"""The box's two slots, by RAUC: what a bundle is, writing one, which slot runs; and the restart.

The ONLY place that runs RAUC. A bundle's signature covers its manifest and the hash of its
contents; whether those are whole shows as they are written.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.policy.text import Refused
from appliance.policy.updates import OTHER_FORMAT, refused

LIMIT_S: Final = 60.0
_PROGRESS: Final = re.compile(r"\s*(\d{1,3})% ")
_FORMAT: Final = re.compile(r"Bundle format '(\w+)' not allowed")
_LAST: Final = re.compile(r"LastError: (.*)")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle's manifest says, once its signature has been verified."""

    version: str
    compatible: str


@dataclass(frozen=True, slots=True)
class Slots:
    """The slot that runs and the other one ("A", "B"), and what kind of box it is."""

    booted: str
    other: str
    compatible: str
    other_is_good: bool
    other_version: str = ""


@dataclass(frozen=True, slots=True)
class Rauc:
    """Runs RAUC; `conf` None is the box's own configuration."""

    conf: Path | None = None

    def look(self, path: Path) -> Bundle:
        """Verify a bundle's signature and read its manifest; raises Refused."""
        done = self._run("info", "--output-format=json", str(path))
        if done.returncode:
            why = _last_line(done.stderr)
            if found := _FORMAT.fullmatch(why):  # said of what is signed alone
                raise refused(OTHER_FORMAT, found[1])
            raise Refused(
                f"non è un aggiornamento firmato per questo apparecchio, o non è intero ({why}): "
                "scaricarlo di nuovo da dove viene; nulla è stato cambiato",
                f"it is no update signed for this box, or is not whole ({why}): fetch it again "
                "from where it comes; nothing was changed",
            )
        told = _json(done.stdout)
        return Bundle(str(told["version"] or ""), str(told["compatible"]))

    def install(self, path: Path, on_progress: Callable[[int], None]) -> None:
        """Write a bundle into the slot that does not run, telling percents; raises Refused."""
        last = ""
        with subprocess.Popen(
            self._command("install", str(path)), stdout=subprocess.PIPE, text=True, errors="replace"
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if found := _PROGRESS.match(line):
                    on_progress(min(int(found[1]), 100))
                elif found := _LAST.match(line):
                    last = found[1][:200]
        if child.returncode:
            raise Refused(
                f"l'aggiornamento non si è potuto scrivere ({last or 'vedere il giornale'}): si "
                "continua con la versione in uso",
                f"the update could not be written ({last or 'see the journal'}): the version in "
                "use goes on",
            )

    def slots(self) -> Slots:
        """Say which slot runs; raises Refused."""
        told = _json(self._well("status", "--detailed", "--output-format=json"))
        found = [(str(name), slot) for one in told["slots"] for name, slot in one.items()]
        booted = [slot for _, slot in found if slot["state"] == "booted"]
        others = [slot for _, slot in found if slot["state"] != "booted"]
        if len(booted) != 1 or len(others) != 1:
            raise Refused(
                "RAUC non dice da quale dei due slot è partito l'apparecchio: vedere rauc status",
                "RAUC does not say from which of two slots the box has started: see rauc status",
            )
        (other,) = others
        status = other.get("slot_status") or {}
        return Slots(
            str(booted[0]["bootname"]),
            str(other["bootname"]),
            str(told["compatible"]),
            other.get("boot_status") == "good",
            str((status.get("bundle") or {}).get("version") or ""),
        )

    def mark(self, what: str, slot: str) -> None:
        """Mark the booted or other slot good, bad or active; raises Refused."""
        self._well("status", f"mark-{what}", slot)

    def _well(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode:
            why = _last_line(done.stderr)
            raise Refused(
                f"RAUC non risponde come deve ({why}): vedere systemctl status rauc",
                f"RAUC does not answer as it should ({why}): see systemctl status rauc",
            )
        return done.stdout

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                self._command(*words),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LIMIT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(
                f"RAUC manca o non risponde ({error}): questa immagine è incompleta",
                f"RAUC is missing or does not answer ({error}): this image is incomplete",
            ) from error

    def _command(self, *words: str) -> tuple[str, ...]:
        chosen = () if self.conf is None else (f"--conf={self.conf}",)
        return ("rauc", *chosen, *words)


def reboot() -> None:
    """Start the machine anew; raises Refused."""
    done = subprocess.run(
        ("systemctl", "reboot"), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode:
        why = _last_line(done.stderr)
        raise Refused(
            f"il riavvio non è riuscito ({why}): spegnere e riaccendere l'apparecchio",
            f"the restart did not succeed ({why}): switch the box off and on",
        )


def _json(text: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise Refused(
            "RAUC non risponde in JSON: vedere rauc --version",
            "RAUC does not answer in JSON: see rauc --version",
        ) from error
    return told


def _last_line(said: str) -> str:
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "rauc"
