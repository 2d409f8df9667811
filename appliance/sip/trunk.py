"""SIP trunk: the box's own registration, and callers handed over between branches."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from appliance.calls.events import Caller, Passed, Presentation
from appliance.deadlines import earliest, is_due
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

# ---- Registration at a telephone system or proxy (RFC 3261 10.2), kept up for ever
# Renewed after half its time. Without an answer or a network it is retried after growing random
# pauses (RFC 5626 4.5), so that many boxes do not all come at once to a registrar that has been
# away: within 35 s of its return each is registered again.

# Seconds a registration is asked for.
WANTED = 120
# Seconds: a shorter grant is not believed.
LEAST = 10
# Seconds until the next try after silence or a network error; doubled each time.
RETRY = 4.0
# Seconds to which that pause grows; the other branches are then asked as rarely whether they are
# there.
LONGEST_RETRY = 30.0
# Seconds until the next try after a refusal: somebody has to change something first.
RETRY_REFUSED = 60.0
# More than these lead above LONGEST_RETRY.
DOUBLINGS = 3
# Seconds to wait for an answer (as for a phone's to an INVITE).
ANSWER_LIMIT = 4.0
# Challenges answered in a row; more would send a wrong password for ever.
MAX_TRIES = 3


class RegistrationState(enum.StrEnum):
    """State of the box's registration."""

    ASKING = "asking"  # for the first time
    REGISTERED = "registered"
    SILENT = "silent"  # no answer, or no network to it
    REFUSED = "refused"  # name or password


@dataclass(slots=True)
class TrunkRegistration:
    """Keeps the box registered; `state` is that of the registration."""

    core: SipCore
    login: DigestLogin
    state: RegistrationState = RegistrationState.ASKING
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
        # One Call-ID for all registrations of this start, with a counted CSeq (10.2).
        self._call_id, self._tag = self.core.token(16), self.core.token()
        self._begin(now)

    def stop(self, now: float) -> None:
        """Remove the registration, without waiting for the answer."""
        if self.state is RegistrationState.REGISTERED:
            self._send(0, now)
        self.state, self._next, self._answer_by = RegistrationState.ASKING, None, None

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        return earliest((self._next, self._answer_by))

    def advance(self, now: float) -> None:
        """Run every timer that is due by `now`."""
        if is_due(self._answer_by, now):
            # Else it would be repeated beside the next one.
            self.core.transactions.forget((self._branch, "REGISTER"))
            self._silent(now)
        if is_due(self._next, now):
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
            """Handle the outcome of this REGISTER only while it is the newest."""
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
            # 10.3 step 7: 423 names the shortest registration that is granted.
            least = message.get("Min-Expires")
            shorter, self._seconds = self._seconds, int(least) if _is_number(least) else 0
            return self._seconds > shorter
        address = self.login.address
        uri = f"sip:{address[0]}:{address[1]}"
        answer = self.login.answer(message, "REGISTER", uri, address)
        self._credentials = (answer,) if answer else ()
        return bool(answer)

    def _accepted(self, message: SipMessage, now: float) -> None:
        self.state, self._answer_by, self._failures = RegistrationState.REGISTERED, None, 0
        self._next = now + max(self._granted(message), LEAST) / 2

    def _granted(self, message: SipMessage) -> int:
        """Return the seconds granted to our own Contact (10.2.4)."""
        own = read_name_address(contact(self.core.local(self.login.address))).uri
        # The 200 lists every Contact of the account: others may have registered there.
        for value in message.all("Contact"):
            binding = read_name_address(value)
            seconds = binding.parameters.get("expires", "")
            if binding.uri.partition(";")[0] == own and _is_number(seconds):
                return int(seconds)
        expires = message.get("Expires")
        return int(expires) if _is_number(expires) else self._seconds

    def _silent(self, now: float) -> None:
        """Schedule the next try after a pause that grows with each failure."""
        pause = min(RETRY * 2 ** min(self._failures, DOUBLINGS), LONGEST_RETRY)
        self._failures += 1
        # Half of the pause or more, at random (RFC 5626 4.5).
        self._failed(RegistrationState.SILENT, now + pause * (1 + self.core.random(1)[0] / 255) / 2)

    def _failed(self, state: RegistrationState, again_at: float) -> None:
        self.state, self._answer_by, self._next = state, None, again_at


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,7}", text) is not None


# ---- Callers handed over between branches: what their INVITE says, and how one is read
# The caller is in P-Asserted-Identity and From, or nobody where the number is withheld (RFC 3325,
# RFC 3323); why the call goes on is in Diversion (RFC 5806) and History-Info (RFC 7044). A header
# of our own counts the handovers: a caller who was handed over once is not handed over again.

HOPS = "X-Centralino-Hops"
# A branch may answer or refuse: the side that handed the caller over then decides anew.
MAX_HOPS = 1
# The response that a reason stands for (RFC 4458 2); 480 for the rest.
CAUSES = {"user-busy": 486, "no-answer": 408, "deflection": 302}
# RFC 3323 4.1.1.3.
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
# Values of Privacy by which a caller asks that the identity be withheld (RFC 3323, 3325).
HIDING = re.compile(r"\b(?:id|header|user|critical)\b")
_NUMBER = re.compile(r"\+?[0-9]{1,20}")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


def branch_target(account: RegistrarAccount, name: str) -> RingTarget | None:
    """Return where a branch is rung: at the proxy; None for an unknown name."""
    if name not in account.branches:
        return None
    return RingTarget(_uri(account, name)[1:-1], account.address)


def trunk_party(account: RegistrarAccount, number: str) -> str:
    """Return the From of a caller who is handed over; `number` is "" if it must not be told."""
    if not _NUMBER.fullmatch(number):
        return ANONYMOUS
    return f'"{number}" {_uri(account, number)}'


def trunk_headers(account: RegistrarAccount, branch: str, number: str, passed: Passed) -> Headers:
    """Return the other headers of the INVITE to a branch; `number` as in `trunk_party`."""
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
    """Return whether an INVITE is a caller handed over to us: from the proxy itself, for us."""
    if account is None or not account.takes or source != account.address:
        return False
    # The proxy puts our Contact, or our account, into the request's URI; To may name a whole group.
    uri = read_uri(message.uri)
    return uri is not None and uri.user in {AGENT, account.user}


def is_loop(account: RegistrarAccount, message: SipMessage) -> bool:
    """Return whether a caller was handed over too often, or once by ourselves."""
    hops = message.get(HOPS, "0")
    if not (hops.isascii() and hops.isdigit()) or int(hops[:9]) > MAX_HOPS:
        return True
    # The last entry of History-Info is the present target: ourselves.
    past = (*_values(message, "Diversion"), *_values(message, "History-Info")[:-1])
    return account.user in {_user(read_name_address(value)) for value in past}


def origin_of(message: SipMessage) -> str:
    """Return the account that hands a caller over; "" without one (a telephone system)."""
    user = _user(read_name_address(message.get("Diversion")))
    return user if _ACCOUNT.fullmatch(user) else ""


def caller_of(message: SipMessage) -> Caller:
    """Return who calls."""
    # A number to be withheld is not even read.
    if HIDING.search(message.get("Privacy").lower()):
        return Caller(Presentation.WITHHELD)
    named = (message.get("P-Asserted-Identity"), message.get("From"))
    users = (_user(read_name_address(value)) for value in named)
    number = next((user for user in users if _NUMBER.fullmatch(user)), "")
    if number and read_name_address(named[1]).uri.lower().startswith("sip:anonymous@"):
        # RFC 3325 7: asserted for the proxy alone.
        return Caller(Presentation.WITHHELD)
    return Caller(Presentation.SHOWN, number) if number else Caller(Presentation.UNAVAILABLE)


def _values(message: SipMessage, name: str) -> list[str]:
    """Return every address of a header; several may share one line (RFC 3261 7.3.1)."""
    return [one for line in message.all(name) for one in split_outside(line, ",")]


def _user(value: NameAddress) -> str:
    uri = read_uri(value.uri)
    return uri.user if uri else ""


def _uri(account: RegistrarAccount, user: str) -> str:
    host, port = account.address
    return f"<sip:{quote(user, safe='+')}@{host}:{port}>"
