"""How many examples Hypothesis tries: few in the quick run, all in the full run.

`make test` is the quick run: the same few examples each time. With CENTRALINO_EXAMPLES=full in the
environment each property gets its full number of examples, and others in each run.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

VARIABLE: Final = "CENTRALINO_EXAMPLES"
IS_FULL: Final = os.environ.get(VARIABLE) == "full"
FEWEST: Final = 10
"""No property gets fewer examples than this in the quick run, unless its full number is less."""
QUICK_DEFAULT, FULL_DEFAULT = 25, 100
"""The number of examples of a property that names none."""


def examples(full: int, quick: int | None = None, *, is_full: bool = IS_FULL) -> int:
    """Return the number of examples for this run, of a property that is worth `full` of them.

    The quick run gets a sixth, or `quick` where an example is dear.
    """
    if is_full:
        return full
    return min(full, max(FEWEST, full // 6)) if quick is None else quick


@settings(max_examples=1, database=None)
@given(st.none())
def try_one_example(_: None) -> None:
    """Have Hypothesis set itself up: it looks among all objects for its random numbers' owner."""


def load_profile() -> None:
    """Set Hypothesis's defaults for this run.

    No deadline: how long an example takes on a machine that others use too says nothing.
    """
    slow_is_allowed = [HealthCheck.too_slow]
    settings.register_profile(
        "quick",
        deadline=None,
        suppress_health_check=slow_is_allowed,
        max_examples=QUICK_DEFAULT,
        derandomize=True,
    )
    settings.register_profile(
        "full",
        deadline=None,
        suppress_health_check=slow_is_allowed,
        max_examples=FULL_DEFAULT,
        print_blob=True,
    )
    settings.load_profile("full" if IS_FULL else "quick")
