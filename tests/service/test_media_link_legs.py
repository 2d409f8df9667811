"""Legs: a phone is rung only once its port is reserved; a port is released however its leg ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from appliance.calls import events, orders
from appliance.service.media_link import Legs


@dataclass
class Phones:
    """An honest fake of the SIP thread: it writes down what it was told."""

    told: list[tuple[object, ...]] = field(default_factory=list)

    def ring(self, *what: object, picks_up: bool = False) -> None:
        self.told.append(("ring", *what, *(["picks up"] if picks_up else [])))

    def pick_up(self, *what: object) -> None:
        self.told.append(("pick_up", *what))

    def show(self, *what: object) -> None:
        self.told.append(("show", *what))

    def stop_ringing(self, *what: object) -> None:
        self.told.append(("stop_ringing", *what))

    def hang_up(self, *what: object) -> None:
        self.told.append(("hang_up", *what))

    def accept(self, *what: object) -> None:
        self.told.append(("accept", *what))

    def refuse(self, *what: object) -> None:
        self.told.append(("refuse", *what))

    def ask(self, *what: object) -> None:
        self.told.append(("ask", *what))

    def tell_transfer(self, *what: object) -> None:
        self.told.append(("tell_transfer", *what))


class Side:
    """Legs with both their sides."""

    def __init__(self) -> None:
        self.phones = Phones()
        self.sent: list[object] = []
        self.legs = Legs(self.phones, self.sent.append, "192.0.2.1")

    def ring(self, leg: str = "c.1") -> None:
        """Order one phone to be rung."""
        self.legs.order(orders.RingPhones("c", (orders.Ringing(leg, "op1"),), "Ordinaria", "051"))


@pytest.fixture
def side() -> Side:
    """A fresh pair of sides."""
    return Side()


def test_the_invite_leaves_only_after_the_port_is_reserved(side: Side) -> None:
    """RingPhones -> PreparePhone -> PhonePrepared -> INVITE with that port."""
    side.ring()
    assert side.sent == [orders.PreparePhone("c.1")]
    assert side.phones.told == []

    side.legs.fact(events.PhonePrepared("c.1", 16000))

    assert side.phones.told == [
        ("ring", "c.1", "op1", "192.0.2.1", 16000, "Ordinaria", "051", ("alaw", "ulaw"), None)
    ]


def test_a_leg_stopped_before_its_port_came_is_never_rung(side: Side) -> None:
    """The caller hung up in that moment: no INVITE, no CANCEL, the port is given back."""
    side.ring()
    side.legs.order(orders.StopRinging("c.1"))
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    assert side.phones.told == []
    assert side.sent[-1] == orders.ReleasePhone("c.1")


def test_a_phone_that_rings_is_told_to_pick_up(side: Side) -> None:
    """Its INVITE is out: the SIP thread takes it back; the port stays."""
    side.ring()
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    side.legs.order(orders.PickUpPhone("c.1"))
    assert side.phones.told[-1] == ("pick_up", "c.1")
    assert side.sent == [orders.PreparePhone("c.1")]


def test_a_phone_that_is_to_pick_up_is_asked_by_its_first_invite(side: Side) -> None:
    """Asked with the order to ring, or while it waits for its port."""
    rung = (orders.Ringing("c.2", "op2"),)
    side.legs.order(orders.RingPhones("c", rung, "Ordinaria", "051", picks_up=True))
    side.ring()
    side.legs.order(orders.PickUpPhone("c.1"))
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    side.legs.fact(events.PhonePrepared("c.2", 16002))
    assert [told[-1] for told in side.phones.told] == ["picks up"] * 2


def test_stop_ringing_cancels_and_releases(side: Side) -> None:
    """A phone that rings is told, with "answered elsewhere" where it was."""
    side.ring()
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    side.legs.order(orders.StopRinging("c.1", answered_elsewhere=True))
    assert side.phones.told[-1] == ("stop_ringing", "c.1", True)
    assert side.sent[-1] == orders.ReleasePhone("c.1")


@pytest.mark.parametrize(
    "end",
    [
        events.PhoneHungUp("c.1"),
        events.PhoneDeclined("c.1"),
        events.PhoneBusy("c.1"),
        events.PhoneUnreachable("c.1"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_a_port_is_released_once_however_its_leg_ends(side: Side, end: events.Event) -> None:
    """Nothing leaks, nothing is released twice."""
    side.ring()
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    side.legs.fact(end)
    side.legs.fact(end)
    assert side.sent.count(orders.ReleasePhone("c.1")) == 1


def test_media_is_forwarded_for_open_legs_only(side: Side) -> None:
    """What offer and answer settled goes to the media gateway as it is; a dead leg's does not."""
    agreed = events.MediaAgreed("c.1", "192.0.2.9", 4000, "alaw")
    side.legs.fact(agreed)
    assert side.sent == []
    side.ring()
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    side.legs.fact(agreed)
    assert side.sent[-1] == agreed


def test_a_phone_that_called_the_box_is_accepted_with_a_port(side: Side) -> None:
    """A key code's call gets its port before the 200 OK, and is hung up like any other."""
    side.legs.order(orders.AcceptPhone("k.1"))
    side.legs.fact(events.PhonePrepared("k.1", 16002))
    side.legs.order(orders.HangUpPhone("k.1"))
    assert side.phones.told == [("accept", "k.1", "192.0.2.1", 16002), ("hang_up", "k.1")]
    assert side.sent[-1] == orders.ReleasePhone("k.1")


def test_a_refusal_needs_no_port(side: Side) -> None:
    """An unknown code is refused at once."""
    side.legs.order(orders.RefusePhone("k.1"))
    assert side.phones.told == [("refuse", "k.1", 404)]
    assert side.sent == []


def test_a_lost_media_gateway_takes_every_port_with_it(side: Side) -> None:
    """The new media gateway knows nothing of the old one's ports."""
    side.ring()
    side.legs.fact(events.MediaGatewayLost())
    side.legs.fact(events.PhoneHungUp("c.1"))
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    assert side.phones.told == []
    assert side.sent == [orders.PreparePhone("c.1")]


def test_a_phone_whose_sound_stops_is_asked(side: Side) -> None:
    """PhoneSilent from the media gateway: the SIP thread asks it whether it is there."""
    side.legs.fact(events.PhoneSilent("c.1", 3000))
    assert side.phones.told == [("ask", "c.1")]


def test_a_phone_that_is_lost_is_hung_up(side: Side) -> None:
    """Whoever noticed: its call is ended where it is still up, its port is free."""
    side.ring()
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    side.phones.told.clear()
    side.sent.clear()
    side.legs.fact(events.PhoneLost("c.1", "no sound for 30 s"))
    assert side.phones.told == [("hang_up", "c.1")]
    assert side.sent == [orders.ReleasePhone("c.1")]


def test_a_refused_transfer_is_told(side: Side) -> None:
    """TellTransfer goes to the phone that asked."""
    side.legs.order(orders.TellTransfer("c.1", orders.DECLINED))
    assert side.phones.told == [("tell_transfer", "c.1", 603)]


def press(side: Side, digit: str, source: events.DigitSource, now: float) -> bool:
    """Let a key be heard; returns whether it counts."""
    return not side.legs.is_repeated(events.DigitPressed(digit, source, leg="c.1"), now)


def test_a_key_that_comes_by_rtp_and_by_info_is_one_key(side: Side) -> None:
    """Phones set to "RFC 2833 + SIP INFO" send each key twice; the caller pressed it once."""
    rtp, info = events.DigitSource.RFC4733, events.DigitSource.SIP_INFO
    side.ring()
    counted = [
        press(side, "1", rtp, 10.0),
        press(side, "1", info, 10.03),
        press(side, "1", info, 10.4),  # pressed again, the other way round
        press(side, "1", rtp, 10.41),
        press(side, "2", info, 20.0),
        press(side, "3", info, 20.2),
    ]
    assert counted == [True, False, True, False, True, True]


def test_keys_of_one_leg_say_nothing_of_the_next(side: Side) -> None:
    """A leg that is over is forgotten; keys of the caller's line are not looked at here."""
    side.ring()
    press(side, "1", events.DigitSource.RFC4733, 10.0)
    side.legs.fact(events.PhoneHungUp("c.1", ""))
    side.ring()
    assert press(side, "1", events.DigitSource.SIP_INFO, 10.1)
    line = events.DigitPressed("1", events.DigitSource.CHIP, line="line1")
    assert [side.legs.is_repeated(line, 10.0) for _ in range(2)] == [False, False]


def test_a_caller_known_late_is_shown(side: Side) -> None:
    """By the INVITE where the leg still waits for its port, else by a request of its own."""
    shown = orders.ShowCaller(("c.1",), "Ordinaria 333", "333")
    side.ring()
    side.legs.order(shown)
    side.legs.fact(events.PhonePrepared("c.1", 16000))
    assert side.phones.told[-1][5:7] == ("Ordinaria 333", "333")
    side.legs.order(shown)
    assert side.phones.told[-1] == ("show", "c.1", "Ordinaria 333", "333")
