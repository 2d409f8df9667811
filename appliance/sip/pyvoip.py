"""Adapter to pyVoIP: its classes over our own transactions, dialogs and registrar.

The ONLY pyVoIP import. Kept of pyVoIP 1.6.8 (pyvoip.md 5): VoIPPhone, VoIPCall and SIPClient as
shells, SIPMessage as header parser, its enums. Everything listed there under "never call" is
overridden here, or not called by any code that runs.
"""

from __future__ import annotations

import io
import threading
from typing import NoReturn
from urllib.parse import unquote

import pyVoIP

# pyVoIP.VoIP first: to import pyVoIP.SIP alone is a circular import (pyvoip.md 1).
from pyVoIP.VoIP import CallState, VoIPCall, VoIPPhone  # isort: skip
from pyVoIP.RTP import PayloadType  # isort: skip
from pyVoIP.SIP import SIPClient, SIPMessage, SIPMessageType, SIPParseError, SIPStatus  # isort: skip
from pyVoIP.VoIP.status import PhoneStatus  # isort: skip

from appliance.errors import Bug
from appliance.sip.call import SipCall
from appliance.sip.call_states import CallLegState
from appliance.sip.endpoint import Endpoint
from appliance.sip.message import METHODS, Fields
from appliance.sip.registrar import PhonesSettings

pyVoIP.SIPCompatibleMethods[:] = sorted({*pyVoIP.SIPCompatibleMethods, *METHODS})
"""Stock knows four methods and drops the rest as undecipherable (pyvoip.md 4, no. 16)."""

STATES = {
    CallLegState.CALLING: CallState.DIALING,
    CallLegState.EARLY: CallState.DIALING,
    CallLegState.TAKING_BACK: CallState.DIALING,
    CallLegState.RENEWING: CallState.DIALING,
    CallLegState.STOPPING: CallState.DIALING,
    CallLegState.CANCELLING: CallState.DIALING,
    CallLegState.OFFERED: CallState.RINGING,
    CallLegState.ACCEPTED: CallState.ANSWERED,
    CallLegState.PROPOSED: CallState.ANSWERED,
    CallLegState.HANGING_UP: CallState.ANSWERED,
    CallLegState.CONFIRMED: CallState.ANSWERED,
    CallLegState.ENDED: CallState.ENDED,
}
"""pyVoIP's state of each of our states."""
CODINGS = {"ulaw": PayloadType.PCMU, "alaw": PayloadType.PCMA}


def parse(head: bytes) -> Fields:
    """Parse a normalised head with pyVoIP's header parser; raises ValueError, LookupError."""
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
    # Stock pyVoIP raises for an unknown code and loses the response (pyvoip.md 4, no. 18).
    except ValueError:
        code = code // 100 * 100
    return b"SIP/2.0 %d %s" % (code, head[11:].lstrip())


def _never(*_: object, **__: object) -> NoReturn:
    """Raise Bug in place of a stock method that is unsound (pyvoip.md 4 and 5)."""
    raise Bug("a stock pyVoIP method was called; appliance.sip does this by its own code")


class PhoneCall(VoIPCall):  # type: ignore[misc]  # pyVoIP ships no usable annotations
    """pyVoIP's view of one leg: `state`, `get_dtmf`, `phone.calls`; it owns nothing."""

    answer = renegotiate = deny = hangup = bye = _never
    write_audio = read_audio = _never

    def __init__(self, phone: VoIPPhone, leg: str, call: SipCall) -> None:
        # Stock __init__ must never be called (pyvoip.md 5).
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
        """Coding agreed for the sound, None before that."""
        told = self._call.sound.told
        return CODINGS[told.law] if told else None

    @property
    def _call(self) -> SipCall:
        return self.sip.endpoint.legs.calls[self.leg]  # type: ignore[no-any-return]  # ditto


class PhoneClient(SIPClient):  # type: ignore[misc]  # pyVoIP ships no usable annotations
    """pyVoIP's view of the endpoint: identity, and `NSD` while it listens.

    Its own loop never runs: SipThread does the work.
    """

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
        """Copy the state of the endpoint's calls into the shells."""
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
        """Pass a key pressed on `leg` to `get_dtmf`."""
        for shell in self.calls.values():
            if shell.leg == leg:
                shell.dtmf_callback(digit)
