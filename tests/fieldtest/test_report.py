"""The report of a field test: HTML, PDF, JUnit, and the measured profile of a modem."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import shutil
import subprocess
import tomllib
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Tree

import pytest

from appliance.calls.orders import Result
from appliance.config import office as config_office
from appliance.config import read
from appliance.config.build import line_setup
from appliance.config.office import build_office
from appliance.config.values import BadConfiguration
from appliance.errors import TechnicianError
from appliance.fieldtest import person, report
from appliance.fieldtest.report import junit_xml
from appliance.media.messages import line_settings
from appliance.modem.dialects import CONEXANT, GENERIC
from appliance.modem.line import LineMachine
from appliance.modem.scripts import LineSettings
from appliance.paper import pdf
from appliance.policy.routing import Destination
from appliance.service.backup import backup_pieces
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from appliance.text import LANGUAGES, NOTHING, unchanged
from hw_tests import findings
from hw_tests.cases import LINES
from hw_tests.findings import Figure, Finding, Limit, Series, Unit, Verdict
from hw_tests.measures.table import measures_for
from hw_tests.wording import value_text
from tests.fieldtest.runs import finding, run
from tests.fieldtest.small import field_test
from tests.helpers.box import Box
from tests.helpers.words import pair
from tests.hw_tests import whole
from tests.hw_tests.whole import keys_of

if TYPE_CHECKING:
    from hw_tests.findings import Run


FAILED = Verdict.FAILED
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


def seen(made: Run, language: str = "it") -> Seen:
    """Render a run and read it as a browser does."""
    return Seen(report.report_page(made, findings.dumps(made).encode(errors="replace"), language))


def with_text(text: str) -> Run:
    """Make a run that has a text wherever one may come from outside."""
    unit = Unit("A", text, text, text, text, text, text, ((text, True), (text, None)))
    one = finding(
        key=text,
        line=text,
        title=unchanged(text),
        figures=(Figure(text, 1.5, text, Limit(0, 1)),),
        remark=unchanged(text),
        series=(Series(text, "timing", (1.0, 2.0), (3.0, 4.0), text, text),),
        sounds=(Path("sounds") / text[:100].replace("\0", "").replace("/", "_"),),
    )
    return run(
        site=text, tester=text, started=text, ended=text, clock_state=text, set_up=text,
        units=(unit,), findings=(one,), expected=(text + "!",),
    )  # fmt: skip


STANDS = {
    "it": (
        "gio 26 novembre 2026, 10:00", "sincronizzato", "Risposta in frequenza", "7,2 dB", "≤ 6 dB",
        "38,5 dB", "≥ 25 dB", "0 … 120 ms", "NON superata", "non su questo apparecchio",
        "La linea attenua gli acuti.", "Per il collaudo: luogo, data, firma (Maria Bianchi)",
        "Per l'ufficio: luogo, data, firma", "Mette in comunicazione utente e operatore",
        "Utente e operatore non si capiscono.",
        "In questo allestimento nessuna misura la verifica.",
    ),
    "en": (
        "Thu 26 November 2026, 10:00", "synchronised", "Frequency response", "7.2 dB", "≤ 6 dB",
        "38.5 dB", "≥ 25 dB", "0 … 120 ms", "FAILED", "not on this device",
        "The line loses the treble.", "For the test: place, date, signature (Maria Bianchi)",
        "For the office: place, date, signature", "Joins caller and operator",
        "Caller and operator cannot understand each other.", "In this set-up nothing measures it.",
    ),
}  # fmt: skip
"""What the page says of the plain run in each language, and not in the other."""


def test_everything_measured_stands_in_it() -> None:
    """Site, tester, times, clock, devices, figures with limits, verdicts: nothing is left out."""
    made = run()
    for_all = (
        "Municipio di Prova", "Maria Bianchi", "/dev/serial/by-path/usb-1", "CX93001", "V0.2013",
        "24680246", "+VTR", "-TRV", "-STE", "sounds/a b.wav",
        hashlib.sha256(findings.dumps(made).encode()).hexdigest(),
    )  # fmt: skip
    for language, texts in STANDS.items():
        told = seen(made, language).told
        for text in (*for_all, *texts):
            assert text in told, (language, text)
        others = {text for name in STANDS if name != language for text in STANDS[name]}
        assert [text for text in others - set(texts) if text in told] == [], language


def test_nothing_is_loaded() -> None:
    """Pictures lie in the page, sounds beside it; nothing else is asked for, nothing runs."""
    looked = seen(run())
    tags = Counter(tag for tag, _ in looked.elements)
    assert not tags.keys() & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert tags["img"] == 3  # two moments make no drawing
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
    assert marked.count("n bad") == 3  # two in the annex, one of them before it
    assert sum(not figure.good for figure in one.figures) == 2


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
    assert told in seen(run(**plain | more), "en").told
    assert told not in seen(run(**plain), "en").told


@pytest.mark.parametrize(
    ("x", "y", "is_drawn"),
    [
        ((), (), False),
        ((1.0,), (), False),
        ((1.0, 2.0), (float("nan"), float("inf")), False),
        ((1.0, 2.0, 3.0), (1.0,), False),
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), True),
        ((-5.0, 5.0, 6.0), (1e300, -1e300, 1.0), True),
    ],
)
@pytest.mark.parametrize("kind", ["response", "level", "spectrum", "timing"])
def test_strange_series_do_no_harm(
    kind: str, x: tuple[float, ...], y: tuple[float, ...], is_drawn: bool
) -> None:
    """A series of one point or none is left out; points that are no numbers are."""
    series = Series("s", kind, x, y, "Hz", "dB")  # type: ignore[arg-type]  # one of the kinds
    assert (report.draw_series(series, finding()) is not None) is is_drawn


def test_what_deserves_attention_is_marked() -> None:
    """Within its limit, not what a line should have: yellow, and named before the tables."""
    figures = (Figure("ripple", 5.0, "dB", Limit(None, 6.0), Limit(None, 4.0)),)
    made = run(findings=(finding(verdict=Verdict.PASSED, figures=figures, series=()),))
    page = seen(made, "en")
    marked = [a.get("class") for tag, a in page.elements if tag == "td"]
    assert marked.count("n attention") == 2
    said = "worth attention (yellow): Frequency response A>B: ripple 5.0 dB (good: ≤ 4 dB)"
    assert said in " ".join(page.told.split())


LIMITED = {
    "level": (Series("level", "level", (0.0, 1.0), (-9.0, -9.0), "s", "dBm0"),
              (Figure("level", -9.0, "dBm0", Limit(-22.0, -4.0)),), 2),
    "response": (Series("response", "response", (300.0, 3400.0), (0.0, 0.0), "Hz", "dB"),
                 (Figure("300 Hz", 0.0, "dB", Limit(-15.0, 3.0)),
                  Figure("500 to 2600 Hz, weakest", 0.0, "dB", Limit(-7.0, 3.0))), 2),
    "echo": (Series("echo return loss", "response", (500.0, 900.0), (9.0, 9.0), "Hz", "dB"),
             (Figure("echo return loss", 9.0, "dB", Limit(6.0, None)),), 1),
    "no limit": (Series("spectrum", "spectrum", (1.0, 2.0), (0.0, 0.0), "Hz", "dBm0"),
                 (Figure("level", -9.0, "dBm0", Limit(-22.0, -4.0)),), 0),
}  # fmt: skip


@pytest.mark.parametrize(("series", "figures", "lines"), LIMITED.values(), ids=LIMITED)
def test_limits_are_drawn(series: Series, figures: tuple[Figure, ...], lines: int) -> None:
    """In red, between the ends of the drawing; where a figure says between what it must lie."""
    picture = report.draw_series(series, finding(figures=figures))
    assert picture is not None
    assert picture.count(b"stroke: #d62728") == lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_drawing_is_in_the_reader_s_language(language: str) -> None:
    """Its title and axes have other words, so the picture is another one."""
    one = finding()
    pictures = {
        draw for name in LANGUAGES if (draw := report.draw_series(one.series[0], one, name))
    }
    assert len(pictures) == len(LANGUAGES)
    assert report.draw_series(one.series[0], one, language) in pictures


@pytest.mark.parametrize(
    ("value", "italian", "english"),
    [
        (0.2, "0,2", "0.2"),
        (-10.0, "−10", "−10"),
        (0.1 + 0.2, "0,3", "0.3"),
        (1e300,) + ("1e+300",) * 2,
    ],
)
def test_an_axis_has_the_reader_s_numbers(value: float, italian: str, english: str) -> None:
    """A comma in Italian, no more decimals than are needed."""
    assert (report._tick(value, "it"), report._tick(value, "en")) == (italian, english)


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
    assert told["ripple"] == "7.2 dB (≤ 6 dB)"


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


def test_a_full_disk_is_said_and_is_no_failed_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says a sentence and ends as incomplete, never with a traceback and status 1."""
    findings.write(run(), tmp_path)

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(report, "atomic_write", full)
    with pytest.raises(TechnicianError, match="cannot be written"):
        report.write_report(tmp_path)


@pytest.mark.system
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs Debian's poppler-utils")
@pytest.mark.parametrize("made", [run(), with_text(HOSTILE[1])], ids=["plain", "hostile"])
def test_the_paper_says_the_same(made: Run, tmp_path: Path) -> None:
    """The PDF has the page's words and pictures, and no page of it is empty."""
    findings.write(made, tmp_path)
    assert report.write_report(tmp_path) == made
    for language, title in {"it": "Rapporto di collaudo", "en": "Field test report"}.items():
        assert (tmp_path / report.html_name(language)).stat().st_size > 1000
        path = str(tmp_path / report.pdf_name(language))
        told = " ".join(_run("pdftotext", path, "-").decode().split())
        for text in (title, made.tester, *_figures(made, language)):
            assert text in told
        pages = _run("pdftoppm", "-r", "40", "-gray", path).split(b"P5\n")[1:]
        assert pages
        assert all(min(picture[-10_000:]) < 250 or min(picture[20:]) < 128 for picture in pages)


def _figures(made: Run, language: str) -> list[str]:
    texts = [value_text(figure, language) for each in made.findings for figure in each.figures]
    return [text for text in texts if len(text) < 10]


@pytest.mark.system
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs Debian's poppler-utils")
@pytest.mark.parametrize("language", LANGUAGES)
def test_four_pages_and_an_annex(language: str, tmp_path: Path) -> None:
    """Both signatures stand on the first page, the annex begins on the fifth at the latest: of a
    run that has passed, and of one in which one cause has spoiled everything.
    """
    lacking = dict.fromkeys((key.replace(".", "__") for key in keys_of("two lines")), FAILED)
    for wide in (whole.run(), whole.run("two lines", **lacking)):
        found = tuple(each for each in wide.findings if each.key in LINES or each.line == "A")
        made = replace(wide, findings=found)
        page = report.report_page(made, b"", language, on_paper=True)
        pdf.write_pdf(page, tmp_path / "paper.pdf")
        pages = _run("pdftotext", "-layout", str(tmp_path / "paper.pdf"), "-").decode().split("\f")
        signed = {
            "it": ("Per il collaudo", "Per l'ufficio"),
            "en": ("For the test", "For the office"),
            "de": ("Für den Test", "Für die Körperschaft"),
        }
        assert all(text in pages[0] for text in signed[language])
        annex = {"it": "Allegato", "en": "Annex", "de": "Anhang"}[language]
        (begins,) = [at for at, text in enumerate(pages) if text.lstrip().startswith(annex)]
        assert begins <= 4, made.verdict


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_the_hostile_runs_differ_from_the_tame() -> None:
    """The check of shapes can fail: an element more is seen."""
    one: Finding = finding(series=())
    more = replace(one, sounds=(Path("a.wav"), Path("b.wav")))
    assert seen(run(findings=(more,))).shape() != seen(run(findings=(one,))).shape()


OFFICE = """\
[site]
name = "Prova"
patron = "10-04"
[hours]
[sip]
address = "127.0.0.1"
[folders]
state = "{folder}/state"
[[lines]]
name = "line1"
port = "/dev/serial/by-path/1"
profile = "{profile}"
"""


def found(
    key: str, line: str, name: str, value: float, verdict: Verdict = Verdict.PASSED
) -> Finding:
    """Make a finding of one figure."""
    return Finding(
        key, line, NOTHING, verdict, (Figure(name, value, "", Limit()),), pair("Da", "By x.")
    )


MEASURED = (
    found("line_voltage", "A", "voltage", 48.0),
    found("caller_id", "B>A", "after the first ring", 3.1),
    found("caller_id", "A>B", "after the first ring", -0.5),
    found("stream_end", "A", "end of sound to OK", 12.6),
    found("flash", "A", "flash", 250.0),
    found("release.called", "A", "noticed after", 2.0),
)
UNIT = Unit("A", "/dev/x", "CONEXANT", "CX93001", "V0.2013", capabilities=(
    (report.DUPLEX, True), (report.VOLTAGE, True), (report.IN_USE, False)))  # fmt: skip


def made(**more: object) -> Run:
    """Make a run of a real pair of lines with everything measured."""
    return run(**{"units": (UNIT,), "findings": MEASURED, "expected": (), **more})


def told(measured: Run) -> dict[str, Any]:
    """Write a run's profile and read it as TOML."""
    return tomllib.loads(report.profile_text(measured, measured.units[0]))


def test_what_was_measured_is_used() -> None:
    """Each answer that a line can be driven by is a key of [[lines]]; the rest is told in words."""
    read = told(made())
    assert read["use"] == {
        "duplex": True, "voltage": True, "caller_id": "after", "identity_limit": 4.0, "flash": 0.25,
    }  # fmt: skip
    assert read["answers"] == {
        "duplex": "yes", "stream_end": "13 ms", "voltage": "yes", "line_in_use": "no",
        "caller_id": "3.10 s after the first ring", "release": "called: By x", "flash": "250 ms",
    }  # fmt: skip
    assert read["open"] == [report.OPEN_QUESTIONS["at_4886"]]


def test_the_commands_it_was_measured_with_are_kept() -> None:
    """What was sent after every reset belongs to what was measured."""
    text = report.profile_text(made(), UNIT, ("AT!4886=02",))
    assert tomllib.loads(text)["use"]["overrides"] == ["AT!4886=02"]


def test_what_was_not_measured_stays_open() -> None:
    """Nothing measured, nothing used: every question is open, none is answered by a guess."""
    read = told(made(units=(replace(UNIT, capabilities=()),), findings=()))
    assert (read["use"], read["answers"]) == ({}, {})
    assert read["open"] == list(report.OPEN_QUESTIONS.values())


def test_what_was_asked_of_a_lifted_telephone_and_of_a_poke_is_answered() -> None:
    """Each open question of the manuals has its measurement, and with it none stays open."""
    more = (
        found("extension", "A", "noticed after", 0.25),
        found("at_4886", "A", "number at all", 1.0),
    )
    read = told(made(findings=(*MEASURED, *more)))
    assert read["answers"]["line_in_use"] == "no; a lifted telephone is told after 0.25 s"
    assert read["answers"]["at_4886"] == "By x."
    assert read["open"] == []
    unseen = tuple(replace(each, verdict=Verdict.NOT_ON_THIS_DEVICE) for each in more)
    read = told(made(findings=(*MEASURED, *unseen)))
    assert read["answers"]["line_in_use"] == "no; a lifted telephone is not told"
    assert read["answers"]["at_4886"] == "By x."


def test_what_only_one_of_two_alike_was_asked_answers_for_both() -> None:
    """Flash and poke are measured on line B: the profile of its make has them; another has not."""
    others = tuple(replace(each, line="B") for each in MEASURED if each.key == "flash")
    poked = found("at_4886", "B", "number at all", 1.0)
    rest = tuple(each for each in MEASURED if each.key != "flash")
    measured = made(units=(UNIT, replace(UNIT, line="B")), findings=(*rest, *others, poked))
    read = told(measured)
    assert (read["use"]["flash"], read["answers"]["at_4886"]) == (0.25, "By x.")
    stranger = replace(UNIT, line="B", identity="5637")
    read = told(replace(measured, units=(UNIT, stranger)))
    assert "flash" not in read["use"]
    assert {report.OPEN_QUESTIONS["flash"], report.OPEN_QUESTIONS["at_4886"]} <= set(read["open"])


@pytest.mark.parametrize("key", list(report.OPEN_QUESTIONS))
def test_every_open_question_has_a_measurement(key: str) -> None:
    """A question of the profile that nothing measures would stay open for ever."""
    keys = {each for measure in measures_for("two lines") for each in measure.keys}
    asked = {"voltage": "line_voltage", "line_in_use": "extension", "release": "release.called"}
    assert asked.get(key, key) in keys


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.SKIPPED, Verdict.INCOMPLETE])
def test_what_failed_is_not_used(verdict: Verdict) -> None:
    """A figure beyond its limit drives no line; volts that are not a line's are not believed."""
    failed = tuple(replace(finding, verdict=verdict) for finding in MEASURED)
    assert told(made(findings=failed))["use"] == {"duplex": True, "voltage": False}


def test_a_simulated_line_tells_of_its_modem_alone() -> None:
    """When a simulated exchange sends the number says nothing of the real one."""
    read = told(made(set_up="exchange"))
    assert read["use"] == {"duplex": True, "voltage": True}
    assert read["measured"]["set_up"] == "exchange"


def test_two_makes_are_two_files(tmp_path: Path) -> None:
    """The same modem twice is one profile; another one beside it has its own."""
    same, other = replace(UNIT, line="B"), replace(UNIT, line="B", identity="5637")
    path = tmp_path / "modem.toml"
    assert report.write_profile(made(units=(UNIT, same)), path) == [path]
    assert report.write_profile(made(units=(UNIT, other)), path) == [
        path,
        tmp_path / "modem-B.toml",
    ]
    with pytest.raises(TechnicianError, match="no modem was asked"):
        report.write_profile(made(units=()), path)
    with pytest.raises(TechnicianError, match="cannot be written"):
        report.write_profile(made(), tmp_path)


# --- read back -----------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A configuration whose line names a profile."""
    report.write_profile(made(), tmp_path / "modem.toml")
    path = tmp_path / "centralino.toml"
    path.write_text(OFFICE.format(folder=tmp_path, profile=tmp_path / "modem.toml"), "utf-8")
    return path


def test_a_line_is_driven_by_its_profile(office: Path) -> None:
    """What was measured is in force; what the line's own table says wins."""
    (line,) = read.load(office).lines
    assert (line.duplex, line.caller_id, line.flash) == ("true", "after", 0.25)
    driven = line_settings(line_setup(read.load(office), line))
    assert (driven.duplex, driven.voltage, driven.flash_ms) == (True, True, 250)
    assert driven.identity_limit_ms == 4000
    with office.open("a", encoding="utf-8") as file:
        file.write("flash = 0.1\nduplex = false\n")
    (line,) = read.load(office).lines
    assert (line.duplex, line.flash, line.identity_limit) == ("false", 0.1, 4.0)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_modem_writes_a_profile_that_can_be_read(text: str, office: Path) -> None:
    """Whatever a modem says of itself, its profile is TOML, and drives a line."""
    unit = replace(UNIT, maker=text, identity=text, firmware=text)
    report.write_profile(made(units=(unit,), site=text, tester=text), office.parent / "modem.toml")
    assert read.load(office).lines[0].duplex == "true"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("flash = 0.25", "flash = 25000", "use.flash"),
        ("flash = 0.25", "flush = 0.25", "Did you mean 'flash'?"),
        ("duplex = true", 'duplex = "perhaps"', 'must be true, false or "auto"'),
        ("\n[use]\n", "\n[uses]\n", "use: is missing"),
        ("\n[use]\n", "\n[[use]]\n", "modem.toml cannot be used"),
        ("at = ", "when = ", "measured.at: is missing"),
        ('[device]', "[device", "is written [device]"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_profile_is_said(
    before: str, after: str, said: str, office: Path
) -> None:
    """A sentence that names the profile's file, the place in it and the remedy."""
    path = office.parent / "modem.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")
    with pytest.raises(BadConfiguration) as caught:
        read.load(office)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert str(path) in caught.value.words.text("it")


@pytest.mark.parametrize(
    ("flash", "override", "said"),
    [("2.0", "AT", "hook flash"), ("0.1", "ATZ\\\\rATH", "no AT command")],
)
def test_values_that_no_modem_takes_are_refused(
    flash: str, override: str, said: str, office: Path
) -> None:
    """A profile passes the same checks as the line's own table."""
    path = office.parent / "modem.toml"
    text = path.read_text("utf-8").replace(
        "flash = 0.25", f'flash = {flash}\noverrides = ["{override}"]'
    )
    path.write_text(text.replace("\\\\r", "\\r"), "utf-8")
    with pytest.raises(BadConfiguration, match=said):
        build_office(read.load(office), 2026, str(office))


def test_half_a_path_is_refused(office: Path) -> None:
    """The service has a folder of its own: a profile is found from / or not at all."""
    whole = str(office.parent / "modem.toml")
    office.write_text(office.read_text("utf-8").replace(whole, "modem.toml"), "utf-8")
    with pytest.raises(BadConfiguration, match="whole path"):
        read.load(office)


def test_the_last_good_profile_stays_in_force(office: Path) -> None:
    """A profile that is spoilt or lost changes nothing: the copy of the last good one is used."""
    path = office.parent / "modem.toml"
    assert config_office.in_force(office)[2].text("en") == ""
    path.unlink()
    settings, _, complaint = config_office.in_force(office)
    assert str(path) in complaint.text("en")
    assert (settings.lines[0].duplex, settings.lines[0].flash) == ("true", 0.25)
    report.write_profile(made(findings=()), path)
    assert config_office.in_force(office)[0].lines[0].flash == 0.1
    path.unlink()
    assert config_office.in_force(office)[0].lines[0].flash == 0.1


def test_a_backup_holds_the_profile(office: Path) -> None:
    """What the configuration cannot do without is in the backup beside it."""
    names = {piece.name: piece.path for piece in backup_pieces(read.load(office), office)}
    assert names["profile-1"] == office.parent / "modem.toml"


@pytest.mark.parametrize(
    ("dialect", "voltage", "probe"),
    [
        ("conexant", None, CONEXANT.probe),
        ("conexant", False, None),
        ("generic", None, GENERIC.probe),
        ("generic", True, CONEXANT.probe),
    ],
)
def test_volts_are_asked_for_where_they_can_be_believed(
    dialect: str, voltage: bool | None, probe: object
) -> None:
    """A modem whose volts were measured as false is not asked for them, another one is."""
    assert LineMachine(LineSettings(dialect=dialect, voltage=voltage)).probe == probe


@pytest.mark.system
def test_a_measured_profile_drives_a_call(tmp_path: Path) -> None:
    """A make that is taken for half duplex was measured as duplex: its line rings the operator."""
    path = tmp_path / "modem.toml"
    status, said = field_test(
        "--out", str(tmp_path / "out"), "--profile", str(path), "--dialect", "usr5637", "--",
        "--knobs", '{"vtr": "duplex"}', "-k", "unit or duplex",
    )  # fmt: skip
    assert (status, path.exists()) == (2, True), said  # not all was measured
    with Box(tmp_path / "box", dialect="usr5637", lines=1, line=f'profile = "{path}"\n') as box:
        process.set_line(box.folder / "lines", 1, vtr="duplex")
        assert box.status()["lines"][0]["duplex"] is True
        box.phone("op1").answer_mode("auto", 300)
        box.call(1, CallPlan(caller="0511234567", hang_up_after_ms=1500))
        record = box.last_record(1)
    assert (record.way, record.result) == (Destination.SWITCHBOARD, Result.ANSWERED)
