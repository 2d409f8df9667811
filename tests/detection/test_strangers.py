"""Strangers' decoders read what we generate; our detectors hear what strangers generate."""

from __future__ import annotations

import pytest

from appliance.dsp import dtmf as ours
from appliance.dsp import g711, progress, wav
from appliance.dsp.progress import ToneKind
from appliance.simulator.exchange import audio, signals
from appliance.simulator.exchange.signals import COUNTRIES
from tests.detection import spandsp, strangers, tables, trials
from tests.dsp.test_progress import kinds

pytestmark = pytest.mark.system

KEYS = "1234567890*#ABCD"
QUIET = bytes(8000)
SPANDSP_KINDS = ("ringback", "busy", "congestion")
GRID_MS = 32
"""spandsp measures on a grid of 16 ms, at either end."""


def exchange_keys() -> bytes:
    """All keys as the exchange's callers press them, as 16-bit samples."""
    pressed = b"".join(segment.sound for segment in audio.segments(KEYS))
    return QUIET + g711.ulaw_to_linear(pressed) + QUIET


@pytest.mark.parametrize("judge", [spandsp.digits_in, strangers.multimon_digits])
def test_strangers_hear_our_keys(judge: trials.Judge) -> None:
    """What the box sends into a stream, and what the exchange's callers press, are DTMF."""
    assert judge(QUIET + ours.dtmf(KEYS) + QUIET) == KEYS
    assert judge(exchange_keys()) == KEYS


@pytest.mark.parametrize("twist_db", [-4, 0, 3])
@pytest.mark.parametrize(("on_ms", "off_ms"), [(40, 40), (50, 50), (100, 60)])
def test_we_hear_a_strangers_keys(on_ms: int, off_ms: int, twist_db: int) -> None:
    """spandsp's generator, at several lengths, levels and twists."""
    for dbm0 in (-25, -14, -8):
        pcm = QUIET + spandsp.digits(KEYS, on_ms, off_ms, dbm0, twist_db) + QUIET
        assert trials.digits_in(pcm) == KEYS, dbm0


def test_we_hear_sox_press_keys() -> None:
    """A third generator: two sines of sox for each key."""
    pressed = [strangers.sox_bursts(ours.pair(key), 50, 50, 1, -13) for key in KEYS]
    assert trials.digits_in(QUIET + b"".join(pressed) + QUIET) == KEYS


@pytest.mark.parametrize("code", COUNTRIES)
@pytest.mark.parametrize("kind", SPANDSP_KINDS)
def test_a_stranger_measures_the_exchanges_tones(code: str, kind: str) -> None:
    """spandsp's ruler finds each country's times in the sound of the software exchange."""
    tone = getattr(signals.country_named(code), kind)
    sound = QUIET + g711.ulaw_to_linear(signals.tone_loop(tone).take(8 * 12_000))
    _, segments = spandsp.tones_in(sound, {kind: _elements(tone)})
    measured = [(one, ms) for one, _, ms, _ in segments if ms > GRID_MS]
    runs = _runs(measured)[1:]  # the first is the quiet before
    wanted = (list(tone.cadence) * 40)[: len(runs) - 1]  # the last one is cut off
    assert len(wanted) >= len(tone.cadence)
    assert runs[:-1] == pytest.approx(wanted, abs=2 * GRID_MS)


def _elements(tone: signals.Tone) -> list[spandsp.Element]:
    one, two = (*tone.frequencies, 0)[:2]
    return [
        (one, two, ms * 85 // 100, ms * 115 // 100)
        if place % 2 == 0
        else (0, 0, ms * 85 // 100, ms * 115 // 100)
        for place, ms in enumerate(tone.cadence)
    ]


def _runs(segments: list[tuple[int, int]]) -> list[int]:
    """Join neighbouring segments of sound, and of silence: their lengths in turn."""
    runs: list[int] = []
    was: bool | None = None
    for one, ms in segments:
        sounds = one >= 0
        if sounds == was:
            runs[-1] += ms
        else:
            runs.append(ms)
        was = sounds
    return runs


@pytest.mark.parametrize(("code", "kind", "place"), trials.forms())
def test_we_name_a_strangers_tones(code: str, kind: ToneKind, place: int) -> None:
    """spandsp plays every form of every country's tones at two levels: each is named, once."""
    form = getattr(ours.PLANS[code], kind.value)[place]
    steady = all(burst.off_ms == 0 for burst in form.bursts)
    times = [ms for burst in form.bursts for ms in (burst.on_ms, burst.off_ms)]
    for dbm0 in (-12, -30):
        tone = spandsp.tone(form.bursts[0].freqs, () if steady else times, 14_000, dbm0)
        assert kinds(QUIET + tone, code) == [trials.expected(code, kind, place)]


@pytest.mark.parametrize(
    ("hz", "half_ms", "code", "kind"),
    [
        ((425,), 500, "it", ToneKind.BUSY),
        ((425,), 200, "it", ToneKind.CONGESTION),
        ((400,), 375, "gb", ToneKind.BUSY),
        ((480, 620), 250, "us", ToneKind.CONGESTION),
    ],
)
def test_we_name_the_tones_of_sox(
    hz: tuple[float, ...], half_ms: int, code: str, kind: ToneKind
) -> None:
    """A third generator: sines and pauses of sox."""
    assert kinds(strangers.sox_bursts(hz, half_ms, half_ms, 12, -20), code) == [kind]


def test_we_hear_a_strangers_special_information_tone() -> None:
    """E.180's three tones from spandsp's generator."""
    pcm = b"".join(spandsp.tone((hz,), (330, 15, 0, 0), 345) for hz in progress.TONES_HZ)
    assert [len(pcm) // 16, progress.SitDetector().feed(QUIET + pcm + QUIET)] == [3 * 345, True]


@pytest.mark.parametrize("name", tables.SAMPLES)
def test_strangers_read_the_exchanges_caller_id(name: str) -> None:
    """Three decoders read the identity that the exchange sends, as it was meant."""
    caller = tables.SAMPLES[name]
    sound, message = tables.identity_sound(caller), audio.mdmf_message(caller)
    assert spandsp.identities_in(sound) == [message[:-1]]
    assert message in strangers.minimodem_bytes(sound)
    fields = strangers.multimon_identity(sound)
    assert fields["DATE"] == "11250830"
    if caller.number.isdigit():
        assert (fields["CID"], fields.get("CNT", "")) == (caller.number, caller.name)
    else:
        assert "CID" not in fields


def test_strangers_read_bell_202_too() -> None:
    """The American modulation, for modems of that country."""
    caller = tables.SAMPLES["number and name"]
    pcm = (
        QUIET
        + g711.ulaw_to_linear(audio.fsk_modulate(audio.mdmf_message(caller), "bell202"))
        + QUIET
    )
    assert strangers.multimon_identity(pcm)["CID"] == caller.number
    assert audio.mdmf_message(caller) in strangers.minimodem_bytes(pcm, 1200, 2200)


def test_a_spoilt_identity_is_read_by_nobody() -> None:
    """The judges do check the checksum: what they read is really right."""
    message = bytearray(audio.mdmf_message(tables.SAMPLES["number alone"]))
    message[-3] ^= 1
    pcm = QUIET + g711.ulaw_to_linear(audio.fsk_modulate(bytes(message), "v23")) + QUIET
    assert spandsp.identities_in(pcm) == []
    assert strangers.multimon_identity(pcm) == {}


def test_we_hear_a_strangers_fax() -> None:
    """spandsp's calling tone is a fax to us, ours to spandsp."""
    assert trials.fax_after_ms(spandsp.fax_call(9000)) is not None
    assert spandsp.is_fax_call(ours.play(ours.cadence((1100,), 500, 3000), 9000))
    assert not spandsp.is_fax_call(ours.play(ours.cadence((1300,), 500, 3000), 9000))


def test_the_levels_are_what_they_say() -> None:
    """spandsp's -12 dBm0 is ours: both follow G.711, full scale 3.14 dBm0."""
    assert wav.level_dbm0(spandsp.tone((425,), (), 1000, -12)) == pytest.approx(-12, abs=0.2)
