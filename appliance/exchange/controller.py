"""Serves one control connection: places calls, plays a caller's part, turns knobs."""

from __future__ import annotations

import base64
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from appliance.errors import CentralinoError, ConfigurationError
from appliance.exchange import control, knobs
from appliance.exchange.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.exchange.control import Message
    from appliance.exchange.outlet import Outlet

HEARD_CHUNK = 800
"""What the caller hears is handed on every 100 ms."""


class Controller:
    """One conversation over the control socket, without the socket."""

    def __init__(self, outlets: Mapping[int, Outlet], status: Callable[[], Message]) -> None:
        self._outlets = outlets
        self._status = status
        self._clips: list[bytearray] = []
        self._out = bytearray()
        self._call: Call | None = None
        self._told: set[str] = set()

    def data_to_send(self) -> bytes:
        """Give and forget what the client is to read."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive_line(self, line: bytes) -> None:
        """Do what one message asks; a wrong one is answered with a sentence."""
        try:
            self._do(control.decode(line))
        except CentralinoError as error:
            self._tell("error", sentence=str(error))

    def hang_up(self) -> None:
        """End the caller's part: the client asked for it, or is gone."""
        if self._call is not None:
            self._call.wants_to_hang_up = True

    def _tell(self, event: str, **more: object) -> None:
        self._out += control.encode({"event": event, **more})

    def _do(self, message: Message) -> None:
        what = control.text_of(message, "do", "")
        match what:
            case "clip":
                self._clip(message)
            case "call":
                self._place(message)
            case "say" | "press" | "hang-up":
                self._act(what, message)
            case "set":
                self._set(message)
            case "status":
                self._tell("status", status=self._status())
            case _:
                raise ConfigurationError(f"{what!r} is nothing the exchange can do")

    def _outlet(self, message: Message) -> Outlet:
        number = control.number_of(message, "line")
        if number not in self._outlets:
            raise ConfigurationError(f"line {number} does not exist: lines 1-{len(self._outlets)}")
        return self._outlets[number]

    def _clip(self, message: Message) -> None:
        if message.get("new") or not self._clips:
            self._clips.append(bytearray())
        self._clips[-1] += control.sound_of(message)

    def _place(self, message: Message) -> None:
        if self._call is not None:
            raise ConfigurationError("this connection has its call: open another one")
        outlet = self._outlet(message)
        now = time.localtime()
        stamp = {"date": time.strftime("%m%d", now), "time": time.strftime("%H%M", now)}
        plan = control.plan_of(stamp | message, tuple(bytes(clip) for clip in self._clips))
        self._call = Call(plan, outlet.station.number)
        outlet.station.line.place(self._call)
        self._tell("placed", line=outlet.station.number)

    def _act(self, what: str, message: Message) -> None:
        if self._call is None:
            raise ConfigurationError(f"{what}: place a call first")
        if what == "say":
            self._call.say(control.sound_of(message))
        elif what == "press":
            self._call.press(control.text_of(message, "digits"))
        else:
            self.hang_up()

    def _set(self, message: Message) -> None:
        outlet = self._outlet(message)
        turned = message.get("knobs")
        if not isinstance(turned, dict):
            raise ConfigurationError("knobs: give an object of names and values")
        knobs.turn(outlet, turned)
        self._tell("done")

    def follow(self) -> None:
        """Tell what has happened to the call since the last tick."""
        call = self._call
        if call is None:
            return
        report = call.report
        if report.ring_start_s is not None:
            self._once("ringing", at_s=report.ring_start_s)
        if report.answered:
            self._once("answered", after_s=report.answered_after_s)
        if len(call.heard) >= HEARD_CHUNK or (call.heard and report.ended_by):
            self._tell("heard", data=base64.b64encode(call.heard).decode())
            call.heard.clear()
        if report.ended_by:
            self._once("released", report=asdict(report))
        if call.done:
            self._once("ended", report=asdict(report))

    def _once(self, event: str, **more: object) -> None:
        if event not in self._told:
            self._told.add(event)
            self._tell(event, **more)
