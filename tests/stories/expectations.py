"""What stories expect, compared with what the pure Switchboard ordered, wrote and shows."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from functools import partial

from appliance.calls import events, orders
from appliance.calls.orders import Order
from appliance.calls.status import Status
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.policy.office import Office
from appliance.policy.opening import ServiceState
from appliance.text import Words as Said
from tests.stories.grammar import StoryError

Words = dict[str, str]
UNITS = {"ms": 1, "s": 1_000, "min": 60_000}


def milliseconds(span: str) -> int:
    """Read "25 s", "500 ms", "30 min"."""
    number, unit = span.split()
    return int(number) * UNITS[unit]


class Expectations:
    """What a run remembers, and one method for each verb that expects something.

    `legs` and `plays` are the latest of a phone or line, `calls` and `records` of a line; `owners`
    are the phones of all legs there were.
    """

    office: Office
    switchboard: Switchboard
    now: Now | None
    pending: list[Order]
    legs: dict[str, str]
    owners: dict[str, str]
    plays: dict[str, str]
    calls: dict[str, str]
    records: dict[str, orders.CallRecord]
    record: orders.CallRecord | None

    def digits_of(self, name: str) -> str:
        """Return the digits of a number of the directory (transfers.py)."""
        raise NotImplementedError

    def claim(self, wanted: str, fits: Callable[[Order], bool]) -> Order:
        """Take the first pending order that fits; raises StoryError when none does."""
        for order in self.pending:
            if fits(order):
                self.pending.remove(order)
                return order
        met = "; ".join(map(str, self.pending)) or "nothing"
        raise StoryError(f"expected {wanted}, met {met}")

    def expect_ring(self, words: Words) -> None:
        """Phones are rung; or ring already, and are shown now who calls."""
        phones = tuple(words["phones"].split())
        ring = self.claim(f"ringing of {phones}", lambda o: self._rung(o) == phones)
        assert isinstance(ring, orders.RingPhones | orders.ShowCaller)
        if "span" in words:
            call = ring.call if isinstance(ring, orders.RingPhones) else self._call_of(ring)
            self._same("ring time in ms", self._left_ms(call), milliseconds(words["span"]))
        if "display" in words:
            self._same("display", ring.display, words["display"])

    def _rung(self, order: Order) -> tuple[str, ...]:
        """Return the phones that an order rings, or shows a caller on."""
        match order:
            # One that is to pick up by itself is expected as such (screens.py).
            case orders.RingPhones(picks_up=False):
                return tuple(ringing.phone for ringing in order.ringing)
            case orders.ShowCaller():
                return tuple(self.owners[leg] for leg in order.legs)
        return ()

    def _call_of(self, shown: orders.ShowCaller) -> str:
        calls = self.switchboard._board.calls.values()
        return next(call.id for call in calls if call.owns(shown.legs[0]))

    def _left_ms(self, call: str) -> int:
        assert self.now is not None
        deadline = self.switchboard._board.calls[call].deadline
        return round(((deadline or 0.0) - self.now.monotonic) * 1000)

    def expect_stop(self, words: Words) -> None:
        for phone in words["phones"].split():
            legs = {leg for leg, owner in self.owners.items() if owner == phone}
            wanted = {orders.StopRinging(leg, "elsewhere" in words) for leg in legs}
            self.claim(f"{phone} to ring no more", wanted.__contains__)

    def expect_answer(self, words: Words) -> None:
        self._claim_exactly(orders.AnswerLine(words["line"]))

    def expect_connect(self, words: Words) -> None:
        self._claim_exactly(orders.Connect(words["line"], self.legs[words["phone"]]))

    def expect_join(self, words: Words) -> None:
        legs = {self.legs[words["phone"]], self.legs[words["other"]]}
        self.claim("Join", lambda o: isinstance(o, orders.Join) and {o.leg, o.other} == legs)

    def expect_fetch(self, words: Words) -> None:
        leg = self.legs[words["phone"]]
        self._claim_exactly(orders.FetchMessage(leg, int(words["number"])))

    def expect_load(self, words: Words) -> None:
        self._claim_exactly(orders.LoadMessage(self.legs[words["phone"]], f"m{words['number']}"))

    def expect_mark(self, words: Words) -> None:
        """A phone's step about a message is to be kept."""
        leg, message = self.legs[words["phone"]], f"m{words['number']}"
        self._claim_exactly(orders.MarkMessage(leg, message, words["step"], words["phone"]))

    def expect_check_pin(self, words: Words) -> None:
        """The code that a phone pressed is to be compared."""
        leg = self.legs[words["phone"]]
        self._claim_exactly(orders.CheckPin(leg, words.get("pin", ""), words["phone"]))

    def expect_close(self, words: Words) -> None:
        leg, message = self.legs[words["phone"]], f"m{words['number']}"
        self._claim_exactly(orders.CloseMessage(leg, message, words["outcome"], words["phone"]))

    def expect_flash(self, words: Words) -> None:
        if words["position"].count(".") > 1:
            ring_ms = milliseconds(words["span"])
            digits = self.digits_of(words["position"])
            self._claim_exactly(orders.Flash(words["line"], digits, ring_ms))
            return
        name, _, number = words["position"].partition(".")
        counter = self.office.citizens_desk
        group = counter if counter and name == counter.name else self.office.switchboard
        digits = group.pbx_numbers[int(number) - 1]
        self._claim_exactly(orders.Flash(words["line"], digits, group.ring_ms))

    def expect_flash_back(self, words: Words) -> None:
        self._claim_exactly(orders.Flash(words["line"]))

    def expect_dial(self, words: Words) -> None:
        if "." in words["group"]:
            ring_ms = milliseconds(words["span"])
            digits = self.digits_of(words["group"])
            self._claim_exactly(orders.DialLeg(words["line"], digits, ring_ms))
            return
        counter = self.office.citizens_desk
        group = counter if counter and words["group"] == counter.name else self.office.switchboard
        self._claim_exactly(orders.DialLeg(words["line"], group.outside, group.ring_ms))

    def expect_dial_out(self, words: Words) -> None:
        order = self.claim("dialling", lambda o: isinstance(o, orders.DialLeg))
        assert isinstance(order, orders.DialLeg)
        self._same("line", order.line, words["line"])
        self._same("digits", order.digits, words["digits"])
        self._same("for help", order.emergency, "help" in words)

    def expect_told(self, words: Words) -> None:
        told = self.claim("an answer", lambda o: isinstance(o, orders.AnswerAsked))
        assert isinstance(told, orders.AnswerAsked)
        self._same("done", told.done, words["done"] == "yes")
        if "said" in words:
            assert isinstance(told.said, Said)
            self._same("answer", told.said.text("it"), words["said"])

    def expect_join_lines(self, words: Words) -> None:
        self._claim_exactly(orders.JoinLines(words["line"], words["other"]))

    def expect_listen(self, words: Words) -> None:
        self._claim_exactly(orders.Listen(words["line"]))

    def expect_keys(self, words: Words) -> None:
        self._claim_exactly(orders.PressKeys(words["line"], words["keys"]))

    def expect_hold(self, words: Words) -> None:
        leg = self.legs.get(words.get("phone", ""), "")
        self._claim_exactly(orders.Hold(words.get("line", ""), leg))

    def expect_play(self, words: Words) -> None:
        line, leg = words.get("line", ""), self.legs.get(words.get("phone", ""), "")
        order = self.claim(
            "an announcement",
            lambda o: isinstance(o, orders.Play) and (o.line, o.leg) == (line, leg),
        )
        assert isinstance(order, orders.Play)
        first = f"{self.office.languages[0]}/"
        prompts = [p.removeprefix(first) for p in order.prompts]
        heard = iter(prompts)
        for key in words["keys"].split():
            if key not in heard:
                raise StoryError(f"expected to hear {key}, in this order; heard {prompts}")
        for key in words.get("no", "").split():
            if key in prompts:
                raise StoryError(f"expected not to hear {key}; heard {prompts}")

    def expect_recording(self, words: Words) -> None:
        call = self.calls[words["line"]]
        order = self.claim(
            f"a recording of {words['line']}",
            lambda o: (
                isinstance(o, orders.Record) and (o.recording, o.line) == (call, words["line"])
            ),
        )
        assert isinstance(order, orders.Record)
        self._same("grace in ms", order.grace_ms, self.office.voicemail.grace_ms)
        if "span" in words:
            self._same("limit in ms", order.limit_ms, milliseconds(words["span"]))

    def expect_store(self, words: Words) -> None:
        line = words.get("line") or words["origin"]
        call, trim = self.calls[line], int(words.get("trim", "0"))
        self.claim(
            f"storing of the message on {line}, trimmed by {trim} ms",
            lambda o: (
                isinstance(o, orders.StoreMessage)
                and (o.call, o.recording, o.trim_ms) == (call, call, trim)
            ),
        )

    def expect_drop(self, words: Words) -> None:
        self._claim_exactly(orders.DropRecording(self.calls[words["line"]]))

    def expect_hang_up(self, words: Words) -> None:
        if "line" in words:
            self._claim_exactly(orders.HangUp(words["line"]))
        else:
            phone = words["phone"]
            legs = {leg for leg, owner in self.owners.items() if owner == phone}
            ends = {orders.HangUpPhone(leg) for leg in legs}
            self.claim(f"{phone} to be let go", ends.__contains__)

    def expect_accept(self, words: Words) -> None:
        self._claim_exactly(orders.AcceptPhone(self.legs[words["phone"]]))

    def expect_refuse(self, words: Words) -> None:
        self._claim_exactly(orders.RefusePhone(self.legs[words["phone"]], int(words["code"])))

    def expect_no_transfer(self, words: Words) -> None:
        self._claim_exactly(orders.TellTransfer(self.legs[words["phone"]], orders.DECLINED))

    def expect_saved(self, words: Words) -> None:
        saved = self.claim("saved states", lambda o: isinstance(o, orders.SaveServiceState))
        assert isinstance(saved, orders.SaveServiceState)
        assert isinstance(saved.state, ServiceState)
        wanted = [] if words["marks"] == "nothing" else words["marks"].split()
        met = [*saved.state.marks(), *(f"away:{phone}" for phone, _ in saved.state.away)]
        self._same("states", sorted(met), sorted(wanted))

    def expect_mail(self, words: Words) -> None:
        mail = self.claim("a mail", lambda o: isinstance(o, orders.QueueMail))
        assert isinstance(mail, orders.QueueMail)
        self._same("recipient", mail.mail.to, words["to"])
        self._same("subject", mail.mail.subject, words["subject"])

    def expect_store_call_back(self, words: Words) -> None:
        call = self.calls[words["line"]]
        stored = self.claim(
            f"the call back of {call} to be stored",
            lambda o: isinstance(o, orders.StoreCallBack) and o.record.call == call,
        )
        assert isinstance(stored, orders.StoreCallBack)
        if "callback_wanted" not in stored.record.trail:
            raise StoryError(f"no wish to be called back in {stored.record.trail}")

    def settled(self) -> None:
        """Refuse orders that the story does not speak of, but for who calls on ringing phones."""
        self.pending[:] = [o for o in self.pending if not isinstance(o, orders.ShowCaller)]
        if self.pending:
            raise StoryError("nobody expected " + "; ".join(map(str, self.pending)))

    def expect_nothing(self, words: Words) -> None:
        self.settled()

    def expect_record(self, words: Words) -> None:
        record = self.records.get(words["line"]) if "line" in words else self.record
        for pair in words["fields"].split():
            name, _, value = pair.partition("=")
            met = getattr(record, name) if hasattr(record, name) else getattr(record, f"{name}_at")
            if isinstance(met, datetime):
                met = f"{self.office.local(met):%H:%M:%S}"
            if isinstance(met, events.Caller):
                met = met.number or met.presentation
            if isinstance(met, tuple):
                met = ",".join(met)
            if name == "way":
                met = met or "none"  # the database's word
            self._same(f"record's {name}", "" if met is None else str(met), value)

    def expect_trail(self, words: Words) -> None:
        trail = iter(self.records[words.get("line") or words["origin"]].trail)
        for code in words["codes"].split():
            if code not in trail:
                raise StoryError(f"{code} is missing in {self.records[words['line']].trail}")

    def expect_line(self, words: Words) -> None:
        lines = {line.name: line.state.value for line in self._status().lines}
        self._same(words["line"], lines[words["line"]], words["state"])

    def expect_group(self, words: Words) -> None:
        status = self._status()
        group = status.switchboard if words["group"] == "switchboard" else status.citizens_desk
        self._same(words["group"], group.state.value if group else "none", words["state"])

    def expect_degraded(self, words: Words) -> None:
        met = [each.text("it") for each in self._status().degraded]
        if not any(words["words"] in each for each in met):
            raise StoryError(f"expected {words['words']!r} among what is wrong, met {met}")

    def expect_position(self, words: Words) -> None:
        positions = {position.phone: position for position in self._status().positions}
        met = positions[words["phone"]]
        self._same(words["phone"], met.state.value, words["state"])
        if "since" in words:
            since = f"{self.office.local(met.since):%H:%M:%S}" if met.since else "not noted"
            self._same("since", since, words["since"])
        if "by" in words:
            self._same("by", met.by, words["by"])

    def expect_waiting(self, words: Words) -> None:
        self._same("messages waiting", self._status().waiting, int(words["count"]))

    def _status(self) -> Status:
        assert self.now is not None
        return self.switchboard.status(self.now)

    def _claim_exactly(self, wanted: Order) -> None:
        self.claim(str(wanted), partial(operator.eq, wanted))

    def _same(self, what: str, met: object, wanted: object) -> None:
        if met != wanted:
            raise StoryError(f"{what}: expected {wanted}, met {met}")
