"""Changes of directory, sheets and managed settings that commands ask for."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from appliance.api import protocol
from appliance.api.protocol import DeferredReply, Incoming, Reply, SendReply
from appliance.errors import CentralinoError, OfficeError, StoreError
from appliance.policy.text import Refused
from appliance.service.loop import records_made
from appliance.store import policy_change
from appliance.store.database import connect, migrate, open_reader, sole_writer
from appliance.store.policy_change import OvertakenError, PolicyChange

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.service.loop import Stores

T = TypeVar("T")

PART: Final = 11_000
"""Bytes of one part: as base64 it fits in a question."""
TIMES: Final = 5
"""So often a change is made anew where somebody else changed the records meanwhile."""
START_LIMIT_S: Final = 10.0
"""Call control holds the records before it answers: so long a start may take."""
ANSWER_LIMIT_S: Final = 30.0


class PolicyQuestions:
    """Call control's side: takes the parts, writes in the records' thread, reads what is new."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._incoming = Incoming(policy_change.LIMIT)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {"policy_part": self.part, "policy_write": self.write}

    def part(self, question: dict[str, Any]) -> Reply:
        """Take one part of a change; the writing follows the last one."""
        return self._incoming.take(_command(question), question)

    def write(self, question: dict[str, Any]) -> DeferredReply:
        """Write what has come; answered when it is in force."""
        data = self._incoming.collect(_command(question))

        def job(connection: sqlite3.Connection) -> None:
            policy_change.write(connection, policy_change.from_json(data))

        def later(tell: SendReply) -> None:
            def done(result: CentralinoError | None) -> None:
                if isinstance(result, OvertakenError):
                    tell({"written": False})
                elif result is not None:
                    tell(result)
                else:
                    self._stores.register.load(lambda _: tell({"written": True}))

            self._stores.records.do(job, done)

        return later


def changed(settings: Settings, make: Callable[[sqlite3.Connection], tuple[T, PolicyChange]]) -> T:
    """Have a change written that `make` makes of the records as they are; returns what it tells.

    `make` reads alone, and is called again where somebody else was quicker. Raises what it raises,
    OvertakenError, OfficeError, StoreError.
    """
    database = records_made(Path(settings.folders.state))
    for _ in range(TIMES):
        with closing(open_reader(database)) as connection:
            told, change = make(connection)
        if change.is_nothing or _written(settings, database, change):
            return told
    raise OvertakenError


def basis_of(connection: sqlite3.Connection) -> int:
    """Return the version of what is read; raises Refused for records of an older programme."""
    from appliance.store.database import migrations

    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version < migrations()[-1][0]:
        raise Refused(
            "gli archivi sono di una versione precedente: avviare centralino, poi riprovare",
            "the records are of an older version: start centralino, then again",
        )
    return policy_change.basis(connection)


def _written(settings: Settings, database: Path, change: PolicyChange) -> bool:
    """Write by call control, or here where it does not run; False where others were quicker."""
    socket = Path(settings.folders.run) / "desk.sock"
    end = time.monotonic() + START_LIMIT_S
    while True:
        try:
            return _sent(socket, change)
        except protocol.NotRunningError:
            pass
        try:
            with sole_writer(database, 0.5):
                return _written_here(database, change)
        except StoreError:  # whoever holds the records has not come to answer yet
            if time.monotonic() >= end:
                raise


def _sent(socket: Path, change: PolicyChange) -> bool:
    by, data = f"command {os.getpid()}", policy_change.to_json(change)
    if len(data) > policy_change.LIMIT:
        raise Refused(
            f"la modifica ha {len(data) // 1_000_000} MB, al massimo "
            f"{policy_change.LIMIT // 1_000_000}: dividerla in parti più piccole",
            f"the change has {len(data) // 1_000_000} MB, at most "
            f"{policy_change.LIMIT // 1_000_000}: divide it into smaller ones",
        )
    for at in range(0, len(data), PART):
        encoded = base64.b64encode(data[at : at + PART]).decode()
        protocol.ask(socket, {"ask": "policy_part", "by": by, "at": at, "data": encoded})
    answer = protocol.ask(socket, {"ask": "policy_write", "by": by}, limit=ANSWER_LIMIT_S)
    return bool(answer["written"])


def _written_here(database: Path, change: PolicyChange) -> bool:
    with closing(connect(database)) as connection:
        migrate(connection)
        try:
            policy_change.write(connection, change)
        except OvertakenError:
            return False
    return True


def _command(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the command that asks")
    return by[:64]
