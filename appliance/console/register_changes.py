"""Has the desk change the register, and keeps its answer for the page: refusals at their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request

from appliance.console import attaching
from appliance.console.accounts.rights import somebody
from appliance.console.asking import NotDone
from appliance.console.desk import DeskAway
from appliance.console.say import N_
from appliance.errors import OfficeError
from appliance.policy.text import Words


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the desk said: `answer` and its `changes` of a form that is good; `wrong` and where."""

    is_good: bool
    changes: tuple[str, ...] = ()
    wrong: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    answer: Mapping[str, Any] = field(default_factory=dict)


async def ask_change(
    request: Request,
    what: str,
    form: Mapping[str, Any],
    *,
    preview: bool = False,
    sent: FormData | None = None,
) -> Outcome:
    """Ask for a change, or what it would change; `sent` may hold the e-mail that goes with it."""
    say = request.state.speaker
    try:
        name = await attaching.send(request, sent) if sent else ""
    except NotDone as error:
        problems = {attaching.FIELD: str(error)}
        return Outcome(False, wrong=say(N_("Not saved.")), problems=problems, status=error.status)
    question = {"ask": what, "by": somebody(request).name, "form": form, "preview": preview}
    question |= {"attached": name} if name else {}
    try:
        answer = await request.app.state.desk.ask(question)
    except DeskAway as away:
        return Outcome(False, wrong=say.words(away.words), status=503)
    except OfficeError as refused:
        return Outcome(False, wrong=say(N_("Not done: %(why)s"), why=refused), status=409)
    if answer.get("done") is False:
        found = {each["place"]: say.words(_words(each)) for each in answer.get("problems", ())}
        said = say.words(Words(**answer["said"]))
        rest = found.pop("", "")
        return Outcome(False, (), f"{said} {rest}".strip(), found, 422 if found else 409)
    changes = tuple(say.words(_words(each)) for each in answer["changes"])
    return Outcome(True, changes, answer=answer)


def _words(each: Mapping[str, str]) -> Words:
    return Words(each["it"], each["en"])
