"""The window: who gets a file, how often, until when; everybody else learns nothing."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from appliance.provisioning.server import (
    MAX_SOURCES,
    MOST_FETCHES,
    MOST_WRONG,
    OfferedFile,
    ProvisioningWindow,
)
from appliance.provisioning.templates import MAKES
from tests.provisioning.samples import MAC

PHONE, OTHER = "192.168.10.21", "192.168.10.66"
TOKEN = "qnuewqfkmzrecj9d9hvx"
FILE = "/001565aabbcc.cfg"


def window() -> ProvisioningWindow:
    """Return a window of 60 s with one Yealink and one Linphone."""
    desk = OfferedFile("op1", MAKES["yealink"], "secret of op1", MAC, TOKEN)
    soft = OfferedFile("op2", MAKES["linphone"], "secret of op2", "", TOKEN[::-1])
    return ProvisioningWindow([desk, soft], 60.0)


def test_a_phone_gets_its_file_by_its_hardware_address() -> None:
    """The name it asks for holds its address; the answer is the file, and it is said."""
    answer = window().answer(FILE, PHONE, MAC, 1.0)
    assert (answer.code, answer.body) == (200, b"secret of op1")
    assert answer.said.en == f"op1: file fetched by {PHONE} (yealink)"


def test_a_phone_whose_address_the_kernel_does_not_know_gets_it_too() -> None:
    """Behind a router the hardware address cannot be seen."""
    assert window().answer(FILE, PHONE, "", 1.0).code == 200


def test_a_leading_file_is_given_before_the_phones_own() -> None:
    """By its hardware address or its token; a stranger is given neither."""
    poly = MAKES["poly"]
    for folder in ("", f"/{TOKEN}"):
        made = ProvisioningWindow([OfferedFile("op1", poly, "secret of op1", MAC, TOKEN)], 60.0)
        lead = made.answer(f"{folder}{FILE}", PHONE, MAC, 1.0)
        assert (lead.code, lead.body) == (200, poly.lead_text.encode())
        own = made.answer(f"{folder}/001565aabbcc-centralino.cfg", PHONE, MAC, 1.0)
        assert own.body == b"secret of op1"
        stranger = made.answer(f"{folder}{FILE}", OTHER, "", 1.0)
        assert (stranger.code, stranger.body) == (404, b"")


@pytest.mark.parametrize(
    ("path", "phone"),
    [
        (f"/{TOKEN}{FILE}", b"secret of op1"),
        (f"/{TOKEN[::-1]}/linphone.xml", b"secret of op2"),
    ],
)
def test_a_phone_gets_its_file_by_its_token(path: str, phone: bytes) -> None:
    """The address on the sheet opens that phone's file alone."""
    assert window().answer(path, PHONE, "", 1.0).body == phone


@pytest.mark.parametrize(
    "path",
    [
        "/", "", "/001565aabbcd.cfg", "/001565aabbcc.boot", "/y000000000028.cfg", "/linphone.xml",
        f"/{TOKEN}/", f"/{TOKEN}/linphone.xml", f"/{TOKEN[:-1]}z{FILE}", f"//{TOKEN}/linphone.xml",
        f"/{TOKEN[::-1]}/../{TOKEN}{FILE}", "/../../etc/passwd", "/..%2f..%2fetc/passwd",
        f"/x/{TOKEN[::-1]}/linphone.xml", "/" + "a" * 5000, "/\ud7ffé", "/phone_secrets.json",
    ],
)  # fmt: skip
def test_nothing_else_is_there(path: str) -> None:
    """Other names, other folders, tokens half right, paths upwards: always the same 404."""
    answer = window().answer(path, OTHER, "", 1.0)
    assert (answer.code, answer.body) == (404, b"")
    assert answer.said.it.startswith(OTHER)


def test_a_stranger_who_knows_the_hardware_address_gets_nothing() -> None:
    """Where the kernel knows who asks, only the phone itself is answered."""
    made = window()
    answer = made.answer(FILE, OTHER, "0c383e000001", 1.0)
    assert (answer.code, answer.body) == (404, b"")
    assert "0c383e000001" in answer.said.en
    assert made.answer(FILE, PHONE, MAC, 1.0).code == 200


def test_after_the_first_fetch_nobody_else_gets_it() -> None:
    """The file goes to one place; the same phone may ask again."""
    made = window()
    assert made.answer(FILE, PHONE, "", 1.0).code == 200
    refused = made.answer(f"/{TOKEN}{FILE}", OTHER, "", 2.0)
    assert (refused.code, f"gone to {PHONE}" in refused.said.en) == (404, True)
    assert made.answer(FILE, PHONE, "", 3.0).code == 200


def test_a_file_is_fetched_a_few_times_at_most() -> None:
    """A phone that asks for ever is stopped."""
    made = window()
    codes = [made.answer(FILE, PHONE, "", 1.0).code for _ in range(MOST_FETCHES + 1)]
    assert codes == [200] * MOST_FETCHES + [404]


def test_a_registered_phone_needs_no_file() -> None:
    """Once it has registered its file is served no more, and it is told of once."""
    made = window()
    assert [offer.phone for offer in made.registered({"op1", "op9"})] == ["op1"]
    assert made.registered({"op1"}) == []
    answer = made.answer(FILE, PHONE, MAC, 1.0)
    assert (answer.code, "registered already" in answer.said.en) == (404, True)


def test_the_window_closes_by_time_and_when_all_are_there() -> None:
    """After its minutes nothing is served; with every phone registered it is over."""
    made = window()
    assert made.is_open(59.9)
    assert not made.is_open(60.0)
    assert made.answer(FILE, PHONE, MAC, 60.0).code == 404
    made.registered({"op1", "op2"})
    assert not made.is_open(1.0)
    assert not ProvisioningWindow([], 60.0).is_open(1.0)


def test_who_asks_for_too_much_is_heard_no_more() -> None:
    """Whoever tries names is shut out for the rest of the window; the phones are not."""
    made = window()
    said = [made.answer(f"/{n}", OTHER, "", 1.0).said.en for n in range(MOST_WRONG)]
    assert said[-1].endswith("it is heard no more")
    assert made.answer(FILE, OTHER, "", 1.0).code == 404
    assert made.answer("/more", OTHER, "", 1.0).said.en == ""
    assert made.answer(FILE, PHONE, MAC, 1.0).code == 200


def test_what_is_remembered_of_strangers_is_bounded() -> None:
    """A flood of addresses fills no memory."""
    made = window()
    for n in range(MAX_SOURCES + 50):
        made.answer("/x", f"10.0.{n // 250}.{n % 250}", "", 1.0)
    assert len(made._wrong) == MAX_SOURCES


def test_what_strangers_ask_for_is_told_without_their_control_characters() -> None:
    """A name cannot write on the technician's screen."""
    said = window().answer("/a\x1b[2J\nb", OTHER, "", 1.0).said.en
    assert said.isprintable()


def test_a_phone_that_is_known_may_ask_for_what_it_likes() -> None:
    """Makes ask for a dozen files of theirs at each start: their phone is not shut out for it."""
    made = window()
    for _ in range(MOST_WRONG * 2):
        answer = made.answer("/y000000000028.cfg", PHONE, MAC, 1.0)
        assert (answer.code, answer.said.en[:4]) == (404, "op1:")
    assert made.answer(FILE, PHONE, MAC, 1.0).code == 200
    for _ in range(MOST_WRONG * 2):
        assert made.answer("/001565aabbcc.boot", PHONE, "", 1.0).code == 404
    assert made.answer(FILE, PHONE, "", 1.0).code == 200


def test_only_allowed_networks_are_heard() -> None:
    """Where SIP is heard from certain networks alone, so are phones that ask for files."""
    made = window()
    made.allowed = (IPv4Network("10.0.0.0/24"), IPv4Network("192.168.10.66/32"))
    assert (made.answer(FILE, PHONE, MAC, 1.0).code, made.offers[0].fetches) == (404, 0)
    assert made.answer(FILE, OTHER, MAC, 1.0).code == 200
