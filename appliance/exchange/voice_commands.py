"""The commands of class 8 and of the line: what each does (v253.md 1.3, 1.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.exchange import dialling
from appliance.exchange.dialects import fresh_settings
from appliance.exchange.outcome import Outcome
from appliance.exchange.parser import Command, Form, Sounding, WrongLine, soundings
from appliance.exchange.sound import samples
from appliance.exchange.states import Happening

if TYPE_CHECKING:
    from appliance.exchange.modem import VoiceModem

DIAL_GAP_MS = 70
LIU_BIT = 1
KEEP_LINE = 2
"""+VNH=2: ATH and ATZ leave the line alone."""


def _needs_voice(modem: VoiceModem) -> bool:
    return not modem.settings.voice


# Class, country, line


def choose_class(modem: VoiceModem, command: Command) -> Outcome:
    """+FCLASS: voice or data; leaving voice may free the line, any change resets +VNH."""
    if command.form is Form.TEST:
        modem.inform(modem.personality.classes)
        return Outcome.OK
    if command.form is Form.READ:
        modem.inform_bare("8" if modem.settings.voice else "0")
        return Outcome.OK
    if command.form is Form.ACT or command.text not in {"0", "8"}:
        return Outcome.ERROR
    _enter(modem, voice=command.text == "8")
    return Outcome.OK


def _enter(modem: VoiceModem, *, voice: bool) -> None:
    kept = modem.settings.number("+VNH") or not modem.personality.drops_line_with_class
    if voice != modem.settings.voice:
        modem.settings.values["+VNH"] = "0"
    if not voice and modem.off_hook and not kept:
        modem.hang_up()
    modem.settings.voice = voice
    modem.move(Happening.VOICE_CLASS if voice else Happening.DATA_CLASS)
    if voice and modem.personality.reports_handset:
        modem.report_after_result("H" if modem.extension_up else "h")


def select_line(modem: VoiceModem, command: Command) -> Outcome:
    """+VLS: seize the line, free it, or pick a device that has none."""
    if _needs_voice(modem) or command.form is Form.ACT:
        return Outcome.ERROR
    if command.form is Form.TEST:
        modem.inform(*modem.personality.labels.values())
        return Outcome.OK
    if command.form is Form.READ:
        modem.inform(str(modem.settings.vls))
        return Outcome.OK
    if not command.text.isdigit() or int(command.text) not in modem.personality.labels:
        return Outcome.ERROR
    _select(modem, int(command.text))
    return Outcome.OK


def _select(modem: VoiceModem, label: int) -> None:
    if label in modem.personality.line_labels:
        modem.move(Happening.OFF_HOOK)
    else:
        modem.hang_up()
    modem.settings.vls = label


def hook(modem: VoiceModem, command: Command) -> Outcome:
    """ATH: free the line unless +VNH=2 forbids it; ATH1 seizes it."""
    if command.text == "1":
        modem.move(Happening.OFF_HOOK)
        return Outcome.OK
    if command.text not in {"", "0"}:
        return Outcome.ERROR
    if modem.settings.number("+VNH") == KEEP_LINE:
        return Outcome.OK
    if modem.personality.hang_up_leaves_voice:
        modem.settings.voice = False
    modem.hang_up()
    return Outcome.OK


def answer(modem: VoiceModem, _: Command) -> Outcome:
    """ATA: in class 8 at once, in class 0 waiting for a data carrier that never comes."""
    if modem.settings.voice:
        modem.move(Happening.OFF_HOOK)
        return Outcome.OK
    return modem.dial(dialling.Dialler(answering=True, out=True))


def dial(modem: VoiceModem, command: Command) -> Outcome:
    """ATD: seize the line, wait S6, send the digits; the result comes later."""
    number = command.text.removesuffix(";")
    if modem.extension_up and modem.settings.number("-STE") & LIU_BIT:
        return Outcome.LINE_IN_USE
    registers, was_up = modem.settings.registers, modem.off_hook
    try:
        listed = _number(modem, number)
    except WrongLine:
        return Outcome.ERROR
    lead = 0 if was_up else samples(registers[6] * 1000)
    modem.toner.play(listed, lead + 1, DIAL_GAP_MS)  # one sample more: never an empty list
    return modem.dial(dialling.Dialler(semicolon=command.text.endswith(";")))


def _number(modem: VoiceModem, number: str) -> list[Sounding]:
    keys = re.sub(r"[^0-9A-D*#,!]", "", number.upper().lstrip("TP"))
    registers = modem.settings.registers
    pause = [Sounding((0, 0), registers[8] * 1000)]
    flash_ms, limits = registers[29] * 10, modem.personality.tone_range
    listed: list[Sounding] = []
    for key in keys:
        listed += pause if key == "," else soundings(key, registers[11], flash_ms, limits)
    return listed


# Sound


def choose_format(modem: VoiceModem, command: Command) -> Outcome:
    """+VSM: the sound format by its number; other rates than 8000 are refused."""
    if _needs_voice(modem) or command.form is Form.ACT:
        return Outcome.ERROR
    if command.form is Form.TEST:
        modem.inform(*(each.listing for each in modem.personality.formats.values()))
        return Outcome.OK
    if command.form is Form.READ:
        modem.inform(modem.settings.values["+VSM"])
        return Outcome.OK
    return _choose(modem, command.text.split(","))


def _choose(modem: VoiceModem, fields: list[str]) -> Outcome:
    most = len(modem.personality.default_vsm.split(","))
    if not 1 <= len(fields) <= most or not all(text.isdigit() for text in fields):
        return Outcome.ERROR
    chosen = modem.personality.formats.get(int(fields[0]))
    if chosen is None or not chosen.law or fields[1:2] not in ([], ["8000"]):
        return Outcome.ERROR
    modem.settings.values["+VSM"] = ",".join([fields[0], "8000", "0", "0"][:most])
    return Outcome.OK


_BEGINS = {
    "+VTX": Happening.TX_BEGAN,
    "+VRX": Happening.RX_BEGAN,
    "+VTR": Happening.DUPLEX_BEGAN,
}


def stream(modem: VoiceModem, command: Command) -> Outcome:
    """+VTX, +VRX, +VTR: start sound; ERROR off line, for `=?`, or without duplex."""
    able = command.name != "+VTR" or modem.vtr != "error"
    held = modem.settings.voice and modem.off_hook
    if command.form is not Form.ACT or not able or not held:
        return Outcome.ERROR
    return modem.begin_stream(_BEGINS[command.name])


def send_tones(modem: VoiceModem, command: Command) -> Outcome:
    """+VTS: tones, keys and flashes; OK only after the last of them."""
    if command.form is not Form.SET or _needs_voice(modem) or not modem.off_hook:
        return Outcome.ERROR
    registers = modem.settings.registers
    digit_ms = modem.settings.number("+VTD") * 10 or registers[11]
    limits = modem.personality.tone_range
    try:
        listed = soundings(command.text, digit_ms, registers[29] * 10, limits)
    except WrongLine:
        return Outcome.ERROR
    modem.toner.play(listed, 1, DIAL_GAP_MS)
    return Outcome.LATER


def reset_voice(modem: VoiceModem, command: Command) -> Outcome:
    """+VIP: voice parameters back to their defaults, class and line kept."""
    if _needs_voice(modem) or command.form is not Form.ACT:
        return Outcome.ERROR
    fresh = fresh_settings(modem.personality).values
    keep = {"+GCI"} | {name for name, p in modem.personality.parameters.items() if not p.voice}
    modem.settings.values |= {name: value for name, value in fresh.items() if name not in keep}
    return Outcome.OK
