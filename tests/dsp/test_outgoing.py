"""The box's own calls: ring-back, busy, no such number, nobody, perhaps somebody; told apart."""

from __future__ import annotations

import audioop
import functools
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.dsp import dtmf, progress
from appliance.dsp.progress import OutgoingProgress, Progress, Progressed
from appliance.dsp.wav import Law
from tests.helpers.examples import examples
from tests.helpers.sound import babble, noise, through

SECOND = bytes(16000)
IT = dtmf.PLANS["it"]


def told(pcm: bytes, country: str = "it", **limits: int) -> list[Progressed]:
    """All that one leg's listener tells of a stream."""
    leg = OutgoingProgress(dtmf.PLANS[country], **limits)
    return [fact for at in range(0, len(pcm), 320) for fact in leg.feed(pcm[at : at + 320])]


def kinds(pcm: bytes, country: str = "it", **limits: int) -> list[Progress]:
    """What was told, in order."""
    return [fact.kind for fact in told(pcm, country, **limits)]


@pytest.mark.parametrize("off", [-0.04, -0.02, -0.01, 0.01, 0.02, 0.04])
def test_the_special_tones_of_other_networks_are_ones_too(off: float) -> None:
    """Networks tell their reasons apart by tones up to 4 % off: 1 % must not fall into a gap."""
    special = b"".join(dtmf.chord((hz * (1 + off),), 330) for hz in progress.TONES_HZ)
    assert kinds(SECOND + through(special, Law.ALAW) + SECOND) == [Progress.SIT]


def rung(rings: int, country: str = "it") -> bytes:
    """Whole rings, as the caller hears them."""
    form = dtmf.PLANS[country].ringback[0]
    return dtmf.play(form, rings * sum(burst.on_ms + burst.off_ms for burst in form.bursts))


@pytest.mark.parametrize("country", list(dtmf.PLANS))
def test_ringing_is_told_at_the_first_ring(country: str) -> None:
    """One burst and 1.5 s: RINGING; rings go on being counted; the pauses are no answer."""
    pcm = SECOND + rung(4, country)
    facts = told(through(pcm, Law.ALAW), country)
    assert [fact.kind for fact in facts] == [Progress.RINGING]
    assert facts[0].rings == 1
    assert facts[0].after_ms <= 1000 + 2000 + 1520
    leg = OutgoingProgress(dtmf.PLANS[country])
    leg.feed(pcm)
    assert (leg.state, leg.rings) == (Progress.RINGING, 4)


@pytest.mark.parametrize("times", [(1000, 3000), (400, 200, 400, 3000), (1500, 5500)], ids=str)
def test_the_ring_back_of_a_pbx_is_one_too(times: tuple[int, ...]) -> None:
    """Its cadence is its maker's: any long tone with a long pause is a ring."""
    assert kinds(dtmf.play(dtmf.cadence((425,), *times), 14000))[0] is Progress.RINGING


@pytest.mark.parametrize("country", list(dtmf.PLANS))
@pytest.mark.parametrize("level", [-12.0, -30.0])
def test_a_voice_while_it_rings_is_presumed_an_answer(country: str, level: float) -> None:
    """In the pause, or in place of a burst: within 1.5 s of the first word."""
    pcm = rung(2, country) + babble(3, level)
    facts = told(through(pcm, Law.ALAW), country)
    assert [fact.kind for fact in facts] == [Progress.RINGING, Progress.ANSWERED]
    assert facts[1].detail == "voice"
    assert facts[1].after_ms - len(rung(2, country)) // 16 <= 1500


def test_an_answer_in_silence_is_presumed_when_the_ring_back_stops() -> None:
    """Somebody lifted and says nothing: the next burst does not come within a quarter and 1 s."""
    (ringing, answered) = told(rung(2) + dtmf.chord((425,), 400) + SECOND * 8)
    assert ringing.kind is Progress.RINGING
    assert (answered.kind, answered.rings) == (Progress.ANSWERED, 3)
    assert answered.detail == "ring-back stopped"
    assert answered.after_ms == pytest.approx(10_000 + 400 + 6000, abs=40)


def test_a_voice_without_any_ring_is_presumed_an_answer() -> None:
    """A switchboard that answers at once, or an announcement."""
    assert kinds(SECOND * 2 + babble(3)) == [Progress.ANSWERED]


@pytest.mark.parametrize(
    "country, end, expected",
    [
        *((country, "busy", Progress.BUSY) for country in dtmf.PLANS),
        *((country, "congestion", Progress.CONGESTION) for country in dtmf.PLANS),
        *((country, "dial", Progress.DIAL) for country in dtmf.PLANS),
    ],
)
def test_every_end_is_told_once_and_is_the_last_word(
    country: str, end: str, expected: Progress
) -> None:
    """At once, or after it rang; what comes behind it changes nothing."""
    tone = dtmf.play(getattr(dtmf.PLANS[country], end)[0], 8000)
    assert kinds(SECOND + tone + babble(3), country) == [expected]
    assert kinds(rung(2, country) + tone + babble(3), country) == [Progress.RINGING, expected]


def test_the_far_end_goes_after_its_answer() -> None:
    """ANSWERED is no end: the busy tone behind it still is one."""
    pcm = rung(1) + babble(4) + dtmf.play(IT.busy[0], 5000)
    assert kinds(pcm) == [Progress.RINGING, Progress.ANSWERED, Progress.BUSY]


def test_a_call_passed_on_rings_again() -> None:
    """A voice ("un attimo"), then ring-back: it rings, and then somebody is presumed again."""
    pcm = rung(1) + babble(2) + rung(2) + babble(2)
    assert kinds(pcm) == [
        Progress.RINGING,
        Progress.ANSWERED,
        Progress.RINGING,
        Progress.ANSWERED,
    ]


@pytest.mark.parametrize("off", [0.962, 1.0, 1.037])
@pytest.mark.parametrize("each_ms, gap_ms", [(330, 0), (330, 15), (276, 0), (380, 30)])
@pytest.mark.parametrize("level", [-12.0, -30.0])
def test_no_such_number(off: float, each_ms: int, gap_ms: int, level: float) -> None:
    """The three tones, their networks' variants too; not the announcement behind makes it so."""
    tone = (
        dtmf.chord((hz * off,), each_ms, level) + bytes(16 * gap_ms) for hz in progress.TONES_HZ
    )
    pcm = SECOND + b"".join(tone) + babble(3)
    assert kinds(through(pcm, Law.ALAW)) == [Progress.SIT]


@pytest.mark.parametrize(
    "order, each_ms",
    [((0, 1), 330), ((2, 1, 0), 330), ((0, 2), 330), ((0, 1, 2), 120), ((0, 1, 2), 700)],
)
def test_other_rows_of_those_tones_are_none(order: tuple[int, ...], each_ms: int) -> None:
    """Two of them, the wrong order, far too short or too long: no SIT."""
    tone = b"".join(dtmf.chord((progress.TONES_HZ[place],), each_ms) for place in order)
    assert Progress.SIT not in kinds(SECOND + tone + SECOND * 3)


def test_a_row_broken_by_a_pause_is_none() -> None:
    """150 ms between its tones: three tones of something else."""
    tone = b"".join(dtmf.chord((hz,), 240) + bytes(16 * 150) for hz in progress.TONES_HZ)
    assert Progress.SIT not in kinds(tone + SECOND)


def test_nobody_answers() -> None:
    """It rings to the limit: NO_ANSWER with the number of rings; later rings are not told."""
    facts = told(rung(8), no_answer_ms=30_000)
    assert [fact.kind for fact in facts] == [Progress.RINGING, Progress.NO_ANSWER]
    assert (facts[1].after_ms, facts[1].rings) == (30_000, 6)


def test_nothing_is_heard_at_all() -> None:
    """15 s of silence after dialling, over a line's noise: the call went nowhere."""
    (fact,) = told(noise(8000 * 16, -50))
    assert (fact.kind, fact.detail, fact.after_ms) == (
        Progress.NO_ANSWER,
        "nothing heard",
        15_000,
    )


def test_an_answer_outlasts_the_limit() -> None:
    """Once somebody is presumed there, how long to wait for their key is not decided here."""
    assert kinds(rung(1) + babble(9), no_answer_ms=8000) == [Progress.RINGING, Progress.ANSWERED]


def test_a_click_is_no_answer() -> None:
    """A handset lifted on another line, a relay: 100 ms of noise."""
    pcm = bytearray(rung(3))
    for second in (2, 3, 8, 9):
        pcm[second * 16000 : second * 16000 + 1600] = noise(800, -15)
    assert kinds(bytes(pcm)) == [Progress.RINGING]


def test_a_beep_and_a_word_are_no_ring() -> None:
    """What a pause follows must be the tone itself, not something said behind it."""
    beep = dtmf.chord((425,), 500)
    assert kinds(SECOND * 2 + beep + SECOND * 2) == [Progress.RINGING]
    assert kinds(SECOND * 2 + beep + noise(800, -15) + SECOND * 2) == []


@pytest.mark.parametrize("snr", [20, 12])
@pytest.mark.parametrize("dbm0", [-12.0, -30.0])
def test_through_noise(dbm0: float, snr: int) -> None:
    """Ring-back and busy down to 12 dB above the noise: the same facts."""
    tone = dtmf.cadence((425,), 500, 500, dbm0=dbm0)
    ring = dtmf.cadence((425,), 1000, 4000, dbm0=dbm0)
    pcm = dtmf.play(ring, 10_000) + dtmf.play(tone, 6000)
    pcm = audioop.add(pcm, noise(len(pcm) // 2, dbm0 - snr), 2)
    assert kinds(through(pcm, Law.ULAW)) == [Progress.RINGING, Progress.BUSY]


@functools.cache
def stream() -> bytes:
    """What is cut up in the test below."""
    special = b"".join(dtmf.chord((hz,), 330) for hz in progress.TONES_HZ)
    return rung(1) + special[:5280] + SECOND + babble(2) + special + SECOND


@given(st.lists(st.deferred(lambda: st.integers(0, len(stream()))), max_size=20))
@settings(max_examples=examples(20))
def test_any_split_gives_the_same_facts(cuts: list[int]) -> None:
    """Rule 1 of CONTRIBUTING: how the bytes come in changes nothing, not even half a sample."""
    whole = stream()
    expected = told(whole)
    assert [fact.kind for fact in expected] == [
        Progress.RINGING,
        Progress.ANSWERED,
        Progress.SIT,
    ]
    leg = OutgoingProgress(IT)
    places = [0, *sorted(cuts), len(whole)]
    assert [
        fact for start, end in itertools.pairwise(places) for fact in leg.feed(whole[start:end])
    ] == expected
