"""An office in memory: a Switch with one line of the exchange and one phone; virtual clock."""

from __future__ import annotations

import os
from typing import Any

from appliance.calls import orders
from appliance.calls.events import MediaAgreed
from appliance.dsp.dtmf import pcm16
from appliance.media.messages import Prompt
from appliance.media.phone_leg import PhoneLeg
from appliance.media.playback import PromptMemory
from appliance.media.switch import Switch
from appliance.simulator.exchange.call import ExchangeCall
from tests.media.virtual import ADDRESS, Hosted, Phone, World

HOLD = pcm16([3000.0, -3000.0] * 4000)
WORD = pcm16([5000.0, 5000.0, -5000.0, -5000.0] * 2000)


class Office:
    """A Switch with one line of the exchange and one test phone, as the process would hold it."""

    def __init__(self, one: Hosted) -> None:
        self.one = one
        self.world = World(one)
        self.phone = Phone()
        self.world.parts += [self.phone.step, self.tick]
        self.told = one.told
        self.switch = Switch(self.told.append, lambda _: self.phone.leg, self.retired)
        self.gone: list[PhoneLeg] = []
        self.switch.lines["line1"] = one.line
        self.switch.hold_prompts = ("it/hold",)
        self.switch.prompts = memory({"it/hold": HOLD, "it/word": WORD})
        self._steps = 0
        self.world.bring_up()

    def tick(self, now: float) -> None:
        """Every other 10 ms the gateway's tick comes; phones that are joined have their own."""
        self._steps += 1
        self.switch.run_joins(now)
        if self._steps % 2 == 0:
            self.switch.tick(now)

    def retired(self, leg: PhoneLeg) -> None:
        """Note a leg that was let go."""
        self.gone.append(leg)

    def order(self, order: Any) -> None:
        """Give the Switch an order now."""
        self.switch.order(order, self.world.now)

    def talking(self) -> ExchangeCall:
        """Answer a call and join it to the phone."""
        call = self.world.answer(self.one, hang_up_after_ms=10**6)
        self.order(orders.PreparePhone("leg1"))
        port = self.phone.socket.getsockname()[1]
        self.order(MediaAgreed("leg1", ADDRESS, port, "ulaw", 101))
        self.order(orders.Connect("line1", "leg1"))
        self.world.run(300)
        return call


def memory(prompts: dict[str, bytes]) -> PromptMemory:
    """Lay prompts into a memory as call control does."""
    fd = os.memfd_create("prompts")
    os.write(fd, b"".join(prompts.values()))
    at, index = 0, []
    for name, pcm in prompts.items():
        index.append(Prompt(name, at, len(pcm)))
        at += len(pcm)
    made = PromptMemory(fd, index)
    os.close(fd)
    return made
