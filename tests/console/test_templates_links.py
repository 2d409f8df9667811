"""The links in every page's head: what belongs together stands under one heading."""

from __future__ import annotations

from appliance.console.templates import Menu, PageLink, is_at, menus

OPERATOR, OFFICES, HOURS = (
    PageLink("/desk", "Desk", order=10),
    PageLink("/o", "O", order=40),
    PageLink("/h", "H"),
)
INSTALLATION, USERS = PageLink("/plant", "Plant", order=80), PageLink("/users", "Users", order=90)
REPORTS = PageLink("/reports", "Reports", order=60)


def test_links_stand_under_their_headings() -> None:
    """Daily work has none; a heading knows whether the page that is open is one of its own."""
    found = menus([OPERATOR, OFFICES, HOURS, REPORTS, INSTALLATION, USERS], "/h")
    assert found == [
        Menu("", (OPERATOR,), is_here=False),
        Menu("Offices", (OFFICES, HOURS), is_here=True),
        Menu("Management", (REPORTS, USERS), is_here=False),
        Menu("", (INSTALLATION,), is_here=False),
    ]


def test_one_link_needs_no_heading() -> None:
    """It stands by itself, and so does nothing at all."""
    assert menus([HOURS], "/h") == [Menu("", (HOURS,), is_here=True)]
    assert menus([], "/") == []


def test_a_page_below_a_link_is_of_it() -> None:
    """Somebody who reads one message is under Messages; the first page is nobody's parent."""
    messages, sheets, home = (
        PageLink("/messages", "M"),
        PageLink("/sheets", "S"),
        PageLink("/", "H"),
    )
    assert [is_at(messages, path) for path in ("/messages", "/messages/7", "/messages/7/note")] == [
        True, True, True,
    ]  # fmt: skip
    assert is_at(sheets, "/sheet/imu")
    assert not is_at(messages, "/missed/1")
    assert not is_at(sheets, "/sheetsandmore")
    assert (is_at(home, "/"), is_at(home, "/messages")) == (True, False)
