"""The stories' verbs of announcements that are dictated, on the pure Switchboard."""

from __future__ import annotations

from appliance.calls import events, orders
from appliance.calls.announcements import message_sound
from appliance.calls.status import Went
from tests.stories.expectations import Expectations, Words, milliseconds

ASK = "dictation"


class DictationVerbs(Expectations):
    """What happens to a dictation, and what is ordered of it; `takes` are recordings by phone."""

    takes: dict[str, str]

    def tell(self, event: events.Event) -> None:
        """Hand an event to the Switchboard."""
        raise NotImplementedError

    def asked_to_dictate(self, words: Words) -> None:
        self.tell(events.DictationAsked(ASK, words["phone"]))

    def phone_recording_ends(self, words: Words) -> None:
        stop, length = events.RecordingStop(words["stop"]), int(words["length"])
        take, trim = self.takes[words["phone"]], int(words.get("trim", "0"))
        self.tell(events.RecordingEnded(take, stop, length, trim))

    def take_kept(self, words: Words) -> None:
        self.tell(events.TakeKept(self.legs[words["phone"]]))

    def take_not_kept(self, words: Words) -> None:
        self.tell(events.TakeKept(self.legs[words["phone"]], words["reason"]))

    def expect_dictating(self, words: Words) -> None:
        leg = self.legs[words["phone"]]
        record = self.claim("a recording", lambda o: isinstance(o, orders.RecordLeg))
        assert isinstance(record, orders.RecordLeg)
        self._same("who is recorded", record.leg, leg)
        self._same("limit in ms", record.limit_ms, milliseconds(words["span"]))

    def expect_dictated(self, words: Words) -> None:
        self._claim_exactly(orders.EndRecording(self.legs[words["phone"]]))

    def expect_replay(self, words: Words) -> None:
        leg, take = self.legs[words["phone"]], self.takes[words["phone"]]
        self._claim_exactly(orders.LoadMessage(leg, take))
        first = self.office.languages[0]
        heard = (message_sound(take), f"{first}/{words['key']}")
        self._claim_exactly(orders.Play(self.plays[words["phone"]], heard, leg=leg))

    def expect_take(self, words: Words) -> None:
        leg, take = self.legs[words["phone"]], self.takes[words["phone"]]
        keep = orders.KeepTake(leg, take, ASK)
        self._claim_exactly(keep if words["what"] == "keep" else orders.DropTake(take))

    def expect_went(self, words: Words) -> None:
        self._claim_exactly(orders.TakeWent(ASK, Went(words["went"])))
