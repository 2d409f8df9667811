"""Datagrams read in every spelling that phones use (pyvoip.md 2, the fuzz row; RFC 4475)."""

from __future__ import annotations

import pytest

from appliance.sip.message import (
    LIMIT,
    SipMessage,
    Unreadable,
    quoted_display,
    read,
    read_name_address,
    read_parameters,
    read_uri,
    split_outside,
    write_message,
)
from appliance.sip.pyvoip import parse

PLAIN = (
    "INVITE sip:*811@192.0.2.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKa;rport\r\n"
    "Via: SIP/2.0/UDP 192.0.2.8:5070;branch=z9hG4bKb\r\n"
    "Record-Route: <sip:192.0.2.8;lr>\r\n"
    "Record-Route: <sip:192.0.2.9;lr>\r\n"
    "Max-Forwards: 70\r\n"
    'From: "Ufficio" <sip:21@192.0.2.1>;tag=abc\r\n'
    "To: <sip:*811@192.0.2.1>\r\n"
    "Call-ID: one@192.0.2.21\r\n"
    "CSeq: 7 INVITE\r\n"
    "Contact: <sip:21@192.0.2.21:5060>\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 4\r\n"
    "\r\n"
    "v=0\n"
)


def facts(message: SipMessage | None) -> tuple[object, ...]:
    """Return what a call depends on."""
    assert message is not None
    return (
        message.method,
        message.uri,
        message.call_id,
        message.fields,
        message.contact,
        message.all("Record-Route"),
        len(message.all("Via")),
        message.body,
        message.get("Content-Type"),
    )


EXPECTED = facts(read(PLAIN.encode(), parse))

SPELLINGS = {
    "compact names": PLAIN.replace("Via:", "v:")
    .replace("From:", "f:")
    .replace("To:", "t:")
    .replace("Call-ID:", "i:")
    .replace("Contact:", "m:")
    .replace("Content-Type:", "c:")
    .replace("Content-Length:", "l:"),
    "lower case": "\r\n".join(
        line.partition(":")[0].lower() + ":" + line.partition(":")[2] if n else line
        for n, line in enumerate(PLAIN.partition("\r\n\r\n")[0].split("\r\n"))
    )
    + "\r\n\r\nv=0\n",
    "upper case and another Call-Id": PLAIN.replace("Call-ID", "Call-Id").replace("Via", "VIA"),
    "no blank after the colon": PLAIN.replace(": ", ":"),
    "blanks before the colon": PLAIN.replace("From:", "From \t:").replace("CSeq:", "CSeq   :"),
    "many blanks": PLAIN.replace("CSeq: 7 INVITE", "CSeq:    0007    INVITE").replace(
        "INVITE sip", "INVITE  sip"
    ),
    "folded lines": PLAIN.replace(";branch=z9hG4bKa", "\r\n ;branch=z9hG4bKa").replace(
        "From: ", "From:\r\n\t"
    ),
    "one line for several": PLAIN.replace("z9hG4bKa;rport\r\nVia: ", "z9hG4bKa;rport , ").replace(
        ";lr>\r\nRecord-Route: ", ";lr>,"
    ),
    "bare line feeds": PLAIN.replace("\r\n", "\n"),
    "a quoted name with colon and comma": PLAIN.replace(
        '"Ufficio"', '"Uff: a, b; tag=no <sip:x@y>; \\" "'
    ),
    "a bare address": PLAIN.replace(
        '"Ufficio" <sip:21@192.0.2.1>;tag=abc', "sip:21@192.0.2.1;tag=abc"
    ),
    "other parameters": PLAIN.replace(";tag=abc", ";x=y;TAG=abc;epid=99"),
    "a longer body than said": PLAIN + "more",
    "line ends before it": "\r\n\r\n" + PLAIN,
    "a lower case branch name": PLAIN.replace("branch=", "BRANCH ="),
    "blanks in Via": PLAIN.replace("SIP/2.0/UDP 192.0.2.21:", "SIP / 2.0 / udp   192.0.2.21 : "),
    "headers said twice": PLAIN.replace("Call-ID", "CSeq: 9 BYE\r\nCall-ID", 1).replace(
        "CSeq: 9 BYE\r\nCall-ID: one@192.0.2.21\r\n",
        "Call-ID: one@192.0.2.21\r\nCall-ID: two\r\n",
    ),
    "a line that is no header": PLAIN.replace("CSeq", "nonsense\r\nCSeq", 1),
    "lower case start line": PLAIN.replace("INVITE sip", "invite sip", 1).replace(
        "SIP/2.0\r\n", "sip/2.0\r\n", 1
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_reads_the_same(name: str) -> None:
    """Whatever RFC 3261 allows, and phones do, is one message; stock answers none of these."""
    assert SPELLINGS[name] != PLAIN
    assert facts(read(SPELLINGS[name].encode(), parse)) == EXPECTED


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0", b" \t\r\n\0"])
def test_keep_alives_are_nothing(data: bytes) -> None:
    """CRLF and NUL keep-alives are no message and no mistake (RFC 5626 3.5.1)."""
    assert read(data, parse) is None


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ("nonsense", None),
        ("GET / HTTP/1.1\r\n\r\n", None),
        ("SIP/2.0 200\r\n\r\n", None),
        (PLAIN.replace("CSeq: 7 INVITE\r\n", ""), None),
        (PLAIN.replace("Call-ID: one@192.0.2.21\r\n", ""), None),
        (PLAIN.replace("Via: ", "X: "), None),
        (PLAIN.replace("CSeq: 7 INVITE", "CSeq: x INVITE"), 400),
        (PLAIN.replace("CSeq: 7 INVITE", "CSeq: 7 BYE"), 400),
        (PLAIN.replace("CSeq: 7 INVITE", "CSeq: 2147483648 INVITE"), 400),
        (PLAIN.replace("Via: SIP/2.0/UDP 192.0.2.21:5060", "Via: nothing"), 400),
        (PLAIN.replace("192.0.2.21:5060;branch", "192.0.2.21:99999;branch"), 400),
        (PLAIN.replace("192.0.2.21:5060;branch", "[::1]:5060;branch"), 400),
        (PLAIN.replace("Content-Length: 4", "Content-Length: 400"), 400),
        (PLAIN.replace("Content-Length: 4", "Content-Length: -4"), 400),
        (PLAIN.replace("Content-Length: 4", "Content-Length: four"), 400),
        (PLAIN.replace("INVITE", "DANCE"), 501),
        (PLAIN + "x" * LIMIT, None),
    ],
)
def test_nonsense(data: str, answer: int | None) -> None:
    """What is no SIP is told as such; a request that is half readable is answered."""
    with pytest.raises(Unreadable) as caught:
        read(data.encode(), parse)
    assert (caught.value.answer or (None,))[0] == answer


def test_a_response() -> None:
    """Code and method of a response; an unknown code is kept, though pyVoIP's enum lacks it."""
    for code in (180, 499, 699):
        head = PLAIN.replace("INVITE sip:*811@192.0.2.1 SIP/2.0", f"SIP/2.0 {code} So be it")
        message = read(head.encode(), parse)
        assert message
        assert (message.code, message.method, message.is_response) == (code, "INVITE", True)


def test_a_broken_response_is_not_answered() -> None:
    """Nobody answers a response (RFC 3261 18.3)."""
    head = PLAIN.replace("INVITE sip:*811@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK")
    with pytest.raises(Unreadable) as caught:
        read(head.replace("Content-Length: 4", "Content-Length: 9").encode(), parse)
    assert caught.value.answer is None


@pytest.mark.parametrize(
    "uri", ["tel:+39051", "sips:21@192.0.2.1", "sip:21:pw@192.0.2.1;user=phone"]
)
def test_other_addresses(uri: str) -> None:
    """Addresses that are no plain sip: URI do no harm; pyVoIP alone raises at tel: and sips:."""
    message = read(PLAIN.replace("sip:21@192.0.2.1", uri).encode(), parse)
    assert message
    assert message.fields.from_user == ("" if uri.startswith("tel") else "21")
    assert message.fields.from_tag == "abc"


def test_a_user_with_signs() -> None:
    """Escaped and odd users come through pyVoIP's parser whole."""
    for user, meant in {"a%40b": "a@b", "%23811": "#811", "x%3Btag%3Dy": "x;tag=y"}.items():
        message = read(PLAIN.replace("sip:21@", f"sip:{user}@").encode(), parse)
        assert message
        assert message.fields.from_user == meant


def test_control_characters_reach_nobody() -> None:
    """What is echoed in a response can hold no line end (header injection)."""
    message = read(PLAIN.replace("one@", "one\0\x1b\x0b@").encode(), parse)
    assert message
    assert message.call_id == "one   @192.0.2.21"


def test_write_counts_bytes() -> None:
    """Content-Length counts bytes, not letters."""
    data = write_message("OPTIONS sip:x SIP/2.0", (("To", "<sip:x>"),), "s=è\r\n")
    assert b"Content-Length: 6\r\n\r\ns=\xc3\xa8\r\n" in data


# --- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("sip:21@192.0.2.1", "21", "192.0.2.1", 5060),
        ("SIP:192.0.2.1:5070;lr", "", "192.0.2.1", 5070),
        ("sip:a%20b@host.lan?x=y", "a b", "host.lan", 5060),
        ("sip:1@[::1]:7", "1", "[::1]", 7),
    ],
)
def test_uris(text: str, user: str, host: str, port: int) -> None:
    """User, host and port of a SIP URI."""
    uri = read_uri(text)
    assert uri
    assert (uri.user, uri.host, uri.port) == (user, host, port)


@pytest.mark.parametrize(
    "text", ["", "tel:1", "http://x", "sip:", "*", "sip:@", "sip:2 1.9:5060", "sip:a@b<c"]
)
def test_no_uris(text: str) -> None:
    """Anything else is none."""
    assert read_uri(text) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:192.0.2.1", ("192.0.2.1", 5060)),
        ("sip:phone.lan", None),
        ("sip:192.0.2.999", None),
        ("sip:192.0.2.1:0", None),
        ("sip:192.0.2.1:70000", None),
    ],
)
def test_where_a_uri_leads(text: str, address: tuple[str, int] | None) -> None:
    """Only IPv4 addresses are sent to."""
    uri = read_uri(text)
    assert uri
    assert uri.address == address


def test_name_addresses() -> None:
    """Names, with quotes and without, an unclosed one, and parameters."""
    assert read_name_address('"A \\"B\\" \\\\" <sip:x>;tag=1').display == 'A "B" \\'
    assert read_name_address("Ada Rossi <sip:x>").display == "Ada Rossi"
    assert read_name_address('"never closed <sip:x>').uri == '"never closed <sip:x>'
    assert read_name_address("<sip:x;lr>").parameters == {}
    assert read_name_address("<sip:x").uri == "<sip:x"
    assert read_parameters(["a=1", "A=2", "b", 'c="d e"']) == {"a": "1", "b": "", "c": "d e"}


def test_splitting() -> None:
    """Separators inside quotes and brackets part nothing."""
    assert split_outside('"a,b" <x,y>, c ,"\\","', ",") == ['"a,b" <x,y>', "c", '"\\","']


def test_display_names_end_nowhere_but_at_their_end() -> None:
    """Nothing a caller is called can leave the quotes (reliability.md 3)."""
    assert quoted_display('x" <sip:evil>\r\nVia: y\\') == '"x sip:evilVia: y"'
    assert len(quoted_display("x" * 500)) == 66
