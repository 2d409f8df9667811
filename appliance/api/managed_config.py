"""What is asked at the door of the head office's settings: what holds, a file, the way back.

Who may is looked up in the records' thread; a child does it (chores.py), and notes who wanted it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.api.permissions import check_may
from appliance.api.protocol import DeferredReply, Reply, SendReply, plain
from appliance.errors import CentralinoError
from appliance.policy import managed_config
from appliance.policy.text import Refused
from appliance.policy.users import Permission
from appliance.service.managed_config import MOST_BYTES, Central
from appliance.store.managed_config import REVERT

if TYPE_CHECKING:
    from appliance.service.jobs import ChoreQuestions
    from appliance.service.loop import Stores

UPLOADED: Final = "central/uploaded.settings"
"""Where, below the console's folder, a file lies that came from a browser."""
CHORES: Final = ("central_show", "central_apply", "central_revert")


@dataclass(slots=True)
class CentralQuestions:
    """Asked in the deciding thread; `on_schedule` has the configuration read anew."""

    stores: Stores
    central: Central
    chores: ChoreQuestions
    on_schedule: Callable[[], None] = lambda: None

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            "central": self.told,
            "central_changed": self.changed,
            "central_show": lambda question: self._asked("show", question),
            "central_apply": lambda question: self._asked("apply", question),
            "central_revert": lambda question: self._asked("revert", question),
        }

    def told(self, _: dict[str, Any]) -> Reply:
        """Say what is in force, what came of the last look, and of what was asked for here."""
        told = self.chores.told({})
        held = self.central.known.held
        return {
            "configured": bool(self.central.settings.central.certificate),
            "server": self.central.settings.central.server,
            "said": [plain(words) for words in self.central.words()],
            "version": held.version if held else 0,
            "can_revert": bool(held and held.digest and held.source != REVERT),
            "running": told["running"] == "settings",
            "last": {name: told["last"][name] for name in CHORES if name in told["last"]},
        }

    def changed(self, question: dict[str, Any]) -> DeferredReply:
        """Take over what a command has put in force: nothing of it touches a call that is on."""
        if question.get("schedule") is True:
            self.on_schedule()

        def later(tell: SendReply) -> None:
            self.stores.spoken.load()
            self.stores.register.load(lambda _: self.central.read_anew(lambda: tell({})))

        return later

    def _asked(self, what: str, question: dict[str, Any]) -> DeferredReply:
        by = str(question.get("by", ""))[:64]
        file = Path(self.central.settings.folders.console) / UPLOADED
        given = () if what == "revert" else (str(file),)
        by_whom = () if what == "show" else ("--by", by)
        words = ("settings", what, *given, *by_whom)

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, Permission.CENTRAL)
            if given and not file.is_file():
                raise Refused(managed_config.NO_FILE.it, managed_config.NO_FILE.en)

        def later(tell: SendReply) -> None:
            def done(result: CentralinoError | None) -> None:
                if isinstance(result, Refused):
                    tell({"done": False, "said": plain(result.words)})
                elif result is not None:
                    tell(result)
                else:
                    self.chores.hand_over(f"central_{what}", words, "", tell, MOST_BYTES)

            self.stores.records.do(job, done)

        return later
