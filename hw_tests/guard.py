"""The one guard before any number of a field test leaves: never an emergency number."""

from __future__ import annotations

from appliance.calls.orders import DialLeg
from appliance.errors import CentralinoError
from appliance.media.messages import LineSetup, forbids_dialling
from appliance.policy.numbering import PLANS

EVERYWHERE = "112"
"""Any network of Europe puts it through."""


class ForbiddenError(CentralinoError):
    """Raised instead of dialling for help."""


def safe(number: str, country: str) -> str:
    """Return what may be dialled; raises ForbiddenError for what leads to an emergency service.

    The rule is the media gateway's own, as of a rehearsal: in no form, behind no service code.
    """
    emergency = (*PLANS[country].real, EVERYWHERE)
    setup = LineSetup("", "", emergency=emergency, rehearsal=True)
    digits = "".join(each for each in number if each not in " ,;./()-WwTtPp!@")
    if forbids_dialling(setup, DialLeg("", digits)):
        raise ForbiddenError(f"{number} leads to an emergency service: a field test never dials it")
    return number
