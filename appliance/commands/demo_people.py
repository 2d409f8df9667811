"""The demonstration's people: an operator and the head, for who tries the console."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.api import control_socket, users
from appliance.commands.options import desk_socket
from appliance.console.accounts import Passwords
from appliance.policy.users import Role, User

if TYPE_CHECKING:
    from appliance.config.schema import Settings

PHRASE: Final = "mare sole vento"
"""Everybody's: it is printed, and the demonstration listens on this computer alone."""
OPERATOR: Final = User("operatore", "Olga Operatrice", frozenset({Role.OPERATOR}), position="op1")
HEAD: Final = User("responsabile", "Rita Responsabile", frozenset({Role.HEAD}), position="op1")


def enter(settings: Settings) -> str:
    """Have the running desk make them; returns how one logs in. Raises OfficeError."""
    state = Path(settings.folders.state)
    for user in (OPERATOR, HEAD):
        question = {
            "ask": "user_add",
            "name": user.name,
            "shown": user.shown,
            "roles": [role.value for role in user.roles],
            "position": user.position,
            "password": Passwords().hashed(PHRASE),
            "must_change": False,  # what is printed can be typed by whoever reads it
            "by": "demo",
        }
        with users.proof(state) as word:
            control_socket.ask(desk_socket(settings), {**question, "proof": word})
    users.keep_code(state, is_wanted=False)
    names = " or ".join(user.name for user in (OPERATOR, HEAD))
    return f"Log in there as {names}, password: {PHRASE}"
