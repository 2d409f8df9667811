"""Sheets are edited and taken from files: what changes is read first, then it is saved.

A sheet is edited as its file is: a head between +++ lines, then Markdown. The desk reads it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs, somebody
from appliance.console.asking import NotDone, ask
from appliance.console.pages.sheets import sheet_page
from appliance.console.say import N_
from appliance.console.sheets import rendered
from appliance.console.templates import page
from appliance.policy.text import Words
from appliance.policy.users import Permission

LONGEST: Final = 10_000
"""Letters of a sheet: as many as one question to the desk holds, and more than anybody reads."""
MOST_FILES: Final = 20
TOO_LONG: Final = N_("This sheet is too long: 10,000 letters at most.")
NO_TEXT: Final = N_("This file is no text (UTF-8).")
NEW: Final = """+++
title = ""
office = ""
keywords = []
source = ""
official = ""
updated = {day}
+++
"""
CHANGES: Final = {
    "new": N_("new sheet"),
    "changed": N_("changed"),
    "same": N_("nothing changes"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of what changes: `kind` is "+", "-" or " "."""

    kind: str
    line: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the desk says of one sheet before it is saved; `wrong` where it cannot be."""

    code: str
    text: str
    wrong: str = ""
    title: str = ""
    change: str = ""
    body: str = ""
    differences: tuple[Difference, ...] = ()
    heard: str = ""

    @property
    def can_save(self) -> bool:
        """Tell whether saving it would change anything."""
        return not self.wrong and self.change != "same"


@needs(Permission.EDIT_SHEETS)
async def edit(request: Request) -> Response:
    """Show a sheet's text to be changed, or the beginning of a new one."""
    code = request.query_params.get("code", "")[:64]
    if not code:
        day = datetime.now(request.app.state.zone).date()
        return _editor(request, Seen("", NEW.format(day=day)), is_new=True)
    try:
        answer = await ask(
            request, {"ask": "sheet_text", "code": code, "by": somebody(request).name}
        )
    except NotDone as error:
        return _editor(request, Seen(code, "", str(error)), is_new=False, status=error.status)
    return _editor(request, Seen(code, answer["text"]), is_new=False)


@needs(Permission.EDIT_SHEETS)
async def again(request: Request) -> Response:
    """Go back from the preview to the text as it was typed."""
    form = await request.form()
    code, text = _typed(form)
    return _editor(request, Seen(code, text), is_new=form.get("new") == "1")


@needs(Permission.EDIT_SHEETS)
async def check(request: Request) -> Response:
    """Show what saving the typed text would change; what is wrong is said above it."""
    form = await request.form()
    is_new = form.get("new") == "1"
    seen = await _seen(request, *_typed(form))
    if seen.wrong:
        return _editor(request, seen, is_new=is_new, status=409)
    return page(request, "sheets/preview.html", seen=[seen], can_edit_again=True, is_new=is_new,
                changes=CHANGES)  # fmt: skip


@needs(Permission.EDIT_SHEETS)
async def upload(request: Request) -> Response:
    """Show what sheets from files would change."""
    form = await request.form(max_files=MOST_FILES)
    files = [one for one in form.getlist("files") if isinstance(one, UploadFile) and one.filename]
    seen = [await _of_file(request, one) for one in files]
    if not seen:
        return RedirectResponse("/sheets", 303)
    return page(request, "sheets/preview.html", seen=seen, can_edit_again=False, is_new=False,
                changes=CHANGES)  # fmt: skip


@needs(Permission.EDIT_SHEETS)
async def save(request: Request) -> Response:
    """Save every sheet of the preview; those that are refused meanwhile are shown with why."""
    form = await request.form()
    pairs = list(zip(form.getlist("code"), form.getlist("text"), strict=False))[:MOST_FILES]
    refused, is_voiced = [], False
    for code, text in pairs:
        try:
            told = await _ask_save(request, str(code), _lines(str(text)), preview=False)
            is_voiced = is_voiced or "voice" in told
        except NotDone as error:
            refused.append(Seen(str(code), _lines(str(text)), str(error)))
    if refused:
        return page(request, "sheets/preview.html", 409, seen=refused, can_edit_again=False,
                    is_new=False, changes=CHANGES)  # fmt: skip
    return RedirectResponse("/sheets?voice=1" if is_voiced else "/sheets?saved=1", 303)


@needs(Permission.EDIT_SHEETS)
async def remove(request: Request) -> Response:
    """Take a sheet away, so that no search finds it."""
    question = {"ask": "sheet_remove", "code": request.path_params["code"]}
    try:
        told = await ask(request, {**question, "by": somebody(request).name})
    except NotDone as error:
        return await sheet_page(request, error.status, str(error))
    return RedirectResponse("/sheets?voice=1" if "voice" in told else "/sheets?removed=1", 303)


@needs(Permission.EDIT_SHEETS)
async def voice(request: Request) -> Response:
    """Say what became of the sheet that was given its voice last: a part of a page."""
    try:
        told = await ask(request, {"ask": "sheet_voice"})
    except NotDone as error:
        return page(request, "sheets/voice.html", runs=False, well=False, said=str(error))
    last = told["last"]
    said = request.state.speaker.words(Words(**last["said"])) if last else ""
    return page(
        request,
        "sheets/voice.html",
        runs=told["runs"] or last is None,
        well=bool(last and last["well"]),
        said=said,
    )


def _editor(request: Request, seen: Seen, *, is_new: bool, status: int = 200) -> Response:
    return page(request, "sheets/edit.html", status, seen=seen, is_new=is_new, longest=LONGEST)


def _typed(form: FormData) -> tuple[str, str]:
    code = str(form.get("code", "")).strip()[:64]
    return code, _lines(str(form.get("text", "")))


def _lines(text: str) -> str:
    """Return text with the line ends of files, not of forms."""
    return text.replace("\r\n", "\n")


async def _of_file(request: Request, file: UploadFile) -> Seen:
    name = str(file.filename).replace("\\", "/").rsplit("/", 1)[-1]
    code = name.removesuffix(".md")[:64]
    try:
        text = (await file.read()).decode()
    except UnicodeDecodeError:
        return Seen(code, "", request.state.speaker(NO_TEXT))
    return await _seen(request, code, _lines(text))


async def _seen(request: Request, code: str, text: str) -> Seen:
    try:
        told = await _ask_save(request, code, text, preview=True)
    except NotDone as error:
        return Seen(code, text, str(error))
    differences = tuple(_differences(told["before"], told["after"]))
    return Seen(code, text, "", told["title"], told["change"], rendered(told["body"]), differences,
                told["heard"])  # fmt: skip


async def _ask_save(request: Request, code: str, text: str, *, preview: bool) -> dict[str, str]:
    if len(text) > LONGEST:
        raise NotDone(413, request.state.speaker(TOO_LONG))
    question = {"ask": "sheet_save", "code": code or " ", "text": text, "preview": preview}
    return await ask(request, {**question, "by": somebody(request).name})


def _differences(before: str, after: str) -> Iterator[Difference]:
    """Yield what changes, line by line, with the lines around it; nothing of a new sheet."""
    if not before:
        return
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    for line in list(lines)[2:]:
        if not line.startswith("@@"):
            yield Difference(line[:1], line[1:])


routes: list[BaseRoute] = [
    Route("/sheets/edit", edit, methods=["GET"]),
    Route("/sheets/edit", again, methods=["POST"]),
    Route("/sheets/check", check, methods=["POST"]),
    Route("/sheets/upload", upload, methods=["POST"]),
    Route("/sheets/save", save, methods=["POST"]),
    Route("/sheets/voice", voice, methods=["GET"]),
    Route("/sheet/{code}/remove", remove, methods=["POST"]),
]
