"""The report holds what was measured, in both languages, loads nothing, and trusts no modem."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from appliance.errors import TechnicianError
from appliance.fieldtest import person, report
from appliance.fieldtest.report import junit_xml
from appliance.paper import pdf
from hw_tests import findings
from hw_tests.findings import Figure, Finding, Limit, Run, Series, Unit, Verdict
from tests.fieldtest.runs import finding, run

EMPTY = frozenset({"meta", "br", "img"})
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style><iframe src=//evil.example>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "$\\frac{$ \\relax",
    "--> ]]> <!-- &amp; &#60;b&#62;",
    "\x00\x07\x1b[31m\u202egnirts\ud800",
    "url(http://evil.example/x) @import 'y'",
    "x" * 100_000,
)


class Seen(HTMLParser):
    """What a browser would see: elements with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.told = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note its end, which must be that of the one opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.told += data

    def pictures(self) -> list[bytes]:
        """Return what the pictures are made of."""
        sources = [attrs["src"] or "" for tag, attrs in self.elements if tag == "img"]
        return [base64.b64decode(source.partition(",")[2]) for source in sources]

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the elements and the names of their attributes, without what stands in them."""
        return [(tag, tuple(attrs)) for tag, attrs in self.elements]


def seen(made: Run) -> Seen:
    """Render a run and read it as a browser does."""
    return Seen(report.report_page(made, findings.dumps(made).encode(errors="replace")))


def with_text(text: str) -> Run:
    """Make a run that has a text wherever one may come from outside."""
    unit = Unit("A", text, text, text, text, text, text, ((text, True), (text, None)))
    one = finding(
        key=text,
        line=text,
        title=(text, text),
        figures=(Figure(text, 1.5, text, Limit(0, 1)),),
        remark=(text, text),
        series=(Series(text, "timing", (1.0, 2.0), (3.0, 4.0), text, text),),
        sounds=(Path("sounds") / text[:100].replace("\0", "").replace("/", "_"),),
    )
    return run(
        site=text, tester=text, started=text, ended=text, clock_state=text, set_up=text,
        units=(unit,), findings=(one,), expected=(text + "!",),
    )  # fmt: skip


def test_everything_measured_stands_in_it() -> None:
    """Site, tester, times, clock, devices, figures with limits, verdicts: nothing is left out."""
    made = run()
    told = seen(made).told
    for text in (
        "Municipio di Prova", "Maria Bianchi", "gio 26 novembre 2026, 10:00", "sincronizzato",
        "/dev/serial/by-path/usb-1", "CX93001", "V0.2013", "24680246", "+VTR", "-TRV", "-STE",
        "Risposta in frequenza", "Frequency response", "7.25 dB", "≤ 6", "38.5 dB", "≥ 25",
        "0 … 120", "NON superata", "FAILED", "non su questo apparecchio", "not on this device",
        "La linea attenua gli acuti.", "The line loses the treble.", "sounds/a b.wav",
        "firma", "signature", hashlib.sha256(findings.dumps(made).encode()).hexdigest(),
    ):  # fmt: skip
        assert text in told


def test_nothing_is_loaded() -> None:
    """Pictures lie in the page, sounds beside it; nothing else is asked for, nothing runs."""
    looked = seen(run())
    tags = Counter(tag for tag, _ in looked.elements)
    assert not tags.keys() & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert tags["img"] == 4
    for _, attrs in looked.elements:
        assert not [name for name in attrs if name.startswith("on")]
        assert (attrs.get("src") or "data:image/svg+xml;").startswith("data:image/svg+xml;")
        assert (attrs.get("href") or "./").startswith("./")
    assert "url(" not in looked.told
    assert "@import" not in looked.told


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:12].encode().hex() if not text.isprintable()
                                               else text[:12] for text in HOSTILE[:7]]
                         + ["control", "css", "long"])  # fmt: skip
def test_a_hostile_text_stays_text(text: str) -> None:
    """Whatever a modem says of itself: the same elements and attributes as for a tame one."""
    tame, wild = seen(with_text("tame")), seen(with_text(text))
    assert wild.shape() == tame.shape()
    assert wild.open == []
    assert person.clean_text(text)[:40] in wild.told
    for picture in wild.pictures():
        elements = list(Tree.fromstring(picture).iter())
        names = {element.tag.rpartition("}")[2] for element in elements}
        assert not names & {"script", "image", "foreignObject", "a"}
        assert not [e for e in elements if "evil" in "".join(e.attrib.values())]
    assert Tree.fromstring(junit_xml(with_text(text))).get("errors") == "1"


def test_the_page_stays_small() -> None:
    """A modem that babbles does not fill the report."""
    assert len(report.report_page(with_text("x" * 100_000), b"")) < 200_000


def test_what_breaks_a_limit_is_marked() -> None:
    """The figures that break their limit, or have one and no value, are told from the others."""
    one = finding(series=())
    marked = [a.get("class") for tag, a in seen(run(findings=(one,))).elements if tag == "td"]
    assert marked.count("n bad") == sum(not figure.good for figure in one.figures) == 2


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"set_up": "exchange"}, "no proof about a real line"),
        ({"ended": ""}, "interrupted"),
        ({"expected": ("response", "soak")}, "not run"),
        ({"clock_state": "not synchronised"}, "NOT synchronised"),
        ({"findings": ()}, "no test was run"),
    ],
)
def test_what_a_reader_must_know_is_said(more: dict[str, object], told: str) -> None:
    """A simulated line, an interrupted run, tests left out, a wrong clock: not to be overlooked."""
    plain = {"findings": (finding(series=()),), "expected": ("response",)}
    assert told in seen(run(**plain | more)).told
    assert told not in seen(run(**plain)).told


@pytest.mark.parametrize(
    ("x", "y", "is_drawn"),
    [
        ((), (), False),
        ((1.0,), (), False),
        ((1.0, 2.0), (float("nan"), float("inf")), False),
        ((1.0, 2.0, 3.0), (1.0,), True),
        ((0.0, 0.0), (1.0, 1.0), True),
        ((-5.0, 5.0), (1e300, -1e300), True),
    ],
)
@pytest.mark.parametrize("kind", ["response", "level", "spectrum", "timing"])
def test_strange_series_do_no_harm(
    kind: str, x: tuple[float, ...], y: tuple[float, ...], is_drawn: bool
) -> None:
    """A series without points is left out; points that are no numbers are."""
    series = Series("s", kind, x, y, "Hz", "dB")  # type: ignore[arg-type]  # one of the kinds
    assert (report.draw_series(series, finding()) is not None) is is_drawn


def test_no_peak_is_lost_in_a_long_series() -> None:
    """A second of sound among a million points is drawn by its extremes."""
    y = [0.0] * 1_000_000
    y[123_456], y[654_321] = 9.0, -9.0
    kept = report._points(Series("s", "level", tuple(map(float, range(len(y)))), tuple(y), "", ""))
    assert len(kept) <= report.POINTS + 2
    assert {(123_456.0, 9.0), (654_321.0, -9.0)} <= set(kept)


def test_the_same_run_gives_the_same_page() -> None:
    """The page depends on the run alone."""
    assert report.report_page(run(), b"x") == report.report_page(run(), b"x")


def test_junit_counts() -> None:
    """A failure is a failure, what the device cannot do is skipped, what is missing an error."""
    suite = Tree.fromstring(junit_xml(run(expected=("response", "level", "tones", "soak"))))
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == list("4111")
    (failed,) = [case for case in suite if case.find("failure") is not None]
    assert failed.get("name") == "response A>B"
    told = {p.get("name"): p.get("value") for p in failed.iter("property")}
    assert told["ripple"] == "7.25 dB (≤ 6)"


def test_without_findings_one_sentence(tmp_path: Path) -> None:
    """A folder without findings, or with broken ones, is said so; nothing is written."""
    with pytest.raises(TechnicianError, match="no report of"):
        report.write_report(tmp_path)
    (tmp_path / findings.FILE).write_bytes(b"\xff{")
    with pytest.raises(TechnicianError, match="no report of"):
        report.write_report(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [findings.FILE]


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "file:///etc/hostname", "//evil.example/"])
def test_nothing_is_fetched_for_the_paper(url: str) -> None:
    """Even a page that asked for something would get nothing."""
    with pytest.raises(pdf.FetchedError, match="not within the page"):
        pdf.Fetcher().fetch(url)


@pytest.mark.system
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs Debian's poppler-utils")
@pytest.mark.parametrize("made", [run(), with_text(HOSTILE[1])], ids=["plain", "hostile"])
def test_the_paper_says_the_same(made: Run, tmp_path: Path) -> None:
    """The PDF has the page's words and pictures, and no page of it is empty."""
    findings.write(made, tmp_path)
    assert report.write_report(tmp_path) == made
    assert (tmp_path / report.HTML).stat().st_size > 1000
    path = str(tmp_path / report.PDF)
    told = " ".join(_run("pdftotext", path, "-").decode().split())
    for text in ("Rapporto di collaudo", "Field test report", made.tester, *_figures(made)):
        assert text in told
    pages = _run("pdftoppm", "-r", "40", "-gray", path).split(b"P5\n")[1:]
    assert pages
    assert all(min(picture[-10_000:]) < 250 or min(picture[20:]) < 128 for picture in pages)


def _figures(made: Run) -> list[str]:
    return [
        person.measure_text(figure)
        for each in made.findings
        if each.verdict is not Verdict.NOT_ON_THIS_DEVICE
        for figure in each.figures
        if len(person.measure_text(figure)) < 10
    ]


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_the_hostile_runs_differ_from_the_tame() -> None:
    """The check of shapes can fail: an element more is seen."""
    one: Finding = finding(series=())
    more = replace(one, sounds=(Path("a.wav"), Path("b.wav")))
    assert seen(run(findings=(more,))).shape() != seen(run(findings=(one,))).shape()
