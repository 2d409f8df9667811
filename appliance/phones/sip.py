"""The phones of the office: pyVoIP's classes around our own transactions, dialogs and registrar.

The ONLY pyVoIP import. Kept of pyVoIP 1.6.8 (pyvoip.md 5): VoIPPhone, VoIPCall and SIPClient as
shells, SIPMessage as header parser, its enums. Everything listed there under "never call" is out of
reach: overridden here, or not called by anything that is. Its callers are never blocked.
"""

from __future__ import annotations

import io
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

import pyVoIP

# pyVoIP.VoIP first: to import pyVoIP.SIP alone is a circular import (pyvoip.md 1).
from pyVoIP.VoIP import CallState, VoIPCall, VoIPPhone  # isort: skip
from pyVoIP.RTP import PayloadType  # isort: skip
from pyVoIP.SIP import SIPClient, SIPMessage, SIPMessageType, SIPParseError, SIPStatus  # isort: skip
from pyVoIP.VoIP.status import PhoneStatus  # isort: skip

from appliance.calls.events import DigitPressed, Event, Passed
from appliance.errors import Bug
from appliance.media.frames import Law
from appliance.phones.bindings import Binding, bindings_from_json, bindings_to_json
from appliance.phones.call import Call
from appliance.phones.call_states import State
from appliance.phones.endpoint import Endpoint
from appliance.phones.left import Left, left_from_json, left_to_json
from appliance.phones.legs import Ring
from appliance.phones.loop import Loop
from appliance.phones.message import METHODS, Fields
from appliance.phones.registration import Standing
from appliance.phones.rtp import Address
from appliance.phones.settings import (
    PhoneAccount,
    PhonesSettings,
    RegistrarAccount,
    address_of,
    network_of,
)

__all__ = [
    "PhoneAccount",
    "Phones",
    "PhonesSettings",
    "PhonesStatus",
    "RegistrarAccount",
    "Standing",
    "address_of",
    "network_of",
    "parse",
]

pyVoIP.SIPCompatibleMethods[:] = sorted({*pyVoIP.SIPCompatibleMethods, *METHODS})
"""Stock knows four methods and drops the rest as undecipherable (pyvoip.md 4, no. 16)."""

STATES = {
    State.CALLING: CallState.DIALING,
    State.EARLY: CallState.DIALING,
    State.STOPPING: CallState.DIALING,
    State.CANCELLING: CallState.DIALING,
    State.OFFERED: CallState.RINGING,
    State.ACCEPTED: CallState.ANSWERED,
    State.PROPOSED: CallState.ANSWERED,
    State.HANGING_UP: CallState.ANSWERED,
    State.CONFIRMED: CallState.ANSWERED,
    State.ENDED: CallState.ENDED,
}
"""Our states in pyVoIP's words."""
CODINGS = {"ulaw": PayloadType.PCMU, "alaw": PayloadType.PCMA}


def parse(head: bytes) -> Fields:
    """Read a canonical head with pyVoIP's header parser; raises ValueError, LookupError."""
    try:
        parsed = SIPMessage(_known(head))
    except SIPParseError as error:
        raise ValueError(str(error)) from error
    headers, via = parsed.headers, parsed.headers["Via"][0]
    host, port = via["address"]
    return Fields(
        branch=via.get("branch") or "",
        sent_by=(host, int(port)),
        from_user=unquote(headers["From"]["number"] or ""),
        from_tag=headers["From"]["tag"],
        to_user=unquote(headers["To"]["number"] or ""),
        to_tag=headers["To"]["tag"],
        cseq=int(headers["CSeq"]["check"]),
        cseq_method=headers["CSeq"]["method"],
        credentials=parsed.authentication if parsed.type is SIPMessageType.MESSAGE else {},
    )


def _known(head: bytes) -> bytes:
    """Replace a status code that pyVoIP's enum lacks by its class's x00 (RFC 3261 8.1.3.2)."""
    if head[:8].upper() != b"SIP/2.0 ":
        return head
    code = int(head[8:11])
    try:
        SIPStatus(code)
    except ValueError:
        code = code // 100 * 100
    return b"SIP/2.0 %d %s" % (code, head[11:].lstrip())


def _never(*_: object, **__: object) -> NoReturn:
    """Stand in for what is unsound in stock pyVoIP (pyvoip.md 4 and 5)."""
    raise Bug("a stock pyVoIP method was called; appliance.phones does this by its own code")


class PhoneCall(VoIPCall):  # type: ignore[misc]  # pyVoIP ships no usable annotations
    """pyVoIP's view of one leg: `state`, `get_dtmf`, `phone.calls`. It owns nothing."""

    answer = renegotiate = deny = hangup = bye = _never
    write_audio = read_audio = _never

    def __init__(self, phone: VoIPPhone, leg: str, call: Call) -> None:
        self.phone, self.sip, self.leg = phone, phone.sip, leg
        self.call_id = call.dialog.call_id
        self.state = STATES[call.state]
        self.dtmfLock = threading.Lock()
        self.dtmf = io.StringIO()
        self.RTPClients: list[object] = []
        self.assignedPorts: dict[int, object] = {}

    def __del__(self) -> None:
        """Take no lock: stock dead-locks here (pyvoip.md 2)."""

    @property
    def coding(self) -> PayloadType | None:
        """What the sound is coded with, None before it is agreed."""
        told = self._call.sound.told
        return CODINGS[told.law] if told else None

    @property
    def _call(self) -> Call:
        return self.sip.endpoint.legs.calls[self.leg]  # type: ignore[no-any-return]  # ditto


class PhoneClient(SIPClient):  # type: ignore[misc]  # pyVoIP ships no usable annotations
    """pyVoIP's view of the endpoint: identity, `NSD` while it listens. The loop does its work."""

    endpoint: Endpoint
    invite = register = deregister = subscribe = _never
    recv = recv_loop = parse_message = start = stop = _never
    gen_ack = gen_bye = bye = _never


class DeskPhone(VoIPPhone):  # type: ignore[misc]  # pyVoIP ships no usable annotations
    """pyVoIP's view of the switchboard: `calls` by Call-ID, `get_status`."""

    call = start = stop = callback = fatal = _never
    request_port = release_ports = _never

    def __init__(self, settings: PhonesSettings, endpoint: Endpoint) -> None:
        host, port = settings.address, settings.port
        super().__init__("", 0, "centralino", "", myIP=host, sipPort=port)
        self.sip = PhoneClient("", 0, "centralino", "", phone=self, myIP=host, myPort=port)
        self.sip.endpoint = endpoint

    def mirror(self, *, is_listening: bool, trouble: str) -> None:
        """Take over what the endpoint's calls have become."""
        self.sip.NSD = self.NSD = is_listening
        self._status = PhoneStatus.REGISTERED if is_listening else PhoneStatus.INACTIVE
        if trouble:
            self._status = PhoneStatus.FAILED
        now_up = {call.dialog.call_id: call for call in self.sip.endpoint.legs.calls.values()}
        for call_id in self.calls.keys() - now_up.keys():
            self.calls.pop(call_id).state = CallState.ENDED
        for call_id, call in now_up.items():
            shell = self.calls.get(call_id) or PhoneCall(self, call.leg, call)
            shell.state = STATES[call.state]
            self.calls[call_id] = shell

    def pressed(self, leg: str, digit: str) -> None:
        """Let a key pressed on `leg` be read by `get_dtmf`."""
        for shell in self.calls.values():
            if shell.leg == leg:
                shell.dtmf_callback(digit)


@dataclass(frozen=True, slots=True)
class PhoneState:
    """One phone: where it can be rung, None for nowhere; `answers` is False while it is silent."""

    name: str
    label: str
    address: Address | None
    answers: bool = True


@dataclass(frozen=True, slots=True)
class LegState:
    """One leg: its phone, and where it stands in words of call_states.State."""

    leg: str
    phone: str
    state: str


@dataclass(frozen=True, slots=True)
class PhonesStatus:
    """The phones' room at one moment; `trouble` is a sentence for the technician, "" for none.

    `nonsense` counts datagrams that were no SIP, `dropped` those that were not read (a flood, an
    address that is not allowed); `locked_out` are addresses that gave too many wrong passwords, and
    so may not register for ten minutes. `registrar` is how the box stands with the telephone system
    where it has an account, None without one; `branches` are the others there. `left` is what a
    successor needs to end the calls.
    """

    listening: bool = False
    trouble: str = ""
    address: Address = ("", 0)
    phones: tuple[PhoneState, ...] = ()
    legs: tuple[LegState, ...] = ()
    bindings: tuple[Binding, ...] = ()
    left: tuple[Left, ...] = ()
    nonsense: int = 0
    locked_out: tuple[str, ...] = ()
    dropped: int = 0
    registrar: Standing | None = None
    branches: tuple[PhoneState, ...] = ()


class Phones:
    """The desk's hand on its phones. Every method returns at once; what comes of it is an event.

    `on_event` is called in the `sip` thread and must not block. `kept` is what `bindings_to_json`
    gave before a restart, `left` what `left_to_json` gave before a death.
    """

    def __init__(
        self,
        settings: PhonesSettings,
        on_event: Callable[[Event], None],
        kept: str = "",
        on_failure: Callable[[BaseException], None] | None = None,
        left: str = "",
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._status = PhonesStatus()
        bound = (settings.address, settings.port)
        self._loop = Loop(bound, self._tell, self._after_turn, on_failure)
        self._endpoint = Endpoint(settings, parse, self._loop.local, secrets.token_bytes)
        self._loop.endpoint = self._endpoint
        self._phone = DeskPhone(settings, self._endpoint)
        now = time.monotonic()
        self._kept = bindings_from_json(kept, now, settings.registration_s)
        self._left = left_from_json(left)

    def start(self) -> None:
        """Begin to listen; an address that cannot be bound is tried again, `status` says why."""
        self._loop.post(lambda now: self._endpoint.start(now, self._kept))
        self._loop.start()

    def wait_until_listening(self, limit: float) -> bool:
        """Wait `limit` seconds at most; False when the address could not be bound by then."""
        return self._loop.listening.wait(limit)

    def stop(self) -> None:
        """Hang up every leg, give the phones a second to answer, end the thread."""
        self._loop.stop()

    def ring(
        self,
        leg: str,
        phone: str,
        media_address: str,
        media_port: int,
        display: str,
        number: str = "",
        laws: tuple[str, ...] = (),
        passed: Passed | None = None,
    ) -> None:
        """Ring `phone`, whose sound is to come to media_address:media_port.

        Answered by LegProgressed, MediaAgreed and OperatorAnswered, or PhoneBusy, PhoneDeclined,
        PhoneUnreachable. `laws` is the preferred order of codings, () the configured one; `passed`
        says why a caller is handed over to another branch.
        """
        wanted = tuple(Law(law) for law in laws) or self._settings.laws
        wish = Ring(leg, phone, (media_address, media_port), display, number, wanted, passed)
        endpoint, legs = self._endpoint, self._endpoint.legs
        self._loop.post(lambda now: legs.ring(wish, endpoint.target(phone), now))

    def stop_ringing(self, leg: str, answered_elsewhere: bool = False) -> None:
        """Cancel a leg; one that was answered meanwhile is hung up. No event follows."""
        legs = self._endpoint.legs
        self._loop.post(lambda now: legs.stop(leg, now, answered_elsewhere=answered_elsewhere))

    def hang_up(self, leg: str) -> None:
        """End a leg, answered or not. No event follows."""
        self._loop.post(lambda now: self._endpoint.legs.stop(leg, now))

    def accept(self, leg: str, media_address: str, media_port: int) -> None:
        """Answer a phone that dialled us; MediaAgreed and OperatorAnswered follow."""
        media = (media_address, media_port)
        self._loop.post(lambda now: self._endpoint.legs.accept(leg, media, now))

    def refuse(self, leg: str, code: int = 404) -> None:
        """Refuse a phone that dialled us. No event follows."""
        self._loop.post(lambda now: self._endpoint.legs.refuse(leg, code, now))

    def ask(self, leg: str) -> None:
        """Ask a phone whose sound has stopped whether it is there; PhoneLost follows if not."""
        self._loop.post(lambda now: self._endpoint.legs.ask(leg, now))

    def tell_transfer(self, leg: str, code: int) -> None:
        """Tell a phone how far the transfer is that it asked for (TransferAsked)."""
        self._loop.post(lambda now: self._endpoint.legs.tell_transfer(leg, code, now))

    def learn_secrets(self, secrets: Mapping[str, str]) -> None:
        """Take over the phones' secrets as they are now, without a restart."""
        kept = dict(secrets)
        self._loop.post(lambda _now: self._endpoint.registrar.learn(kept))

    def show_waiting(self, count: int) -> None:
        """Tell the phones' message lamps how many messages nobody has closed."""
        self._loop.post(lambda now: self._endpoint.waiting.show(count, now))

    @property
    def last_turn(self) -> float:
        """When the thread last turned (monotonic s): at most a second ago, or it is stuck."""
        return self._loop.last_turn

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._loop.is_alive

    def status(self) -> PhonesStatus:
        """Return how things stood after the last turn."""
        return self._status

    def bindings_to_json(self) -> str:
        """Return what to keep over a restart."""
        return bindings_to_json(self._status.bindings)

    def left_to_json(self) -> str:
        """Return what a successor of this process needs to end the calls that are up now."""
        return left_to_json(self._status.left)

    def _tell(self, event: Event) -> None:
        if isinstance(event, DigitPressed):
            self._phone.pressed(event.leg, event.digit)
        self._on_event(event)

    def _end_left(self) -> None:
        """End what was left behind, as soon as there is a socket to say it by."""
        if self._left and self._loop.is_open:
            left, self._left = self._left, ()
            self._loop.post(lambda now: self._endpoint.end_left(left, now))

    def _after_turn(self) -> None:
        loop, endpoint = self._loop, self._endpoint
        self._phone.mirror(is_listening=loop.is_open, trouble=loop.trouble)
        self._status = PhonesStatus(
            loop.is_open,
            loop.trouble,
            loop.address,
            tuple(self._state_of(account) for account in self._settings.accounts),
            tuple(LegState(c.leg, c.phone, c.state.value) for c in endpoint.legs.calls.values()),
            tuple(endpoint.registrar.bindings.values()),
            (*self._left, *endpoint.legs.left()),
            endpoint.nonsense,
            endpoint.registrar.gate.lock_out.sources(time.monotonic()),
            endpoint.sluice.dropped,
            endpoint.registration.standing if endpoint.registration else None,
            tuple(self._state_of_branch(name) for name in endpoint.branches()),
        )
        self._end_left()

    def _state_of_branch(self, name: str) -> PhoneState:
        target = self._endpoint.target(name)
        answers = name not in self._endpoint.qualify.gone
        return PhoneState(name, "", target.address if target else None, answers)

    def _state_of(self, account: PhoneAccount) -> PhoneState:
        target = self._endpoint.registrar.target(account.name)
        answers = account.name not in self._endpoint.qualify.gone
        address = target.address if target else None
        return PhoneState(account.name, account.label, address, answers)
