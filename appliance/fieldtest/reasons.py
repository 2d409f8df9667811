"""Why a run has not passed, in sentences: findings of one cause together, the first cause first.

A modem that refuses one command spoils what comes after: the person reads the command, not twenty
measurements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.fieldtest import shown
from appliance.policy.text import Words
from hw_tests.findings import Verdict, counted
from hw_tests.titles import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hw_tests.findings import Finding, Run

NAMED: Final = 3
"""Of measurements with one cause so many are named, the others counted."""
TOLD: Final = 6
"""Causes on a terminal; the report has all of them."""
GRAVE: Final = (Verdict.FAILED, Verdict.INCOMPLETE)
NOT_MADE: Final = Words("Misure non eseguite: {}.", "Not measured: {}.")
INTERRUPTED: Final = Words("La prova è stata interrotta.", "The test was interrupted.")
NO_PASS: Final = Words("Nessuna misura è superata.", "No measurement has passed.")
OTHERS: Final = Words(" e altre {}", " and {} more")
LIMIT: Final = Words("limite {}", "limit {}")
UNMEASURED: Final = Words("non misurato", "not measured")
MORE: Final = Words("… e altri {} motivi: vedere il rapporto.", "… and {} more: see the report.")


def of_run(run: Run) -> list[Words]:
    """Say why a run has not passed; nothing of one that has."""
    if run.verdict is Verdict.PASSED:
        return []
    said = of_findings(run.findings)
    if run.missing:
        titles = [TITLES.get(key, (key, key)) for key in run.missing]
        said.append(_filled(NOT_MADE, *(", ".join(each) for each in zip(*titles, strict=True))))
    if not run.ended:
        said.append(INTERRUPTED)
    return said or [NO_PASS]


def shortened(said: list[Words]) -> list[Words]:
    """Leave as many as a terminal should show, and say how many more there are."""
    if len(said) <= TOLD:
        return said
    left = str(len(said) - TOLD)
    return [*said[:TOLD], _filled(MORE, left, left)]


def of_findings(findings: Iterable[Finding]) -> list[Words]:
    """Say what is wrong with some findings, or missing: failures first, in the order of causes."""
    causes: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        if (verdict := counted(finding)) in GRAVE:
            causes.setdefault((GRAVE.index(verdict), _why(finding).en), []).append(finding)
    return [_said(causes[cause]) for cause in sorted(causes, key=lambda cause: cause[0])]


def _said(findings: list[Finding]) -> Words:
    """Name what one cause has spoiled, and the cause."""
    why = _why(findings[0])
    names = [Words(f"{f.title[0]} {f.line}".strip(), f"{f.title[1]} {f.line}".strip())
             for f in findings]  # fmt: skip
    shown_names = names[:NAMED]
    it, en = ", ".join(n.it for n in shown_names), ", ".join(n.en for n in shown_names)
    if left := len(names) - NAMED if len(names) > NAMED else 0:
        it, en = it + OTHERS.it.format(left), en + OTHERS.en.format(left)
    return Words(f"{it}: {why.it}", f"{en}: {why.en}")


def _why(finding: Finding) -> Words:
    """Give a finding's reason: what is said of it, and each figure beyond its limit."""
    it, en = [finding.remark[0]], [finding.remark[1] or finding.remark[0]]
    for figure in finding.figures:
        if not figure.good:
            limit = shown.limit(figure.limit)
            value = Words(*[shown.measured(figure)] * 2) if figure.value is not None else UNMEASURED
            it.append(f"{figure.name} {value.it} ({LIMIT.it.format(limit)})")
            en.append(f"{figure.name} {value.en} ({LIMIT.en.format(limit)})")
    word = shown.VERDICTS[finding.verdict]
    return Words("; ".join(filter(None, it)) or word.it, "; ".join(filter(None, en)) or word.en)


def _filled(words: Words, it: str, en: str) -> Words:
    return Words(words.it.format(it), words.en.format(en))
