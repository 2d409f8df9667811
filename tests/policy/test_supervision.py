"""What is restarted when: the table itself, its limits, and what follows from them."""

from __future__ import annotations

import pytest

from appliance.policy.supervision import (
    MOST_REMEMBERED,
    RESTART_RULES,
    Component,
    RestartHistory,
    SupervisionVerdict,
    silent_components,
    supervise_self,
)

FINE = SupervisionVerdict(feeds=True)
THREADS = (
    Component.RECORDS,
    Component.VOICEMAIL,
    Component.MAIL,
    Component.PANEL,
    Component.METRICS,
)
"""Call control's threads without which calls are answered all the same."""


def chain(part: Component) -> list[Component]:
    """Follow whose turn it is when restarts of a part are of no use."""
    found = [part]
    while (then := RESTART_RULES[found[-1]].then) is not None:
        found.append(then)
        assert len(found) < len(Component), "in a circle"
    return found


def test_every_part_has_its_row() -> None:
    """Nothing that can die is without a rule."""
    assert set(RESTART_RULES) == set(Component)


@pytest.mark.parametrize("part", Component)
def test_a_fault_goes_up_and_never_in_a_circle(part: Component) -> None:
    """Each part hands over to a greater one, until the box goes on without or is rebooted."""
    assert chain(part)[-1] in {
        Component.LINE,
        Component.CALL_CONTROL,
        Component.CONSOLE_LINK,
        Component.APPLIANCE,
    }


def test_a_line_is_a_lines_own_affair() -> None:
    """A modem that cannot be brought back never takes the other lines' process with it."""
    assert chain(Component.CALL) == [Component.CALL, Component.LINE]
    assert chain(Component.MEDIA_GATEWAY) == [Component.MEDIA_GATEWAY, Component.CALL_CONTROL]
    assert chain(Component.SIP) == [Component.SIP, Component.UNIT, Component.APPLIANCE]


@pytest.mark.parametrize("part", [part for part, rule in RESTART_RULES.items() if rule.pauses_s])
def test_pauses_grow(part: Component) -> None:
    """What fails again and again is tried ever more seldom, and for ever."""
    pauses = RESTART_RULES[part].pauses_s
    assert list(pauses) == sorted(pauses)


def test_the_first_restart_is_at_once_the_next_ones_wait() -> None:
    """The pauses of the row one after the other, the last one from then on."""
    past, found = RestartHistory(), []
    for _ in range(8):
        found.append(past.pause_s(Component.MEDIA_GATEWAY, 100.0))
        past = past.again(100.0)
    assert found == [0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0]


def test_more_than_so_many_in_so_long_is_too_much() -> None:
    """Five of the lines' process within a minute are borne, the sixth is not; a minute later the
    first ones count no longer.
    """
    past = RestartHistory(tuple(float(n) for n in range(5)))
    assert not past.is_too_much(Component.MEDIA_GATEWAY, 10.0)
    assert past.again(10.0).is_too_much(Component.MEDIA_GATEWAY, 10.0)
    assert not past.again(10.0).is_too_much(Component.MEDIA_GATEWAY, 62.0)


def test_times_of_another_boot_do_not_count() -> None:
    """The monotonic clock began anew: what seems to come is past."""
    assert RestartHistory((5000.0,)).recent(Component.CALL_CONTROL, 10.0) == ()


def test_what_is_remembered_is_bounded() -> None:
    """A part that dies for months costs no memory."""
    past = RestartHistory()
    for n in range(3 * MOST_REMEMBERED):
        past = past.again(float(n))
    assert (len(past.times), past.times[-1]) == (MOST_REMEMBERED, 3 * MOST_REMEMBERED - 1.0)


def test_late_is_who_is_silent_for_longer_than_its_own_limit() -> None:
    """Each by its own row: a card may stall for a while, a phone may not wait."""
    silent_s = 30.0
    beats = dict.fromkeys((Component.SIP, Component.RECORDS), 100.0)
    assert silent_components(beats, 100.0 + silent_s) == (Component.SIP,)
    assert silent_components(beats, 100.0 + RESTART_RULES[Component.RECORDS].silent_s) == (
        Component.SIP,
    )
    assert silent_components(beats, 101.0 + RESTART_RULES[Component.RECORDS].silent_s) == (
        Component.SIP,
        Component.RECORDS,
    )


def test_all_alive_feeds() -> None:
    """The ruler itself."""
    assert supervise_self((), (), RestartHistory(), 0.0, idle=True) == FINE


@pytest.mark.parametrize("idle", [True, False])
def test_phones_that_hang_starve_at_once(idle: bool) -> None:
    """No call works without them: nothing is waited for."""
    assert supervise_self(
        (Component.SIP,), (), RestartHistory(), 0.0, idle=idle
    ) == SupervisionVerdict(feeds=False)


@pytest.mark.parametrize("part", THREADS)
def test_a_thread_that_hangs_starves_once_nobody_is_on_a_line(part: Component) -> None:
    """No caller is cut off for it: the feed, and the service, end when all is idle."""
    busy = supervise_self((part,), (), RestartHistory(), 0.0, idle=False)
    assert busy == SupervisionVerdict(feeds=True, waiting=(part,))
    assert supervise_self((part,), (), RestartHistory(), 0.0, idle=True) == SupervisionVerdict(
        False, part, waiting=(part,)
    )


@pytest.mark.parametrize("part", [*THREADS, Component.MEDIA_GATEWAY])
def test_what_a_restart_did_not_mend_is_borne(part: Component) -> None:
    """Once in so long; then calls are answered without, and the next try comes by itself."""
    left, again_s = RestartHistory((1000.0,)), RESTART_RULES[Component.CALL_CONTROL].within_s
    borne = supervise_self((), (part,), left, 1000.0 + again_s - 1.0, idle=True)
    assert borne == SupervisionVerdict(feeds=True, borne=(part,))
    assert supervise_self((), (part,), left, 1000.0 + again_s + 1.0, idle=True).leave is part


def test_a_part_that_is_late_and_has_failed_is_named_once() -> None:
    """People read one sentence of it; the phones' hanging starves whatever else is borne."""
    left = RestartHistory((0.0,))
    found = supervise_self(
        (Component.SIP, Component.RECORDS), (Component.RECORDS,), left, 1.0, idle=True
    )
    assert found == SupervisionVerdict(feeds=False, borne=(Component.RECORDS,))


def test_every_row_is_told_in_both_languages() -> None:
    """What is shown to people is said in Italian and English."""
    for rule in RESTART_RULES.values():
        for words in (rule.what, rule.remedy):
            assert words.text("it")
            assert words.text("en")
            assert words.text("it") != words.text("en")
