"""The control socket: JSON lines, requests answered in order, events pushed to everybody.

A request is `{"id": 1, "do": "dial", "called": "*811"}`, its reply `{"id": 1, "call": 3}` or
`{"id": 1, "error": "a sentence"}`; an event is `{"event": "ringing", "at": 12.3, "call": 3}`.
Who connects late gets the events of the past first.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import json
import math
import secrets
import selectors
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.dsp.wav import Sound
from appliance.errors import OfficeError, PeerError, TechnicianError
from appliance.simulator.phone import registration
from appliance.simulator.phone.sound import Stream, law_called

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.phone.phone import Event, Phone
    from appliance.simulator.phone.registration import Address, Message


# ---- commands ----------------------------------------------------------------------------------
# What the control socket may ask of the phone: one small function a word, in one table.

if TYPE_CHECKING:
    Arguments = dict[str, Any]
    Command = Callable[[Phone, Arguments, float], Arguments]


def obey(phone: Phone, request: Arguments, now: float) -> Arguments:
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


def _answer_mode(phone: Phone, given: Arguments, now: float) -> Arguments:
    phone.answer_mode(str(given["mode"]), int(given.get("after_ms", 0)), now)
    return {}


def _answer(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.answer(now)
    return {}


def _hang_up(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.current().hang_up(now)
    return {}


def _hold(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.current().hold(now)
    return {}


def _resume(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.current().resume(now)
    return {}


def _dial(phone: Phone, given: Arguments, now: float) -> Arguments:
    return {"call": phone.dial(str(given["called"]), now)}


def _say(phone: Phone, given: Arguments, _now: float) -> Arguments:
    data = base64.b64decode(given["data"], validate=True)
    phone.speech.say(Sound(data, law_called(given["law"])), bool(given.get("repeat")))
    return {}


def _echo(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    phone.speech.echo()
    return {}


def _be_silent(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    phone.speech.be_silent()
    return {}


def _press(phone: Phone, given: Arguments, _now: float) -> Arguments:
    phone.current()
    if _stream(phone).agreed.events is None:
        raise OfficeError("the other end takes no keys (no telephone-event in its description)")
    phone.speech.press(str(given["keys"]))
    return {}


def _received(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    heard = _stream(phone).recorder.heard()
    fields = dataclasses.asdict(heard)
    return fields | {"data": base64.b64encode(heard.data).decode()}


def _stats(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    figures = _stream(phone).figures.summary()
    more = {"echo_dropped": phone.speech.echo_dropped, "sip_nonsense": phone.wire.nonsense}
    return {"stats": figures | more}


def _state(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    return {
        "is_on": phone.is_on,
        "is_registered": phone.registration.is_registered,
        "mode": phone.mode,
        "call": str(phone.call.state) if phone.call else "none",
    }


def _stop(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.stop(now)
    return {}


def _stream(phone: Phone) -> Stream:
    if phone.call is None or phone.call.stream is None:
        raise OfficeError("no call was answered yet")
    return phone.call.stream


COMMANDS: dict[str, Command] = {
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


# ---- control -----------------------------------------------------------------------------------

if TYPE_CHECKING:
    Obey = Callable[[dict[str, Any], float], dict[str, Any]]

CHUNK = 65536
INHERITED = "fd:"
"""`fd:7` is one end of a socket pair handed over by a parent; when it closes the phone stops."""


def line_of(event: Event) -> bytes:
    """Return an event as a line."""
    return encode({**event.details, "event": event.kind, "at": event.at})


def encode(message: dict[str, Any]) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Control:
    """Every connection of the control socket, non-blocking, on the selector of the process."""

    def __init__(self, where: str, selector: selectors.BaseSelector, obey: Obey) -> None:
        self.is_orphan = False
        self._selector = selector
        self._obey = obey
        self._history: list[bytes] = []
        self._buffers: dict[socket.socket, tuple[bytearray, bytearray]] = {}
        self._has_parent = where.startswith(INHERITED)
        self._listener: socket.socket | None = None
        self._path = Path(where)
        if self._has_parent:
            self._welcome(socket.socket(fileno=int(where.removeprefix(INHERITED))))
        else:
            self._listen()

    def publish(self, event: Event) -> None:
        """Push an event to everybody."""
        line = line_of(event)
        self._history.append(line)
        for connection in list(self._buffers):
            self._send(connection, line)

    def close(self) -> None:
        """Close every connection and remove the socket's file."""
        for connection in list(self._buffers):
            connection.setblocking(True)
            connection.settimeout(1.0)
            with contextlib.suppress(OSError):
                connection.sendall(self._buffers[connection][1])
            self._part(connection)
        if self._listener:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _listen(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(str(self._path))
        except OSError as error:
            self._listener.close()
            raise TechnicianError(
                f"the control socket {self._path} cannot be made ({error.strerror}): "
                "choose another path or remove the file"
            ) from error
        self._listener.listen()
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self, _mask: int, _now: float) -> None:
        assert self._listener is not None
        self._welcome(self._listener.accept()[0])

    def _welcome(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._buffers[connection] = (bytearray(), bytearray())

        def serve(mask: int, now: float) -> None:
            self._serve(connection, mask, now)

        self._selector.register(connection, selectors.EVENT_READ, serve)
        self._send(connection, b"".join(self._history))

    def _part(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._buffers[connection]
        connection.close()
        self.is_orphan = self._has_parent

    def _serve(self, connection: socket.socket, mask: int, now: float) -> None:
        if mask & selectors.EVENT_WRITE:
            self._send(connection, b"")
        if mask & selectors.EVENT_READ and connection in self._buffers:
            self._read(connection, now)

    def _read(self, connection: socket.socket, now: float) -> None:
        try:
            data = connection.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._part(connection)
            return
        unread = self._buffers[connection][0]
        unread += data
        *lines, rest = unread.split(b"\n") if b"\n" in data else [bytes(unread)]
        unread[:] = rest
        for line in lines:
            self._send(connection, encode(self._reply(bytes(line), now)))

    def _reply(self, line: bytes, now: float) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError as error:
            return {"id": None, "error": f"not a line of JSON: {error}"}
        if not isinstance(request, dict):
            return {"id": None, "error": "not a JSON object"}
        return self._obey(request, now)

    def _send(self, connection: socket.socket, data: bytes) -> None:
        if connection not in self._buffers:
            return
        waiting = self._buffers[connection][1]
        waiting += data
        try:
            sent = connection.send(waiting) if waiting else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._part(connection)
            return
        del waiting[:sent]
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0)
        if self._selector.get_key(connection).events != mask:
            self._selector.modify(connection, mask, self._selector.get_key(connection).data)


# ---- wire --------------------------------------------------------------------------------------
# SIP transactions over UDP, sans-I/O: what is repeated until it is answered (RFC 3261 section 17).
#
# Client side: requests are repeated until a response, a refused INVITE is acknowledged. Server
# side: a repeated request gets the same response again, a final answer to INVITE is repeated until
# its ACK. The phone sees each request and each response once, but every 2xx to INVITE.

if TYPE_CHECKING:
    OnResponse = Callable[[Message | None, float], None]

T1 = 0.5
"""Seconds before the first repetition (RFC 3261 table 4); it doubles up to T2."""
T2 = 4.0
LIMIT = 64 * T1
"""32 s: after that nobody will answer."""
BRANCH = "z9hG4bK"
"""What every branch begins with (RFC 3261 section 8.1.1.7)."""

Key = tuple[str, ...]


@dataclass(slots=True)
class Repeat:
    """A datagram sent again until it is answered or `ends_at` is past."""

    data: bytes
    to: Address
    cap: float
    next_at: float
    ends_at: float
    on_timeout: Callable[[float], None]
    interval: float = T1


@dataclass(slots=True)
class Client:
    """A request of ours; `ack` is what acknowledges its refusal again and again."""

    request: Message
    to: Address
    on_response: OnResponse
    ack: bytes | None = None
    expires: float = math.inf


@dataclass(slots=True)
class Answered:
    """A request of theirs and our last response to it, if any yet."""

    data: bytes | None = None
    to: Address | None = None
    expires: float = math.inf
    is_refusal: bool = False


class Wire:
    """Every transaction of one phone; `outbox` holds the datagrams to send."""

    def __init__(self, on_request: Callable[[Message, Address, float], None]) -> None:
        self.outbox: list[tuple[bytes, Address]] = []
        self.nonsense = 0
        self.ignores_requests = False
        self._on_request = on_request
        self._repeats: dict[Key, Repeat] = {}
        self._clients: dict[Key, Client] = {}
        self._answered: dict[Key, Answered] = {}

    @property
    def deadline(self) -> float:
        """When `tick` has something to do; infinite for never."""
        return min((min(r.next_at, r.ends_at) for r in self._repeats.values()), default=math.inf)

    @property
    def is_waiting(self) -> bool:
        """True while something of ours is unanswered."""
        return bool(self._repeats)

    def forget(self) -> None:
        """Drop everything, as a phone does whose plug is pulled."""
        self.outbox.clear()
        self._repeats.clear()
        self._clients.clear()
        self._answered.clear()

    def send(self, message: Message, to: Address) -> None:
        """Send a message once (an ACK)."""
        self.outbox.append((message.encode(), to))

    def request(self, message: Message, to: Address, now: float, on_response: OnResponse) -> None:
        """Send a request until it is answered; `on_response(None, now)` when nobody does."""
        key = (message.branch, message.method)
        self._clients[key] = Client(message, to, on_response)
        # Timer A doubles without bound, timer E stops at T2 (RFC 3261 17.1.1.2, 17.1.2.2).
        cap = math.inf if message.method == "INVITE" else T2
        self._repeat(key, message.encode(), to, cap, now, lambda at: self._give_up(key, at))

    def respond(
        self,
        request: Message,
        source: Address,
        answer: Message,
        now: float,
        on_no_ack: Callable[[float], None] | None = None,
    ) -> None:
        """Answer a request; a final answer to INVITE is repeated until its ACK."""
        data, to = answer.encode(), registration.reply_address(request, source)
        key = server_key(request)
        is_final = answer.status >= 200
        self._answered[key] = Answered(
            data, to, now + LIMIT if is_final else math.inf, answer.status >= 300
        )
        if request.method == "INVITE" and is_final:
            self._repeat(key, data, to, T2, now, on_no_ack or (lambda _: None))
        else:
            self.outbox.append((data, to))

    def acknowledged(self, invite: Message) -> None:
        """Stop repeating the 2xx to an INVITE: its ACK is there."""
        self._repeats.pop(server_key(invite), None)

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram; what is not SIP is counted in `nonsense` and dropped."""
        if not data.strip():
            return  # a keep-alive (RFC 5626 section 3.5.1)
        try:
            message = registration.parse_message(data)
            if not message.is_request:
                self._take_response(message, now)
            elif not self.ignores_requests:
                self._take_request(registration.received_from(message, source), source, now)
        except PeerError:
            self.nonsense += 1

    def tick(self, now: float) -> None:
        """Repeat what is due, give up what is too old."""
        for key, repeat in list(self._repeats.items()):
            if now >= repeat.ends_at:
                del self._repeats[key]
                repeat.on_timeout(now)
            elif now >= repeat.next_at:
                repeat.interval = min(2 * repeat.interval, repeat.cap)
                repeat.next_at = now + repeat.interval
                self.outbox.append((repeat.data, repeat.to))
        self._answered = {k: a for k, a in self._answered.items() if now < a.expires}
        self._clients = {k: c for k, c in self._clients.items() if now < c.expires}

    def _repeat(
        self,
        key: Key,
        data: bytes,
        to: Address,
        cap: float,
        now: float,
        on_timeout: Callable[[float], None],
    ) -> None:
        self.outbox.append((data, to))
        self._repeats[key] = Repeat(data, to, cap, now + T1, now + LIMIT, on_timeout)

    def _give_up(self, key: Key, now: float) -> None:
        client = self._clients.pop(key)
        client.on_response(None, now)

    def _take_request(self, request: Message, source: Address, now: float) -> None:
        registration.reply_address(request, source)  # nobody is served who cannot be answered
        key = server_key(request)
        known = self._answered.get(key)
        if request.method == "ACK":
            if known and known.is_refusal:  # the refusal's own ACK bears the INVITE's branch
                self._repeats.pop(key, None)
            else:
                self._on_request(request, source, now)
        elif known is None:
            self._answered[key] = Answered()
            self._on_request(request, source, now)
        elif known.data is not None and known.to is not None:
            self.outbox.append((known.data, known.to))

    def _take_response(self, response: Message, now: float) -> None:
        key = (response.branch, response.method)
        client = self._clients.get(key)
        if client is None:
            return
        if response.method == "INVITE":
            self._take_invite_response(key, client, response, now)
        elif response.status >= 200:
            self._repeats.pop(key, None)
            del self._clients[key]
            client.on_response(response, now)

    def _take_invite_response(
        self, key: Key, client: Client, response: Message, now: float
    ) -> None:
        self._repeats.pop(key, None)  # timer A ends with any response
        if client.ack is not None:
            self.outbox.append((client.ack, client.to))
            return
        if response.status >= 200:
            client.expires = now + LIMIT
        if response.status >= 300:
            client.ack = refusal_ack(client.request, response).encode()
            self.outbox.append((client.ack, client.to))
        client.on_response(response, now)


def server_key(request: Message) -> Key:
    """Return what names a transaction of theirs; an ACK belongs to its INVITE (17.2.3)."""
    method = "INVITE" if request.method == "ACK" else request.method
    return request.branch, registration.sent_by(request), method


def refusal_ack(invite: Message, response: Message) -> Message:
    """Return the ACK to a refused INVITE: the INVITE's own branch (RFC 3261 17.1.1.3)."""
    kept = ("via", "from", "call-id", "max-forwards", "route")
    headers = [h for h in invite.headers if registration.canonical(h[0]) in kept]
    headers += [("To", response.get("to")), ("CSeq", f"{invite.cseq} ACK")]
    return registration.Message(f"ACK {invite.uri} SIP/2.0", tuple(headers))


def new_branch() -> str:
    """Return a branch that no other transaction has, also not after a restart."""
    return BRANCH + secrets.token_hex(8)


# ---- words -------------------------------------------------------------------------------------
# What the terminal says of each event, in Italian and English; an event not here says nothing.

LANGUAGES = ("it", "en")
SENTENCES: dict[str, tuple[str, str]] = {
    "on": ("acceso ({address})", "on ({address})"),
    "off": ("spento", "off"),
    "registered": ("registrato al centralino", "registered with the switchboard"),
    "registration_failed": ("registrazione non riuscita: {status}", "not registered: {status}"),
    "unregistered": ("registrazione tolta", "no longer registered"),
    "ringing": ("squilla (utente {caller})", "rings (caller {caller})"),
    "caller": ("mostra {caller}", "shows {caller}"),
    "answered": ("risponde", "answered"),
    "dialing": ("chiama {called}", "dials {called}"),
    "cancelled": ("smette di squillare {reason}", "stops ringing {reason}"),
    "second_call": ("occupato per una seconda chiamata", "busy for a second call"),
    "digit": ("sente il tasto {digit}", "hears key {digit}"),
    "hold": ("mette in attesa", "puts on hold"),
    "resume": ("riprende", "takes back from hold"),
    "held": ("è in attesa", "is held"),
    "released": ("non è più in attesa", "is no longer held"),
    "said": ("ha finito di parlare", "has finished speaking"),
    "bad_ack": ("ERRORE, ACK sbagliato: {reason}", "FAULT, wrong ACK: {reason}"),
    "no_ack": (
        "ERRORE: nessun ACK in 32 s, la chiamata cade",
        "FAULT: no ACK within 32 s, the call is dropped",
    ),
    "ended": ("fine della chiamata: {cause}", "call ended: {cause}"),
}
CAUSES: dict[str, tuple[str, str]] = {
    "us": ("riaggancia", "hung up here"),
    "far_end": ("l'altro ha riagganciato", "the other end hung up"),
    "cancelled": ("chiamata ritirata", "taken back"),
    "refused": ("rifiutata", "refused"),
    "unreachable": ("non raggiungibile", "not reachable"),
    "no_ack": ("manca l'ACK", "no ACK"),
    "off": ("telefono spento", "phone switched off"),
}


def sentence(name: str, event: Event, language: str) -> str:
    """Return the line about an event ("op1: rings (caller 051234567)"); "" for one without."""
    index = LANGUAGES.index(language)
    if event.kind not in SENTENCES:
        return ""
    details = dict(event.details)
    if "cause" in details:
        details["cause"] = CAUSES[details["cause"]][index]
    if details.get("caller") == "":
        details["caller"] = ("sconosciuto", "unknown")[index]
    return f"{name}: {SENTENCES[event.kind][index].format_map(details).rstrip()}"
