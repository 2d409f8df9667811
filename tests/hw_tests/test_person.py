"""A person in a field test: what is typed, and one call on one line, step by step."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.simulator.exchange.call import CallPlan, ExchangeCall
from appliance.text import Words, unchanged
from hw_tests import signals
from hw_tests.field import Field
from hw_tests.findings import Finding, Verdict
from hw_tests.measures import one_line, people, soak, trouble
from hw_tests.person import Answer, Nobody, Reader, Terminal
from tests.helpers.words import pair
from tests.hw_tests.virtual import Virtual

MOBILE = "3471234567"


@pytest.mark.parametrize(
    ("typed", "answers"),
    [
        ("\n", [Answer.OK]),
        ("s\nn\nr\nk\n", [Answer.OK, Answer.NO, Answer.REPEAT, Answer.SKIP]),
        ("what?\n OK \n", [Answer.OK]),
        ("", [Answer.SKIP]),
        ("no", [Answer.SKIP]),
    ],
)
@pytest.mark.parametrize("language", ["it", "en"])
def test_what_is_typed_is_understood(typed: str, answers: list[Answer], language: str) -> None:
    """Enter, first letters of both languages; what is unknown is asked anew, an end is a skip."""
    read, write = os.pipe()
    os.write(write, typed.encode())
    os.close(write)
    out, worked = io.StringIO(), []
    person = Terminal(read, out, language)
    got = [person.ask(pair("sì?", "yes?"), lambda: worked.append(1)) for _ in answers]
    os.close(read)
    assert got == answers
    assert worked
    assert ("sì?" in out.getvalue()) is (language == "it")
    assert ("yes?" in out.getvalue()) is (language == "en")


class Caller:
    """A person with a mobile phone, played by the exchange: does what each step asks for."""

    def __init__(self, world: Virtual, does: dict[Words, Callable[[], Answer]]) -> None:
        self._world = world
        self._does = does
        self.asked: list[Words] = []
        self.told: list[Words] = []
        self.call = ExchangeCall(CallPlan(caller=MOBILE), 1)

    def tell(self, what: Words) -> None:
        """Do at once what is only told."""
        self.told.append(what)
        self._does.get(what, lambda: Answer.OK)()

    def ask(self, what: Words, meanwhile: Callable[[], None]) -> Answer:
        """Take a moment, do what the step wants, say how it was."""
        self.asked.append(what)
        meanwhile()
        return self._does.get(what, lambda: Answer.OK)()

    def rings(self) -> Answer:
        """Call the line."""
        self._world.outlets["A"].station.line.place(self.call)
        return Answer.OK


def one(tmp_path: Path, dialect: str = "conexant") -> tuple[Field, Caller]:
    """Give one line, and a person who does all that is wanted."""
    world = Virtual(dialect)
    world.kind = "one line"
    caller = Caller(world, {})
    voice = g711.encode(signals.pcm(signals.tone(300.0, -15.0, 4.0)), Law.ULAW)

    def does(act: Callable[[], None]) -> Callable[[], Answer]:
        def answer() -> Answer:
            act()
            return Answer.OK

        return answer

    caller._does |= {
        one_line.CALL: caller.rings,
        one_line.SPEAK: does(lambda: caller.call.say(voice)),
        one_line.PRESS: does(lambda: caller.call.press(one_line.KEYS)),
        one_line.LEAVE: does(lambda: setattr(caller.call, "wants_to_hang_up", True)),
        people.LIFT_NOW: does(lambda: lift(world)),
    }
    return Field(world, tmp_path, person=caller), caller


def lift(world: Virtual) -> None:
    """Lift a telephone beside line A's modem."""
    world.turn("A", extension=True)


def verdicts(findings: list[Finding]) -> dict[str, Verdict]:
    """Give what was found by key."""
    return {each.key: each.verdict for each in findings}


@pytest.mark.parametrize("dialect", ["conexant", "usr5637"])
def test_a_call_from_a_mobile_phone(dialect: str, tmp_path: Path) -> None:
    """Rings, number, sound both ways, keys and release are measured in one call."""
    field, caller = one(tmp_path, dialect)
    findings = one_line.call(field)
    wanted = dict.fromkeys(one_line.CALL_KEYS, Verdict.PASSED)
    if dialect == "usr5637":
        wanted["person_echo"] = Verdict.NOT_ON_THIS_DEVICE
    assert verdicts(findings) == wanted, findings
    for each in findings:
        read = [what for what in caller.told if str(what).startswith(f"{each.title}: ")]
        assert bool(read) is (each.key != "person_caller_id"), each.key
    assert any(MOBILE in str(what) for what in caller.asked)
    heard = signals.wave(g711.decode(bytes(caller.call.heard), Law.ULAW))
    loud = heard[np.abs(heard) > 1000]
    assert len(loud) > 8000  # the three tones


def test_who_hears_nothing_and_says_so_has_not_passed(tmp_path: Path) -> None:
    """A "no" fails its step, a "skip" skips it, "repeat" asks anew."""
    field, caller = one(tmp_path)
    replies = iter((Answer.REPEAT, Answer.NO))
    caller._does[one_line.HEARD] = lambda: next(replies)
    caller._does[one_line.PRESS] = lambda: Answer.SKIP
    found = verdicts(one_line.call(field))
    assert found["person_sound"] is Verdict.FAILED
    assert found["person_keys"] is Verdict.SKIPPED
    assert caller.asked.count(one_line.HEARD) == 2


def test_a_step_that_was_not_well_may_be_repeated(tmp_path: Path) -> None:
    """Wrong keys are read, and pressed once more: the last time counts."""
    field, caller = one(tmp_path)
    presses = iter(("15", one_line.KEYS))

    def press() -> Answer:
        caller.call.press(next(presses))
        return Answer.OK

    caller._does |= {one_line.PRESS: press, one_line.AGAIN: lambda: Answer.REPEAT}
    found = verdicts(one_line.call(field))
    assert found["person_keys"] is Verdict.PASSED
    assert caller.asked.count(one_line.AGAIN) == 1
    assert [what for what in caller.told if "15 (chip" in str(what)]


def test_a_line_that_echoes_fails_in_a_call(tmp_path: Path) -> None:
    """One line alone hears its own echo."""
    field, _ = one(tmp_path)
    field.world.turn("A", echo=[3, 5])
    assert verdicts(one_line.call(field))["person_echo"] is Verdict.FAILED


def test_a_killed_program_on_one_line(tmp_path: Path) -> None:
    """Without a second line its being ready again is what counts."""
    field, _ = one(tmp_path)
    (found,) = trouble.kill(field)
    assert (found.verdict, [figure.name for figure in found.figures]) == (
        Verdict.PASSED, ["line ready again"],
    )  # fmt: skip


def test_a_silent_person_fails_the_step(tmp_path: Path) -> None:
    """No voice, no keys, no release: each is told, and the line is on hook again."""
    field, caller = one(tmp_path)
    for step in (one_line.SPEAK, one_line.PRESS, one_line.LEAVE):
        caller._does[step] = lambda: Answer.OK
    found = verdicts(one_line.call(field))
    failed = {key for key, verdict in found.items() if verdict is Verdict.FAILED}
    assert failed == {"person_sound", "person_keys", "person_release"}
    assert isinstance(field.world, Virtual)
    assert not field.world.outlets["A"].station.modem.off_hook


def test_nobody_calls(tmp_path: Path) -> None:
    """Without a person every step is skipped, never passed."""
    field, _ = one(tmp_path)
    field.person = Nobody()
    findings = [*one_line.call(field), *people.leds(field), *people.button(field)]
    findings += [*people.extension(field), *people.unplug(field)]
    assert set(verdicts(findings).values()) == {Verdict.SKIPPED}


@pytest.mark.parametrize("dialect", ["conexant", "usr5637"])
@pytest.mark.parametrize("seen", [True, False])
def test_a_parallel_telephone(dialect: str, seen: bool, tmp_path: Path) -> None:
    """A modem that tells of it passes; one that does not is not able to."""
    field, caller = one(tmp_path, dialect)
    if not seen:
        caller._does[people.LIFT_NOW] = lambda: Answer.OK
    (found,) = people.extension(field)
    assert found.verdict is (Verdict.PASSED if seen else Verdict.NOT_ON_THIS_DEVICE), found


def test_whoever_waits_for_a_soak_reads_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls and failures so far, now and then; nobody is asked anything."""
    monkeypatch.setattr(soak, "TOLD_EACH_S", 26.0)
    read: list[Words] = []
    field = Field(Virtual(), tmp_path, person=Reader(read.append), soak_s=65.0)
    found, *_callers = soak.soak(field)
    assert found.verdict is Verdict.PASSED
    assert len(read) == 3
    assert read[-1] == pair("1 min: 4 chiamate, 0 fallite", "1 min: 4 calls, 0 failed")
    assert field.person.ask(unchanged("?"), lambda: None) is Answer.SKIP


@pytest.mark.long
def test_an_hour_of_calls(tmp_path: Path) -> None:
    """The soak of a real line, on a virtual clock: not one of its calls fails."""
    found, there, back, *callers = soak.soak(Field(Virtual(), tmp_path, soak_s=3600.0))
    calls, failed = (figure.value for figure in found.figures[:2])
    assert (found.verdict, failed) == (Verdict.PASSED, 0.0)
    assert calls is not None
    assert calls > 170  # in each both sides speak for nine seconds
    assert (there.verdict, back.verdict) == (Verdict.PASSED, Verdict.PASSED)
    assert [each.verdict for each in callers] == [Verdict.PASSED] * 2


def test_unplugged_and_plugged_in_again(tmp_path: Path) -> None:
    """The pull is noticed, and the line is ready again on the new port."""
    field, caller = one(tmp_path)
    caller._does[people.PULL] = lambda: _turned(field, plugged=False)
    caller._does[people.PLUG] = lambda: _turned(field, plugged=True)
    (found,) = people.unplug(field)
    assert found.verdict is Verdict.PASSED, found


def test_a_pull_that_nobody_made_fails(tmp_path: Path) -> None:
    """Said to be done and not seen: that is a fault of the set-up."""
    field, _ = one(tmp_path)
    (found,) = people.unplug(field)
    assert found.verdict is Verdict.FAILED


def _turned(field: Field, *, plugged: bool) -> Answer:
    field.world.turn("A", plugged=plugged)
    return Answer.OK
