"""What is tried for a line in trouble: journal, status, and the two steps that need root's helper.

Requests and answers are tiny files in /run, which is memory: no disk is waited for here.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.errors import TechnicianError
from appliance.media.messages import Recovering
from appliance.modem.events import Recovery
from appliance.policy.supervision import words_of
from appliance.policy.text import NOTHING, Words
from appliance.usb import reset
from appliance.usb.reset import Step

log = logging.getLogger(__name__)

KEPT = 8
"""Steps remembered of each line."""

TRIED: Mapping[str, Words] = {
    Recovery.IN_BAND: Words("riavvio del modem", "the modem is started anew"),
    Recovery.DROP_DTR: Words("DTR abbassato e rialzato", "DTR is dropped and raised"),
    Recovery.REOPEN: Words("porta chiusa e riaperta", "the port is closed and opened again"),
    Recovery.RESET_USB: Words("reset USB chiesto", "a USB reset is asked for"),
    Recovery.POWER_CYCLE: Words(
        "porta USB da spegnere e riaccendere", "the USB port is to be switched off and on"
    ),
    Recovery.REPLUG: Words(
        "fuori servizio: scollegare e ricollegare il modem; si riprova ogni 30 s",
        "out of service: unplug the modem and plug it in again; tried every 30 s",
    ),
}
"""What each step of the ladder is, for people."""
NO_HELPER = Words(
    "nessuno esegue i reset USB (abilitare centralino-usb.path): scollegare e ricollegare il modem",
    "nobody does USB resets (enable centralino-usb.path): unplug the modem and plug it in again",
)


@dataclass(frozen=True, slots=True)
class Tried:
    """One step: when, which, what was seen of the modem, and what stands in its way."""

    at: datetime
    step: str
    tried: Words
    seen: Words
    trouble: Words = NOTHING


class Recoveries:
    """Keeps what was tried of late, and asks the helper for USB resets by way of `requests`."""

    def __init__(self, requests_in: Path, answers_in: Path, now: Callable[[], datetime]) -> None:
        self._requests = requests_in
        self._answers = answers_in
        self._now = now
        self._tried: dict[str, deque[Tried]] = {}

    def heard(self, told: Recovering) -> None:
        """Take note of a step, and have it done when it is not the carrier's."""
        seen = Words(told.it, told.en)
        trouble = self._ask(told) if told.step in tuple(Step) else self._refused(told)
        tried = Tried(self._now(), told.step, TRIED[told.step], seen, trouble)
        self._tried.setdefault(told.line, deque(maxlen=KEPT)).append(tried)
        extra = f" ({trouble.en})" if trouble.en else ""
        log.warning("%s: %s; seen: %s%s", told.line, tried.tried.en, seen.en, extra)

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """Return what was tried by line, oldest first."""
        return {line: [_plain(t) for t in tried] for line, tried in self._tried.items()}

    def _ask(self, told: Recovering) -> Words:
        try:
            taken = reset.ask(self._requests, told.line, Step(told.step))
        except TechnicianError as error:
            return words_of(error)
        return NOTHING if taken else NO_HELPER

    def _refused(self, told: Recovering) -> Words:
        """Say at the top of the ladder why the last USB step was of no use."""
        if told.step != Recovery.REPLUG:
            return NOTHING
        if (self._requests / told.line).exists():
            return NO_HELPER
        answers = reset.answers(self._answers, told.line).values()
        failed = [a.sentence for a in sorted(answers, key=lambda a: a.at) if not a.done]
        return Words(failed[-1], failed[-1]) if failed else NOTHING


def _plain(tried: Tried) -> dict[str, Any]:
    return {
        "at": tried.at.isoformat(),
        "step": tried.step,
        "tried": {"it": tried.tried.it, "en": tried.tried.en},
        "seen": {"it": tried.seen.it, "en": tried.seen.en},
        "trouble": {"it": tried.trouble.it, "en": tried.trouble.en},
    }
