"""Stopping: every part is stopped, whatever the ones before it fail with."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.errors import StoreError
from appliance.service.main import Service


class Parts:
    """Parts of a service that take note of being stopped; those that `fail` then raise."""

    def __init__(self, fail: dict[str, Exception]) -> None:
        self.stopped: list[str] = []
        self._fail = fail
        self.call_control = SimpleNamespace(
            fact=self._step("desk"), drain_inbox=self._step("inbox")
        )
        self.media_link = SimpleNamespace(close=self._step("media_link"))
        self.phones = SimpleNamespace(stop=self._step("phones"), status=self._step("legs"))
        self.phones_kept = SimpleNamespace(keep_left=self._step("left"))
        self.mail = SimpleNamespace(stop=self._step("mail"))
        self.fleet = SimpleNamespace(stop=self._step("fleet"))
        self.jobs = SimpleNamespace(jobs=SimpleNamespace(stop=self._step("chores")))
        self.window = SimpleNamespace(stop=self._step("window"))
        self.settings = SimpleNamespace(stop=self._step("settings"))
        self.target_uploads = SimpleNamespace(stop=self._step("target"))
        self.metrics = SimpleNamespace(stop=self._step("metrics"))
        self.stores = SimpleNamespace(stop=self._stores)
        self.panel = SimpleNamespace(stop=self._step("panel"))

    def _step(self, name: str) -> Callable[..., None]:
        def step(*_: object) -> None:
            self.stopped.append(name)
            if name in self._fail:
                raise self._fail[name]

        return step

    def _stores(self, hear: Callable[[], None]) -> None:
        hear()
        self._step("stores")()


EVERY = [
    "desk", "media_link", "phones", "legs", "left", "mail", "fleet", "chores", "window", "settings",
    "target", "metrics", "inbox", "stores", "panel",
]  # fmt: skip


@pytest.mark.parametrize("failing", [*EVERY, "all"])
@pytest.mark.parametrize("error", [KeyError("a fault of ours"), StoreError("the disk is full")])
def test_a_step_that_fails_keeps_no_other_from_being_done(failing: str, error: Exception) -> None:
    """What was recorded in time is kept, and lines are hung up, whatever else is broken."""
    parts = Parts(dict.fromkeys(EVERY if failing == "all" else [failing], error))
    service: Any = Service.__new__(Service)
    service._parts, service._notify = parts, SimpleNamespace(notify=lambda _: None)
    service._stop()
    skipped = {"left"} if failing in {"legs", "all"} else set()
    assert parts.stopped == [name for name in EVERY if name not in skipped]
