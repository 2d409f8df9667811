"""What is written beside the card's file: in both languages, what is so and how to go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.bootfile.card import (
    RULE,
    CardOutcome,
    CardVerdict,
    ResultFacts,
    UsbSocket,
    result_text,
    screen_text,
    without_date,
)
from appliance.policy.text import Words

FACTS = ResultFacts(
    version="1.2",
    addresses=("https://urp.local/", "https://192.168.1.10/"),
    code="ABCD-EFGH-JKMN",
    has_run=True,
    secrets=(("op2", "geheim"),),
    means=(Words("linea line1: duplex", "line line1: duplex"),),
)
GOOD = CardOutcome(
    CardVerdict.APPLIED,
    sockets=(UsbSocket("/dev/serial/by-path/usb-a", "USRobotics", "line1"), UsbSocket("/x/usb-b")),
    made=("op2",),
)


def halves(outcome: CardOutcome, facts: ResultFacts = FACTS) -> tuple[str, str]:
    """Return the Italian and the English half."""
    it, en = result_text(outcome, facts).split(f"\n{RULE}\n\n")
    return it, en


def test_all_is_well() -> None:
    """Version, verdict, addresses, first user's code, sockets to copy, passwords, meaning."""
    it, en = halves(GOOD)
    for half in (it, en):
        for piece in (
            "Centralino 1.2", "https://urp.local/", "https://192.168.1.10/", "ABCD-EFGH-JKMN",
            'port = "usb-a" (USRobotics): lin', 'port = "usb-b": ', "op2", "geheim",
            "line1: duplex",
        ):  # fmt: skip
            assert piece in half
    assert it.splitlines()[2].startswith("Tutto bene")
    assert en.splitlines()[2].startswith("All is well")


@pytest.mark.parametrize("verdict", CardVerdict)
@pytest.mark.parametrize("has_former", [True, False])
def test_every_verdict_in_both_languages(verdict: CardVerdict, has_former: bool) -> None:
    """What is wrong comes with what holds meanwhile; what is well with the rule of the file."""
    said = (Words("riga 2, x", "line 2, x"),)
    it, en = halves(replace(GOOD, verdict=verdict, said=said, has_former=has_former))
    assert "  - riga 2, x" in it
    assert "  - line 2, x" in en
    is_well = verdict in {CardVerdict.APPLIED, CardVerdict.AS_BEFORE}
    assert ("Correct it" in en) is not is_well
    assert ("configuration before" in en) is (has_former and not is_well)
    assert ("closed office" in en) is (not has_former and not is_well)


def test_secrets_are_told_until_there_is_a_user() -> None:
    """With the first user the code is used up: from then on no password stands on the card."""
    it, en = halves(GOOD, replace(FACTS, code=""))
    assert "geheim" not in it + en
    assert "has its users" in en
    assert "no longer written here" in en
    assert "has its users" not in halves(GOOD, replace(FACTS, code="", has_run=False))[1]


def test_what_is_missing_is_said() -> None:
    """No address and no modem each have their remedy; nothing is left empty."""
    it, en = halves(replace(GOOD, sockets=(), made=()), replace(FACTS, addresses=(), secrets=()))
    assert "look at the cable" in en
    assert "plug it in" in en
    assert "passwords" not in en
    assert "cavo" in it


def test_what_was_changed_elsewhere_is_said() -> None:
    """A file that is as before does not claim what others have changed since."""
    _, en = halves(replace(GOOD, verdict=CardVerdict.AS_BEFORE, is_others=True))
    assert "changed elsewhere" in en
    _, en = halves(replace(GOOD, set_aside="/var/lib/x"))
    assert "set aside in /var/lib/x" in en


DATED = replace(
    FACTS,
    when=Words("lun 30 novembre 2026, 14:30", "Mon 30 November 2026, 14:30"),
    start=7,
    authority="AB:CD",
)


def test_it_says_when_it_was_written_and_of_which_start() -> None:
    """So that nobody takes the answer of before for that of today; and by what a browser's warning
    is compared.
    """
    it, en = halves(GOOD, DATED)
    assert it.splitlines()[1] == "Scritto lun 30 novembre 2026, 14:30 (avvio n. 7)"
    assert en.splitlines()[1] == "Written Mon 30 November 2026, 14:30 (start no. 7)"
    assert "Impronta SHA-256 della sua autorità: AB:CD" in it
    assert "fingerprint of its authority: AB:CD" in en
    uncounted = halves(GOOD, replace(DATED, start=0))[1]
    assert uncounted.splitlines()[1] == "Written Mon 30 November 2026, 14:30"


def test_a_screen_shows_no_secret() -> None:
    """Who looks at the box reads where its console is and what is wrong: no code, no password."""
    wrong = replace(GOOD, verdict=CardVerdict.WRONG, said=(Words("riga 2, x", "line 2, x"),))
    shown = screen_text(wrong, DATED)
    for piece in ("Centralino 1.2", "https://urp.local/", "AB:CD", "start no. 7", "riga 2, x"):
        assert piece in shown
    for secret in ("ABCD-EFGH-JKMN", "geheim"):
        assert secret not in shown
    assert "riga 2" not in screen_text(GOOD, DATED)


def test_within_a_start_the_moment_alone_is_nothing_new() -> None:
    """The card is written once a start, and when something else has changed."""
    later = replace(DATED, when=Words("lun 30 novembre 2026, 18:00", "Mon 30 November 2026, 18:00"))
    same = without_date(result_text(GOOD, DATED))
    assert without_date(result_text(GOOD, later)) == same
    assert without_date(result_text(GOOD, replace(later, start=8))) != same
    assert without_date(result_text(GOOD, replace(later, code=""))) != same
