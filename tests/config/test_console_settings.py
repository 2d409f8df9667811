"""What `[console]` may say, and how mistakes in it are told."""

from __future__ import annotations

import pytest

from appliance.config.build import check_console, done_link_page
from appliance.config.schema import Console
from appliance.config.values import Mistakes, OnOff


def told(console: Console) -> list[str]:
    """Return what is wrong, each with its place."""
    mistakes = Mistakes()
    check_console(console, mistakes)
    return [str(mistake) for mistake in mistakes.found]


def test_as_delivered_it_is_good() -> None:
    """Nobody needs to write the table."""
    assert told(Console()) == []


@pytest.mark.parametrize(
    ("console", "words"),
    [
        (Console(listen="everywhere"), "console.listen: 'everywhere' is no address"),
        (Console(port=0), "console.port: 0 is no port"),
        (Console(redirect_port=70_000), "console.redirect_port: 70000 is no port"),
        (Console(names=("Centralino!",)), "console.names: 'Centralino!' is no host name"),
        (Console(certificate="/etc/c.pem"), "console.key: is missing"),
        (Console(key="/etc/k.pem"), "console.certificate: is missing"),
        (Console(certificate="c.pem", key="/k.pem"), "'c.pem' must be a whole path"),
    ],
)
def test_each_mistake_is_told(console: Console, words: str) -> None:
    """A mistake names its place and what would be right."""
    assert any(words in one for one in told(console))


def test_a_certificate_with_its_key_is_good() -> None:
    """The office's own files replace the box's authority; no plain port need be open."""
    own = Console(certificate="/etc/c.pem", key="/etc/k.pem", redirect_port=0, names=("pbx",))
    assert told(own) == []


@pytest.mark.parametrize(
    ("console", "served"),
    [
        (Console(), "https://centralino.local/done/"),
        (Console(port=8443, names=("a.example", "b")), "https://a.example:8443/done/"),
        (Console(names=()), ""),
        (Console(enabled=OnOff(False)), ""),
    ],
)
def test_a_mail_leads_to_the_first_name(console: Console, served: str) -> None:
    """E15: where nobody can find the console, mails have no link."""
    assert done_link_page(console) == served
