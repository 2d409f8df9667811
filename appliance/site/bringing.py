"""A card's file that is brought to a running box, or completed there: so nobody pulls the card.

It is looked at as a whole before anything of the box changes; then it lies on the card as if it had
been edited in a computer, and comes into force by the same way as at a start.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from appliance.daemon.mistakes import BadConfiguration
from appliance.policy.text import Refused, Words
from appliance.site import applying, card, reading
from appliance.site.applying import Applied, Places
from appliance.site.text import NAME, text_of

LIST: Final = re.compile(r"(?P<head>^\s*phones\s*=\s*\[)(?P<items>[^\]]*)\]", re.MULTILINE)
BY_HAND: Final = Words(
    "l'elenco dei telefoni in [{table}] non si completa da solo: scaricare il file con "
    "`centralino site show`, aggiungere il telefono, riportarlo con `centralino site put`",
    "the list of phones in [{table}] cannot be completed by itself: fetch the file with "
    "`centralino site show`, add the phone, bring it back with `centralino site put`",
)


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of it; `made` are the phones that have got a password of the box's."""

    applied: Applied
    made: tuple[str, ...]


def bring(places: Places, contents: bytes) -> Brought:
    """Put a file in the place of the card's, and in force.

    Raises BadConfiguration with every mistake, and Refused, OSError: then nothing has changed.
    """
    applying.check(places, contents)
    known = applying.passwords_made(places)
    card.put(places.card, contents)
    applied = applying.apply(places)
    made = tuple(name for name in applied.outcome.made if name not in known)
    return Brought(applied, made)


def with_phone(text: str, name: str, label: str, group: str) -> str:
    """Return the file's text with one phone more, which rings in `group`; raises Refused."""
    found = reading.read(text)
    if wrong := found.wrong():
        raise wrong
    if name in {phone.get("name") for phone in found.data.get("phones", [])}:
        raise Refused(f"il telefono {name} c'è già", f"there is a phone {name} already")
    wanted = copy.deepcopy(found.data)
    row = {"name": name, "label": label} if label else {"name": name}
    wanted.setdefault("phones", []).append(row)
    lines = _inserted(text.split("\n"), row)
    if "phones" in wanted.get(group, {}):
        wanted[group]["phones"].append(name)
        lines = _listed("\n".join(lines), group, name).split("\n")
    elif group != "switchboard":  # there, without a list, every phone rings
        wanted[group] = {**wanted.get(group, {}), "phones": [name]}
        lines = _begun(lines, group, name)
    completed = "\n".join(lines)
    if reading.read(completed).data != wanted:
        raise Refused(BY_HAND.it.format(table=group), BY_HAND.en.format(table=group))
    return completed


def _inserted(lines: list[str], row: dict[str, str]) -> list[str]:
    """Put a phone behind the last one, else at the end."""
    rows = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items()]
    block = ["", "[[phones]]", *rows]
    last = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*phones\s*\]\]", line)]
    if not last:
        return [*lines[:-1], lines[-1], *block, ""] if lines[-1] else [*lines, *block[1:], ""]
    at = last[-1] + 1
    while at < len(lines) and reading.ENTRY.match(lines[at]):
        at += 1
    return [*lines[:at], *block, *lines[at:]]


def _listed(text: str, group: str, name: str) -> str:
    """Add a phone to the list of a group."""
    start = re.search(rf"^\s*\[\s*{group}\s*\]", text, re.MULTILINE)
    found = LIST.search(text, start.end()) if start else None
    if found is None:
        return text
    items = found["items"].rstrip()
    comma = "" if not items.strip() else " " if items.endswith(",") else ", "
    return (
        f"{text[: found.start()]}{found['head']}{items}{comma}{json.dumps(name)}]"
        f"{text[found.end() :]}"
    )


def _begun(lines: list[str], group: str, name: str) -> list[str]:
    """Begin the list of a group that has none."""
    entry = f"phones = [{json.dumps(name)}]"
    header = re.compile(rf"\s*\[\s*{group}\s*\]")
    for n, line in enumerate(lines):
        if header.match(line):
            return [*lines[: n + 1], entry, *lines[n + 1 :]]
    return [*lines, f"[{group}]", entry, ""]


def mistakes_of(error: BadConfiguration) -> Iterator[Words]:
    """Give what is wrong with a file that was brought, a line each."""
    yield Words(
        f"{NAME} non è stato preso, nulla è cambiato. Che cosa correggere:",
        f"{NAME} was not taken, nothing has changed. What to correct:",
    )
    for mistake in error.mistakes:
        yield Words(f"  - {mistake.words.it}", f"  - {mistake.words.en}")


def text_on(places: Places) -> str:
    """Return the text of the card's file; raises BadConfiguration, Refused."""
    return text_of(card.read(places.card))


def encoded(text: str) -> bytes:
    """Return a text as it lies on the card: lines end as Windows' editors want it."""
    return text.replace("\n", "\r\n").encode()
