"""What presses mean, in virtual time."""

from __future__ import annotations

import pytest

from appliance.panel import BOUNCE_S, HOLD_S, Button, Press


def presses(*edges: tuple[str, float]) -> list[Press | None]:
    """Play edges ("down"/"up", seconds); return what each "up" meant."""
    button = Button()
    found: list[Press | None] = []
    for edge, now in edges:
        if edge == "down":
            button.pressed(now)
        else:
            found.append(button.released(now))
    return found


@pytest.mark.parametrize(
    ("held", "press"),
    [(0.06, Press.SHORT), (HOLD_S - 0.01, Press.SHORT), (HOLD_S, Press.LONG), (60, Press.LONG)],
)
def test_how_long_it_was_held_decides(held: float, press: Press) -> None:
    """Let go before 3 s it is a press, then it is a hold."""
    assert presses(("down", 1.0), ("up", 1.0 + held)) == [press]


def test_bounces_are_one_press() -> None:
    """A contact that chatters at both ends toggles once."""
    down = [(kind, 1.0 + i / 1000) for i, kind in enumerate(["down", "up", "down", "up", "down"])]
    up = [(kind, 1.4 + i / 1000) for i, kind in enumerate(["up", "down", "up", "down", "up"])]
    assert [p for p in presses(*down, *up) if p] == [Press.SHORT]


def test_two_presses_are_two() -> None:
    """Pressed twice in a second it toggles twice."""
    assert presses(("down", 1), ("up", 1.1), ("down", 1.3), ("up", 1.4)) == [Press.SHORT] * 2


def test_an_opening_that_came_too_soon_spoils_only_its_own_press() -> None:
    """A touch shorter than a bounce is none, and the next press is no hold."""
    assert presses(("down", 1), ("up", 1 + BOUNCE_S / 2), ("down", 20), ("up", 20.2)) == [
        None,
        Press.SHORT,
    ]


def test_an_opening_alone_means_nothing() -> None:
    """The box was started with the button held."""
    assert presses(("up", 1.0)) == [None]
