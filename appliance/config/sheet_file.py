"""A sheet from its Markdown file: a head of TOML between +++ lines, then the text.

+++
title = "Cambio di residenza"
office = "anagrafe"
source = "Regolamento anagrafico, art. 13"
updated = 2026-09-01
+++
Chi cambia casa lo dichiara entro venti giorni...
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from appliance.config.read import read_text, structure
from appliance.config.values import BadConfiguration, Mistake, OnOff
from appliance.policy.sheets import Sheet
from appliance.text import _

_FILE = re.compile(
    r"\+\+\+[ \t]*\n(?P<head>.*?)^\+\+\+[ \t]*$\n?(?P<body>.*)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class SheetHead:
    """Head of a sheet. `office` and `needs` are codes of the directory.

    A `spoken` sheet is read to callers after hours: the text `say`, in `language`.
    """

    title: str
    source: str
    updated: date
    office: str = ""
    needs: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    link: str = ""
    official: str = ""
    spoken: OnOff = OnOff(False)
    say: str = ""
    language: str = "it"


def load_sheets(folder: Path) -> tuple[Sheet, ...]:
    """Read every *.md of a folder and below; raises BadConfiguration with all their mistakes."""
    mistakes: list[Mistake] = []
    sheets: list[Sheet] = []
    for path in sorted(folder.rglob("*.md")):
        try:
            sheets.append(parse_sheet(read_text(path), path.stem))
        except BadConfiguration as error:
            name = path.relative_to(folder).as_posix()
            mistakes += [replace(m, place=f"{name}, {m.place}") for m in error.mistakes]
    mistakes += [Mistake(code, _("is the name of two files")) for code in _twice(sheets)]
    if mistakes or not sheets:
        nothing = (Mistake("the folder", _("has no *.md file: name the one with the sheets")),)
        raise BadConfiguration(str(folder), tuple(mistakes) or nothing)
    return tuple(sheets)


def parse_sheet(text: str, code: str) -> Sheet:
    """Parse one sheet; raises BadConfiguration with every mistake, lines as in the file."""
    match = _FILE.match(text)
    if match is None:
        why = _("has no head: begin with +++, title, source, updated, and +++ again")
        raise BadConfiguration(code, (Mistake("the sheet", why),))
    # An empty line in the place of +++, so that line numbers are those of the file.
    head = structure("\n" + match["head"], code, SheetHead)
    empty = [
        Mistake(name, _("is empty: every sheet needs it"))
        for name, value in (("title", head.title), ("source", head.source), ("text", match["body"]))
        if not value.strip()
    ]
    if head.spoken and not head.say.strip():
        empty.append(Mistake("say", _("is empty: write what callers hear of a spoken sheet")))
    if empty:
        raise BadConfiguration(code, tuple(empty))
    return Sheet(
        code,
        head.title,
        head.office,
        head.source,
        head.updated,
        match["body"].strip() + "\n",
        head.needs,
        head.keywords,
        head.link,
        head.official,
        head.say.strip() if head.spoken else "",
        head.language,
    )


def text_of_sheet(sheet: Sheet) -> str:
    """Return a sheet as its file's text, which `parse_sheet` reads back the same."""
    quoted: dict[str, object] = {
        "title": sheet.title,
        "office": sheet.office,
        "needs": sheet.needs,
        "keywords": sheet.keywords,
        "source": sheet.source,
        "link": sheet.link,
        "official": sheet.official,
    }
    head = [f"{name} = {_toml(value)}" for name, value in quoted.items() if value]
    head.append(f"updated = {sheet.updated.isoformat()}")
    if sheet.say:
        head += ["spoken = true", f"say = {_toml(sheet.say)}"]
    if sheet.say or sheet.language != "it":
        head.append(f"language = {_toml(sheet.language)}")
    return "\n".join(("+++", *head, "+++", sheet.body))


def _toml(value: object) -> str:
    """Return a text or a list of texts as TOML."""
    # TOML reads what JSON writes of them, except for one character, DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _twice(sheets: list[Sheet]) -> list[str]:
    codes = [sheet.code for sheet in sheets]
    return sorted({code for code in codes if codes.count(code) > 1})
