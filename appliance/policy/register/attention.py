"""What the head of the front desk must look after in the register (E11, E13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from appliance.policy.disclosure import lapsed, lapsing
from appliance.policy.register.declarations import Declaration
from appliance.policy.register.register import NOTICE_DAYS, Authorisation, Register, Unit


@dataclass(frozen=True, slots=True)
class Attention:
    """Units without a valid declaration, declarations and authorisations that soon run out, and
    authorisations that did."""

    undeclared: tuple[Unit, ...] = ()
    expiring: tuple[Declaration, ...] = ()
    lapsing: tuple[Authorisation, ...] = ()
    lapsed: tuple[Authorisation, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """True when there is nothing to look after."""
        return not (self.undeclared or self.expiring or self.lapsing or self.lapsed)


def attention(
    register: Register, at: datetime, zone: ZoneInfo, days: int = NOTICE_DAYS
) -> Attention:
    """Find it, for the office's own day of a moment."""
    day = at.astimezone(zone).date()
    return Attention(
        register.undeclared(day),
        register.expiring(day, days),
        lapsing(register, at, zone, days),
        lapsed(register, at, zone),
    )
