"""Call control on a virtual clock: Switchboard, legs, its side of the link, the soak's stores."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from typing import TYPE_CHECKING, cast

from appliance.calls import events, orders
from appliance.calls.orders import Order
from appliance.calls.switchboard import Switchboard
from appliance.dsp.dtmf import pcm16
from appliance.media.messages import LineSetup, Prompt, Recovering, Setup
from appliance.policy.clock import Now
from appliance.policy.opening import ServiceState
from appliance.prompts import Catalogue
from appliance.service.loop import CallControl, Confinement, Inbox
from appliance.service.media_link import EventHandlers, Legs, MediaLink
from appliance.service.stores import Stores
from tests.soak import office

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.soak.world import World

WORD = pcm16([5000.0, 5000.0, -5000.0, -5000.0] * 800)
"""What every announcement says: 0.4 s of sound that is no tone of any plan."""


def prompts() -> tuple[int, tuple[Prompt, ...]]:
    """Return a memfd in which every prompt is the same short sound, and its index."""
    fd = os.memfd_create("soak-prompts", os.MFD_CLOEXEC)
    os.write(fd, WORD)
    names = sorted(Catalogue(None).keys("it"))
    return fd, tuple(Prompt(f"it/{name}", 0, len(WORD)) for name in names)


class SoakMediaLink(MediaLink):
    """Its child is a media gateway of the soak's world."""

    get_socket: Callable[[], socket.socket]

    def _child_socket(self) -> socket.socket:
        return self.get_socket()


class Raising(Confinement):
    """Confines nothing: a fault of ours ends the soak, whose calls would seem to be well."""

    def note(self, error: BaseException) -> None:
        """Raise it, within the handler that caught it."""
        raise error


class SoakCallControl(CallControl):
    """One call control process; `die` is what kill -9 does to it, `stop` what systemd does."""

    def __init__(self, world: World, boot: int) -> None:
        self.world = world
        self.lives = True
        self.box_inbox = Inbox()
        self.box_selector = selectors.DefaultSelector()
        kept = world.store.state
        switchboard = Switchboard(
            world.office, f"b{boot}", kept if isinstance(kept, ServiceState) else ServiceState()
        )
        stores = cast("Stores", world.store)
        super().__init__(switchboard, stores, self.box_inbox, self.box_selector, lambda _: None)
        self.confinement = world.confinement or Raising()
        self.prompt_fd, index = prompts()
        self.side = SoakMediaLink(
            setup(world, index), self.prompt_fd, self._takers(), self.box_selector
        )
        self.side.get_socket = world.gateway_socket
        self.box_legs = Legs(world.phones, self.side.send, office.ADDRESS, ("ulaw",))
        self.join(self.side, self.box_legs)
        for phone in office.OFFICE.phones:
            if phone not in world.phones.off:
                self.fact(events.PhoneRegistered(phone))

    @property
    def switchboard(self) -> Switchboard:
        """The Switchboard, to be looked into."""
        return self._switchboard

    def now(self) -> Now:
        """Say what time it is in the soak's world."""
        return self.world.clock()

    def step(self) -> None:
        """Deal with what has come."""
        if self.lives:
            self.turn(0.0)

    def _hear(self, event: events.Event) -> None:
        self.world.trace(f"> {event}")
        super()._hear(event)

    def stop(self) -> None:
        """End as the service does: every call ends, every line is put on hook."""
        self.fact(events.BoxStopped())
        self.side.close()
        self._closed()

    def die(self) -> None:
        """Be killed: nothing is said to anybody."""
        if self.side._link is not None:
            self.side._link.close()
        self._closed()

    def _closed(self) -> None:
        self.lives = False
        self.box_selector.close()
        self.box_inbox.close()
        os.close(self.prompt_fd)

    def _dispatch(self, order: Order) -> None:
        self.world.trace(f"< {_short(order)}")
        if isinstance(order, orders.Play):
            self.world.watch.played(order)
        super()._dispatch(order)

    def _takers(self) -> EventHandlers:
        store = self.world.store
        return EventHandlers(
            event=self.fact,
            recording=store.begin,
            sound=store.append,
            gap=self.fact,
            health=self.health,
            measured=self.measured,
            recovering=self._recovering,
        )

    def _recovering(self, told: Recovering) -> None:
        self.world.trace(f"> {told.line} {told.step}: {told.reason}")
        self.world.helper(told)


def setup(world: World, index: tuple[Prompt, ...]) -> Setup:
    """Return the media gateway's Setup: what each line is configured to be."""
    lines = tuple(
        LineSetup(
            line.name,
            str(world.outlets[line.name].link),
            dialect="auto",
            caller_id=office.CALLER_ID[line.name],
        )
        for line in office.OFFICE.lines
    )
    hold = ("it/hold", "it/hold_music")
    return Setup(lines, office.ADDRESS, (16_000, 19_998), index, hold, ("it/connection_lost",))


def _short(order: Order) -> str:
    """Write an order; of a record only what it says at its end."""
    if isinstance(order, orders.WriteCall):
        record = order.record
        return f"write {record.call} {record.result} {record.evidence} {record.trail[-1:]}"
    if isinstance(order, orders.StoreMessage):
        return f"store {order.call} trim_ms={order.trim_ms}"
    return str(order)


def end_control(control: SoakCallControl) -> None:
    """Close call control at the end of the soak."""
    with contextlib.suppress(OSError):
        control.die()
