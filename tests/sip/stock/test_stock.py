"""Why each piece was replaced: what stock pyVoIP 1.6.8 does, measured (pyvoip.md 2-4).

Each test names the one of ours that asks the same of appliance.sip. When one of these fails
because stock has become better, the piece may be given back to it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[3]


@cache
def stock(case: str) -> dict[str, Any]:
    """Run a case in a process of its own, and return what it found."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sip.stock.cases", case],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_its_acks_carry_a_wrong_tag() -> None:
    """Ours: test_call.py test_a_phone_that_answers. A real phone hangs up after 32 s."""
    assert stock("wrong_ack")["acks"] > 0
    assert stock("wrong_ack")["right"] == 0


def test_an_answer_at_once_blocks_its_caller() -> None:
    """Ours: test_real_phones.py test_answers[False]."""
    assert not stock("blocked_by_an_answer")["returned"]


def test_a_silent_phone_blocks_its_caller_and_one_lost_packet_is_enough() -> None:
    """Ours: test_call.py test_a_silent_phone (four INVITEs in 4 s)."""
    assert stock("blocked_by_silence") == {"returned": False, "invites": 1}


def test_busy_is_not_noticed() -> None:
    """Ours: test_call.py test_refusals_are_told_apart_and_acknowledged."""
    assert stock("busy") == {"state": "DIALING", "acks": 0}


def test_a_ringing_phone_cannot_be_stopped() -> None:
    """Ours: test_call.py test_a_ringing_phone_is_cancelled."""
    assert stock("no_cancel") == {"error": "InvalidStateError", "cancels": 0}


def test_a_stranger_can_end_a_call() -> None:
    """Ours: test_call.py test_a_forged_bye_is_refused."""
    assert stock("forged_bye") == {"before": "ANSWERED", "after": "ENDED"}


def test_its_bye_names_no_uri() -> None:
    """Ours: test_call.py test_the_target_of_bye_is_the_contact."""
    found = stock("mangled_bye")
    assert found["uri"] != found["right"]


def test_its_call_ids_repeat_after_a_restart() -> None:
    """Ours: test_call.py test_tags_are_new_each_time."""
    assert not stock("predictable_call_id")["differ"]


def test_spellings_of_headers_are_lost() -> None:
    """Ours: test_message.py test_every_spelling_reads_the_same."""
    expected = {"compact": False, "lower": False, "unspaced": False, "canonical": True}
    assert stock("lost_headers") == expected


def test_the_r_key_makes_it_deaf() -> None:
    """Ours: test_rtp.py test_hook_flash_is_the_r_key."""
    assert stock("dead_by_the_r_key") == {"before": True, "after": False}


def test_its_pcma_is_noise() -> None:
    """Ours: the media gateway's sound, tests/media; here more noise than signal."""
    assert stock("pcma_is_mulaw")["snr_db"] < 3


def test_one_packet_takes_the_memory() -> None:
    """Ours: test_rtp.py keeps nothing; the media gateway's jitter buffer is bounded."""
    assert stock("memory_by_one_packet")["bytes"] > 20_000_000


def test_it_drifts() -> None:
    """Ours: the media gateway's clock. 5,500 ppm and more: 55 ms in ten seconds."""
    assert stock("drift")["late_ms"] > 30
