"""Who may do what: roles of people, what each may do, and how it is said when one may not."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

from appliance.policy.words import Words


class Role(enum.StrEnum):
    """What somebody is at the front desk; a person may be several."""

    OPERATOR = "operator"
    CLERK = "clerk"  # sportellista
    OFFICE = "office"  # somebody of one unit
    DEPUTY = "deputy"  # named by the head
    HEAD = "head"
    TECHNICIAN = "technician"


class Permission(enum.StrEnum):
    """One thing that is allowed or not, as the front desk would name it."""

    SEE_DESK = "see_desk"
    TRANSFER = "transfer"
    CALL_BACK = "call_back"
    SET_STATES = "set_states"
    MESSAGES = "messages"
    REQUESTS = "requests"
    OWN_REQUESTS = "own_requests"
    READ_SHEETS = "read_sheets"
    EDIT_SHEETS = "edit_sheets"
    SEE_REGISTER = "see_register"
    VARY_REGISTER = "vary_register"
    EDIT_REGISTER = "edit_register"
    REVEAL_NUMBERS = "reveal_numbers"
    SCHEDULE = "schedule"
    PROMPTS = "prompts"
    EXPLAIN = "explain"
    REPORTS = "reports"
    ERASE = "erase"
    CENTRAL = "central"
    TECHNICAL = "technical"
    USERS = "users"
    AUDIT = "audit"


_P: Final = Permission
_AT_A_CALL: Final = frozenset(
    {_P.SEE_DESK, _P.TRANSFER, _P.CALL_BACK, _P.REQUESTS, _P.READ_SHEETS, _P.SEE_REGISTER}
)
"""The counter sees and does on a call what an operator does (E2)."""
MAY: Final[dict[Role, frozenset[Permission]]] = {
    Role.OPERATOR: _AT_A_CALL | {_P.SET_STATES, _P.MESSAGES},
    Role.CLERK: _AT_A_CALL,
    Role.OFFICE: frozenset({_P.OWN_REQUESTS, _P.READ_SHEETS}),
    Role.DEPUTY: frozenset({_P.READ_SHEETS, _P.SEE_REGISTER, _P.VARY_REGISTER, _P.EXPLAIN}),
    Role.HEAD: frozenset(_P) - {_P.TECHNICAL},
    Role.TECHNICIAN: frozenset(
        {_P.TECHNICAL, _P.CENTRAL, _P.SEE_REGISTER, _P.EXPLAIN, _P.USERS, _P.AUDIT}
    ),
}
"""What each may do; a number that is not disclosed is the head's alone (P7)."""
_KEPT: Final = frozenset({Role.HEAD, Role.DEPUTY})
"""Roles that only a head gives, takes away or resets: they see what a technician may not."""

ROLES: Final[dict[Role, Words]] = {
    Role.OPERATOR: Words("Operatore", "Operator"),
    Role.CLERK: Words("Sportellista", "Counter clerk"),
    Role.OFFICE: Words("Ufficio", "Office"),
    Role.DEPUTY: Words("Delegato/a", "Deputy"),
    Role.HEAD: Words("Responsabile", "Head of the front desk"),
    Role.TECHNICIAN: Words("Tecnico", "Technician"),
}
PERMISSIONS: Final[dict[Permission, Words]] = {
    _P.SEE_DESK: Words("vedere le chiamate in corso", "seeing the calls going on"),
    _P.TRANSFER: Words("trasferire chiamate", "transferring calls"),
    _P.CALL_BACK: Words("richiamare gli utenti", "calling citizens back"),
    _P.SET_STATES: Words(
        "impostare Non presidiato, Chiuso, Tutti assenti", "setting unattended, closed, all absent"
    ),
    _P.MESSAGES: Words("ascoltare e chiudere i messaggi", "hearing and closing messages"),
    _P.REQUESTS: Words("gestire le prese in carico", "dealing with requests"),
    _P.OWN_REQUESTS: Words(
        "vedere le prese in carico del proprio ufficio", "seeing the requests of one's own office"
    ),
    _P.READ_SHEETS: Words("leggere le schede", "reading sheets"),
    _P.EDIT_SHEETS: Words("modificare le schede", "editing sheets"),
    _P.SEE_REGISTER: Words(
        "vedere lo stato della Rubrica uffici", "seeing how the register stands"
    ),
    _P.VARY_REGISTER: Words("inserire variazioni di un giorno", "entering a variation of a day"),
    _P.EDIT_REGISTER: Words("modificare la Rubrica uffici", "editing the register"),
    _P.REVEAL_NUMBERS: Words("vedere i numeri riservati", "seeing numbers that are not disclosed"),
    _P.SCHEDULE: Words("modificare orari e chiusure", "editing hours and closures"),
    _P.PROMPTS: Words("modificare gli annunci", "editing announcements"),
    _P.EXPLAIN: Words("vedere che cosa succede a chi chiama", "seeing what happens to a caller"),
    _P.REPORTS: Words("vedere i rapporti", "seeing reports"),
    _P.ERASE: Words("cancellare i dati di una persona", "erasing a person's records"),
    _P.CENTRAL: Words(
        "mettere in vigore le impostazioni della sede centrale",
        "putting the head office's settings in force",
    ),
    _P.TECHNICAL: Words("vedere le pagine del tecnico", "seeing the technician's pages"),
    _P.USERS: Words("gestire gli utenti del programma", "managing the users"),
    _P.AUDIT: Words("vedere il registro delle modifiche", "seeing the list of changes"),
}


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return all that somebody of these roles may do."""
    return frozenset().union(*(MAY[role] for role in roles))


def may_touch(asking: Iterable[Role], touched: Iterable[Role]) -> bool:
    """Tell whether somebody may give or take these roles, or change whoever has them."""
    asking = frozenset(asking)
    if Permission.USERS not in permissions_of(asking):
        return False
    return Role.HEAD in asking or not _KEPT & frozenset(touched)


def who_may(permission: Permission) -> tuple[Role, ...]:
    """List the roles that may do something, in the order of the table."""
    return tuple(role for role in Role if permission in MAY[role])


def refusal(permission: Permission) -> Words:
    """Say why a page is not for somebody, and for whom it is."""
    roles, what = who_may(permission), PERMISSIONS[permission]
    it, en = (", ".join(getattr(ROLES[role], tongue) for role in roles) for tongue in ("it", "en"))
    return Words(
        f"Il suo ruolo non permette di {what.it}. Possono farlo: {it}.",
        f"Your role does not include {what.en}. It is for: {en}.",
    )
