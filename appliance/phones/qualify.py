"""Which phones are there: an OPTIONS now and then to each, registered or not (RFC 3261 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from appliance.calls.events import PhoneGone, PhoneRegistered
from appliance.phones.canonical import Headers
from appliance.phones.core import Core
from appliance.phones.dialog import AGENT, outgoing
from appliance.phones.lifetime import ANSWER_LIMIT
from appliance.phones.message import Message
from appliance.phones.registrar import Target
from appliance.phones.transaction_states import Do

STARTS = 10_000
"""Where sequence numbers begin; any number will do (8.1.1.5)."""
NOT_THERE = {404, 408, 410, 480, 502, 503, 504}
"""What a registrar says for a phone that is not there; of a phone itself it is a sign of life."""


@dataclass(slots=True)
class Qualify:
    """Asks every `interval` seconds (0: never) and tells when a phone goes or comes back.

    `targets` names the phones that can be rung, `fixed` those that never register: silence of a
    registered phone means something only once it has answered such a question. The network's word
    that nobody listens there means the same of every phone.
    """

    core: Core
    targets: Callable[[], Mapping[str, Target]]
    fixed: frozenset[str]
    interval: float
    gone: set[str] = field(default_factory=set)
    _next: float | None = None
    _answers: set[str] = field(default_factory=set)
    _asked: dict[str, float] = field(default_factory=dict)
    _newest: dict[str, str] = field(default_factory=dict)

    def start(self, now: float, proven: frozenset[str] = frozenset()) -> None:
        """Take every fixed phone for present until it proves otherwise; `proven` have answered."""
        self._answers |= proven
        for phone in sorted(self.fixed):
            self.core.tell(PhoneRegistered(phone))
        self._next = now if self.interval else None

    def next_deadline(self) -> float | None:
        """Return when to ask, or to stop waiting, next (monotonic s), None for never."""
        times = [*self._asked.values()]
        return min(times if self._next is None else [*times, self._next], default=None)

    def advance(self, now: float) -> None:
        """Ask, if it is time; who was asked and is silent is gone."""
        for phone in [phone for phone, by in self._asked.items() if by <= now]:
            self._silent(phone)
        if self._next is not None and self._next <= now:
            self._next = now + self.interval
            for phone, target in self.targets().items():
                if phone not in self._asked:  # else its time to answer would never be over
                    self._ask(phone, target, now)

    def is_proven(self, phone: str) -> bool:
        """Tell whether a phone's silence will be noticed here, or nobody is ever asked."""
        return not self.interval or phone in self._answers

    def seen(self, phone: str) -> None:
        """Take a registration for a sign of life."""
        self._asked.pop(phone, None)
        if phone in self.gone:
            self.gone.discard(phone)
            self.core.tell(PhoneRegistered(phone))

    def forget(self, phone: str) -> None:
        """Forget a phone whose registration has ended."""
        self._asked.pop(phone, None)
        self._newest.pop(phone, None)
        self._answers.discard(phone)
        self.gone.discard(phone)

    def _ask(self, phone: str, target: Target, now: float, credentials: Headers = ()) -> None:
        """Ask; a proxy that wants a password first says nothing of the phone: it gets it, once."""
        local, branch, tag = self.core.local(target.address), self.core.branch(), self.core.token()
        party = f"<sip:{AGENT}@{local[0]}>"
        dialog = outgoing(self.core.token(16), tag, party, target.uri, target.address)
        is_proxied = self.core.login is not None and self.core.login.address == target.address
        self._asked[phone], self._newest[phone] = now + ANSWER_LIMIT, branch

        def learn(what: Do, message: Message | None, now: float) -> None:
            """Hear of this question while it is the newest; a late answer is one all the same."""
            if self._newest.get(phone) != branch:
                return
            if what is Do.FAILED:
                self._silent(phone, is_sure=True)
            elif what is Do.PASS and message is not None:
                answer = None if credentials else self._password(message, target)
                if answer:
                    self._ask(phone, target, now, (answer,))
                    return
                is_there = not (is_proxied and message.code in NOT_THERE)
                (self._answered if is_there else self._silent)(phone)

        data = dialog.request("OPTIONS", STARTS, branch, local, credentials)
        key = (branch, "OPTIONS")
        self.core.transactions.request(key, data, target.address, learn, now)

    def _password(self, challenge: Message, target: Target) -> tuple[str, str] | None:
        login = self.core.login
        if login is None:
            return None
        return login.answer(challenge, "OPTIONS", target.uri, target.address)

    def _answered(self, phone: str) -> None:
        self._answers.add(phone)
        self.seen(phone)

    def _silent(self, phone: str, is_sure: bool = False) -> None:
        """Tell once that a phone is gone: nobody answers, or (`is_sure`) the network says so."""
        self._asked.pop(phone, None)
        means_something = is_sure or phone in self.fixed or phone in self._answers
        if phone in self.gone or not means_something:
            return
        self.gone.add(phone)
        self.core.tell(PhoneGone(phone, "nothing answers at its address"))
