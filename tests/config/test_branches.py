"""B9: the other branches as the technician writes them."""

from __future__ import annotations

import pytest

from appliance.config import build, read
from appliance.config.office import build_office
from appliance.policy.office import BranchRules, OverflowCause
from appliance.sip.registrar import RegistrarAccount
from tests.config.test_read import SMALL, mistakes_of

ACCOUNT = '[sip.registrar]\naddress = "192.168.10.5"\nuser = "porto"\n'
WRITTEN = """\
[branches]
names = ["savena", "borgo"]
offices = ["savena.pubblico", "borgo.pubblico"]
when = ["busy", "closed"]
ring = 12
takes = true
"""


def test_what_is_written_reaches_policy_and_phones() -> None:
    """Whom to ask, in which order and when; where the branches stand, and that we take callers."""
    settings = read.parse(SMALL + ACCOUNT + WRITTEN)
    office = build_office(settings, 2026)
    assert office.branches == BranchRules(
        ("savena", "borgo"),
        (("savena", "pubblico"), ("borgo", "pubblico")),
        frozenset({OverflowCause.BUSY, OverflowCause.CLOSED}),
        12_000,
    )
    assert office.switchboard.schedule.elsewhere == {("savena", "pubblico"), ("borgo", "pubblico")}
    assert build.account(settings, {"sip.registrar": "x"}) == RegistrarAccount(
        ("192.168.10.5", 5060), "porto", "x", ("savena", "borgo"), takes=True
    )


def test_nothing_written_hands_nobody_over() -> None:
    """As delivered no other branch is known, and no caller is taken over."""
    settings = read.parse(SMALL + ACCOUNT)
    assert build_office(settings, 2026).branches.offices == ()
    account = build.account(settings, {})
    assert account is not None
    assert (account.branches, account.takes) == ((), False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WRITTEN, "branches: other branches are reached over a SIP proxy"),
        (ACCOUNT + WRITTEN + '[[phones]]\nname = "borgo"', "branches.names: 'borgo' is a phone's"),
        (ACCOUNT + '[branches]\nnames = ["porto"]', "branches.names: 'porto' is this box itself"),
        (ACCOUNT + '[branches]\nnames = ["la sede"]', "branches: 'la sede' is no branch's name"),
        (ACCOUNT + '[branches]\noffices = ["savena"]', "branches.offices: 'savena' is no dest"),
        (ACCOUNT + '[branches]\nwhen = ["always"]', "branches.when: "),
        (ACCOUNT + "[branches]\nring = 0", "branches.ring: 0 s is out of range"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    """Each mistake with its place and its remedy."""
    found = mistakes_of(SMALL + text)
    assert any(said in mistake for mistake in found), found
