"""The field test's report: HTML, the same as PDF, JUnit XML, and a modem's measured profile."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import re
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from xml.etree import ElementTree as Tree

import jinja2
import matplotlib as mpl
import tomli_w
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter

from appliance import __version__
from appliance.errors import TechnicianError
from appliance.fieldtest.person import (
    CLOCKS,
    OUTCOMES,
    SET_UPS,
    UNKNOWN,
    VERDICT_WORDS,
    cause_title,
    clean_text,
    moment_in_words,
    names_of,
    reasons_of_run,
    title_with_line,
)
from appliance.files import READABLE, atomic_write
from appliance.paper import pdf
from appliance.policy.text import Refused, os_error_words, words_of
from appliance.text import (
    FIRST,
    LANGUAGES,
    NOTHING,
    Words,
    _,
    decimal_words,
    in_context,
    joined,
    unchanged,
)
from hw_tests import findings
from hw_tests.causes import causes
from hw_tests.findings import Verdict
from hw_tests.promises import PROMISES, Kept, is_needed, judged, lines_of, margin
from hw_tests.titles import TITLES
from hw_tests.wording import (
    CAPABILITIES,
    MISSING,
    limit_text,
    limit_words,
    name_words,
    value_text,
    value_words,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from hw_tests.causes import Cause
    from hw_tests.findings import Figure, Finding, Limit, Run, Series, Unit
    from hw_tests.promises import Judged


# ---- report ------------------------------------------------------------------------------------
# Writes the report of a run into its folder: HTML and PDF in each language, JUnit XML.

JUNIT = "junit.xml"


def html_name(language: str) -> str:
    """Name the page in a language: `report.html` is the office's own."""
    return "report.html" if language == FIRST else f"report.{language}.html"


def pdf_name(language: str) -> str:
    """Name the paper in a language."""
    return html_name(language).removesuffix("html") + "pdf"


def write_report(folder: Path) -> findings.Run:
    """Write the report beside the findings of `folder`, whose run is returned.

    Raises TechnicianError where there are no findings, or none that can be read, and where there is
    no room for the report.
    """
    try:
        raw = (folder / findings.FILE).read_bytes()
        run = findings.loads(raw.decode("utf-8"))
    except (OSError, ValueError) as error:
        # The reason is English in each language.
        why = str(words_of(error))
        raise Refused(
            _("no report of {folder} can be made: {why}", folder=folder, why=why),
        ) from error
    try:
        _write_files(folder, run, raw)
    except OSError as error:
        # Without this the command's status would be 1, as if a line had failed.
        raise Refused(
            _("{file} cannot be written: {why}", file=folder, why=os_error_words(error))
        ) from error
    return run


def _write_files(folder: Path, run: Run, raw: bytes) -> None:
    atomic_write(folder / JUNIT, junit_xml(run), mode=READABLE)
    for language in LANGUAGES:
        page = report_page(run, raw, language)
        atomic_write(folder / html_name(language), page, mode=READABLE)
        paper = report_page(run, raw, language, on_paper=True)
        pdf.write_pdf(paper, folder / pdf_name(language))


# ---- page --------------------------------------------------------------------------------------
# The report as one HTML page that loads nothing; its only jinja2 import, everything escaped.

TEMPLATE: Final = "report.html"
REASONS_SHOWN: Final = 4
"""Causes on the first page; the second one has all of them."""
KEPT_WORDS: Final = {
    Kept.YES: _("yes"),
    Kept.NO: _("NO"),
    Kept.NOT_MEASURED: _("not measured"),
}
KEPT_KINDS: Final = {Kept.YES: "yes", Kept.NO: "no", Kept.NOT_MEASURED: "open"}
NOT_NEEDED: Final = _("not needed here")
WITHIN: Final = _("within {time}")
NOT_GOOD: Final = _("{name} {value} (good: {limit})")
AND_MORE: Final = _("… and {} more: see the next page.")


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """One figure as it is read."""

    name: Words
    value: Words
    limit: Words
    good: bool
    attention: bool = False

    @property
    def band(self) -> str:
        """How its cell is marked: bad, attention or not at all."""
        return "bad" if not self.good else "attention" if self.attention else ""


NO_FIGURE: Final = ShownFigure(unchanged(MISSING), unchanged(MISSING), unchanged(MISSING), True)


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One finding as the page shows it; `pictures` are data: addresses, `sounds` names and links.

    `main` is the figure that is nearest to its limit, or beyond it.
    """

    number: int
    finding: Finding
    title: Words
    verdict: Words
    main: ShownFigure
    rows: tuple[ShownFigure, ...]
    pictures: tuple[tuple[str, str], ...]
    sounds: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShownCause:
    """A cause, and what follows from it."""

    said: Words
    follows: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class ShownPromise:
    """What became of a promise on one line."""

    kind: str
    word: Words
    detail: Words


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One promise on every line; `means` is what it means for the office that it is not kept."""

    title: Words
    means: Words
    cells: tuple[ShownPromise, ...]


def report_page(run: Run, raw: bytes, language: str = FIRST, *, on_paper: bool = False) -> str:
    """Render a run; `raw` are the bytes of its findings, whose sum binds the signatures to them.

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
    needed = [each for each in run.findings if is_needed(run, each)]
    found = causes(needed)
    return environment.from_string(source).render(
        _=_,
        t=lambda words: words.text(language),
        NOTHING=NOTHING,
        language=language,
        interrupted=in_context("report", "interrupted"),
        run=run,
        on_paper=on_paper,
        started=moment_in_words(run.started),
        ended=moment_in_words(run.ended),
        outcome=OUTCOMES[run.verdict],
        reasons=_first_reasons(run),
        lines=lines_of(run),
        promises=_promise_rows(run, found),
        uses=run.uses,
        causes=[ShownCause(cause_title(each), tuple(map(title_with_line, each.follows)))
                for each in found],
        others=[title_with_line(each) for each in run.findings
                if each.verdict is Verdict.FAILED and each not in needed],
        attention=[_attention(each) for each in run.findings
                   if any(figure.needs_attention for figure in each.figures)],
        missing=[TITLES.get(key, unchanged(key)) for key in run.missing],
        set_up=SET_UPS.get(run.set_up, UNKNOWN),
        clock=CLOCKS.get(run.clock_state, UNKNOWN),
        measures=[_measure(n, finding, language) for n, finding in enumerate(run.findings, 1)],
        counts=_counts(run),
        units=[(unit, *_capabilities(unit)) for unit in run.units],
        version=__version__,
        sum=hashlib.sha256(raw).hexdigest(),
    )  # fmt: skip


def _attention(finding: Finding) -> Words:
    """Name a finding, and each of its figures that is allowed and not good."""
    figures = [each for each in finding.figures if each.needs_attention]
    said = [
        NOT_GOOD.filled(
            name=name_words(each),
            value=value_words(each),
            limit=limit_words(replace(each, limit=each.wanted)),
        )
        for each in figures
    ]
    return joined(": ", [title_with_line(finding), joined("; ", said)])


def _harmless(value: object) -> object:
    """Clean what is written into the page; what is safe already, our own markup, stays."""
    return clean_text(value) if type(value) is str else value


def _first_reasons(run: Run) -> list[Words]:
    said = reasons_of_run(run)
    if len(said) <= REASONS_SHOWN:
        return said
    return [*said[:REASONS_SHOWN], AND_MORE.filled(len(said) - REASONS_SHOWN)]


def _promise_rows(run: Run, found: tuple[Cause, ...]) -> list[PromiseRow]:
    """Give the table of the first page: every promise, line beside line."""
    rows = []
    told = judged(run)
    for name, promise in PROMISES.items():
        of_lines = [each for each in told if each.name == name]
        is_broken = any(each.kept is Kept.NO and each.needed for each in of_lines)
        cells = tuple(_promise(each, found) for each in of_lines)
        rows.append(PromiseRow(promise.title, promise.means if is_broken else NOTHING, cells))
    return rows


def _promise(told: Judged, found: tuple[Cause, ...]) -> ShownPromise:
    detail = told.why
    if told.kept is Kept.YES:
        detail = joined(", ", [_how_well(told.name, each) for each in told.figures])
    elif told.kept is Kept.NO:
        detail = _root_words(told, found)
    if told.needed:
        return ShownPromise(KEPT_KINDS[told.kept], KEPT_WORDS[told.kept], detail)
    detail = joined("; ", [NOT_NEEDED, detail] if detail != NOTHING else [NOT_NEEDED])
    return ShownPromise("other", KEPT_WORDS[told.kept], detail)


def _how_well(name: str, figure: Figure) -> Words:
    if name == "release":
        return WITHIN.filled(time=value_words(figure))
    return joined(" ", (name_words(figure), value_words(figure)))


def _root_words(told: Judged, found: tuple[Cause, ...]) -> Words:
    """Say by what cause a promise is broken; name it where it has no sentence."""
    for cause in found:
        if told.finding in (*cause.findings, *cause.follows):
            remark = cause.findings[0].remark
            return remark if remark != NOTHING else names_of(cause.findings)
    return told.why


def _measure(number: int, finding: Finding, language: str) -> ShownFinding:
    rows = tuple(map(_figure_shown, finding.figures))
    by_margin = sorted(finding.figures, key=margin)
    return ShownFinding(
        number,
        finding,
        finding.title,
        VERDICT_WORDS[finding.verdict],
        _figure_shown(by_margin[0]) if by_margin else NO_FIGURE,
        rows,
        tuple(
            (series.name, "data:image/svg+xml;base64," + base64.b64encode(picture).decode())
            for series in finding.series
            if (picture := draw_series(series, finding, language))
        ),
        tuple((str(path), "./" + quote(str(path), errors="replace")) for path in finding.sounds),
    )


def _figure_shown(figure: Figure) -> ShownFigure:
    return ShownFigure(
        name_words(figure), value_words(figure), limit_words(figure), figure.good,
        figure.needs_attention,
    )  # fmt: skip


def _counts(run: Run) -> list[tuple[Words, int]]:
    counted = [
        (words, sum(f.verdict is verdict for f in run.findings))
        for verdict, words in VERDICT_WORDS.items()
    ]
    return [(words, count) for words, count in counted if count]


def _capabilities(unit: Unit) -> tuple[Words, Words, Words]:
    """Name what a unit has, has not, and what could not be told."""
    has, lacks, open_ = (
        joined(", ", _capabilities_that(unit, kind)) for kind in (True, False, None)
    )
    return has, lacks, open_


def _capabilities_that(unit: Unit, kind: bool | None) -> list[Words]:
    names = [name for name, told in unit.capabilities if told is kind]
    return [CAPABILITIES.get(name, unchanged(name)) for name in names] or [unchanged(MISSING)]


# ---- plots -------------------------------------------------------------------------------------
# Draws what was measured; the ONLY matplotlib import, and nothing of it outside a field test.

SIZE_IN: Final = (4.4, 2.1)
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
LONGEST_NAME: Final = 60
LEAST_POINTS: Final = {"timing": 3}
DRAWN: Final = {
    "level": _("Level over time"),
    "spectrum": _("Spectrum"),
    "response": _("Frequency response, against the middle"),
    "swept response": _("Response to the sweep, against the middle"),
    "echo return loss": _("Echo return loss by frequency"),
}
"""What a drawing is called, by its series."""
AXES: Final = {
    "Hz": _("frequency (Hz)"),
    "s": _("time (s)"),
    "dBm0": _("level (dBm0)"),
}
"""What an axis is called, by its unit; others bear the unit alone."""
AT_HZ: Final = re.compile(r"(\d+)(?: to (\d+))? Hz.*")
"""Figures of a response that are limits at a frequency, or between two."""
LIMIT_COLOUR: Final = "tab:red"
EDGE_SHARE: Final = 0.03
"""Of what is drawn, beyond either end of times, which begin at 0."""
# dB shown at least: a hundredth of one, drawn large, looks like a fault.
LEAST_SPAN: Final = {"response": 6.0, "level": 6.0}
TICKS_HZ: Final = (50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 4000)


def draw_series(series: Series, finding: Finding, language: str = FIRST) -> bytes | None:
    """Draw one series as an SVG picture; None where too few points would tell nothing."""
    points = _points(series)
    if len(points) < LEAST_POINTS.get(series.kind, 2):
        return None
    with mpl.rc_context(STYLE):
        drawing = Drawing(figsize=SIZE_IN, layout="constrained")
        axes = drawing.subplots()
        _draw(axes, series.kind, points)
        _write_numbers(axes, language)
        _draw_limits(axes, series, finding)
        _widen(axes, LEAST_SPAN.get(series.kind, 0.0))
        name = DRAWN.get(series.name, unchanged(series.name)).text(language)
        axes.set_title(clean_text(name)[:LONGEST_NAME], loc="left")
        axes.set_xlabel(_axis(series.x_unit, language))
        axes.set_ylabel(_axis(series.y_unit, language))
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
        edge = EDGE_SHARE * (high - low or 1.0)
        axes.set_xlim(low - edge, high + edge)
    else:
        axes.plot(xs, ys, color="tab:blue", linewidth=1.0, marker="." if len(xs) < 60 else "")
    if kind == "response" and min(xs) > 0 and max(xs) > min(xs):
        axes.set_xscale("log")
        ticks = [at for at in TICKS_HZ if min(xs) <= at <= max(xs)]
        axes.set_xticks(ticks, [f"{at}" for at in ticks])
        axes.set_xticks([], minor=True)


def _write_numbers(axes: Axes, language: str) -> None:
    """Write the numbers along the axes as the reader does; ticks of a band have their own."""
    formatter = FuncFormatter(lambda value, _at: _tick(value, language))
    axes.yaxis.set_major_formatter(formatter)
    if axes.get_xscale() == "linear":
        axes.xaxis.set_major_formatter(formatter)


def _tick(value: float, language: str) -> str:
    text = f"{value:g}"
    if "e" in text:
        return text
    places = len(text.partition(".")[2])
    return decimal_words(value, places, language).replace("-", "\N{MINUS SIGN}")


def _widen(axes: Axes, least: float) -> None:
    low, high = axes.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)


def _axis(unit: str, language: str) -> str:
    return clean_text(AXES.get(unit, unchanged(unit)).text(language))[:LONGEST_NAME]


def _draw_limits(axes: Axes, series: Series, finding: Finding) -> None:
    """Draw between what the curve must lie, where figures of the finding say so."""
    if series.kind == "response":
        at_hz = [(found, f.limit) for f in finding.figures
                 if f.limit and (found := AT_HZ.fullmatch(f.name))]  # fmt: skip
        if at_hz:
            _draw_band(axes, [_band(*each) for each in at_hz])
            return
    if series.kind == "spectrum":
        return
    names = {series.name, "noticed after"}
    limits = [f.limit for f in finding.figures
              if f.limit and f.unit == series.y_unit
              and (series.kind == "timing" or f.name in names)]  # fmt: skip
    for at in {end for each in limits for end in (each.low, each.high) if end is not None}:
        axes.axhline(at, color=LIMIT_COLOUR, linewidth=0.8, linestyle="--")


def _band(found: re.Match[str], limit: Limit) -> tuple[float, float, Limit]:
    low = float(found[1])
    return low, float(found[2] or low), limit


def _draw_band(axes: Axes, bands: list[tuple[float, float, Limit]]) -> None:
    """Draw both limits of a response along the frequencies for which they hold."""
    for end in ("low", "high"):
        told = [
            (hz, at)
            for low, high, limit in sorted(bands, key=lambda each: each[:2])
            if (at := getattr(limit, end)) is not None
            for hz in (low, high)
        ]
        told = sorted(set(told))
        axes.plot([hz for hz, _ in told], [at for _, at in told], color=LIMIT_COLOUR,
                  linewidth=0.8, linestyle="--")  # fmt: skip


# ---- junit -------------------------------------------------------------------------------------
# A run as JUnit XML, for tools that collect results.

SKIPPED: Final = {Verdict.SKIPPED, Verdict.NOT_ON_THIS_DEVICE}


def junit_xml(run: Run) -> bytes:
    """Write findings as test cases, their figures as properties; what was not run as an error."""
    cases = [_case(finding) for finding in run.findings]
    cases += [_not_run(key) for key in run.missing]
    suite = Tree.Element(
        "testsuite",
        {
            "name": "hw_tests",
            "tests": str(len(cases)),
            "failures": str(sum(f.verdict is Verdict.FAILED for f in run.findings)),
            "errors": str(sum(case.find("error") is not None for case in cases)),
            "skipped": str(sum(f.verdict in SKIPPED for f in run.findings)),
            "timestamp": clean_text(run.started),
            "hostname": clean_text(run.site),
        },
    )
    suite.extend(cases)
    written: bytes = Tree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written


def _case(finding: Finding) -> Tree.Element:
    name = clean_text(f"{finding.key} {finding.line}".strip())
    case = Tree.Element("testcase", {"classname": "hw_tests", "name": name})
    properties = Tree.SubElement(case, "properties")
    for figure in finding.figures:
        value = clean_text(f"{value_text(figure)} ({limit_text(figure)})")
        Tree.SubElement(properties, "property", {"name": clean_text(figure.name), "value": value})
    said = clean_text(str(finding.remark) or finding.verdict)
    if finding.verdict is Verdict.FAILED:
        Tree.SubElement(case, "failure", {"message": said})
    elif finding.verdict is Verdict.INCOMPLETE:
        Tree.SubElement(case, "error", {"message": said})
    elif finding.verdict in SKIPPED:
        Tree.SubElement(case, "skipped", {"message": f"{finding.verdict}: {said}"})
    return case


def _not_run(key: str) -> Tree.Element:
    case = Tree.Element("testcase", {"classname": "hw_tests", "name": clean_text(key)})
    Tree.SubElement(case, "error", {"message": "not run"})
    return case


# ---- profile -----------------------------------------------------------------------------------
# A modem's profile as TOML, from what the field test found; a line's `profile` key names it.
#
# The questions are those that no manual answers (v253.md 10): what was not measured stays open.

PROFILE_HEAD: Final = """\
# A modem's profile, measured by `centralino line field-test`. A line uses it by
#     profile = "/etc/centralino/THIS-FILE.toml"
# in its [[lines]] table of centralino.toml; what that table says itself wins over [use].
# [answers] and `open` are for whoever collects what such modems really do: please send this file.
"""
DUPLEX, VOLTAGE, IN_USE = "duplex (+VTR)", "line voltage (-TRV)", "line in use (-STE)"
"""Capabilities as `hw_tests/asking.py` names them."""
SIMULATED: Final = "exchange"
# So much later than measured a caller's number may still come.
AFTER_S: Final = 0.5
DEFAULT_LIMIT_S: Final = 3.0
# The questions, in the order of v253.md 10.
OPEN_QUESTIONS: Final = {
    "duplex": "does +VTR carry sound both ways?",
    "stream_end": "how long from the end of an announcement to OK?",
    "voltage": "can -TRV be believed?",
    "line_in_use": "is there -STE?",
    "caller_id": "when does the caller's number come?",
    "release": "how is it told that the far end has hung up?",
    "flash": "how long must a hook flash be here?",
    "at_4886": "what does AT!4886 change?",
}


def write_profile(run: Run, path: Path, overrides: tuple[str, ...] = ()) -> list[Path]:
    """Write the profile of line A's modem, and beside it line B's where that is another modem.

    `overrides` are the commands with which it was measured. Raises TechnicianError when no modem
    was asked who it is, or the file cannot be written.
    """
    if not run.units:
        raise TechnicianError(_("{path} was not written: no modem was asked who it is", path=path))
    written: list[Path] = []
    known: set[tuple[str, str, str]] = set()
    for unit in run.units:
        if _who(unit) in known:
            continue
        known.add(_who(unit))
        place = path.with_stem(f"{path.stem}-{unit.line}") if written else path
        try:
            atomic_write(place, profile_text(run, unit, overrides), mode=READABLE)
        except OSError as error:
            raise TechnicianError(
                _("{file} cannot be written: {why}", file=place, why=os_error_words(error))
            ) from error
        written.append(place)
    return written


def profile_text(run: Run, unit: Unit, overrides: tuple[str, ...] = ()) -> str:
    """Write the profile of one modem as TOML."""
    answers = _answers(run, unit)
    told: dict[str, Any] = {
        "open": [question for key, question in OPEN_QUESTIONS.items() if key not in answers],
        "device": {
            "maker": clean_text(unit.maker),
            "identity": clean_text(unit.identity),
            "firmware": clean_text(unit.firmware),
        },
        "measured": {
            "at": clean_text(run.ended or run.started),
            "site": clean_text(run.site),
            "tester": clean_text(run.tester),
            "set_up": run.set_up,
        },
        "use": _use(run, unit) | ({"overrides": list(overrides)} if overrides else {}),
        "answers": answers,
    }
    return PROFILE_HEAD + tomli_w.dumps(told)


def _who(unit: Unit) -> tuple[str, str, str]:
    return unit.maker, unit.identity, unit.firmware


def _use(run: Run, unit: Unit) -> dict[str, Any]:
    """Give the keys of [[lines]] that were measured; of a simulated line only what is its modem's.

    When a simulated exchange sends the number, and what flash it takes, says nothing of a real one.
    """
    use: dict[str, Any] = {}
    if (duplex := dict(unit.capabilities).get(DUPLEX)) is not None:
        use["duplex"] = duplex
    if (voltage := _voltage(run, unit)) is not None:
        use["voltage"] = voltage
    if run.set_up == SIMULATED:
        return use
    if (after := _identity_s(run, unit)) is not None:
        use["caller_id"] = "before" if after < 0 else "after"
        if after + AFTER_S > DEFAULT_LIMIT_S:
            use["identity_limit"] = math.ceil((after + AFTER_S) * 2) / 2
    if (flash_ms := _figure(_of_make(run, "flash", unit), "flash")) is not None:
        use["flash"] = flash_ms / 1000
    return use


def _answers(run: Run, unit: Unit) -> dict[str, str]:
    """Say in words what was found, question by question."""
    able = dict(unit.capabilities)
    end_ms = _figure(_found(run, "stream_end", unit.line), "end of sound to OK")
    voltage, after = _voltage(run, unit), _identity_s(run, unit)
    flash = _of_make(run, "flash", unit)
    said = {
        "duplex": _yes(able.get(DUPLEX)),
        "stream_end": None if end_ms is None else f"{end_ms:.0f} ms",
        "voltage": _yes(voltage),
        "line_in_use": _line_in_use(run, unit),
        "caller_id": None if after is None else f"{after:.2f} s after the first ring",
        "release": _releases(run, unit),
        "flash": clean_text(_flash_said(flash)) if flash else None,
        "at_4886": _poke_said(_of_make(run, "at_4886", unit)),
    }
    return {key: answer for key, answer in said.items() if answer}


def _line_in_use(run: Run, unit: Unit) -> str | None:
    """Say whether there is -STE, and what the modem tells of a telephone that is lifted."""
    has = _yes(dict(unit.capabilities).get(IN_USE))
    lifted = _found(run, "extension", unit.line)
    after = _figure(lifted, "noticed after")
    if after is not None:
        return f"{has or '?'}; a lifted telephone is told after {after:.2f} s"
    if lifted is not None and lifted.verdict is Verdict.NOT_ON_THIS_DEVICE:
        return f"{has or '?'}; a lifted telephone is not told"
    return has


def _poke_said(poked: Finding | None) -> str | None:
    if poked is None or poked.verdict not in {Verdict.PASSED, Verdict.NOT_ON_THIS_DEVICE}:
        return None
    return clean_text(str(poked.remark))


def _yes(told: bool | None) -> str | None:
    return None if told is None else "yes" if told else "no"


def _voltage(run: Run, unit: Unit) -> bool | None:
    """Tell whether the volts were those of a line; None when they were not asked for."""
    found = _found(run, "line_voltage", unit.line)
    return None if found is None else found.verdict is Verdict.PASSED


def _identity_s(run: Run, unit: Unit) -> float | None:
    for finding in run.findings:
        if finding.key == "caller_id" and finding.line.rpartition(">")[2] == unit.line:
            return _figure(finding, "after the first ring")
    return None


def _releases(run: Run, unit: Unit) -> str:
    told = (
        f"{finding.key.rpartition('.')[2]}: {str(finding.remark).rstrip('.')}"
        for finding in run.findings
        if finding.key.startswith(("release.", "person_release"))
        and finding.line == unit.line
        and finding.verdict in {Verdict.PASSED, Verdict.NOT_ON_THIS_DEVICE}
    )
    return clean_text("; ".join(told))


def _flash_said(flash: Finding) -> str:
    ms = _figure(flash, "flash")
    return str(flash.remark) if ms is None else f"{ms:.0f} ms"


def _of_make(run: Run, key: str, unit: Unit) -> Finding | None:
    """Return what was found of a modem, or of another one of its make where only that was asked."""
    same = (each.line for each in run.units if each.line != unit.line and _who(each) == _who(unit))
    found = (_found(run, key, line) for line in (unit.line, *same))
    return next((finding for finding in found if finding), None)


def _found(run: Run, key: str, line: str) -> Finding | None:
    return next((f for f in run.findings if (f.key, f.line) == (key, line)), None)


def _figure(finding: Finding | None, name: str) -> float | None:
    """Return a figure of a finding that holds."""
    if finding is None or finding.verdict is not Verdict.PASSED:
        return None
    return next((figure.value for figure in finding.figures if figure.name == name), None)
