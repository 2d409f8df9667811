"""Draws what was measured; the ONLY matplotlib import, and nothing of it outside a field test."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing

from appliance.fieldtest.shown import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hw_tests.findings import Finding, Series

SIZE_IN: Final = (6.6, 2.5)
POINTS: Final = 1500
"""Of a longer series the lowest and the highest of each stretch are drawn: no peak gets lost."""
STYLE: Final = {
    "svg.hashsalt": "centralino",  # the same figures give the same bytes
    "svg.fonttype": "path",
    "text.parse_math": False,  # a $ in a modem's name is a $
    "font.size": 8.0,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.color": "0.85",
}
NAME: Final = 60
EDGE: Final = 0.03
"""Of what is drawn, beyond either end of times, which begin at 0."""
LEAST_SPAN: Final = {"response": 6.0, "level": 6.0}
"""dB shown at least: a hundredth of one, drawn large, looks like a fault."""
TICKS_HZ: Final = (50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 2500, 3000, 4000)


def drawn(series: Series, finding: Finding) -> bytes | None:
    """Draw one series as an SVG picture; None without a point that is a number."""
    points = _points(series)
    if not points:
        return None
    with mpl.rc_context(STYLE):
        drawing = Drawing(figsize=SIZE_IN, layout="constrained")
        axes = drawing.subplots()
        _draw(axes, series.kind, points)
        _draw_limits(axes, series, finding)
        axes.set_title(clean(series.name)[:NAME], loc="left")
        axes.set_xlabel(clean(series.x_unit)[:NAME])
        axes.set_ylabel(clean(series.y_unit)[:NAME])
        written = io.BytesIO()
        FigureCanvasSVG(drawing).print_svg(written, metadata={"Date": None})
    return written.getvalue()


def _points(series: Series) -> list[tuple[float, float]]:
    pairs = zip(series.x, series.y, strict=False)
    return _thinned([(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)])


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= POINTS:
        return points
    size = math.ceil(2 * len(points) / POINTS)
    kept: list[tuple[float, float]] = []
    for at in range(0, len(points), size):
        stretch = points[at : at + size]
        kept += sorted({min(stretch, key=_height), max(stretch, key=_height)})
    return kept


def _height(point: tuple[float, float]) -> float:
    return point[1]


def _draw(axes: Axes, kind: str, points: list[tuple[float, float]]) -> None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if kind == "timing":
        axes.vlines(xs, 0, ys, color="0.6", linewidth=1.0)
        axes.plot(xs, ys, "o", color="tab:blue", markersize=4)
        low, high = min([0.0, *xs]), max([0.0, *xs])
        edge = EDGE * (high - low or 1.0)
        axes.set_xlim(low - edge, high + edge)
    else:
        axes.plot(xs, ys, color="tab:blue", linewidth=1.0, marker="." if len(xs) < 60 else "")
    if kind == "response" and min(xs) > 0 and max(xs) > min(xs):
        axes.set_xscale("log")
        ticks = [at for at in TICKS_HZ if min(xs) <= at <= max(xs)]
        axes.set_xticks(ticks, [f"{at}" for at in ticks])
        axes.set_xticks([], minor=True)
    _widen(axes, LEAST_SPAN.get(kind, 0.0))


def _widen(axes: Axes, least: float) -> None:
    low, high = axes.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)


def _draw_limits(axes: Axes, series: Series, finding: Finding) -> None:
    """Draw the limits of times: those of other kinds are of what is computed from the curve."""
    if series.kind != "timing":
        return
    limits = [f.limit for f in finding.figures if f.limit and f.unit == series.y_unit]
    for at in {end for each in limits for end in (each.low, each.high) if end is not None}:
        axes.axhline(at, color="tab:red", linewidth=0.8, linestyle="--")
