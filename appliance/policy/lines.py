"""Lines: what callers reach the office by, and what each can do."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from appliance.policy.text import Refused
from appliance.text import Words, _, in_context, unchanged


class HalfDuplexDaytime(enum.StrEnum):
    """Daytime behaviour of a half-duplex line, which cannot carry a conversation (B2)."""

    MESSAGE = "message"  # voicemail answers
    PARALLEL_PHONE = "ring_parallel_phone"  # an ordinary phone beside the modem rings first
    PBX_TRANSFER = "pbx_transfer"  # it is passed to an extension of the PBX behind the line


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of a line. A call asks for one of these, never for the kind of its line."""

    # sound both ways at once: a conversation (B2); None when only the modem can tell
    bridge: bool | None = None
    # a call of the appliance's own
    dial: bool = False
    # a hook flash, by which a PBX behind the line holds the caller
    flash: bool = False
    # the voltage of an idle pair, which tells a free line from a lifted telephone and a cut cable
    measure: bool = False
    # a ring anew for whom nobody answers: it is in service between calls, where a SIP leg lasts for
    # one caller and an unanswered one is refused
    ring_again: bool = False
    # an identity after the first ring
    identify_late: bool = False
    # a join to a phone before it is up
    join_early: bool = False
    # an end of a recording at `#` by itself
    end_recording: bool = False
    # a third voice in its conversation
    conference: bool = False
    # an unanswered caller back to whoever sent them, who decides what comes next
    give_back: bool = False
    # its callers to (another) branch: one who came from a branch goes to no third (B9)
    hand_over: bool = False


def _either(one: Words, other: Words) -> Words:
    return in_context("values", "{one} or {other}", one=one, other=other)


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `called_number` is the public number that leads to it, "" for unknown (P1).

    `daytime` is needed where it is half duplex. `label` is what phones show of it; `origin` is the
    branch or telephone system that hands its callers over, "" for the public network. Raises
    ConfigurationError for half duplex without `daytime`.
    """

    name: str
    label: str = ""
    called_number: str = ""
    can: Capabilities = Capabilities()
    daytime: HalfDuplexDaytime | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        # without a daytime behaviour the configuration is not accepted (design/failures.md)
        if self.is_half_duplex and self.daytime is None:
            known = (unchanged(repr(daytime.value)) for daytime in HalfDuplexDaytime)
            raise Refused(
                _(
                    "line {name} is half duplex: say daytime = {known}",
                    name=self.name,
                    known=reduce(_either, known),
                ),
            )

    @property
    def is_half_duplex(self) -> bool:
        """True for a line that is known to carry no conversation (B2)."""
        return self.can.bridge is False

    @property
    def passes(self) -> bool:
        """True if calls of this line go on by hook flash, since it cannot be joined to a phone."""
        # a duplex line is joined to a phone instead, whatever `daytime` says
        return self.is_half_duplex and self.can.flash

    @property
    def shown(self) -> str:
        """Name shown to operators: label, else the number called, else the line's name."""
        # P1: the operator sees which public number was called
        return self.label or self.called_number or self.name

    def half_duplex(self) -> Line:
        """Return the line as its modem proves it: without sound both ways (B2)."""
        # configured as duplex it has no daytime behaviour for half duplex: voicemail
        daytime = self.daytime or HalfDuplexDaytime.MESSAGE
        return replace(self, can=replace(self.can, bridge=False), daytime=daytime)

    def measured(self) -> Line:
        """Return the line as a measurement proves it: its modem tells the pair's voltage."""
        return replace(self, can=replace(self.can, measure=True))


# ---- Kinds of line: what each can do -------------------------------------------------------------


def modem_line(
    name: str,
    label: str = "",
    called_number: str = "",
    duplex: bool | None = None,
    daytime: HalfDuplexDaytime | None = None,
) -> Line:
    """Return an analog line at a modem; `duplex` is None when only the modem can tell."""
    # whether it measures the pair shows only when it does: some modems of a make cannot
    can = Capabilities(
        bridge=duplex,
        dial=True,
        flash=daytime is HalfDuplexDaytime.PBX_TRANSFER,
        ring_again=True,
        identify_late=True,
        join_early=True,
        end_recording=True,
        conference=True,
        hand_over=True,
    )
    return Line(name, label, called_number, can, daytime)


def sip_trunk_line(name: str, origin: str) -> Line:
    """Return the line of one caller whom a branch or a telephone system hands over by SIP (B9)."""
    return Line(name, origin, can=Capabilities(bridge=True, give_back=True), origin=origin)


# ---- Which line the appliance may seize ----------------------------------------------------------

# Callers come first: while the appliance itself uses a line, the next caller hears the busy tone
# (P8).


class LinePurpose(enum.StrEnum):
    """Purpose for which the appliance seizes a line."""

    LAST_RESORT = "last_resort"  # for a caller whom nobody else can serve (B4)
    CONVENIENCE = "convenience"  # a call back, a transfer outwards: it can wait, or go another way


# with two lines the second may still save a caller (B4), so none is kept for the last resort
LINES_KEPT_FROM = {LinePurpose.LAST_RESORT: 3, LinePurpose.CONVENIENCE: 2}


def line_for(purpose: LinePurpose, idle: Sequence[Line], lines: int, kept: int = 1) -> str:
    """Return the line to seize, "" for none: the last idle one that can be joined to another.

    `idle` are the idle lines in the office's order, `lines` how many the office has, `kept` how
    many of them must stay idle to answer.
    """
    # a half-duplex line cannot be joined to another, but it can stay free to answer
    can = [line.name for line in idle if not line.is_half_duplex]
    must_stay = kept if lines >= LINES_KEPT_FROM[purpose] else 0
    return can[-1] if can and len(idle) > must_stay else ""
