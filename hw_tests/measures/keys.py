"""DTMF both ways: in the sound at levels and twists, by the modem, and named by the chip."""

from __future__ import annotations

import numpy as np

from appliance.dsp import dtmf
from appliance.dsp.wav import SAMPLE_RATE
from appliance.modem.events import DigitsSent, Signal
from appliance.text import NOTHING, Words, _, in_context, joined, unchanged
from hw_tests import limits, signals
from hw_tests.field import PAIRS, Field, found, not_here, told
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.listening import Listener, digits_in
from hw_tests.signals import GAP_S, MARK_S

ALL = "1234567890*#ABCD"
DIAGONAL = "159D"
"""One key of each row and of each column."""
PAUSE_S = 0.3
VARIANTS = (
    ("nominal", ALL, 80, dtmf.DTMF_LOW_DBM0, dtmf.DTMF_HIGH_DBM0),
    ("50 ms", DIAGONAL, 50, dtmf.DTMF_LOW_DBM0, dtmf.DTMF_HIGH_DBM0),
    ("quiet", DIAGONAL, 80, -23.0, -21.0),
    ("high group +4 dB", DIAGONAL, 80, -14.0, -10.0),
    ("low group +8 dB", DIAGONAL, 80, -10.0, -18.0),
)
"""What a receiver must take (Q.24): name, keys, ms on and off, dBm0 of the low and high group."""
SENT = "1590"
NOT_AS_SENT = _("sent {sent}, heard {heard}")
NONE = in_context("keys", "none")
TALK_OFF = _(
    "The chip takes speech for keys: a caller who speaks would choose something; replace the modem."
)


def keys(field: Field) -> list[Finding]:
    """Send keys both ways, as sound and by the modems."""
    field.ready.ensure_call()
    findings = [_in_sound(field, *pair) for pair in PAIRS]
    return findings + [finding for pair in PAIRS for finding in _by_modem(field, *pair)]


def _misheard(sent: str, heard: str) -> Words:
    """Say which keys came of some that were sent; nothing where all came."""
    if heard == sent:
        return NOTHING
    return NOT_AS_SENT.filled(sent=sent, heard=unchanged(heard) if heard else NONE)


def _in_sound(field: Field, source: str, target: str) -> Finding:
    way, bench = f"{source}>{target}", field.ready
    bursts = [
        signals.wave(dtmf.dtmf(text, ms, ms, low, high)) for _, text, ms, low, high in VARIANTS
    ]
    gap = signals.rest(PAUSE_S)
    sent = signals.marked(np.concatenate([each for burst in bursts for each in (burst, gap)]))
    carried = bench.carry(source, target, signals.pcm(sent))
    place = signals.find(signals.wave(carried.pcm))
    if place is None:
        return told("keys", way, Verdict.FAILED, _("Nothing has arrived."))
    at = carried.begin + place.at + round((MARK_S + GAP_S / 2) * SAMPLE_RATE)
    figures, misheard = [], []
    for (name, text, *_unused), burst in zip(VARIANTS, bursts, strict=True):
        size = len(burst) + len(gap)
        got = digits_in(bench[target], field.world.country, at, at + size)
        at += size
        right = len(text) if got == text else _common(got, text)
        band = limits.KEYS if text == ALL else limits.EDGE_KEYS
        figures.append(band.share(name, right, len(text)))
        misheard += [] if got == text else [_misheard(text, got)]
    said = joined("; ", misheard)
    return found("keys", way, *figures, remark=said, sounds=field.keep(f"keys-{way}", carried.pcm))


def _common(got: str, text: str) -> int:
    """Count keys in their places; one too many is a mistake as well."""
    right = sum(a == b for a, b in zip(got, text, strict=False))
    return max(0, right - max(0, len(got) - len(text)))


def _by_modem(field: Field, source: str, target: str) -> list[Finding]:
    bench, way = field.ready, f"{source}>{target}"
    bench.direct(source, target)
    bench.run(0.2)
    mark, sender = bench[target].mark(), bench[source].mark()
    listener = Listener(bench[target], field.world.country)
    bench[source].order(lambda driver, now: driver.send_digits(SENT, now), bench.now)
    sent = bench.until(
        lambda: bench[source].told(DigitsSent, sender),
        15.0,
        _("line {source} sends no keys", source=source),
    )
    bench.run(0.5)
    if not sent[0][1].done:
        said = _("The modem refuses +VTS.")
        return [not_here("keys_sent", source, said), not_here("chip_keys", target, said)]
    listener.poll()
    named = [t.digit for _, t in bench[target].signals(mark) if t.signal is Signal.DIGIT]
    return [_heard(way, listener.digits), _named(field, target, "".join(named))]


def _heard(way: str, digits: str) -> Finding:
    figure = limits.SENT_KEYS.share("keys heard", _common(digits, SENT), len(SENT))
    return found("keys_sent", way, figure, remark=_misheard(SENT, digits))


def _named(field: Field, name: str, digits: str) -> Finding:
    false = field.false_keys.get(name, 0)
    if not digits and not false:
        return not_here(
            "chip_keys",
            name,
            _("The chip names no keys: the box hears them itself."),
        )
    figure = limits.SENT_KEYS.share("keys named", _common(digits, SENT), len(SENT))
    nobody = Figure("keys nobody pressed", float(false), "", Limit(None, 0.0))
    remark = TALK_OFF if false else _misheard(SENT, digits)
    return found("chip_keys", name, figure, nobody, remark=remark)
