"""The registrar: which phone stands where, for how long, and who may say so (RFC 3261 10.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from appliance.calls.events import PhoneGone, PhoneRegistered
from appliance.phones.bindings import UNPROVEN_S, Binding
from appliance.phones.gate import Gate, Reply
from appliance.phones.message import Message
from appliance.phones.rtp import Address
from appliance.phones.settings import PhoneAccount
from appliance.phones.uri import Stream, read_name_address, read_uri

MIN_EXPIRES = 10
"""Seconds; shorter registrations are refused with 423 (10.3 step 7)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a phone is rung: the request's URI and the address that the INVITE is sent to."""

    uri: str
    address: Address


@dataclass(slots=True)
class Registrar:
    """Keeps one contact a phone; tells `emit` when a phone may be rung and when no longer.

    `seen` hears of every renewal, `forgotten` of every end; `proven` tells whether a phone has
    answered an OPTIONS.
    """

    accounts: tuple[PhoneAccount, ...]
    gate: Gate
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
        """Phones that are found at a fixed address."""
        return dict(self._fixed)

    def restore(self, bindings: tuple[Binding, ...]) -> None:
        """Take over bindings kept from before a restart, of phones that still have a secret."""
        for binding in bindings:
            if self.gate.knows(binding.phone) and binding.phone not in self._fixed:
                self.bindings[binding.phone] = binding
                self.emit(PhoneRegistered(binding.phone))

    def learn(self, secrets: Mapping[str, str]) -> None:
        """Take over new secrets: whoever had another one has to register anew."""
        for phone in self.gate.learn(secrets):
            self._gone(phone, "its password was renewed")

    def target(self, phone: str) -> Target | None:
        """Say where `phone` is rung now; None when it is not registered."""
        if phone in self._fixed:
            host, port = self._fixed[phone]
            return Target(f"sip:{phone}@{host}:{port}", (host, port))
        binding = self.bindings.get(phone)
        return Target(binding.contact, binding.source) if binding else None

    def targets(self) -> dict[str, Target]:
        """Return every phone that can be rung, and where."""
        found = {account.name: self.target(account.name) for account in self.accounts}
        return {name: target for name, target in found.items() if target}

    def hosts(self) -> set[str]:
        """Return the hosts at which phones stand."""
        bound = {binding.source[0] for binding in self.bindings.values()}
        return bound | {host for host, _ in self._fixed.values()}

    def is_home(self, phone: str, source: Address) -> bool:
        """Tell whether `phone` has proven itself at exactly this address and port."""
        binding = self.bindings.get(phone)
        return binding is not None and binding.source == source

    def phone_at(self, source: Address, name: str) -> str:
        """Say which phone stands at `source`, "" for none; `name` decides between several.

        One that calls without a name is known by its place alone, where none but it stands; its
        password it has to prove all the same.
        """
        places = {phone: binding.source for phone, binding in self.bindings.items()} | self._fixed
        here = [phone for phone, place in places.items() if place[0] == source[0]]
        exact = [phone for phone in here if places[phone] == source]
        if not name:
            return exact[0] if len(exact) == 1 else ""
        return next((p for p in (*exact, *here) if p == name), "")

    def register(self, message: Message, source: Address, now: float) -> Reply:
        """Serve a REGISTER; returns its response, 200 or a refusal."""
        phone = message.fields.to_user
        at_home = self.is_home(phone, source)
        refusal = self.gate.check(message, phone, source[0], now, at_home=at_home)
        if refusal is not None:
            return refusal
        known = self.bindings.get(phone)
        if known and known.call_id == message.call_id and message.fields.cseq <= known.cseq:
            return Reply(500)  # 10.3 step 7: out of order, the update is not done
        return self._update(phone, message, source, now)

    def expire(self, now: float) -> None:
        """Forget bindings whose time is over."""
        for binding in [b for b in self.bindings.values() if b.expires_at <= now]:
            self._gone(binding.phone, "its registration ran out: it is switched off or unplugged")

    def cut(self, stream: Stream) -> None:
        """Forget the phones that are reached over a connection which broke."""
        for phone in [p for p, binding in self.bindings.items() if binding.source == stream]:
            self._gone(phone, "its connection broke: it is switched off, or on its way back")

    def next_deadline(self) -> float | None:
        """Return when the next binding runs out (monotonic s), None for never."""
        return min((b.expires_at for b in self.bindings.values()), default=None)

    def _update(self, phone: str, message: Message, source: Address, now: float) -> Reply:
        """Take each Contact by itself (10.3 step 7): a phone that moves names its old one, too."""
        wanted = _wanted(message, self.longest)
        lasting = [(uri, seconds) for uri, seconds in wanted if seconds]
        if not lasting:  # it signs off; or it asks what is known (10.2.3)
            self._sign_off(phone, [uri for uri, _ in wanted])
            return self._current(phone, now)
        uri, seconds = lasting[0]
        if read_uri(uri) is None:
            return Reply(400)
        if seconds < MIN_EXPIRES:
            return Reply(423, (("Min-Expires", str(MIN_EXPIRES)),))
        proven = self.proven(phone)
        expires_at = now + min(seconds, self.longest if proven else UNPROVEN_S)
        ident, cseq = message.call_id, message.fields.cseq
        self._bind(Binding(phone, source, uri, expires_at, ident, cseq, proven))
        return self._current(phone, now)

    def _sign_off(self, phone: str, uris: list[str]) -> None:
        binding = self.bindings.get(phone)
        if binding and any(uri == "*" or _is_same(uri, binding.contact) for uri in uris):
            self._gone(phone, "it signed off")

    def _bind(self, binding: Binding) -> None:
        phone = binding.phone
        is_new = phone not in self.bindings
        self.bindings[phone] = binding
        if is_new:
            self.emit(PhoneRegistered(phone))
        else:
            self.seen(phone)

    def _gone(self, phone: str, reason: str) -> None:
        if self.bindings.pop(phone, None) is not None and phone not in self._fixed:
            self.forgotten(phone)
            self.emit(PhoneGone(phone, reason))

    def _current(self, phone: str, now: float) -> Reply:
        binding = self.bindings.get(phone)
        if binding is None:
            return Reply(200)
        remaining = max(1, round(binding.expires_at - now))
        return Reply(200, (("Contact", f"<{binding.contact}>;expires={remaining}"),))


def _wanted(message: Message, default: int) -> list[tuple[str, int]]:
    """Return each Contact's URI and seconds: its own, else Expires, else `default` (10.3)."""
    contacts = [read_name_address(value) for value in message.all("Contact")]
    general = _seconds(message.get("Expires"), default, default)
    return [(c.uri, _seconds(c.parameters.get("expires", ""), general, default)) for c in contacts]


def _seconds(text: str, default: int, longest: int) -> int:
    return min(int(text[:10]), longest) if text.isascii() and text.isdigit() else default


def _is_same(one: str, other: str) -> bool:
    """Tell whether two URIs name the same user at the same place (19.1.4, parameters apart)."""
    a, b = read_uri(one), read_uri(other)
    if a is None or b is None:
        return False
    return (a.user, a.host, a.port) == (b.user, b.host, b.port)
