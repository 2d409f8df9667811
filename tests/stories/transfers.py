"""The stories' verbs of transfers and returns, on the pure Switchboard."""

from __future__ import annotations

from datetime import date

from appliance.calls import commands, events, orders
from appliance.calls.status import TransferStatus
from appliance.policy.directory import TransferTarget
from appliance.policy.numbering import Purpose
from appliance.policy.transfers import TransferReason
from tests.stories.directories import declared, varied
from tests.stories.expectations import Expectations, Words
from tests.stories.grammar import StoryError


class TransferVerbs(Expectations):
    """What operators and offices do, and what is ordered of it; `answer` was told to a person,
    of the last REFER `first` is the phone's leg to its caller, `asked_on` the one it was sent in;
    `ordered` is every order there was."""

    answer: str
    first: str
    asked_on: str
    ordered: list[orders.Order]

    def tell(self, event: events.Event) -> None:
        """Hand an event to the Switchboard."""
        raise NotImplementedError

    # --- what happens ------------------------------------------------------------------------

    def phone_keys(self, words: Words) -> None:
        """A phone presses several keys, one after the other."""
        for key in words["keys"]:
            leg = self.legs[words["phone"]]
            self.tell(events.DigitPressed(key, events.DigitSource.RFC4733, leg=leg))

    def person_asks(self, words: Words) -> None:
        """A person asks by command; what would not be done is told, and not done (E23)."""
        assert self.now is not None, "a story says `at` first"
        request = commands.TransferCall(
            words["phone"], words["unit"], words["need"], TransferReason(words["reason"]),
            words["phone"],
            attended="blind" not in words, anyway="anyway" in words,
        )  # fmt: skip
        refusal = self.switchboard.answer_to(request, self.now)
        self.answer = refusal.text("it") if refusal else ""
        call = self.switchboard.call_for(request)
        self.tell(events.TransferWished(call, request))

    def phone_asks_to_join(self, words: Words) -> None:
        """A phone's own transfer key, once it has called a second time (Replaces)."""
        phone = words["phone"]
        calls = self.switchboard._board.calls.values()
        self.first = next(call.leg for call in calls if call.leg_phone == phone)
        leg, other = self.first, self.legs[phone]
        if "other" in words:
            leg, other = other, leg
        kind = events.TransferKind.ATTENDED
        self.asked_on = leg
        self.tell(events.TransferAsked(leg, phone, "", kind, other))

    def person_wants_head(self, words: Words) -> None:
        """A person asks by command; what would not be done is told, and not done."""
        assert self.now is not None, "a story says `at` first"
        on = words["what"] == "bring the head in"
        request = commands.BringHead(words["phone"], words["phone"], on)
        refusal = self.switchboard.answer_about_head(request, self.now)
        self.answer = refusal.text("it") if refusal else "nothing"
        self.tell(events.HeadWished(self.switchboard.call_for(request), request))

    def request_stored(self, words: Words) -> None:
        self.tell(events.RequestStored(self.calls[words["line"]], int(words["number"])))

    def varies(self, words: Words) -> None:
        """An office's variation of today is entered (E12)."""
        assert self.now is not None, "a story says `at` first"
        day = self.office.today(self.now.wall)
        directory = self.switchboard.directory
        new = varied(directory, words["unit"], (day, day), words["bands"])
        self.tell(events.DirectoryChanged(new))

    def varies_ahead(self, words: Words) -> None:
        """An office's special period is entered, weeks ahead (E14)."""
        span = (date.fromisoformat(words["first"]), date.fromisoformat(words["last"]))
        directory = self.switchboard.directory
        new = varied(directory, words["unit"], span, words["bands"], words["notice"])
        self.tell(events.DirectoryChanged(new))

    def declares(self, words: Words) -> None:
        """An office's new declaration is entered, in force from today (P4)."""
        assert self.now is not None, "a story says `at` first"
        day, directory = self.office.today(self.now.wall), self.switchboard.directory
        new = declared(directory, words["unit"], words["need"], words["phone"], day, words["bands"])
        self.tell(events.DirectoryChanged(new))

    # --- what is expected --------------------------------------------------------------------

    def target_of(self, name: str) -> TransferTarget:
        """Return the number that records call `unit.need.N`."""
        code, need, number = name.split(".")
        unit = self.switchboard.directory.unit(code)
        for declaration in self.switchboard.directory.declarations:
            found = declaration.need(need)
            if unit and declaration.unit in (unit.code, unit.service) and found is not None:
                return found.targets[int(number) - 1]
        raise StoryError(f"no such number in the register: {name}")

    def digits_of(self, name: str) -> str:
        """Return its digits."""
        return self.target_of(name).number.reveal(Purpose.DIAL)

    def expect_nowhere(self, words: Words) -> None:
        """No order there was, no record and nothing that is shown names the number (P7)."""
        for told in (*self.ordered, self._status()):
            if words["number"] in str(told):
                raise StoryError(f"{words['number']} is told in {told}")

    def expect_tell(self, words: Words) -> None:
        wanted = orders.TellTransfer(self.legs[words["phone"]], int(words["code"]))
        self.claim(str(wanted), wanted.__eq__)

    def expect_joined(self, words: Words) -> None:
        """The phone is told so, and both its calls end."""
        wanted = (
            orders.TellTransfer(self.asked_on, orders.TRANSFER_DONE),
            orders.HangUpPhone(self.legs[words["phone"]]),
            orders.HangUpPhone(self.first),
        )
        for order in wanted:
            self.claim(str(order), order.__eq__)

    def expect_not_joined(self, words: Words) -> None:
        wanted = orders.TellTransfer(self.asked_on, int(words["code"]))
        self.claim(str(wanted), wanted.__eq__)

    def expect_refused(self, words: Words) -> None:
        """What the operator reads of a transfer that was refused (E23)."""
        call = self.calls[words["line"]]
        refused = {one.call: one.refused for one in self._status().calls}[call]
        self._same("words", refused.text("it"), words["text"])

    def expect_bring_in(self, words: Words) -> None:
        wanted = orders.BringIn(words["line"], self.legs[words["phone"]])
        self.claim(str(wanted), wanted.__eq__)

    def expect_whisper(self, words: Words) -> None:
        wanted = orders.Whisper(self.legs[words["phone"]], (f"it/{words['prompt']}",))
        self.claim(str(wanted), wanted.__eq__)

    def expect_head(self, words: Words) -> None:
        call = self.calls[words["line"]]
        shown = {one.call: one.head for one in self._status().calls}[call]
        met = f"{shown.words.text('it')} ({', '.join(shown.phones)})" if shown else "nobody else"
        self._same("what is shown of the head", met, words["text"])

    def expect_said(self, words: Words) -> None:
        self._same("answer", self.answer, words["text"])

    def expect_request(self, words: Words) -> None:
        call = self.calls[words["line"]]
        order = self.claim("a request", lambda o: isinstance(o, orders.StoreRequest))
        assert isinstance(order, orders.StoreRequest)
        request = order.request
        met = f"{request.unit} {request.need} {request.rule}"
        self._same("request", met, f"{words['unit']} {words['need']} {words['rule']}")
        self._same("recording", order.recording, "" if "bare" in words else call)

    def expect_transfer(self, words: Words) -> None:
        call = self.calls[words["line"]]
        shown = {one.call: one.transfer for one in self._status().calls}[call]
        assert isinstance(shown, TransferStatus), "no transfer is shown"
        self._same("what is shown", f"{shown.words.text('it')} ({shown.operator})", words["text"])
