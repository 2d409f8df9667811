"""Where a line is, and what can be changed about it while it runs."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.exchange.call import CallPlan
from appliance.exchange.party import Party
from appliance.exchange.register import Register
from appliance.exchange.worn import Worn

if TYPE_CHECKING:
    from appliance.exchange.call import CallPlan
    from appliance.exchange.country import Country
    from appliance.exchange.line import Line
    from appliance.exchange.sound import Echo


class LineState(enum.StrEnum):
    """Where the line is, seen from the exchange."""

    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"
    RELEASED = "released by the far end"
    OWN_CALL = "seized by the host"
    ON_HOLD = "caller on hold"


@dataclass(slots=True)
class Wire:
    """The knobs of a line. `outgoing` is what becomes of a call the modem makes to a number that
    is none of `extensions`; `pbx`: a hook flash holds the caller and gives a register, with a dial
    tone of its own unless `dial_tone` is off. `lines` are those of the exchange by their numbers,
    which every line may dial; `caller` is who then calls from here, `release` how whoever talks to
    this line lets go of it. `worn` is what the pair does to sound, `ppm` how fast the crystal
    of the modem at its end runs.
    """

    cut: bool = False
    volts: float | None = None
    extension_up: bool = False
    echo: Echo | None = None
    outgoing: str = "answer"
    pbx: bool = False
    dial_tone: bool = True
    extensions: dict[str, Party] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    caller: CallPlan = field(default_factory=CallPlan)
    release: str = "busy"
    worn: Worn = field(default_factory=Worn)
    ppm: float = 0.0

    def register(self, country: Country) -> Register:
        """Give what a seized line, or one behind a flash, offers."""
        other = Party(self.outgoing)
        return Register(
            country,
            other,
            self.extensions,
            lines=self.lines,
            dial_tone=self.dial_tone,
            caller=self.caller,
            release=self.release,
            ppm=self.ppm,
        )

    def bring(self, sound: bytes) -> bytes:
        """Give what of the exchange's sound arrives at the modem, its own echo with it."""
        sound = self.worn.mix(sound)
        return self.echo.mix(sound) if self.echo else sound
