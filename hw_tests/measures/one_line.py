"""One line and somebody with a mobile phone: one call, step by step; steps may be repeated."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from appliance.dsp.wav import SAMPLE_RATE
from appliance.modem import events
from appliance.modem.events import Signal, Stream
from appliance.text import Words, _, by_language, unchanged
from hw_tests import signals
from hw_tests.bench import RINGS_ON_S, Bench, UnmeasuredError
from hw_tests.field import Field, found, told
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.listening import Listener, wait_for
from hw_tests.measures import sound
from hw_tests.measures.calls import no_identity
from hw_tests.measures.people import NOBODY, asked
from hw_tests.measures.release import LIMIT_S, judge, sign_of
from hw_tests.person import Answer
from hw_tests.wording import name_words, value_text

if TYPE_CHECKING:
    from collections.abc import Callable

LINE = "A"
CALL = _("Press Enter, then call the line from a mobile phone.")
NO_CALL = _("No call has arrived. Enter: try again.")
HEARD = _("Were three rising tones heard on the mobile phone?")
SPEAK = _("Press Enter, then count aloud into the mobile phone for five seconds.")
PRESS = _("Press Enter, then the keys 1 5 9 0 on the mobile phone.")
HUSH = _("Be silent, then press Enter: the line listens to its own echo for two seconds.")
AGAIN = _("Not as it should be. r: the step once more; Enter: go on.")
LEAVE = _("Hang up the mobile phone, and press Enter at the same moment.")
KEYS = "1590"
RING_S, SPEAK_S, PRESS_S = 60.0, 5.0, 20.0
DRAIN_S = 0.5
PERIOD = Limit(2.0, 7.0)
VOICE = Limit(-45.0, -3.0)
RISING = (500.0, 700.0, 900.0)
CALL_KEYS = (
    "person_ring",
    "person_caller_id",
    "person_sound",
    "person_echo",
    "person_keys",
    "person_release",
)


def call(field: Field) -> list[Finding]:
    """Take a person through one call."""
    bench = field.ready
    bench.rest()
    began = bench.now
    findings: list[Finding] = []
    try:
        mark = bench[LINE].mark()
        if not _called(field, bench):
            return [told(key, LINE, Verdict.SKIPPED, NOBODY) for key in CALL_KEYS]
        findings.append(_said(field, _rings(bench)))
        bench.identify(LINE, mark)
        who = bench[LINE].told(events.Identified)[-1:]
        _answer(bench)
        findings += [step(field, bench) for step in (_sound, _echo, _keys, _release)]
        findings.append(_identity(field, who))
    except UnmeasuredError as error:
        done = {finding.key for finding in findings}
        findings += [told(k, LINE, Verdict.FAILED, error.said) for k in CALL_KEYS if k not in done]
    finally:
        bench.may_ring(LINE, began, bench.now + RINGS_ON_S)
        bench.rest()
    return findings


def _ask(field: Field, what: Words) -> Answer:
    """Ask while the line goes on being served; what came meanwhile is not measured."""
    answer = field.ask(what)
    field.ready.run(DRAIN_S)
    return answer


def _step(field: Field, key: str, what: Words, measure: Callable[[], Finding]) -> Finding:
    """Have something done and measure it, as often as the person wants it where it is not well."""
    while True:
        if _ask(field, what).is_left_out:
            return told(key, LINE, Verdict.SKIPPED, NOBODY)
        finding = _said(field, measure())
        if finding.verdict is not Verdict.FAILED or field.ask(AGAIN) is not Answer.REPEAT:
            return finding


def _said(field: Field, finding: Finding) -> Finding:
    """Let the person read what was measured."""
    told_of = [each for each in finding.figures if each.value is not None]

    def said(language: str) -> str:
        figures = ", ".join(
            f"{name_words(each).text(language)} {value_text(each, language)}" for each in told_of
        )
        texts = filter(None, (figures, finding.remark.text(language)))
        return f"{finding.title.text(language)}: {', '.join(texts) or '-'}"

    field.person.tell(by_language(said))
    return finding


def _called(field: Field, bench: Bench) -> bool:
    """Wait for a call of two rings; False when nobody will make one."""
    what = CALL
    while _ask(field, what) in {Answer.OK, Answer.REPEAT}:
        mark = bench[LINE].mark()
        if wait_for(bench, partial(_rang_twice, bench, mark), RING_S):
            return True
        what = NO_CALL
    return False


def _rang_twice(bench: Bench, mark: int) -> bool:
    return len(bench[LINE].told(events.RingReceived, mark)) > 1


def _rings(bench: Bench) -> Finding:
    rang = [at for at, _ in bench[LINE].told(events.RingReceived)][-2:]
    apart = fmean(after - before for before, after in pairwise(rang))
    return found("person_ring", LINE, Figure("from ring to ring", apart, "s", PERIOD))


def _answer(bench: Bench) -> None:
    mark = bench[LINE].mark()
    bench[LINE].order(lambda driver, now: driver.answer(now), bench.now)
    no = _("line A does not answer")
    bench.until(lambda: bench[LINE].told(events.OffHook, mark), 15.0, no)


def _identity(field: Field, who: list[tuple[float, events.Identified]]) -> Finding:
    number = who[0][1].caller.number if who else ""
    if not number:
        return told("person_caller_id", LINE, Verdict.FAILED, no_identity(field, LINE))
    what = _("The line has shown the number {number}: is it the mobile phone's?", number=number)
    return asked(field, "person_caller_id", what, LINE)


def _sound(field: Field, bench: Bench) -> Finding:
    """Play to the person, then listen to the person."""
    rising = signals.pcm(np.concatenate([signals.tone(hz, -12.0, 0.5) for hz in RISING]))
    while True:
        bench.stream(LINE, Stream.DUPLEX if bench[LINE].driver.duplex else Stream.TRANSMIT)
        _, ends_at = bench[LINE].play(rising, bench.now)
        bench.run(max(0.0, ends_at - bench.now))
        heard = _ask(field, HEARD)
        if heard is not Answer.REPEAT:
            break
    if heard.is_left_out:
        return told("person_sound", LINE, Verdict.SKIPPED, NOBODY)
    return _step(field, "person_sound", SPEAK, lambda: _voice(field, bench, heard))


def _voice(field: Field, bench: Bench, heard: Answer) -> Finding:
    """Listen to the person; whether the person heard the line is known by then."""
    bench.listen(LINE)
    begin = len(bench[LINE].heard)
    bench.run(SPEAK_S)
    pcm = bench[LINE].pcm(begin)
    _, levels = signals.levels(signals.wave(pcm))
    loud = sorted(levels)[-max(1, len(levels) // 10)] if levels else None
    return found(
        "person_sound",
        LINE,
        Figure("the person heard it", float(heard is Answer.OK), "", Limit(1.0, 1.0)),
        Figure("the person's voice", loud, "dBm0", VOICE),
        sounds=field.keep("person-voice", pcm),
    )


def _echo(field: Field, _: Bench) -> Finding:
    return _step(field, "person_echo", HUSH, lambda: sound.echo(field, LINE, "person_echo"))


def _keys(field: Field, bench: Bench) -> Finding:
    return _step(field, "person_keys", PRESS, lambda: _pressed(field, bench))


def _pressed(field: Field, bench: Bench) -> Finding:
    bench.listen(LINE)
    begin = max(0, len(bench[LINE].heard) - round(DRAIN_S * SAMPLE_RATE))
    mark, listener = bench[LINE].mark(), Listener(bench[LINE], field.world.country, begin)

    def pressed() -> bool:
        listener.poll()
        return len(listener.digits) >= len(KEYS)

    wait_for(bench, pressed, PRESS_S)
    named = [t.digit for _, t in bench[LINE].signals(mark) if t.signal is Signal.DIGIT]
    right = float(listener.digits == KEYS)
    said = f"{listener.digits or '-'} (chip: {''.join(named) or '-'})"
    return found(
        "person_keys",
        LINE,
        Figure("keys as pressed", right, "", Limit(1.0, 1.0)),
        remark=unchanged(said),
    )


def _release(field: Field, bench: Bench) -> Finding:
    bench.listen(LINE)
    mark, listener = bench[LINE].mark(), Listener(bench[LINE], field.world.country)
    if field.ask(LEAVE).is_left_out:
        return told("person_release", LINE, Verdict.SKIPPED, NOBODY)
    left_at = bench.now
    sign = wait_for(bench, lambda: sign_of(field, LINE, mark, listener), LIMIT_S)
    return _said(field, judge(field, "person_release", LINE, left_at, sign, mark))
