"""The test phone, sans-I/O: its registration, its calls, and the commands it obeys."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.dsp.wav import Sound
from appliance.errors import OfficeError, PeerError
from appliance.simulator.phone.call import IncomingCall, OutgoingCall
from appliance.simulator.phone.sip import (
    AGENT,
    ALLOW,
    TALKS,
    TransactionLayer,
    asks_to_pick_up,
    digest_answer,
    is_told_to_talk,
    law_called,
    parameters,
    parse_challenge,
    response_to,
    server_key,
    uri_in,
)
from appliance.simulator.phone.sound import SpokenSound

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.phone.call import SimulatedCall
    from appliance.simulator.phone.sip import (
        Address,
        Challenge,
        Headers,
        SimulatedAccount,
        SipMessage,
    )
    from appliance.simulator.phone.sound import NoteEvent, RtpStream


# ---- phone -------------------------------------------------------------------------------------

# How an incoming call is met; `silent` reads but never answers, `off` closes the sockets; `obeys`
# is `manual`, but for a call that asks to be answered by itself (`asks_to_pick_up`); `talks` is
# `manual` until it is told to talk, which its 180 says it can be (`is_told_to_talk`).
MODES = ("auto", "manual", "obeys", "talks", "never", "decline", "busy", "silent", "off")
REFUSALS = {"decline": "603 Decline", "busy": "486 Busy Here"}


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """Something that happened: its kind, monotonic seconds, and details (`call` is its number)."""

    kind: str
    at: float
    details: dict[str, Any]


class SimulatedPhone:
    """A phone with one call at a time; a second one is told busy."""

    def __init__(
        self, account: SimulatedAccount, registers: bool, on_event: Callable[[PhoneEvent], None]
    ) -> None:
        self.account = account
        self.speech = SpokenSound()
        self.wire = TransactionLayer(self._take)
        self.registration = PhoneRegistration(account, self.wire, self._note)
        self.call: SimulatedCall | None = None
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

    def current(self) -> SimulatedCall:
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

    def _take(self, request: SipMessage, source: Address, now: float) -> None:
        call = self.call
        if request.method == "ACK":
            if call and call.dialog and call.dialog.call_id == request.get("call-id"):
                call.take_ack(request, now)
        elif request.method == "CANCEL":
            self._take_cancel(request, source, now)
        elif "tag" in parameters(request.get("to")):
            if call and call.owns(request):
                call.receive(request, source, now)
                if self.mode == "talks" and is_told_to_talk(request):
                    self._talk(call, now)
            else:
                self._respond(request, source, "481 Call Does Not Exist", now)
        elif request.method == "INVITE":
            self._take_invite(request, source, now)
        else:
            known = request.method in {"OPTIONS", "NOTIFY", "INFO"}
            self._respond(request, source, "200 OK" if known else "501 Not Implemented", now)

    def _take_invite(self, invite: SipMessage, source: Address, now: float) -> None:
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
        call.ring(now, TALKS if self.mode == "talks" else ())
        if call.is_over:
            return
        if self.mode in REFUSALS:
            call.refuse(REFUSALS[self.mode], now)
        elif self.mode == "auto" or (self.mode == "obeys" and asks_to_pick_up(invite)):
            call.deadline = now + self._after_ms / 1000
            call.tick(now)

    def _talk(self, call: SimulatedCall, now: float) -> None:
        """Go off hook if that call rings."""
        if isinstance(call, IncomingCall) and call.is_ringing:
            call.answer(now)

    def _take_cancel(self, cancel: SipMessage, source: Address, now: float) -> None:
        call = self.call
        branch, where, _ = server_key(cancel)
        invite = (branch, where, "INVITE")
        if isinstance(call, IncomingCall) and server_key(call.invite) == invite:
            call.cancelled(cancel, source, now)
        else:
            self._respond(cancel, source, "481 Call Does Not Exist", now)

    def _respond(self, request: SipMessage, source: Address, status: str, now: float) -> None:
        answer = response_to(request, status, secrets.token_hex(4), (ALLOW, AGENT))
        self.wire.respond(request, source, answer, now)

    def _note(self, kind: str, now: float, **details: Any) -> None:
        self._on_event(PhoneEvent(kind, now, details))


# ---- registration ------------------------------------------------------------------------------

REGISTRATION_S = 120
"""Seconds asked for."""
# Seconds until the next attempt after a failure.
RETRY_S = 2.0


class PhoneRegistration:
    """Keeps one Contact registered; notes registered, registration_failed and unregistered."""

    def __init__(self, account: SimulatedAccount, wire: TransactionLayer, note: NoteEvent) -> None:
        self.is_registered = False
        self.deadline = math.inf
        self._account = account
        self._wire = wire
        self._note = note
        self._expires = REGISTRATION_S
        self._wanted = False
        self._cseq = 0
        self._challenge: Challenge | None = None
        self._uses = 0
        end = f"<{account.address}>"
        self._ends: Headers = (
            ("From", f"{end};tag={secrets.token_hex(4)}"),
            ("To", end),
            ("Call-ID", secrets.token_hex(12)),
        )

    def start(self, now: float) -> None:
        """Register and stay so."""
        self._wanted = True
        self._send(now)

    def stop(self, now: float) -> None:
        """Take the registration back, if there is one."""
        self._wanted = False
        self.deadline = math.inf
        if self.is_registered:
            self._send(now)

    def forget(self) -> None:
        """Stop without a word, as a phone does whose plug is pulled."""
        self._wanted = self.is_registered = False
        self.deadline = math.inf

    def tick(self, now: float) -> None:
        """Refresh or try again when it is time."""
        if now >= self.deadline:
            self._send(now)

    def _send(self, now: float, is_second: bool = False) -> None:
        self.deadline = math.inf
        self._cseq += 1
        host, port = self._account.server
        uri = f"sip:{host}:{port}"
        more: Headers = (
            self._account.contact,
            ("Expires", str(self._expires if self._wanted else 0)),
        )
        if self._challenge:
            self._uses += 1
            user, secret = self._account.user, self._account.secret
            more += (digest_answer(self._challenge, user, secret, "REGISTER", uri, self._uses),)
        request = self._account.request("REGISTER", uri, self._ends, self._cseq, more)
        wanted = self._wanted

        def answered(response: SipMessage | None, at: float) -> None:
            if wanted == self._wanted:  # else the plug was pulled or the end came in between
                self._take(response, at, is_second)

        self._wire.request(request, self._account.server, now, answered)

    def _take(self, response: SipMessage | None, now: float, is_second: bool) -> None:
        if response is None:
            self._fail("408 no answer", now)
        elif response.status in {401, 407} and self._can_answer(response, is_second):
            self._send(now, is_second=True)
        elif response.status == 423 and response.get("min-expires").isdecimal() and not is_second:
            self._expires = int(response.get("min-expires"))
            self._send(now, is_second=True)
        elif response.status >= 300:
            self._fail(response.first.removeprefix("SIP/2.0 "), now)
        else:
            self._succeed(response, now)

    def _can_answer(self, response: SipMessage, is_second: bool) -> bool:
        name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
        try:
            challenge = parse_challenge(response.status, response.get(name))
        except PeerError:
            return False
        if is_second and not challenge.stale:
            return False  # the secret is wrong: asking again would lock the account
        self._challenge, self._uses = challenge, 0
        return True

    def _succeed(self, response: SipMessage, now: float) -> None:
        was, self.is_registered = self.is_registered, self._wanted
        if not self._wanted:
            self._note("unregistered", now)
            return
        granted = self._granted(response)
        self.deadline = now + max(granted, 2) / 2
        if not was:
            self._note("registered", now, expires=granted)

    def _granted(self, response: SipMessage) -> int:
        """Seconds granted: our own Contact's parameter, else Expires (10.2.4)."""
        ours = uri_in(self._account.contact[1])
        for contact in response.all("contact"):
            expires = parameters(contact).get("expires", "")
            if uri_in(contact) == ours and expires.isdecimal():
                return int(expires)
        said = response.get("expires")
        return int(said) if said.isdecimal() else self._expires

    def _fail(self, status: str, now: float) -> None:
        was, self.is_registered = self.is_registered, False
        if self._wanted:
            self.deadline = now + RETRY_S
        self._note("registration_failed", now, status=status, was_registered=was)


# ---- commands ----------------------------------------------------------------------------------
# Commands of the control socket, one function each, in one table.

if TYPE_CHECKING:
    Arguments = dict[str, Any]
    PhoneCommand = Callable[[SimulatedPhone, Arguments, float], Arguments]


def obey_request(phone: SimulatedPhone, request: Arguments, now: float) -> Arguments:
    """Do what a request asks; the reply bears its id, and `error` with a sentence if it cannot."""
    reply: Arguments = {"id": request.get("id")}
    try:
        command = COMMANDS.get(str(request.get("do")))
        if command is None:
            raise OfficeError(f"no command {request.get('do')!r}: one of {', '.join(COMMANDS)}")
        return reply | command(phone, request, now)
    except (OfficeError, PeerError, ValueError) as error:
        return reply | {"error": str(error)}
    except (KeyError, TypeError, binascii.Error) as error:
        return reply | {"error": f"{request.get('do')} cannot be read: {error!r}"}


def _answer_mode(phone: SimulatedPhone, given: Arguments, now: float) -> Arguments:
    phone.answer_mode(str(given["mode"]), int(given.get("after_ms", 0)), now)
    return {}


def _answer(phone: SimulatedPhone, _given: Arguments, now: float) -> Arguments:
    phone.answer(now)
    return {}


def _hang_up(phone: SimulatedPhone, _given: Arguments, now: float) -> Arguments:
    phone.current().hang_up(now)
    return {}


def _hold(phone: SimulatedPhone, _given: Arguments, now: float) -> Arguments:
    phone.current().hold(now)
    return {}


def _resume(phone: SimulatedPhone, _given: Arguments, now: float) -> Arguments:
    phone.current().resume(now)
    return {}


def _dial(phone: SimulatedPhone, given: Arguments, now: float) -> Arguments:
    return {"call": phone.dial(str(given["called"]), now)}


def _say(phone: SimulatedPhone, given: Arguments, _now: float) -> Arguments:
    data = base64.b64decode(given["data"], validate=True)
    phone.speech.say(Sound(data, law_called(given["law"])), bool(given.get("repeat")))
    return {}


def _echo(phone: SimulatedPhone, _given: Arguments, _now: float) -> Arguments:
    phone.speech.echo()
    return {}


def _be_silent(phone: SimulatedPhone, _given: Arguments, _now: float) -> Arguments:
    phone.speech.be_silent()
    return {}


def _press(phone: SimulatedPhone, given: Arguments, _now: float) -> Arguments:
    phone.current()
    if _stream(phone).agreed.events is None:
        raise OfficeError("the other end takes no keys (no telephone-event in its description)")
    phone.speech.press(str(given["keys"]))
    return {}


def _received(phone: SimulatedPhone, _given: Arguments, _now: float) -> Arguments:
    heard = _stream(phone).recorder.heard()
    fields = dataclasses.asdict(heard)
    return fields | {"data": base64.b64encode(heard.data).decode()}


def _stats(phone: SimulatedPhone, _given: Arguments, _now: float) -> Arguments:
    figures = _stream(phone).figures.summary()
    more = {"echo_dropped": phone.speech.echo_dropped, "sip_nonsense": phone.wire.nonsense}
    return {"stats": figures | more}


def _state(phone: SimulatedPhone, _given: Arguments, _now: float) -> Arguments:
    return {
        "is_on": phone.is_on,
        "is_registered": phone.registration.is_registered,
        "mode": phone.mode,
        "call": str(phone.call.state) if phone.call else "none",
    }


def _stop(phone: SimulatedPhone, _given: Arguments, now: float) -> Arguments:
    phone.stop(now)
    return {}


def _stream(phone: SimulatedPhone) -> RtpStream:
    if phone.call is None or phone.call.stream is None:
        raise OfficeError("no call was answered yet")
    return phone.call.stream


COMMANDS: dict[str, PhoneCommand] = {
    "answer_mode": _answer_mode,
    "answer": _answer,
    "hang_up": _hang_up,
    "hold": _hold,
    "resume": _resume,
    "dial": _dial,
    "say": _say,
    "echo": _echo,
    "be_silent": _be_silent,
    "press": _press,
    "received": _received,
    "stats": _stats,
    "state": _state,
    "stop": _stop,
}


# ---- words -------------------------------------------------------------------------------------
# Sentences for the terminal by event, in Italian, German and English; other events print nothing.

LANGUAGES = ("it", "de", "en")
SENTENCES: dict[str, tuple[str, ...]] = {
    "on": ("acceso ({address})", "eingeschaltet ({address})", "on ({address})"),
    "off": ("spento", "ausgeschaltet", "off"),
    "registered": (
        "registrato al centralino",
        "an der Telefonzentrale angemeldet",
        "registered with the switchboard",
    ),
    "registration_failed": (
        "registrazione non riuscita: {status}",
        "nicht angemeldet: {status}",
        "not registered: {status}",
    ),
    "unregistered": ("registrazione tolta", "nicht mehr angemeldet", "no longer registered"),
    "ringing": (
        "squilla (utente {caller})",
        "läutet (Anrufer {caller})",
        "rings (caller {caller})",
    ),
    "caller": ("mostra {caller}", "zeigt {caller}", "shows {caller}"),
    "answered": ("risponde", "nimmt an", "answered"),
    "dialing": ("chiama {called}", "wählt {called}", "dials {called}"),
    "cancelled": (
        "smette di squillare {reason}",
        "läutet nicht mehr {reason}",
        "stops ringing {reason}",
    ),
    "second_call": (
        "occupato per una seconda chiamata",
        "besetzt für einen zweiten Anruf",
        "busy for a second call",
    ),
    "digit": ("sente il tasto {digit}", "hört die Taste {digit}", "hears key {digit}"),
    "hold": ("mette in attesa", "hält das Gespräch", "puts on hold"),
    "resume": ("riprende", "holt das Gespräch zurück", "takes back from hold"),
    "held": ("è in attesa", "wird gehalten", "is held"),
    "released": ("non è più in attesa", "wird nicht mehr gehalten", "is no longer held"),
    "said": ("ha finito di parlare", "hat zu Ende gesprochen", "has finished speaking"),
    "bad_ack": (
        "ERRORE, ACK sbagliato: {reason}",
        "FEHLER, falsches ACK: {reason}",
        "FAULT, wrong ACK: {reason}",
    ),
    "no_ack": (
        "ERRORE: nessun ACK in 32 s, la chiamata cade",
        "FEHLER: kein ACK in 32 s, das Gespräch bricht ab",
        "FAULT: no ACK within 32 s, the call is dropped",
    ),
    "ended": ("fine della chiamata: {cause}", "Gespräch beendet: {cause}", "call ended: {cause}"),
}
CAUSES: dict[str, tuple[str, ...]] = {
    "us": ("riaggancia", "hier aufgelegt", "hung up here"),
    "far_end": ("l'altro ha riagganciato", "die Gegenseite hat aufgelegt", "the other end hung up"),
    "cancelled": ("chiamata ritirata", "Anruf zurückgezogen", "taken back"),
    "refused": ("rifiutata", "abgelehnt", "refused"),
    "unreachable": ("non raggiungibile", "nicht erreichbar", "not reachable"),
    "no_ack": ("manca l'ACK", "das ACK fehlt", "no ACK"),
    "off": ("telefono spento", "Telefon ausgeschaltet", "phone switched off"),
}


def event_sentence(name: str, event: PhoneEvent, language: str) -> str:
    """Return the line about an event ("op1: rings (caller 051234567)"); "" for one without."""
    index = LANGUAGES.index(language)
    if event.kind not in SENTENCES:
        return ""
    details = dict(event.details)
    if "cause" in details:
        details["cause"] = CAUSES[details["cause"]][index]
    if details.get("caller") == "":
        details["caller"] = ("sconosciuto", "unbekannt", "unknown")[index]
    return f"{name}: {SENTENCES[event.kind][index].format_map(details).rstrip()}"
