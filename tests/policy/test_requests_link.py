"""The link that closes a request (E15): what it is, how it stands, what is left of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.policy.mail import TO_HEAD, RequestEvent, letters_of
from appliance.policy.requests import (
    DONE_LINK_VALID,
    DONE_LINK_WORDS,
    DoneLinkState,
    RequestStep,
    done_link_hash,
    done_link_state,
    with_new_done_link,
    without_done_links,
)
from tests.policy.test_mail import ASKED, AT, SENDER, WANTED

TOKEN = "a-Token_of-43-characters-as-secrets-gives-it"
OFFICE_WITH_CONSOLE = replace(SENDER, done_link="https://centralino.local/done/")
LINK = f"https://centralino.local/done/{TOKEN}\n"


@pytest.mark.parametrize("step", [None, RequestStep.REMIND, RequestStep.MOVE])
def test_every_mail_that_asks_an_office_for_something_has_its_link(
    step: RequestStep | None,
) -> None:
    """On a line of its own, in the house's language; the secret is told to who keeps its hash."""
    for request in (ASKED, WANTED):
        event = RequestEvent("s1", step, "Di nuovo", "op1", TOKEN)
        office, *others = letters_of(OFFICE_WITH_CONSOLE, request, event)
        assert f"90 giorni):\n{LINK}" in office.body
        assert office.token == TOKEN
        assert not any(TOKEN in mail.body or mail.token for mail in others)
    english = replace(OFFICE_WITH_CONSOLE, language="en")
    assert f"for 90 days):\n{LINK}" in next(letters_of(english, ASKED, event)).body


def test_nobody_else_gets_one() -> None:
    """Neither a citizen nor the head, and no mail about what was cancelled."""
    thrice = replace(ASKED, reminders=("a", "b", "c"))
    _, head = letters_of(
        OFFICE_WITH_CONSOLE, thrice, RequestEvent("s3", RequestStep.REMIND, "c", "op1", TOKEN)
    )
    cancelled = letters_of(
        OFFICE_WITH_CONSOLE, ASKED, RequestEvent("s4", RequestStep.CANCEL, "", "op1", TOKEN)
    )
    orphan = next(
        letters_of(OFFICE_WITH_CONSOLE, replace(ASKED, unit="gone"), RequestEvent(token=TOKEN))
    )
    assert (head.to, orphan.to) == (TO_HEAD, TO_HEAD)
    for mail in (head, orphan, *cancelled):
        assert TOKEN not in mail.body
        assert mail.token == ""


def test_without_a_console_there_is_no_link() -> None:
    """Nor a sentence about one."""
    office = next(letters_of(SENDER, ASKED, RequestEvent(token=TOKEN)))
    assert "link" not in office.body
    assert office.token == ""


def test_it_works_once_for_ninety_days() -> None:
    """Used and closed come before expired: that it is done is what counts."""
    last = AT + DONE_LINK_VALID - timedelta(seconds=1)
    assert done_link_state(False, False, AT, last) is DoneLinkState.OPEN
    assert done_link_state(False, False, AT, AT + DONE_LINK_VALID) is DoneLinkState.EXPIRED
    assert done_link_state(False, True, AT, AT + DONE_LINK_VALID) is DoneLinkState.CLOSED
    assert done_link_state(True, True, AT, AT + DONE_LINK_VALID) is DoneLinkState.USED
    assert set(DONE_LINK_WORDS) == set(DoneLinkState) - {DoneLinkState.OPEN}


def test_what_is_kept_is_its_hash() -> None:
    """SHA-256; whatever is given has one, a lone surrogate too."""
    assert done_link_hash(TOKEN) == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert len(done_link_hash("\ud800")) == 64


def test_a_text_loses_its_secrets_alone() -> None:
    """The rest of the mail stays as it left."""
    assert without_done_links(f"Prima\n{LINK}Dopo\n") == (
        "Prima\nhttps://centralino.local/done/…\nDopo\n"
    )
    assert without_done_links("si veda /done/ e basta") == "si veda /done/ e basta"


def test_a_text_gets_a_new_secret_in_the_place_of_its_old_one() -> None:
    """Whether that was taken out before or not; a text without a link stays without."""
    new = "another-Token-that-nobody-has-seen-before"
    for text in (f"Prima\n{LINK}", without_done_links(f"Prima\n{LINK}")):
        assert with_new_done_link(text, new) == (
            f"Prima\nhttps://centralino.local/done/{new}\n",
            True,
        )
    assert with_new_done_link("si veda /done/ e basta", new) == ("si veda /done/ e basta", False)
