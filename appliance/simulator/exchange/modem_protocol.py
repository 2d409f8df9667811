"""Host protocol of the simulated modem: personalities, DLE, AT lines, states (v253.md 1-2)."""

from __future__ import annotations

import enum
import re
from collections import Counter, deque
from dataclasses import dataclass, field, replace

from appliance.errors import Bug, ConfigurationError
from appliance.simulator.exchange.audio import PAIRS
from appliance.text import _

# ---- dialects ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Format:
    """One line of `+VSM=?`; an empty law is listed by the modem but refused by this one."""

    listing: str
    law: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A settable value: default, the range of each field, and what `=?` prints."""

    default: str
    ranges: tuple[tuple[int, int], ...]
    voice: bool = True
    allowed: tuple[int, ...] = ()
    prefixed: bool = False

    @property
    def test(self) -> str:
        """What the test form prints."""
        if self.allowed:
            return f"({','.join(str(value) for value in self.allowed)})"
        return ",".join(f"({low}-{high})" for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a real modem answered to one command; `result` "" is no answer at all."""

    lines: tuple[str, ...]
    result: str
    ms: int = 0


_BYTE = (0, 255)
_T_MASKS = "0B8418E000,0FE418E000,0B8419E000"
# Events reportable per state; decoded in v253.md 1.4 (idle: CID, ring, hook, loop, extension).
_LOCAL_MASKS = "B084008000,B084008000,B084008000"


@dataclass(frozen=True, slots=True)
class Personality:
    """One make of modem. `tx_codes` are the DLE codes it knows from the host.

    `fields_apart`: each field of caller id within its own CR LF; `packs_dle`: two samples 0x10 are
    sent as DLE SUB (2.1). Both were seen of some firmware, neither is the rule.
    `doubles_dle`: a code of the host is heeded only behind a doubled DLE, as a Zoom 3095 is
    reported to do. `gain_step_db` is what one step of +VGR changes around 128 (v253.md 1.3); 0 for
    a modem that sets its gain by itself.
    `answers` are those of a real modem by command (without AT) and class (None: not known), read
    from a bundle (replay.py), which also says how it leaves its streams: `vtr` is the knob of
    duplex, `receive_end` the code that ends +VRX.
    """

    name: str
    texts: dict[int, str]
    maker: str
    model: str
    revision: str
    classes: str
    formats: dict[int, Format]
    default_vsm: str
    parameters: dict[str, Parameter]
    labels: dict[int, str]
    line_labels: frozenset[int]
    id_separator: str
    duplex: bool
    no_dial_tone: str
    flash_ms: int
    ring_clear_ms: int
    tone_range: tuple[int, int]
    tx_codes: bytes
    shields_dtmf: bool
    reports_buffers: bool
    reports_loop: bool
    reports_handset: bool
    hang_up_leaves_voice: bool
    drops_line_with_class: bool
    dash_commands: bool
    can_reprint_id: bool
    fields_apart: bool = False
    packs_dle: bool = False
    doubles_dle: bool = False
    gain_step_db: float = 0.0
    answers: dict[tuple[str, bool | None], Answer] = field(default_factory=dict)
    vtr: str = ""
    receive_end: bytes = b"!"


_COMMON = {
    "+VCID": Parameter("0", ((0, 2),), voice=False),
    "+VDR": Parameter("0,0", ((0, 1), _BYTE)),
    "+VGT": Parameter("128", (_BYTE,)),
    "+VIT": Parameter("0", (_BYTE,)),
    "+VRA": Parameter("50", (_BYTE,)),
    "+VDT": Parameter("0,0", ((0, 1), _BYTE)),
    "+VSP": Parameter("0", ((0, 1),)),
    "+VPR": Parameter("0", (_BYTE,)),
    "+PCW": Parameter("0", ((0, 2),), voice=False, prefixed=True),
    "+PIG": Parameter("0", ((0, 1),), voice=False),
    "+IFC": Parameter("2,2", ((0, 3), (0, 2)), voice=False, prefixed=True),
    "+FLO": Parameter("2", ((0, 2),), voice=False),
}

CONEXANT = Personality(
    name="conexant",
    texts={0: "56000", 3: "CX93001-EIS_V0.2013-V92"},
    maker="+GMI: CONEXANT",
    model="+GMM: V90",
    revision="+GMR: CX93001-EIS_V0.2013-V92",
    classes="0,1,1.0,2,8",
    formats={
        0: Format('0,"SIGNED PCM",8,0,8000,0,0', "signed8"),
        1: Format('1,"UNSIGNED PCM",8,0,8000,0,0', "unsigned8"),
        129: Format('129,"IMA ADPCM",4,0,8000,0,0', ""),
        130: Format('130,"UNSIGNED PCM",8,0,8000,0,0', "unsigned8"),
        131: Format('131,"Mu-Law",8,0,8000,0,0', "ulaw"),
        132: Format('132,"A-Law",8,0,8000,0,0', "alaw"),
        133: Format('133,"14 bit PCM",14,0,8000,0,0', "linear14"),
    },
    default_vsm="1,8000,0,0",
    parameters=_COMMON
    | {
        "+VDR": Parameter("0,0", ((0, 1), (0, 6))),
        "+VGR": Parameter("0", (_BYTE,)),
        "+VNH": Parameter("0", ((0, 2),)),
        "+VRN": Parameter("10", ((0, 25),)),
        "+VSD": Parameter("0,50", ((0, 129), _BYTE)),
        "+VTD": Parameter("100", (_BYTE,)),
        "-STE": Parameter("0", ((0, 7),), voice=False),
        "-SCID": Parameter("0", ((0, 1),), voice=False),
    },
    labels={
        0: f'0,"",{_LOCAL_MASKS}',
        1: f'1,"T",{_T_MASKS}',
        4: f'4,"S",{_LOCAL_MASKS}',
        5: f'5,"ST",{_T_MASKS}',
        6: f'6,"M",{_LOCAL_MASKS}',
        8: f'8,"S1",{_LOCAL_MASKS}',
        9: f'9,"S1T",{_T_MASKS}',
        11: f'11,"M1",{_LOCAL_MASKS}',
        13: f'13,"M1S1T",{_T_MASKS}',
    },
    line_labels=frozenset({1, 5, 9, 13}),
    id_separator=" = ",
    duplex=True,
    no_dial_tone="NO DIAL TONE",
    flash_ms=700,
    ring_clear_ms=8000,
    tone_range=(200, 3000),
    tx_codes=b"\x03\x18!^udpr",
    shields_dtmf=True,
    reports_buffers=True,
    reports_loop=True,
    reports_handset=True,
    hang_up_leaves_voice=True,
    drops_line_with_class=True,
    dash_commands=True,
    can_reprint_id=True,
)

# The same with a firmware that knows neither law: 8-bit linear is all there is (v253.md 1.5).
CONEXANT_PCM = replace(
    CONEXANT,
    name="conexant-pcm",
    formats={130: Format('130,"UNSIGNED PCM",8,0,8000,0,0', "unsigned8")},
    default_vsm="130,8000,0,0",
)

USR5637 = Personality(
    name="usr5637",
    texts={0: "5601", 3: "U.S. Robotics 56K FAX USB V1.2.23"},
    maker="U.S. Robotics",
    model="56K FAX USB",
    revision="V1.2.23",
    classes="0,1,1.0,2,2.0,2.1,8",
    formats={
        128: Format('128,"8-BIT LINEAR",(7200,8000,11025)', "unsigned8"),
        129: Format('129,"16-BIT LINEAR",(7200,8000,11025)', "linear16"),
        130: Format('130,"8-BIT ALAW",(8000)', "alaw"),
        131: Format('131,"8-BIT ULAW",(8000)', "ulaw"),
        132: Format('132,"IMA ADPCM",(8000)', ""),
        133: Format('133,"G.729",(8000)', ""),
    },
    default_vsm="129,8000",
    parameters=_COMMON
    | {
        "+VGR": Parameter("128", ((121, 134),)),
        "+VNH": Parameter("0", ((0, 2),), allowed=(0, 2)),
        "+VRN": Parameter("10", (_BYTE,)),
        "+VSD": Parameter("128,50", (_BYTE, _BYTE)),
        "+VTD": Parameter("100", ((0, 400),)),
        "+VEM": Parameter("0", ((0, 0xFFFFFFFF),)),
        "+PCW": Parameter("2", ((0, 2),), voice=False, prefixed=True),
    },
    labels={
        0: '0,""',
        1: '1,"T"',
        2: '2,"L"',
        3: '3,"LT"',
        4: '4,"S"',
        5: '5,"ST"',
        6: '6,"M"',
        7: '7,"MST"',
    },
    line_labels=frozenset({1, 3, 5, 7}),
    id_separator="=",
    duplex=False,
    no_dial_tone="NO DIALTONE",
    flash_ms=500,
    ring_clear_ms=6000,
    tone_range=(300, 3300),
    tx_codes=b"\x03\x18!^ud",
    shields_dtmf=False,
    reports_buffers=False,
    reports_loop=False,
    reports_handset=False,
    hang_up_leaves_voice=True,
    drops_line_with_class=False,
    dash_commands=False,
    can_reprint_id=False,
    gain_step_db=1.0,
)

# A data and fax modem as it is sold beside voice modems: answers every question, has no voice.
DATA_ONLY = replace(CONEXANT, name="data-only", formats={}, classes="0,1,1.0,2")

ZOOM3095 = replace(CONEXANT, name="zoom3095", doubles_dle=True)
"""The same chip with firmware that leaves its streams by a tripled DLE alone."""

PERSONALITIES = {each.name: each for each in (CONEXANT, USR5637, CONEXANT_PCM, DATA_ONLY, ZOOM3095)}

# Numeric result codes (v253.md 1.1).
RESULT_CODES = {
    "OK": 0,
    "CONNECT": 1,
    "RING": 2,
    "NO CARRIER": 3,
    "ERROR": 4,
    "NO DIAL TONE": 6,
    "NO DIALTONE": 6,
    "BUSY": 7,
    "NO ANSWER": 8,
    "LINE IN USE": 83,
}


def personality_named(name: str) -> Personality:
    """Give a personality by name; raises ConfigurationError for one not known."""
    try:
        return PERSONALITIES[name]
    except KeyError:
        known = ", ".join(PERSONALITIES)
        raise ConfigurationError(
            _("dialect {name!r} is not known: use {known}", name=name, known=known)
        ) from None


@dataclass(slots=True)
class ModemSettings:
    """What the host has set on one modem; a reset makes a new one."""

    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    voice: bool = False
    vls: int = 0
    dtr_action: int = 2
    values: dict[str, str] = field(default_factory=dict)
    registers: dict[int, int] = field(default_factory=dict)

    def number(self, name: str, index: int = 0) -> int:
        """Give one numeric field of a parameter, 0 when the modem has no such parameter."""
        fields = self.values.get(name, "0").split(",")
        return int(fields[index])


REGISTERS = {0: 0, 1: 0, 2: 43, 3: 13, 4: 10, 5: 8, 6: 2, 7: 50, 8: 2, 10: 14, 11: 85, 25: 5}
REGISTERS |= {29: 70, 30: 0, 82: 0, 86: 0, 127: 0}
"""S registers after a reset; anything else reads 0."""


def fresh_settings(personality: Personality) -> ModemSettings:
    """Give the settings a modem wakes up with: E1 V1 Q0, class 0, every parameter's default."""
    values = {name: parameter.default for name, parameter in personality.parameters.items()}
    values |= {"+VSM": personality.default_vsm, "+GCI": "B5"}
    registers = REGISTERS | {29: personality.flash_ms // 10}
    return ModemSettings(values=values, registers=registers)


# ---- dle ---------------------------------------------------------------------------------------
# DLE shielding as the modem sees it (v253.md section 2).

DLE, ETX, CAN, SUB, NUL = 0x10, 0x03, 0x18, 0x1A, 0x00
_PURE = re.compile(rb"(?:[^\x10]++|\x10[\x10\x1a])*+", re.DOTALL)
_ONE_OR_TWO = re.compile(rb"\x10{1,2}")
_PAIR = re.compile(rb"\x10([\x10\x1a])")


def shield(sound: bytes) -> bytes:
    """Double every DLE in sound on its way to the host."""
    return sound.replace(b"\x10", b"\x10\x10")


def shield_packed(sound: bytes) -> bytes:
    """Double every DLE, two in a row by DLE SUB, as some firmware does (v253.md 2.1)."""
    return _ONE_OR_TWO.sub(lambda m: b"\x10\x1a" if len(m[0]) == 2 else b"\x10\x10", sound)


def dle_event(code: str) -> bytes:
    """Give the two bytes of one event, e.g. `b` for busy."""
    return b"\x10" + code.encode("ascii")


def _unpair(match: re.Match[bytes]) -> bytes:
    return b"\x10" if match.group(1) == b"\x10" else b"\x10\x10"


def _plain(pure: bytes) -> bytes:
    if b"\x10\x1a" in pure:
        return _PAIR.sub(_unpair, pure)
    return pure.replace(b"\x10\x10", b"\x10")


class DleUnshielder:
    """Takes the shielding off a host's stream, which may be cut anywhere."""

    def __init__(self) -> None:
        self._half = False

    def step(self, data: bytes) -> tuple[bytes, int | None, bytes]:
        """Give (sound up to the next code, that code or None, what follows it)."""
        if self._half:
            data, self._half = b"\x10" + data, False
        elif b"\x10" not in data:
            return data, None, b""
        match = _PURE.match(data)
        end = match.end() if match else 0
        if end >= len(data) - 1:
            self._half = end < len(data)
            return _plain(data[:end]), None, b""
        return _plain(data[:end]), data[end + 1], data[end + 2 :]


# ---- parser ------------------------------------------------------------------------------------
# Parser of AT command lines and +VTS lists (v253.md 1.1, 1.3).


class CommandForm(enum.StrEnum):
    """How a command was written."""

    ACT = "act"
    SET = "set"
    READ = "read"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class AtCommand:
    """One command of a line: name (`+VLS`, `E`, `S0`, `&F`), form and text after it."""

    name: str
    form: CommandForm
    text: str = ""

    @property
    def written(self) -> str:
        """The command as the host wrote it, without AT."""
        return self.name + _SIGNS[self.form] + self.text


_EXTENDED = re.compile(r"([+\-!#][A-Z0-9]+)(=\?|\?|=)?")
_REGISTER = re.compile(r"S(\d+)(=|\?)(\d*)")
_BASIC = re.compile(r"([&%\\]?[A-Z])(\d*)")
_DIAL = re.compile(r"D([^;]*)(;?)")
_FORMS = {
    "=?": CommandForm.TEST,
    "?": CommandForm.READ,
    "=": CommandForm.SET,
    None: CommandForm.ACT,
}


_SIGNS = {form: sign or "" for sign, form in _FORMS.items()}


class WrongLine(ValueError):  # noqa: N818 - a fact about the host's line, not an error of ours
    """Raised for text that is no command; the modem answers ERROR there."""


def split_line(body: str) -> list[AtCommand]:
    """Give the commands of a line's body (after AT), up to the first that cannot be read.

    What cannot be read becomes a command named `?`, which the modem refuses.
    """
    commands: list[AtCommand] = []
    rest = re.sub(r'"[^"]*"|\s', lambda m: m.group() if m.group()[0] == '"' else "", body)
    rest = rest.upper().lstrip(";")
    while rest:
        try:
            command, rest = _next(rest)
        except WrongLine:
            command, rest = AtCommand("?", CommandForm.ACT, rest), ""
        commands.append(command)
    return commands


def _next(rest: str) -> tuple[AtCommand, str]:
    if rest[0] in "+-!#":
        return _extended(rest)
    if match := _DIAL.match(rest):
        return AtCommand("D", CommandForm.ACT, match[1] + match[2]), rest[match.end() :]
    if match := _REGISTER.match(rest):
        form = CommandForm.SET if match[2] == "=" else CommandForm.READ
        return AtCommand(f"S{match[1]}", form, match[3]), rest[match.end() :]
    if match := _BASIC.match(rest):
        return AtCommand(match[1], CommandForm.ACT, match[2]), rest[match.end() :]
    raise WrongLine(rest)


def _extended(rest: str) -> tuple[AtCommand, str]:
    match = _EXTENDED.match(rest)
    if match is None:
        raise WrongLine(rest)
    tail = rest[match.end() :]
    text, _, after = tail.partition(";")
    form = _FORMS[match[2]]
    if form is not CommandForm.SET and text:
        raise WrongLine(rest)
    return AtCommand(match[1], form, text), after


@dataclass(frozen=True, slots=True)
class Sounding:
    """One element of +VTS: a pair of Hz (0 = none), ms, the key it is, or a flash."""

    frequencies: tuple[int, int]
    ms: int
    digit: str = ""
    flash: bool = False


_ELEMENT = re.compile(r"\[(\d*),(\d*),(\d*)\]|\{([0-9A-D*#!]),(\d*)\}|([0-9A-D*#!])")
DEFAULT_TONE_MS = 100
# A list that lasts longer is a mistake: it would be held as sound, and the line for as long.
LONGEST_MS = 60_000


def soundings(text: str, digit_ms: int, flash_ms: int, limits: tuple[int, int]) -> list[Sounding]:
    """Read a +VTS list: `5`, `{5,8}`, `[425,0,50]`, `!`, `{!,10}`; durations in 10 ms.

    Raises WrongLine where the list stops making sense, a frequency lies outside limits (Hz), or all
    of it would last longer than a minute.
    """
    found: list[Sounding] = []
    at = 0
    while at < len(text):
        match = _ELEMENT.match(text, at)
        if match is None:
            raise WrongLine(text)
        found.append(_sounding(match, digit_ms, flash_ms, limits))
        at = match.end() + text.startswith(",", match.end())
    if not found:
        raise WrongLine("empty tone list")
    if sum(each.ms for each in found) > LONGEST_MS:
        raise WrongLine("a tone list of more than a minute")
    return found


def _sounding(
    match: re.Match[str], digit_ms: int, flash_ms: int, limits: tuple[int, int]
) -> Sounding:
    key = match[4] or match[6]
    if key is None:
        pair = (int(match[1] or 0), int(match[2] or 0))
        if any(hz and not limits[0] <= hz <= limits[1] for hz in pair):
            raise WrongLine(match[0])
        return Sounding(pair, int(match[3]) * 10 if match[3] else DEFAULT_TONE_MS)
    ms = int(match[5]) * 10 if match[5] else (flash_ms if key == "!" else digit_ms)
    if key == "!":
        return Sounding((0, 0), ms, flash=True)
    low, high = PAIRS[key]
    return Sounding((int(low), int(high)), ms, digit=key)


# ---- states ------------------------------------------------------------------------------------
# The modem's states, as one table (v253.md section 9, item 2).


class ModemState(enum.StrEnum):
    """Where the modem is; commands are read in the first three only."""

    CLASS0_ONHOOK = "class0-onhook"
    CLASS8_ONHOOK = "class8-onhook"
    OFFHOOK_COMMAND = "offhook-command"
    TX = "tx"
    RX = "rx"
    DUPLEX = "duplex"
    DIALING = "dialing"


class ModemTransition(enum.StrEnum):
    """What can move the modem from one state to another."""

    VOICE_CLASS = "voice class chosen"
    DATA_CLASS = "data class chosen"
    OFF_HOOK = "line seized"
    ON_HOOK_VOICE = "line freed in class 8"
    ON_HOOK_DATA = "line freed in class 0"
    TX_BEGAN = "+VTX"
    RX_BEGAN = "+VRX"
    DUPLEX_BEGAN = "+VTR"
    STREAM_ENDED = "stream ended"
    DIAL_BEGAN = "dialing began"
    DIAL_ENDED = "dialing ended"


COMMAND = {ModemState.CLASS0_ONHOOK, ModemState.CLASS8_ONHOOK, ModemState.OFFHOOK_COMMAND}
STREAMING = {ModemState.TX, ModemState.RX, ModemState.DUPLEX}
HEARING = {ModemState.RX, ModemState.DUPLEX}
PLAYING = {ModemState.TX, ModemState.DUPLEX}
ONHOOK = {ModemState.CLASS0_ONHOOK, ModemState.CLASS8_ONHOOK}

_S, _H = ModemState, ModemTransition
_BACK_ON_HOOK = {_H.ON_HOOK_VOICE: _S.CLASS8_ONHOOK, _H.ON_HOOK_DATA: _S.CLASS0_ONHOOK}
_IN_STREAM = {_H.STREAM_ENDED: _S.OFFHOOK_COMMAND, **_BACK_ON_HOOK}

STATE_TABLE: dict[ModemState, dict[ModemTransition, ModemState]] = {
    _S.CLASS0_ONHOOK: {
        _H.VOICE_CLASS: _S.CLASS8_ONHOOK,
        _H.DATA_CLASS: _S.CLASS0_ONHOOK,
        _H.OFF_HOOK: _S.OFFHOOK_COMMAND,
        _H.DIAL_BEGAN: _S.DIALING,
        **_BACK_ON_HOOK,
    },
    _S.CLASS8_ONHOOK: {
        _H.VOICE_CLASS: _S.CLASS8_ONHOOK,
        _H.DATA_CLASS: _S.CLASS0_ONHOOK,
        _H.OFF_HOOK: _S.OFFHOOK_COMMAND,
        _H.DIAL_BEGAN: _S.DIALING,
        **_BACK_ON_HOOK,
    },
    _S.OFFHOOK_COMMAND: {
        _H.VOICE_CLASS: _S.OFFHOOK_COMMAND,
        _H.DATA_CLASS: _S.OFFHOOK_COMMAND,
        _H.OFF_HOOK: _S.OFFHOOK_COMMAND,
        _H.TX_BEGAN: _S.TX,
        _H.RX_BEGAN: _S.RX,
        _H.DUPLEX_BEGAN: _S.DUPLEX,
        _H.DIAL_BEGAN: _S.DIALING,
        **_BACK_ON_HOOK,
    },
    _S.TX: _IN_STREAM,
    _S.RX: _IN_STREAM,
    _S.DUPLEX: _IN_STREAM,
    _S.DIALING: {_H.DIAL_ENDED: _S.OFFHOOK_COMMAND, **_BACK_ON_HOOK},
}


def next_state(state: ModemState, happening: ModemTransition) -> ModemState:
    """Give the state after a happening; raises Bug for one the table does not know there."""
    try:
        return STATE_TABLE[state][happening]
    except KeyError:
        raise Bug(f"a modem in {state} cannot meet {happening!r}") from None


# ---- outcome -----------------------------------------------------------------------------------
# Result of a command.


class CommandResult(enum.Enum):
    """At once, refused, later, or in a stream; the value is the result code it gives."""

    OK = "OK"
    ERROR = "ERROR"
    LINE_IN_USE = "LINE IN USE"
    LATER = "later"
    STREAM = "CONNECT"


# ---- hostside ----------------------------------------------------------------------------------
# The modem's side towards its host: result codes, information text, DLE events (v253.md 1.1).


class HostSide:
    """Frames everything the host reads; `now` is the monotonic second of what is going on."""

    def __init__(self, personality: Personality) -> None:
        self.personality = personality
        self.settings = fresh_settings(personality)
        self.guard = HostGuard()
        self.lose_results = 0
        self.end_late_ms = 0.0
        self.poke_wanted = ""
        self.refused: frozenset[str] = frozenset()
        self.planted: dict[str, str] = {}
        self.fails_each = 0
        self.ignores_hang_ups = 0
        self.shields = True
        self.unshields = True
        self.now = 0.0
        self._out = bytearray()
        self._bare = False
        self._trailer = b""

    def restore_settings(self) -> None:
        """Go back to the settings this modem wakes up with: its make's, and what was planted."""
        self.settings = fresh_settings(self.personality)
        self.settings.values |= self.planted

    def data_to_send(self) -> bytes:
        """Give and forget the bytes for the host."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def result(self, text: str) -> None:
        """Give a final result, verbose or numeric, unless Q1 or a planted loss forbids it."""
        self.guard.result_given(self.now)
        bare, self._bare = self._bare, False
        trailer, self._trailer = self._trailer, b""
        if self.lose_results:
            self.lose_results -= 1
            return
        self._say(text, bare=bare)
        self._out += trailer

    def unsolicited(self, text: str) -> None:
        """Give a result nobody asked for, such as RING."""
        self._say(text, bare=False)

    def _say(self, text: str, *, bare: bool) -> None:
        if self.settings.quiet:
            return
        if not self.settings.verbose:
            self._out += b"%d\r" % RESULT_CODES[text]
            return
        self._out += b"" if bare else b"\r\n"
        self._out += text.encode() + b"\r\n"

    def inform(self, *lines: str) -> None:
        """Give information text, its lines together."""
        self._out += b"\r\n" if self.settings.verbose else b""
        self._out += "\r\n".join(lines).encode("ascii", "replace") + b"\r\n"

    def inform_bare(self, text: str) -> None:
        """Give the text whose OK follows without a blank line (+FCLASS?, v253.md 1.1)."""
        self._out += text.encode() + b"\r\n"
        self._bare = True

    def report(self, codes: str) -> None:
        """Send one DLE event per letter."""
        for code in codes:
            self._out += dle_event(code)

    def report_after_result(self, code: str) -> None:
        """Send one DLE event right after the coming result."""
        self._trailer += dle_event(code)

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._out += data


# ---- guard -------------------------------------------------------------------------------------
# Protocol faults of the host, counted and kept as sentences.

# 100 ms after a result before the next command (v253.md 1.1), less 1 ms of clock grain.
COMMAND_GAP = 0.099

COMMAND_TOO_EARLY = "command less than 100 ms after a result"
COMMAND_OVERLAPS = "command before the result of the one before"
UNKNOWN_CODE = "unknown DLE code in a stream"
COMMAND_IN_STREAM = "command text in a stream"

_COMMAND_TEXT = re.compile(rb"AT(?:\+[FV][A-Z]{2,6}[ -~]*|-STE[ -~]*|[HZ]0?|E[01][ -~]*|)\r")
_TAIL = 64


class HostGuard:
    """Counts the host's protocol faults; `now` is in monotonic seconds."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.last: deque[str] = deque(maxlen=20)
        self._result_at = float("-inf")
        self._waiting = False
        self._tail = b""

    def fault(self, kind: str, now: float, detail: str = "") -> None:
        """Count one fault and keep its time and detail."""
        self.faults[kind] += 1
        self.last.append(f"{now:.3f} {kind}{': ' + detail if detail else ''}")

    def command_began(self, now: float) -> None:
        """Look at the time of a command line's first byte."""
        if self._waiting:
            self.fault(COMMAND_OVERLAPS, now)
        elif now - self._result_at < COMMAND_GAP:
            self.fault(COMMAND_TOO_EARLY, now, f"{(now - self._result_at) * 1000:.1f} ms")

    def line_taken(self) -> None:
        """Note that a whole command line is being worked on."""
        self._waiting = True

    def result_given(self, now: float) -> None:
        """Note a final result code."""
        self._waiting = False
        self._result_at = now

    def streamed(self, data: bytes, now: float) -> None:
        """Look for command text in what the host sent as sound."""
        joined = self._tail + data
        self._tail = joined[-_TAIL:]
        if b"AT" not in joined:
            return
        for match in _COMMAND_TEXT.finditer(joined):
            self.fault(COMMAND_IN_STREAM, now, match[0].decode("ascii", "replace").strip())
            self._tail = joined[match.end() :][-_TAIL:]

    def stream_began(self, now: float) -> None:
        """Forget what an earlier stream ended with; CONNECT is a result."""
        self.result_given(now)
        self._tail = b""
