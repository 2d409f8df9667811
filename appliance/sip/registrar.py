"""Registrar: bindings, digest authentication, login, account data for technicians."""

from __future__ import annotations

import enum
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any, Final

from appliance.calls.events import PhoneGone, PhoneRegistered
from appliance.deadlines import earliest
from appliance.dsp.wav import Law
from appliance.errors import ConfigurationError
from appliance.lockout import LockOutCounter, Window
from appliance.sip.message import (
    DEFAULT_PORT,
    Headers,
    SipMessage,
    TcpPeer,
    read_name_address,
    read_parameters,
    read_uri,
    split_outside,
)
from appliance.sip.rtp import Address
from appliance.text import Words, _

# ---- Digest authentication, server side: challenges, stateless nonces, lock-out
# RFC 2617 with qop=auth as RFC 3261 22.4 requires, SHA-256 after RFC 7616 and RFC 8760.

# Names of RFC 7616 3.3; the `-sess` forms are not offered.
HASHES = {"MD5": "md5", "SHA-256": "sha256"}
# Seconds; a phone that uses an older nonce is told `stale` and computes anew.
NONCE_LIFETIME = 300.0
# Seconds: 5 failures in 10 minutes lock a name out at a source (reliability.md 3), 20 over all
# names lock the source.
MAX_FAILURES = 5
MAX_GUESSES = 20
LOCK_OUT = 600.0
OF_A_NAME, OF_A_SOURCE = Window(MAX_FAILURES, LOCK_OUT), Window(MAX_GUESSES, LOCK_OUT)
# Names and sources remembered; the oldest make room.
MAX_LOCKS = 1024
# Key of the sum over a source's names; a name is never empty where secrets are told apart.
ALL_NAMES = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Fields of an Authorization header, "" for those absent."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    qop: str
    cnonce: str
    nc: str

    @property
    def count(self) -> int:
        """Nonce count; 0 if unreadable."""
        # RFC 2617 3.2.2: nc is eight hexadecimal digits; int() alone would take signs and
        # underscores.
        return int(self.nc, 16) if len(self.nc) == 8 and self.nc.isalnum() and _hex(self.nc) else 0


def _hex(text: str) -> bool:
    return all(c in "0123456789abcdefABCDEF" for c in text)


def digest_credentials(values: Mapping[str, str]) -> Credentials | None:
    """Return the credentials of a parsed Authorization header; None if there are none."""
    if not values.get("nonce"):
        return None
    names = ("username", "realm", "nonce", "uri", "response")
    first = {name: values.get(name, "") for name in names}
    algorithm = values.get("algorithm", "MD5").upper()
    rest = {name: values.get(name, "") for name in ("qop", "cnonce", "nc")}
    return Credentials(**first, algorithm=algorithm, **rest)


def expected_digest(given: Credentials, secret: str, method: str) -> str:
    """Return the right response for `given` (RFC 2617 3.2.2.1, with qop=auth or without qop).

    Raises KeyError for an algorithm that is not in HASHES.
    """
    name = HASHES[given.algorithm]

    def digest(text: str) -> str:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    a1 = digest(f"{given.username}:{given.realm}:{secret}")
    a2 = digest(f"{method}:{given.uri}")
    if not given.qop:
        return digest(f"{a1}:{given.nonce}:{a2}")
    return digest(f"{a1}:{given.nonce}:{given.nc}:{given.cnonce}:{given.qop}:{a2}")


def digest_challenge(realm: str, nonce: str, algorithm: str, *, stale: bool) -> str:
    """Return the value of a WWW-Authenticate header."""
    suffix = ", stale=true" if stale else ""
    return f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm={algorithm}{suffix}'


@dataclass(slots=True)
class Nonces:
    """Makes nonces that need no table: time and source, signed with a key of this start."""

    key: bytes
    _made: int = 0

    def make(self, source: str, now: float) -> str:
        """Return a new nonce for one source address at `now` (monotonic s)."""
        # Two nonces of one millisecond differ, for each has a count of its own.
        self._made += 1
        stamp = f"{int(now * 1000):x}-{self._made:x}"
        return f"{stamp}.{self._sign(stamp, source)}"

    def is_fresh(self, nonce: str, source: str, now: float) -> bool:
        """Return whether `nonce` was made for `source` within the last NONCE_LIFETIME."""
        stamp, _, signature = nonce.partition(".")
        # Before the time stamp is read: only a stamp of our own is known to be a number.
        if not hmac.compare_digest(signature.encode(), self._sign(stamp, source).encode()):
            return False
        return now - int(stamp.partition("-")[0], 16) / 1000 <= NONCE_LIFETIME

    def _sign(self, stamp: str, source: str) -> str:
        return hmac.new(self.key, f"{stamp} {source}".encode(), "sha256").hexdigest()[:32]


class DigestVerdict(enum.Enum):
    """Outcome of checking credentials."""

    RIGHT = "right"
    WRONG = "wrong"
    # The password before the current one: wrong, but no guess.
    FORMER = "former"
    STALE = "stale"
    MISSING = "missing"


@dataclass(slots=True)
class LockOut:
    """Counts wrong passwords by source address and name.

    One phone with a wrong password costs the others behind its address nothing; a source that tries
    many names is locked out for all of them.
    """

    # Only answers to our own nonces count: such a nonce shows that the source can hear us, so a
    # forged address locks nobody out.
    _wrong: LockOutCounter[tuple[str, str]] = field(
        default_factory=lambda: LockOutCounter(MAX_LOCKS, MAX_GUESSES)
    )

    def remaining(self, source: str, name: str, now: float) -> float:
        """Return for how many seconds `name` stays locked out at `source`, 0 when it is not."""
        own = self._wrong.wait_s((source, name), OF_A_NAME, now)
        return max(own, self._wrong.wait_s((source, ALL_NAMES), OF_A_SOURCE, now))

    def sources(self, now: float) -> tuple[str, ...]:
        """Return the source addresses that are locked out, for all names or for one."""
        locked = (
            source for source, name in self._wrong.keys if self.remaining(source, name, now) > 0
        )
        return tuple(dict.fromkeys(locked))

    def failed(self, source: str, name: str, now: float) -> None:
        """Count one wrong password."""
        self._wrong.count_wrong((source, name), OF_A_NAME, now)
        self._wrong.count_wrong((source, ALL_NAMES), OF_A_SOURCE, now)

    def succeeded(self, source: str, name: str) -> None:
        """Forget the failures of a phone that knew the password after all, and of its address."""
        self._wrong.forget((source, name))
        self._wrong.forget((source, ALL_NAMES))


# ---- Digest authentication, client side: the box's own account at a registrar or proxy
# RFC 2617 and RFC 7616 as RFC 3261 22 requires. Only the configured registrar is answered: a
# phone's challenge would let it guess the secret.

ANSWERS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}
# Of several challenges the first of these is answered (RFC 8760 2.4).
BEST_FIRST = ("SHA-256", "MD5")


@dataclass(slots=True)
class DigestLogin:
    """The box's account at the registrar at `address`; `random` gives random bytes."""

    address: Address
    user: str
    secret: str
    random: Callable[[int], bytes]
    _counts: dict[str, int] = field(default_factory=dict)

    def answer(
        self, refusal: SipMessage, method: str, uri: str, source: Address
    ) -> tuple[str, str] | None:
        """Return the header that answers the registrar's 401 or 407, None if impossible."""
        names = ANSWERS.get(refusal.code)
        # Anybody else's challenge would let them guess the secret.
        if names is None or source != self.address:
            return None
        offers = [_parameters(value) for value in refusal.all(names[0])]
        for algorithm in BEST_FIRST:
            for offer in offers:
                if offer.get("algorithm", "MD5").upper() == algorithm and "nonce" in offer:
                    return names[1], self._credentials(offer, algorithm, method, uri)
        return None

    def _credentials(self, offer: dict[str, str], algorithm: str, method: str, uri: str) -> str:
        qop = "auth" if "auth" in split_outside(offer.get("qop", ""), ",") else ""
        count = f"{self._count(offer['nonce']):08x}"
        cnonce = self.random(8).hex()
        given = Credentials(
            self.user, offer.get("realm", ""), offer["nonce"], uri, "", algorithm, qop, cnonce,
            count,
        )  # fmt: skip
        parts = [
            f'Digest username="{self.user}"', f'realm="{given.realm}"', f'nonce="{given.nonce}"',
            f'uri="{uri}"', f'response="{expected_digest(given, self.secret, method)}"',
            f"algorithm={algorithm}",
        ]  # fmt: skip
        if qop:
            parts += [f"qop={qop}", f"nc={count}", f'cnonce="{cnonce}"']
        if "opaque" in offer:
            parts.append(f'opaque="{offer["opaque"]}"')
        return ", ".join(parts)

    def _count(self, nonce: str) -> int:
        """Return how often this nonce was used (RFC 2617 3.2.2, nc)."""
        # Only the newest is kept: an older nonce does not come back.
        self._counts = {nonce: self._counts.get(nonce, 0) + 1}
        return self._counts[nonce]


def _parameters(challenge: str) -> dict[str, str]:
    scheme, _, rest = challenge.strip().partition(" ")
    return read_parameters(split_outside(rest, ",")) if scheme.lower() == "digest" else {}


# ---- Settings given to the SIP thread once, at the start


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """One phone: it registers with `secret`, or is reached at `fixed_address`, or both."""

    name: str
    secret: str | None = None
    fixed_address: Address | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class RegistrarAccount:
    """The box's own account at a telephone system or proxy.

    `branches` are accounts there to which callers may be handed over; `takes` says that callers of
    others are accepted.
    """

    address: Address
    user: str
    secret: str = ""
    branches: tuple[str, ...] = ()
    takes: bool = False


@dataclass(frozen=True, slots=True)
class PhonesSettings:
    """Where the box listens for SIP, and the phones it knows.

    `address` is an IPv4 address of the box, "0.0.0.0" for all of them; `port` 0 takes any free one.
    `laws` is the preferred order of codings, `algorithms` that of the digests offered.
    `registration_s` is the longest registration granted, in seconds. `qualify_s` is the interval of
    OPTIONS to each phone, in seconds, 0 for never. `allowed` are the networks from which SIP is
    read, () for every address. `messages_code` is dialled to hear the messages, "" for none. `tcp`
    says that phones may connect over TCP at the same port. `former` has the secrets that phones had
    before, also of those that are removed.
    """

    address: str
    port: int = DEFAULT_PORT
    accounts: tuple[PhoneAccount, ...] = ()
    realm: str = "centralino"
    laws: tuple[Law, ...] = (Law.ALAW, Law.ULAW)
    # Phones that know MD5 alone give up at the sight of another one: SHA-256 is by choice.
    algorithms: tuple[str, ...] = ("MD5",)
    registration_s: int = 120
    qualify_s: float = 30.0
    allowed: tuple[IPv4Network, ...] = ()
    registrar: RegistrarAccount | None = None
    messages_code: str = ""
    tcp: bool = True
    former: tuple[tuple[str, str], ...] = ()


def parse_address(text: str) -> Address:
    """Parse "192.168.1.21" or "192.168.1.21:5060"; raises ConfigurationError."""
    host, _, port = text.partition(":")
    try:
        known = str(ipaddress.IPv4Address(host.strip()))
        number = int(port) if port else DEFAULT_PORT
        if not 0 < number < 0x10000:
            raise ValueError("no port")
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} is no phone's address: write 192.168.1.21 or 192.168.1.21:5060"
        ) from error
    return known, number


def network_of(text: str) -> IPv4Network:
    """Parse "192.168.1.0/24" or one address; raises ConfigurationError."""
    try:
        return IPv4Network(text.strip())
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} is no network: write 192.168.1.0/24, or 192.168.1.21 for one address"
        ) from error


# ---- Bindings: where each phone was last registered, and how they outlive a restart

# Seconds granted to a phone that has not answered an OPTIONS yet: its silence says nothing, and
# only its registration tells that it has gone (RFC 3261 10.2.1.1: a registrar may choose).
UNPROVEN_S = 30
# Characters kept of a phone's User-Agent.
LONGEST_AGENT = 120


@dataclass(frozen=True, slots=True)
class Binding:
    """One phone's registration: source of its REGISTER, its Contact, its end.

    `expires_at` is monotonic seconds. `call_id` and `cseq` order its REGISTERs (RFC 3261 10.3).
    `proven`: it had answered an OPTIONS when it last registered, so its silence means something.
    `agent`: its User-Agent.
    """

    phone: str
    source: Address
    contact: str
    expires_at: float
    call_id: str = ""
    cseq: int = 0
    proven: bool = False
    agent: str = ""


def bindings_to_json(bindings: tuple[Binding, ...]) -> str:
    """Serialise bindings for a file."""
    rows = [
        {
            "phone": binding.phone,
            "source": f"{binding.source[0]}:{binding.source[1]}",
            "contact": binding.contact,
            "answers": binding.proven,
            "agent": binding.agent,
        }
        for binding in bindings
        # Connections end with the process, and their phones cannot be reached otherwise.
        if not isinstance(binding.source, TcpPeer)
    ]
    return json.dumps(rows, indent=1)


def bindings_from_json(text: str, now: float, longest: float) -> tuple[Binding, ...]:
    """Parse the bindings in force when the process ended, each valid for one more period.

    A period is `longest` seconds, UNPROVEN_S for a phone that has never answered an OPTIONS.
    Unreadable rows are left out: their phones register again. `now` is monotonic seconds.
    """
    try:
        rows = json.loads(text)
    except ValueError:
        return ()
    found = (_binding(row, now, longest) for row in (rows if isinstance(rows, list) else ()))
    return tuple(binding for binding in found if binding is not None)


def _binding(row: Any, now: float, longest: float) -> Binding | None:
    try:
        source, contact, phone = parse_address(row["source"]), row["contact"], row["phone"]
        proven, agent = row.get("answers") is True, str(row.get("agent", ""))[:LONGEST_AGENT]
        if read_uri(contact) is None or not isinstance(phone, str):
            return None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    # Within a period every phone renews by itself. Its old end is not kept, nor every renewal (a
    # write to the card each): a process that had been up for hours would lose all its phones.
    ends = now + (longest if proven else UNPROVEN_S)
    return Binding(phone, source, contact, ends, proven=proven, agent=agent)


# ---- Authentication of a phone by its secret; the same answer for a wrong name and a wrong secret

# RFC 2617 lets a phone leave qop out: each nonce is then good for one request.
QOPS = {"auth", ""}
# Hashed for unknown names too, so that the time an answer takes tells nothing.
NO_SECRET = "no phone has this secret"  # noqa: S105 - it stands for a missing one


@dataclass(frozen=True, slots=True)
class SipReply:
    """A response: its code and the headers it adds."""

    code: int
    headers: Headers = ()


@dataclass(slots=True)
class DigestAuthentication:
    """Checks digest credentials; `nonces` holds the random key of this start."""

    settings: PhonesSettings
    nonces: Nonces
    lock_out: LockOut = field(default_factory=LockOut)
    _secrets: dict[str, str] = field(init=False)
    _former: dict[str, str] = field(init=False)
    _used: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._secrets = {a.name: a.secret for a in self.settings.accounts if a.secret}
        self._former = dict(self.settings.former)

    def knows(self, phone: str) -> bool:
        """Return whether `phone` has a secret and so must authenticate."""
        return phone in self._secrets

    def learn(self, secrets: Mapping[str, str]) -> list[str]:
        """Replace the secrets; return the phones whose secret has changed."""
        known = {a.name for a in self.settings.accounts}
        new = {name: secret for name, secret in secrets.items() if name in known and secret}
        old, self._secrets = self._secrets, new
        changed = sorted(n for n in {*old, *new} if old.get(n) != new.get(n))
        self._former |= {name: old[name] for name in changed if name in old}
        return changed

    def check(
        self, message: SipMessage, phone: str, source: str, now: float, *, at_home: bool = False
    ) -> SipReply | None:
        """Return None to let a request of `phone` pass, else the refusal.

        The authenticated user must be the phone itself (reliability.md 3). `at_home` says that it
        comes from the very address and port at which the phone has registered.
        """
        # A registered phone is never locked out, whoever else guesses behind its address.
        remaining = 0.0 if at_home else self.lock_out.remaining(source, phone, now)
        if remaining > 0:
            # 503, not 403: phones try again after it, while 403 stops many for good.
            return SipReply(503, (("Retry-After", str(int(remaining) + 1)),))
        verdict = self._judge(message, phone, source, now)
        if verdict is DigestVerdict.WRONG:
            self.lock_out.failed(source, phone, now)
        if verdict is DigestVerdict.RIGHT:
            # At home a right password says nothing of who failed behind the same address.
            if not at_home:
                self.lock_out.succeeded(source, phone)
            return None
        return self._challenged(source, now, stale=verdict is DigestVerdict.STALE)

    def _judge(self, message: SipMessage, phone: str, source: str, now: float) -> DigestVerdict:
        given = digest_credentials(message.fields.credentials)
        if given is None or given.realm != self.settings.realm:
            return DigestVerdict.MISSING
        if not self.nonces.is_fresh(given.nonce, source, now):
            return DigestVerdict.STALE
        if given.algorithm not in HASHES or given.qop not in QOPS:
            # What nobody offered is no guess.
            return DigestVerdict.MISSING
        right = expected_digest(given, self._secrets.get(phone, NO_SECRET), message.method)
        # In constant time: how long it takes tells nothing of the secret.
        same = hmac.compare_digest(right.encode(), given.response.lower().encode())
        if not (same and self.knows(phone) and given.username == phone):
            return self._wrong(given, phone, message.method)
        return self._counted(phone, given.nonce, given.count if given.qop else 1)

    def _wrong(self, given: Credentials, phone: str, method: str) -> DigestVerdict:
        """Tell a guess from the former password of a phone that has not been changed yet."""
        former = expected_digest(given, self._former.get(phone, NO_SECRET), method)
        same = hmac.compare_digest(former.encode(), given.response.lower().encode())
        # Not locked out, or it could not come back with the new password either.
        return DigestVerdict.FORMER if same and phone in self._former else DigestVerdict.WRONG

    def _counted(self, phone: str, nonce: str, count: int) -> DigestVerdict:
        """Refuse a nonce count that was used before as a replay (RFC 2617 3.2.2)."""
        last_nonce, last = self._used.get(phone, ("", 0))
        if count <= (last if nonce == last_nonce else 0):
            return DigestVerdict.STALE
        self._used[phone] = (nonce, count)
        return DigestVerdict.RIGHT

    def _challenged(self, source: str, now: float, *, stale: bool) -> SipReply:
        nonce = self.nonces.make(source, now)
        return SipReply(
            401,
            tuple(
                (
                    "WWW-Authenticate",
                    digest_challenge(self.settings.realm, nonce, name, stale=stale),
                )
                for name in self.settings.algorithms
            ),
        )


# ---- The registrar: which phone is where, for how long, and who may say so (RFC 3261 10.3)

# Seconds; shorter registrations are refused with 423 (10.3 step 7).
MIN_EXPIRES = 10


@dataclass(frozen=True, slots=True)
class RingTarget:
    """Where a phone is rung: the request's URI and the address the INVITE is sent to."""

    uri: str
    address: Address


@dataclass(slots=True)
class PhoneRegistrar:
    """Keeps one contact a phone; emits an event when a phone can be rung and when no longer.

    `seen` is called at every renewal, `forgotten` at every end; `proven` returns whether a phone
    has answered an OPTIONS.
    """

    accounts: tuple[PhoneAccount, ...]
    authentication: DigestAuthentication
    longest: int
    emit: Callable[[PhoneRegistered | PhoneGone], None]
    seen: Callable[[str], None] = lambda _phone: None
    forgotten: Callable[[str], None] = lambda _phone: None
    proven: Callable[[str], bool] = lambda _phone: True
    bindings: dict[str, Binding] = field(default_factory=dict)
    _fixed: dict[str, Address] = field(init=False)

    def __post_init__(self) -> None:
        self._fixed = {a.name: a.fixed_address for a in self.accounts if a.fixed_address}

    @property
    def fixed(self) -> dict[str, Address]:
        """Phones at a fixed address."""
        return dict(self._fixed)

    def restore(self, bindings: tuple[Binding, ...]) -> None:
        """Restore bindings from before a restart, of phones that still have a secret."""
        for binding in bindings:
            if self.authentication.knows(binding.phone) and binding.phone not in self._fixed:
                self.bindings[binding.phone] = binding
                self.emit(PhoneRegistered(binding.phone, binding.agent))

    def learn(self, secrets: Mapping[str, str]) -> None:
        """Replace the secrets; a phone whose secret changed has to register anew."""
        for phone in self.authentication.learn(secrets):
            self._gone(phone, "its password was renewed")

    def target(self, phone: str) -> RingTarget | None:
        """Return where `phone` is rung now; None when it is not registered."""
        if phone in self._fixed:
            host, port = self._fixed[phone]
            return RingTarget(f"sip:{phone}@{host}:{port}", (host, port))
        binding = self.bindings.get(phone)
        # The address at which it has registered, whatever address its Contact names.
        return RingTarget(binding.contact, binding.source) if binding else None

    def targets(self) -> dict[str, RingTarget]:
        """Return every phone that can be rung, and where."""
        found = {account.name: self.target(account.name) for account in self.accounts}
        return {name: target for name, target in found.items() if target}

    def hosts(self) -> set[str]:
        """Return the hosts of all phones."""
        bound = {binding.source[0] for binding in self.bindings.values()}
        return bound | {host for host, _ in self._fixed.values()}

    def is_home(self, phone: str, source: Address) -> bool:
        """Return whether `phone` has registered from exactly this address and port."""
        binding = self.bindings.get(phone)
        return binding is not None and binding.source == source

    def phone_at(self, source: Address, name: str) -> str:
        """Return the phone at `source`, "" for none; `name` decides between several."""
        places = {phone: binding.source for phone, binding in self.bindings.items()} | self._fixed
        here = [phone for phone, place in places.items() if place[0] == source[0]]
        exact = [phone for phone in here if places[phone] == source]
        # Known by its address alone where it is the only phone there; it has to authenticate all
        # the same.
        if not name:
            return exact[0] if len(exact) == 1 else ""
        return next((p for p in (*exact, *here) if p == name), "")

    def register(self, message: SipMessage, source: Address, now: float) -> SipReply:
        """Handle a REGISTER; return its response, 200 or a refusal."""
        phone = message.fields.to_user
        at_home = self.is_home(phone, source)
        refusal = self.authentication.check(message, phone, source[0], now, at_home=at_home)
        if refusal is not None:
            return refusal
        known = self.bindings.get(phone)
        if known and known.call_id == message.call_id and message.fields.cseq <= known.cseq:
            # 10.3 step 7: out of order, so the update is not done.
            return SipReply(500)
        return self._update(phone, message, source, now)

    def expire(self, now: float) -> None:
        """Remove bindings whose time is over."""
        for binding in [b for b in self.bindings.values() if b.expires_at <= now]:
            self._gone(binding.phone, "its registration ran out: it is switched off or unplugged")

    def cut(self, stream: TcpPeer) -> None:
        """Remove the bindings of a broken connection."""
        for phone in [p for p, binding in self.bindings.items() if binding.source == stream]:
            self._gone(phone, "its connection broke: it is switched off, or on its way back")

    def next_deadline(self) -> float | None:
        """Return when the next binding runs out (monotonic s), None for never."""
        return earliest(binding.expires_at for binding in self.bindings.values())

    def _update(self, phone: str, message: SipMessage, source: Address, now: float) -> SipReply:
        """Apply the Contacts of a REGISTER, each by itself (10.3 step 7)."""
        wanted = _wanted(message, self.longest)
        # A phone that moves names its old address too, with 0 seconds.
        lasting = [(uri, seconds) for uri, seconds in wanted if seconds]
        # It signs off; or it asks what is known (10.2.3).
        if not lasting:
            self._sign_off(phone, [uri for uri, _ in wanted])
            return self._current(phone, now)
        uri, seconds = lasting[0]
        if read_uri(uri) is None:
            return SipReply(400)
        if seconds < MIN_EXPIRES:
            return SipReply(423, (("Min-Expires", str(MIN_EXPIRES)),))
        proven = self.proven(phone)
        expires_at = now + min(seconds, self.longest if proven else UNPROVEN_S)
        ident, cseq = message.call_id, message.fields.cseq
        agent = message.get("User-Agent")[:LONGEST_AGENT]
        self._bind(Binding(phone, source, uri, expires_at, ident, cseq, proven, agent))
        return self._current(phone, now)

    def _sign_off(self, phone: str, uris: list[str]) -> None:
        binding = self.bindings.get(phone)
        if binding and any(uri == "*" or _is_same(uri, binding.contact) for uri in uris):
            self._gone(phone, "it signed off")

    def _bind(self, binding: Binding) -> None:
        phone = binding.phone
        known = self.bindings.get(phone)
        self.bindings[phone] = binding
        if known is not None:
            self.seen(phone)
        # Another phone may take the place of the first one before that is gone.
        if known is None or known.agent != binding.agent:
            self.emit(PhoneRegistered(phone, binding.agent))

    def _gone(self, phone: str, reason: str) -> None:
        if self.bindings.pop(phone, None) is not None and phone not in self._fixed:
            self.forgotten(phone)
            self.emit(PhoneGone(phone, reason))

    def _current(self, phone: str, now: float) -> SipReply:
        binding = self.bindings.get(phone)
        if binding is None:
            return SipReply(200)
        remaining = max(1, round(binding.expires_at - now))
        return SipReply(200, (("Contact", f"<{binding.contact}>;expires={remaining}"),))


def _wanted(message: SipMessage, default: int) -> list[tuple[str, int]]:
    """Return each Contact's URI and seconds: its own, else Expires, else `default` (10.3)."""
    contacts = [read_name_address(value) for value in message.all("Contact")]
    general = _seconds(message.get("Expires"), default, default)
    return [(c.uri, _seconds(c.parameters.get("expires", ""), general, default)) for c in contacts]


def _seconds(text: str, default: int, longest: int) -> int:
    return min(int(text[:10]), longest) if text.isascii() and text.isdigit() else default


def _is_same(one: str, other: str) -> bool:
    """Return whether two URIs name the same user at the same place."""
    # 19.1.4 without the parameters.
    a, b = read_uri(one), read_uri(other)
    if a is None or b is None:
        return False
    return (a.user, a.host, a.port) == (b.user, b.host, b.port)


# 32 signs without 1, i, l and o: they are read off a screen and typed on a telephone.
ALPHABET = "023456789abcdefghjkmnpqrstuvwxyz"
# 20 signs of 5 bits are 100 bits (reliability.md 3 asks for 96 at least).
SECRET_LENGTH = 20

ACCOUNT_WORDS: Final[Mapping[str, Words]] = {
    "server": _("SIP server (registrar)"),
    "port": _("Port"),
    "transport": _("Transport"),
    "user": _("User name"),
    "authentication": _("Authentication user"),
    "secret": _("Password"),
    "codecs": _("Codecs"),
    "dtmf": _("DTMF"),
    "extension": _("Extension"),
}
"""Labels of what is typed into a phone."""
_ACCOUNT_TITLE: Final = _('To be typed into the phone "{label}":')
_ACCOUNT_NOTE: Final = _("The password is not shown again. If it is lost, make a new one.")


def make_secret(random: Callable[[int], bytes]) -> str:
    """Return a new secret of 100 random bits; `random(n)` gives n random bytes."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in random(SECRET_LENGTH))


def account_text(
    name: str,
    label: str,
    secret: str,
    address: str,
    port: int,
    language: str = "it",
    *,
    extension: str = "",
) -> str:
    """Return the lines that a technician copies into the phone's web page."""
    rows = account_fields(name, secret, address, port, extension=extension)
    labels = {key: ACCOUNT_WORDS[key].text(language) for key in rows}
    width = max(map(len, labels.values()))
    lines = [f"  {labels[key]:<{width}}  {value}" for key, value in rows.items()]
    title = _ACCOUNT_TITLE.filled(label=label or name).text(language)
    return "\n".join([title, *lines, _ACCOUNT_NOTE.text(language)]) + "\n"


def account_fields(
    name: str, secret: str, address: str, port: int, *, extension: str = ""
) -> dict[str, str]:
    """Return what is typed into a phone, by the keys of ACCOUNT_WORDS."""
    rows = {
        "server": address,
        "port": str(port),
        "transport": "UDP",
        "user": name,
        "authentication": name,
        "secret": secret,
        "codecs": "PCMA (G.711a), PCMU (G.711u)",
        "dtmf": "RFC 2833 / RFC 4733",
    }
    return {"extension": extension, **rows} if extension else rows
