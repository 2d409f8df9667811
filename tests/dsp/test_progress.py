"""Call progress: a far end that has gone is known by its tone, and by nothing else."""

from __future__ import annotations

import audioop
import functools
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.dsp import dtmf, g711, progress, wav
from appliance.dsp.progress import ToneKind
from appliance.dsp.wav import Law
from tests.helpers.examples import examples
from tests.helpers.sound import at_level, babble, noise, speech, through, voices

RELEASE = {ToneKind.BUSY, ToneKind.CONGESTION, ToneKind.DIAL, ToneKind.STEADY}
SECOND = bytes(16000)


def heard(pcm: bytes, country: str = "it") -> list[progress.ProgressHeard]:
    """All that one country's detector tells of a stream."""
    detector = progress.ProgressDetector(dtmf.PLANS[country])
    return [e for at in range(0, len(pcm), 320) for e in detector.feed(pcm[at : at + 320])]


def kinds(pcm: bytes, country: str = "it") -> list[ToneKind]:
    """What was told, in order."""
    return [event.kind for event in heard(pcm, country)]


NAMED = [
    (country, kind, place)
    for country, plan in dtmf.PLANS.items()
    for kind in (ToneKind.BUSY, ToneKind.CONGESTION, ToneKind.DIAL, ToneKind.RINGBACK)
    for place in range(len(getattr(plan, kind.value)))
]


@pytest.mark.parametrize("country, kind, place", NAMED)
def test_every_tone_of_every_plan_is_named(country: str, kind: ToneKind, place: int) -> None:
    """Each form in use is recognised wherever the frames cut it, once, and as nothing else."""
    form = getattr(dtmf.PLANS[country], kind.value)[place]
    expected = kind
    if (country, kind, place) == ("it", ToneKind.BUSY, 1):
        expected = ToneKind.CONGESTION  # the same 200/200: the faster word is told
    for offset_ms in (0, 53, 307):
        pcm = bytes(16 * offset_ms) + through(dtmf.play(form, 14000), Law.ALAW)
        assert kinds(pcm, country) == [expected]


@pytest.mark.parametrize("half", [500, 480, 375, 250, 240, 200])
@pytest.mark.parametrize("freq", [410, 425, 440])
def test_every_busy_in_use_releases_an_italian_line(freq: int, half: int) -> None:
    """VoIP boxes follow their maker: all six cadences are a release, 15 Hz off too."""
    (event,) = heard(SECOND + dtmf.play(dtmf.cadence((freq,), half, half), 6000))
    assert event.kind is (ToneKind.BUSY if half > 300 else ToneKind.CONGESTION)
    assert event.cadence_ms == pytest.approx((half, half), abs=25)
    assert event.after_ms <= 4 * 2 * half


@pytest.mark.parametrize("snr", [20, 12])
@pytest.mark.parametrize("dbm0", [-8.0, -20.0, -36.0])
@pytest.mark.parametrize(
    "kind, times",
    [
        (ToneKind.BUSY, (500, 500)),
        (ToneKind.CONGESTION, (200, 200)),
        (ToneKind.RINGBACK, (1000, 4000)),
        (ToneKind.DIAL, (200, 200, 600, 1000)),
    ],
)
def test_tones_are_named_in_noise(
    kind: ToneKind, times: tuple[int, ...], dbm0: float, snr: int
) -> None:
    """From -8 to -36 dBm0, down to 12 dB above the noise."""
    pcm = dtmf.play(dtmf.cadence((425,), *times, dbm0=dbm0), 12000)
    assert kinds(through(audioop.add(pcm, noise(len(pcm) // 2, dbm0 - snr), 2), Law.ULAW)) == [kind]


def test_latencies() -> None:
    """Busy is told within 3 s, 200/200 within 2 s, pulsed dial tone within 3 s, steady in 4."""
    plan = dtmf.PLANS["it"]
    for form, limit in (
        (plan.busy[0], 2960),
        (plan.busy[1], 1560),
        (plan.dial[0], 2360),
        (plan.dial[1], 4000),
    ):
        (event,) = heard(dtmf.play(form, 6000))
        assert event.after_ms == limit


def test_pulsed_dial_tone_is_never_congestion() -> None:
    """Its 200/200 is one pair among others, wherever one begins to listen."""
    pcm = dtmf.play(dtmf.PLANS["it"].dial[0], 30000)
    for start_ms in range(0, 2000, 90):
        assert kinds(pcm[16 * start_ms :]) == [ToneKind.DIAL]


def test_three_fast_pairs_are_not_enough() -> None:
    """Three bursts of 200/200 end no call; the fourth does, a fifth is not waited for."""
    burst = dtmf.play(dtmf.cadence((425,), 200, 200), 400)
    assert kinds(burst * 3 + SECOND + burst[:6400]) == []
    assert kinds(burst * 4 + burst[:640]) == [ToneKind.CONGESTION]
    assert kinds(burst * 4 + SECOND) == [ToneKind.CONGESTION]


def test_a_box_that_plays_three_bursts_only_has_gone() -> None:
    """B1: some boxes fall silent after three; two are a doorbell, and end nothing."""
    burst = dtmf.play(dtmf.PLANS["it"].busy[0], 1000)
    (event,) = heard(burst * 3 + SECOND * 8)
    assert (event.kind, event.cadence_ms, event.after_ms) == (ToneKind.BUSY, (500, 500), 2960)
    assert kinds(burst * 2 + SECOND * 8) == []


def test_a_last_pause_that_is_too_short_tells_nothing() -> None:
    """The third burst's pause must be as long as the others before it counts as one."""
    burst = dtmf.play(dtmf.PLANS["it"].busy[0], 1000)
    cut = burst * 2 + burst[: 16 * 880]
    assert kinds(cut + at_level(noise(8000, -12), -12.0)) == []


def test_bursts_that_differ_are_no_tone() -> None:
    """Each within tolerance of 500/500, but not equal among themselves: somebody whistling."""
    tone = dtmf.chord((425,), 600)
    bursts = [tone[: 16 * ms] + bytes(16 * 500) for ms in (440, 560, 440, 560, 440, 560)]
    assert kinds(b"".join(bursts)) == []


def test_steady_tone_that_is_no_dial_tone() -> None:
    """In the US a busy chord without pauses is steady, not a dial tone."""
    (event,) = heard(dtmf.chord((480, 620), 5000), "us")
    assert (event.kind, event.cadence_ms, event.after_ms) == (ToneKind.STEADY, (4000, 0), 4000)


def test_another_chord_begins_another_row() -> None:
    """A busy tone after ringback is told though the chord changes (US)."""
    plan = dtmf.PLANS["us"]
    pcm = dtmf.play(plan.ringback[0], 8000) + dtmf.play(plan.busy[0], 5000)
    assert kinds(pcm, "us") == [ToneKind.RINGBACK, ToneKind.BUSY]


def test_a_tone_is_told_again_after_a_long_pause() -> None:
    """One release is told once; a second call's release on the same line is another one."""
    busy = dtmf.play(dtmf.PLANS["it"].busy[0], 8000)
    assert kinds(busy) == [ToneKind.BUSY]
    assert kinds(busy + SECOND * 8 + busy) == [ToneKind.BUSY] * 2


def test_speech_in_the_pauses_is_no_release() -> None:
    """A pause as loud as its tone is music or somebody speaking: not a far end that has gone."""
    tone = dtmf.chord((425,), 500)
    other = at_level(noise(4000, -12), -12.0)
    assert kinds((tone + other) * 6) == []


@pytest.mark.parametrize("country", list(dtmf.PLANS))
def test_nothing_else_is_a_release(country: str) -> None:
    """Speech-like sound, dialled digits, noise and a tune are none."""
    rng = random.Random(1)
    notes = [dtmf.chord((rng.choice((392, 425, 440, 523, 587)),), 250) for _ in range(80)]
    for pcm in (
        babble(20, seed=2),
        dtmf.dtmf("0123456789*#" * 4, 200, 200),
        noise(80000, -15),
        b"".join(notes),
    ):
        assert not RELEASE.intersection(kinds(pcm, country))


@pytest.mark.system
@pytest.mark.parametrize("country", ["it", "gb"])
def test_real_voices_are_no_release(country: str) -> None:
    """24 minutes of Italian speech: nothing is told at all."""
    for path in voices():
        sound = wav.read(path)
        assert kinds(through(g711.decode(sound.data, sound.law), Law.ALAW), country) == []


@functools.cache
def stream() -> bytes:
    """What is cut up in the test below."""
    return babble(0.5) + dtmf.play(dtmf.PLANS["it"].busy[1], 3000) + SECOND


@given(st.lists(st.deferred(lambda: st.integers(0, len(stream()))), max_size=20))
@settings(max_examples=examples(30))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    """Rule 1 of CONTRIBUTING, for the tones and for the silence."""
    whole = stream()
    expected = heard(whole)
    assert [event.kind for event in expected] == [ToneKind.CONGESTION]
    places = [0, *sorted(cuts), len(whole)]
    detector = progress.ProgressDetector(dtmf.PLANS["it"])
    meter = progress.SilenceMeter()
    found: list[progress.ProgressHeard] = []
    for start, end in itertools.pairwise(places):
        found += detector.feed(whole[start:end])
        silent_ms = meter.feed(whole[start:end])
    assert found == expected
    assert silent_ms == progress.SilenceMeter().feed(whole)


def silent_after(pcm: bytes) -> int:
    """ms of silence at the end of a stream, with the tone detector's word on each frame."""
    detector = progress.ProgressDetector(dtmf.PLANS["it"])
    meter = progress.SilenceMeter()
    for at in range(0, len(pcm), 320):
        detector.feed(pcm[at : at + 320])
        meter.feed(pcm[at : at + 320], is_tone=detector.is_tone)
    return meter.silent_ms


@pytest.mark.parametrize("dbm0", [-60.0, -45.0, -35.0])
def test_silence_is_measured_over_noise(dbm0: float) -> None:
    """Ten quiet seconds after a message, on a quiet or a noisy line, are ten seconds."""
    pcm = babble(6, -20) + SECOND * 10
    pcm = audioop.add(pcm, noise(len(pcm) // 2, dbm0), 2)
    assert silent_after(pcm) == pytest.approx(10000, abs=400)


def test_speech_begins_silence_anew() -> None:
    """Speech resets the meter, from the very first word on; a click does not."""
    words = babble(2, -25)
    assert silent_after(SECOND * 5 + words) < 600
    assert silent_after(dtmf.chord((300, 500), 100)) == 0
    click = noise(160, -10)
    assert silent_after(words + SECOND * 3 + click + SECOND) >= 4000


def test_tones_are_silence() -> None:
    """A busy tone is nobody speaking, nor is a steady hum that has become the line's floor."""
    assert silent_after(dtmf.play(dtmf.PLANS["it"].busy[0], 10000)) == 10000
    assert silent_after(dtmf.chord((1000,), 8000)) == pytest.approx(6500, abs=100)


@pytest.mark.system
def test_a_message_ends_where_the_voice_ends() -> None:
    """Real speech with its pauses never makes five silent seconds; the end of it does."""
    pcm = speech(60, -26)
    meter = progress.SilenceMeter()
    longest = max(meter.feed(pcm[at : at + 320]) for at in range(0, len(pcm), 320))
    assert longest < 5000
    assert max(meter.feed(SECOND) for _ in range(5)) >= 5000
