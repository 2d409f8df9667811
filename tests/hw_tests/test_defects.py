"""Each limit of the field test fails when the exchange is told to be bad; what is good passes.

On a virtual clock: the whole bench, its modems and lines, without a process or a second of waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.text import NOTHING
from hw_tests.field import Field
from hw_tests.findings import Verdict
from hw_tests.measures import poke, release, sound
from hw_tests.measures.machine import judge
from hw_tests.measures.table import MEASURES
from hw_tests.run import Recorder
from tests.helpers.figures import Figures
from tests.hw_tests.virtual import Virtual

FAILED, NOT_HERE = Verdict.FAILED, Verdict.NOT_ON_THIS_DEVICE
BY_NAME = {measure.name: measure for measure in MEASURES}
NEEDS_PROCESSES = {"lateness"}


@dataclass(frozen=True)
class Defect:
    """What is wrong, on which line, and what the measurement that sees it then says.

    `at_s` is how long after the measurement's beginning the knobs are turned; 0: before the modems
    are looked at, and nobody turns them otherwise later.
    `says` are the verdicts other than passed, by key and line. `breaks` is a figure that is then
    beyond its limit, where a finding has several that could be. `hub`: USB can be switched.
    """

    name: str
    measure: str
    knobs: Mapping[str, object]
    says: Mapping[tuple[str, str], Verdict]
    line: str = "A"
    at_s: float = 0.0
    dialect: str = "conexant"
    breaks: str = ""
    hub: bool = False


def _on(key: str, *lines: str, verdict: Verdict = FAILED) -> dict[tuple[str, str], Verdict]:
    return {(key, line): verdict for line in lines}


MUTE = _on("soak.caller_id", "A", "B", verdict=Verdict.INCOMPLETE) | _on(
    "soak.sound", "A>B", "B>A", verdict=Verdict.INCOMPLETE
)
LEVEL, LOPSIDED = _on("level", "A>B"), _on("asymmetry", "")
NUMBER = "051234501"
DEFECTS = (
    Defect("the modem does not answer", "unit", {"wedged": True}, _on("unit", "")),
    Defect("half duplex", "duplex", {"vtr": "error"}, _on("duplex", "A", verdict=NOT_HERE)),
    Defect("duplex without sound", "duplex", {"vtr": "mute"}, _on("duplex", "A", verdict=NOT_HERE)),
    Defect("duplex never left", "duplex", {"vtr": "stuck"}, _on("duplex", "A", verdict=NOT_HERE)),
    Defect("no line", "line_voltage", {"cut": True}, _on("line_voltage", "A")),
    Defect("a line too strong", "line_voltage", {"volts": 90}, _on("line_voltage", "A")),
    Defect("no dial tone", "dial_tone", {"dial_tone": False}, _on("dial_tone", "A")),
    Defect("a weak dial tone", "dial_tone", {"loss": 25}, _on("dial_tone", "A")),
    Defect("3 % detune, dial tone", "dial_tone", {"detune": 3}, _on("dial_tone", "A")),
    Defect("3 % detune, busy tone", "busy_tone", {"detune": 3}, _on("busy_tone", "A")),
    Defect("3 % detune, other", "congestion_tone", {"detune": -3}, _on("congestion_tone", "A")),
    Defect(
        "a number that does not lead to congestion",
        "congestion_tone",
        {"extensions": {"0902": {"outcome": "no-answer"}}},
        _on("congestion_tone", "A"),
    ),
    Defect("rings too far apart", "calls", {"bell": [1000, 5500]}, _on("ring", "B>A")),
    Defect("rings too near", "calls", {"bell": [1000, 2500]}, _on("ring", "B>A")),
    Defect("no caller id", "calls", {"refuse": ["+VCID"]}, _on("caller_id", "B>A")),
    Defect(
        "another number", "calls", {"caller": ["0599999999", "after"]}, _on("caller_id", "A>B"),
    ),
    *(
        Defect(name, "calls", {"caller": [number, "after"]}, _on("caller_id", "A>B"))
        for name, number in (
            ("a number cut off", "234501"),
            ("a number with digits before it", "9990511234501"),
            ("a number of another town", "0691234501"),
        )
    ),
    Defect("a lost answer", "calls", {"lose_results": 1}, _on("answer", "A>B"), "B", at_s=9.35),
    Defect("level -20 dB", "sound", {"loss": 20}, LEVEL | LOPSIDED, "B"),
    Defect("level +10 dB", "sound", {"loss": -10}, LEVEL | LOPSIDED, "B"),
    Defect("noise", "sound", {"noise": -35}, _on("noise", "A>B"), "B"),
    Defect("no treble", "sound", {"dull": 3}, _on("response", "A>B"), "B"),
    Defect("no treble, swept", "swept", {"dull": 3}, _on("swept", "A>B"), "B", breaks="3000 Hz"),
    Defect(
        "a bent characteristic", "swept", {"bent": 0.9}, _on("swept", "A>B"), "B",
        breaks="harmonic 2, below the tone",
    ),
    Defect("noise, swept", "swept", {"noise": -35}, _on("swept", "A>B"), "B",
           breaks="signal to noise"),
    Defect("nothing of the sweep", "swept", {"loss": 90}, _on("swept", "A>B"), "B"),
    Defect("echo 3 dB", "sound", {"echo": [3, 5]}, _on("echo", "A")),
    Defect(
        "nothing heard",
        "sound",
        {"loss": 90},
        {
            ("level", "A>B"): FAILED,
            ("noise", "A>B"): Verdict.INCOMPLETE,
            ("response", "A>B"): Verdict.INCOMPLETE,
            ("round_trip", ""): FAILED,
            ("asymmetry", ""): Verdict.INCOMPLETE,
        },
        "B",
    ),
    Defect("keys too weak", "keys", {"loss": 22}, _on("keys", "A>B"), "B"),
    Defect(
        "keys in noise", "keys", {"noise": -12},
        {("keys", "A>B"): FAILED, ("keys_sent", "A>B"): FAILED}, "B",
    ),
    Defect("a deaf chip", "keys", {"chip_dtmf": False}, _on("chip_keys", "A", verdict=NOT_HERE)),
    Defect(
        "no +VTS", "keys", {"refuse": ["+VTS"]},
        {("keys_sent", "A"): NOT_HERE, ("chip_keys", "B"): NOT_HERE},
    ),
    Defect("a calling tone that is lost", "fax", {"loss": 90}, _on("fax", "A>B"), "B"),
    Defect("drift 200 ppm", "load", {"ppm": 200}, _on("drift", "A")),
    Defect("plays 200 ppm fast", "load", {"ppm": 200}, _on("drift", "A"), breaks="drift, playing"),
    Defect("drift -200 ppm", "load", {"ppm": -200}, _on("drift", "B"), "B"),
    Defect("drift, half duplex", "load", {"ppm": 200}, _on("drift", "A"), dialect="usr5637"),
    Defect("underruns", "load", {"report": "uuu"}, _on("load", "A"), at_s=6.3),
    Defect("an overrun", "load", {"report": "o"}, _on("load", "B"), "B", at_s=6.3),
    Defect(
        "a line that crackles", "releases_planted", {"crackle": -30}, _on("release.silence", "A"),
        breaks="silence noticed after",
    ),
    Defect("no number at all", "at_4886", {"refuse": ["+VCID"]}, _on("at_4886", "B"), "B",
           breaks="number at all"),
    Defect("no AT!4886", "at_4886", {"refuse": ["!4886"]},
           _on("at_4886", "B", verdict=NOT_HERE), "B"),
    Defect("no PBX", "flash", {"pbx": False}, _on("flash", "B", verdict=NOT_HERE), "B"),
    Defect("no flash", "flash", {"refuse": ["+VTS"]}, _on("flash", "B", verdict=NOT_HERE), "B"),
    Defect("a modem that no USB reset helps", "recovery_usb", {"wedged": True},
           {("recovery_usb", "A"): FAILED, ("recovery_power", "A"): FAILED}, at_s=3.0, hub=True),
    Defect("no hub that can be switched", "recovery_usb", {},
           {(key, line): NOT_HERE for key in ("recovery_usb", "recovery_power") for line in "AB"}),
    Defect("a telephone that is not seen", "extension", {"chip_extension": False},
           _on("extension", "A", verdict=NOT_HERE)),
    Defect("plugged in again, and wedged", "unplug", {"wedged": True}, _on("unplug", "A"),
           at_s=0.5),
    Defect("an end that comes late", "stream_end", {"end_late": 1500}, _on("stream_end", "A")),
    Defect(
        "no stream for an announcement", "stream_end", {"refuse": ["+VTX"]},
        _on("stream_end", ""), "B",
    ),
    Defect("killed, and streaming for ever", "kill", {"ignore_dtr": True, "vtr": "stuck"},
           _on("kill", "A"), at_s=5.5),
    Defect("killed, and wedged", "kill", {"wedged": True}, _on("kill", "A"), at_s=5.5),
    Defect("killed, and nobody gets through", "kill", {"called": "99"}, _on("kill", "A")),
    Defect("a modem that wedges", "recovery", {"wedged": True}, _on("recovery", ""), at_s=4.3),
    Defect("a line that is cut", "soak", {"cut": True}, _on("soak", "") | MUTE, at_s=4.3),
    Defect("a line that grows weak", "soak", {"loss": 20}, _on("soak", ""), "B", at_s=4.3),
)  # fmt: skip


class Scheduled(Virtual):
    """A virtual world that turns knobs at a moment."""

    def __init__(self, defect: Defect) -> None:
        self._defect = defect
        self.hub = defect.hub
        self._due: float | None = None
        super().__init__(defect.dialect)
        if not defect.at_s:
            self.turn(defect.line, **defect.knobs)

    def turn(self, name: str, **turned: object) -> bool:
        """Turn knobs; a defect from the start is stubborn."""
        defect = self._defect
        stays = name == defect.line and not defect.at_s
        kept = {key: defect.knobs[key] for key in turned if stays and key in defect.knobs}
        return super().turn(name, **turned | kept)

    def start(self) -> None:
        """Let the defect's time run from now on."""
        self._due = self.now() + self._defect.at_s if self._defect.at_s else None

    def wait(self, until: float) -> None:
        """Let a tick pass, and do what is due."""
        super().wait(until)
        if self._due is not None and self.now() >= self._due:
            self._due = None
            self.turn(self._defect.line, **self._defect.knobs)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_found_by_its_measurement_alone(
    defect: Defect, tmp_path: Path, figures: Figures
) -> None:
    """The finding that is made for it fails, those beside it pass; all are shown at the end."""
    world = Scheduled(defect)
    place = Field(world, tmp_path, soak_s=1.0, load_s=10.0, silence_s=10.0)
    if defect.at_s:
        assert place.ready
        world.start()
    findings = Recorder(place, MEASURES, "", "").make(BY_NAME[defect.measure])
    half = {"echo", "load", "content"} if defect.dialect == "usr5637" else set()
    bad = {
        (each.key, each.line): each.verdict
        for each in findings
        if each.verdict is not Verdict.PASSED and each.key not in half
    }
    assert bad == dict(defect.says), findings
    broken = {figure.name for each in findings for figure in each.figures if not figure.good}
    assert not defect.breaks or defect.breaks in broken, broken
    told = ", ".join(
        f"{key} {line}".strip() + f" {verdict}" for (key, line), verdict in bad.items()
    )
    figures.say(f"field test, {defect.name} ({defect.dialect}, line {defect.line}): {told}")


@pytest.mark.parametrize("dialect", ["conexant", "usr5637", "conexant-pcm"])
def test_a_good_exchange_passes_everything(dialect: str, tmp_path: Path) -> None:
    """What is not on the device is told as that; all else passes, and each key has its finding."""
    world = Virtual(dialect)
    place = Field(world, tmp_path, soak_s=1.0, load_s=10.0, silence_s=10.0)
    chosen = [m for m in MEASURES if "exchange" in m.where and m.name not in NEEDS_PROCESSES]
    recorder = Recorder(place, chosen, "", "")
    findings = [finding for measure in chosen for finding in recorder.make(measure)]
    absent = {each.key for each in findings if each.verdict is NOT_HERE}
    usb = {"recovery_usb", "recovery_power"}
    lacking = {"line_voltage", "duplex", "echo", "load", "content", "release.loop", "at_4886"}
    assert absent == usb | (lacking if dialect == "usr5637" else set())
    assert {each.verdict for each in findings} <= {Verdict.PASSED, NOT_HERE}, findings
    assert recorder.run.missing == ()
    assert {key for measure in chosen for key in measure.keys} == {each.key for each in findings}


@pytest.mark.parametrize("dialect", ["conexant", "usr5637"])
def test_a_modem_that_was_left_comes_back_over_usb(dialect: str, tmp_path: Path) -> None:
    """Where the hub can be switched both steps bring both lines back, in time."""
    world = Virtual(dialect)
    world.hub = True
    findings = Recorder(Field(world, tmp_path), MEASURES, "", "").make(BY_NAME["recovery_usb"])
    assert [(each.key, each.line, each.verdict) for each in findings] == [
        (key, line, Verdict.PASSED) for key in ("recovery_usb", "recovery_power") for line in "AB"
    ]
    assert all(figure.value for each in findings for figure in each.figures)


@pytest.mark.parametrize("country", ["de", "fr", "gb", "us"])
def test_other_countries_tones_and_rings_are_known(country: str, tmp_path: Path) -> None:
    """Limits follow the country: its tones, its bell."""
    world = Virtual(country=country)
    place = Field(world, tmp_path)
    recorder = Recorder(place, MEASURES, "", "")
    names = ("dial_tone", "calls", "busy_tone", "congestion_tone")
    findings = [finding for name in names for finding in recorder.make(BY_NAME[name])]
    assert {each.verdict for each in findings} == {Verdict.PASSED}, findings


@pytest.mark.parametrize(("stays", "key"), [("A", "release.called"), ("B", "release.caller")])
@pytest.mark.parametrize(("crackle", "verdict"), [(None, "passed"), (-30, "failed")])
def test_no_release_tone_fails(
    stays: str, key: str, crackle: int | None, verdict: str, tmp_path: Path
) -> None:
    """On a real line, a far end that goes without a sign is found; silence tells, if it is one."""
    world = Virtual()
    world.turn(stays, release="silence")
    if crackle:
        world.turn(stays, crackle=crackle)
    verdicts = {
        each.key: each.verdict for each in release.releases(Field(world, tmp_path, silence_s=10.0))
    }
    assert verdicts.pop(key) is FAILED
    assert verdicts.pop(release.SILENCE) == verdict
    assert set(verdicts.values()) == {Verdict.PASSED}


def test_silence_is_not_needed_where_a_tone_tells(tmp_path: Path) -> None:
    """A line with a release tone has no silence to be measured, and that is no pass."""
    findings = release.releases(Field(Virtual(), tmp_path))
    verdicts = {each.key: each.verdict for each in findings}
    assert verdicts.pop(release.SILENCE) is Verdict.SKIPPED
    assert set(verdicts.values()) == {Verdict.PASSED}


@pytest.mark.parametrize(
    ("wanted", "as_it_is", "with_it"), [("", 1.0, 1.0), ("02", 0.0, 1.0), ("01", 0.0, 0.0)]
)
def test_what_a_poke_changes_is_told(
    wanted: str, as_it_is: float, with_it: float, tmp_path: Path
) -> None:
    """Nothing, or that the number comes; afterwards the modem is as it was."""
    world = Virtual()
    world.turn("B", poke_wanted=wanted)
    place = Field(world, tmp_path)
    assert place.ready
    (found,) = poke.at_4886(place)
    assert [figure.value for figure in found.figures[:2]] == [as_it_is, with_it]
    assert found.remark == poke.SAYS[bool(as_it_is), bool(with_it)]
    assert "!4886" not in world.outlets["B"].station.modem.settings.values


@pytest.mark.parametrize(("one", "other", "verdict"), [(10, 20, "passed"), (250, 250, "failed")])
def test_a_long_way_round_fails(one: float, other: float, verdict: str, tmp_path: Path) -> None:
    """Each way may be good, and both together too long."""
    place = Field(Virtual(), tmp_path, delays_ms={"A>B": one, "B>A": other})
    assert sound.round_trip(place).verdict == verdict


@pytest.mark.parametrize(
    ("late", "refused", "verdict"),
    [
        ((0.1, 1.0, 4.0), "", "passed"),
        ((0.1, 9.0, 10.0), "", "failed"),
        ((0.1, 1.0, 90.0), "", "failed"),
        ((0.1, 9.0, 90.0), "SCHED_FIFO: not permitted", "passed"),
    ],
)
def test_a_late_media_gateway_fails_where_it_has_real_time(
    late: tuple[float, float, float], refused: str, verdict: str
) -> None:
    """Without real time nothing is promised: the figures are told."""
    p50, p99, worst = late
    found = judge({"p50": p50, "p99": p99, "max": worst, "ticks": 150.0, "refused": refused})
    assert found.verdict == verdict
    assert (found.remark != NOTHING) is bool(refused)
