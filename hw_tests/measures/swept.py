"""How sound arrives, by a tone that sweeps the band: what the stepped tones leave out between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from appliance.dsp.wav import SAMPLE_RATE
from appliance.text import _
from hw_tests import limits, signals, sweep
from hw_tests.field import PAIRS, Field, found, told
from hw_tests.findings import Figure, Finding, Limit, Series, Verdict
from hw_tests.signals import GAP_S, MARK_S

if TYPE_CHECKING:
    from pathlib import Path

MIDDLE_HZ = 1000.0
INNER = Limit(500.0, 2600.0)
HARMONIC = Limit(26.0, None)
"""5 % each: what speech and keys bear; the weakest codec of a modem has 1.5 % and less."""
DISTORTION = Limit(None, 7.0)
TAIL_S = 0.1
"""What a line makes of the sweep's end still comes after it."""


def swept(field: Field) -> list[Finding]:
    """Send the sweep both ways in one call."""
    field.ready.ensure_call()
    return [_one_way(field, *pair) for pair in PAIRS]


def _one_way(field: Field, source: str, target: str) -> Finding:
    way = f"{source}>{target}"
    sent = signals.marked(np.concatenate((sweep.sweep(), signals.rest(TAIL_S))))
    carried = field.ready.carry(source, target, signals.pcm(sent))
    heard = signals.wave(carried.pcm)
    place = signals.find(heard)
    begin = place.at + round((MARK_S + GAP_S) * SAMPLE_RATE) if place else 0
    part = heard[begin : begin + len(sent) - round((MARK_S + GAP_S) * SAMPLE_RATE)]
    measured = sweep.heard(part) if place else None
    if measured is None:
        return told("swept", way, Verdict.FAILED, _("Nothing has arrived."))
    return judge(way, measured, field.keep(f"swept-{way}", carried.pcm))


def judge(way: str, measured: sweep.Swept, kept: tuple[Path, ...] = ()) -> Finding:
    """Judge the response against its middle, the harmonics, and what is neither."""
    middle = measured.gain_at(MIDDLE_HZ)
    against = tuple(round(db - middle, 2) for db in measured.gain_db)
    inner = [db for hz, db in zip(sweep.POINTS_HZ, against, strict=True) if INNER.holds(hz)]
    ends = (
        band.figure(f"{hz:.0f} Hz", measured.gain_at(hz) - middle, "dB")
        for hz, band in limits.EDGES.items()
    )
    harmonics = (
        Figure(f"harmonic {n}, below the tone", db, "dB", HARMONIC)
        for n, db in measured.harmonics.items()
    )
    return found(
        "swept",
        way,
        *ends,
        limits.RESPONSE.figure("500 to 2600 Hz, weakest", min(inner), "dB"),
        limits.RESPONSE.figure("500 to 2600 Hz, strongest", max(inner), "dB"),
        *harmonics,
        Figure("harmonic distortion", measured.distortion, "%", DISTORTION),
        limits.SNR.figure("signal to noise", measured.snr_db, "dB"),
        series=(Series("swept response", "response", sweep.POINTS_HZ, against, "Hz", "dB"),),
        sounds=kept,
    )
