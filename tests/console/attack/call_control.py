"""What call control tells a console under attack: real answers to all that is only read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from appliance.api.commands import FREE, NEEDS
from appliance.api.protocol import DeferredReply, Reply
from appliance.calls.switchboard import Switchboard
from appliance.service.status import StatusCollector
from tests.fuzz.targets import control_socket as stand_ins
from tests.helpers.system_status import SystemStub

FOR_SOME: Final = frozenset(
    {"appointments", "kept_of", "request_paper", "retention", "sheet_voice", "weeks"}
)
"""What is read by those alone who may."""
READ: Final = FOR_SOME | {name for name, needed in NEEDS.items() if needed == FREE}
TECHNICAL: Final = frozenset(
    {
        "plant",
        "divert",
        "settings",
        "chores",
        "restoring",
        "backup_stick",
        "backup_target",
        "updates",
        "central",
        "selftest",
    }
)  # fmt: skip


def phones(label: str) -> Any:
    """Return one phone of this label, as the technician's page is told of it."""
    phone = {
        "name": "op1", "label": label, "extension": "11", "group": "switchboard", "fixed": "",
        "make": "yealink", "mac": "00:15:65:aa:bb:cc", "fetched": "", "in_force": True,
        "has_secret": True, "registered": "", "answers": False, "is_entered": True,
    }  # fmt: skip
    gone = [{"name": "op2", "label": label}]
    return {
        "phones": [phone], "removed": gone, "waits": True, "by_itself": True, "suggested": "op3",
        "window": {"until": "2026-11-25T10:00+00:00", "said": label},
        "makes": [{"name": "yealink", "models": "T5", "is_soft": False}],
    }  # fmt: skip


def account(label: str) -> Any:
    """Return what a new phone's page is told."""
    words = {"it": label, "en": label}
    return {
        "name": "op3", "label": label, "rows": [[words, label], [words, "secret"]],
        "secret": "secret", "url": label, "files": label, "is_soft": False, "picture": "",
    }  # fmt: skip


class AnsweringControl:
    """Answers in one thread, in which its records are opened; `said` is what all else is told."""

    def __init__(self, folder: Path, switchboard: Switchboard, said: str) -> None:
        self._folder, self._switchboard, self._said = folder, switchboard, said
        self._known: dict[str, Any] = {}

    def __call__(self, question: dict[str, Any]) -> Any:
        """Answer one question; raises OfficeError as call control does."""
        if not self._known:
            self._open()
        name = question["ask"]
        if name == "phones":
            return phones(self._said)
        if name in {"phone_add", "phone_renew"}:
            return account(self._said)
        if name in TECHNICAL:
            told: Reply | DeferredReply = self._known["plant"](question)
            return told
        if name in READ:
            answer: Reply | DeferredReply = self._known["desk"](question)
            return answer
        return {"said": {"it": self._said, "en": self._said}, "number": 1, "changes": []}

    def _open(self) -> None:
        self._folder.mkdir(parents=True)
        stores, control = (
            stand_ins.Stores(self._folder),
            stand_ins.CallControlStub(self._switchboard),
        )
        self._known["desk"] = stand_ins.asked_of(
            stores, str(self._folder), control, StatusCollector()
        )[0]
        system_stub = SystemStub(self._folder, self._switchboard, stores)
        self._known["plant"] = lambda question: system_stub.questions.known[question["ask"]](
            question
        )
