"""Faults of the programme itself, loaded by every child of a self-test; PLANTED names the one."""

from __future__ import annotations

import os
import signal
import sys

PLANTED = os.environ.get("PLANTED", "")
IS_GATEWAY = "appliance.media" in sys.orig_argv
SILENCE = b"\xff"


def _deaf_phone() -> None:
    """Nothing of the caller reaches the phone."""
    from appliance.media.phone_leg import PhoneLeg

    write = PhoneLeg.write
    PhoneLeg.write = lambda leg, data, law: write(leg, SILENCE * len(data), law)  # type: ignore[method-assign,assignment]


def _mute_phone() -> None:
    """Nothing of the phone reaches the caller."""
    from appliance.media.phone_leg import PhoneLeg

    read = PhoneLeg.read
    PhoneLeg.read = lambda leg, samples, law: SILENCE * len(read(leg, samples, law))  # type: ignore[method-assign,assignment]


def _shifted() -> None:
    """Every byte is shifted by a bit: loud, and nothing that was said."""
    from appliance.media.phone_leg import PhoneLeg

    write, table = PhoneLeg.write, bytes((n << 1 | n >> 7) & 0xFF for n in range(256))
    PhoneLeg.write = lambda leg, data, law: write(leg, data.translate(table), law)  # type: ignore[method-assign,assignment]


def _dies() -> None:
    """It ends in the middle of the calls, each time that it is started."""
    signal.setitimer(signal.ITIMER_REAL, 7.0)


if IS_GATEWAY and PLANTED:
    {"deaf": _deaf_phone, "mute": _mute_phone, "shifted": _shifted, "dies": _dies}[PLANTED]()
