"""Draw the blocks of docs/ that come from the code: diagrams, LEDs, roles, known modems.

    .venv/bin/python scripts/draw_calls.py

A block stands between `<!-- drawn: NAME -->` and `<!-- end of NAME -->`; what is between them is
replaced, the rest of the page is left alone. tests/docs/test_diagram.py fails when it is behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from appliance import panel
from appliance.calls.side_states import (
    DIALLED_TABLE,
    DICTATION_TABLE,
    HEAD_TABLE,
    INTERCOM_TABLE,
    KEY_TABLE,
    LISTENING_TABLE,
    NOTICE_TABLE,
    OUTSIDE_TABLE,
    SideState,
    SideTable,
)
from appliance.calls.states import TABLE, State, TableRow
from appliance.policy.users import PERMISSION_WORDS, ROLE_WORDS, Permission, who_may
from scripts import draw_modems

DOCS = Path(__file__).resolve().parent.parent / "docs"

LEDS = {
    "it": {
        "ready": "Pronto", "network": "Rete", "line": "Linea (uno per linea)",
        "message": "Messaggi", "fault": "Guasto",
    },
    "en": {
        "ready": "Ready", "network": "Network", "line": "Line (one a line)",
        "message": "Messages", "fault": "Fault",
    },
}  # fmt: skip
HEADS = {"it": "| LED | si vede | significa |", "en": "| LED | what is seen | what it means |"}
SEEN: Mapping[panel.Pattern, tuple[str, str]] = {
    panel.OFF: ("spento", "dark"),
    panel.ON: ("acceso", "lit"),
    panel.SLOW: ("lampeggia lentamente (1 s sì, 1 s no)", "blinks slowly (1 s on, 1 s off)"),
    panel.FAST: ("lampeggia in fretta", "blinks fast"),
    panel.ONE_FLASH: ("un lampo ogni 2 s", "one flash every 2 s"),
    panel.TWO_FLASHES: ("due lampi ogni 2 s", "two flashes every 2 s"),
    panel.THREE_FLASHES: ("tre lampi ogni 2 s", "three flashes every 2 s"),
    panel.WINK: ("acceso, si spegne un attimo ogni 2 s", "lit, goes out briefly every 2 s"),
    panel.TWO_WINKS: (
        "acceso, si spegne due volte ogni 2 s",
        "lit, goes out twice every 2 s",
    ),
    panel.THREE_WINKS: (
        "acceso, si spegne tre volte ogni 2 s",
        "lit, goes out three times every 2 s",
    ),
}
"""Each pattern of the panel as an eye describes it, Italian and English."""
ROLE_HEADS = {"it": "| che cosa | chi |", "en": "| what | who |", "de": "| was | wer |"}
PERSONAL = (
    Permission.SEE_DESK, Permission.MESSAGES, Permission.REQUESTS, Permission.OWN_REQUESTS,
    Permission.CALL_BACK, Permission.REVEAL_NUMBERS, Permission.REPORTS, Permission.ERASE,
    Permission.USERS, Permission.AUDIT, Permission.TECHNICAL,
)  # fmt: skip
"""What shows or changes data of persons."""


def call_diagram() -> str:
    """Return a mermaid state diagram of a call: every row that leads to another state."""
    edges: dict[tuple[str, str], list[str]] = {}
    for state, rows in TABLE.items():
        for event, row in rows.items():
            if isinstance(row, TableRow):
                for to in row.to:
                    edges.setdefault((state.value, to.value), []).append(event.__name__)
    return _mermaid(State.ARRIVED.value, edges, State.ENDED.value)


def side_diagram(table: SideTable) -> str:
    """Return a mermaid state diagram of a call that a phone makes; it begins in its first state."""
    edges: dict[tuple[str, str], list[str]] = {}
    for state, rows in table.items():
        for event, row in rows.items():
            for to in row.to:
                if to is not state:
                    edges.setdefault((state.value, to.value), []).append(event.__name__)
    return _mermaid(next(iter(table)).value, edges, SideState.ENDED.value)


def _mermaid(first: str, edges: Mapping[tuple[str, str], list[str]], last: str) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [
        f"    {start} --> {to}: {', '.join(sorted(events))}"
        for (start, to), events in edges.items()
    ]
    return "\n".join((*lines, f"    {last} --> [*]")) + "\n"


def mermaid(text: str) -> str:
    """Fence a diagram."""
    return f"```mermaid\n{text.rstrip()}\n```"


def led_table(language: str) -> str:
    """Return the panel's table in one language; raises KeyError for a pattern without words."""
    rows = [HEADS[language], "|---|---|---|"]
    for meaning in panel.MEANINGS:
        seen = SEEN[meaning.pattern][0 if language == "it" else 1]
        says = meaning.words.text(language)
        rows.append(f"| {LEDS[language][meaning.led]} | {seen} | {says} |")
    return "\n".join(rows)


def role_table(language: str) -> str:
    """Return who may do what with data of persons, in one language."""
    rows = [ROLE_HEADS[language], "|---|---|"]
    for permission in PERSONAL:
        what = PERMISSION_WORDS[permission].text(language)
        who = ", ".join(ROLE_WORDS[role].text(language) for role in who_may(permission))
        rows.append(f"| {what} | {who} |")
    return "\n".join(rows)


BLOCKS: Mapping[str, Callable[[], str]] = {
    "the call": lambda: mermaid(call_diagram()),
    "a key code": lambda: mermaid(side_diagram(KEY_TABLE)),
    "a notice": lambda: mermaid(side_diagram(NOTICE_TABLE)),
    "two phones": lambda: mermaid(side_diagram(INTERCOM_TABLE)),
    "the head": lambda: mermaid(side_diagram(HEAD_TABLE)),
    "hearing messages": lambda: mermaid(side_diagram(LISTENING_TABLE)),
    "an ordinary telephone": lambda: mermaid(side_diagram(OUTSIDE_TABLE)),
    "a call out": lambda: mermaid(side_diagram(DIALLED_TABLE)),
    "a dictation": lambda: mermaid(side_diagram(DICTATION_TABLE)),
    "LEDs (it)": partial(led_table, "it"),
    "LEDs (en)": partial(led_table, "en"),
    "roles (it)": partial(role_table, "it"),
    "roles (de)": partial(role_table, "de"),
    "roles (en)": partial(role_table, "en"),
    "modems (it)": partial(draw_modems.modem_table, "it"),
    "modems (en)": partial(draw_modems.modem_table, "en"),
}
"""Every block by its name."""

_BLOCK = re.compile(r"(<!-- drawn: (?P<name>[^>]+) -->\n).*?(<!-- end of (?P=name) -->)", re.DOTALL)


def drawn(page: str) -> str:
    """Return a page with its blocks as the code gives them; raises KeyError for a block unknown."""

    def redraw(match: re.Match[str]) -> str:
        return f"{match[1]}{BLOCKS[match['name']]()}\n{match[3]}"

    return _BLOCK.sub(redraw, page)


def blocks_of(page: str) -> list[str]:
    """List the names of the blocks of a page."""
    return [match["name"] for match in _BLOCK.finditer(page)]


def main() -> None:
    """Redraw every page of docs/ that has blocks."""
    for path in sorted(DOCS.rglob("*.md")):
        page = path.read_text(encoding="utf-8")
        new = drawn(page)
        if new != page:
            path.write_text(new, encoding="utf-8")
            print(f"{path.relative_to(DOCS.parent)}: redrawn")


if __name__ == "__main__":
    main()
