"""The report as one HTML page that loads nothing; its only jinja2 import, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import jinja2

from appliance import __version__
from appliance.fieldtest import plots, reasons, shown
from appliance.policy.text import Words

if TYPE_CHECKING:
    from hw_tests.findings import Finding, Run, Unit

TEMPLATE: Final = "report.html"


@dataclass(frozen=True, slots=True)
class Measure:
    """One finding as the page shows it; `pictures` are data: addresses, `sounds` names and links.

    `rows` are name, figure, limit and whether it holds: at least one, so that each stands there.
    """

    number: int
    finding: Finding
    verdict: Words
    rows: tuple[tuple[str, str, str, bool], ...]
    pictures: tuple[tuple[str, str], ...]
    sounds: tuple[tuple[str, str], ...]


def page(run: Run, raw: bytes, *, on_paper: bool = False) -> str:
    """Render a run; `raw` are the bytes of its findings, whose sum binds the signature to them.

    On paper sounds are names, not links.
    """
    environment = jinja2.Environment(
        loader=jinja2.BaseLoader(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    source = (resources.files("appliance.fieldtest") / TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(source).render(
        run=run,
        on_paper=on_paper,
        started=shown.moment(run.started),
        ended=shown.moment(run.ended),
        outcome=shown.OUTCOMES[run.verdict],
        reasons=reasons.of_run(run),
        set_up=shown.SET_UPS.get(run.set_up, shown.UNKNOWN),
        clock=shown.CLOCKS.get(run.clock_state, shown.UNKNOWN),
        measures=[_measure(n, finding) for n, finding in enumerate(run.findings, 1)],
        counts=_counts(run),
        units=[(unit, *_capabilities(unit)) for unit in run.units],
        version=__version__,
        sum=hashlib.sha256(raw).hexdigest(),
    )


def _harmless(value: object) -> object:
    """Clean what is written into the page; what is safe already, our own markup, stays."""
    return shown.clean(value) if type(value) is str else value


def _measure(number: int, finding: Finding) -> Measure:
    rows = tuple(
        (figure.name, shown.measured(figure), shown.limit(figure.limit), figure.good)
        for figure in finding.figures
    )
    return Measure(
        number,
        finding,
        shown.VERDICTS[finding.verdict],
        rows or ((shown.MISSING, shown.MISSING, shown.MISSING, True),),
        tuple(
            (series.name, "data:image/svg+xml;base64," + base64.b64encode(picture).decode())
            for series in finding.series
            if (picture := plots.drawn(series, finding))
        ),
        tuple((str(path), "./" + quote(str(path), errors="replace")) for path in finding.sounds),
    )


def _counts(run: Run) -> list[tuple[Words, int]]:
    counted = [
        (words, sum(f.verdict is verdict for f in run.findings))
        for verdict, words in shown.VERDICTS.items()
    ]
    return [(words, count) for words, count in counted if count]


def _capabilities(unit: Unit) -> tuple[str, str, str]:
    """Name what a unit has, has not, and what could not be told."""
    has, lacks, open_ = (
        ", ".join(name for name, told in unit.capabilities if told is kind)
        for kind in (True, False, None)
    )
    return has or shown.MISSING, lacks or shown.MISSING, open_ or shown.MISSING
