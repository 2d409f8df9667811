"""What is broken on purpose: one table of faults, each undone by itself after a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from appliance.calls.states import State
from appliance.simulator.exchange.outlet import Outlet
from appliance.simulator.exchange.signals import RingRecognised
from tests.soak.store import WAYS

if TYPE_CHECKING:
    from tests.soak.world import World

MOMENTS = (
    State.ARRIVED,
    State.RINGING,
    State.ANSWERING,
    State.HOLDING,
    State.TALKING,
    State.GREETING_PENDING,
    State.GREETING,
    State.TONE,
    State.RECORDING,
    State.STORING,
    State.FAREWELL,
    State.CLEARING,
)
"""The states of a call in which a fault may strike."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break things: `act` does it to a line and plans its end; `everywhere` tells
    whether other lines' calls may suffer, for `lasts_s` at most. A caller hears nothing because of
    it for no longer than `silence_s`.
    """

    act: Callable[[World, str], None]
    everywhere: bool = False
    lasts_s: float = 0.0
    silence_s: float = 12.0


def strike(world: World, name: str, line: str) -> None:
    """Let a fault of the table happen to a line."""
    fault = FAULTS[name]
    world.watch.disturb(name, "" if fault.everywhere else line, fault.silence_s)
    if fault.everywhere:
        world.troubled_until = max(world.troubled_until, world.now + fault.lasts_s)
    fault.act(world, line)


def _outlet(world: World, line: str) -> Outlet:
    return world.outlets[line]


# --- the modem ----------------------------------------------------------------------------------


def _lost_result(world: World, line: str) -> None:
    _outlet(world, line).station.modem.lose_results = world.dice.randrange(1, 4)


def _garbage(world: World, line: str) -> None:
    outlet = _outlet(world, line)
    if outlet.port is not None:
        outlet.port.write(world.dice.randbytes(world.dice.randrange(1, 300)))


def _lost_bytes(world: World, line: str) -> None:
    """Bytes of the modem that never arrive: its own queue is emptied."""
    world.after(0.0, _outlet(world, line).station.modem.data_to_send)


def _spurious(world: World, line: str) -> None:
    _outlet(world, line).station.modem.report(world.dice.choice("dblPpuosqhH/~"))


def _stray_ring(world: World, line: str) -> None:
    """RING after the caller gave up, or in the middle of anything."""
    modem = _outlet(world, line).station.modem
    for wait in (0.0, 0.4):
        world.after(wait, lambda: modem.hear(RingRecognised(1000, 4000)))


def _wedge(world: World, line: str) -> None:
    """It takes nothing and says nothing, and its ioctls block; root's helper may be missing."""
    outlet = _outlet(world, line)
    outlet.wedged = True
    world.deaf_helper = world.dice.random() < 0.3
    world.after(world.dice.uniform(2, 60), lambda: _come_round(world, outlet))


def _come_round(world: World, outlet: Outlet) -> None:
    if outlet.wedged:
        world.revive(outlet)


def _reset(world: World, line: str) -> None:
    """The modem's firmware starts anew by itself, its port stays."""
    _outlet(world, line).station.power_cycle()


def _unplug(world: World, line: str) -> None:
    outlet = _outlet(world, line)
    outlet.unplug()
    world.after(world.dice.choice((0.1, 1.0, 5.0, 20.0)), outlet.plug_in)


# --- the wires ----------------------------------------------------------------------------------


def _cut(world: World, line: str) -> None:
    wires = _outlet(world, line).station.line
    wires.cut(cut=True)
    world.after(world.dice.choice((0.2, 2.0, 15.0)), lambda: wires.cut(cut=False))


def _extension(world: World, line: str) -> None:
    wires = _outlet(world, line).station.line
    wires.move_extension(up=True)
    world.after(world.dice.uniform(0.5, 12.0), lambda: wires.move_extension(up=False))


# --- processes ----------------------------------------------------------------------------------


def _stall(world: World, line: str) -> None:
    world.stalled_until = world.now + world.dice.choice((0.1, 0.3, 1.0, 3.0))


def _stall_control(world: World, line: str) -> None:
    """Call control does not turn: what it is told waits, what it records may not fit any more."""
    world.control_stalled_until = world.now + world.dice.choice((0.5, 3.0, 13.0))


def _kill_gateway(world: World, line: str) -> None:
    if world.gateway is not None and world.gateway.lives:
        world.gateway.die()


def _kill_control(world: World, line: str) -> None:
    if world.control is None:
        return
    world.control.die()
    _control_gone(world)


def _stop_control(world: World, line: str) -> None:
    if world.control is None:
        return
    world.control.stop()
    _control_gone(world)


def _control_gone(world: World) -> None:
    assert world.control is not None
    world.phones.forget_control(world.control)
    world.control = None
    if world.gateway is not None:
        world.gateway.is_child = world.dice.random() < 0.5
    world.after(world.dice.choice((0.1, 3.0, 15.0)), world.boot)


def _no_ports(world: World, line: str) -> None:
    gateway = world.gateway
    if gateway is not None:
        gateway.virtual_phones.no_ports = True
        world.after(5.0, lambda: setattr(gateway.virtual_phones, "no_ports", False))


# --- phones, LAN, disk, clock -------------------------------------------------------------------


def _some_phone(world: World) -> str:
    return world.dice.choice(("op1", "op2", "desk1", "desk2"))


def _phone_dies(world: World, line: str) -> None:
    phone = _some_phone(world)
    world.phones.cut_power(phone)
    world.after(world.dice.uniform(1.0, 40.0), lambda: world.phones.give_power(phone))


def _phone_mute(world: World, line: str) -> None:
    for leg in world.phones.legs.values():
        leg.mute = True


def _phone_restarts(world: World, line: str) -> None:
    world.phones.restart(_some_phone(world))


def _phone_lapses(world: World, line: str) -> None:
    """Its registration runs out in the middle of anything; it comes back."""
    phone = _some_phone(world)
    world.phones.lapse(phone)
    world.after(world.dice.uniform(0.1, 20.0), lambda: world.phones.register(phone))


def _phone_babbles(world: World, line: str) -> None:
    """Answers, hang-ups, refusals of every phone are told twice."""
    world.phones.babbles = True
    world.after(20.0, lambda: setattr(world.phones, "babbles", False))


def _shuffles(world: World, line: str) -> None:
    """Datagrams of sound arrive late, in another order, and some twice."""
    world.lan.shuffles = world.dice
    world.after(world.dice.uniform(0.5, 10.0), lambda: setattr(world.lan, "shuffles", None))


def _lossy(world: World, line: str) -> None:
    world.lan.lossy = True
    world.after(world.dice.uniform(0.2, 6.0), lambda: setattr(world.lan, "lossy", False))


def _disk(world: World, line: str) -> None:
    world.store.way = world.dice.choice(WAYS)
    world.after(world.dice.uniform(5.0, 30.0), lambda: setattr(world.store, "way", ""))


def _clock(world: World, line: str) -> None:
    world.wall_offset += timedelta(seconds=world.dice.choice((-3600, -61, 40, 3600, 14_400)))


FAULTS: Mapping[str, Fault] = {
    "lost result": Fault(_lost_result, silence_s=40.0),
    "garbage": Fault(_garbage),
    "lost bytes": Fault(_lost_bytes, silence_s=40.0),
    "spurious event": Fault(_spurious),
    "stray ring": Fault(_stray_ring),
    "wedged": Fault(_wedge, silence_s=75.0),
    "modem resets": Fault(_reset),
    "unplugged": Fault(_unplug),
    "line cut": Fault(_cut, silence_s=20.0),
    "extension": Fault(_extension),
    "stall": Fault(_stall, everywhere=True, lasts_s=4.0),
    "desk stall": Fault(_stall_control, everywhere=True, lasts_s=16.0, silence_s=18.0),
    "carrier killed": Fault(_kill_gateway, everywhere=True, lasts_s=5.0),
    "desk killed": Fault(_kill_control, everywhere=True, lasts_s=30.0),
    "desk stopped": Fault(_stop_control, everywhere=True, lasts_s=30.0),
    "no RTP port": Fault(_no_ports, everywhere=True, lasts_s=6.0),
    "phone dies": Fault(_phone_dies, everywhere=True, lasts_s=60.0, silence_s=20.0),
    "phone mute": Fault(_phone_mute, everywhere=True, lasts_s=40.0, silence_s=36.0),
    "phone restarts": Fault(_phone_restarts, everywhere=True, lasts_s=20.0, silence_s=20.0),
    "phone lapses": Fault(_phone_lapses, everywhere=True, lasts_s=25.0),
    "phone babbles": Fault(_phone_babbles, everywhere=True, lasts_s=22.0),
    "LAN shuffles": Fault(_shuffles, everywhere=True, lasts_s=12.0),
    "LAN down": Fault(_lossy, everywhere=True, lasts_s=10.0, silence_s=40.0),
    "disk": Fault(_disk, everywhere=True, lasts_s=50.0),
    "clock set": Fault(_clock, everywhere=True, lasts_s=2.0),
}
