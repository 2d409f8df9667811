"""Handing over to a colleague, or to all, what one has taken (E19): what may be given, and to whom.

A position is not a person: what was taken on a phone is of the position, and whoever sits there
hands it over with their own.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from appliance.policy.accounts import User
from appliance.policy.roles import PERMISSIONS, Permission, permissions_of
from appliance.policy.words import SaidError, Words


class Kind(enum.StrEnum):
    """What can be handed over."""

    MESSAGE = "message"
    CALL = "call"  # one that left no message
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing, by its short number."""

    kind: Kind
    number: int


NEEDS: Final[Mapping[Kind, Permission]] = {
    Kind.MESSAGE: Permission.MESSAGES,
    Kind.CALL: Permission.MESSAGES,
    Kind.REQUEST: Permission.REQUESTS,
}
"""What whoever gives, and whoever is given to, must be allowed to do."""
TO_ALL: Final = ""
"""Given to nobody: whoever wants takes it."""
NOTHING_CHOSEN: Final = Words(
    "Non è stato scelto niente da consegnare.", "Nothing was chosen to hand over."
)
NOBODY_KNOWN: Final = Words(
    "Chi consegna deve essere un utente del programma.",
    "Whoever hands over must be a user of the programme.",
)
NO_COLLEAGUE: Final = Words(
    "Quel collega non c'è, o non può più entrare: sceglierne un altro.",
    "There is no such colleague, or they may not log in any more: choose another.",
)
_MAY_NOT: Final = Words(
    "{who} non può {what}: scegliere un altro collega, o consegnare a tutti.",
    "{who} is not allowed {what}: choose another colleague, or hand over to all.",
)


def check(items: Collection[Item], giver: User | None, taker: User | None, to: str) -> None:
    """Refuse what cannot be handed over; raises SaidError. `taker` is the user named `to`."""
    if not items:
        raise SaidError(NOTHING_CHOSEN)
    if giver is None or not giver.can_log_in:
        raise SaidError(NOBODY_KNOWN)
    _check_rights(items, giver)
    if to == TO_ALL:
        return
    if taker is None or not taker.can_log_in:
        raise SaidError(NO_COLLEAGUE)
    _check_rights(items, taker)


def may_be_given(kind: Kind, holder: str, giver: str, position: str, to: str) -> bool:
    """Tell whether something is `giver`'s to give, by name or by the position they sit at.

    A request that nobody follows may be taken by whoever gives it to themselves.
    """
    if not holder:
        return kind is Kind.REQUEST and to == giver
    return holder in {giver, position} and holder != to


def done(given: int, left: int, to: str) -> Words:
    """Say how many were handed over to whom (the name that people know), and how many were not."""
    it, en = (to or "tutti", to or "all")
    stay = Words(f" Non più sue, restano dove sono: {left}.", f" Not yours any more, left: {left}.")
    return Words(
        f"Consegnate a {it}: {given}.{stay.it if left else ''}",
        f"Handed over to {en}: {given}.{stay.en if left else ''}",
    )


def _check_rights(items: Collection[Item], user: User) -> None:
    allowed = permissions_of(user.roles)
    for item in items:
        if (needed := NEEDS[item.kind]) not in allowed:
            what = PERMISSIONS[needed]
            it = _MAY_NOT.it.format(who=user.shown, what=what.it)
            raise SaidError(Words(it, _MAY_NOT.en.format(who=user.shown, what=what.en)))
