"""The commands of each step in a line's life, in order (v253.md 1.3, 4, 6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.lines.dialects import ACTIONS, Dialect, Probe, VoiceFormat, choose_vsm
from appliance.lines.sentences import NO_FORMAT, NO_VOICE
from appliance.lines.steps import Command, Drain, EndStream, Resync, Step

if TYPE_CHECKING:
    from appliance.lines.facts import Stream
    from appliance.lines.settings import LineSettings

FORMATS = "formats"
MAKER = "maker"
PRODUCT = "product"
VOLTS = "volts"

QUICK_MS = 2000
"""Limit of commands that take 2-5 ms (v253.md 1.1): with a caller waiting, 5 s is too long."""
_CLASS_0 = re.compile(r"^(?:\+FCLASS:\s*)?0$")
_DIGIT = re.compile(r"[0-9A-D#*]")


def sync() -> tuple[Step, ...]:
    """Bring a modem found in any state to its command state; three answers prove it.

    The first command also undoes V0 and Q1, whose answers could not be read. Its answer may have
    been an older command's (ATZ takes 200 ms, v253.md 1.1): its own is waited for and dropped.
    """
    return (
        Resync(),
        Command("ATE0V1Q0", limit_ms=1000, tries=4),
        Drain(),
        Command("AT", limit_ms=1000),
        Command("AT", limit_ms=1000),
    )


def inquire() -> tuple[Step, ...]:
    """Put the line on hook, reset, and ask who it is; &F stands alone (v253.md 1.1)."""
    return (
        Command("ATH"),
        Command("AT+FCLASS=0"),
        Command("AT&F"),
        Command("ATE0V1Q0"),
        Command("AT+GMI", optional=True, keep=MAKER),
        Command("ATI3", optional=True, keep=PRODUCT),
    )


def configure(settings: LineSettings, dialect: Dialect) -> tuple[Step, ...]:
    """Set the country and the dialect's needs, learn the voice formats, idle with caller id on."""
    return (
        *(Command(text) for text in dialect.set_up),
        Command(f"AT+GCI={settings.country}", optional=True),
        *(Command(text, optional=True) for text in (*dialect.extras, *settings.overrides)),
        Command("AT+FCLASS=8", refusal=NO_VOICE),
        Command(
            "AT+VSM=?",
            optional=dialect.fallback is not None,
            keep=FORMATS,
            accept=lambda lines: choose_vsm(lines, dialect) is not None,
            refusal=NO_FORMAT,
        ),
        *_to_idle(),
    )


def check(probe: Probe | None) -> tuple[Step, ...]:
    """Ask an idle modem whether it still is, and what lies on its pair."""
    if probe is None:
        return (_prove_class_0(),)
    return (_prove_class_0(), Command(probe.command, optional=True, keep=VOLTS))


def prepare(
    settings: LineSettings, dialect: Dialect, voice_format: VoiceFormat
) -> tuple[Step, ...]:
    """Enter voice mode while it rings, with everything off that would end a stream by itself."""
    gains = (("R", settings.receive_gain), ("T", settings.transmit_gain))
    return (
        Command("AT+FCLASS=8", limit_ms=QUICK_MS),
        Command(
            voice_format.command,
            limit_ms=QUICK_MS,
            # Two parameters first, then four (mgetty; v253.md 1.3).
            otherwise=(f"{voice_format.command},0,0",),
        ),
        Command(f"AT+VSD={dialect.vsd_off}", limit_ms=QUICK_MS, optional=True),
        Command("AT+VIT=0", limit_ms=QUICK_MS, optional=True),
        *(
            Command(f"AT+VG{way}={gain}", limit_ms=QUICK_MS, optional=True)
            for way, gain in gains
            if gain is not None
        ),
    )


def answer() -> tuple[Step, ...]:
    """Take the line off hook: instant and predictable, unlike ATA (v253.md 1.3)."""
    return (Command("AT+VLS=1", limit_ms=3000),)


def stream(kind: Stream) -> tuple[Step, ...]:
    """End the stream that runs, if any, and start one of `kind`.

    Tried once: a lost CONNECT leaves the modem streaming, where a command would be sound.
    """
    return (EndStream(), Command(ACTIONS[kind], tries=1))


def end(*, cut: bool) -> tuple[Step, ...]:
    """End the stream that runs."""
    return (EndStream(cut=cut),)


def flash(dialect: Dialect, digits: str) -> tuple[Step, ...]:
    """Flash the hook, wait 1 s for the dial tone behind it, send `digits` (v253.md 1.3, +VTS)."""
    tones = ",".join(f"{{{d},10}}" for d in digits if _DIGIT.fullmatch(d))
    return (
        EndStream(cut=True),
        Command(f"AT+VTS={dialect.flash}", tries=1),
        # "OK only after the last element finished": 100 ms and a pause each.
        *((Command("AT+VTS=[,,100]", tries=1), _tones(tones, len(digits))) if tones else ()),
    )


def _tones(tones: str, count: int) -> Command:
    return Command(f"AT+VTS={tones}", limit_ms=5000 + 300 * count, tries=1)


def withdraw() -> tuple[Step, ...]:
    """Leave voice mode without having answered."""
    return _to_idle()


def hang_up() -> tuple[Step, ...]:
    """End any stream at once, go on hook, and prove it."""
    return (EndStream(cut=True), Command("ATH"), *_to_idle())


def _to_idle() -> tuple[Step, ...]:
    """Idle in class 0 with caller id on, where its lines are plain text; then the proof of it."""
    return (
        Command("AT+FCLASS=0"),
        Command("AT+VCID=1", optional=True),
        Command("AT"),
        _prove_class_0(),
    )


def _prove_class_0() -> Command:
    return Command("AT+FCLASS?", accept=lambda lines: any(map(_CLASS_0.match, lines)))
