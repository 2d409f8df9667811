"""The personalities as data: what each modem answers and reports (v253.md section 1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from appliance.errors import ConfigurationError


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
