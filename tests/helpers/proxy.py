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
