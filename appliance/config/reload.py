"""Configuration read again in a child, and put in force by the running service."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from appliance.policy.text import Refused
from appliance.store.database import Trouble

if TYPE_CHECKING:
    from appliance.service.jobs import Chores, Ended
    from appliance.service.phone_status import Lookout


# ---- apart -------------------------------------------------------------------------------------
# Work done apart: in a forked child, so that what it imports and leaves behind goes with it.
#
# Reading the configuration takes 20 MB once: the libraries that read it, and the holidays of the
# world of which a few dozen days are wanted.

T = TypeVar("T")


def begin(work: Callable[[], T]) -> Callable[[], T]:
    """Begin `work` in a child; the function returned waits for its result, which is pickled.

    Call it before the first thread. A child that dies or fails costs memory, nothing else: the
    work is then done here, and raises what it raises.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _be_child(work, writer)
    os.close(writer)

    def result() -> T:
        with os.fdopen(reader, "rb") as file:
            told = file.read()
        _, status = os.waitpid(pid, 0)
        if status != 0:
            return work()
        made: T = pickle.loads(told)  # noqa: S301 - our own child has written it
        return made

    return result


def _be_child(work: Callable[[], object], writer: int) -> NoReturn:
    """Do the work and tell; whatever goes wrong, never return into the parent's code."""
    status = 1
    try:
        with os.fdopen(writer, "wb") as file:
            file.write(pickle.dumps(work()))
        status = 0
    finally:
        os._exit(status)


# ---- reloading ---------------------------------------------------------------------------------
# SIGHUP: is the configuration written now a good one; then the service starts anew with it.
#
# The file is read once, at the start (CONTRIBUTING.md, rule 10): so what a person changes is looked
# at by a child, and taken over by a restart in good order when no call is up. A file that is wrong
# changes nothing.

log = logging.getLogger(__name__)

MOST_BYTES: Final = 1_000_000
"""What the child may write: it writes nothing."""
TOLD: Final = 400
"""So many characters of its complaints are shown; `centralino check` says all."""


class Reloading:
    """`ask` is for a signal; all else is done by `look`, in the deciding thread.

    `kept` is true where a service manager starts the desk again.
    """

    def __init__(self, chores: Chores, lookout: Lookout, *, kept: bool) -> None:
        self._chores, self._lookout, self._kept = chores, lookout, kept
        self._is_asked = False
        self._is_good = False

    def ask(self) -> None:
        """Have the file looked at soon."""
        self._is_asked = True

    def look(self, is_idle: Callable[[], bool]) -> bool:
        """Do what is due; returns True when the service should leave to start with a new file."""
        if self._is_asked and not self._chores.running:
            self._is_asked = False
            self._begin()
        return self._is_good and self._kept and is_idle()

    def _begin(self) -> None:
        try:
            self._chores.begin(("check",), "", MOST_BYTES, self._heard)
        except (Refused, OSError) as error:
            log.error("the configuration cannot be looked at: %s", error)

    def _heard(self, ended: Ended) -> None:
        self._is_good = ended.is_well
        log.info("the configuration is %s", "good" if ended.is_well else "not used")
        self._lookout.trouble("configuration", self._trouble(ended))

    def _trouble(self, ended: Ended) -> Trouble | None:
        if not ended.is_well:
            return Trouble(
                "configuration.bad",
                "La configurazione scritta ora non è valida, resta quella di prima: "
                + _short(ended.said.it),
                "The configuration written now is wrong, the one before stays in force: "
                + _short(ended.said.en),
            )
        if self._kept:
            return None
        return Trouble(
            "configuration.new",
            "La nuova configurazione è valida: riavviare il servizio per usarla.",
            "The new configuration is good: restart the service to use it.",
        )


def _short(said: str) -> str:
    return " ".join(said.split())[:TOLD]
