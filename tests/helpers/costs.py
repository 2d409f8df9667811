"""The price of a password hash in unit tests: next to nothing.

scrypt and argon2 are slow on purpose; here they only have to be the same functions. System tests
keep the shipped cost: a process they start compares what was hashed in the test's own process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from appliance.console import accounts
from appliance.service import housekeeping
from appliance.store import age, backup_v1

REAL_COST: Final = "real_cost"
"""The fixture of a test that needs the shipped cost."""
CHEAP_WORK: Final = 4
CHEAP_N: Final = 1 << CHEAP_WORK
CHEAP_KIB: Final = 64


def needs_real_cost(item: pytest.Item) -> bool:
    """Tell whether a test hashes at the shipped cost."""
    names: tuple[str, ...] | list[str] = getattr(item, "fixturenames", ())
    return REAL_COST in names or item.get_closest_marker("system") is not None


@contextmanager
def lowered() -> Iterator[None]:
    """Hash cheaply for as long as this is entered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(age, "WORK", CHEAP_WORK)
        patch.setattr(backup_v1, "COST", CHEAP_N)
        patch.setattr(housekeeping, "_N", CHEAP_N)
        patch.setattr(accounts, "MEMORY_KIB", CHEAP_KIB)
        patch.setattr(accounts, "PASSES", 1)
        cheap = re.sub(r"m=\d+,t=\d+", f"m={CHEAP_KIB},t=1", accounts.DUMMY_HASH)
        patch.setattr(accounts, "DUMMY_HASH", cheap)
        yield
