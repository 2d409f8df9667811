"""The proxy between branches, run by the very configuration of docs/fleet/kamailio.

Each account's password is "secret-NAME"; `lists` are names that stand for several boxes.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.kamailio import Kamailio

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "fleet" / "kamailio"
WRITTEN = ("192.168.10.5", 5060)
"""Where the example listens as it is."""
PASSWORDS = {
    name: f"change-me-{n}" for n, name in enumerate(("porto", "savena", "borgo", "pbx"), 1)
}
"""What the example's accounts have as it is."""


@dataclass
class Proxy(Kamailio):
    """Debian's kamailio between branches; `lists`: name -> addresses of boxes, the first first."""

    accounts: tuple[str, ...] = ()
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def _write(self, file: Path) -> list[str]:
        """Copy the example; only addresses, accounts and passwords are of the test."""
        shutil.copy(EXAMPLE / "kamailio.cfg", file)
        secrets = [f'$sht(secret=>{name}) = "secret-{name}";' for name in self.accounts]
        named = [f'$sht(list=>{name}) = "{n}";' for n, name in enumerate(self.lists, 1)]
        (self.folder / "branches.cfg").write_text("\n".join((*secrets, *named, "")))
        boxes = self.folder / "dispatcher.list"
        boxes.write_text(
            "".join(
                f"{n} sip:{box} 0 {100 - place}\n"
                for n, one in enumerate(self.lists.values(), 1)
                for place, box in enumerate(one)
            )
            or "9 sip:127.0.0.1:9 8 1\n"
        )
        defined = (f"LISTEN=udp:{self.address}:{self.port}", f'LISTS="{boxes}"', "PING=1")
        return [word for one in defined for word in ("-A", one)]


@dataclass
class ExampleProxy(Kamailio):
    """The same with the three files as they are, on a network where their addresses exist."""

    def __post_init__(self) -> None:
        self.address, self.port = WRITTEN

    def _write(self, file: Path) -> list[str]:
        """Copy the example; only the folder is of the test."""
        for name in ("branches.cfg", "dispatcher.list"):
            shutil.copy(EXAMPLE / name, self.folder)
        shutil.copy(EXAMPLE / "kamailio.cfg", file)
        return ["-A", f'LISTS="{self.folder}/dispatcher.list"']
