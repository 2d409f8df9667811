"""One virtual clock for a whole box: exchange, media gateway, call control, stores, phones, people,
faults.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
import socket
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from appliance.calls import events
from appliance.media.messages import Recovering
from appliance.modem.events import Recovery
from appliance.policy.clock import Now
from appliance.service.loop import Confinement
from appliance.simulator.exchange.line import SubscriberLineState
from appliance.simulator.exchange.modem_protocol import personality_named
from appliance.simulator.exchange.outlet import Outlet, Station
from appliance.simulator.exchange.signals import country_named
from tests.soak import mix, office
from tests.soak.call_control import SoakCallControl
from tests.soak.caller import Caller
from tests.soak.lan import Lan
from tests.soak.media_gateway import VirtualGateway
from tests.soak.phones import Phones
from tests.soak.ports import VirtualPort
from tests.soak.store import Store
from tests.soak.watch import Watch

STEP_S = 0.02
"""One step of the world: a media gateway's tick, a phone's frame."""
HAIR_S = 1e-7
"""A step is a hair longer than a tick, or rounding would make half of the ticks late."""
BEGAN = 100.0
DOZE_S = 2.0
"""What rests is looked at so often; nothing of the box's wants to be woken sooner."""
RESTED = 0.85
"""How many of the calls come on a line that the last call has left for good."""


class SoakFailure(AssertionError):  # noqa: N818 - what a soak ends in when something is wrong
    """Raised with what was wrong; the trace tells what led to it."""


class World:
    """The box and all around it. `folder` holds the ports' names; `dice` decide everything.

    `make_store` makes what stands for the disk; of the trace the last `kept_lines` are kept.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        make_store: Callable[[World], Store] = Store,
        kept_lines: int | None = None,
    ) -> None:
        self.dice = random.Random(seed)
        self._folder = str(folder)
        self.start = self.dice.choice(office.STARTS)
        self.office = office.OFFICE
        self.now = BEGAN
        self.wall_offset = timedelta()
        self.lines: deque[str] = deque(maxlen=kept_lines)
        self.outlets = {
            line.name: self._outlet(number, folder / line.name)
            for number, line in enumerate(office.OFFICE.lines, 1)
        }
        self._by_path = {str(outlet.link): outlet for outlet in self.outlets.values()}
        self.lan = Lan()
        self.phones = Phones(self, self.lan)
        self.watch = Watch(self)
        self.store = make_store(self)
        self.gateways: list[VirtualGateway] = []
        self.stalled_until = self.control_stalled_until = 0.0
        self.control: SoakCallControl | None = None
        self.confinement: Confinement | None = None
        self.boots = itertools.count(1)
        self._numbers = itertools.count(1)
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._hash = hashlib.sha256()
        self._steps = 0
        self.deaf_helper = False
        self.troubled_until = 0.0
        self.prepare()
        self.boot()

    def prepare(self) -> None:
        """Change what there is before the box starts, where a story wants it otherwise."""

    def _outlet(self, number: int, path: Path) -> Outlet:
        """Make a line with its modem; what its chip notices, how its crystal runs, dice decide.

        Where the chip names no tone and no key, the box must hear them itself.
        """
        make = personality_named(office.DIALECTS[number - 1])
        station = Station(number, country_named("it"), make)
        station.ppm = self.dice.choice((0.0, -100.0, 100.0))
        station.modem.chip_tones = self.dice.random() < 0.5
        station.modem.chip_dtmf = self.dice.random() < 0.5
        station.line.wire.pbx = make.name == "usr5637"
        return Outlet(station, path, make_port=VirtualPort)

    # --- time --------------------------------------------------------------------------------

    def clock(self) -> Now:
        """Say what time it is; the wall clock may have been set."""
        passed = timedelta(seconds=self.now - BEGAN)
        return Now(self.now, self.start + passed + self.wall_offset)

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Have something happen later."""
        heapq.heappush(self._agenda, (self.now + seconds, self.number(), act))

    def number(self) -> int:
        """Give the next number."""
        return next(self._numbers)

    def step(self, steps: int = 1) -> None:
        """Let 20 ms go by, or so many of them."""
        self._steps += steps
        self.now = BEGAN + self._steps * (STEP_S + HAIR_S)
        while self._agenda and self._agenda[0][0] <= self.now:
            heapq.heappop(self._agenda)[2]()
        for outlet in self.outlets.values():
            outlet.tick(steps * STEP_S, self.now)
        self.phones.step()
        self._turn()
        self._turn()
        self.watch.look()

    def doze(self) -> None:
        """Let time go by as far as nothing happens: half a second where all rest, else 20 ms."""
        free_s = DOZE_S
        if self._agenda:
            free_s = min(free_s, self._agenda[0][0] - self.now)
        rests = free_s > STEP_S and not self.phones.legs
        rests = rests and all(map(self.watch.is_idle, self.outlets))
        self.step(max(1, int(free_s / STEP_S)) if rests else 1)

    @property
    def is_troubled(self) -> bool:
        """True while something that concerns every line is broken."""
        return self.now < self.troubled_until

    def run(self, seconds: float) -> None:
        """Let time go by."""
        end = self.now + seconds
        while self.now < end:
            self.step()

    def _turn(self) -> None:
        """Let every process do what it has to do, and modems take commands at once."""
        if self.now >= self.stalled_until:
            for gateway in self.gateways:
                gateway.step()
        if self.control is not None and self.now >= self.control_stalled_until:
            self.control.step()
        if self.now >= self.stalled_until:
            for gateway in self.gateways:
                gateway.step()
        for outlet in self.outlets.values():
            outlet.serve(self.now)
        self._bury()

    def _bury(self) -> None:
        """See off the media gateways whose call control is gone and whose lines are idle."""
        for gateway in tuple(self.gateways):
            if gateway.lives and gateway.has_finished:
                gateway.end()
            if not gateway.lives:
                self.gateways.remove(gateway)

    # --- processes ---------------------------------------------------------------------------

    @property
    def gateway(self) -> VirtualGateway | None:
        """The media gateway that serves call control of the moment."""
        return self.gateways[-1] if self.gateways else None

    def boot(self) -> None:
        """Start call control; what the last one left open is closed by its stores."""
        self.store.interrupt()
        self.control = SoakCallControl(self, next(self.boots))

    def gateway_socket(self) -> socket.socket:
        """Give call control the other end of a media gateway: the unit that lives, or a new one."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        gateway = self.gateway
        if gateway is None or not gateway.lives or gateway.is_child:
            gateway = VirtualGateway(self._by_path, self.lan, lambda: self.now)
            self.gateways.append(gateway)
        gateway.serve(theirs)
        return ours

    def post(self, event: events.Event, control: SoakCallControl | None) -> None:
        """Leave a fact for call control; one that is gone never hears of it."""
        if control is not None and control is self.control and control.lives:
            control.box_inbox.post(event)

    def helper(self, told: Recovering) -> None:
        """Do what root's helper does: USB resets and power cycles bring a wedged modem back."""
        outlet = self.outlets[told.line]
        cures = {Recovery.RESET_USB.value: 2.0, Recovery.POWER_CYCLE.value: 4.0}
        if told.step in cures and not self.deaf_helper:
            self.after(cures[told.step], lambda: self.revive(outlet))

    def revive(self, outlet: Outlet) -> None:
        """Unbind and bind a modem's USB device: it is gone, and comes back as new."""
        outlet.wedged = False
        for gateway in self.gateways:
            gateway.fork_server.step(self.now)
        outlet.unplug()
        self.after(0.5, outlet.plug_in)

    # --- people ------------------------------------------------------------------------------

    def place(self, line: str, script: mix.Script) -> Caller:
        """Have somebody call."""
        outlet = self.outlets[line]
        caller = Caller(script, outlet.station.number)
        self.trace(f"{line} call {script.number} {script.kind}: {script}")
        self.watch.begins(line, caller)
        outlet.station.line.wire.extensions = dict(script.parties)
        outlet.station.line.place(caller)
        return caller

    def script_of(self, line: str) -> mix.Script | None:
        """Return the script of the call on a line, None when there is none of that name."""
        caller = self.watch.lines[line].caller if line in self.watch.lines else None
        return caller.script if caller is not None else None

    def free_lines(self) -> list[str]:
        """Return the lines on which somebody may call, most often those that rest."""
        free = [
            name
            for name, outlet in self.outlets.items()
            if outlet.station.line.state is SubscriberLineState.IDLE
            and self.watch.lines[name].caller is None
        ]
        rested = [name for name in free if self.watch.is_idle(name)]
        return rested if rested and self.dice.random() < RESTED else free

    # --- the trace ---------------------------------------------------------------------------

    def trace(self, text: str) -> None:
        """Keep one line of what happened."""
        line = f"{self.now:10.2f} {text.replace(self._folder, 'PORTS')}"
        self.lines.append(line)
        self._hash.update(line.encode() + b"\n")

    def fail(self, why: str) -> None:
        """End the soak."""
        self.trace(f"FAILED: {why}")
        raise SoakFailure(f"at {self.now:.2f} s: {why}")

    @property
    def digest(self) -> str:
        """Name the whole trace in 16 hex digits."""
        return self._hash.hexdigest()[:16]

    def close(self) -> None:
        """End every process."""
        if self.control is not None and self.control.lives:
            self.control.die()
        for gateway in self.gateways:
            if gateway.lives:
                gateway.die()
        self.store.interrupt()
        for outlet in self.outlets.values():
            outlet.close()
