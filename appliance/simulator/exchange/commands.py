"""The modem's AT commands, found by name (v253.md 1.2-1.4)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.simulator.exchange.audio import samples_of
from appliance.simulator.exchange.modem import Dialler, print_identity
from appliance.simulator.exchange.modem_protocol import (
    CommandForm,
    CommandResult,
    ModemTransition,
    Sounding,
    WrongLine,
    fresh_settings,
    soundings,
)
from appliance.simulator.exchange.signals import COUNTRIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.exchange.modem import VoiceModem
    from appliance.simulator.exchange.modem_protocol import Answer, AtCommand, Parameter


# ---- commands ----------------------------------------------------------------------------------
# What each AT command does; one small function each, found by name (v253.md 1.2-1.4).

if TYPE_CHECKING:
    Handler = Callable[[VoiceModem, AtCommand], CommandResult]

# ATZ takes about 200 ms (v253.md 1.1).
RESET_MS = 200

ACCEPTED = frozenset("LMNBWTPYX") | {f"&{letter}" for letter in "CGJKQRST"} | {"\\N", "%C", "&X"}
"""Basic commands of a data modem, taken and without effect on voice."""

_HEX_PAIR = re.compile(r"[0-9A-F]{2}")


def perform(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """Do one command and tell how it ended."""
    name = command.name
    if name in modem.refused:
        return CommandResult.ERROR
    answers = modem.personality.answers
    ways = (modem.settings.voice, None, not modem.settings.voice)
    if told := next((a for way in ways if (a := answers.get((command.written, way)))), None):
        return _as_told(modem, command, told)
    return _by_its_make(modem, command)


_QUESTIONS = {"I", "+GMI", "+GMM", "+GMR", "+GCAP", "-TRV"}
"""Commands without a sign that only tell."""
_OTHER_NAMES = {"#CID": "+VCID"}
"""Commands of older makes, and the standard's for the same."""


def _as_told(modem: VoiceModem, command: AtCommand, told: Answer) -> CommandResult:
    """Answer as a real modem did, with the standard's effect."""
    if told.result == "ERROR":
        return CommandResult.ERROR
    outcome = CommandResult.OK
    if command.form in {CommandForm.READ, CommandForm.TEST} or command.name in _QUESTIONS:
        if told.lines:
            modem.inform(*(_in_class(modem, command, line) for line in told.lines))
    else:
        name = _OTHER_NAMES.get(command.name, command.name)
        outcome = _by_its_make(modem, replace(command, name=name))
    if not told.result:
        modem.lose_results += 1
    if outcome is CommandResult.ERROR and told.result == "OK":
        outcome = CommandResult.OK  # of no effect on what is simulated
    return modem.later(samples_of(told.ms)) if told.ms and outcome is CommandResult.OK else outcome


def _in_class(modem: VoiceModem, command: AtCommand, line: str) -> str:
    """Give the class that the modem is in, in the form in which this make prints it."""
    if command.written != "+FCLASS?":
        return line
    now = "8" if modem.settings.voice else "0"
    return re.sub(r"\d+$", lambda match: now.zfill(len(match[0])), line)


def _by_its_make(modem: VoiceModem, command: AtCommand) -> CommandResult:
    name = command.name
    if handler := HANDLERS.get(name):
        return handler(modem, command)
    if parameter := modem.personality.parameters.get(name):
        return _parameter(modem, command, parameter)
    if name[0] == "S" and name[1:].isdigit():
        return _register(modem, command)
    if name[0] == "!" and modem.personality.dash_commands:
        modem.settings.values[name] = command.text
        return CommandResult.OK
    return CommandResult.OK if name in ACCEPTED else CommandResult.ERROR


# Parameters kept as values


def _parameter(modem: VoiceModem, command: AtCommand, parameter: Parameter) -> CommandResult:
    if parameter.voice and not modem.settings.voice:
        return CommandResult.ERROR
    prefix = f"{command.name}: " if parameter.prefixed else ""
    if command.form is CommandForm.TEST:
        modem.inform(prefix + parameter.test)
    elif command.form is CommandForm.READ:
        modem.inform(prefix + modem.settings.values[command.name])
    elif command.form is CommandForm.SET:
        return _set_parameter(modem, command, parameter)
    else:
        return CommandResult.ERROR
    return CommandResult.OK


def _set_parameter(modem: VoiceModem, command: AtCommand, parameter: Parameter) -> CommandResult:
    old = modem.settings.values[command.name].split(",")
    new = command.text.split(",")
    if len(new) > len(old):
        return CommandResult.ERROR
    merged = [text or kept for text, kept in zip(new, old, strict=False)] + old[len(new) :]
    if not all(
        text.isdigit() and low <= int(text) <= high
        for text, (low, high) in zip(merged, parameter.ranges, strict=True)
    ):
        return CommandResult.ERROR
    if parameter.allowed and int(merged[0]) not in parameter.allowed:
        return CommandResult.ERROR
    modem.settings.values[command.name] = ",".join(str(int(text)) for text in merged)
    return CommandResult.OK


def _register(modem: VoiceModem, command: AtCommand) -> CommandResult:
    number = int(command.name[1:])
    if command.form is CommandForm.READ:
        modem.inform(f"{modem.settings.registers.get(number, 0):03d}")
        return CommandResult.OK
    value = int(command.text or 0)
    flash = number == 29
    if number > 255 or value > 255 or flash:
        return CommandResult.ERROR
    modem.settings.registers[number] = value
    return CommandResult.OK


# Of the command line itself


def _echo_verbose_quiet(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """E, V and Q: echo, verbose, quiet; 0 when no digit follows, unchanged by any other."""
    if command.text not in {"", "0", "1"}:
        return CommandResult.ERROR
    on = command.text == "1"
    if command.name == "E":
        modem.settings.echo = on
    elif command.name == "V":
        modem.settings.verbose = on
    else:
        modem.settings.quiet = on
    return CommandResult.OK


def _dtr_action(modem: VoiceModem, command: AtCommand) -> CommandResult:
    modem.settings.dtr_action = int(command.text or 0)
    return CommandResult.OK


def _factory_settings(modem: VoiceModem, _: AtCommand) -> CommandResult:
    was_voice = modem.settings.voice
    vls, rings = modem.settings.vls, modem.settings.registers[1]
    modem.restore_settings()
    modem.settings.registers[1] = rings
    if modem.off_hook:
        modem.settings.voice, modem.settings.vls = was_voice, vls
    else:
        modem.move(ModemTransition.DATA_CLASS)
    return CommandResult.OK


def _reset(modem: VoiceModem, command: AtCommand) -> CommandResult:
    if modem.settings.number("+VNH") != KEEP_LINE:
        modem.hang_up()
    _factory_settings(modem, command)
    return modem.later(samples_of(RESET_MS))


def _profile(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """AT&V: what is set, as terminals print it (v253.md 1.3, default profile)."""
    if command.text not in {"", "0"}:
        return CommandResult.ERROR
    settings = modem.settings
    switches = f"E{settings.echo:d} Q{settings.quiet:d} V{settings.verbose:d}"
    registers = " ".join(f"S{n:02d}:{value:03d}" for n, value in settings.registers.items())
    modem.inform(
        "ACTIVE PROFILE:",
        f"B1 {switches} L2 M1 N0 T W0 X4 Y0 &C1 &D{settings.dtr_action} &G0 &K3 &Q5 &R1 &S0 &X0",
        registers,
    )
    return CommandResult.OK


def _information(modem: VoiceModem, command: AtCommand) -> CommandResult:
    number = int(command.text or 0)
    if number == 5:
        modem.inform(modem.settings.values["+GCI"])
    elif number in (texts := modem.personality.texts | modem.told_texts):
        modem.inform(texts[number])
    return CommandResult.OK


def _identify(modem: VoiceModem, command: AtCommand) -> CommandResult:
    who = modem.personality
    modem.inform({"+GMI": who.maker, "+GMM": who.model, "+GMR": who.revision}[command.name])
    return CommandResult.OK


def _country(modem: VoiceModem, command: AtCommand) -> CommandResult:
    known = sorted({each.gci for each in COUNTRIES.values()} | {"0A", "A0", "A6"})
    if command.form is CommandForm.TEST:
        modem.inform(f"+GCI: ({','.join(known)})")
    elif command.form is CommandForm.READ:
        modem.inform(f"+GCI: {modem.settings.values['+GCI']}")
    elif command.form is CommandForm.SET and _HEX_PAIR.fullmatch(command.text):
        modem.settings.values["+GCI"] = command.text
    else:
        return CommandResult.ERROR
    return CommandResult.OK


# Reports


def _reprint(modem: VoiceModem, command: AtCommand) -> CommandResult:
    if not modem.personality.can_reprint_id:
        return CommandResult.ERROR
    if command.form is CommandForm.TEST:
        modem.inform("(0,1)")
        return CommandResult.OK
    if command.form is not CommandForm.SET or command.text not in {"0", "1"}:
        return CommandResult.ERROR
    if modem.last_caller is not None:
        print_identity(modem, modem.last_caller, raw=command.text == "1")
    return CommandResult.OK


def _voltage(modem: VoiceModem, command: AtCommand) -> CommandResult:
    if not modem.personality.dash_commands or command.form is not CommandForm.ACT:
        return CommandResult.ERROR
    modem.inform(f"{modem.volts:.1f}")
    return CommandResult.OK


# ---- voice commands ----------------------------------------------------------------------------
# The commands of class 8 and of the line: what each does (v253.md 1.3, 1.4).

DIAL_GAP_MS = 70
LIU_BIT = 1
KEEP_LINE = 2
"""+VNH=2: ATH and ATZ leave the line alone."""


def _needs_voice(modem: VoiceModem) -> bool:
    return not modem.settings.voice


# Class, country, line


def choose_class(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """+FCLASS: voice or data; leaving voice may free the line, any change resets +VNH."""
    if command.form is CommandForm.TEST:
        modem.inform(modem.personality.classes)
        return CommandResult.OK
    if command.form is CommandForm.READ:
        modem.inform_bare("8" if modem.settings.voice else "0")
        return CommandResult.OK
    if command.form is CommandForm.ACT or command.text not in {"0", "8"}:
        return CommandResult.ERROR
    _enter_class(modem, voice=command.text == "8")
    return CommandResult.OK


def _enter_class(modem: VoiceModem, *, voice: bool) -> None:
    kept = modem.settings.number("+VNH") or not modem.personality.drops_line_with_class
    if voice != modem.settings.voice:
        modem.settings.values["+VNH"] = "0"
    if not voice and modem.off_hook and not kept:
        modem.hang_up()
    modem.settings.voice = voice
    modem.move(ModemTransition.VOICE_CLASS if voice else ModemTransition.DATA_CLASS)
    if voice and modem.personality.reports_handset:
        modem.report_after_result("H" if modem.extension_up else "h")


def select_line(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """+VLS: seize the line, free it, or pick a device that has none."""
    if _needs_voice(modem) or command.form is CommandForm.ACT:
        return CommandResult.ERROR
    if command.form is CommandForm.TEST:
        modem.inform(*modem.personality.labels.values())
        return CommandResult.OK
    if command.form is CommandForm.READ:
        modem.inform(str(modem.settings.vls))
        return CommandResult.OK
    if not command.text.isdigit() or int(command.text) not in modem.personality.labels:
        return CommandResult.ERROR
    _select_label(modem, int(command.text))
    return CommandResult.OK


def _select_label(modem: VoiceModem, label: int) -> None:
    if label in modem.personality.line_labels:
        modem.move(ModemTransition.OFF_HOOK)
    else:
        modem.hang_up()
    modem.settings.vls = label


def hook(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """ATH: free the line unless +VNH=2 forbids it; ATH1 seizes it."""
    if command.text == "1":
        modem.move(ModemTransition.OFF_HOOK)
        return CommandResult.OK
    if command.text not in {"", "0"}:
        return CommandResult.ERROR
    if modem.settings.number("+VNH") == KEEP_LINE:
        return CommandResult.OK
    if modem.personality.hang_up_leaves_voice:
        modem.settings.voice = False
    modem.hang_up()
    return CommandResult.OK


def answer(modem: VoiceModem, _: AtCommand) -> CommandResult:
    """ATA: in class 8 at once, in class 0 waiting for a data carrier that never comes."""
    if modem.settings.voice:
        modem.move(ModemTransition.OFF_HOOK)
        return CommandResult.OK
    return modem.dial(Dialler(answering=True, out=True))


def dial(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """ATD: seize the line, wait S6, send the digits; the result comes later."""
    number = command.text.removesuffix(";")
    if modem.extension_up and modem.settings.number("-STE") & LIU_BIT:
        return CommandResult.LINE_IN_USE
    registers, was_up = modem.settings.registers, modem.off_hook
    try:
        listed = _number(modem, number)
    except WrongLine:
        return CommandResult.ERROR
    lead = 0 if was_up else samples_of(registers[6] * 1000)
    modem.toner.play(listed, lead + 1, DIAL_GAP_MS)  # one sample more: never an empty list
    return modem.dial(Dialler(semicolon=command.text.endswith(";")))


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


def choose_format(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """+VSM: the sound format by its number; other rates than 8000 are refused."""
    if _needs_voice(modem) or command.form is CommandForm.ACT:
        return CommandResult.ERROR
    if command.form is CommandForm.TEST:
        modem.inform(*(each.listing for each in modem.personality.formats.values()))
        return CommandResult.OK
    if command.form is CommandForm.READ:
        modem.inform(modem.settings.values["+VSM"])
        return CommandResult.OK
    return _choose_fields(modem, command.text.split(","))


def _choose_fields(modem: VoiceModem, fields: list[str]) -> CommandResult:
    most = len(modem.personality.default_vsm.split(","))
    if not 1 <= len(fields) <= most or not all(text.isdigit() for text in fields):
        return CommandResult.ERROR
    chosen = modem.personality.formats.get(int(fields[0]))
    if chosen is None or not chosen.law or fields[1:2] not in ([], ["8000"]):
        return CommandResult.ERROR
    modem.settings.values["+VSM"] = ",".join([fields[0], "8000", "0", "0"][:most])
    return CommandResult.OK


_BEGINS = {
    "+VTX": ModemTransition.TX_BEGAN,
    "+VRX": ModemTransition.RX_BEGAN,
    "+VTR": ModemTransition.DUPLEX_BEGAN,
}


def stream(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """+VTX, +VRX, +VTR: start sound; ERROR off line, for `=?`, or without duplex."""
    able = command.name != "+VTR" or modem.vtr != "error"
    held = modem.settings.voice and modem.off_hook
    if command.form is not CommandForm.ACT or not able or not held:
        return CommandResult.ERROR
    return modem.begin_stream(_BEGINS[command.name])


def send_tones(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """+VTS: tones, keys and flashes; OK only after the last of them."""
    if command.form is not CommandForm.SET or _needs_voice(modem) or not modem.off_hook:
        return CommandResult.ERROR
    registers = modem.settings.registers
    digit_ms = modem.settings.number("+VTD") * 10 or registers[11]
    limits = modem.personality.tone_range
    try:
        listed = soundings(command.text, digit_ms, registers[29] * 10, limits)
    except WrongLine:
        return CommandResult.ERROR
    modem.toner.play(listed, 1, DIAL_GAP_MS)
    return CommandResult.LATER


def reset_voice(modem: VoiceModem, command: AtCommand) -> CommandResult:
    """+VIP: voice parameters back to their defaults, class and line kept."""
    if _needs_voice(modem) or command.form is not CommandForm.ACT:
        return CommandResult.ERROR
    fresh = fresh_settings(modem.personality).values
    keep = {"+GCI"} | {name for name, p in modem.personality.parameters.items() if not p.voice}
    modem.settings.values |= {name: value for name, value in fresh.items() if name not in keep}
    return CommandResult.OK


HANDLERS: dict[str, Handler] = {
    "E": _echo_verbose_quiet,
    "V": _echo_verbose_quiet,
    "Q": _echo_verbose_quiet,
    "&D": _dtr_action,
    "&F": _factory_settings,
    "&V": _profile,
    "Z": _reset,
    "I": _information,
    "+GMI": _identify,
    "+GMM": _identify,
    "+GMR": _identify,
    "+FCLASS": choose_class,
    "+GCI": _country,
    "+VLS": select_line,
    "H": hook,
    "A": answer,
    "D": dial,
    "+VSM": choose_format,
    "+VTX": stream,
    "+VRX": stream,
    "+VTR": stream,
    "+VTS": send_tones,
    "+VIP": reset_voice,
    "+VRID": _reprint,
    "-TRV": _voltage,
}
