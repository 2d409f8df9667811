"""The whole phone, sans-I/O: datagrams and commands in; datagrams, packets and events out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.errors import OfficeError, PeerError
from appliance.testphone import sip
from appliance.testphone.account import AGENT, ALLOW
from appliance.testphone.incoming import IncomingCall
from appliance.testphone.outgoing import OutgoingCall
from appliance.testphone.registration import Registration
from appliance.testphone.speech import Speech
from appliance.testphone.wire import Wire, server_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.testphone.account import Account
    from appliance.testphone.call import Call
    from appliance.testphone.sip import Address, Message

MODES = ("auto", "manual", "never", "decline", "busy", "silent", "off")
"""How an incoming call is met; `silent` reads but never answers, `off` closes the sockets."""
REFUSALS = {"decline": "603 Decline", "busy": "486 Busy Here"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its kind, monotonic seconds, and details (`call` is its number)."""

    kind: str
    at: float
    details: dict[str, Any]


class Phone:
    """A phone with one call at a time; a second one is told busy."""

    def __init__(
        self, account: Account, registers: bool, on_event: Callable[[Event], None]
    ) -> None:
        self.account = account
        self.speech = Speech()
        self.wire = Wire(self._take)
        self.registration = Registration(account, self.wire, self._note)
        self.call: Call | None = None
        self.mode = "manual"
        self.is_on = False
        self._registers = registers
        self._on_event = on_event
        self._after_ms = 0
        self._calls = 0
        self._stops_at: float | None = None

    @property
    def deadline(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        calls = [self.call.deadline] if self.call else []
        stops = [self._stops_at] if self._stops_at is not None else []
        return min([self.wire.deadline, self.registration.deadline, *calls, *stops])

    def switch_on(self, now: float) -> None:
        """Begin to work; registers where there is a server to register with."""
        self.is_on = True
        self._note("on", now, address=f"{self.account.local[0]}:{self.account.local[1]}")
        if self._registers:
            self.registration.start(now)

    def switch_off(self, now: float) -> None:
        """Forget everything without a word, as when the plug is pulled."""
        if self.call:
            self.call.drop(now)
        self.registration.forget()
        self.wire.forget()
        self.is_on = False
        self._note("off", now)

    def stop(self, now: float, limit: float = 2.0) -> None:
        """Hang up and take the registration back, within `limit` seconds."""
        self._stops_at = now + limit
        if self.call and not self.call.is_over:
            self.call.hang_up(now)
        self.registration.stop(now)

    @property
    def is_stopping(self) -> bool:
        """True from `stop` on."""
        return self._stops_at is not None

    def is_done(self, now: float) -> bool:
        """True once a stopped phone owes nobody an answer, or its time is up."""
        return self._stops_at is not None and (not self.wire.is_waiting or now >= self._stops_at)

    def answer_mode(self, mode: str, after_ms: int, now: float) -> None:
        """Meet incoming calls in another way from now on; raises OfficeError for no such way."""
        if mode not in MODES:
            raise OfficeError(f"no answer mode {mode!r}: one of {', '.join(MODES)}")
        self.mode, self._after_ms = mode, after_ms
        self.wire.ignores_requests = mode == "silent"
        if mode == "off" and self.is_on:
            self.switch_off(now)
        elif mode != "off" and not self.is_on:
            self.switch_on(now)

    def dial(self, called: str, now: float) -> int:
        """Call a number at the server or a SIP URI; returns the call's number."""
        if not self.is_on:
            raise OfficeError("the phone is off")
        if self.call and not self.call.is_over:
            raise OfficeError("the phone is in a call already")
        number = self._calls + 1
        try:
            call = OutgoingCall(number, self.account, self.wire, self.speech, self._note, called)
        except PeerError as error:
            raise OfficeError(f"cannot dial {called!r}: {error}") from error
        self._calls, self.call = number, call
        call.start(now)
        return number

    def answer(self, now: float) -> None:
        """Lift the handset of the ringing call."""
        if not isinstance(self.call, IncomingCall):
            raise OfficeError("no call is ringing")
        self.call.answer(now)

    def current(self) -> Call:
        """Return the call that is not over; raises OfficeError without one."""
        if self.call is None or self.call.is_over:
            raise OfficeError("there is no call")
        return self.call

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram of the SIP socket."""
        self.wire.receive(data, source, now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        self.wire.tick(now)
        self.registration.tick(now)
        if self.call:
            self.call.tick(now)

    def _take(self, request: Message, source: Address, now: float) -> None:
        call = self.call
        if request.method == "ACK":
            if call and call.dialog and call.dialog.call_id == request.get("call-id"):
                call.take_ack(request, now)
        elif request.method == "CANCEL":
            self._take_cancel(request, source, now)
        elif "tag" in sip.parameters(request.get("to")):
            if call and call.owns(request):
                call.receive(request, source, now)
            else:
                self._respond(request, source, "481 Call Does Not Exist", now)
        elif request.method == "INVITE":
            self._take_invite(request, source, now)
        else:
            known = request.method in {"OPTIONS", "NOTIFY", "INFO"}
            self._respond(request, source, "200 OK" if known else "501 Not Implemented", now)

    def _take_invite(self, invite: Message, source: Address, now: float) -> None:
        if (self.call and not self.call.is_over) or self.is_stopping:
            self._respond(invite, source, "486 Busy Here", now)
            self._note("second_call", now)
            return
        number = self._calls + 1
        try:
            call = IncomingCall(
                number, self.account, self.wire, self.speech, self._note, invite, source
            )
        except PeerError:
            self._respond(invite, source, "400 Bad Contact", now)
            return
        self._calls, self.call = number, call
        call.ring(now)
        if call.is_over:
            return
        if self.mode in REFUSALS:
            call.refuse(REFUSALS[self.mode], now)
        elif self.mode == "auto":
            call.deadline = now + self._after_ms / 1000
            call.tick(now)

    def _take_cancel(self, cancel: Message, source: Address, now: float) -> None:
        call = self.call
        branch, where, _ = server_key(cancel)
        invite = (branch, where, "INVITE")
        if isinstance(call, IncomingCall) and server_key(call.invite) == invite:
            call.cancelled(cancel, source, now)
        else:
            self._respond(cancel, source, "481 Call Does Not Exist", now)

    def _respond(self, request: Message, source: Address, status: str, now: float) -> None:
        answer = sip.response(request, status, secrets.token_hex(4), (ALLOW, AGENT))
        self.wire.respond(request, source, answer, now)

    def _note(self, kind: str, now: float, **details: Any) -> None:
        self._on_event(Event(kind, now, details))
