"""What a call agrees on and hears: its descriptions, its stream, and what came before both."""

from __future__ import annotations

import secrets
from collections import deque
from typing import TYPE_CHECKING

from appliance.errors import PeerError
from appliance.simulator.phone.registration import Agreed, Session
from appliance.simulator.phone.sound import Stream

if TYPE_CHECKING:
    from appliance.simulator.phone.call import Account
    from appliance.simulator.phone.registration import Address, Message
    from appliance.simulator.phone.sound import Note, Speech

EARLY = 5
"""Packets kept that came before their answer: 100 ms."""


class CallSound:
    """The sound side of one call; `stream` stands from the answer on and stays after the end."""

    def __init__(self, account: Account, speech: Speech, note: Note) -> None:
        self.session = Session(account.rtp, account.preferences, secrets.randbits(31))
        self.stream: Stream | None = None
        # Sound may overtake the 200 that announces it, and who offers must be ready (RFC 3264 5.1).
        self.keeps_early = True
        self._early: deque[tuple[bytes, Address, float]] = deque(maxlen=EARLY)
        self._speech = speech
        self._note = note
        self._is_held = False

    def hear(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram of the RTP socket; the last ones before the answer are kept for it."""
        if self.stream is not None:
            self.stream.receive(data, source, now)
        elif self.keeps_early:
            self._early.append((data, source, now))

    def answer_to(self, request: Message) -> tuple[bytes, Agreed | None] | None:
        """Return body and agreement of our answer; an offer of ours where there is none to answer.

        None without a common codec.
        """
        if not request.body:
            return (self.session.offer() if request.method == "INVITE" else b""), None
        try:
            return self.session.answer(request.body)
        except PeerError:
            return None

    def agree(self, agreed: Agreed, now: float) -> None:
        """Begin the stream, or go on with what a re-INVITE settled; notes held and released."""
        if self.stream is None:
            self.stream = Stream(agreed, self._speech, self._note, now)
            for data, source, at in self._early:
                self.stream.receive(data, source, at)
            self._early.clear()
            return
        self.stream.change(agreed)
        is_held = agreed.direction in {"recvonly", "inactive"}
        if is_held != self._is_held:
            self._is_held = is_held
            self._note("held" if is_held else "released", now)

    def end(self) -> None:
        """Forget what was being said, if anybody heard it."""
        if self.stream is not None:
            self._speech.end_call()
