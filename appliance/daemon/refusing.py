"""A job of the records' thread whose trouble with the machine is a refusal, told to who asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from appliance.daemon.asked import Answer
from appliance.policy.supervision import why_not
from appliance.policy.text import Refused


def refusing(
    job: Callable[[sqlite3.Connection], Answer],
) -> Callable[[sqlite3.Connection], Answer]:
    """Return the job, raising Refused where the machine says no."""

    def done(connection: sqlite3.Connection) -> Answer:
        try:
            return job(connection)
        except OSError as error:
            why = why_not(error)
            raise Refused(f"non è possibile: {why.it}", f"it cannot be done: {why.en}") from error

    return done
