"""How far the dictation of an announcement is, and what has come of it: for its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio.to_thread
from starlette.requests import Request

from appliance.calls.status import Went
from appliance.console import dictated
from appliance.console.announcements import Announcement
from appliance.console.asking import NotDone, ask
from appliance.console.dictated import Draft
from appliance.console.who import who
from appliance.policy.text import NOTHING, Words


@dataclass(frozen=True, slots=True)
class Dictating:
    """`said` is what to say of it, empty for nothing; `phones` are (name, label) of those that can
    be rung, `phone` the one of whoever looks."""

    is_over: bool
    is_well: bool
    said: Words
    draft: Draft | None
    phones: tuple[tuple[str, str], ...]
    phone: str


async def dictating(request: Request, found: Announcement, *, tells_end: bool) -> Dictating:
    """Ask the desk and look for a draft; how it ended is said only where somebody waits for it."""
    folder = request.app.state.settings.drafts
    answer = await _answer(request, found)
    went, is_over = answer["went"], bool(answer["over"])
    draft = await anyio.to_thread.run_sync(dictated.find, folder, found.language, found.key)
    is_kept = went == Went.KEPT
    is_told = went and (not is_over or (tells_end and (not is_kept or draft is not None)))
    said = Words(**answer["said"]) if is_told else NOTHING
    asks = who(request)
    return Dictating(
        is_over, not is_over or is_kept, said, draft, _phones(request, asks.position), asks.position
    )


def question(ask: str, request: Request, found: Announcement) -> dict[str, Any]:
    """Make a question about an announcement."""
    return {"ask": ask, "language": found.language, "key": found.key, "by": who(request).by}


async def _answer(request: Request, found: Announcement) -> dict[str, Any]:
    try:
        return await ask(request, question("announcement_dictation", request, found))
    except NotDone:  # a desk that is away is told at the head of every page
        return {"went": "", "over": True}


def _phones(request: Request, own: str) -> tuple[tuple[str, str], ...]:
    """List the phones that the desk knows, by label; one's own is there whatever it says."""
    status = request.app.state.feed.newest.status or {}
    known = {row["name"]: row["label"] or row["name"] for row in status.get("phones", ())}
    if own:
        known.setdefault(own, own)
    return tuple(sorted(known.items(), key=lambda one: (one[0] != own, one[1])))
