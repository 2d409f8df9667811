"""The software exchange on a virtual clock: no port, no process, no sleep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

from appliance.modem.scripts import LineSettings
from appliance.simulator.exchange import replay
from appliance.simulator.exchange.outlet import Outlet, Station, turn_knobs
from appliance.simulator.exchange.outlet import PtyPort as ExchangePort
from appliance.simulator.exchange.signals import country_named as country_of
from appliance.usb import UsbStep
from hw_tests.bench import Bench
from hw_tests.findings import Verdict
from hw_tests.power import CannotError
from hw_tests.side import Side
from hw_tests.worlds import EXCHANGE_NUMBERS, KNOWN, LINE_OF, turned_on
from tests.helpers.words import pair

TICK = 0.01


class Cable(ExchangePort):
    """Both ends of a port in memory: the exchange's, and the host's."""

    def __init__(self, link: Path, number: int) -> None:
        self.name = f"{link}-{number}"
        self.master = -1
        self.to_modem = bytearray()
        self.to_host = bytearray()
        self.opened = False
        self.unplugged = False

    @property
    def is_open(self) -> bool:
        """True while the host has it open."""
        return self.opened

    @property
    def host_reads(self) -> bool:
        """The host of a virtual clock reads always."""
        return True

    @property
    def waiting(self) -> int:
        """Bytes on their way to the modem."""
        return len(self.to_modem)

    def read(self, most: int) -> bytes:
        """Give the modem what the host wrote."""
        data = bytes(self.to_modem[: max(most, 0)])
        del self.to_modem[: len(data)]
        return data

    def write(self, data: bytes) -> None:
        """Take what the modem sends."""
        self.to_host += data

    def forget(self) -> None:
        """Drop what was not read."""
        self.to_host.clear()

    def close(self) -> None:
        """Be pulled out."""
        self.unplugged = True


class HostPort:
    """The host's end of a cable."""

    def __init__(self, cable: Cable) -> None:
        self._cable = cable
        cable.opened = True

    def read(self) -> bytes:
        """Give what has come; raises OSError when the modem has gone."""
        if self._cable.unplugged:
            raise OSError("the modem has gone")
        data = bytes(self._cable.to_host)
        self._cable.to_host.clear()
        return data

    def write(self, data: bytes) -> int:
        """Take everything."""
        self._cable.to_modem += data
        return len(data)

    def drop_dtr(self) -> bool:
        """There is none, as on a pseudo terminal."""
        return False

    def close(self) -> None:
        """Close the port: what the exchange sees at its next tick."""
        self._cable.opened = False


class Virtual:
    """A `World` whose time passes as fast as it is computed."""

    kind = "exchange"
    hub = False
    numbers: Mapping[str, str] = EXCHANGE_NUMBERS
    known: Mapping[str, str] = KNOWN
    paths: Mapping[str, str] = dict(zip(LINE_OF, LINE_OF, strict=True))

    def __init__(self, dialect: str = "conexant", country: str = "it", **turned: object) -> None:
        self.country = country
        self._now = 100.0
        self._numbers = itertools.count()
        self._cables: dict[str, Cable] = {}
        self.outlets: dict[str, Outlet] = {}
        for name, number in LINE_OF.items():
            station = Station(number, country_of(country), replay.personality(dialect))
            self.outlets[name] = Outlet(station, Path(name), make_port=self._cable)
        first, second = (outlet.station.line.wire for outlet in self.outlets.values())
        second.lines = first.lines
        for name in LINE_OF:
            self.turn(name, **turned_on(name) | turned)

    def _cable(self, link: Path) -> Cable:
        self._cables[link.name] = Cable(link, next(self._numbers))
        return self._cables[link.name]

    def now(self) -> float:
        """Tell the virtual time."""
        return self._now

    def wait(self, until: float) -> None:
        """Let a tick pass: everything happens at ticks."""
        self._tick()

    def _tick(self) -> None:
        self._now += TICK
        self._serve()

    def _serve(self) -> None:
        """Run every line for a tick."""
        for outlet in self.outlets.values():
            outlet.tick(TICK, self._now)

    def open(self, name: str) -> HostPort:
        """Open a side's port; the exchange sees it closed before, if it was open."""
        if self._cables[name].opened:
            self.close(name)
        return HostPort(self._cables[name])

    def close(self, name: str) -> None:
        """Close a side's port."""
        self._cables[name].opened = False
        self._tick()

    def placed(self, name: str) -> tuple[str, str]:
        """A virtual port has a name."""
        return name, ""

    def usb(self, name: str, step: UsbStep) -> Callable[[], None]:
        """Unplug a modem and plug it in again, where `hub` says that its power can be switched."""
        if not self.hub:
            raise CannotError(Verdict.NOT_ON_THIS_DEVICE, pair("Non qui.", "Not here."))

        def done() -> None:
            self.turn(name, plugged=False)
            self._tick()
            self.turn(name, plugged=True)

        return done

    def die(self, name: str) -> None:
        """Take a line off hook, stream, and vanish: the port is closed, and nothing more said."""
        sides = {name: Side(name, self.open(name), LineSettings())}
        bench = Bench(self, sides)
        bench.bring_up()
        bench.dial(name, "")
        bench.listen(name)
        bench.run(0.3)
        self.close(name)

    def late_s(self) -> float:
        """Nothing is late on a virtual clock."""
        return 0.0

    def turn(self, name: str, **turned: object) -> bool:
        """Turn knobs."""
        turn_knobs(self.outlets[name], dict(turned))
        return True
