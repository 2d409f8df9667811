"""What begins during the calls without a pause is found in them, by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from hw_tests.field import Field
from hw_tests.findings import Finding, Verdict
from hw_tests.measures import load, soak
from tests.hw_tests.virtual import Virtual

Knobs = dict[str, object]
SOAK_S = 60.0
BEGINS: dict[str, tuple[Knobs, str]] = {
    "noise -25 dBm0": ({"noise": -25}, "There is noise"),
    "noise -20 dBm0": ({"noise": -20}, "There is noise"),
    "hum -25 dBm0": ({"hum": -25}, "hum of the mains"),
    "gaps of 500 ms every 6 s": ({"drop": [500, 6]}, "drops out"),
    "clipping at -25 dBm0": ({"clip": -25}, "clipped"),
    "slips of 40 ms every 5 s": ({"slip": [40, 5]}, "The sound jumps"),
    "a suppressor of 30 dB": ({"suppress": 30}, "an echo suppressor"),
    "13 dB more loss": ({"loss": 13}, "louder or weaker than at first"),
    "13 dB less loss": ({"loss": -13}, "louder or weaker than at first"),
}


def soaked(folder: Path, knobs: Knobs, dialect: str = "conexant") -> list[Finding]:
    """Measure speech on two good lines, then turn line A's knobs and make calls."""
    world = Virtual(dialect)
    field = Field(world, folder, soak_s=SOAK_S, load_s=9.0)
    load.load(field)
    world.turn("A", **knobs)
    return [each for each in soak.soak(field) if each.key in {"soak", "soak.sound"}]


@pytest.mark.parametrize(("knobs", "said"), BEGINS.values(), ids=BEGINS)
def test_a_line_that_goes_bad_fails_by_name(knobs: Knobs, said: str, tmp_path: Path) -> None:
    """Only what line A hears is bad, and only that direction fails."""
    _calls, there, back = soaked(tmp_path, {"hears": knobs})
    assert (there.line, there.verdict) == ("A>B", Verdict.PASSED), there
    assert (back.line, back.verdict) == ("B>A", Verdict.FAILED)
    assert said in back.remark.text("en"), back


ODD: dict[str, Knobs] = {
    "nothing": {},
    "a slip now and then": {"hears": {"slip": [10, 90]}},
    "lost packets of 20 ms": {"hears": {"drop": [20, 7]}},
    "a noise of -48 dBm0": {"noise": -48},
    "2 dB more loss": {"loss": 2},
}


@pytest.mark.parametrize("dialect", ["conexant", "usr5637", "conexant-pcm"])
@pytest.mark.parametrize("knobs", ODD.values(), ids=ODD)
def test_a_line_that_stays_good_passes(knobs: Knobs, dialect: str, tmp_path: Path) -> None:
    """However odd, and with whatever modem; half duplex ones take turns."""
    found = soaked(tmp_path, knobs, dialect)
    assert [each.verdict for each in found] == [Verdict.PASSED] * 3, found


def test_one_bad_call_in_twenty_is_spared() -> None:
    """A click an hour is no fault of a line; of a few calls each counts."""
    assert soak._worst([-60.0] * 19 + [-20.0]) == -60.0
    assert soak._worst([-60.0] * 18 + [-20.0]) == -20.0
    assert soak._worst([0.0] * 3 + [-30.0], low=True) == -30.0


def test_where_no_sound_came_nothing_is_passed(tmp_path: Path) -> None:
    """Without a call there is no sound to be judged."""
    world = Virtual()
    field = Field(world, tmp_path, soak_s=1.0)
    assert field.ready
    world.turn("A", cut=True)
    verdicts = {(each.key, each.line): each.verdict for each in soak.soak(field)}
    assert verdicts["soak.sound", "A>B"] is Verdict.INCOMPLETE
    assert verdicts["soak.sound", "B>A"] is Verdict.INCOMPLETE


class Stalled(Virtual):
    """Lines served by a machine that is late in its first calls, and then is not."""

    def __init__(self, calls: float) -> None:
        self._calls, self._asked = calls, 0
        super().__init__()

    def late_s(self) -> float:
        """Give how late it was: asked before each call and after it."""
        self._asked += 1
        return 0.3 if self._asked % 2 == 0 and self._asked <= 2 * self._calls else 0.0


@pytest.mark.parametrize(
    ("calls", "verdict"), [(0, Verdict.FAILED), (2, Verdict.PASSED), (1e9, Verdict.INCOMPLETE)]
)
def test_a_call_in_which_this_machine_was_late_proves_nothing(
    calls: float, verdict: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its gaps are of our own making: other calls are made, and without any nothing is passed."""
    talk, made = soak._talk, 0

    def gone_at_first(field: Field) -> dict[tuple[str, str], soak._Came]:
        nonlocal made
        made += 1
        came = talk(field)
        return dict.fromkeys(came, soak._Came(None)) if made <= 2 else came

    monkeypatch.setattr(soak, "_talk", gone_at_first)
    found = list(soak.soak(Field(Stalled(calls), tmp_path, soak_s=1.0)))
    assert {each.key for each in found} == {"soak", "soak.sound", "soak.caller_id"}
    assert found[0].verdict is verdict, found[0]
    if calls == 2:
        assert found[0].figures[0].value == soak.FEWEST + 2
    if verdict is Verdict.INCOMPLETE:
        assert {each.verdict for each in found} == {Verdict.INCOMPLETE}
        assert all("too busy" in each.remark.text("en") for each in found)


@pytest.mark.parametrize("ppm", [60, 100])
def test_an_echo_between_crystals_apart_is_no_noise(ppm: int, tmp_path: Path) -> None:
    """Two plans of speech are few to tell what is usual; a side's own echo is."""
    world = Virtual()
    for name, each in (("A", ppm), ("B", -ppm)):
        world.turn(name, ppm=each, echo=[12, 3])
    field = Field(world, tmp_path, soak_s=5.0, load_s=20.0)
    load.load(field)
    found = [each for each in soak.soak(field) if each.key == "soak.sound"]
    assert [each.verdict for each in found] == [Verdict.PASSED] * 2, found
