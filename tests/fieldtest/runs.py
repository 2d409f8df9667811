"""Runs that were never made, for the report's tests."""

from __future__ import annotations

from pathlib import Path

from hw_tests.findings import Figure, Finding, Limit, Run, Series, Unit, Verdict
from tests.helpers.words import pair

CURVE = tuple(float(hertz) for hertz in range(200, 3500, 50))


def finding(**more: object) -> Finding:
    """Make a finding with everything that one can have; `more` is otherwise."""
    plain: dict[str, object] = {
        "key": "response",
        "line": "A>B",
        "title": pair("Risposta in frequenza", "Frequency response"),
        "verdict": Verdict.FAILED,
        "figures": (
            Figure("ripple", 7.25, "dB", Limit(None, 6.0)),
            Figure("snr", 38.5, "dB", Limit(25.0, None)),
            Figure("delay", None, "ms", Limit(0.0, 120.0)),
        ),
        "remark": pair("La linea attenua gli acuti.", "The line loses the treble."),
        "series": (
            Series("response A>B", "response", CURVE, tuple(-hz / 500 for hz in CURVE), "Hz", "dB"),
            Series("level", "level", (0.0, 1.0, 2.0), (-12.0, -12.5, -12.0), "s", "dBm0"),
            Series("tone", "spectrum", CURVE, tuple(-hz / 50 for hz in CURVE), "Hz", "dB"),
            Series("release", "timing", (1.0, 2.0), (1.9, 2.4), "n", "ms"),
        ),
        "sounds": (Path("sounds/a b.wav"),),
    }
    return Finding(**{**plain, **more})  # type: ignore[arg-type]  # keys are Finding's own


def run(**more: object) -> Run:
    """Make a run of one unit and three findings; `more` is otherwise."""
    plain: dict[str, object] = {
        "site": "Municipio di Prova",
        "tester": "Maria Bianchi",
        "started": "2026-11-26T10:00:00+01:00",
        "ended": "2026-11-26T10:40:00+01:00",
        "clock_state": "synchronised",
        "set_up": "two lines",
        "units": (
            Unit(
                "A",
                "/dev/serial/by-path/usb-1",
                "CONEXANT",
                "CX93001",
                "V0.2013",
                "59",
                "24680246",
                (("+VTR", True), ("-TRV", False), ("-STE", None)),
            ),
        ),
        "findings": (
            finding(),
            finding(key="level", line="A", verdict=Verdict.PASSED, series=(), sounds=()),
            finding(
                key="tones", verdict=Verdict.NOT_ON_THIS_DEVICE, figures=(), series=(), sounds=()
            ),
        ),
        "expected": ("response", "level", "tones"),
    }
    return Run(**{**plain, **more})  # type: ignore[arg-type]  # keys are Run's own
