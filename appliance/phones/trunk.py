"""Callers handed over between branches: what their INVITE says, and what is read of one.

Who calls in P-Asserted-Identity and From, or nobody where the number is withheld (RFC 3325, RFC
3323); why it goes on in Diversion (RFC 5806) and History-Info (RFC 7044). A mark of our own counts
the hands: a caller who was handed over once is never handed over again.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from appliance.calls.events import Caller, Passed, Presentation
from appliance.phones.canonical import Headers
from appliance.phones.dialog import AGENT
from appliance.phones.message import Message
from appliance.phones.registrar import Target
from appliance.phones.rtp import Address
from appliance.phones.settings import RegistrarAccount
from appliance.phones.uri import NameAddress, read_name_address, read_uri, split_outside

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


def target(account: RegistrarAccount, name: str) -> Target | None:
    """Say where a branch is rung: at the proxy; None for a name that is no branch's."""
    if name not in account.branches:
        return None
    return Target(_uri(account, name)[1:-1], account.address)


def party(account: RegistrarAccount, number: str) -> str:
    """Return the From of a caller who is handed over; "" for a number that is not to be told."""
    if not _NUMBER.fullmatch(number):
        return ANONYMOUS
    return f'"{number}" {_uri(account, number)}'


def told(account: RegistrarAccount, branch: str, number: str, passed: Passed) -> Headers:
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


def is_called(account: RegistrarAccount | None, message: Message, source: Address) -> bool:
    """Tell whether an INVITE is a caller handed over to us: from the proxy itself, for us.

    The proxy puts our Contact, or our account, into the request's URI; To may name a whole group.
    """
    if account is None or not account.takes or source != account.address:
        return False
    uri = read_uri(message.uri)
    return uri is not None and uri.user in {AGENT, account.user}


def is_loop(account: RegistrarAccount, message: Message) -> bool:
    """Tell whether a caller was handed over too often, or once by ourselves."""
    hops = message.get(HOPS, "0")
    if not (hops.isascii() and hops.isdigit()) or int(hops[:9]) > MAX_HOPS:
        return True
    past = (*_values(message, "Diversion"), *_values(message, "History-Info")[:-1])
    return account.user in {_user(read_name_address(value)) for value in past}


def origin_of(message: Message) -> str:
    """Name the account that hands a caller over, "" where it does not say (a telephone system)."""
    user = _user(read_name_address(message.get("Diversion")))
    return user if _ACCOUNT.fullmatch(user) else ""


def caller_of(message: Message) -> Caller:
    """Say who calls; a number that is to be kept back is not even read."""
    if HIDING.search(message.get("Privacy").lower()):
        return Caller(Presentation.WITHHELD)
    named = (message.get("P-Asserted-Identity"), message.get("From"))
    users = (_user(read_name_address(value)) for value in named)
    number = next((user for user in users if _NUMBER.fullmatch(user)), "")
    if number and read_name_address(named[1]).uri.lower().startswith("sip:anonymous@"):
        return Caller(Presentation.WITHHELD)  # RFC 3325 7: asserted for the proxy alone
    return Caller(Presentation.SHOWN, number) if number else Caller(Presentation.UNAVAILABLE)


def _values(message: Message, name: str) -> list[str]:
    """Return every address of a header: a proxy may have put several into one (RFC 3261 7.3.1)."""
    return [one for line in message.all(name) for one in split_outside(line, ",")]


def _user(value: NameAddress) -> str:
    uri = read_uri(value.uri)
    return uri.user if uri else ""


def _uri(account: RegistrarAccount, user: str) -> str:
    host, port = account.address
    return f"<sip:{quote(user, safe='+')}@{host}:{port}>"
