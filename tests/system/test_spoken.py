"""A sheet read aloud after hours, through all processes: taken up while the box runs (P1, E5)."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.dsp.dtmf import chord
from appliance.dsp.wav import Law
from appliance.policy.routing import Destination
from appliance.policy.sheets import SpokenSheet
from appliance.simulator.exchange.process import RunningCall
from tests.helpers.box import Box
from tests.system.calls import end, in_state, place

pytestmark = pytest.mark.system

SHEET = SpokenSheet("carta", "it", "title_1", "sheet_1")
TITLE_HZ, SHEET_HZ = 700.0, 1300.0


def put(box: Box, name: str, hz: float, ms: int) -> None:
    """Lay a sound into the box's folder of spoken ones."""
    path = box.state / "spoken" / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav.build(chord((hz,), ms), Law.LINEAR16))


def has_heard(call: RunningCall, hz: float) -> bool:
    """Tell whether the last tenth of a second that reached the caller is one tone."""
    sound = g711.ulaw_to_linear(bytes(call.heard[-800:]))
    samples = memoryview(sound).cast("h")
    turns = [2 * math.pi * hz * n / 8000 for n in range(len(samples))]
    real = sum(x * math.cos(turn) for x, turn in zip(samples, turns, strict=True))
    imaginary = sum(x * math.sin(turn) for x, turn in zip(samples, turns, strict=True))
    whole = sum(x * x for x in samples)
    return len(samples) == 800 and 2 * (real**2 + imaginary**2) / 800 > 0.9 * whole > 0


def hears(box: Box, call: RunningCall, hz: float) -> None:
    """Wait until the caller hears a tone."""

    def now() -> bool:
        try:
            call.wait_for("nothing", 0.1)
        except TimeoutError:
            return has_heard(call, hz)
        return False

    box.wait_until(now, 30.0, f"{hz} Hz was not heard")


def test_a_sheet_is_heard_by_a_key(tmp_path: Path) -> None:
    """Imported while the box runs, offered to the next caller at a key, read at another."""
    with Box(tmp_path) as box:
        put(box, "it/title_1", TITLE_HZ, 3000)
        put(box, "it/sheet_1", SHEET_HZ, 20_000)
        put(box, "it/greeting_closed", 500.0, 300)  # the office's own, over the recorded one
        (box.state / "spoken" / "menu.json").write_text(json.dumps([asdict(SHEET)]))
        assert box.ask("spoken")["sheets"] == 1
        box.ask("SetClosed", on=True, by="test", until=None)

        call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
        in_state(box, "greeting")
        call.press("*")
        hears(box, call, TITLE_HZ)
        call.press("1")
        hears(box, call, SHEET_HZ)
        call.press("*")
        hears(box, call, TITLE_HZ)
        record = end(box, call)

        assert (record.way, record.result) == (Destination.VOICEMAIL, Result.INFORMED)
        assert "sheet.carta" in record.trail
