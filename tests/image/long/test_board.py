"""The image on a Raspberry Pi 3 B: its LEDs, seen from outside, at the chip's own registers.

The pins are those of a configuration without [panel] (docs/installation.en.md). The tests are one
day of one box, in turn: it is started without its modem, gets it, loses its telephone cable, is
called.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from typing import Final

import pytest

from appliance.config.schema import PanelPins
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import NO_IDENTITY
from tests.helpers.figures import Figures
from tests.image import built
from tests.image.disk import Disk
from tests.image.guest import CALL_CONTROL_READY, GATEWAY_READY
from tests.image.long import leds
from tests.image.long.leds import Look
from tests.image.long.pi import MODEM, Pi
from tests.image.office import CALL_LIMIT_S, MESSAGE, Office, journal, site

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(built.missing() != "", reason=f"needs {built.missing()}"),
]

READY: Final = PanelPins().ready
LINE: Final = PanelPins().lines[0]
ANSWERED: Final[leds.Pattern] = ((True, 1000),)
"""Lit for longer than any blink: sound comes in our time, so that to a board which lives ten times
slower the whole call is one of a few seconds.
"""
RINGS: Final = 60
"""A caller who waits until a board that lives slower than he does has answered."""
CALL: Final = dataclasses.replace(
    MESSAGE, caller=NO_IDENTITY, rings=RINGS, digits="", hang_up_after_ms=3_600_000
)
"""One whose number the box waits for, by its own clock: so long it rings."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A new card with the technician's file on it, its line at the board's own USB."""
    folder = tmp_path_factory.mktemp("office")
    disk = Disk(built.image(), folder / "card")
    disk.put_on_fat("centralino.toml", site(MODEM))
    with Office(disk, folder) as made:
        yield made
    disk.remove()


@pytest.fixture(scope="module")
def board(office: Office) -> Iterator[Pi]:
    """Switch the board on, with nothing at its USB; tells the journal when a test has failed."""
    with Pi(office.disk, office.exchange.line(1).resolve()) as made:
        yield made


@pytest.fixture(scope="module")
def starting(board: Pi) -> list[Look]:
    """Return looks at READY's LED until call control and media gateway have said that they are
    READY.
    """
    looks: list[Look] = []
    board.wait("READY", lambda: is_ready(board, looks))
    return looks


@pytest.fixture(scope="module")
def plugged(board: Pi, starting: list[Look]) -> Pi:
    """Plug the modem in, and wait until the line is idle."""
    assert starting
    board.plug_in()
    with told(board):
        board.wait_shows(LINE, leds.DARK)
    return board


def test_ready_blinks_and_then_stays_lit(board: Pi, starting: list[Look], figures: Figures) -> None:
    """While the box starts, and once it serves."""
    assert (True, False) in itertools.pairwise(one.lit for one in starting), "it did not blink"
    figures.say(f"image: on a Raspberry Pi 3 B, to READY {board.seconds():.0f} s")
    board.wait_shows(READY, leds.LIT)


def test_a_line_without_its_modem_flashes_once(board: Pi, starting: list[Look]) -> None:
    """One flash every 2 s: plug it into its USB port."""
    assert starting
    board.wait_shows(LINE, leds.ONE_FLASH)


def test_a_line_with_its_modem_is_dark(plugged: Pi) -> None:
    """It goes dark by itself once the modem is plugged into the port that the file names."""
    plugged.wait_shows(LINE, leds.DARK)


def test_a_line_without_its_cable_flashes_three_times(plugged: Pi, office: Office) -> None:
    """And is dark again once the cable is back."""
    process.set_line(office.folder / "lines", 1, cut=True)
    with told(plugged):
        plugged.wait_shows(LINE, leds.THREE_FLASHES)
    process.set_line(office.folder / "lines", 1, cut=False)
    plugged.wait_shows(LINE, leds.DARK)


def test_a_ringing_line_blinks_and_an_answered_one_is_lit(plugged: Pi, office: Office) -> None:
    """It blinks fast until the box answers, stays lit as long as the call, then goes dark.

    A line rings in our time: for a board that lives ten times slower that is short, so that a blink
    or two are all that need be seen.
    """
    looks: list[Look] = []
    call = process.start_call(office.folder / "lines", 1, CALL)
    with contextlib.closing(call), told(plugged):
        plugged.wait("the line's LED stays lit", lambda: is_lit(plugged, looks), every_s=0.01)
        assert leds.blinked(looks, leds.FAST), leds.runs(looks)
        call.wait_for("answered", CALL_LIMIT_S)
        assert not call.over
    plugged.wait_shows(LINE, leds.DARK)


def is_lit(board: Pi, looks: list[Look]) -> bool:
    """Look at the line's LED once more, and tell whether it stays lit."""
    looks.append(board.look(LINE))
    return leds.shows(leds.steadily(looks), ANSWERED)


@contextlib.contextmanager
def told(board: Pi) -> Iterator[None]:
    """Add the box's own journal to what a failure says."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{error}\n{journal(board)}") from error


def is_ready(board: Pi, looks: list[Look]) -> bool:
    """Tell whether call control and media gateway have said that they are READY; looks at READY's
    LED first.
    """
    looks.append(board.look(READY))
    return all(word.search(board.console()) for word in (CALL_CONTROL_READY, GATEWAY_READY))
