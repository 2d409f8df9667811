"""What calls and days write to the card of a whole box: programme, journal, file system and all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from appliance.service.nightly import WHOLE
from appliance.simulator.exchange.call import CallPlan
from tests.image.board import Board
from tests.image.guest import Guest
from tests.image.long.hurried import Hurried
from tests.image.long.measures import Written, written
from tests.image.office import CALL_LIMIT_S, CALLER, MESSAGE, VOICEMAIL, Office, wait_idle

CALLS: Final = 10
"""Of each kind."""
KINDS: Final[Mapping[str, CallPlan]] = MappingProxyType(
    {
        "a message of 18 s": MESSAGE,
        "a call that ends in the greeting": CallPlan(caller=CALLER, hang_up_after_ms=3000),
    }
)
RINGS: Final = 60
WRITTEN_BACK_S: Final = 90
"""The kernel holds back what nobody waits for, 30 s before it looks and 30 s more until ext4's
journal is written."""
HOUR_S, HOURS_A_DAY = 3600.0, 24
SETTLING, SETTLING_S = "01:30:00", 1830.0
"""The half hour before the first one that counts: a box that has just been started writes more."""
NIGHT: Final = 'journalctl -b --no-pager -o cat -u centralino | grep "the night\'s work"'


def a_call(office: Office, guest: Guest, plan: CallPlan) -> Written:
    """Place calls, one after the other, until what they wrote has come to the card; returns what
    each of them wrote, with what the box writes in such a time anyway.
    """
    before = written(guest)
    for _ in range(CALLS):
        wait_idle(guest)
        assert office.call(replace(plan, rings=RINGS)).answered
    guest.run(f"sleep {WRITTEN_BACK_S}", limit_s=CALL_LIMIT_S)
    return (written(guest) - before).times(1 / CALLS)


def each_call(office: Office) -> dict[str, Written]:
    """Return what a call of each kind wrote; their messages stay on the card."""
    with office.on() as guest:
        guest.wait_ready()
        wait_idle(guest)
        guest.wait_settled()
        guest.run(f"sleep {WRITTEN_BACK_S}", limit_s=CALL_LIMIT_S)
        kept = _messages(guest)
        found = {kind: a_call(office, guest, plan) for kind, plan in KINDS.items()}
        assert _messages(guest) == kept + CALLS
        guest.power_off()
    return found


def idle_hours(office: Office, count: int) -> list[Written]:
    """Return what each hour without a call wrote, from 2:00 on, the night's work being in it.

    The box has no network, its line is at rest.
    """
    board = Board(serial=office.exchange.line(1).resolve())
    with Hurried(office.disk.drive, board) as guest:
        guest.wait_ready()
        wait_idle(guest)
        guest.set_clock(SETTLING)
        guest.live(SETTLING_S)
        assert guest.date("+%H") == "02"
        hours = [_hour(guest) for _ in range(count)]
        assert WHOLE.text("en") in guest.run(NIGHT)
        wait_idle(guest)
        guest.power_off()
    return hours


def _hour(guest: Hurried) -> Written:
    before = written(guest)
    guest.live(HOUR_S)
    return written(guest) - before


def day(hours: list[Written]) -> Written:
    """Return a day's sum: the hours that were lived through, the night's work in the second, and
    for each that was not as much as the others had.
    """
    others = sum([*hours[:1], *hours[2:]], Written())
    lacking = HOURS_A_DAY - len(hours)
    return sum(hours, Written()) + others.times(lacking / (len(hours) - 1))


def _messages(guest: Guest) -> int:
    return int(guest.run(f"ls /data{VOICEMAIL} | grep -c 'wav$' || true"))
