"""What each finding is called, by its stable key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.text import Words, _, in_context

if TYPE_CHECKING:
    from collections.abc import Mapping


PARTS: Mapping[str, Words] = {
    "calls": _("Calls both ways"),
    "sound": _("Sound both ways in a call"),
    "releases": _("The other side hangs up"),
    "releases_planted": _("The other side hangs up, in each way"),
    "person_call": _("Call from a mobile phone"),
}
"""What a measurement is called that gives several findings, by its name."""
TITLES: Mapping[str, Words] = {
    "unit": _("The modem answers and has voice"),
    "duplex": _("Sound both ways at once (+VTR)"),
    "line_voltage": _("Voltage of the idle line"),
    "dial_tone": _("Dial tone"),
    "busy_tone": _("Busy tone"),
    "congestion_tone": _("Congestion tone"),
    "ring": _("Rings and their cadence"),
    "caller_id": _("Caller's identity"),
    "answer": _("From answering to off hook"),
    "bytes": _("Every byte in the sound"),
    "clipping": _("Loud sound"),
    "asymmetry": _("Both directions alike"),
    "content": _("Speech while both speak"),
    "soak.caller_id": _("Caller's identity in every call"),
    "idle": _("Idle line, watched"),
    "drops": _("Modem stays on USB, in the whole test"),
    "ghosts": _("Rings that nobody makes, in the whole test"),
    "commands": _("Commands refused or not answered"),
    "level": _("Level of the sound"),
    "noise": _("Signal to noise"),
    "response": _("Frequency response"),
    "swept": _("A tone that sweeps the band: response and distortion"),
    "round_trip": _("Round-trip delay"),
    "echo": _("Echo return loss"),
    "keys": _("Keys in the sound: levels and twists"),
    "keys_sent": _("Keys sent by the modem (+VTS)"),
    "chip_keys": _("Keys named by the chip"),
    "fax": _("Calling tone of a fax machine"),
    "load": _("Sound both ways on two lines"),
    "drift": _("Drift of the modem's clock"),
    "release.called": _("Release: the called side hangs up"),
    "release.caller": _("Release: the caller hangs up"),
    "release.busy": _("Release by busy tone"),
    "release.congestion": _("Release by congestion tone"),
    "release.dial": _("Release by dial tone"),
    "release.loop": _("Release by a break of the loop"),
    "release.silence": _("Release without a sign: silence"),
    "flash": _("Hook flash"),
    "at_4886": _("What AT!4886 changes of the identity"),
    "stream_end": _("From an announcement's end to OK"),
    "recovery": _("Recovery ladder"),
    "recovery_usb": _("Recovery: USB reset"),
    "recovery_power": _("Recovery: USB port without power"),
    "kill": _("Program killed in the middle of a call"),
    "lateness": _("Punctuality of this machine"),
    "soak": _("Calls without a pause"),
    "soak.sound": _("Sound in calls without a pause"),
    "unplug": _("Modem unplugged and plugged in again"),
    "extension": _("Parallel telephone"),
    "leds": in_context("measurement", "LEDs"),
    "button": _("Button"),
    "person_ring": _("Call from a mobile phone: rings"),
    "person_caller_id": _("Call from a mobile phone: identity"),
    "person_sound": _("Voice both ways"),
    "person_echo": _("Echo return loss, in a call"),
    "person_keys": _("Keys pressed on the mobile phone"),
    "person_release": _("The mobile phone hangs up"),
}
