"""Has the records' times put right once the clock is known, in the records' thread."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from appliance.errors import CentralinoError
from appliance.store import privacy

if TYPE_CHECKING:
    from appliance.daemon.clocks import ClockWatch
    from appliance.store.writer import Records

log = logging.getLogger(__name__)

AGAIN_S: Final = 10.0
"""A call that went on meanwhile is put right once it is over."""


class ClockCorrection:
    """Looks when it is due; `look` is called by the main loop and never waits."""

    def __init__(self, records: Records, clock: ClockWatch) -> None:
        self._records = records
        self._clock = clock
        self._look_at: float | None = 0.0

    def begin(self) -> None:
        """Note where this start of the machine begins, before anything else is written."""
        boot = self._clock.machine_boot
        if not boot:
            self._look_at = None
            return
        self._records.do(lambda c: privacy.begin(c, boot), _begun)

    def look(self, monotonic: float) -> None:
        """Have it done, unless the clock is not known yet or all is done."""
        steps = self._clock.steps
        if self._look_at is None or monotonic < self._look_at or steps.known_at is None:
            return
        self._look_at = None
        boot = self._clock.machine_boot

        def done(result: int | CentralinoError) -> None:
            if isinstance(result, CentralinoError):
                log.warning("times were not put right, and are tried again: %s", result)
            if result:
                self._look_at = monotonic + AGAIN_S

        self._records.do(lambda c: privacy.correct(c, boot, steps), done)


def _begun(result: CentralinoError | None) -> None:
    if isinstance(result, CentralinoError):
        log.warning("times of before the clock is known will not be put right: %s", result)
