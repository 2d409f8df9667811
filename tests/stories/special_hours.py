"""What stories say of the hours that the head enters (E14)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from appliance.calls import events
from appliance.policy.clock import Now
from appliance.policy.hours import Band, NewWeek, Period, Week
from appliance.policy.hours_changes import HoursEntry, Whose
from appliance.text import unchanged
from tests.stories.expectations import Words


class HoursVerbs:
    """Enters and revokes special hours; the Switchboard hears of all that was entered."""

    now: Now | None
    entered: tuple[HoursEntry, ...]
    tell: Callable[[events.Event], None]

    def hours_entered(self, words: Words) -> None:
        """The head enters special hours, for every day alike."""
        first, last = (date.fromisoformat(words[key]) for key in ("first", "last"))
        bands = () if words["bands"] == "closed" else (Band.parse(words["bands"]),)
        said = unchanged(words["reason"])
        period = Period(first, last, said, Week((bands,) * 7), words.get("greeting") or "")
        self._enter(Whose(words["whose"]), period)

    def week_entered(self, words: Words) -> None:
        """The head enters the ordinary week from a day on, for every day alike."""
        bands = tuple(Band.parse(each) for each in words["bands"].split() if each[0].isdigit())
        days = Week((bands,) * 7) if bands else None
        new = NewWeek(date.fromisoformat(words["since"]), days, len(self.entered) + 1)
        self._enter(Whose(words["whose"]), None, ordinary=new)

    def hours_ended(self, words: Words) -> None:
        """The head revokes an entry."""
        self._enter(Whose.HOUSE, None, int(words["number"]))

    def _enter(
        self,
        whose: Whose,
        period: Period | None,
        ends: int = 0,
        ordinary: NewWeek | None = None,
    ) -> None:
        assert self.now is not None, "a story says `at` first"
        number = len(self.entered) + 1
        made = HoursEntry(number, whose, period, "capo", self.now.wall, "e-mail", ends, ordinary)
        self.entered = (*self.entered, made)
        self.tell(events.HoursChanged(self.entered))
