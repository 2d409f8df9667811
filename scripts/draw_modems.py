"""The tables of docs/hardware.*.md that come from the bundles of tests/captures/bundles.

Drawn by scripts/draw_calls.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.modem.bundle import UNKNOWN, Bundle, first_told, from_bytes
from appliance.modem.learning import verdict
from appliance.text import Words

if TYPE_CHECKING:
    from collections.abc import Callable

BUNDLES = Path(__file__).resolve().parent.parent / "tests" / "captures" / "bundles"
HEADS = {
    "en": ("modem", "says of itself", "sound formats", "both directions", "leaves a stream by",
           "caller id", "a line on it", "read in"),
    "it": ("modem", "dice di sé", "formati del suono", "nei due sensi", "esce da un flusso con",
           "identificativo", "una linea su di lui", "letto in"),
}  # fmt: skip
WORDS = {
    "en": {"unknown": "?", "yes": "yes", "no": "no", "before": "before the first ring",
           "after": "after the first ring", "none": "none", "refused": "refused",
           "tester": "a tester, {}"},
    "it": {"unknown": "?", "yes": "sì", "no": "no", "before": "prima del primo squillo",
           "after": "dopo il primo squillo", "none": "nessuno", "refused": "rifiuta",
           "tester": "un tester, {}"},
}  # fmt: skip
_FORMAT = re.compile(r'^\d+[,;]"?([^,;"]+)')
_ADDRESS = re.compile(r"(https?://[^\s)]+)")


def read_bundles(folder: Path = BUNDLES) -> list[Bundle]:
    """Read every bundle of a folder, by name."""
    return [from_bytes(path.read_bytes()) for path in sorted(folder.glob("*.json*"))]


def modem_table(language: str) -> str:
    """Return one row a bundle; what is not known is a question mark."""
    heads = HEADS[language]
    rows = [[cell(bundle, language) for cell in CELLS] for bundle in read_bundles()]
    lines = (heads, ["---"] * len(heads), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _modem(bundle: Bundle, language: str) -> str:
    name = WORDS[language]["unknown"] if bundle.modem == UNKNOWN else bundle.modem
    return f"{name}, `{bundle.usb}`" if bundle.usb else name


def _told(bundle: Bundle, language: str) -> str:
    asked = first_told(bundle, ("ATI3", "AT+FMM?", "AT+GMR", "ATI2", "ATI0"))
    return f"`{asked[0]}`: {asked[1]}" if asked[1] else WORDS[language]["unknown"]


def _formats(bundle: Bundle, language: str) -> str:
    found = [m[1].strip() for line in bundle.lines("AT+VSM=?") if (m := _FORMAT.match(line))]
    return ", ".join(dict.fromkeys(found)) or WORDS[language]["unknown"]


def _duplex(bundle: Bundle, language: str) -> str:
    words = WORDS[language]
    run = bundle.stream("+VTR")
    if run is None:
        return words["unknown"]
    if run.begun != "CONNECT":
        return words["refused"]
    return f"{words['yes']}, {run.heard_rate or '?'}/{run.sent_rate or '?'}"


def _ends(bundle: Bundle, language: str) -> str:
    runs = [f"{run.action}: {run.ended_by}" for run in bundle.streams if run.ended_by]
    return ", ".join(f"`{each}`" for each in runs) or WORDS[language]["unknown"]


def _caller_id(bundle: Bundle, language: str) -> str:
    words = WORDS[language]
    return words.get(bundle.calls[-1].caller_id, words["unknown"]) if bundle.calls else "?"


def _verdict(bundle: Bundle, language: str) -> str:
    said: Words = verdict(bundle)
    return said.text(language).replace("|", "/")


def _sources(bundle: Bundle, language: str) -> str:
    if not bundle.sources:
        return WORDS[language]["tester"].format(bundle.made)
    found = []
    for number, source in enumerate(bundle.sources, 1):
        address = _ADDRESS.search(source)
        found.append(f"[{number}]({address[1]})" if address else source.partition(":")[0])
    return ", ".join(dict.fromkeys(found))


CELLS: tuple[Callable[[Bundle, str], str], ...] = (
    _modem, _told, _formats, _duplex, _ends, _caller_id, _verdict, _sources,
)  # fmt: skip
