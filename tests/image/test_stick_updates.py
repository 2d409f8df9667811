"""Updates in the very image, booted: a stranger's, a good one that changes the signing key, one by
the key that it revokes, and one that never gets up.

One card goes through all of it, in the order of this file. Run by `make boots`, beside the cuts of
test_boots.py: each machine is emulated by one processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.helpers.figures import Figures
from tests.image import brought, built, updates
from tests.image.call_control import troubles
from tests.image.disk import SLOT_A, SLOT_B
from tests.image.guest import Guest
from tests.image.office import CALL_LIMIT_S, Office, is_whole, wait_idle

MISSING = built.missing() or brought.missing()
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]


@pytest.fixture(scope="module")
def making(office: Office) -> Iterator[Future[brought.Sticks]]:
    """Begin to make the sticks, of the box's own slot A: it boots meanwhile."""
    folder = office.folder / "sticks"
    folder.mkdir()
    with ThreadPoolExecutor(1) as hand:
        yield hand.submit(brought.sticks, office.disk, folder)


@pytest.fixture(scope="module")
def sticks(making: Future[brought.Sticks]) -> brought.Sticks:
    """What is brought to the box."""
    return making.result()


@pytest.fixture(scope="module")
def guest(office: Office, making: Future[brought.Sticks]) -> Iterator[Guest]:
    """Boot a new box, which has answered its first call."""
    assert not making.cancelled()
    with office.on() as made:
        made.wait_ready()
        wait_idle(made)
        assert office.leave_message().answered
        yield made


def test_an_update_of_a_strangers_is_refused(
    office: Office, guest: Guest, sticks: brought.Sticks
) -> None:
    """Its certificate is named like ours: nothing is installed, and it is told why."""
    before = office.disk.signature(SLOT_B)
    said = updates.brought_by(guest, sticks.strangers)
    assert "no update signed for this box" in said
    assert updates.kept(guest) == {}
    assert office.disk.signature(SLOT_B) == before
    assert office.disk.variables()["BOOT_ORDER"].split() == ["A"]


def test_a_newer_version_is_tried_and_stays(
    office: Office, guest: Guest, sticks: brought.Sticks, figures: Figures
) -> None:
    """Brought on a stick; the box starts from it once, by itself, in the quiet hour, answers while
    it is tried, and keeps it after two minutes of health.
    """
    wait_idle(guest)
    began = guest.seconds()

    def say(what: str) -> None:
        figures.say(f"image: {what} {guest.seconds() - began:.0f} s after its stick")

    assert brought.NEWER in updates.brought_by(guest, sticks.newer)
    say(f"{updates.size(sticks.newer)} installed")
    found = office.disk.variables()
    assert (found["BOOT_ORDER"].split()[0], found["BOOT_B_LEFT"]) == ("B", "1")
    updates.night_comes(guest)
    guest.wait("the restart", lambda: len(updates.chosen(guest)) > 1)
    say("it starts")
    guest.wait_ready(boots=2)
    say("READY")
    updates.wait_state(guest, "trial")
    wait_idle(guest)
    assert office.leave_message().answered
    say("a call is over")
    updates.wait_state(guest, "good")
    say("good")
    assert updates.chosen(guest) == ["A", "B"]
    assert updates.rauc(guest) == {"A": ("inactive", "good"), "B": ("booted", "good")}
    assert office.disk.variables()["BOOT_B_LEFT"] == "3"
    assert brought.NEWER in guest.run("centralino box update status")


def test_an_update_by_a_revoked_key_is_refused(
    office: Office, guest: Guest, sticks: brought.Sticks
) -> None:
    """The version that came by this very key brought the root's list, which names it: from then on
    whatever it signs is refused (the next one, by the renewed key, is taken).
    """
    before = office.disk.signature(SLOT_A)
    said = updates.brought_by(guest, sticks.revoked)
    assert "no update signed for this box" in said
    assert office.disk.signature(SLOT_A) == before
    assert brought.REVOKED not in guest.run("centralino box update status")


def test_a_version_that_never_gets_up_is_left(
    office: Office, guest: Guest, sticks: brought.Sticks, figures: Figures
) -> None:
    """A kernel that finds no system, by the renewed key: the version of before is READY again by
    itself, with all its messages; the other is not taken again, and people are told.
    """
    messages = updates.messages(guest)
    began = guest.seconds()
    assert brought.HOLLOW in updates.brought_by(guest, sticks.hollow)
    figures.say(f"image: an update of a kernel alone installed in {guest.seconds() - began:.0f} s")
    updates.night_comes(guest)
    guest.wait("the restart", lambda: len(updates.chosen(guest)) > 2)
    figures.say(f"image: it starts {guest.seconds() - began:.0f} s after the stick")
    guest.wait_ready(boots=3)
    found = updates.wait_state(guest, "back")
    figures.say(f"image: version of before is back {guest.seconds() - began:.0f} s after the stick")
    assert updates.chosen(guest) == ["A", "B", "A", "B"]
    assert updates.rauc(guest) == {"A": ("inactive", "bad"), "B": ("booted", "good")}
    assert found["failed"] == [brought.HOLLOW]
    assert brought.NEWER in guest.run(f"cat {brought.RELEASE}")
    assert messages
    assert messages <= updates.messages(guest)
    told = f"Version {brought.HOLLOW} did not stand its trial"
    guest.wait(told, lambda: any(told in one for one in troubles(guest)), CALL_LIMIT_S)


def test_the_messages_of_before_and_of_the_trial_are_whole(office: Office, guest: Guest) -> None:
    """Word for word, read from a box that is off: an update touches no message."""
    guest.power_off()
    assert [is_whole(one) for one in office.recorded()] == [True, True]
