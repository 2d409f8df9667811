"""What a technician asks by hand: a line put on hook, its port closed and opened again.

Who may is looked up, and who did it kept, in the records' thread; the carrier is told by the
deciding thread, which looks once more whether a call has come meanwhile.
"""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from appliance.api.permissions import check_may
from appliance.api.protocol import DeferredReply, Reply, SendReply, plain
from appliance.errors import CentralinoError
from appliance.media.messages import RestartLine
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    from appliance.service.loop import Desk, Stores
    from appliance.service.media_link import CarrierSide

CODE: Final = "line.restart"
"""In the audit."""


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A restart that may be: whoever asked is told what became of it."""

    line: str
    even_in_call: bool
    tell: SendReply


@dataclass(frozen=True, slots=True)
class LineRestarts:
    """Asked in the deciding thread, allowed in the records', done by `look`."""

    stores: Stores
    desk: Desk
    carrier: CarrierSide
    _allowed: queue.SimpleQueue[_Allowed] = field(default_factory=queue.SimpleQueue)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], DeferredReply]]:
        """Name what may be asked."""
        return {"line_restart": self.asked}

    def asked(self, question: dict[str, Any]) -> DeferredReply:
        """Restart a line for a technician; one with a call on it only `even_in_call`."""
        by, line = (str(question.get(key, ""))[:64] for key in ("by", "line"))
        even, at = question.get("even_in_call") is True, self.desk.now().wall

        def later(tell: SendReply) -> None:
            if refused := self._refusal(line, even_in_call=even):
                tell(refused)
                return

            def job(connection: sqlite3.Connection) -> None:
                check_may(connection, by, Permission.TECHNICAL)
                with transaction(connection):
                    database.note(connection, Noted(at, by, CODE, line))

            def done(result: CentralinoError | None) -> None:
                if result is None:
                    self._allowed.put(_Allowed(line, even, tell))
                else:
                    tell(_refused(result) if isinstance(result, Refused) else result)

            self.stores.records.do(job, done)

        return later

    def look(self) -> None:
        """Do what was allowed since the last time; in the deciding thread."""
        while not self._allowed.empty():
            allowed = self._allowed.get()
            allowed.tell(self._restart(allowed))

    def _restart(self, allowed: _Allowed) -> Reply:
        if refused := self._refusal(allowed.line, even_in_call=allowed.even_in_call):
            return refused
        self.carrier.send(RestartLine(allowed.line))
        return {"said": plain(_done(allowed.line))}

    def _refusal(self, name: str, *, even_in_call: bool) -> Reply | None:
        """Say why the line cannot be restarted now; None: it can."""
        line = next((one for one in self.desk.status().lines if one.name == name), None)
        if line is None:
            return _refused(Refused(f"non c'è una linea {name!r}", f"there is no line {name!r}"))
        if line.call and not even_in_call:
            return _refused(
                Refused(
                    f"sulla linea {name} c'è una chiamata: attendere che finisca, o confermare "
                    "che può cadere",
                    f"there is a call on line {name}: wait for its end, or confirm that it may "
                    "be cut",
                )
            )
        if not self.carrier.connected:
            return _refused(
                Refused(
                    "il processo delle linee si sta avviando: le linee ripartono con esso",
                    "the lines' process is being started: the lines start with it",
                )
            )
        return None


def _done(line: str) -> Words:
    return Words(
        f"La linea {line} viene riagganciata e la sua porta riaperta: lo stato si vede qui sopra.",
        f"Line {line} is put on hook and its port opened again: its state shows above.",
    )


def _refused(refused: Refused) -> Reply:
    return {"done": False, "said": plain(refused.words)}
