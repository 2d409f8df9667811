"""Provisioning over HTTP, QR codes, printed sheets."""

from __future__ import annotations

import errno
import hmac
import io
import selectors
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from urllib.parse import unquote_to_bytes

from appliance.errors import TechnicianError
from appliance.policy.office import KeyCode, StaffKey
from appliance.policy.text import NOTHING, Refused, Words
from appliance.provisioning.handset import Handset
from appliance.provisioning.templates import Make

# ---- http --------------------------------------------------------------------------------------
# As much of HTTP/1.1 as a phone that fetches its file needs: bytes in, one path out (RFC 9112).
#
# GET and HEAD of one path a connection; the answer closes it. Not the standard library's
# http.server: that one serves either one visitor at a time, who may dawdle for ever, or each in a
# thread of his own without a limit.

LONGEST_HEAD = 4096
"""Bytes of a request's head; phones send some hundreds."""


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request; `path` is decoded, without query; "" for one that is not understood."""

    path: str
    is_head: bool = False
    code: int = 200


def read_request(data: bytes) -> Request | None:
    """Read what has come so far: None while the head is not whole."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        head, end, _ = data.partition(b"\n\n")
    if len(head) > LONGEST_HEAD:
        return Request("", code=431)
    if not end:
        return None
    words = head.splitlines()[0].split() if head.strip() else []
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return Request("", code=400)
    if words[0] not in {b"GET", b"HEAD"}:
        return Request("", code=405)
    return Request(_path(words[1]), words[0] == b"HEAD")


def _path(target: bytes) -> str:
    """Return the path of a target; what is no text stays visible as a replacement sign."""
    return unquote_to_bytes(target.partition(b"?")[0]).decode("utf-8", "replace")


def write_response(code: int, body: bytes, content_type: str, *, is_head: bool = False) -> bytes:
    """Write a response that ends the connection."""
    lines = [
        f"HTTP/1.1 {code} {HTTPStatus(code).phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if is_head else body)


# ---- qr ----------------------------------------------------------------------------------------
# QR codes as SVG, by segno (the ONLY import): pure Python, BSD, no further dependency.


def svg(text: str) -> str:
    """Return a QR code of `text` (ISO/IEC 18004, error correction M at least) as `<svg>`.

    Four modules of quiet zone are part of it. Raises TechnicianError where segno is missing.
    """
    try:
        import segno  # here: no other command needs it
    except ImportError as error:
        raise TechnicianError(
            "QR codes need the Python package segno: run pip install segno in the program's "
            "environment, or apt-get install python3-segno"
        ) from error
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=4, xmldecl=False, svgns=True, nl=False, omitsize=True
    )
    return out.getvalue().decode()


# ---- sheet -------------------------------------------------------------------------------------
# The printed sheet of a phone: A4, one page of HTML that any browser prints, in it and en.
#
# HTML and not PDF, so that no further library is needed and the office may change a word before it
# prints. The upper part stays with the person at the desk; the lower one, with the password, is cut
# off and destroyed once the phone works.

STYLE = """\
@page { size: A4; margin: 18mm }
* { box-sizing: border-box }
body { font: 12pt/1.35 "DejaVu Sans", "Liberation Sans", Arial, sans-serif; color: #000;
       margin: 0 auto; max-width: 174mm }
h1 { font-size: 22pt; margin: 0 } h2 { font-size: 14pt; margin: 7mm 0 2mm }
.number { font-size: 46pt; font-weight: bold; line-height: 1.1; margin: 3mm 0 }
table { border-collapse: collapse; width: 100% }
td { border-bottom: 0.3mm solid #bbb; padding: 1.2mm 2mm; vertical-align: top }
td:first-child { white-space: nowrap; width: 1%; padding-right: 8mm }
code { font: bold 12pt "DejaVu Sans Mono", "Liberation Mono", monospace; overflow-wrap: anywhere }
.cut { border-top: 0.5mm dashed #000; margin: 9mm 0 5mm; padding-top: 1mm; font-size: 9pt }
.both { display: flex; gap: 8mm; align-items: flex-start; break-inside: avoid }
.both table { flex: 1 } .qr { width: 46mm; flex: none; text-align: center; font-size: 9pt }
.qr svg { width: 44mm; height: 44mm; display: block; margin: 0 auto }
p { margin: 2mm 0 } .small { font-size: 9.5pt }
"""

TITLES = {
    "office": Words("Telefono del centralino", "Telephone of the switchboard"),
    "extension": Words("Interno", "Extension"),
    "codes": Words("Codici, da comporre come un numero", "Codes, dialled like a number"),
    "cut": Words(
        "✂ Tagliare qui. La parte sotto contiene la password: distruggerla quando il telefono "
        "funziona.",
        "✂ Cut here. The part below holds the password: destroy it once the telephone works.",
    ),
    "type": Words("Da inserire nel telefono", "To be typed into the telephone"),
    "server": Words("Server SIP", "SIP server"),
    "user": Words("Utente", "User"),
    "secret": Words("Password", "Password"),
    "other": Words("Altro", "Other"),
    "address": Words("Configurazione automatica", "Automatic set-up"),
    "scan": Words(
        "Inquadrare con Linphone (Configurazione remota)",
        "Scan with Linphone (remote provisioning)",
    ),
    "enter": Words(
        "Indirizzo da inserire nella pagina web del telefono (provisioning)",
        "Address for the telephone's web page (provisioning)",
    ),
    "window": Words(
        "Vale solo mentre il tecnico tiene aperto “centralino phones serve”, e una volta sola.",
        "Valid only while the technician keeps “centralino phones serve” open, and only once.",
    ),
}
CODE_WORDS: dict[str, Words] = {
    "pick_up": Words("prende la chiamata che squilla altrove", "takes a call that rings elsewhere"),
    "messages": Words("fa sentire i messaggi della segreteria", "plays the messages of voicemail"),
    "away_on": Words(
        "questa postazione è assente: non squilla", "this position is away: no ringing"
    ),
    "away_off": Words("di nuovo presente", "back again"),
    "unattended_on": Words(
        "centralino non presidiato: le chiamate vanno allo Sportello",
        "switchboard unattended: calls go to the counter",
    ),
    "unattended_off": Words("di nuovo presidiato", "attended again"),
    "closed_on": Words("chiuso: risponde la segreteria", "closed: voicemail answers"),
    "closed_off": Words("non più chiuso a mano", "no longer closed by hand"),
    "opened_on": Words("aperto a mano", "opened by hand"),
    "opened_off": Words("non più aperto a mano", "no longer opened by hand"),
    "absent_on": Words("tutti assenti: non squilla nessun telefono", "all absent: no phone rings"),
    "absent_off": Words("le persone sono tornate", "people are back"),
}
"""What a code does, by `<what>_<on or off>`; one that has no opposite stands alone."""


def meaning(code: KeyCode) -> str:
    """Return the name of what a code does, for CODE_WORDS."""
    alone = code.what in {StaffKey.PICK_UP, StaffKey.MESSAGES}
    return str(code.what) if alone else f"{code.what}_{'on' if code.on else 'off'}"


def told(codes: tuple[KeyCode, ...]) -> tuple[tuple[str, str], ...]:
    """Return the codes with the names of their meanings, in the order of CODE_WORDS."""
    found = {meaning(code): code.digits for code in codes}
    return tuple((found[what], what) for what in CODE_WORDS if what in found)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed. `codes` are digits and their meaning's name (CODE_WORDS); `address` is the
    phone's provisioning address, "" for none, and `is_soft` says whether an app scans it.
    """

    office: str
    handset: Handset
    codes: tuple[tuple[str, str], ...]
    address: str = ""
    is_soft: bool = True


def page(sheet: Sheet, qr: Callable[[str], str]) -> str:
    """Write the page; `qr(text)` gives a QR code as an `<svg>` element."""
    phone, language = sheet.handset, sheet.handset.language

    def say(words: Words) -> str:
        return escape(words.it if language == "it" else words.en)

    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
            f"<title>{escape(phone.shown)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>",
            f"<p>{escape(sheet.office)} · {say(TITLES['office'])}</p>",
            f"<h1>{escape(phone.label or phone.name)}</h1>",
            f"<p>{say(TITLES['extension'])}</p>",
            f'<div class="number">{escape(phone.extension)}</div>',
            f"<h2>{say(TITLES['codes'])}</h2>",
            _table([(digits, say(CODE_WORDS[what])) for digits, what in sheet.codes], code=0),
            f'<div class="cut">{say(TITLES["cut"])}</div>',
            f"<h2>{say(TITLES['type'])}</h2>",
            '<div class="both">',
            _table(_to_type(phone, say), code=1),
            _qr(sheet, qr, say),
            "</div>",
            _automatic(sheet, say),
            "</body>\n</html>\n",
        ]
    )


def _to_type(phone: Handset, say: Callable[[Words], str]) -> list[tuple[str, str]]:
    return [
        (say(TITLES["server"]), f"{escape(phone.server)}:{phone.port} UDP"),
        (say(TITLES["user"]), escape(phone.name)),
        (say(TITLES["secret"]), escape(phone.secret)),
        (say(TITLES["other"]), "PCMA, PCMU · DTMF RFC 4733"),
    ]


def _table(rows: list[tuple[str, str]], code: int) -> str:
    """Write rows of two cells; `code` says which of them is something to type."""
    cells = (
        "".join(
            f"<td>{f'<code>{one}</code>' if n == code else one}</td>" for n, one in enumerate(r)
        )
        for r in rows
    )
    return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in cells) + "\n</table>"


def _qr(sheet: Sheet, qr: Callable[[str], str], say: Callable[[Words], str]) -> str:
    if not sheet.address:
        return ""
    words = TITLES["scan"] if sheet.is_soft else TITLES["address"]
    return f'<div class="qr">{qr(sheet.address)}{say(words)}</div>'


def _automatic(sheet: Sheet, say: Callable[[Words], str]) -> str:
    if not sheet.address:
        return ""
    title = TITLES["address"] if sheet.is_soft else TITLES["enter"]
    return (
        f'<p class="small">{say(title)}: <code>{escape(sheet.address)}</code><br>'
        f"{say(TITLES['window'])}</p>"
    )


# ---- window ------------------------------------------------------------------------------------
# The window in which files are served: what is answered to whom, without socket or clock.
#
# A file holds a password in clear, and phones out of the box can fetch it by plain HTTP only. So it
# is there for minutes, for a phone that is expected by its hardware address or knows a token, from
# one place, a few times, and no more once the phone has registered. Whoever asks for anything else
# learns nothing: the answer is always the same 404.

MOST_FETCHES = 10
"""Times a phone is given a file in a window; it fetches one or two, once or twice at each start."""
MOST_WRONG = 20
"""Wrong names of one stranger before it is heard no more; a phone that is known may ask on."""
MAX_SOURCES = 256
"""Sources remembered; the one that asked longest ago makes room."""
LONGEST_PATH = 128


@dataclass(slots=True)
class Offer:
    """One phone's file. `mac` is "" for a phone that is known by its token alone.

    `source` is where it was fetched from, "" before.
    """

    phone: str
    make: Make
    text: str
    mac: str = ""
    token: str = ""
    fetches: int = 0
    source: str = ""
    is_registered: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: an HTTP status with a body, and what is said of it at the box."""

    code: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    said: Words = NOTHING


NOT_HERE = 404
CLOSED = Answer(NOT_HERE)


@dataclass(slots=True)
class Window:
    """Serves `offers` until `closes_at` (monotonic s), to hosts of the networks `allowed` alone, ()
    for every one.
    """

    offers: list[Offer]
    closes_at: float
    allowed: tuple[IPv4Network, ...] = ()
    _wrong: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def is_open(self, now: float) -> bool:
        """Tell whether there is still something to wait for."""
        return now < self.closes_at and not all(offer.is_registered for offer in self.offers)

    def registered(self, phones: Collection[str]) -> list[Offer]:
        """Take note of which phones are registered; returns those that have just become so."""
        new = [o for o in self.offers if o.phone in phones and not o.is_registered]
        for offer in new:
            offer.is_registered = True
        return new

    def answer(self, path: str, source: str, hardware: str, now: float) -> Answer:
        """Answer a GET of `path` from host `source`, whose hardware address the kernel knows as
        `hardware` ("" for unknown, as behind a router).
        """
        if now >= self.closes_at or not self._is_heard(source):
            return CLOSED
        offer = self._wanted(path)
        if offer is None:
            return self._unknown(path, source, hardware)
        if why := self._why_not(offer, source, hardware):
            return Answer(NOT_HERE, said=why)
        offer.fetches, offer.source = offer.fetches + 1, source
        said = Words(
            f"{offer.phone}: file preso da {source} ({offer.make.name})",
            f"{offer.phone}: file fetched by {source} ({offer.make.name})",
        )
        is_lead = offer.make.leads(path.rpartition("/")[2], offer.mac)
        text = offer.make.lead_text if is_lead else offer.text
        return Answer(200, text.encode(), offer.make.content_type, said)

    def _is_heard(self, source: str) -> bool:
        if self._wrong.get(source, 0) >= MOST_WRONG:
            return False
        address = IPv4Address(source)
        return not self.allowed or any(address in network for network in self.allowed)

    def _expected(self, source: str, hardware: str) -> Offer | None:
        """Return the phone that asks, if known: makes ask for many files that are not ours."""
        for offer in self.offers:
            if source == offer.source or (offer.mac and offer.mac == hardware):
                return offer
        return None

    def _wanted(self, path: str) -> Offer | None:
        """Return whose file a path names: `/<token>/<file>`, or a name that holds its address."""
        if len(path) > LONGEST_PATH or not path.isascii():
            return None
        token, slash, name = path.removeprefix("/").rpartition("/")
        for offer in self.offers:
            if slash and offer.token and hmac.compare_digest(token, offer.token):
                return offer if offer.make.asks_for(name, offer.mac) else None
            if not slash and offer.mac and offer.make.asks_for(name, offer.mac):
                return offer
        return None

    def _why_not(self, offer: Offer, source: str, hardware: str) -> Words | None:
        """Say why an expected file is not given all the same; None when it is."""
        if offer.is_registered:
            return Words(
                f"{offer.phone}: rifiutato a {source}, il telefono è già registrato",
                f"{offer.phone}: refused to {source}, the phone is registered already",
            )
        if offer.mac and hardware and hardware != offer.mac:
            return Words(
                f"{offer.phone}: rifiutato a {source}: l'indirizzo fisico {hardware} è di un altro",
                f"{offer.phone}: refused to {source}: hardware address {hardware} is another one's",
            )
        if offer.source and source != offer.source:
            return Words(
                f"{offer.phone}: rifiutato a {source}, il file è già andato a {offer.source}",
                f"{offer.phone}: refused to {source}, the file has gone to {offer.source}",
            )
        if offer.fetches >= MOST_FETCHES:
            return Words(
                f"{offer.phone}: rifiutato a {source}, preso già {MOST_FETCHES} volte",
                f"{offer.phone}: refused to {source}, fetched {MOST_FETCHES} times already",
            )
        return None

    def _unknown(self, path: str, source: str, hardware: str) -> Answer:
        name = "".join(c if c.isprintable() and c.isascii() else "?" for c in path[:LONGEST_PATH])
        if offer := self._expected(source, hardware):
            said = Words(
                f"{offer.phone}: chiede anche {name}: non serve",
                f"{offer.phone}: asks for {name} as well: not needed",
            )
            return Answer(NOT_HERE, said=said)
        self._wrong[source] = self._wrong.get(source, 0) + 1
        self._wrong.move_to_end(source)
        if len(self._wrong) > MAX_SOURCES:
            self._wrong.popitem(last=False)
        last = self._wrong[source] == MOST_WRONG
        return Answer(
            NOT_HERE,
            said=Words(
                f"{source} chiede {name}: non c'è" + (", non viene più ascoltato" if last else ""),
                f"{source} asks for {name}: not here" + (", it is heard no more" if last else ""),
            ),
        )


# ---- server ------------------------------------------------------------------------------------
# The socket of the window: one selector, a few visitors at once, each for a few seconds.

PORT = 5080
"""TCP; above 1023, so that the service's user may open it. The QR codes name it."""
VISITORS = 16
"""Connections served at once; one more is turned away."""
PATIENCE = 5.0
"""Seconds that a visitor has for request and answer together."""
RATE = 20
"""Connections a second over all; a flood costs no more than accepting and closing them."""
ARP = Path("/proc/net/arp")
WHY_NOT = {
    errno.EADDRINUSE: "another program has that port, perhaps another `centralino phones serve`",
    errno.EADDRNOTAVAIL: "the box does not have this address: give another --address",
}


def hardware_of(host: str, table: str) -> str:
    """Return the hardware address of a host in the kernel's table (proc(5)), "" for unknown."""
    for row in table.splitlines()[1:]:
        cells = row.split()
        if len(cells) >= 4 and cells[0] == host and cells[2] != "0x0":
            return cells[3].replace(":", "").lower()
    return ""


@dataclass(slots=True, eq=False)
class Visitor:
    """One connection: who, until when, what has come, what is still to be sent."""

    sock: socket.socket
    host: str
    until: float
    heard: bytes = b""
    to_send: bytes = b""


@dataclass(slots=True)
class Server:
    """Serves `window` at `address`; `say` hears what happens, `clock` is monotonic."""

    address: tuple[str, int]
    window: Window
    say: Callable[[Words], None]
    arp: Path = ARP
    clock: Callable[[], float] = time.monotonic
    _visitors: list[Visitor] = field(default_factory=list)
    _arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=RATE))
    _listening: socket.socket = field(init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        self._listening = _listen(self.address)
        self.address = self._listening.getsockname()
        self._selector.register(self._listening, selectors.EVENT_READ)

    def turn(self, longest: float) -> None:
        """Wait for something, `longest` seconds at most, and deal with it."""
        for key, _ in self._selector.select(longest):
            if key.fileobj is self._listening:
                self._arrive()
            else:
                self._attend(key.data)
        for visitor in [v for v in self._visitors if v.until <= self.clock()]:
            self._leave(visitor)

    def close(self) -> None:
        """Let everybody go."""
        for visitor in list(self._visitors):
            self._leave(visitor)
        self._selector.close()
        self._listening.close()

    def _arrive(self) -> None:
        try:
            sock, (host, _) = self._listening.accept()
        except OSError:  # gone again already, or no descriptor is left
            return
        now = self.clock()
        is_flood = len(self._arrivals) == RATE and now - self._arrivals[0] < 1.0
        if is_flood or len(self._visitors) >= VISITORS:
            sock.close()
            return
        self._arrivals.append(now)
        sock.setblocking(False)
        visitor = Visitor(sock, host, now + PATIENCE)
        self._visitors.append(visitor)
        self._selector.register(sock, selectors.EVENT_READ, visitor)

    def _attend(self, visitor: Visitor) -> None:
        try:
            done = self._send(visitor) if visitor.to_send else self._hear(visitor)
        except OSError:
            done = True
        if done:
            self._leave(visitor)

    def _hear(self, visitor: Visitor) -> bool:
        data = visitor.sock.recv(LONGEST_HEAD)
        visitor.heard += data
        request = read_request(visitor.heard)
        if request is None:
            return not data
        visitor.to_send = self._answer(visitor, request)
        self._selector.modify(visitor.sock, selectors.EVENT_WRITE, visitor)
        return False

    def _answer(self, visitor: Visitor, request: Request) -> bytes:
        if request.code != 200:
            return write_response(request.code, b"", "text/plain")
        hardware = hardware_of(visitor.host, self._table())
        answer = self.window.answer(request.path, visitor.host, hardware, self.clock())
        if answer.said.en:
            self.say(answer.said)
        return write_response(
            answer.code, answer.body, answer.content_type, is_head=request.is_head
        )

    def _table(self) -> str:
        try:
            return self.arp.read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""

    def _send(self, visitor: Visitor) -> bool:
        sent = visitor.sock.send(visitor.to_send)
        visitor.to_send = visitor.to_send[sent:]
        return not visitor.to_send

    def _leave(self, visitor: Visitor) -> None:
        self._selector.unregister(visitor.sock)
        visitor.sock.close()
        self._visitors.remove(visitor)


def _listen(address: tuple[str, int]) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        why = WHY_NOT.get(error.errno or 0, error.strerror or str(error))
        where = f"{address[0]}:{address[1]}"
        raise Refused(
            f"i file dei telefoni non si possono servire a {where}: {why}",
            f"phones cannot be served at {where}: {why}",
        ) from error
    listening.listen(VISITORS)
    listening.setblocking(False)
    return listening
