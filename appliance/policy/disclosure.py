"""May a number be told outside (P7)? Only by its unit's written leave, while that holds."""

from __future__ import annotations

from datetime import datetime

from appliance.policy.register.register import Authorisation, Register
from appliance.policy.secret import SecretNumber


def may_tell(
    register: Register, unit: str, number: SecretNumber, at: datetime
) -> Authorisation | None:
    """Return the authorisation by which a number of a unit may be told at a moment, or None."""
    for authorisation in reversed(register.authorisations):
        asked = authorisation.unit == unit and authorisation.told.number == number
        if asked and holds(authorisation, at):
            return authorisation
    return None


def holds(authorisation: Authorisation, at: datetime) -> bool:
    """Tell whether an authorisation was entered by a moment and not revoked by then."""
    revoked = authorisation.revoked
    return authorisation.entry.at <= at and (revoked is None or at < revoked.at)
