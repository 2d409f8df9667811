"""Colours and density that a person chooses, and how much a browser has to fetch for a page."""

from __future__ import annotations

import re
from typing import Final

import pytest

from appliance.console import templates
from tests.console.test_templates_static import followed
from tests.console.visitor import Visitor

MOST_STYLE: Final = 60_000
"""Bytes of the stylesheet of all pages, compressed."""
MOST_FIRST: Final = 300_000
"""Bytes of a first visit."""
MOST_LATER: Final = 30_000
"""Bytes of a page when everything that may be kept is kept."""


def as_sent(visitor: Visitor, address: str) -> int:
    """Return the bytes of a file as a browser fetches it."""
    answer = visitor.get(address, headers={"accept-encoding": "gzip"})
    return int(answer.headers["content-length"])


def test_colours_and_density_are_chosen_and_stay(operator: Visitor) -> None:
    """The server writes them into the page: nothing flashes, and no script is needed."""
    assert "data-theme" not in operator.get("/").text.partition("<head>")[0]
    operator.post("/appearance", data={"theme": "dark", "next": "/account"})
    operator.post("/appearance", data={"density": "compact"})
    root = operator.get("/desk").text.partition("<head>")[0]
    assert 'data-theme="dark"' in root
    assert 'data-density="compact"' in root
    operator.post("/appearance", data={"theme": ""})
    root = operator.get("/").text.partition("<head>")[0]
    assert "data-theme" not in root
    assert 'data-density="compact"' in root


@pytest.mark.parametrize("theme", ["pink", '"><script>', "x" * 1000])
def test_an_unknown_look_is_not_kept(operator: Visitor, theme: str) -> None:
    """Neither from the form nor from a cookie."""
    operator.post("/appearance", data={"theme": theme, "next": "//elsewhere"})
    operator.client.cookies.set("theme", "pink")
    assert "data-theme" not in operator.get("/").text.partition("<head>")[0]


def test_one_stylesheet_serves_all_pages(operator: Visitor) -> None:
    """Its parts are sent as one file, and no page has another one or a style of its own."""
    sheet = templates.asset("console.css")
    assert b"@import" not in sheet.data
    assert len(sheet.packed) < MOST_STYLE
    for path in ("/", "/desk", "/messages", "/hours"):
        text = operator.get(path).text
        assert re.findall(r'rel="stylesheet" href="([^"?]+)', text) == ["/static/console.css"]
        assert " style=" not in text


@pytest.mark.parametrize("path", ["/", "/desk", "/messages", "/hours"])
def test_a_page_is_light(operator: Visitor, path: str) -> None:
    """A first visit fetches less than 300 kB, each later page less than 30 kB."""
    page = len(operator.get(path).content)
    assert page < MOST_LATER
    assert page + sum(as_sent(operator, one) for one in followed(operator, path)) < MOST_FIRST
