"""The card's file: any bytes are a configuration that the service takes, or mistakes in words."""

from __future__ import annotations

from appliance.bootfile.read import MakingContext, make_configuration
from appliance.bootfile.values import text_of_file
from appliance.config import read
from appliance.config.values import BadConfiguration

TOKENS = (
    b"[site]\n", b"[network]\n", b"[[lines]]\n", b"[[phones]]\n", b"[mail]\n", b"[ssh]\n",
    b"[hours]\n", b'name = "x"\n', b'address = "192.168.1.10/24"\n', b'port = "usb-a"\n',
    b'keys = ["ssh-rsa AAAA"]\n', b'hostname = "a"\n', b'secret = "', b'monday = ["8:30-13:00"]\n',
    b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\xe2\x80\x9c", b'"""', b"'''", b"= {", b"[", b"1e999",
    b"nan", b"2026-12-24T13:00:00", b'country = "de"\n', b"\\u0000", b"\\n", b'"" ', b"[[a.b]]\n",
    b"[[closures]]\n",
)  # fmt: skip
AROUND = MakingContext(2026, ("/dev/serial/by-path/usb-a", "/dev/serial/by-path/usb-b"))
KEYS = {"Address", "DHCP", "DNS", "Gateway", "LinkLocalAddressing", "MulticastDNS", "NTP"}


def run(data: bytes) -> None:
    """What is made of it is read again as the same, and holds nothing but what it should."""
    try:
        made = make_configuration(text_of_file(data), AROUND)
    except BadConfiguration as error:
        check_said(error)
        return
    assert read.parse(made.config) == made.settings
    rows = made.network.splitlines()[4:]
    assert {row.partition("=")[0] for row in rows} <= KEYS
    assert made.hostname.isascii()
    assert all(key.isprintable() for key in made.keys.splitlines())
    assert len(set(made.ports.values())) == len(made.settings.lines)


def check_said(error: BadConfiguration) -> None:
    """Every refusal says what is wrong, in both languages."""
    assert error.mistakes
    assert all(mistake.text and mistake.said.text("it") for mistake in error.mistakes)
