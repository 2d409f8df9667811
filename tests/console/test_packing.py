"""Pages are compressed for whoever opens them, and give their secrets to nobody by their length."""

from __future__ import annotations

import gzip
import re

import pytest

from appliance.console.packing import is_token, masked, takes_gzip
from tests.console.visitor import Visitor, without_token

TOKEN = "0f" * 32
BY_A_PERSON = {"accept-encoding": "gzip, br", "sec-fetch-site": "none"}


def sent(visitor: Visitor, path: str, **headers: str) -> tuple[str, int]:
    """Return how a page is coded, and its bytes."""
    answer = visitor.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.headers.get("content-encoding", ""), int(answer.headers["content-length"])


@pytest.mark.parametrize("path", ["/", "/desk", "/messages"])
def test_a_page_is_sent_compressed(operator: Visitor, path: str) -> None:
    """To a browser that takes it, when a person or a page of ours asks: a fourth of the bytes."""
    plain = sent(operator, path, **{**BY_A_PERSON, "accept-encoding": "identity"})
    assert plain[0] == ""
    for site in ("none", "same-origin"):
        coding, length = sent(operator, path, **{**BY_A_PERSON, "sec-fetch-site": site})
        assert coding == "gzip"
        assert length < plain[1] / 3


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_another_sites_request_gets_the_plain_page(operator: Visitor, site: str) -> None:
    """What it puts into the address could be compared with the page by the page's length (BREACH);
    a browser too old to say who asks gets the plain page, too.
    """
    headers = {**BY_A_PERSON, "sec-fetch-site": site}
    answer = operator.get("/messages?q=guess", headers=headers)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "accept-encoding, sec-fetch-site"


def test_what_is_short_is_not_compressed(operator: Visitor) -> None:
    """It would become longer."""
    coding, length = sent(operator, "/find?q=zzzz", **BY_A_PERSON)
    assert coding == ""
    assert length < 1000


def test_a_token_is_another_one_in_each_page(operator: Visitor) -> None:
    """One in all forms of a page; each page's is good, the secret itself is in none."""
    tokens = [set(re.findall(r'name="csrf" value="(\w+)"', operator.get("/").text)) for _ in "ab"]
    (first,), (second,) = tokens
    assert first != second
    for one in (first, second):
        form = {"csrf": one, "theme": "dark", "next": "/"}
        assert operator.post("/appearance", is_ours=False, data=form).status_code == 303


def test_a_token_means_the_same_behind_every_mask() -> None:
    """And another token is another one."""
    for _ in range(20):
        assert is_token(masked(TOKEN), TOKEN)
        assert not is_token(masked(TOKEN), "00" * 32)
    assert masked(TOKEN) != masked(TOKEN)
    assert TOKEN not in masked(TOKEN)


@pytest.mark.parametrize(
    "given", [None, b"", "", TOKEN, TOKEN * 3, "z" * 128, "è" * 128, " " * 128, "00" * 63 + "  "]
)
def test_what_is_no_token_is_refused(given: object) -> None:
    """Without an exception: it comes from the network."""
    assert not is_token(given, TOKEN)


@pytest.mark.parametrize(
    ("accepted", "does"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_who_takes_gzip(accepted: str, does: bool) -> None:
    """By its own words."""
    assert takes_gzip(accepted) is does


def test_a_compressed_page_is_the_page(operator: Visitor) -> None:
    """Byte by byte, but for the token."""
    plain = operator.get("/messages").text
    packed = operator.get("/messages", headers=BY_A_PERSON).text
    assert without_token(packed) == without_token(plain)
    assert len(gzip.compress(plain.encode())) < len(plain)
