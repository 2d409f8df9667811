"""One spelling for every head: what pyVoIP's header parser reads whole, and the top Via.

That parser splits lines at ": ", knows long names in their usual case only and loses the rest
(pyvoip.md 2, last table), so it is given text in which nothing can be lost.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from appliance.phones.rtp import Address
from appliance.phones.uri import Stream, read_name_address, read_parameters, read_uri, split_outside

Headers = tuple[tuple[str, str], ...]
"""Names in canonical spelling with their values, in order."""

NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")

_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(\w+)\s+(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?:\s*:\s*(\d{1,5}))?",
    re.IGNORECASE,
)
_CSEQ = re.compile(r"(\d{1,10})\s+([A-Za-z]+)")
_TOKEN = re.compile(r"[^\s;,:<>\"=]{1,256}")


def canonical(heading: str, headers: Headers) -> bytes:
    """Write the head as pyVoIP's header parser reads it whole; raises ValueError."""
    first = dict(reversed(headers))
    if missing := [name for name in NEEDED if name not in first]:
        raise ValueError(f"no {missing[0]}")
    lines = [
        heading,
        f"Via: {_canonical_via(first['Via'])}",
        f"From: {_canonical_party(first['From'])}",
        f"To: {_canonical_party(first['To'])}",
        f"Call-ID: {first['Call-ID'].replace(': ', ':')}",
        f"CSeq: {_canonical_cseq(first['CSeq'])}",
    ]
    if "Authorization" in first:
        lines.append(f"Authorization: {first['Authorization'].replace(': ', ':')}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _canonical_via(value: str) -> str:
    found = _VIA.match(value)
    if found is None:
        raise ValueError("no readable Via")
    branch = via_parameters(value).get("branch", "")
    port = int(found[3] or 5060)
    if not 0 < port < 0x10000:
        raise ValueError("no port in Via")
    safe = branch if _TOKEN.fullmatch(branch) else ""
    return f"SIP/2.0/{found[1].upper()} {found[2]}:{port};branch={safe}"


def _canonical_party(value: str) -> str:
    party = read_name_address(value)
    uri = read_uri(party.uri)
    user, host = (uri.user, uri.host) if uri else ("", "unknown")
    tag = f";tag={party.tag}" if _TOKEN.fullmatch(party.tag) else ""
    return f"<sip:{quote(user, safe='')}@{host}>{tag}"


def _canonical_cseq(value: str) -> str:
    found = _CSEQ.fullmatch(value)
    if found is None:
        raise ValueError("no readable CSeq")
    return f"{int(found[1])} {found[2].upper()}"


def via_parameters(value: str) -> dict[str, str]:
    """Return the parameters of a Via value; a bare name has the value ""."""
    return read_parameters(split_outside(value, ";")[1:])


def reply_address(via: str, sent_by: Address, source: Address) -> Address:
    """Say where a response goes: back to the port it came from with rport, else to sent-by's.

    Always to the host it came from (RFC 3261 18.2.2 `received`, RFC 3581 4), and over a connection
    always back by it.
    """
    if isinstance(source, Stream):
        return source
    return source if "rport" in via_parameters(via) else (source[0], sent_by[1])


def stamped_via(via: str, source: Address) -> str:
    """Return a top Via with `received` and `rport` as RFC 3581 4 wants them in the response."""
    kept = [
        part
        for part in split_outside(via, ";")
        if part.partition("=")[0].strip().lower() not in {"rport", "received"}
    ]
    if "rport" in via_parameters(via):
        kept.append(f"rport={source[1]}")
    return ";".join([*kept, f"received={source[0]}"])
