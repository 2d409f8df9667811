"""What the front desk may offer: the answer that a transfer would get, for all at once (P5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from appliance.calls import events
from appliance.calls.switchboard import Switchboard
from appliance.calls.transfer import Offered
from appliance.policy.clock import Now
from appliance.policy.directory import Directory, Reach, make_target
from appliance.policy.office import PositionState
from appliance.policy.transfers import UNANSWERED_TOLD_AFTER, Unanswered
from tests.calls.examples import RANG, TEN, later, tell, up
from tests.calls.test_transfer import TO_ANAGRAFE, office_switchboard
from tests.policy.small_directory import ABROAD, ANAGRAFE, CIVILE, RESIDENCE, SERVICE, declaration
from tests.stories.offices import ROME

NOON_REST = Now(500.0, datetime(2026, 11, 25, 13, tzinfo=ROME))
TOWN = Directory((SERVICE, ANAGRAFE, CIVILE), (declaration(),))


def of(switchboard: Switchboard, unit: str, need: str, now: Now = TEN) -> Offered:
    """Return what may be offered of a need."""
    (found,) = (
        one for one in switchboard.offered(now) if (one.unit.code, one.need) == (unit, need)
    )
    return found


def with_directory(directory: Directory = TOWN) -> Switchboard:
    """Return a switchboard with a directory."""
    switchboard = up()
    tell(switchboard, TEN, events.DirectoryChanged(directory))
    return switchboard


def test_every_need_of_every_office_is_offered_the_open_ones_first() -> None:
    """A unit that declared nothing is there too, with its rule (E13)."""
    found = [(one.unit.code, one.need, one.open) for one in with_directory().offered(TEN)]
    assert found == [
        ("anagrafe", "residenza", True),
        ("anagrafe", "aire", True),
        ("demografici", "", False),
        ("statocivile", "", False),
    ]


def test_an_open_one_says_until_when_and_what_it_wants_of_returns() -> None:
    """The operator sees how long the band still goes on."""
    found = of(with_directory(), "anagrafe", "aire")
    assert found.until == datetime(2026, 11, 25, 12, 30, tzinfo=ROME)
    assert (found.need_name, found.rules) == (ABROAD.name, ABROAD.rules)
    assert (found.words.text("it"), found.unanswered) == ("", False)


def test_a_closed_one_says_why_and_when_it_opens_in_the_words_of_a_refusal() -> None:
    """E23, in both languages; nothing need be tried first (P5)."""
    found = of(with_directory(), "anagrafe", "residenza", NOON_REST)
    assert found.words.text("it").startswith(
        "Anagrafe: trasferibile 9:00–12:30, riprende oggi alle 15:00."
    )
    assert "resumes today at 15:00" in found.words.text("en")
    assert found.resumes_at == datetime(2026, 11, 25, 15, tzinfo=ROME)


def test_a_withdrawn_office_is_offered_by_its_rule() -> None:
    """It takes no calls, and says so."""
    withdrawn = replace(declaration(2), needs=())
    found = of(
        with_directory(replace(TOWN, declarations=(declaration(), withdrawn))), "anagrafe", ""
    )
    assert (found.open, found.words.text("en").startswith("Anagrafe: has declared that")) == (
        False,
        True,
    )


def test_an_office_that_has_not_answered_of_late_is_told_of() -> None:
    """E8: three in a row; it may be tried all the same."""
    switchboard = office_switchboard()
    ends, counts = of(switchboard, "anagrafe", "residenza").until, Unanswered()
    for _ in range(UNANSWERED_TOLD_AFTER):
        counts = counts.heard("anagrafe", "residenza", ends, answered=False)
    switchboard._board.unanswered = counts
    found = of(switchboard, "anagrafe", "residenza")
    assert (found.open, found.unanswered) == (True, True)
    assert "le ultime 3 chiamate" in found.words.text("it")
    assert switchboard.answer_to(TO_ANAGRAFE, TEN) == found.words


@pytest.mark.parametrize("minutes", range(0, 24 * 60, 97))
def test_what_is_offered_is_what_a_transfer_would_be_told(minutes: int) -> None:
    """Whatever the hour, the list and the answer to a wish are one."""
    switchboard = office_switchboard()
    now = later(TEN, timedelta(minutes=minutes).total_seconds())
    for one in switchboard.offered(now):
        wish = replace(TO_ANAGRAFE, unit=one.unit.code, need=one.need)
        refusal = switchboard.answer_to(wish, now)
        assert (refusal is None) == (one.open and not one.unanswered)
        assert refusal is None or refusal == one.words


def test_no_number_is_in_it() -> None:
    """P7: whoever shows the list cannot show one."""
    shown = repr(with_directory().offered(TEN))
    assert RESIDENCE.name in shown
    assert not any(digits in shown for digits in ("204", "205", "206"))


def test_it_says_whether_a_clerks_phone_is_free() -> None:
    """Free while one of them is; of extensions and outside numbers nobody knows."""
    clerks = tuple(make_target(Reach.PHONE, name) for name in ("op2", "op3"))
    need = replace(RESIDENCE, targets=clerks)
    mixed = replace(ABROAD, targets=(clerks[0], make_target(Reach.PBX, "204")))
    switchboard = with_directory(
        Directory((SERVICE, ANAGRAFE, CIVILE), (replace(declaration(), needs=(need, mixed)),))
    )
    board = switchboard._board
    board.reachable.difference_update({"op2", "op3"})

    def phones() -> tuple[PositionState | None, PositionState | None]:
        return of(switchboard, "anagrafe", need.code).phone, of(
            switchboard, "anagrafe", mixed.code
        ).phone

    assert phones() == (PositionState.UNREACHABLE, None)
    tell(switchboard, TEN, events.PhoneRegistered("op2"))
    assert phones() == (PositionState.FREE, PositionState.FREE)
    tell(switchboard, TEN, RANG)
    assert "op2" in board.engaged()
    assert phones() == (PositionState.BUSY, None)
