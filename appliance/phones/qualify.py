"""Whether phones with a fixed address are there: an OPTIONS now and then (RFC 3261 11)."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.calls.events import PhoneGone, PhoneRegistered
from appliance.phones.core import Core
from appliance.phones.dialog import AGENT, outgoing
from appliance.phones.message import Message
from appliance.phones.registrar import Target
from appliance.phones.transaction_states import Do

STARTS = 10_000
"""Where sequence numbers begin; any number will do (8.1.1.5)."""


@dataclass(slots=True)
class Qualify:
    """Asks every `interval` seconds (0: never) and tells when a phone goes or comes back."""

    core: Core
    targets: dict[str, Target]
    interval: float
    _next: float | None = None
    _gone: set[str] = field(default_factory=set)

    def start(self, now: float) -> None:
        """Take every fixed phone for present until it proves otherwise."""
        for phone in self.targets:
            self.core.tell(PhoneRegistered(phone))
        self._next = now if self.interval and self.targets else None

    def next_deadline(self) -> float | None:
        """Return when to ask next (monotonic s), None for never."""
        return self._next

    def advance(self, now: float) -> None:
        """Ask, if it is time."""
        if self._next is None or now < self._next:
            return
        self._next = now + self.interval
        for phone, target in self.targets.items():
            self._ask(phone, target, now)

    def _ask(self, phone: str, target: Target, now: float) -> None:
        local, branch, tag = self.core.local(target.address), self.core.branch(), self.core.token()
        party = f"<sip:{AGENT}@{local[0]}>"
        dialog = outgoing(self.core.token(16), tag, party, target.uri, target.address)

        def learn(what: Do, _: Message | None, __: float) -> None:
            """Take any answer at all for a sign of life."""
            if what in {Do.PASS, Do.TIMED_OUT, Do.FAILED}:
                self._learned(phone, is_there=what is Do.PASS)

        data = dialog.request("OPTIONS", STARTS, branch, local)
        key = (branch, "OPTIONS")
        self.core.transactions.request(key, data, target.address, learn, now)

    def _learned(self, phone: str, *, is_there: bool) -> None:
        if is_there and phone in self._gone:
            self._gone.discard(phone)
            self.core.tell(PhoneRegistered(phone))
        elif not is_there and phone not in self._gone:
            self._gone.add(phone)
            self.core.tell(PhoneGone(phone, "nothing answers at its fixed address"))
