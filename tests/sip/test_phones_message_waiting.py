"""The message lamp: SUBSCRIBE and NOTIFY of message-summary, and news unasked (RFC 3842, 6665)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from appliance.sip.endpoint import Endpoint
from appliance.sip.message import SipMessage
from appliance.sip.phones import LONGEST, PATIENCE_S, SHORTEST, summary
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import DigestLogin, PhoneAccount, PhonesSettings
from appliance.sip.rtp import Address
from tests.sip.test_registrar import OTHER, SECRET, Registrant
from tests.sip.world import BOX, PHONE, Bench, request, response, tag_of

EVENT = "Event: message-summary"


def bench(*accounts: PhoneAccount) -> Bench:
    """Return a box that knows phone 21 by its secret (or these ones); *86 plays the messages."""
    known = accounts or (PhoneAccount("21", SECRET),)
    settings = PhonesSettings(*BOX, known, qualify_s=0.0, messages_code="*86")
    made = Endpoint(settings, parse, lambda _: BOX, random.Random(1).randbytes)
    made.start(0.0)
    return Bench(made)


@dataclass
class Lamp:
    """Phone 21 with a lamp: it registers (unless told not to) and subscribes by digest."""

    bench: Bench = field(default_factory=bench)
    source: Address = PHONE
    cseq: int = 0
    authorization: str = ""

    def register(self) -> list[SipMessage]:
        """Register by digest; returns all that is sent because of it."""
        registrant = Registrant(self.bench, source=self.source)
        challenged = registrant.send()
        self.bench.box.receive(
            self._request("REGISTER", registrant.answer(challenged)), self.source, self.bench.now
        )
        return self.bench.sent()

    def come(self) -> list[SipMessage]:
        """Register and keep quiet; returns what is sent once the box has waited for more."""
        self.register()
        return self.bench.wait(PATIENCE_S)

    def subscribe(self, *, to_tag: str = "", **more: str) -> list[SipMessage]:
        """Subscribe, answering the challenge; returns what is sent at last."""
        challenged = self.ask(to_tag=to_tag, **more)
        if challenged[0].code != 401:
            return challenged
        registrant = Registrant(self.bench, source=self.source)
        return self.ask(registrant.answer(challenged[0], "SUBSCRIBE"), to_tag=to_tag, **more)

    def ask(
        self, authorization: str = "", *, to_tag: str = "", expires: str = "", event: str = EVENT,
    ) -> list[SipMessage]:  # fmt: skip
        """Send one SUBSCRIBE; returns what is sent because of it."""
        lines = [event, f"Expires: {expires}" if expires else ""]
        data = self._request("SUBSCRIBE", authorization, "\n".join(lines), to_tag)
        self.bench.box.receive(data, self.source, self.bench.now)
        return self.bench.sent()

    def show(self, count: int) -> list[SipMessage]:
        """Let call control say how many messages there are; returns what is sent because of it."""
        self.bench.box.waiting.show(count, self.bench.now)
        return self.bench.sent()

    def _request(self, method: str, authorization: str, extra: str = "", to_tag: str = "") -> bytes:
        self.cseq += 1
        tag = f";tag={to_tag}" if to_tag else ""
        lines = [extra, f"Authorization: {authorization}" if authorization else ""]
        return request(
            method,
            100 + self.cseq,
            uri="sip:192.0.2.1",
            source=self.source,
            from_="<sip:21@192.0.2.1>;tag=lamp",
            to=f"<sip:21@192.0.2.1>{tag}",
            call_id=f"{method}-of-21",
            branch=f"z9hG4bK{method}{self.cseq}",
            extra="\n".join(lines),
        )


def notify_of(messages: list[SipMessage]) -> SipMessage:
    """Return the only NOTIFY among some messages."""
    (found,) = [message for message in messages if message.method == "NOTIFY"]
    return found


def count_of(notify: SipMessage) -> str:
    """Return the line of a NOTIFY that says how many."""
    return next(line for line in notify.body.splitlines() if line.startswith("Voice-Message"))


def test_a_subscriber_is_told_at_once_and_at_every_change() -> None:
    """SUBSCRIBE is answered 200 with its time, NOTIFY follows, and again at each change."""
    lamp = Lamp()
    lamp.show(2)
    answer, notify = lamp.subscribe(expires="600")
    assert (answer.code, answer.get("Expires")) == (200, "600")
    assert (notify.get("Event"), notify.get("Subscription-State")) == (
        "message-summary",
        "active;expires=600",
    )
    assert notify.get("Content-Type") == "application/simple-message-summary"
    assert notify.body == (
        "Messages-Waiting: yes\r\nMessage-Account: sip:*86@192.0.2.1\r\n"
        "Voice-Message: 2/0 (0/0)\r\n"
    )
    assert (notify.call_id, tag_of(answer)) == (answer.call_id, notify.fields.from_tag)
    lamp.bench.receive(response(notify, 200))
    changed = notify_of(lamp.show(0))
    assert changed.fields.cseq == notify.fields.cseq + 1
    assert (changed.body.splitlines()[0], count_of(changed)) == (
        "Messages-Waiting: no",
        "Voice-Message: 0/0 (0/0)",
    )
    lamp.bench.receive(response(changed, 200))
    assert lamp.show(0) == []


def test_changes_while_the_phone_is_silent_are_told_once() -> None:
    """One NOTIFY is under way a phone; what changed meanwhile follows in one."""
    lamp = Lamp()
    _, notify = lamp.subscribe()
    assert (lamp.show(1), lamp.show(2)) == ([], [])
    assert count_of(notify_of(lamp.bench.receive(response(notify, 200)))) == (
        "Voice-Message: 2/0 (0/0)"
    )


def test_a_renewal_keeps_the_dialog_and_its_end_ends_it() -> None:
    """SUBSCRIBE within the dialog renews; with Expires 0 it ends; after that the tag is unknown."""
    lamp = Lamp()
    answer, notify = lamp.subscribe(expires="60")
    lamp.bench.receive(response(notify, 200))
    tag = tag_of(answer)
    renewed, again = lamp.subscribe(to_tag=tag, expires="120")
    assert (renewed.code, again.call_id) == (200, notify.call_id)
    lamp.bench.receive(response(again, 200))
    over, last = lamp.subscribe(to_tag=tag, expires="0")
    assert (over.code, over.get("Expires")) == (200, "0")
    assert last.get("Subscription-State") == "terminated;reason=timeout"
    lamp.bench.receive(response(last, 200))
    assert lamp.subscribe(to_tag=tag)[0].code == 481


def test_a_subscription_runs_out() -> None:
    """When its time is over the phone is told so, and of nothing any more."""
    lamp = Lamp()
    _, notify = lamp.subscribe(expires="60")
    lamp.bench.receive(response(notify, 200))
    last = notify_of(lamp.bench.wait(60.1))
    assert last.get("Subscription-State") == "terminated;reason=timeout"
    assert lamp.show(5) == []


@pytest.mark.parametrize("code", [481, 500])
def test_a_phone_that_refuses_loses_its_subscription(code: int) -> None:
    """A refused NOTIFY ends the subscription (RFC 6665 4.2.2); the phone may ask anew."""
    lamp = Lamp()
    _, notify = lamp.subscribe()
    lamp.bench.receive(response(notify, code))
    assert lamp.show(1) == []
    assert lamp.subscribe()[0].code == 200


def test_a_phone_that_is_gone_loses_its_subscription() -> None:
    """Nobody is told for ever: silence of 32 s ends it."""
    lamp = Lamp()
    lamp.subscribe()
    lamp.bench.wait(33)
    assert lamp.show(1) == []


def test_a_phone_that_asks_anew_has_one_subscription() -> None:
    """One subscription a phone: a new one takes the place of the one before."""
    lamp = Lamp()
    _, first = lamp.subscribe()
    lamp.bench.receive(response(first, 200))
    _, second = lamp.subscribe()
    lamp.bench.receive(response(second, 200))
    assert len(lamp.bench.box.waiting.lamps) == 1
    assert notify_of(lamp.show(1)).fields.from_tag == second.fields.from_tag


@pytest.mark.parametrize(
    ("more", "code", "header"),
    [
        ({"event": "Event: presence"}, 489, ("Allow-Events", "message-summary")),
        ({"event": ""}, 489, ("Allow-Events", "message-summary")),
        ({"expires": "59"}, 423, ("Min-Expires", str(SHORTEST))),
        ({"to_tag": "unknown"}, 481, ("Event", "")),
    ],
)
def test_what_cannot_be_subscribed_to(
    more: dict[str, str], code: int, header: tuple[str, str]
) -> None:
    """Other events, too brief a time and a dialog nobody knows are refused by name."""
    lamp = Lamp()
    answer = lamp.subscribe(**more)[0]
    assert (answer.code, answer.get(header[0])) == (code, header[1])
    assert lamp.bench.box.waiting.lamps == {}


def test_a_subscription_needs_a_contact() -> None:
    """Without a Contact there is nowhere to send news to."""
    made = bench(PhoneAccount("21", fixed_address=PHONE))
    data = request("SUBSCRIBE", from_="<sip:21@192.0.2.1>;tag=p", extra=EVENT)
    (answer,) = made.receive(data.replace(b"Contact: <sip:21@192.0.2.21:5060>\r\n", b""))
    assert answer.code == 400


def test_no_time_asked_for_means_an_hour() -> None:
    """Without Expires, or with one beyond it, a subscription lasts the longest."""
    assert Lamp().subscribe()[0].get("Expires") == str(LONGEST)
    assert Lamp().subscribe(expires="999999999")[0].get("Expires") == str(LONGEST)


def test_an_older_request_changes_nothing() -> None:
    """A SUBSCRIBE that comes out of order is refused (RFC 3261 12.2.2)."""
    lamp = Lamp()
    answer, notify = lamp.subscribe()
    lamp.bench.receive(response(notify, 200))
    lamp.cseq -= 2
    data = lamp._request("SUBSCRIBE", "", EVENT, tag_of(answer)).replace(b"z9hG4bK", b"z9hG4bKo")
    challenged = lamp.bench.receive(data)
    registrant = Registrant(lamp.bench)
    lamp.cseq -= 1
    data = lamp._request(
        "SUBSCRIBE", registrant.answer(challenged[0], "SUBSCRIBE"), EVENT, tag_of(answer)
    )
    assert lamp.bench.receive(data.replace(b"z9hG4bK", b"z9hG4bKp"))[0].code == 500


def test_a_stranger_hears_nothing_of_the_messages() -> None:
    """Who has no secret is challenged, whatever name he gives; nothing is kept of him."""
    made = bench()
    for name in ("21", "nobody"):
        data = request(
            "SUBSCRIBE", from_=f"<sip:{name}@h>;tag=x", extra=EVENT, branch=f"z9hG4bK{name}"
        )
        assert [m.code for m in made.receive(data, OTHER)] == [401]
    assert made.box.waiting.lamps == {}


def test_a_phone_at_a_fixed_address_subscribes_from_there_alone() -> None:
    """A phone without a secret is known by its address, another host is refused."""
    made = bench(PhoneAccount("21", fixed_address=PHONE))
    data = request("SUBSCRIBE", from_="<sip:21@192.0.2.1>;tag=p", extra=EVENT)
    assert made.receive(data, OTHER)[0].code == 403
    answer, notify = made.receive(data.replace(b"theirs", b"mine"))
    assert (answer.code, notify.method) == (200, "NOTIFY")


def test_a_phone_that_does_not_subscribe_is_told_unasked() -> None:
    """A registered phone is told of changes without asking, in one dialog of ours."""
    lamp = Lamp()
    lamp.come()
    first = notify_of(lamp.show(1))
    assert first.get("Subscription-State") == "active"
    lamp.bench.receive(response(first, 200))
    second = notify_of(lamp.show(2))
    assert (second.call_id, second.fields.cseq) == (first.call_id, first.fields.cseq + 1)


def test_a_phone_that_comes_is_told_of_what_waits() -> None:
    """A phone that registers is told if there are messages, not at each renewal."""
    lamp = Lamp()
    lamp.show(3)
    notify = notify_of(lamp.come())
    assert count_of(notify) == "Voice-Message: 3/0 (0/0)"
    lamp.bench.receive(response(notify, 200))
    assert lamp.come() == []


def test_a_phone_that_wants_no_news_is_left_alone_until_it_registers_anew() -> None:
    """489 or the like to news unasked is heeded; after a new registration it is tried again."""
    lamp = Lamp()
    lamp.come()
    lamp.bench.receive(response(notify_of(lamp.show(1)), 489))
    assert lamp.show(2) == []
    lamp.bench.wait(121)  # the registration has run out
    assert count_of(notify_of(lamp.come())) == "Voice-Message: 2/0 (0/0)"


def test_news_unasked_that_nobody_answers_is_tried_at_the_next_change() -> None:
    """A phone that was off for a moment is not forgotten."""
    made = bench(PhoneAccount("21", fixed_address=PHONE))
    lamp = Lamp(made)
    lamp.show(1)
    made.wait(33)
    assert notify_of(lamp.show(2)).get("Event") == "message-summary"


def test_an_answer_that_comes_after_the_phone_asked_anew_changes_nothing() -> None:
    """What answers the dialog before is nobody's business any more."""
    lamp = Lamp()
    lamp.come()
    unasked = notify_of(lamp.show(1))
    _, notify = lamp.subscribe()
    assert lamp.bench.receive(response(unasked, 481)) == []
    assert lamp.bench.receive(response(unasked, 200)) == []
    lamp.bench.receive(response(notify, 200))
    assert notify_of(lamp.show(2)).call_id == notify.call_id


def test_a_phone_that_has_just_come_is_left_to_subscribe() -> None:
    """News unasked before its SUBSCRIBE would confuse it; what it subscribes to it is told."""
    lamp = Lamp()
    lamp.show(1)
    assert [m.code for m in lamp.register()] == [200]
    assert lamp.show(2) == []
    _, notify = lamp.subscribe()
    lamp.bench.receive(response(notify, 200))
    assert lamp.bench.wait(PATIENCE_S) == []


def test_the_summary_names_no_account_where_there_is_none() -> None:
    """Without a key code for the messages the line is left out."""
    assert summary(1) == "Messages-Waiting: yes\r\nVoice-Message: 1/0 (0/0)\r\n"


def test_a_lamp_behind_a_proxy_that_wants_a_password() -> None:
    """A challenged NOTIFY is said again with credentials; the phone does not count as deaf."""
    made = bench(PhoneAccount("21", fixed_address=PHONE))
    made.box.core.login = DigestLogin(PHONE, "box", "s3cret", made.box.random)
    made.sent()
    made.box.waiting.show(2, made.now)
    first = notify_of(made.sent())
    challenge = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    again = notify_of(made.receive(response(first, 407, extra=challenge)))
    assert "response=" in again.get("Proxy-Authorization")
    assert again.fields.cseq == first.fields.cseq + 1
    made.say(again, 200)
    made.box.waiting.show(3, made.now)
    assert count_of(notify_of(made.sent())) == "Voice-Message: 3/0 (0/0)"


def test_news_goes_to_where_the_phone_stands_whatever_its_contact_names() -> None:
    """A Contact cannot send our NOTIFYs to somebody else."""
    made = bench(PhoneAccount("21", fixed_address=PHONE))
    data = request("SUBSCRIBE", from_="<sip:21@192.0.2.1>;tag=p", extra=EVENT)
    made.box.receive(data.replace(b"<sip:21@192.0.2.21:5060>", b"<sip:21@192.0.2.66>"), PHONE, 0.0)
    assert {where for _, where in made.posted()} == {PHONE}


def test_a_phone_without_a_secret_has_one_notify_at_a_time() -> None:
    """Its address may be forged: a flood of SUBSCRIBE makes no flood of NOTIFY."""
    made = bench(PhoneAccount("21", fixed_address=PHONE))

    def ask(number: int) -> list[SipMessage]:
        return made.receive(
            request(
                "SUBSCRIBE", from_=f"<sip:21@192.0.2.1>;tag=p{number}", call_id=f"c{number}",
                branch=f"z9hG4bKs{number}", extra=EVENT,
            )
        )  # fmt: skip

    _, notify = ask(1)
    assert [(m.code, m.get("Retry-After")) for m in ask(2)] == [(503, "32")]
    made.receive(response(notify, 200))
    assert [m.code or m.method for m in ask(3)] == [200, "NOTIFY"]
