"""Two branches, each a whole box with its own exchange, and the proxy between them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.helpers import kamailio
from tests.helpers.box import Box
from tests.helpers.proxy import Proxy
from tests.interop.offices import needed
from tests.system.test_transfer import REGISTER, OfficeBox

EVERY_CASE = '["busy", "no_answer", "unattended", "unreachable", "closed"]'
SETTINGS = """\
[sip.registrar]
address = "{proxy}"
user = "{user}"
[branches]
names = {names}
offices = {offices}
when = {when}
ring = {ring}
takes = true
"""
LIMIT_S = 45.0
"""Presence of the other branch is asked for every 30 s."""


@dataclass
class Branch(OfficeBox):
    """A branch's box; its directory names the `other` branch as the office that takes callers."""

    other: str = ""
    register: str = field(init=False)

    def __post_init__(self) -> None:
        self.register = REGISTER.replace('"ana1"', f'"{self.other}"')

    @property
    def phones(self) -> tuple[str, ...]:
        """The positions alone."""
        return (*self.operators, *self.counters)

    def reaches(self, *names: str) -> bool:
        """Tell whether the box believes that it can reach these branches."""
        sip = self.ask("plant")["sip"]
        there = {each["name"] for each in sip["branches"] if each["answers"]}
        return there >= set(names) and "'registered'" in str(sip["standing"])


def settings(
    proxy: str, user: str, names: tuple[str, ...], offices: tuple[str, ...] = ("residenza",)
) -> str:
    """Write what a branch's configuration says of the others."""
    needs = [f"anagrafe.{need}" for need in offices]
    return SETTINGS.format(
        proxy=proxy, user=user, names=_listed(names), offices=_listed(needs), when=EVERY_CASE,
        ring=15,
    )  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def branch(folder: Path, user: str, other: str, proxy: str, **more: Any) -> Branch:
    """Make the box of one branch (not started)."""
    extra = settings(proxy, user, (other,))
    secrets = {"sip.registrar": f"secret-{user}"}
    return Branch(folder, extra=extra, other=other, **({"counters": (), "secrets": secrets} | more))


@contextlib.contextmanager
def two_branches(folder: Path, **more: Any) -> Iterator[tuple[Proxy, Branch, Branch]]:
    """Run the proxy, Porto and Savena, each with one position (op1, op2)."""
    needed(kamailio.PACKAGE, is_here=kamailio.is_installed())
    with Proxy(folder / "proxy", accounts=("porto", "savena", "pbx")) as proxy:
        where = f"{proxy.address}:{proxy.port}"
        second = branch(folder / "savena", "savena", "porto", where, operators=("op2",))
        first = branch(folder / "porto", "porto", "savena", where, operators=("op1",), **more)
        with second, first:
            first.declare()
            second.declare()
            meet(first)
            yield proxy, first, second


def meet(box: Branch) -> None:
    """Wait until a branch knows that the other one is there."""
    box.wait_until(lambda: box.reaches(box.other), LIMIT_S, "the other one was not seen")


def talks(box: Box, phone: str) -> bool:
    """Tell whether a caller of this box talks with a phone or a branch."""
    calls = box.status()["calls"]
    return any(call["state"] == "talking" and call["phone"] == phone for call in calls)
