"""The commands of each step in a line's life, in order (v253.md 1.3, 4, 6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.lines.dialects import ACTIONS, Dialect, Probe, VoiceFormat, choose_vsm
from appliance.lines.facts import Stream
from appliance.lines.sentences import NO_FORMAT, NO_VOICE
from appliance.lines.steps import Command, Drain, EndStream, Pause, Resync, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.lines.settings import LineSettings

FORMATS = "formats"
MAKER = "maker"
PRODUCT = "product"
VOLTS = "volts"

REFUSED = frozenset({"ERROR"})
NOT_DIALLED = frozenset(
    {
        "ERROR", "NO DIALTONE", "NO DIAL TONE", "BUSY", "NO ANSWER", "NO CARRIER", "LINE IN USE",
        "NO LINE", "OFF HOOK INTRUSION", "DELAYED", "BLACKLISTED", "BLACKLIST FULL",
    }
)  # fmt: skip
"""Answers to ATD after which nothing was dialled: the line's matter, not a modem in trouble."""

QUICK_MS = 2000
"""Limit of commands that take 2-5 ms (v253.md 1.1): with a caller waiting, 5 s is too long."""
_CLASS_0 = re.compile(r"^(?:\+FCLASS:\s*)?0$")
_DIGIT = re.compile(r"[0-9A-D#*,]")
_PAUSE = "[,,100]"
PBX_PAUSE_MS = 1000
"""The pause between a flash and its digits where none is configured and nobody listens."""
DIGITS_AT_ONCE = 6


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


def resume() -> tuple[Step, ...]:
    """Make a modem ready that rang as its last owner died: configured it is, and it runs no stream.

    One that is anything else says so, and is initialised.
    """
    return (
        Command("ATE0V1Q0", limit_ms=500),
        Command("AT+FCLASS=8", limit_ms=QUICK_MS),
        Command("AT+VSM=?", limit_ms=QUICK_MS, keep=FORMATS),
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

    Tried once: a lost CONNECT leaves the modem streaming, where a command would be sound. Only a
    refusal is asked about again; a modem that says ERROR twice has no +VTR, whatever its make.
    """
    text = ACTIONS[kind]
    if kind is Stream.DUPLEX:
        return (EndStream(), Command(text, tries=1, otherwise=(text,), answers=REFUSED))
    return (EndStream(), Command(text, tries=1))


def stream_again(kind: Stream) -> tuple[Step, ...]:
    """Start a stream that broke off; refused, it was the line that went, not the modem's gift."""
    return (Command(ACTIONS[kind], tries=1),)


def end(*, cut: bool) -> tuple[Step, ...]:
    """End the stream that runs."""
    return (EndStream(cut=cut),)


def flash(settings: LineSettings, digits: str) -> tuple[Step, ...]:
    """Flash the hook; with `digits` pause for the PBX's dial tone, then send them (+VTS).

    `{!,n}` flashes for n x 10 ms: a modem's own flash may be a hang-up here (v253.md 1.3, 5).
    """
    hook = Command(f"AT+VTS={{!,{settings.flash_ms // 10}}}", tries=1, answers=REFUSED)
    if not digits:
        return (EndStream(cut=True), hook)
    pause = Pause(settings.pbx_pause_ms or PBX_PAUSE_MS)
    return (EndStream(cut=True), hook, pause, *_tones(digits))


def digits(digits: str) -> tuple[Step, ...]:
    """Send digits on a line that is off hook, ending the stream that runs."""
    return (EndStream(cut=True), *_tones(digits))


def _tones(digits: str) -> Iterator[Command]:
    """Yield +VTS commands of 80 ms digits; a comma is a pause of 1 s.

    "OK only after the last element finished"; a body may have 50 characters (v253.md 1.1, 1.3).
    """
    elements = [_PAUSE if d == "," else f"{{{d},8}}" for d in digits if _DIGIT.fullmatch(d)]
    for at in range(0, len(elements), DIGITS_AT_ONCE):
        some = ",".join(elements[at : at + DIGITS_AT_ONCE])
        limit_ms = 5000 + 1000 * DIGITS_AT_ONCE
        yield Command(f"AT+VTS={some}", limit_ms, tries=1, answers=REFUSED)


def dial(
    settings: LineSettings, dialect: Dialect, voice_format: VoiceFormat, digits: str
) -> tuple[Step, ...]:
    """Enter voice mode, seize the line and dial; with `;` OK means dialled, never answered (1.3).

    Tried once: a second attempt is the desk's decision.
    """
    number = "".join(d for d in digits if _DIGIT.fullmatch(d))
    limit_ms = 10_000 + 1000 * len(number)
    call = Command(f"ATDT{number};", limit_ms, tries=1, answers=NOT_DIALLED)
    return (*prepare(settings, dialect, voice_format), call)


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
