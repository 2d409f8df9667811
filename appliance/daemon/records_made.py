"""Where the records are that the desk has made: a command never makes them itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.daemon.stores import database_path
from appliance.policy.text import Refused

if TYPE_CHECKING:
    from pathlib import Path


def records_made(state: Path) -> Path:
    """Find the records below a state folder; raises Refused where the desk has made none yet.

    Those that a command made would belong to whoever called it.
    """
    path = database_path(state)
    if not path.exists():
        raise Refused(
            f"in {state} non ci sono ancora archivi: avviare centralino una volta, poi riprovare",
            f"there are no records in {state} yet: start centralino once, then again",
        )
    return path
