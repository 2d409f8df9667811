"""TLS, addresses, certificates, guards of the web application."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import ipaddress
import logging
import mimetypes
import posixpath
import re
import ssl
import stat
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.errors import TechnicianError
from appliance.files import SHARED, atomic_write, make_shared

if TYPE_CHECKING:
    from appliance.console.templates import HeadOffice


# ---- addresses ---------------------------------------------------------------------------------
# The addresses of this box, as the kernel tells them: its certificate must name each.

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
ADDRESSES_4: Final = Path("/proc/self/net/fib_trie")
ADDRESSES_6: Final = Path("/proc/self/net/if_inet6")
"""Of this process: /proc/net itself is not to be seen in a sandbox (ProcSubset=pid)."""
_LOCAL = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL")


def of_this_box(listen: str) -> tuple[Address, ...]:
    """Return where the box can be reached: `listen`, or every address where that is all of them."""
    own = ipaddress.ip_address(listen)
    return (
        found(_ascii_or_nothing(ADDRESSES_4), _ascii_or_nothing(ADDRESSES_6))
        if own.is_unspecified
        else (own,)
    )


def found(fours: str, sixes: str) -> tuple[Address, ...]:
    """Read the kernel's two tables (proc_net(5)); no address that needs an interface's name."""
    numbers: set[Address] = {ipaddress.IPv4Address(one) for one in _LOCAL.findall(fours)}
    numbers |= {
        ipaddress.IPv6Address(int(line.split()[0], 16)) for line in sixes.splitlines() if line
    }
    usable = (one for one in numbers if not (one.is_link_local and one.version == 6))
    return tuple(sorted(usable, key=lambda one: (one.version, int(one))))


def _ascii_or_nothing(path: Path) -> str:
    with contextlib.suppress(OSError):  # no IPv6 here, or nothing of it to be seen
        return path.read_text(encoding="ascii")
    return ""


# ---- assets ------------------------------------------------------------------------------------
# Static files as they are served: references among them carry hashes, texts come compressed.
#
# A module that is asked for under two addresses runs twice, and a font without a hash is asked for
# at every page: so `import` and `url()` name the file's hash, as the pages' own links do.

STATIC: Final = resources.files("appliance.console") / "static"
_REFERENCES: Final = {
    ".js": re.compile(r'(?P<before>(?:\bfrom|\bimport) ")(?P<name>\.[^"?]+)(?P<after>")'),
    ".css": re.compile(r'(?P<before>\burl\("?)(?P<name>[\w./-]+)(?P<after>"?\))'),
}
"""How a kind of file names another one, relative to itself."""
_TEXTS: Final = (".css", ".js", ".svg")
_LEAST_PACKED: Final = 1000
"""Bytes below which compression is not worth its header."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `packed` is it under gzip, empty for what does not shrink."""

    data: bytes
    packed: bytes
    digest: str


def asset_names() -> frozenset[str]:
    """Return the files that exist, each by its path below the folder."""
    return frozenset(_below(STATIC, ""))


@lru_cache(maxsize=256)
def asset(name: str) -> Asset:
    """Return a file that exists."""
    data = STATIC.joinpath(*name.split("/")).read_bytes()
    ending = _ending(name)
    if references := _REFERENCES.get(ending):
        data = references.sub(lambda m: _hashed(name, m), data.decode()).encode()
    packed = gzip.compress(data, mtime=0) if _is_packed(ending, data) else b""
    return Asset(data, packed, hashlib.sha256(data).hexdigest()[:12])


def url_of(name: str) -> str:
    """Return the address of a file; it changes with the file, so browsers may keep it."""
    return f"/static/{name}?v={asset(name).digest}"


def _hashed(name: str, reference: re.Match[str]) -> str:
    """Add the hash of the file that is named, where there is such a file."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), reference["name"]))
    if target not in _known():
        return reference[0]
    return f"{reference['before']}{url_of(target)}{reference['after']}"


_known = lru_cache(maxsize=1)(asset_names)


def _is_packed(ending: str, data: bytes) -> bool:
    return ending in _TEXTS and len(data) >= _LEAST_PACKED


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1]


def _below(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}"


# ---- certificates ------------------------------------------------------------------------------
# The box's own certificate authority and its server's certificate. ONLY here and in the vault is
# cryptography imported.
#
# The authority is made at the first start and stays; offices install it once. It can speak for the
# box's names and for private addresses alone (RFC 5280, 4.2.1.10): whoever steals its key cannot
# pretend to be anybody else. The server's certificate is made anew by itself.

AUTHORITY_DAYS: Final = 20 * 365
SERVER_DAYS: Final = 180
"""Below the 825 days that some browsers accept of an authority that was installed by hand."""
RENEW_DAYS: Final = 60
"""Renewed so long before its end: a box that is off for a month comes back with a good one."""
EARLIER: Final = timedelta(days=1)
"""Valid so long before it was made: clocks of the LAN differ."""
PRIVATE: Final = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "::1/128",
    "fc00::/7",
)  # fmt: skip
"""Addresses that the authority may speak for (RFC 1918, 3927, 4193)."""
ALWAYS: Final = ("local", "localhost")
NAME_LIMIT: Final = 64
"""Longest name in a certificate (RFC 5280, A.1, ub-common-name)."""

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        """The certificate as text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a server's certificate must name."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...]


def make_authority(site: str, names: tuple[str, ...], now: datetime) -> Pair:
    """Make an authority for a site's console."""
    key = ec.generate_private_key(ec.SECP256R1())
    me = _named(f"Centralino - {site}"[:NAME_LIMIT])
    permitted = [
        *(x509.DNSName(name) for name in dict.fromkeys((*ALWAYS, *names))),
        *(x509.IPAddress(ipaddress.ip_network(one)) for one in PRIVATE),
    ]
    builder = (
        _begun(me, me, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def make_server(authority: Pair, wanted: Wanted, now: datetime) -> Pair:
    """Make the server's certificate, for what of the wanted the authority may speak for."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = sayable(authority.certificate, wanted)
    alternatives = [
        *(x509.DNSName(name) for name in named.names),
        *(x509.IPAddress(one) for one in named.addresses),
    ]
    issuer = authority.certificate.subject
    builder = (
        _begun(_named("Centralino"), issuer, key, now, SERVER_DAYS, authority.key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def is_good(server: Pair, authority: Pair, wanted: Wanted, now: datetime) -> bool:
    """Tell whether the server's certificate still does: names, days, who signed it."""
    certificate = server.certificate
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    named = Wanted(
        tuple(alternatives.get_values_for_type(x509.DNSName)),
        tuple(
            one.value
            for one in alternatives
            if isinstance(one.value, ipaddress.IPv4Address | ipaddress.IPv6Address)
        ),
    )
    return (
        named == sayable(authority.certificate, wanted)
        and is_valid(certificate, now)
        and now + timedelta(days=RENEW_DAYS) <= certificate.not_valid_after_utc
        and is_signed_by(certificate, authority.certificate)
    )


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Tell whether a certificate is valid at a moment."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether an authority has signed a certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - the library raises several kinds, all of them "no"
        return False
    return True


def sayable(authority: x509.Certificate, wanted: Wanted) -> Wanted:
    """Return what of the wanted the authority may speak for; this machine itself, always."""
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = limits.permitted_subtrees or []
    trees = [one.value for one in permitted if isinstance(one, x509.DNSName)]
    networks = [one.value for one in permitted if isinstance(one, x509.IPAddress)]
    names = dict.fromkeys((*wanted.names, "localhost"))
    return Wanted(
        tuple(name for name in names if any(_is_below(name, tree) for tree in trees)),
        tuple(one for one in wanted.addresses if any(one in network for network in networks)),  # type: ignore[operator] # they are networks here
    )


def _is_below(name: str, tree: str) -> bool:
    return name == tree or name.endswith(f".{tree}")


def fingerprint(certificate: x509.Certificate) -> str:
    """Write a certificate's SHA-256 as browsers show it, in pairs."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


# --- on the disk --------------------------------------------------------------------------------


def save_certificate(pair: Pair, certificate: Path, key: Path) -> None:
    """Write both, the key first, for the service to have in its backups; raises OSError."""
    text = pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for path, data in ((key, text), (certificate, pair.pem)):
        make_shared(path.parent)
        atomic_write(path, data, mode=SHARED)


def load_certificate(certificate: Path, key: Path) -> Pair | None:
    """Read both; None where one is missing, cannot be read, or they do not belong together."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        own = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    if not isinstance(own, ec.EllipticCurvePrivateKey):
        return None
    return Pair(found, own) if found.public_key() == own.public_key() else None


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    me: x509.Name, issuer: x509.Name, key: Key, now: datetime, days: int, by: Key | None = None
) -> x509.CertificateBuilder:
    signer = (by or key).public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(me)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


# ---- guard -------------------------------------------------------------------------------------
# What stands before every page: known host names, headers, the size of a request, its origin.
#
# Plain ASGI, so that a stream of events passes through untouched. Who asks is the accounts'
# business.

BODY_LIMIT: Final = 1_000_000
"""Longest body of a request, in bytes."""
LONGER: Final = {"/announcements/": 3_000_000, "/register/": 5_100_000}
"""Pages that take more, by how their addresses begin: half a minute of sound as it is recorded, an
office's e-mail with what is attached to it."""
UPLOAD: Final = "/plant/backup/upload"
"""Takes a whole backup: written to the disk as it comes, never kept in memory.

Only with its token in a header: a form's fields would have to be read whole to find it.
"""
UPDATE: Final = "/plant/updates/upload"
"""Takes a whole update, likewise."""
CENTRAL: Final = "/central/upload"
"""Takes a file of central settings, likewise."""
UPLOAD_LIMITS: Final = {UPLOAD: 16_000_000_000, UPDATE: 2_000_000_000, CENTRAL: 34_000_000}
UPLOAD_S: Final = 3600.0
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the style sheet's own small pictures
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content security policy: nothing inline, no outside host."""
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # not no-referrer: browsers would then send "Origin: null" with our own forms
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""No Strict-Transport-Security: with an authority of one's own it would lock people out of a box
whose authority was made anew."""

Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]
"""Answers with an error page: status and an English sentence of the catalogues."""
UNKNOWN_HOST: Final = "This address is none of this box's."
FOREIGN_ORIGIN: Final = "This request came from another site and was not carried out."
TOO_LONG: Final = "What was sent is too long."
TOO_SLOW: Final = "What was sent took too long to arrive."
BODY_S: Final = 30.0
"""How long a body may take to arrive: who sends a byte now and then is not waited for."""


class Guard:
    """Lets through what is asked of this box, from its own pages, in a bearable size."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...], refuse: Refuse) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        refused = self._why_not(scope)
        if refused is None:
            limit_s = UPLOAD_S if is_upload(scope) else BODY_S
            await self._app(scope, _limited(receive, limit_of(scope), limit_s), send)
        else:
            await self._refuse(scope, receive, send, *refused)

    def _why_not(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_ours(host, self._names):
            return 400, UNKNOWN_HOST
        if scope["method"] not in SAFE_METHODS and not is_same_origin(headers, host):
            return 403, FOREIGN_ORIGIN
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > limit_of(scope):
            return 413, TOO_LONG
        return None


def is_ours(host: str, names: frozenset[str]) -> bool:
    """Tell whether a Host header names this box: one of its names, or any address.

    An address cannot be forged by a name that resolves to this box (DNS rebinding): it is then the
    address that the browser really went to.
    """
    name = urlsplit(f"//{host}").hostname if _is_plain(host) else None
    if not name:
        return False
    if name in names or name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_plain(host: str) -> bool:
    return bool(host) and not set(host) & set("/@?#\\ ,") and host.count("[") == host.count("]")


def is_same_origin(headers: Headers, host: str) -> bool:
    """Tell whether a changing request comes from a page of this host.

    Browsers name the origin of every such request; a programme that names none has no cookies of a
    person's to misuse.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending


class TooLong(Exception):  # noqa: N818 - reads as what it is
    """Raised out of a body that is longer than allowed, or slower: `status` and `why`."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def limit_of(scope: Scope) -> int:
    """Return the longest body that a page takes, in bytes."""
    path = str(scope["path"])
    if is_upload(scope):
        return UPLOAD_LIMITS[path]
    return next((most for begin, most in LONGER.items() if path.startswith(begin)), BODY_LIMIT)


def is_upload(scope: Scope) -> bool:
    """Tell whether a body is a backup or an update that a script of ours sends."""
    return scope["path"] in UPLOAD_LIMITS and "x-csrf-token" in Headers(scope=scope)


def _limited(receive: Receive, limit: int, limit_s: float) -> Receive:
    taken, until, has_ended = 0, time.monotonic() + limit_s, False

    async def receiving() -> Message:
        nonlocal taken, has_ended
        if has_ended:  # whoever waits now waits for the browser to leave
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise TooLong(408, TOO_SLOW) from None
        taken += len(message.get("body", b""))
        has_ended = not message.get("more_body", False)
        if taken > limit:
            raise TooLong(413, TOO_LONG)
        return message

    return receiving


# ---- network -----------------------------------------------------------------------------------
# How the box is joined to the network, as the kernel and the resolver tell it.

ROUTES_4: Final = Path("/proc/net/route")
ROUTES_6: Final = Path("/proc/net/ipv6_route")
RESOLVER: Final = Path("/etc/resolv.conf")
DEVICES: Final = Path("/sys/class/net")
WAY: Final = 0x2
"""RTF_GATEWAY of route.h: by way of a router."""


@dataclass(frozen=True, slots=True)
class Device:
    """One interface: whether it is joined, and how fast in Mbit/s, 0 where that is not told."""

    name: str
    is_joined: bool
    speed: int


@dataclass(frozen=True, slots=True)
class Network:
    """Routers by which all else is reached, name servers, and interfaces."""

    routers: tuple[str, ...]
    servers: tuple[str, ...]
    devices: tuple[Device, ...]


def network() -> Network:
    """Look how things are now; what cannot be read is left out."""
    routers = (
        *routers_of_four(_text_or_nothing(ROUTES_4)),
        *routers_of_six(_text_or_nothing(ROUTES_6)),
    )
    return Network(routers, servers_of(_text_or_nothing(RESOLVER)), devices(DEVICES))


def routers_of_four(table: str) -> tuple[str, ...]:
    """Read the kernel's table (proc_net(5), route): addresses are in the machine's byte order."""
    found = []
    for line in table.splitlines()[1:]:
        device, target, router, flags, *_ = line.split()
        if int(target, 16) == 0 and int(flags, 16) & WAY:
            address = ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(router), "little"))
            found.append(f"{address} ({device})")
    return tuple(found)


def routers_of_six(table: str) -> tuple[str, ...]:
    """Read the kernel's table of IPv6 (ipv6_route)."""
    rows = (line.split() for line in table.splitlines())
    return tuple(
        f"{ipaddress.IPv6Address(int(row[4], 16))} ({row[9]})"
        for row in rows
        if row[1] == "00" and int(row[0], 16) == 0 and int(row[8], 16) & WAY
    )


def servers_of(text: str) -> tuple[str, ...]:
    """Read the resolver's file (resolv.conf(5))."""
    lines = (line.split() for line in text.splitlines())
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


def devices(folder: Path) -> tuple[Device, ...]:
    """Look at each interface but the loopback."""
    with contextlib.suppress(OSError):
        names = sorted(one.name for one in folder.iterdir() if one.name != "lo")
        return tuple(
            Device(name, _number(folder / name / "carrier") == 1, _number(folder / name / "speed"))
            for name in names
        )
    return ()


def _number(path: Path) -> int:
    """Read a number; 0 where the kernel tells none, as of the speed of a radio."""
    text = _text_or_nothing(path).strip()
    return int(text) if text.isdecimal() else 0


def _text_or_nothing(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


# ---- redirect ----------------------------------------------------------------------------------
# Plain HTTP leads to the secure port, and does nothing else.


def to_secure(names: tuple[str, ...], port: int) -> ASGIApp:
    """Make an application that sends every visitor of this box to its secure port."""
    known = frozenset(name.lower() for name in names)
    end = "" if port == 443 else f":{port}"

    async def redirecting(scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        if not is_ours(host, known):
            await PlainTextResponse("no such host\n", 400)(scope, receive, send)
            return
        name = urlsplit(f"//{host}").hostname or ""
        name = f"[{name}]" if ":" in name else name
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        await RedirectResponse(f"https://{name}{end}{path}", 308)(scope, receive, send)

    return redirecting


# ---- settings ----------------------------------------------------------------------------------
# What the console must know of the configuration: one frozen value, made by the command.


def _none() -> None:
    """There is no head office."""


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Where the console listens, what it reads, whom it asks.

    `redirect_port` is the plain port that leads to the secure one, 0 for none. `names` are the host
    names it answers to, beside every address of the box. `certificate` and `key` are the office's
    own files, both empty for an authority made here. `state` is the console's own folder; `records`
    (the database) and `voicemail` are only read; `door` is the desk's socket.
    `announcements` are the folders laid over our recordings, the strongest first; in `drafts` lies
    what was dictated and no caller hears yet. `country` is the one by whose plan callers' numbers
    are compared. `per_person_reference` is the agreement that allows figures per position (E21), ""
    for none. Below `room_alarm` MB of free space the technician is told. `head_office` says where
    the head office's settings lie that are in force at the moment, None for none.
    """

    site: str
    zone: str
    languages: tuple[str, ...]
    listen: str
    port: int
    redirect_port: int
    names: tuple[str, ...]
    certificate: str
    key: str
    state: Path
    records: Path
    voicemail: Path
    door: Path
    is_secure: bool = True
    announcements: tuple[Path, ...] = ()
    voice: str = "auto"
    per_person_reference: str = ""
    country: str = "it"
    drafts: Path = Path("drafts")
    room_alarm: int = 256
    head_office: Callable[[], HeadOffice | None] = _none


# ---- static files ------------------------------------------------------------------------------
# Files that do not change while the console runs: fonts, style, scripts.
#
# A path is looked up among the names that exist: nothing outside the folder can be reached.

FOR_EVER: Final = "public, max-age=31536000, immutable"
"""For an address that carries the file's hash."""
BRIEFLY: Final = "no-cache"
TYPES: Final = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
"""Where the machine's own table differs from place to place."""


class Files:
    """Serves the static folder."""

    def __init__(self) -> None:
        self._names = asset_names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file; raises HTTPException for one that does not exist."""
        request = Request(scope)
        name = request.url.path.removeprefix("/static/")
        if name not in self._names:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        await _answer(request, name, asset(name))(scope, receive, send)


def _answer(request: Request, name: str, file: Asset) -> Response:
    is_packed = bool(file.packed) and _takes_gzip(request.headers.get("accept-encoding", ""))
    kept = FOR_EVER if request.query_params.get("v") == file.digest else BRIEFLY
    etag = f'"{file.digest}{"-gz" if is_packed else ""}"'
    headers = {"cache-control": kept, "etag": etag}
    if file.packed:
        headers["vary"] = "accept-encoding"
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if is_packed:
        headers["content-encoding"] = "gzip"
    return Response(file.packed if is_packed else file.data, 200, headers, kind_of(name))


def _takes_gzip(accepted: str) -> bool:
    """Tell whether a browser takes gzip (RFC 9110, 12.5.3)."""
    for part in accepted.split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight not in ("0", "0.0", "0.00", "0.000")
    return False


def kind_of(name: str) -> str:
    """Say what a file is by the end of its name."""
    ending = name[name.rfind(".") :]
    return TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


# ---- tls ---------------------------------------------------------------------------------------
# The certificate that the console shows, kept good while it runs: its own, or the office's files.
#
# A context is loaded anew in place: new connections get the new certificate, open ones go on.

log = logging.getLogger(__name__)


def authority_path(settings: ConsoleSettings) -> Path:
    """Say where the authority's certificate lies, for whoever installs it."""
    return settings.state / "tls" / "ca.crt"


class Certificates:
    """Keeps the context of one console; raises TechnicianError when it cannot begin."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._loaded: tuple[float, float] | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._refresh(datetime.now(UTC))

    def refresh(self) -> None:
        """Look whether the certificate still does; what fails leaves the one in use in use."""
        try:
            self._refresh(datetime.now(UTC))
        except (TechnicianError, OSError) as error:
            log.error("the certificate in use stays: %s", error)

    def _refresh(self, now: datetime) -> None:
        if self._settings.certificate:
            certificate, key = Path(self._settings.certificate), Path(self._settings.key)
        else:
            certificate, key = own_files(self._settings, now)
        try:
            changed = (certificate.stat().st_mtime, key.stat().st_mtime)
            if changed != self._loaded:
                load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)  # a rehearsal
                load_into(self.context, certificate, key)
                self._loaded = changed
        except OSError as error:
            raise TechnicianError(
                f"{error.filename or certificate} cannot be read ({error.strerror}): "
                "console.certificate and console.key must be readable by the service"
            ) from error


def load_into(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load a certificate and its key; raises TechnicianError with what is wrong, OSError."""
    try:
        # a key under a password would have the service wait for somebody to type it
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        raise TechnicianError(
            f"{certificate} and {key} cannot be used ({error.reason or error}): they must be a "
            "certificate with its chain and its key, both as PEM, the key without a password"
        ) from error


def own_files(settings: ConsoleSettings, now: datetime) -> tuple[Path, Path]:
    """Make sure of a good certificate of the box's own; raises TechnicianError."""
    folder = authority_path(settings).parent
    _open_to_backups(folder)
    wanted = Wanted(settings.names, of_this_box(settings.listen))
    certificate, key = folder / "server.crt", folder / "server.key"
    try:
        authority = own_authority(settings, now)
        server = load_certificate(certificate, key)
        if server is None or not is_good(server, authority, wanted, now):
            save_certificate(make_server(authority, wanted, now), certificate, key)
            log.warning("a new certificate for the console: %s", _covered(authority, wanted))
    except OSError as error:
        raise TechnicianError(
            f"the console's certificate cannot be kept in {folder} ({error.strerror}): "
            "folders.console must be a folder that the service may write"
        ) from error
    return certificate, key


def _open_to_backups(folder: Path) -> None:
    """Let the service have what a programme of before made for one account alone."""
    with contextlib.suppress(OSError):
        for path, mode in ((folder, 0o750), *((path, SHARED) for path in folder.iterdir())):
            if stat.S_IMODE(path.stat().st_mode) != mode:
                path.chmod(mode)


def own_authority(settings: ConsoleSettings, now: datetime) -> Pair:
    """Return the box's authority, made when there is none; raises OSError."""
    certificate = authority_path(settings)
    found = load_certificate(certificate, certificate.with_suffix(".key"))
    if found is None or found.certificate.not_valid_after_utc < now:
        found = make_authority(settings.site, settings.names, now)
        save_certificate(found, certificate, certificate.with_suffix(".key"))
        log.warning("a new certificate authority: %s", fingerprint(found.certificate))
    return found


def _covered(authority: Pair, wanted: Wanted) -> str:
    """Say what the certificate names, and what it cannot."""
    named = sayable(authority.certificate, wanted)
    missing = [str(one) for one in (*wanted.names, *wanted.addresses)]
    said = [str(one) for one in (*named.names, *named.addresses)]
    left = ", ".join(one for one in missing if one not in said)
    return ", ".join(said) + (f" (its authority cannot speak for {left})" if left else "")
