"""What the journal says of calls out: refusals, and calls for help; never a number (P7)."""

from __future__ import annotations

import logging

from appliance.calls.orders import CallRecord, Direction, Result
from appliance.policy.dialling import SENTENCES, Denied
from appliance.policy.numbering import NumberClass

log = logging.getLogger(__name__)


def tell(record: CallRecord) -> None:
    """Say in the journal what of a written record is worth it: once, when the call is over."""
    if record.direction is not Direction.OUT or record.ended_at is None:
        return
    if record.result is Result.REFUSED:
        log.warning("%s may not call out: %s", record.phone, SENTENCES[Denied(record.reason)].en)
    elif record.number_class == NumberClass.EMERGENCY:
        freed = " ".join(code for code in record.trail if code.startswith("freed."))
        log.warning("emergency call from %s: %s %s", record.phone, record.result, freed)
