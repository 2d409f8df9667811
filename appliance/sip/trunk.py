"""SIP trunk: registration and state."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from appliance.calls.events import Caller, Passed, Presentation
from appliance.sip.dialog import AGENT, Dialog, SipCore, contact
from appliance.sip.message import (
    Headers,
    NameAddress,
    SipMessage,
    read_name_address,
    read_uri,
    split_outside,
)
from appliance.sip.registrar import DigestLogin, RegistrarAccount, RingTarget
from appliance.sip.rtp import Address
from appliance.sip.transactions import TransactionAction

# ---- registration ------------------------------------------------------------------------------
# The box's own registration at a telephone system or proxy (RFC 3261 10.2), kept up for ever.
#
# Asked again half way through; without an answer, or with a network that is gone, after pauses that
# grow and are drawn by lot (RFC 5626 4.5), so that many boxes do not all come at once to a
# registrar that has been away: within 35 s of its return each is registered again.

WANTED = 120
"""Seconds a registration is asked for."""
LEAST = 10
"""Seconds: what is believed at the least of what was granted."""
RETRY = 4.0
"""Seconds until the next try after silence or a network that refuses; doubled each time."""
LONGEST_RETRY = 30.0
"""Seconds to which that grows: then whether the other branches are there is asked as rarely."""
RETRY_REFUSED = 60.0
"""Seconds until the next try after a refusal: somebody has to change something first."""
DOUBLINGS = 3
"""More than these lead above the longest."""
ANSWER_LIMIT = 4.0
"""Seconds an answer is waited for (as long as a phone's to an INVITE)."""
MAX_TRIES = 3
"""Answers to challenges in a row; more would be a wrong password told for ever."""


class RegistrationState(enum.StrEnum):
    """How the box stands with its registrar."""

    ASKING = "asking"  # for the first time
    REGISTERED = "registered"
    SILENT = "silent"  # no answer, or no network to it
    REFUSED = "refused"  # name or password


@dataclass(slots=True)
class TrunkRegistration:
    """Keeps the box registered; `standing` says how that goes."""

    core: SipCore
    login: DigestLogin
    standing: RegistrationState = RegistrationState.ASKING
    _call_id: str = ""
    _tag: str = ""
    _cseq: int = 0
    _branch: str = ""
    _tries: int = 0
    _failures: int = 0
    _seconds: int = WANTED
    _next: float | None = None
    _answer_by: float | None = None
    _credentials: Headers = field(default_factory=tuple)

    def start(self, now: float) -> None:
        """Register for the first time."""
        self._call_id, self._tag = self.core.token(16), self.core.token()
        self._begin(now)

    def stop(self, now: float) -> None:
        """Sign off; nothing is waited for."""
        if self.standing is RegistrationState.REGISTERED:
            self._send(0, now)
        self.standing, self._next, self._answer_by = RegistrationState.ASKING, None, None

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        return min((at for at in (self._next, self._answer_by) if at is not None), default=None)

    def advance(self, now: float) -> None:
        """Do whatever has become due by `now`."""
        if self._answer_by is not None and self._answer_by <= now:
            self.core.transactions.forget((self._branch, "REGISTER"))
            self._silent(now)
        if self._next is not None and self._next <= now:
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._tries, self._credentials = 0, ()
        self._send(self._seconds, now)

    def _send(self, seconds: int, now: float) -> None:
        login, local = self.login, self.core.local(self.login.address)
        host, port = login.address
        party = f"<sip:{login.user}@{host}>"
        dialog = Dialog(self._call_id, party, self._tag, party, f"sip:{host}:{port}", login.address)
        self._cseq += 1
        self._branch = branch = self.core.branch()
        extra = (
            ("Contact", contact(local)),
            ("Expires", str(seconds)),
            ("User-Agent", "centralino"),
            *self._credentials,
        )
        data = dialog.request("REGISTER", self._cseq, branch, local, extra)

        def learn(what: TransactionAction, message: SipMessage | None, now: float) -> None:
            """Hear of this REGISTER only while it is the newest."""
            if branch == self._branch and self._answer_by is not None:
                self._learn(what, message, now)

        self._next, self._answer_by = None, now + ANSWER_LIMIT
        key = (branch, "REGISTER")
        self.core.transactions.request(key, data, login.address, learn, now)

    def _learn(self, what: TransactionAction, message: SipMessage | None, now: float) -> None:
        if what is TransactionAction.FAILED:
            self._silent(now)
        elif what is TransactionAction.PASS and message is not None:
            self._answered(message, now)

    def _answered(self, message: SipMessage, now: float) -> None:
        if message.code < 300:
            self._accepted(message, now)
        elif self._tries < MAX_TRIES and self._can_ask_again(message):
            self._tries += 1
            self._send(self._seconds, now)
        else:
            self._failed(RegistrationState.REFUSED, now + RETRY_REFUSED)

    def _can_ask_again(self, message: SipMessage) -> bool:
        if message.code == 423:
            least = message.get("Min-Expires")
            shorter, self._seconds = self._seconds, int(least) if _is_number(least) else 0
            return self._seconds > shorter
        address = self.login.address
        uri = f"sip:{address[0]}:{address[1]}"
        answer = self.login.answer(message, "REGISTER", uri, address)
        self._credentials = (answer,) if answer else ()
        return bool(answer)

    def _accepted(self, message: SipMessage, now: float) -> None:
        self.standing, self._answer_by, self._failures = RegistrationState.REGISTERED, None, 0
        self._next = now + max(self._granted(message), LEAST) / 2

    def _granted(self, message: SipMessage) -> int:
        """Return the seconds that our own contact was given (10.2.4): others may stand there."""
        own = read_name_address(contact(self.core.local(self.login.address))).uri
        for value in message.all("Contact"):
            binding = read_name_address(value)
            seconds = binding.parameters.get("expires", "")
            if binding.uri.partition(";")[0] == own and _is_number(seconds):
                return int(seconds)
        expires = message.get("Expires")
        return int(expires) if _is_number(expires) else self._seconds

    def _silent(self, now: float) -> None:
        """Wait a lot's share, half of it or more, of a pause that grows with each failure."""
        pause = min(RETRY * 2 ** min(self._failures, DOUBLINGS), LONGEST_RETRY)
        self._failures += 1
        self._failed(RegistrationState.SILENT, now + pause * (1 + self.core.random(1)[0] / 255) / 2)

    def _failed(self, standing: RegistrationState, again_at: float) -> None:
        self.standing, self._answer_by, self._next = standing, None, again_at


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,7}", text) is not None


# ---- trunk -------------------------------------------------------------------------------------
# Callers handed over between branches: what their INVITE says, and what is read of one.
#
# Who calls in P-Asserted-Identity and From, or nobody where the number is withheld (RFC 3325, RFC
# 3323); why it goes on in Diversion (RFC 5806) and History-Info (RFC 7044). A mark of our own
# counts the hands: a caller who was handed over once is never handed over again.

HOPS = "X-Centralino-Hops"
MAX_HOPS = 1
"""A branch that is asked may answer or refuse: whoever handed the caller over decides anew."""
CAUSES = {"user-busy": 486, "no-answer": 408, "deflection": 302}
"""The response that a reason stands for (RFC 4458 2); 480 for the rest."""
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""RFC 3323 4.1.1.3."""
HIDING = re.compile(r"\b(?:id|header|user|critical)\b")
"""Words of Privacy by which a caller asks that the identity be kept back (RFC 3323, 3325)."""
_NUMBER = re.compile(r"\+?[0-9]{1,20}")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


def branch_target(account: RegistrarAccount, name: str) -> RingTarget | None:
    """Say where a branch is rung: at the proxy; None for a name that is no branch's."""
    if name not in account.branches:
        return None
    return RingTarget(_uri(account, name)[1:-1], account.address)


def trunk_party(account: RegistrarAccount, number: str) -> str:
    """Return the From of a caller who is handed over; "" for a number that is not to be told."""
    if not _NUMBER.fullmatch(number):
        return ANONYMOUS
    return f'"{number}" {_uri(account, number)}'


def trunk_headers(account: RegistrarAccount, branch: str, number: str, passed: Passed) -> Headers:
    """Return what else the INVITE to a branch says; `number` as in `party`."""
    own, cause = _uri(account, account.user), CAUSES.get(passed.why, 480)
    is_told = _NUMBER.fullmatch(number) and not passed.withheld
    asserted = (("P-Asserted-Identity", _uri(account, number)),) if is_told else ()
    privacy = (("Privacy", "id"),) if passed.withheld else ()
    return (
        *asserted,
        *privacy,
        ("Diversion", f"{own};reason={passed.why};counter=1"),
        ("History-Info", f"<{own[1:-1]}?Reason=SIP%3Bcause%3D{cause}>;index=1"),
        ("History-Info", f"{_uri(account, branch)};index=1.1;mp=1"),
        (HOPS, "1"),
    )


def is_trunk_call(account: RegistrarAccount | None, message: SipMessage, source: Address) -> bool:
    """Tell whether an INVITE is a caller handed over to us: from the proxy itself, for us.

    The proxy puts our Contact, or our account, into the request's URI; To may name a whole group.
    """
    if account is None or not account.takes or source != account.address:
        return False
    uri = read_uri(message.uri)
    return uri is not None and uri.user in {AGENT, account.user}


def is_loop(account: RegistrarAccount, message: SipMessage) -> bool:
    """Tell whether a caller was handed over too often, or once by ourselves."""
    hops = message.get(HOPS, "0")
    if not (hops.isascii() and hops.isdigit()) or int(hops[:9]) > MAX_HOPS:
        return True
    past = (*_values(message, "Diversion"), *_values(message, "History-Info")[:-1])
    return account.user in {_user(read_name_address(value)) for value in past}


def origin_of(message: SipMessage) -> str:
    """Name the account that hands a caller over, "" where it does not say (a telephone system)."""
    user = _user(read_name_address(message.get("Diversion")))
    return user if _ACCOUNT.fullmatch(user) else ""


def caller_of(message: SipMessage) -> Caller:
    """Say who calls; a number that is to be kept back is not even read."""
    if HIDING.search(message.get("Privacy").lower()):
        return Caller(Presentation.WITHHELD)
    named = (message.get("P-Asserted-Identity"), message.get("From"))
    users = (_user(read_name_address(value)) for value in named)
    number = next((user for user in users if _NUMBER.fullmatch(user)), "")
    if number and read_name_address(named[1]).uri.lower().startswith("sip:anonymous@"):
        return Caller(Presentation.WITHHELD)  # RFC 3325 7: asserted for the proxy alone
    return Caller(Presentation.SHOWN, number) if number else Caller(Presentation.UNAVAILABLE)


def _values(message: SipMessage, name: str) -> list[str]:
    """Return every address of a header: a proxy may have put several into one (RFC 3261 7.3.1)."""
    return [one for line in message.all(name) for one in split_outside(line, ",")]


def _user(value: NameAddress) -> str:
    uri = read_uri(value.uri)
    return uri.user if uri else ""


def _uri(account: RegistrarAccount, user: str) -> str:
    host, port = account.address
    return f"<sip:{quote(user, safe='+')}@{host}:{port}>"
