"""The first reason names what is broken, and what is odd but sound passes: faults of no knob."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.fieldtest.person import reasons_of_run
from hw_tests.causes import causes
from hw_tests.field import Field
from hw_tests.findings import Run, Verdict
from hw_tests.measures.table import MEASURES
from hw_tests.run import Recorder
from tests.hw_tests import strangers
from tests.hw_tests.strangers import Made
from tests.hw_tests.virtual import Virtual

SOUND = ("unit", "duplex", "calls", "bytes", "load", "sound", "swept")


def measured(folder: Path, made: Made, names: tuple[str, ...], **knobs: object) -> Run:
    """Make some measurements on two lines of which something is odd."""
    world = Virtual()
    made(world)
    world.turn("A", **knobs)
    recorder = Recorder(Field(world, folder, load_s=9.0, soak_s=1.0), MEASURES, "", "")
    for measure in MEASURES:
        if measure.name in names:
            recorder.make(measure)
    return recorder.run


def as_it_is(_world: Virtual) -> None:
    """Change nothing."""


BROKEN: dict[str, tuple[Made, dict[str, object], tuple[str, ...], str]] = {
    "never let go, called first": (
        strangers.held("B", 1e6), {}, ("dial_tone", "calls"), "line B is in use before",
    ),
    "let go late, calls first": (
        strangers.held("A", 3.0), {}, ("dial_tone", "calls", "sound"), "line A is still engaged",
    ),
    "let go late, called first": (
        strangers.held("B", 3.0), {}, ("dial_tone", "calls"), "line B is still engaged",
    ),
    "deaf": (
        strangers.modem("A", strangers.Deaf), {}, ("dial_tone",), "Nothing is heard on the line",
    ),
    "a telephone off hook": (
        as_it_is, {"extension": True}, ("line_voltage",), "A telephone on the same pair",
    ),
    "no line": (as_it_is, {"cut": True}, ("line_voltage",), "Look at the cable"),
    "one byte in 1000 lost": (strangers.lossy("A", 1000), {}, SOUND, "A: Bytes of the sound are"),
    "starts anew by itself": (
        strangers.resets("B", 52.0), {}, (*SOUND, "keys", "commands"), "as one that starts anew",
    ),
    "chip that hears keys in speech": (
        strangers.modem("B", strangers.Talkative), {}, (*SOUND, "keys"), "takes speech for keys",
    ),
    "each ring twice": (
        strangers.modem("B", strangers.Twice), {}, ("calls",), "tells a ring twice",
    ),
    "the first ring alone": (
        strangers.modem("B", strangers.Once), {}, ("calls",), "stops ringing too early",
    ),
    "clock 0.5 % fast": (as_it_is, {"ppm": 5000}, SOUND, "clock A: The modem's crystal"),
    "clock 0.5 % slow": (as_it_is, {"ppm": -5000}, SOUND, "clock A: The modem's crystal"),
}  # fmt: skip


@pytest.mark.parametrize(("made", "knobs", "names", "said"), BROKEN.values(), ids=BROKEN)
def test_the_first_reason_names_the_fault(
    made: Made, knobs: dict[str, object], names: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """Whatever else it spoils comes behind it."""
    run = measured(tmp_path, made, names, **knobs)
    first = reasons_of_run(run)[0].text("en")
    assert said in first, [why.text("en") for why in reasons_of_run(run)]


def test_lost_bytes_blame_no_other_clock(tmp_path: Path) -> None:
    """The other modem's clock is measured by what is lost here: only one cause is told."""
    run = measured(tmp_path, strangers.lossy("A", 1000), SOUND)
    (cause,) = causes(run.findings)
    assert [(each.key, each.line) for each in cause.findings] == [("drift", "A")]


ODD: dict[str, tuple[Made, tuple[str, ...]]] = {
    "a message waits, 100/100": (strangers.dial_tone(100, 100), ("dial_tone",)),
    "a message waits, 400/40": (strangers.dial_tone(400, 40), ("dial_tone",)),
    "a steady dial tone": (strangers.dial_tone(1000), ("dial_tone",)),
    "a constant in the codec": (
        strangers.modem("A", strangers.Offset), ("dial_tone", "calls", "load", "sound"),
    ),
    "a number after the second ring": (
        strangers.late_number("B"), ("calls", "at_4886", "soak"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "names"), ODD.values(), ids=ODD)
def test_what_is_odd_but_sound_passes(made: Made, names: tuple[str, ...], tmp_path: Path) -> None:
    """None of it keeps anybody from a call."""
    run = measured(tmp_path, made, names)
    assert {each.verdict for each in run.findings} == {Verdict.PASSED}, reasons_of_run(run)


def test_a_number_after_the_second_ring_is_said_as_that(tmp_path: Path) -> None:
    """It deserves attention: the box waits for it once its setting says so."""
    run = measured(tmp_path, strangers.late_number("B"), ("calls", "at_4886"))
    late = next(each for each in run.findings if (each.key, each.line) == ("caller_id", "A>B"))
    assert [each.name for each in late.figures if each.needs_attention] == ["after the first ring"]
    assert "after the second ring" in late.remark.text("en")
    assert "lines.identity_limit = 8" in late.remark.text("en")
    (poked,) = (each for each in run.findings if each.key == "at_4886")
    assert "changes nothing" in poked.remark.text("en")


def test_a_dial_tone_of_another_meaning_is_none(tmp_path: Path) -> None:
    """A line that gives the busy tone once it is seized cannot be dialled on."""
    run = measured(tmp_path, strangers.dial_tone(500, 500), ("dial_tone",))
    assert {each.verdict for each in run.findings if each.key == "dial_tone"} == {Verdict.FAILED}


def test_a_line_that_cannot_be_seized_is_said_as_that(tmp_path: Path) -> None:
    """Nothing was dialled: no word of dialling."""
    run = measured(tmp_path, as_it_is, ("dial_tone",), extension=True)
    said = next(each.remark for each in run.findings if each.line == "A")
    assert said.text("en") == "line A cannot be taken off hook: the modem says LINE IN USE"
