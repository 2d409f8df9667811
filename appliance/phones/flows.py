"""Connections of phones: what it means for bindings and calls that one opens, breaks or comes back.

A phone that registered over TCP is rung over that connection alone, as RFC 5626 does it: it may
listen nowhere. When the connection breaks it counts as out until it has registered again. Sound
needs no connection: a conversation goes on, and what is to be said of it is said once the phone is
back, as is the end of what it believes to be a call.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from appliance.phones.call import UNANSWERED, Call
from appliance.phones.call_states import Input, State
from appliance.phones.core import Core
from appliance.phones.left import Left
from appliance.phones.legs import Legs
from appliance.phones.registrar import Registrar
from appliance.phones.rtp import Address
from appliance.phones.transaction_states import Input as TransactionInput
from appliance.phones.uri import Stream

BROKE = "its connection broke"
MOST_OWED = 32
OWED_S = 600.0
"""So many calls are remembered for so long (s) that a phone is still to be told the end of."""
WAITS = UNANSWERED | {State.OFFERED}
"""What cannot go on without a connection: nobody could say how it ends."""


@dataclass(slots=True)
class Flows:
    """Knows the connections that are up."""

    core: Core
    registrar: Registrar
    legs: Legs
    streams: set[Stream] = field(default_factory=set)
    _owed: deque[tuple[Left, float]] = field(default_factory=lambda: deque(maxlen=MOST_OWED))

    def opened(self, stream: Stream) -> None:
        """Take a new connection."""
        self.streams.add(stream)

    def closed(self, stream: Stream, now: float) -> None:
        """Give up what hangs by a connection that broke, unless its phone has another one."""
        self.streams.discard(stream)
        self.registrar.cut(stream)
        for call in [call for call in self.legs.calls.values() if call.dialog.peer == stream]:
            home = self._home(call.phone)
            if home is not None:
                _move(call, home)
            else:
                self._cut(call, now)
        self.core.transactions.refused(stream, now)
        self.legs.sweep()

    def proven(self) -> set[Stream]:
        """Return the connections over which a phone has proven itself, or is in a call."""
        places = [binding.source for binding in self.registrar.bindings.values()]
        places += [call.dialog.peer for call in self.legs.calls.values()]
        return {place for place in places if isinstance(place, Stream)}

    def registered(self, phone: str, now: float) -> None:
        """Let a phone that is back go on with its calls, and tell it those that have ended."""
        home = self._home(phone)
        if home is None:
            return
        for call in self.legs.calls.values():
            if call.phone == phone and self._is_broken(call.dialog.peer):
                _move(call, home)
        owed, self._owed = self._owed, deque(maxlen=MOST_OWED)
        for left, until in owed:
            if left.phone != phone:
                self._owed.append((left, until))
            elif until > now:
                self.legs.end_left(replace(left, dialog=replace(left.dialog, peer=home)), now)

    def heard(self, call: Call, source: Address) -> None:
        """Take a request within a call for word that its phone is back: only it knows the tags."""
        if isinstance(source, Stream) and self._is_broken(call.dialog.peer):
            _move(call, source)

    def owe(self, left: Left, now: float) -> None:
        """Keep a call that has ended until its phone is back; one it rings itself it gives up."""
        if not left.refusal:
            self._owed.append((left, now + OWED_S))

    def _is_broken(self, peer: Address) -> bool:
        return isinstance(peer, Stream) and peer not in self.streams

    def _home(self, phone: str) -> Address | None:
        """Return where a phone is reached now; None for nowhere, or a connection that broke."""
        target = self.registrar.target(phone)
        return None if target is None or self._is_broken(target.address) else target.address

    def _cut(self, call: Call, now: float) -> None:
        if call.state not in WAITS:
            return
        if left := call.left():
            self.owe(left, now)
        if call.invite is not None:  # without an answer it is over in its own time
            self.core.transactions.feed(call.invite, TransactionInput.CANCELLED, now)
        call.why = BROKE
        call.feed(Input.CUT, now)


def _move(call: Call, peer: Address) -> None:
    """Send what is still to be said of a call to `peer`."""
    call.dialog = replace(call.dialog, peer=peer)
    if call.invite is not None:
        call.invite.peer = peer
