"""What is configured of one line: frozen values, checked once."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from appliance.errors import ConfigurationError
from appliance.lines.dialects import DIALECTS

AUTO = "auto"
GAIN_LIMIT = 255
FLASH_MS = (50, 1000)
"""A shorter break is a dialled pulse, a longer one a hang-up everywhere (v253.md 5: ~100 ms)."""


class CallerIdOrder(enum.StrEnum):
    """When the exchange sends who calls: before the first ring, after it, or never."""

    BEFORE = "before"
    AFTER = "after"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Settings of one line; raises ConfigurationError on a value that no modem takes.

    `dialect` is a name of DIALECTS or "auto"; `country` the T.35 code for +GCI in hex (59 Italy;
    v253.md 1.3). `identity_limit_ms` counts from the first ring, `ring_gap_ms` from each.
    `receive_gain` and `transmit_gain` are +VGR and +VGT (128 nominal), None leaves them alone.
    `duplex` overrides the dialect once a commissioning test has proven +VTR on this unit.
    `voltage` says whether an idle pair's volts are asked for: None where the dialect knows how.
    `overrides` are undocumented commands sent after every reset (e.g. AT!4886=02, v253.md 3).
    `idle_check_ms` is how often an idle modem is asked whether it still is; 0 never.
    `flash_ms` is the hook flash; `pbx_pause_ms` the pause behind it before digits are sent, 0 to
    wait for the dial tone instead (the carrier listens).
    """

    dialect: str = AUTO
    country: str = "59"
    caller_id: CallerIdOrder = CallerIdOrder.AFTER
    identity_limit_ms: int = 1500
    ring_gap_ms: int = 7000
    receive_gain: int | None = None
    transmit_gain: int | None = None
    duplex: bool | None = None
    overrides: tuple[str, ...] = ()
    idle_check_ms: int = 120_000
    flash_ms: int = 100
    pbx_pause_ms: int = 0
    voltage: bool | None = None

    def __post_init__(self) -> None:
        if self.dialect not in {AUTO, *DIALECTS}:
            raise ConfigurationError(
                f"dialect {self.dialect!r} is unknown: use {AUTO}, {', '.join(DIALECTS)}"
            )
        if not re.fullmatch(r"[0-9A-F]{2}", self.country):
            raise ConfigurationError(
                f"country {self.country!r} is no T.35 code: two hex digits, 59 for Italy"
            )
        for gain in (self.receive_gain, self.transmit_gain):
            if gain is not None and not 0 <= gain <= GAIN_LIMIT:
                raise ConfigurationError(f"gain {gain} is out of range: 0 to {GAIN_LIMIT}")
        if not FLASH_MS[0] <= self.flash_ms <= FLASH_MS[1]:
            raise ConfigurationError(
                f"a hook flash of {self.flash_ms} ms is none: {FLASH_MS[0]} to {FLASH_MS[1]} ms"
            )
        for command in self.overrides:
            if not re.fullmatch(r"AT[ -~]{1,48}", command):
                raise ConfigurationError(f"override {command!r} is no AT command")
