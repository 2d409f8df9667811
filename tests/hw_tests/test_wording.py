"""Figures as people read them: units that tell something, and each name in every language."""

from __future__ import annotations

import pytest

from appliance.text import LANGUAGES
from hw_tests.field import Field
from hw_tests.findings import Figure, Limit
from hw_tests.measures.table import MEASURES
from hw_tests.run import Recorder
from hw_tests.wording import is_known, limit_text, name_words, value_text
from tests.hw_tests.virtual import Virtual


@pytest.mark.parametrize(
    ("figure", "value", "limit"),
    [
        (Figure("level", -12.04, "dBm0", Limit(-22.0, -4.0)), "−12,0 dBm0", "−22 … −4 dBm0"),
        (Figure("half of the ticks", 0.0002812, "s"), "0,28 ms", "–"),
        (Figure("noticed after", 0.0002812, "s", Limit(None, 8.0)), "0,00 s", "≤ 8 s"),
        (Figure("noticed after", 3.0899, "s", Limit(None, 8.0)), "3,1 s", "≤ 8 s"),
        (Figure("line ready again", 8.04, "s", Limit(None, 8.0)), "8,04 s", "≤ 8 s"),
        (Figure("frequency", 425.049, "Hz", Limit(415.0, 435.0)), "425 Hz", "415 … 435 Hz"),
        (Figure("frequency", 435.3, "Hz", Limit(415.0, 435.0)), "435,3 Hz", "415 … 435 Hz"),
        (
            Figure("heard", 8020.0, "1/s", Limit(7600.0, None)),
            "8020 campioni/s",
            "≥ 7600 campioni/s",
        ),
        (Figure("nominal", 15.0, "/16", Limit(16.0, None)), "15/16", "16/16"),
        (Figure("voice", 1.0, "", Limit(1.0, 1.0)), "sì", "sì"),
        (Figure("number as expected", 0.0, "", Limit(1.0, 1.0)), "no", "sì"),
        (Figure("number with AT!4886=02", 1.0, ""), "sì", "–"),
        (Figure("after the first ring", -0.5, "s", Limit(-5.0, 4.0)), "0,50 s", "≤ 5 s"),
        (Figure("after the first ring", 2.11, "s", Limit(-5.0, 4.0)), "2,1 s", "−5 … 4 s"),
        (Figure("swing", -0.0001, "dB", Limit(None, 3.0)), "0,0 dB", "≤ 3 dB"),
        (Figure("round trip", None, "ms", Limit(None, 400.0)), "–", "≤ 400 ms"),
        (Figure("round trip", 12_000.0, "ms", Limit(None, 400.0)), "12,0 s", "≤ 0,4 s"),
        (Figure("signal to noise", 27.96, "dB", Limit(28.0, None)), "27,96 dB", "≥ 28 dB"),
        (Figure("calls", 391.0, "", Limit(1.0, None)), "391", "≥ 1"),
        (Figure("number at all", 1.0, "", Limit(1.0, None)), "sì", "sì"),
        (Figure("drop-outs", 3.0, "/min", Limit(None, 0.0)), "3 /min", "0 /min"),
        (Figure("swing", 3.0, "dB", Limit(None, 0.0)), "3,0 dB", "≤ 0 dB"),
    ],
)
def test_a_figure_is_read_as_people_write_it(figure: Figure, value: str, limit: str) -> None:
    """No exponent, no minus before nothing; what breaks its limit has decimals that show it."""
    assert (value_text(figure, "it"), limit_text(figure, "it")) == (value, limit)
    english = value.replace(",", ".").replace("campioni", "samples").replace("sì", "yes")
    assert value_text(figure, "en") == english


def test_what_comes_before_is_called_so() -> None:
    """A time before the ring is no negative time after it."""
    assert (
        name_words(Figure("after the first ring", -0.5, "s"))
        .text("en")
        .startswith("number, before")
    )
    assert (
        name_words(Figure("after the first ring", 0.5, "s")).text("en").startswith("number, after")
    )
    assert (
        name_words(Figure("harmonic 2, below the tone", 50.0)).text("it").startswith("armonica 2")
    )
    assert name_words(Figure("what nobody knows", 1.0)).text("it") == "what nobody knows"


@pytest.mark.parametrize("dialect", ["conexant", pytest.param("usr5637", marks=pytest.mark.whole)])
def test_every_figure_of_a_run_has_its_name_in_every_language(
    dialect: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is measured on two lines, and on one."""
    for kind in ("exchange", "one line"):
        world = Virtual(dialect)
        world.kind = kind
        made = [each for each in MEASURES if kind in each.where and each.name != "soak"]
        place = Field(world, tmp_path_factory.mktemp("run"), load_s=8.0, silence_s=4.0)
        recorder = Recorder(place, made, "", "")
        found = [each for measure in made for each in recorder.make(measure)]
        figures = [figure for each in found for figure in each.figures]
        assert figures
        assert [figure.name for figure in figures if not is_known(figure.name)] == []
        for figure in figures:
            assert all(name_words(figure).text(language) for language in LANGUAGES)
