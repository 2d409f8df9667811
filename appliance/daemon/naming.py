"""The house's name at the beginning of every greeting: made by a child, in the box's voice.

Where the office has said its name itself (`centralino prompts record welcome`, the page of
announcements, the technician's folder), that one is heard and nothing is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.daemon import house_name, spoken
from appliance.errors import CentralinoError
from appliance.policy.text import Refused

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.daemon.chores import Chores, Ended
    from appliance.store.writer import Records

log = logging.getLogger(__name__)

COMMAND: Final = ("prompts", "name")
MOST_BYTES: Final = 4_000_000
FIRST_S: Final = 20.0
"""After the start, whose moments are for lines and phones."""
EVERY_S: Final = 60.0


class Naming:
    """Looks whether the name must be made; `look` is called by the main loop and never waits."""

    def __init__(self, settings: Settings, records: Records, chores: Chores) -> None:
        self._site = Path(settings.folders.prompts) if settings.folders.prompts else None
        self._folder = spoken.speech_folder(Path(settings.folders.state))
        self._name, self._language = settings.site.name, settings.site.languages[0]
        self._records, self._chores = records, chores
        self._next_at: float | None = None
        self._is_wanted = self._has_failed = False

    def look(self, monotonic: float, is_idle: Callable[[], bool]) -> None:
        """Look now and then; begin the child at a moment without a call."""
        if self._next_at is None:
            self._next_at = monotonic + FIRST_S
        if self._is_wanted and not self._has_failed and is_idle():
            self._is_wanted = False
            self._begin()
        if monotonic >= self._next_at:
            self._next_at = monotonic + EVERY_S
            self._records.do(self._missing, self._found)

    def _missing(self, _: object) -> bool:
        return house_name.is_missing(self._folder, self._site, self._name, self._language)

    def _found(self, result: bool | CentralinoError) -> None:
        self._is_wanted = result is True

    def _begin(self) -> None:
        try:
            self._chores.begin(COMMAND, "", MOST_BYTES, self._ended)
        except (Refused, OSError) as error:
            log.info("the house's name waits for its voice: %s", error)

    def _ended(self, how: Ended) -> None:
        self._has_failed = not how.is_well
        log.log(logging.INFO if how.is_well else logging.WARNING, "greeting: %s", how.said.en)
