"""What a modem tells its host about the line: rings, identity, tones, keys (v253.md 2.4, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.fsk import UNAVAILABLE, message
from appliance.exchange.signals import (
    ExtensionMoved,
    FarAnswered,
    FaxToneHeard,
    IdentitySent,
    KeyBegan,
    KeyEnded,
    LoopBroke,
    Rang,
    Signal,
    ToneHeard,
)
from appliance.exchange.states import ONHOOK, State

if TYPE_CHECKING:
    from appliance.exchange.fsk import CallerId
    from appliance.exchange.modem import VoiceModem

ID_POKE = "!4886"
"""What sets the form in which some firmware reads who calls (v253.md 3); 02 is ETSI's."""
STE_EXTENSION, STE_REMOTE = 2, 4
"""Bits of -STE: extension pickup and remote hang-up (v253.md 1.3)."""


def notice(modem: VoiceModem, signal: Signal) -> None:
    """Report one signal as this modem in this state would."""
    match signal:
        case Rang():
            _rang(modem, signal)
        case IdentitySent():
            _identity(modem, signal.caller)
        case ToneHeard():
            _tone(modem, signal.kind)
        case FaxToneHeard():
            modem.report("c" if modem.chip_tones and _listening(modem) else "")
        case KeyBegan() | KeyEnded():
            _key(modem, signal)
        case LoopBroke():
            _loop(modem)
        case ExtensionMoved():
            _extension(modem, up=signal.up)
        case FarAnswered():
            if modem.dialler is not None:
                modem.dialler.answered()


def forget_ring(modem: VoiceModem, n: int) -> None:
    """Clear the ring counter S1 when no ring came for its time."""
    if modem.ringing_for > 0:
        modem.ringing_for -= n
        if modem.ringing_for <= 0:
            modem.settings.registers[1] = 0


def _rang(modem: VoiceModem, ring: Rang) -> None:
    if modem.state not in ONHOOK:
        return
    registers = modem.settings.registers
    registers[1] += 1
    modem.ringing_for = modem.personality.ring_clear_ms * 8
    if modem.settings.number("+VDR"):
        _cadence(modem, ring)
    if not modem.settings.number("+VDR") or modem.settings.number("+VDR", 1):
        if modem.settings.voice:
            modem.report("R")
        else:
            modem.unsolicited("RING")
    if 0 < registers[0] <= registers[1]:
        modem.answer_by_itself()


def _cadence(modem: VoiceModem, ring: Rang) -> None:
    _packet(modem, [f"DRON={ring.on_ms // 100}", f"DROF={ring.off_ms // 100}"])


def _packet(modem: VoiceModem, lines: list[str]) -> None:
    """Give fields as text in class 0, as a complex report DLE X ... DLE . in class 8."""
    if modem.settings.voice:
        text = "".join(f"{line}\r\n" for line in lines)
        modem.raw(b"\x10X" + text.encode("ascii", "replace") + b"\x10.")
        return
    for part in [[line] for line in lines] if modem.personality.fields_apart else [lines]:
        modem.inform(*part)


def _identity(modem: VoiceModem, caller: CallerId) -> None:
    if modem.state not in ONHOOK or _lacks_poke(modem):
        return
    modem.last_caller = caller
    form = modem.settings.number("+VCID")
    for _ in range(_printed(caller) if form else 0):
        print_identity(modem, caller, raw=form == 2)


def _lacks_poke(modem: VoiceModem) -> bool:
    """Tell whether this firmware reads no identity before AT!4886 was set to its value."""
    return modem.poke_wanted not in {"", modem.settings.values.get(ID_POKE)}


def _printed(caller: CallerId) -> int:
    """How often a modem prints an identity: a wrong checksum is printed by none (v253.md 3)."""
    return {"spoilt": 0, "doubled": 2}.get(caller.fault, 1)


def print_identity(modem: VoiceModem, caller: CallerId, *, raw: bool) -> None:
    """Print an identity, as formatted fields or as the message in hex (v253.md 3)."""
    if raw:
        _packet(modem, [message(caller).hex().upper()])
        return
    between = modem.personality.id_separator
    _packet(modem, [f"{name}{between}{value}" for name, value in _fields(caller)])


def _fields(caller: CallerId) -> list[tuple[str, str]]:
    """Give the fields as the modem read them, whatever became of them."""
    if caller.fault == "malformed":
        return [("DATE", "??"), ("NMBR", "<b>0~5\x7f"), ("NAME", "=1+1|\x1b[2J")]
    stamp = [("DATE", caller.date), ("TIME", caller.time)]
    if caller.fault == "cut":
        return stamp
    fields = [] if caller.fault == "number_only" else stamp
    fields = [*fields, ("NMBR", caller.number)]
    name = UNAVAILABLE if caller.fault == "name_absent" else caller.name
    return [*fields, ("NAME", name)] if name else fields


def _listening(modem: VoiceModem) -> bool:
    return modem.settings.voice and modem.off_hook and modem.state is not State.DIALING


def _tone(modem: VoiceModem, kind: str) -> None:
    if modem.dialler is not None:
        modem.dialler.heard(modem, kind)
    elif modem.chip_tones and _listening(modem):
        modem.report({"busy": "b", "dial": "d"}.get(kind, ""))


def _key(modem: VoiceModem, signal: KeyBegan | KeyEnded) -> None:
    if not modem.chip_dtmf or not _listening(modem):
        return
    shields = modem.personality.shields_dtmf
    if isinstance(signal, KeyEnded):
        modem.report("~" if shields and modem.key_held else "")
        modem.key_held = False
    elif shields:
        modem.report(signal.digit if modem.key_held else f"/{signal.digit}")
        modem.key_held = True
    elif not signal.again:
        modem.report(signal.digit)


def _loop(modem: VoiceModem) -> None:
    if modem.personality.reports_loop and _listening(modem):
        watched = modem.settings.number("-STE") & STE_REMOTE
        modem.report("P" if watched else "l")


def _extension(modem: VoiceModem, *, up: bool) -> None:
    modem.extension_up = up
    if not modem.settings.voice or not modem.chip_extension:
        return
    watched = modem.settings.number("-STE") & STE_EXTENSION
    if watched and modem.off_hook:
        modem.report("P" if up else "p")
    else:
        modem.report("H" if up else "h")
