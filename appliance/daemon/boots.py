"""Why the box was started, as the image's helper (`boots`) has found at this boot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from appliance.policy.text import Words

FILE: Final = "reason"
NUMBER: Final = "number"
WHY: Final[Mapping[str, Words]] = {
    "asked": Words("chiesto da qualcuno o da un aggiornamento", "somebody or an update asked"),
    "first": Words("è il primo di questa scheda di memoria", "it is the first of this memory card"),
    "power": Words(
        "la corrente è mancata, o l'apparecchio si era bloccato",
        "the power failed, or the box had hung",
    ),
    "service": Words(
        "un servizio cadeva di continuo: vedere il giornale",
        "a service kept dying: see the journal",
    ),
    "watchdog": Words(
        "si era bloccato, e il watchdog lo ha riavviato",
        "it had hung, and the watchdog started it again",
    ),
}
"""By the helper's word."""


def reason(run: Path) -> str:
    """Return the helper's word, "" where there is none: on a machine of somebody's own."""
    try:
        found = (run.with_name(f"{run.name}-boot") / FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return found if found in WHY else ""


def number(run: Path) -> int:
    """Return the how manieth start of this card it is, 0 where nobody counts."""
    try:
        return int((run.with_name(f"{run.name}-boot") / NUMBER).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def said(why: str) -> tuple[Words, ...]:
    """Say a reason in a line; nothing where none is known."""
    words = WHY.get(why)
    return (Words(f"Ultimo avvio: {words.it}", f"Last start: {words.en}"),) if words else ()
