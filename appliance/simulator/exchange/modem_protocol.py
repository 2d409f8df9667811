"""The personalities as data: what each modem answers and reports (v253.md section 1)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from appliance.errors import Bug, ConfigurationError
from appliance.simulator.exchange.signals import (
    PAIRS,
    UNAVAILABLE,
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
    message,
)

if TYPE_CHECKING:
    from appliance.simulator.exchange.modem import VoiceModem
    from appliance.simulator.exchange.signals import CallerId


# ---- country -----------------------------------------------------------------------------------
# What each country's exchange rings and says, as data (v253.md section 5).

IdOrder = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Tone:
    """One call-progress tone: Hz, on/off cadence in ms (empty: continuous), level in dBm0."""

    frequencies: tuple[int, ...]
    cadence: tuple[int, ...] = ()
    level_dbm0: float = -12.0


@dataclass(frozen=True, slots=True)
class Country:
    """One country's signals; `ring` is the bell's on/off cadence in ms."""

    code: str
    ring: tuple[int, ...]
    dial: Tone
    ringback: Tone
    busy: Tone
    congestion: Tone
    gci: str
    caller_id: Literal["v23", "bell202"] = "v23"
    id_order: IdOrder = "after"
    flash_limit_ms: int = 300

    def tone(self, kind: str) -> Tone:
        """Give the tone of a release kind: busy, busy200, congestion or dial."""
        if kind == "busy200":
            return replace(self.busy, cadence=(200, 200))
        return {"dial": self.dial, "congestion": self.congestion}.get(kind, self.busy)


COUNTRIES = {
    country.code: country
    for country in (
        Country(
            "it",
            ring=(1000, 4000),
            dial=Tone((425,), (200, 200, 600, 1000)),
            ringback=Tone((425,), (1000, 4000)),
            busy=Tone((425,), (500, 500)),
            congestion=Tone((425,), (200, 200)),
            gci="59",
        ),
        Country(
            "de",
            ring=(1000, 4000),
            dial=Tone((425,)),
            ringback=Tone((425,), (1000, 4000)),
            busy=Tone((425,), (480, 480)),
            congestion=Tone((425,), (240, 240)),
            gci="42",
        ),
        Country(
            "fr",
            ring=(1500, 3500),
            dial=Tone((440,)),
            ringback=Tone((440,), (1500, 3500)),
            busy=Tone((440,), (500, 500)),
            congestion=Tone((440,), (250, 250)),
            gci="3D",
        ),
        Country(
            "gb",
            ring=(400, 200, 400, 2000),
            dial=Tone((350, 440)),
            ringback=Tone((400, 450), (400, 200, 400, 2000)),
            busy=Tone((400,), (375, 375)),
            congestion=Tone((400,), (400, 350, 225, 525)),
            gci="B4",
            id_order="before",
        ),
        Country(
            "us",
            ring=(2000, 4000),
            dial=Tone((350, 440), level_dbm0=-13.0),
            ringback=Tone((440, 480), (2000, 4000), -19.0),
            busy=Tone((480, 620), (500, 500), -24.0),
            congestion=Tone((480, 620), (250, 250), -24.0),
            gci="B5",
            caller_id="bell202",
            flash_limit_ms=1000,
        ),
    )
}


def country(code: str) -> Country:
    """Give a country by its two letters; raises ConfigurationError for one not known."""
    try:
        return COUNTRIES[code.lower()]
    except KeyError:
        known = ", ".join(COUNTRIES)
        raise ConfigurationError(f"country {code!r} is not known: use one of {known}") from None


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


_BYTE = (0, 255)
_T_MASKS = "0B8418E000,0FE418E000,0B8419E000"
_LOCAL_MASKS = "B084008000,B084008000,B084008000"
"""Events reportable per state; decoded in v253.md 1.4 (idle: CID, ring, hook, loop, extension)."""


@dataclass(frozen=True, slots=True)
class Personality:
    """One make of modem. `tx_codes` are the DLE codes it knows from the host.

    `fields_apart`: each field of caller id within its own CR LF; `packs_dle`: two samples 0x10 are
    sent as DLE SUB (2.1). Both were seen of some firmware, neither is the rule.
    `doubles_dle`: a code of the host is heeded only behind a doubled DLE, as a Zoom 3095 is
    reported to do. `gain_step_db` is what one step of +VGR changes around 128 (v253.md 1.3); 0 for
    a modem that sets its gain by itself.
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

CONEXANT_PCM = replace(
    CONEXANT,
    name="conexant-pcm",
    formats={130: Format('130,"UNSIGNED PCM",8,0,8000,0,0', "unsigned8")},
    default_vsm="130,8000,0,0",
)
"""The same with a firmware that knows neither law: 8-bit linear is all there is (v253.md 1.5)."""

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

DATA_ONLY = replace(CONEXANT, name="data-only", formats={}, classes="0,1,1.0,2")
"""A data and fax modem as it is sold beside voice modems: answers every question, has no voice."""

ZOOM3095 = replace(CONEXANT, name="zoom3095", doubles_dle=True)
"""The same chip with firmware that leaves its streams by a tripled DLE alone."""

PERSONALITIES = {each.name: each for each in (CONEXANT, USR5637, CONEXANT_PCM, DATA_ONLY, ZOOM3095)}

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
"""Numeric result codes (v253.md 1.1)."""


def personality(name: str) -> Personality:
    """Give a personality by name; raises ConfigurationError for one not known."""
    try:
        return PERSONALITIES[name]
    except KeyError:
        known = " or ".join(PERSONALITIES)
        raise ConfigurationError(f"dialect {name!r} is not known: use {known}") from None


@dataclass(slots=True)
class Settings:
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


def fresh_settings(personality: Personality) -> Settings:
    """Give the settings a modem wakes up with: E1 V1 Q0, class 0, every parameter's default."""
    values = {name: parameter.default for name, parameter in personality.parameters.items()}
    values |= {"+VSM": personality.default_vsm, "+GCI": "B5"}
    registers = REGISTERS | {29: personality.flash_ms // 10}
    return Settings(values=values, registers=registers)


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


def event(code: str) -> bytes:
    """Give the two bytes of one event, e.g. `b` for busy."""
    return b"\x10" + code.encode("ascii")


def _unpair(match: re.Match[bytes]) -> bytes:
    return b"\x10" if match.group(1) == b"\x10" else b"\x10\x10"


def _plain(pure: bytes) -> bytes:
    if b"\x10\x1a" in pure:
        return _PAIR.sub(_unpair, pure)
    return pure.replace(b"\x10\x10", b"\x10")


class Unshielder:
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
# Takes AT command lines and +VTS lists apart (v253.md 1.1, 1.3).


class Form(enum.StrEnum):
    """How a command was written."""

    ACT = "act"
    SET = "set"
    READ = "read"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a line: name (`+VLS`, `E`, `S0`, `&F`), form and text after it."""

    name: str
    form: Form
    text: str = ""


_EXTENDED = re.compile(r"([+\-!][A-Z0-9]+)(=\?|\?|=)?")
_REGISTER = re.compile(r"S(\d+)(=|\?)(\d*)")
_BASIC = re.compile(r"([&%\\]?[A-Z])(\d*)")
_DIAL = re.compile(r"D([^;]*)(;?)")
_FORMS = {"=?": Form.TEST, "?": Form.READ, "=": Form.SET, None: Form.ACT}


class WrongLine(ValueError):  # noqa: N818 - a fact about the host's line, not an error of ours
    """Raised for text that is no command; the modem answers ERROR there."""


def split_line(body: str) -> list[Command]:
    """Give the commands of a line's body (after AT), up to the first that cannot be read.

    What cannot be read becomes a command named `?`, which the modem refuses.
    """
    commands: list[Command] = []
    rest = re.sub(r'"[^"]*"|\s', lambda m: m.group() if m.group()[0] == '"' else "", body)
    rest = rest.upper().lstrip(";")
    while rest:
        try:
            command, rest = _next(rest)
        except WrongLine:
            command, rest = Command("?", Form.ACT, rest), ""
        commands.append(command)
    return commands


def _next(rest: str) -> tuple[Command, str]:
    if rest[0] in "+-!":
        return _extended(rest)
    if match := _DIAL.match(rest):
        return Command("D", Form.ACT, match[1] + match[2]), rest[match.end() :]
    if match := _REGISTER.match(rest):
        form = Form.SET if match[2] == "=" else Form.READ
        return Command(f"S{match[1]}", form, match[3]), rest[match.end() :]
    if match := _BASIC.match(rest):
        return Command(match[1], Form.ACT, match[2]), rest[match.end() :]
    raise WrongLine(rest)


def _extended(rest: str) -> tuple[Command, str]:
    match = _EXTENDED.match(rest)
    if match is None:
        raise WrongLine(rest)
    tail = rest[match.end() :]
    text, _, after = tail.partition(";")
    form = _FORMS[match[2]]
    if form is not Form.SET and text:
        raise WrongLine(rest)
    return Command(match[1], form, text), after


@dataclass(frozen=True, slots=True)
class Sounding:
    """One element of +VTS: a pair of Hz (0 = none), ms, the key it is, or a flash."""

    frequencies: tuple[int, int]
    ms: int
    digit: str = ""
    flash: bool = False


_ELEMENT = re.compile(r"\[(\d*),(\d*),(\d*)\]|\{([0-9A-D*#!]),(\d*)\}|([0-9A-D*#!])")
DEFAULT_TONE_MS = 100
LONGEST_MS = 60_000
"""A list that lasts longer is a mistake: it would be held as sound, and the line for as long."""


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


class State(enum.StrEnum):
    """Where the modem is; commands are read in the first three only."""

    CLASS0_ONHOOK = "class0-onhook"
    CLASS8_ONHOOK = "class8-onhook"
    OFFHOOK_COMMAND = "offhook-command"
    TX = "tx"
    RX = "rx"
    DUPLEX = "duplex"
    DIALING = "dialing"


class Happening(enum.StrEnum):
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


COMMAND = {State.CLASS0_ONHOOK, State.CLASS8_ONHOOK, State.OFFHOOK_COMMAND}
STREAMING = {State.TX, State.RX, State.DUPLEX}
HEARING = {State.RX, State.DUPLEX}
PLAYING = {State.TX, State.DUPLEX}
ONHOOK = {State.CLASS0_ONHOOK, State.CLASS8_ONHOOK}

_S, _H = State, Happening
_BACK_ON_HOOK = {_H.ON_HOOK_VOICE: _S.CLASS8_ONHOOK, _H.ON_HOOK_DATA: _S.CLASS0_ONHOOK}
_IN_STREAM = {_H.STREAM_ENDED: _S.OFFHOOK_COMMAND, **_BACK_ON_HOOK}

TABLE: dict[State, dict[Happening, State]] = {
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


def follow(state: State, happening: Happening) -> State:
    """Give the state after a happening; raises Bug for one the table does not know there."""
    try:
        return TABLE[state][happening]
    except KeyError:
        raise Bug(f"a modem in {state} cannot meet {happening!r}") from None


# ---- notices -----------------------------------------------------------------------------------
# What a modem tells its host about the line: rings, identity, tones, keys (v253.md 2.4, 3).

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
