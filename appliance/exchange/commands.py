"""What each AT command does; one small function each, found by name (v253.md 1.2-1.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.exchange import notices, voice_commands
from appliance.exchange.country import COUNTRIES
from appliance.exchange.outcome import Outcome
from appliance.exchange.parser import Command, Form
from appliance.exchange.sound import samples
from appliance.exchange.states import Happening

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exchange.dialects import Parameter
    from appliance.exchange.modem import VoiceModem

    Handler = Callable[[VoiceModem, Command], Outcome]

RESET_MS = 200
"""ATZ takes about 200 ms (v253.md 1.1)."""

ACCEPTED = frozenset("LMNBWTPYX") | {f"&{letter}" for letter in "CGJKQRST"} | {"\\N", "%C", "&X"}
"""Basic commands of a data modem, taken and without effect on voice."""

_HEX_PAIR = re.compile(r"[0-9A-F]{2}")


def perform(modem: VoiceModem, command: Command) -> Outcome:
    """Do one command and tell how it ended."""
    name = command.name
    if name in modem.refused:
        return Outcome.ERROR
    if handler := HANDLERS.get(name):
        return handler(modem, command)
    if parameter := modem.personality.parameters.get(name):
        return _parameter(modem, command, parameter)
    if name[0] == "S" and name[1:].isdigit():
        return _register(modem, command)
    if name[0] == "!" and modem.personality.dash_commands:
        modem.settings.values[name] = command.text
        return Outcome.OK
    return Outcome.OK if name in ACCEPTED else Outcome.ERROR


def _needs_voice(modem: VoiceModem) -> bool:
    return not modem.settings.voice


# Parameters kept as values


def _parameter(modem: VoiceModem, command: Command, parameter: Parameter) -> Outcome:
    if parameter.voice and not modem.settings.voice:
        return Outcome.ERROR
    prefix = f"{command.name}: " if parameter.prefixed else ""
    if command.form is Form.TEST:
        modem.inform(prefix + parameter.test)
    elif command.form is Form.READ:
        modem.inform(prefix + modem.settings.values[command.name])
    elif command.form is Form.SET:
        return _set(modem, command, parameter)
    else:
        return Outcome.ERROR
    return Outcome.OK


def _set(modem: VoiceModem, command: Command, parameter: Parameter) -> Outcome:
    old = modem.settings.values[command.name].split(",")
    new = command.text.split(",")
    if len(new) > len(old):
        return Outcome.ERROR
    merged = [text or kept for text, kept in zip(new, old, strict=False)] + old[len(new) :]
    if not all(
        text.isdigit() and low <= int(text) <= high
        for text, (low, high) in zip(merged, parameter.ranges, strict=True)
    ):
        return Outcome.ERROR
    if parameter.allowed and int(merged[0]) not in parameter.allowed:
        return Outcome.ERROR
    modem.settings.values[command.name] = ",".join(str(int(text)) for text in merged)
    return Outcome.OK


def _register(modem: VoiceModem, command: Command) -> Outcome:
    number = int(command.name[1:])
    if command.form is Form.READ:
        modem.inform(f"{modem.settings.registers.get(number, 0):03d}")
        return Outcome.OK
    value = int(command.text or 0)
    flash = number == 29
    if number > 255 or value > 255 or flash:
        return Outcome.ERROR
    modem.settings.registers[number] = value
    return Outcome.OK


# Of the command line itself


def _switch(modem: VoiceModem, command: Command) -> Outcome:
    """E, V and Q: echo, verbose, quiet; 0 when no digit follows, unchanged by any other."""
    if command.text not in {"", "0", "1"}:
        return Outcome.ERROR
    on = command.text == "1"
    if command.name == "E":
        modem.settings.echo = on
    elif command.name == "V":
        modem.settings.verbose = on
    else:
        modem.settings.quiet = on
    return Outcome.OK


def _dtr(modem: VoiceModem, command: Command) -> Outcome:
    modem.settings.dtr_action = int(command.text or 0)
    return Outcome.OK


def _factory(modem: VoiceModem, _: Command) -> Outcome:
    was_voice = modem.settings.voice
    vls, rings = modem.settings.vls, modem.settings.registers[1]
    modem.restore_settings()
    modem.settings.registers[1] = rings
    if modem.off_hook:
        modem.settings.voice, modem.settings.vls = was_voice, vls
    else:
        modem.move(Happening.DATA_CLASS)
    return Outcome.OK


def _reset(modem: VoiceModem, command: Command) -> Outcome:
    if modem.settings.number("+VNH") != voice_commands.KEEP_LINE:
        modem.hang_up()
    _factory(modem, command)
    return modem.later(samples(RESET_MS))


def _profile(modem: VoiceModem, command: Command) -> Outcome:
    """AT&V: what is set, as terminals print it (v253.md 1.3, default profile)."""
    if command.text not in {"", "0"}:
        return Outcome.ERROR
    settings = modem.settings
    switches = f"E{settings.echo:d} Q{settings.quiet:d} V{settings.verbose:d}"
    registers = " ".join(f"S{n:02d}:{value:03d}" for n, value in settings.registers.items())
    modem.inform(
        "ACTIVE PROFILE:",
        f"B1 {switches} L2 M1 N0 T W0 X4 Y0 &C1 &D{settings.dtr_action} &G0 &K3 &Q5 &R1 &S0 &X0",
        registers,
    )
    return Outcome.OK


def _information(modem: VoiceModem, command: Command) -> Outcome:
    number = int(command.text or 0)
    if number == 5:
        modem.inform(modem.settings.values["+GCI"])
    elif number in (texts := modem.personality.texts | modem.told_texts):
        modem.inform(texts[number])
    return Outcome.OK


def _identify(modem: VoiceModem, command: Command) -> Outcome:
    who = modem.personality
    modem.inform({"+GMI": who.maker, "+GMM": who.model, "+GMR": who.revision}[command.name])
    return Outcome.OK


def _country(modem: VoiceModem, command: Command) -> Outcome:
    known = sorted({each.gci for each in COUNTRIES.values()} | {"0A", "A0", "A6"})
    if command.form is Form.TEST:
        modem.inform(f"+GCI: ({','.join(known)})")
    elif command.form is Form.READ:
        modem.inform(f"+GCI: {modem.settings.values['+GCI']}")
    elif command.form is Form.SET and _HEX_PAIR.fullmatch(command.text):
        modem.settings.values["+GCI"] = command.text
    else:
        return Outcome.ERROR
    return Outcome.OK


# Reports


def _reprint(modem: VoiceModem, command: Command) -> Outcome:
    if not modem.personality.can_reprint_id:
        return Outcome.ERROR
    if command.form is Form.TEST:
        modem.inform("(0,1)")
        return Outcome.OK
    if command.form is not Form.SET or command.text not in {"0", "1"}:
        return Outcome.ERROR
    if modem.last_caller is not None:
        notices.print_identity(modem, modem.last_caller, raw=command.text == "1")
    return Outcome.OK


def _voltage(modem: VoiceModem, command: Command) -> Outcome:
    if not modem.personality.dash_commands or command.form is not Form.ACT:
        return Outcome.ERROR
    modem.inform(f"{modem.volts:.1f}")
    return Outcome.OK


HANDLERS: dict[str, Handler] = {
    "E": _switch,
    "V": _switch,
    "Q": _switch,
    "&D": _dtr,
    "&F": _factory,
    "&V": _profile,
    "Z": _reset,
    "I": _information,
    "+GMI": _identify,
    "+GMM": _identify,
    "+GMR": _identify,
    "+FCLASS": voice_commands.choose_class,
    "+GCI": _country,
    "+VLS": voice_commands.select_line,
    "H": voice_commands.hook,
    "A": voice_commands.answer,
    "D": voice_commands.dial,
    "+VSM": voice_commands.choose_format,
    "+VTX": voice_commands.stream,
    "+VRX": voice_commands.stream,
    "+VTR": voice_commands.stream,
    "+VTS": voice_commands.send_tones,
    "+VIP": voice_commands.reset_voice,
    "+VRID": _reprint,
    "-TRV": _voltage,
}
