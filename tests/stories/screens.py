"""The stories' verbs of the call bar: the phone of a position, controlled at the screen."""

from __future__ import annotations

from appliance.calls import events, orders
from appliance.calls.commands import ControlPhone, PhoneAct
from appliance.calls.phone_control import PhoneControl
from tests.stories.expectations import Expectations, Words
from tests.stories.grammar import StoryError


class ScreenVerbs(Expectations):
    """What a person asks at the screen for the phone there; `answer` was told to the person."""

    answer: str

    def tell(self, event: events.Event) -> None:
        """Hand an event to the Switchboard."""
        raise NotImplementedError

    def screen_asks(self, words: Words) -> None:
        """Decide as the control socket does; what is refused is told, and not done."""
        assert self.now is not None, "a story says `at` first"
        call = self.calls[words["line"]] if "line" in words else ""
        act = PhoneAct(words["act"].replace(" ", "_"))
        asked = ControlPhone(words["phone"], act, "anna", call)
        verdict = self.switchboard.about_phone(asked, self.now)
        self.answer = verdict.said.text("it")
        if verdict.event is not None:
            self.tell(verdict.event)

    def screen_dials(self, words: Words) -> None:
        """A shown number is clicked."""
        self.tell(
            events.CallBackAsked(
                "asked",
                words["phone"],
                words.get("number", ""),
                urgent="urgent" in words,
                picks_up=True,
            )
        )

    def expect_pick_up(self, words: Words) -> None:
        self._claim_exactly(orders.PickUpPhone(self.legs[words["phone"]]))

    def expect_rung_to_pick_up(self, words: Words) -> None:
        ring = self.claim("a phone that is to pick up", _asks)
        assert isinstance(ring, orders.RingPhones)
        self._same("phones", [one.phone for one in ring.ringing], [words["phone"]])
        if "display" in words:
            self._same("display", ring.display, words["display"])

    def expect_can(self, words: Words) -> None:
        """What the call bar of a position offers."""
        met = ", ".join(self._offered(self._control(words["phone"]))) or "do nothing"
        self._same(f"what {words['phone']} can", met, words["what"])

    def expect_auto_answer(self, words: Words) -> None:
        met = self._control(words["phone"]).auto_answer
        self._same(f"what is known of {words['phone']}", met.value, words["known"])

    def _control(self, phone: str) -> PhoneControl:
        found = {control.phone: control for control in self._status().controls}
        if phone not in found:
            raise StoryError(f"{phone} is no position")
        return found[phone]

    def _offered(self, control: PhoneControl) -> list[str]:
        lines = {call: line for line, call in self.calls.items()}
        answers = [lines[call] for call in control.can_answer]
        offered = [f"answer {' '.join(answers)}"] if answers else []
        can = {
            "lift": control.lift, "hold": control.can_hold, "resume": control.can_resume,
            "alternate": control.can_alternate, "hand over": control.can_hand_over,
            "hang up": control.can_hang_up, "dial": control.can_dial,
        }  # fmt: skip
        return [*offered, *(name for name, able in can.items() if able)]


def _asks(order: orders.Order) -> bool:
    return isinstance(order, orders.RingPhones) and order.picks_up
