"""A registrar, or a proxy between branches, that is away for a day: minute by minute, no clock."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest

from appliance.calls import events
from appliance.sip.endpoint import Endpoint
from appliance.sip.message import SipMessage, read
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import PhoneAccount, PhonesSettings, RegistrarAccount
from appliance.sip.trunk import LONGEST_RETRY, RegistrationState
from tests.sip.world import BOX, PHONE, SDP, Bench, response

PROXY = ("192.0.2.51", 5060)
DAY_S = 86_400.0
BACK_S = 35.0
"""What the box promises: registered again, and the other branches asked for, within that."""


class Away(Bench):
    """A box with a phone of its own and another `branch`, whose proxy is away from the start.

    `tries` are the moments of its REGISTERs, repeats left out, `sent_there` is their number with
    them; `most` requests waited for an answer at once. `refuses`: the network says that nobody
    listens there, instead of saying nothing.
    """

    def __init__(self, seed: int = 1, *, refuses: bool = False, branch: str = "savena") -> None:
        account = RegistrarAccount(PROXY, "porto", "s3cret", branches=(branch,), takes=True)
        phone = PhoneAccount("21", fixed_address=PHONE)
        settings = PhonesSettings(*BOX, (phone,), qualify_s=30.0, registrar=account)
        made = Endpoint(settings, parse, lambda _: BOX, random.Random(seed).randbytes)
        made.start(0.0)
        self.tries: list[float] = []
        self.is_back, self.refuses = False, refuses
        self.most = 0
        self.sent_there = 0
        self._known: set[bytes] = set()
        super().__init__(made)

    def pass_by(self, seconds: float) -> list[events.Event]:
        """Let time pass, deadline by deadline; returns what call control was told."""
        end, told = self.now + seconds, []
        while (deadline := self.box.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.box.advance(self.now)
            self._post()
            self.most = max(self.most, len(self.box.core.transactions.clients))
            told += self.events()
        self.now = end
        return told

    @property
    def state(self) -> RegistrationState:
        """How the box stands at the proxy."""
        assert self.box.registration
        return self.box.registration.state

    def _post(self) -> None:
        """Carry what is sent: the phone answers, the proxy once it is back."""
        for data, where in self.box.take_datagrams():
            if where == PROXY:
                self._note(data)
            if where != PROXY or self.is_back:
                message = read(data, parse)
                assert message
                self.box.receive(self._answer(message), where, self.now)
            elif self.refuses:
                self.box.refused(PROXY, self.now)

    def _answer(self, message: SipMessage) -> bytes:
        return response(message, 200, tag="p", contact="<sip:centralino@192.0.2.1:5060>;expires=60")

    def _note(self, data: bytes) -> None:
        found = re.search(rb"\r\nCSeq: (\d+) REGISTER\r\n", data)
        self.sent_there += found is not None
        if found and found[1] not in self._known:
            self._known.add(found[1])
            self.tries.append(self.now)


@pytest.mark.parametrize("refuses", [False, True], ids=["silent", "refused"])
def test_a_day_without_the_proxy(*, refuses: bool) -> None:
    """It is asked after pauses that grow, end below half a minute and are never all the same; what
    is remembered does not grow, and nothing but that the branch is gone is told, once.
    """
    box = Away(refuses=refuses)
    told = box.pass_by(DAY_S)
    assert told == [events.PhoneGone("savena", "nothing answers at its address")]
    assert box.state is RegistrationState.SILENT
    gaps = [later - earlier for earlier, later in pairwise(box.tries)]
    answer_s = 0.0 if refuses else 4.0
    longest = LONGEST_RETRY + answer_s
    assert 2.0 <= gaps[0] - answer_s <= 4.0 <= gaps[1] - answer_s <= 8.0 <= gaps[2] - answer_s
    assert all(-0.01 <= longest - gap <= LONGEST_RETRY / 2 + 0.01 for gap in gaps[3:])
    assert len({round(gap, 2) for gap in gaps[3:]}) > 100
    assert box.sent_there <= 4 * len(box.tries), "a try that was given up is repeated"
    assert box.most <= 5


def test_two_boxes_do_not_keep_step() -> None:
    """Whatever began at the same moment: a proxy that comes back is not asked by all at once."""
    one, other = Away(seed=1), Away(seed=2)
    for box in (one, other):
        box.pass_by(3600.0)
    met = [at for at in one.tries[3:] if any(abs(at - its) < 0.02 for its in other.tries)]
    assert len(met) < len(one.tries) / 20


def test_a_phone_of_its_own_is_rung_as_on_any_day() -> None:
    """No call is affected: the own positions do not stand at the proxy."""
    box = Away()
    box.pass_by(DAY_S / 2)
    invite = box.ring()
    box.say(invite, 180, tag="p")
    (ack,) = box.say(invite, 200, tag="p", body=SDP)
    assert ack.method == "ACK"
    told = [type(event).__name__ for event in box.events()]
    assert told == ["LegProgressed", "MediaAgreed", "OperatorAnswered"]


def test_back_after_a_day() -> None:
    """Whenever it returns, the box is registered and knows of the branch within 35 s, told once."""
    for seed in range(20):
        box = Away(seed)
        box.pass_by(900.0 + 7.3 * seed)
        box.is_back = True
        assert box.pass_by(BACK_S) == [events.PhoneRegistered("savena")]
        assert box.state is RegistrationState.REGISTERED
        tries = len(box.tries)
        assert box.pass_by(300.0) == []
        assert len(box.tries) - tries == 10
