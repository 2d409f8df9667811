"""Values of the card's file: text, network, sockets, keys."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.bootfile.read import MakingContext, make_configuration, read_file
from appliance.bootfile.values import (
    LARGEST_FILE,
    CardLine,
    CardNetwork,
    authorized_keys_text,
    check_keys,
    check_network,
    is_key,
    network_text,
    text_of_file,
)
from appliance.config import read, schema
from appliance.config.line_ports import (
    BY_PATH,
    NOWHERE,
    distinct_ports,
    line_names,
    place_lines,
    whole_port,
)
from appliance.config.values import BadConfiguration, Mistakes

FILE = '[site]\nname = "Città"\n'


def mistake(contents: bytes) -> tuple[int, str, str]:
    """Return the line, the Italian and the English of the one mistake of a file."""
    try:
        (found,) = read_file(text_of_file(contents)).mistakes
    except BadConfiguration as error:
        (found,) = error.mistakes
    return found.line, found.said.text("it"), found.text


@pytest.mark.parametrize(
    "contents",
    [
        FILE.encode(),
        FILE.encode("utf-8-sig"),
        FILE.encode("utf-16"),
        b"\xfe\xff" + FILE.encode("utf-16-be"),
        FILE.replace("\n", "\r\n").encode("utf-8-sig"),
        FILE.replace("\n", "\r").encode(),
    ],
    ids=["plain", "mark", "utf-16", "big-endian", "windows", "old mac"],
)
def test_what_editors_save_is_read(contents: bytes) -> None:
    """Marks in front, line ends and Windows' "Unicode" make no difference."""
    assert text_of_file(contents) == FILE
    assert read_file(text_of_file(contents)).data == {"site": {"name": "Città"}}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[site]\nname = “Città”", 2, "straight ones"),
        ("[site]\nname = «x»", 2, "straight ones"),
        ("[site]\nname = 'x’", 2, "straight ones"),
        ('[site]\n\u00a0name = "x"', 2, "cannot be seen"),
        ('[site]\nname = "x\nemail = ""', 2, "a quote is missing"),
        ("[site]\nname = Comune di Esempio", 2, "stands in quotes"),
        ("[site]\nname = città", 2, "stands in quotes"),
        ('[site]\nname = "a"\nname = "b"', 3, "written twice"),
        ('[site]\nname = "a"\n[site]\nemail = ""', 3, "in line 1"),
        ("[site]\nname: x", 2, "no colon"),
        ("[hours]\nmonday = [\n", 2, "] is missing"),
        ("[" * 5000, 1, "write each entry as"),
        ("a = " + "9" * 5000, 1, "stands in quotes"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, line: int, words: str) -> None:
    """Each slip of a hand or of an editor has its line, its sentence and its remedy."""
    at, it, en = mistake(text.encode())
    assert (at, words in en) == (line, True), (at, en)
    assert it


def test_quotes_within_text_and_remarks_are_left_alone() -> None:
    """Curly quotes are wrong in the place of straight ones alone."""
    assert read_file('name = "dei “Caduti”" # “così”').data == {"name": "dei “Caduti”"}
    assert mistake("name = # “così”".encode())[2].startswith("the value is missing")


def test_a_letter_in_an_old_encoding_has_its_line() -> None:
    """Saved as "ANSI", the first letter with an accent is pointed at."""
    line, it, en = mistake('[site]\nname = "x"\nemail = "è"'.encode("cp1252"))
    assert line == 3
    assert "UTF-8" in it
    assert "UTF-8" in en


def test_what_is_no_text_is_damaged() -> None:
    """Bytes of zero are of a card that failed: the delivered file is to be copied again."""
    assert "damaged" in mistake(b"\0" * 100)[2]


def test_a_file_without_end_is_refused() -> None:
    """What is larger than any office's file is not read, wherever it lies."""
    assert LARGEST_FILE == read.LARGEST
    assert "longer than" in mistake(b"#" * (LARGEST_FILE + 1))[2]


FIXED = CardNetwork(address="192.168.1.10/24", gateway="192.168.1.1", dns=("192.168.1.1",))


def wrong(network: CardNetwork) -> list[str]:
    """List the places that are wrong."""
    mistakes = Mistakes()
    check_network(network, mistakes)
    assert all(found.said.text("it") and found.text for found in mistakes.found)
    return [found.place.removeprefix("network.") for found in mistakes.found]


@pytest.mark.parametrize(
    "network",
    [
        CardNetwork(),
        FIXED,
        CardNetwork(hostname="URP-2", ntp=("ntp.esempio.it", "192.168.1.1")),
        CardNetwork(address="DHCP", dns=("fd00::1",)),
        CardNetwork(address="10.0.0.1/30", gateway="10.0.0.2"),
        CardNetwork(address="192.168.1.10/24"),
    ],
)
def test_what_can_be_is_taken(network: CardNetwork) -> None:
    """By DHCP or fixed, with or without a gateway."""
    assert wrong(network) == []


@pytest.mark.parametrize(
    ("network", "places"),
    [
        (CardNetwork(hostname="ufficio urp"), ["hostname"]),
        (CardNetwork(hostname="città"), ["hostname"]),
        (CardNetwork(hostname="-a"), ["hostname"]),
        (CardNetwork(hostname="a\n[Network]"), ["hostname"]),
        (CardNetwork(address="192.168.1.10"), ["address"]),
        (CardNetwork(address="192.168.1.10/33"), ["address"]),
        (CardNetwork(address="192.168.1/24"), ["address"]),
        (CardNetwork(address="192.168.1.10/24\nDHCP=no"), ["address"]),
        (CardNetwork(address="fd00::1/64"), ["address"]),
        (CardNetwork(address="192.168.1.0/24"), ["address"]),
        (CardNetwork(address="192.168.1.255/24"), ["address"]),
        (CardNetwork(address="192.168.1.10/31"), ["address"]),
        (CardNetwork(address="127.0.0.1/8"), ["address"]),
        (CardNetwork(address="169.254.1.1/16"), ["address"]),
        (CardNetwork(address="224.0.0.5/24"), ["address"]),
        (CardNetwork(address="192.168.1.10/24", gateway="192.168.2.1"), ["gateway"]),
        (CardNetwork(address="192.168.1.10/24", gateway="192.168.1.10"), ["gateway"]),
        (CardNetwork(address="192.168.1.10/24", gateway="router"), ["gateway"]),
        (CardNetwork(gateway="192.168.1.1"), ["gateway"]),
        (CardNetwork(dns=("router", "fe80::1%eth0")), ["dns", "dns"]),
        (CardNetwork(ntp=("a b", "x\ny")), ["ntp", "ntp"]),
    ],
)
def test_what_would_lock_out_is_refused(network: CardNetwork, places: list[str]) -> None:
    """Each value by which the box could not be found has its sentence."""
    assert wrong(network) == places


def test_what_networkd_reads() -> None:
    """The settings as written; an address of the box's own is always there beside them."""
    assert network_text(FIXED).splitlines() == [
        "[Match]", "Type=ether", "", "[Network]", "Address=192.168.1.10/24", "Gateway=192.168.1.1",
        "DNS=192.168.1.1", "LinkLocalAddressing=yes", "MulticastDNS=no",
    ]  # fmt: skip
    assert "DHCP=yes" in network_text(CardNetwork(ntp=("192.168.1.1",)))


@given(
    st.builds(
        CardNetwork,
        st.text(max_size=12),
        st.one_of(st.just("dhcp"), st.from_regex(r"[0-9./\n\[\]A-Z=]{0,20}"), st.text()),
        st.text(max_size=12),
        st.lists(st.text(max_size=12)).map(tuple),
        st.lists(st.text(max_size=12)).map(tuple),
    )
)
def test_nothing_else_gets_into_the_file(network: CardNetwork) -> None:
    """Whatever is written, what passes the checks is one value in one line."""
    if wrong(network):
        return
    known = {"Address", "Gateway", "DHCP", "DNS", "NTP", "LinkLocalAddressing", "MulticastDNS"}
    rows = network_text(network).splitlines()[4:]
    assert {row.partition("=")[0] for row in rows} <= known
    assert len(rows) == 3 + bool(network.gateway) + len(network.dns) + len(network.ntp)


A, B, C = (f"{BY_PATH}/usb-{n}" for n in "abc")
TWO = (CardLine("urp"), CardLine("verde"))


def test_without_lines_every_modem_is_one() -> None:
    """In the order of the sockets; a modem that is late after a start keeps its line."""
    assert place_lines((), (A, B), {}).ports == (("line1", A), ("line2", B))
    assert place_lines((), (B,), {"line1": A, "line2": B}).ports == (("line1", A), ("line2", B))
    assert place_lines((), (), {}).ports == ()
    assert place_lines((), (A, C), {"line1": A, "line2": B}).ports == (
        ("line1", A),
        ("line2", C),
    )


@pytest.mark.parametrize("row", ['dialect = "auto"', 'caller_id = "after"', "overrides = []"])
def test_a_line_with_nothing_but_defaults_is_one(row: str) -> None:
    """Whoever takes the # away before one is as good as who writes its name; the rest is spare."""
    text = f'[site]\nname = "Comune"\npatron = "10-04"\n[[lines]]\n[[lines]]\n{row}\n'
    made = make_configuration(text, MakingContext(2026, (A, B)))
    assert made.ports == {"line1": A}
    assert [line.name for line in made.settings.lines] == ["line1"]


def test_a_port_that_is_written_is_the_lines() -> None:
    """Found or not, as a whole path or as the name that the result tells."""
    found = place_lines((CardLine("urp", port="usb-b"), CardLine("verde", port=C)), (A,), {})
    assert found.ports == (("urp", B), ("verde", C))
    assert not found.waits
    assert whole_port("usb-a") == A
    assert whole_port("/dev/ttyX") == "/dev/ttyX"


def test_lines_without_a_port_take_what_no_other_names() -> None:
    """The rest in order; one without a modem is out, and looked for."""
    lines = (CardLine("urp"), CardLine("verde", port=A), CardLine("fax"))
    found = place_lines(lines, (A, B), {})
    assert found.ports == (("urp", B), ("verde", A), ("fax", NOWHERE.format(2)))
    assert found.waits
    again = place_lines(lines, (A, B, C), dict(found.ports))
    assert again.ports == (("urp", B), ("verde", A), ("fax", C))


def test_lines_stay_where_they_were() -> None:
    """A modem that appears in an earlier socket, or is away for a while, swaps no numbers."""
    assert place_lines(TWO, (A, B, C), {"urp": B, "verde": C}).ports == (
        ("urp", B),
        ("verde", C),
    )
    assert place_lines(TWO, (C,), {"urp": B, "verde": C}).ports == (("urp", B), ("verde", C))
    assert place_lines(TWO, (A, C), {"urp": B, "verde": C}).ports == (("urp", A), ("verde", C))


def test_names_are_given_where_none_is_written() -> None:
    """By number, and never twice."""
    assert line_names((CardLine(), CardLine("line1"), CardLine())) == ("line2", "line1", "line3")


def test_one_device_has_one_name() -> None:
    """Of udev's two names of a modem the plain one counts."""
    usb, usbv2 = "/p/x-usb-0:1.2:1.0", "/p/x-usbv2-0:1.2:1.0"
    assert distinct_ports([(usbv2, "/dev/ttyACM0"), (usb, "/dev/ttyACM0")]) == (usb,)


@given(
    st.lists(st.builds(CardLine, st.sampled_from(["", "x", "y"]), st.just("")), max_size=4),
    st.sets(st.sampled_from([A, B, C])),
    st.dictionaries(st.sampled_from(["line1", "line2", "x", "y"]), st.sampled_from([A, B, C])),
)
def test_no_socket_has_two_lines(
    lines: list[CardLine], found: set[str], before: dict[str, str]
) -> None:
    """Whatever was before, each line has a port, and no port two lines."""
    named = [line.name for line in lines if line.name]
    assume(len(named) == len(set(named)))
    assume(len(before) == len(set(before.values())))
    ports = [port for _, port in place_lines(lines, sorted(found), before).ports]
    assert len(ports) == len(set(ports))
    assert len(ports) == len(lines) or not lines


BODY = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32).decode()
KEY = f"ssh-ed25519 {BODY} anna@ufficio"


@pytest.mark.parametrize("key", [KEY, f"ssh-ed25519 {BODY}", f"  {KEY}  "])
def test_a_line_of_a_pub_file_is_a_key(key: str) -> None:
    """With a name behind it or without."""
    assert is_key(key)
    assert authorized_keys_text((key, "")).count("\n") == 1


@pytest.mark.parametrize(
    "key",
    [
        "ssh-ed25519",
        f"ssh-rsa {BODY}",
        f"ssh-ed25519 {BODY[:-8]}****",
        f'command="sh" {KEY}',
        f"{KEY}\nssh-ed25519 {BODY}",
        "AAAA",
        f"ssh-dss {BODY}",
    ],
)
def test_anything_else_is_said(key: str) -> None:
    """A piece, another kind, options or two keys in one are refused."""
    mistakes = Mistakes()
    check_keys((key,), mistakes)
    (found,) = mistakes.found
    assert ".pub" in found.text
    assert ".pub" in found.said.text("it")


def test_a_private_key_is_named_and_not_repeated() -> None:
    """Who pastes the wrong half is told so, and it goes into no status."""
    mistakes = Mistakes()
    check_keys(("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0",), mistakes)
    (found,) = mistakes.found
    assert "private" in found.text
    assert "c2VjcmV0" not in found.text + found.said.text("it")


def test_the_short_form_is_a_cards_file() -> None:
    """The same few lines on the card: lines take the modems, phones get passwords of their own."""
    text = (Path(schema.__file__).parent / "example_short.toml").read_text(encoding="utf-8")
    made = make_configuration(text, MakingContext(2026, (A, B)))
    assert made.notes == ()
    assert made.ports == {"line1": A, "line2": B}
    assert made.unsaid == ("operatore-1", "operatore-2", "operatore-3")
    assert made.settings.switchboard.phones == made.unsaid
    assert [line.called for line in made.settings.lines] == ["051 598 111", "800 011 837"]
    assert [str(band) for band in made.settings.hours.week.days[4]] == ["08:30-13:00"]
