"""What is written beside the card's file: in both languages, what is so and how to go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.policy.words import Words
from appliance.site.outcome import Outcome, Socket, Verdict
from appliance.site.result import RULE, Facts, text_of

FACTS = Facts(
    version="1.2",
    addresses=("https://urp.local/", "https://192.168.1.10/"),
    code="ABCD-EFGH-JKMN",
    has_run=True,
    secrets=(("op2", "geheim"),),
    means=(Words("linea line1: duplex", "line line1: duplex"),),
)
GOOD = Outcome(
    Verdict.APPLIED,
    sockets=(Socket("/dev/serial/by-path/usb-a", "USRobotics", "line1"), Socket("/x/usb-b")),
    made=("op2",),
)


def halves(outcome: Outcome, facts: Facts = FACTS) -> tuple[str, str]:
    """Return the Italian and the English half."""
    it, en = text_of(outcome, facts).split(f"\n{RULE}\n\n")
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


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("has_former", [True, False])
def test_every_verdict_in_both_languages(verdict: Verdict, has_former: bool) -> None:
    """What is wrong comes with what holds meanwhile; what is well with the rule of the file."""
    said = (Words("riga 2, x", "line 2, x"),)
    it, en = halves(replace(GOOD, verdict=verdict, said=said, has_former=has_former))
    assert "  - riga 2, x" in it
    assert "  - line 2, x" in en
    is_well = verdict in {Verdict.APPLIED, Verdict.AS_BEFORE}
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
    _, en = halves(replace(GOOD, verdict=Verdict.AS_BEFORE, is_others=True))
    assert "changed elsewhere" in en
    _, en = halves(replace(GOOD, set_aside="/var/lib/x"))
    assert "set aside in /var/lib/x" in en


def test_the_same_facts_give_the_same_text() -> None:
    """No time stands in it: what is so for weeks is written once."""
    assert text_of(GOOD, FACTS) == text_of(GOOD, FACTS)
