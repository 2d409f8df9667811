"""The keys of the pages: each action's name, its keys as delivered, its words for the list (F1).

No letter or digit acts by itself (WCAG 2.1.4), no key changes the state of the whole house, and
none is one of the browser's or the system's own. A person may give an action another key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.console.say import N_


@dataclass(frozen=True, slots=True)
class Key:
    """One action; `keys` as they are written: "Alt+S", "Ctrl+Enter". `text` is English."""

    action: str
    keys: tuple[str, ...]
    text: str


KEYS: Final = (
    Key("keys", ("F1",), N_("All keys")),
    Key("search", ("Alt+S",), N_("Search the sheets")),
    Key("answered", ("Alt+Enter",), N_("Answered by this sheet")),
    Key("offices", ("F8", "Alt+U"), N_("Transfer: choose the office")),
    Key("note", ("Alt+N",), N_("Note on the call")),
    Key("head", ("Alt+H",), N_("Bring in the head")),
    Key("away", ("Alt+A",), N_("Away from the position, or back")),
    Key("interrupted", ("Alt+I",), N_("Interrupted calls")),
    Key("pane", ("F6",), N_("Next part of the page")),
    Key("play", ("Alt+L",), N_("Play or pause the message")),
    Key("back", ("Alt+,",), N_("5 seconds back")),
    Key("forward", ("Alt+.",), N_("5 seconds forward")),
    Key("take", ("Alt+P",), N_("Take charge")),
    Key("call-back", ("Alt+R",), N_("Call back")),
    *(
        Key(f"choice-{number}", (f"Alt+{number}",), text)
        for number, text in enumerate(
            (
                N_("First outcome, or way of the return"),
                N_("Second outcome, or way of the return"),
                N_("Third outcome, or way of the return"),
                N_("Fourth outcome"),
                N_("Fifth outcome"),
            ),
            1,
        )
    ),
    Key("send", ("Ctrl+Enter",), N_("Send the form one is in")),
    Key("undo", ("Ctrl+Z",), N_("Undo the last action, outside text fields")),
)
TAKEN: Final = (
    "F3", "F5", "F7", "F10", "F11", "F12", "Alt+F4", "Alt+Space", "Alt+ArrowLeft", "Alt+ArrowRight",
    "Alt+Tab", "Alt+Home", "Alt+D", "Alt+E", "Alt+F", "Ctrl+A", "Ctrl+C", "Ctrl+V", "Ctrl+X",
    "Ctrl+F", "Ctrl+N", "Ctrl+P", "Ctrl+R", "Ctrl+T", "Ctrl+W", "Ctrl+L", "Ctrl+Tab", "Ctrl++",
    "Ctrl+-", "Ctrl+0", "Ctrl+Shift+N", "Ctrl+Shift+T", "Ctrl+Shift+W",
)  # fmt: skip
"""Keys of the browser or the system, which no action may be given."""


def shown(action: str) -> str:
    """Return an action's first key as delivered, as it is written on its button."""
    return next(key.keys[0] for key in KEYS if key.action == action)
