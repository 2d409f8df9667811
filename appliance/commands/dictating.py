"""`centralino prompts record`: has a phone ring, and says how the dictation goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.api import control_socket, speech, users
from appliance.calls.status import Went
from appliance.commands.options import desk_socket
from appliance.commands.shell import language_of
from appliance.config.schema import Settings
from appliance.console.announcements import telephone_sound
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.errors import OfficeError

EVERY_S = 0.5
"""How often the desk is asked how far it is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be said at which phone, and who asks."""

    language: str
    key: str
    phone: str
    by: str


def follow(
    settings: Settings,
    wanted: Wanted,
    say: Callable[[str], None],
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Have the phone ring and tell each step; returns once it is kept.

    Raises OfficeError with what has come in its way.
    """
    with users.proof(Path(settings.folders.state)) as word:
        answer = _ask(settings, wanted, "announcement_dictate", phone=wanted.phone, proof=word)
    if not answer["done"]:
        raise OfficeError(_said(settings, answer))
    shown = ""
    while True:
        answer = _ask(settings, wanted, "announcement_dictation")
        went, said = answer["went"], _said(settings, answer)
        if answer["over"] and went != Went.KEPT:
            raise OfficeError(said)
        if went != shown and went != Went.KEPT:
            say(said)
        if answer["over"]:
            return
        shown = went
        wait(EVERY_S)


def draft(settings: Settings, wanted: Wanted) -> bytes:
    """Return what was kept as callers would hear it, 16 bits at 8 kHz; raises OfficeError."""
    contents = draft_path(settings, wanted).read_bytes()
    return g711.decode(telephone_sound(contents), Law.ALAW)


def draft_path(settings: Settings, wanted: Wanted) -> Path:
    """Say where it lies."""
    folder = speech.drafts_of(Path(settings.folders.state))
    return speech.path_of(folder, wanted.language, wanted.key)


def _ask(settings: Settings, wanted: Wanted, ask: str, **more: Any) -> dict[str, Any]:
    which = {"ask": ask, "language": wanted.language, "key": wanted.key, "by": wanted.by}
    return control_socket.ask(desk_socket(settings), which | more)


def _said(settings: Settings, answer: dict[str, Any]) -> str:
    said = answer.get("said") or {"it": "La dettatura non c'è più.", "en": "It is gone."}
    return str(said[language_of(settings)])
