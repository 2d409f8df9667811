"""Files of the pages: each under one address, kept by browsers, compressed where that saves."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from appliance.console import templates
from appliance.console.templates import kind_of
from tests.console.visitor import Visitor

_ADDRESSES = re.compile(r'/static/[^"\')\s#]+')


def followed(visitor: Visitor, page: str) -> set[str]:
    """Return the addresses of all files that a browser fetches for a page."""
    left, seen = _ADDRESSES.findall(visitor.get(page).text), set()
    while left:
        address = left.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        if answer.headers["content-type"].startswith("text/"):
            left += _ADDRESSES.findall(answer.text)
    return seen


def test_no_file_is_fetched_under_two_addresses(operator: Visitor) -> None:
    """A module that runs twice does everything twice: a menu opens and closes at one click."""
    files = [address.split("?")[0] for address in followed(operator, "/desk")]
    assert len(files) > 8
    assert sorted(files) == sorted(set(files))


def test_fonts_and_modules_are_kept_by_the_browser(operator: Visitor) -> None:
    """They are asked for once, not at each page."""
    for address in followed(operator, "/desk"):
        assert "immutable" in operator.get(address).headers["cache-control"], address


@pytest.mark.parametrize("name", ["vendor/htmx/htmx.min.js", "console.js"])
def test_a_text_comes_compressed(visitor: Visitor, name: str) -> None:
    """It is what it is without compression, and for who cannot read it stays as it is."""
    address = templates.url_of(name)
    packed = visitor.get(address, headers={"accept-encoding": "br, gzip;q=0.8"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(packed.content) / 2
    for accepted in ("identity", "gzip;q=0", ""):
        plain = visitor.get(address, headers={"accept-encoding": accepted})
        assert "content-encoding" not in plain.headers
        assert plain.content == packed.content
        assert plain.headers["etag"] != packed.headers["etag"]
        assert plain.headers["vary"] == "accept-encoding"


def test_an_old_address_is_not_kept_for_ever(visitor: Visitor) -> None:
    """A file that has changed since is given as it is now, and asked for again next time."""
    assert visitor.get("/static/console.css?v=0123456789ab").headers["cache-control"] == "no-cache"


def test_the_same_file_gives_the_same_bytes() -> None:
    """Compression carries no time of day."""
    file = templates.asset("console.css")
    assert gzip.decompress(file.packed) == file.data
    templates.asset.cache_clear()
    assert templates.asset("console.css") == file
    assert kind_of("x/y.woff2") == "font/woff2"
    assert templates.asset("icon.svg").packed == b""


def test_pages_name_no_colour() -> None:
    """Every colour is a token of the stylesheet, which has two values: one is unreadable in the
    other theme, where axe does not look (drawings).
    """
    pages = Path(templates.__file__).parent / "templates"
    colour = re.compile(
        r"(?:fill|stroke|color)\s*[=:]\s*[\"']?\s*(?:#[0-9a-fA-F]{3,8}|rgb)", re.IGNORECASE
    )
    named = [
        path.relative_to(pages).as_posix()
        for path in sorted(pages.rglob("*.html"))
        if colour.search(path.read_text(encoding="utf-8"))
    ]
    assert named == []
