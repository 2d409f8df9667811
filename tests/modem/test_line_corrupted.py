"""A noisy cable: bytes of the modem lost, doubled, changed, torn apart; then the line serves again.

The driver may lose a call to it, never its head: no exception, bounded memory, and a clean port
leads back to service by the steps that the driver itself asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.modem.events import (
    Failed,
    Idle,
    LineEvent,
    OffHook,
    RingReceived,
    SoundReceived,
    Stream,
    Up,
)
from appliance.modem.line import LineDriver
from appliance.modem.scripts import LineSettings
from appliance.modem.table import LineStage
from appliance.modem.v253 import LINE_LIMIT, REPLY_LIMIT
from tests.helpers.examples import examples
from tests.modem.fake_modem import Bench, FakeModem, usr5637

NOISE = (b"\x10", b"\x10\x03", b"\r\nOK\r\n", b"\r\nERROR\r\n", b"\r\nRING\r\n", b"\x10R", b"\x10P",
         b"\x10X", b"\r\nCONNECT\r\n", b"0\r", b"\r", b"\n", b"\x00", b"\xff")  # fmt: skip
"""What lands between the modem's bytes: among it what the driver would believe."""
SERVICE_S = 120


@dataclass
class Noise:
    """Spoils one piece in `one_in`, while it is on; the same seed spoils alike."""

    seed: int
    one_in: int
    on: bool = True
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def __call__(self, data: bytes) -> bytes:
        """Give what arrives of what the modem sent."""
        if not self.on or not data or self.random.randrange(self.one_in):
            return data
        at = self.random.randrange(len(data) + 1)
        match self.random.randrange(4):
            case 0:
                return data[:at] + data[at + 1 + self.random.randrange(4) :]
            case 1:
                return data[:at] + data[:at] + data[at:]
            case 2:
                return data[:at] + self.random.choice(NOISE) + data[at:]
            case _:
                return data[:at] + self.random.randbytes(3) + data[at + 3 :]


class Noisy(FakeModem):
    """A modem behind a noisy cable."""

    noise: Noise | None = None

    def read(self, now: float) -> bytes:
        """Give what is due, as it arrives."""
        data = super().read(now)
        return self.noise(data) if self.noise else data


def noisy(half: bool) -> Noisy:
    """Make a modem of one make or the other."""
    made = Noisy()
    vars(made).update({k: v for k, v in vars(usr5637()).items() if half and not k.startswith("_")})
    return made


def serves(line: Bench) -> list[LineEvent]:
    """Bring the line back as its port would, ring, answer; returns what was told of the call."""
    end = line.now + SERVICE_S
    while line.driver.stage is not LineStage.IDLE and line.now < end:
        if line.driver.stage is LineStage.FAILED:
            line.note(line.driver.start(line.now))
        elif line.driver.stage not in {
            LineStage.SYNCING,
            LineStage.INQUIRING,
            LineStage.CONFIGURING,
        }:
            line.note(line.driver.hang_up(line.now))
        line.run(1)
    line.take()
    line.modem.ring(line.now)
    line.run(2.5)
    line.note(line.driver.answer(line.now))
    line.run(3)
    return [e for e in line.take() if isinstance(e, RingReceived | OffHook)]


def bounded(driver: LineDriver) -> bool:
    """What the driver keeps of a modem that never comes to an end."""
    modem = driver._life.modem
    return len(modem._line) < LINE_LIMIT and len(modem._lines) <= REPLY_LIMIT


@settings(max_examples=examples(60))
@given(seed=st.integers(0, 2**32), one_in=st.integers(1, 6), half=st.booleans(),
       piece=st.sampled_from([0, 1, 7]))  # fmt: skip
def test_a_line_survives_a_noisy_cable(seed: int, one_in: int, half: bool, piece: int) -> None:
    """Coming up, a call with a stream and its end, all under noise; then a clean call."""
    modem = noisy(half)
    modem.noise = Noise(seed, one_in)
    line = Bench(LineDriver("1", LineSettings(idle_check_ms=5000)), modem, piece)
    line.note(line.driver.start(line.now))

    def stream() -> None:
        kind = Stream.DUPLEX if line.driver.duplex else Stream.RECEIVE  # as it was understood
        if line.driver.law:
            line.note(line.driver.start_stream(kind, line.now))

    orders: tuple[Callable[[], object], ...] = (
        bool,
        lambda: modem.ring(line.now),
        lambda: line.note(line.driver.answer(line.now)),
        stream,
        lambda: line.note(line.driver.hang_up(line.now)),
    )
    for order in orders:
        order()
        line.run(4)
        assert bounded(line.driver)
    modem.noise.on = False
    assert serves(line)[0] == RingReceived(1)
    assert line.driver.stage is LineStage.OFF_HOOK
    assert modem.off_hook


@pytest.mark.parametrize("junk", [b"\x10X", b"x", b"\x10", b"\r\n", b"OK", b"NMBR = "])
def test_a_modem_that_talks_for_ever_costs_a_bounded_memory(junk: bytes) -> None:
    """A megabyte of what never ends, in every stage that reads text."""
    line = Bench(LineDriver("1", LineSettings(idle_check_ms=0)), FakeModem())
    line.up()
    assert isinstance(line.take()[-1], Up | Idle | Failed)
    for _ in range(256):
        line.note(line.driver.receive_data(junk * (4096 // len(junk)), line.now))
        assert bounded(line.driver)
    assert all(not isinstance(e, SoundReceived) for e in line.take())
