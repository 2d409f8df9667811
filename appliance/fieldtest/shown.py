"""What of a run is shown to people: pairs of words, figures, texts made harmless."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.policy.hours import moment_words
from appliance.policy.text import Words
from hw_tests.findings import Verdict

if TYPE_CHECKING:
    from hw_tests.findings import Figure, Limit

LONGEST: Final = 600
"""Characters of a text that came from outside: a modem that babbles does not fill the report."""
MISSING: Final = "–"
VERDICTS: Final = {
    Verdict.PASSED: Words("superata", "passed"),
    Verdict.FAILED: Words("NON superata", "FAILED"),
    Verdict.NOT_ON_THIS_DEVICE: Words("non su questo apparecchio", "not on this device"),
    Verdict.SKIPPED: Words("saltata", "skipped"),
    Verdict.INCOMPLETE: Words("incompleta", "incomplete"),
}
OUTCOMES: Final = {
    Verdict.PASSED: Words("SUPERATO", "PASSED"),
    Verdict.FAILED: Words("NON SUPERATO", "FAILED"),
    Verdict.INCOMPLETE: Words("INCOMPLETO", "INCOMPLETE"),
}
"""What a whole run may come to."""
SET_UPS: Final = {
    "exchange": Words(
        "centrale simulata: non prova niente di una linea vera",
        "software exchange: no proof about a real line",
    ),
    "two lines": Words("due linee che si chiamano", "two lines that call each other"),
    "one line": Words("una linea, chiamata da una persona", "one line, called by a person"),
}
CLOCKS: Final = {
    "synchronised": Words("sincronizzato", "synchronised"),
    "not synchronised": Words("NON sincronizzato", "NOT synchronised"),
}
UNKNOWN: Final = Words("non noto", "not known")


def clean(text: str) -> str:
    """Take what cannot be seen out of a text, and cut it: control and direction characters."""
    seen = "".join("\ufffd" if _is_unseen(c) else c for c in " ".join(text.split()))
    return seen if len(seen) <= LONGEST else seen[:LONGEST] + "…"


def moment(text: str) -> Words:
    """Write a run's ISO time as people do; what is no time stays as it is, nothing is a dash."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return Words(clean(text) or MISSING, "")
    return Words(moment_words(at, "it"), moment_words(at, "en"))


def _is_unseen(character: str) -> bool:
    """Tell what XML forbids or a reader is misled by: Cc, Cf, surrogates, U+FFFE and the like."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn", "Co"}


def number(value: float | None) -> str:
    """Write a figure with four digits that count, without an exponent where people expect none."""
    if value is None:
        return MISSING
    if value and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.3e}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def limit(given: Limit | None) -> str:
    """Write between what a figure must lie."""
    if given is None or (given.low is None and given.high is None):
        return MISSING
    if given.low is None:
        return f"≤ {number(given.high)}"
    if given.high is None:
        return f"≥ {number(given.low)}"
    return f"{number(given.low)} … {number(given.high)}"


def measured(figure: Figure) -> str:
    """Write a figure with its unit."""
    unit = clean(figure.unit)
    return number(figure.value) + (f" {unit}" if unit and figure.value is not None else "")
