"""F23: a process or a thread hangs: its watchdog is not fed, and what is started anew serves."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from appliance.calls.orders import Result
from appliance.policy.supervision import RESTART_RULES, Component
from appliance.service.supervision import LOOK_S
from appliance.simulator.phone.process import TestPhone
from tests.helpers.box import Box, wait
from tests.helpers.figures import Figures
from tests.system.calls import in_call, record_of
from tests.system.notices import Notices
from tests.system.processes import is_running, media_gateway_of

pytestmark = pytest.mark.system
WATCHDOG_S = 3.0
SLACK_S = 15.0
"""What a shared machine may add to a start, beside the ratio; on a quiet one it takes 3 s. Whoever
waits for what a hung process has left behind, waits for longer: 20 s and more.
"""
HANGING = """
import os, sys, time
if "run" in sys.orig_argv:
    from appliance.sip.transport import SipThread
    real = SipThread.turn
    def turn(self, now):
        while os.path.exists({path!r}):
            time.sleep(0.05)
        real(self, now)
    SipThread.turn = turn
"""
"""A sitecustomize by which the SIP thread hangs while a file is there."""


@pytest.fixture(scope="module")
def notices() -> Iterator[Notices]:
    """Stand for the service manager: listens, and does nothing by itself."""
    with Notices(WATCHDOG_S) as made:
        yield made


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, notices: Notices) -> Iterator[Box]:
    """A box whose SIP thread hangs while there is a file "hang"."""
    folder = tmp_path_factory.mktemp("box")
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(HANGING.format(path=str(folder / "hang")))
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    with Box(folder, lines=1, environment={**notices.environment, "PYTHONPATH": path}) as made:
        yield made


@pytest.fixture(scope="module")
def ordinary(box: Box) -> float:
    """Stop and start in good order; returns how long the start takes (s)."""
    box.stop()
    return started(box)


@pytest.fixture(scope="module")
def op1(box: Box) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


def assert_a_call_works(box: Box, phone: TestPhone) -> None:
    """A caller talks to the operator."""
    call, name = in_call(box, 1, phone)
    call.hang_up()
    assert record_of(box, name).result is Result.ANSWERED


def unfed_for(box: Box, notices: Notices, hang: Callable[[], None], seconds: float) -> bool:
    """Hang something; tell whether the watchdog stays hungry for so long from then on."""
    box.wait_until(lambda: bool(notices.times("WATCHDOG=1")), 10.0, "never fed")
    hang()
    wait(WATCHDOG_S / 2)  # what was on its way has come
    since = time.monotonic()
    wait(seconds)
    return not any(at > since for at in notices.times("WATCHDOG=1"))


def started(box: Box) -> float:
    """Start; returns the seconds until every line answers the next ring."""
    began = time.monotonic()
    box.start()
    return time.monotonic() - began


def start_as_systemd_does(box: Box) -> float:
    """End a process that hangs as the watchdog would, start it; s until the next ring is met."""
    box.kill()
    took = started(box)
    call = box.place(1, caller="0511234567")
    box.wait_until(lambda: bool(box.status()["calls"]), 25.0, "nobody met the caller")
    call.hang_up()
    box.last_record(1)
    return took


def test_a_box_that_works_feeds_its_watchdog(box: Box, notices: Notices) -> None:
    """The ruler itself: while nothing hangs the watchdog is fed."""
    assert not unfed_for(box, notices, lambda: None, WATCHDOG_S)


def test_a_sip_thread_that_hangs_starves_the_watchdog(
    box: Box, op1: TestPhone, ordinary: float, notices: Notices, figures: Figures
) -> None:
    """The deciding thread goes on, but is not fed for call control whose phones are deaf; the next
    one is ready as soon as after any other start, and meets the next caller.
    """
    hang = box.folder / "hang"
    hang.touch()
    wait(RESTART_RULES[Component.SIP].silent_s + LOOK_S)
    try:
        assert unfed_for(box, notices, lambda: None, WATCHDOG_S)
        assert box.status()["lines"]  # call control itself answers
    finally:
        hang.unlink()
    took = start_as_systemd_does(box)
    figures.say(
        f"F23 SIP thread hung: watchdog starved, ready {took:.1f} s after the start "
        f"(in good order {ordinary:.1f})"
    )
    assert took < 2 * ordinary + SLACK_S
    box.wait_until(box.is_idle, 25.0, "not idle")
    box.wait_until(
        lambda: box.status()["switchboard"]["free"] == ["op1"], 90.0, "the phone did not come back"
    )
    assert_a_call_works(box, op1)


def test_call_control_that_hangs_starves_the_watchdog(
    box: Box, ordinary: float, notices: Notices, figures: Figures
) -> None:
    """SIGSTOP of call control: not fed; the next one is ready as soon as after any other start."""
    assert box.daemon is not None
    pid = box.daemon.pid
    assert unfed_for(box, notices, lambda: os.kill(pid, signal.SIGSTOP), WATCHDOG_S)
    took = start_as_systemd_does(box)
    figures.say(
        f"F23 call control stopped: watchdog starved, ready {took:.1f} s after the start "
        f"(in good order {ordinary:.1f})"
    )
    assert took < 2 * ordinary + SLACK_S
    box.wait_until(box.is_idle, 25.0, "not idle")


def test_a_media_gateway_that_hangs_is_replaced(box: Box, op1: TestPhone, figures: Figures) -> None:
    """SIGSTOP of the media gateway in a conversation: call control notices, ends it, starts
    another; the phone is told, and the next call works.
    """
    box.wait_until(box.is_idle, 25.0, "not idle")
    _, name = in_call(box, 1, op1)
    old = media_gateway_of(box)
    os.kill(old, signal.SIGSTOP)
    began = time.monotonic()
    box.wait_until(lambda: bool(byes(op1, began)), 20.0, "the phone was not told")
    told = byes(op1, began)[0] - began
    box.wait_until(lambda: not is_running(old), 20.0, "the media gateway that hangs stays")
    box.wait_until(box.is_idle, 40.0, "the line did not come back")
    took = time.monotonic() - began
    assert record_of(box, name).result is Result.LOST
    assert_a_call_works(box, op1)
    figures.say(f"F23 gateway stopped: the phone told after {told:.1f} s, lines back {took:.1f} s")


def byes(phone: TestPhone, since: float) -> list[float]:
    """Return when a phone was told that its call is over, from a moment on."""
    return [event.at for event in phone.events if event.kind == "bye" and event.at > since]
