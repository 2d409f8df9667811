"""People who may use the console: what one is, and which changes are refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from appliance.errors import OfficeError
from appliance.policy.roles import ROLES, Role, may_touch
from appliance.policy.words import Words

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
LONGEST_SHOWN: Final = 64
LANGUAGES: Final = ("", "it", "en")
"""The empty one is the site's first."""
MOST_MEMORY_KIB: Final = 16 * 1024
"""What one password may cost the box while it is compared: 16 MiB."""
LONGEST_HASH: Final = 256
_HASH: Final = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{22,86}\$[A-Za-z0-9+/]{43,86}"
)
UNIT: Final = Words("l'ufficio", "unit")
POSITION: Final = Words("la postazione", "position")
_NEEDED: Final = (Role.HEAD, Role.TECHNICIAN)
"""Roles whose last holder cannot be taken away."""


class AccountError(OfficeError):
    """Raised for what cannot be done about users; `words` say it in both languages."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(it, en)


@dataclass(frozen=True, slots=True)
class User:
    """One person; `stamp` grows whenever sessions begun before are to end (a new password)."""

    name: str
    shown: str
    roles: frozenset[Role]
    unit: str = ""
    position: str = ""
    language: str = ""
    must_change: bool = False
    disabled: bool = False
    stamp: int = 1

    @property
    def can_log_in(self) -> bool:
        """True while not disabled."""
        return not self.disabled


def check_user(user: User, units: Iterable[str], positions: Iterable[str]) -> None:
    """Refuse a user that is no good one; raises OfficeError with what to do."""
    if not NAME.fullmatch(user.name):
        raise AccountError(
            f"«{user.name}» non va bene come nome utente: da 2 a 32 lettere minuscole, cifre, "
            "punti, - o _",
            f"{user.name!r} is no user name: 2 to 32 small letters, digits, dots, - or _",
        )
    if not 0 < len(user.shown) <= LONGEST_SHOWN or not user.shown.isprintable():
        raise AccountError(
            f"il nome da mostrare ha da 1 a {LONGEST_SHOWN} caratteri, su una riga",
            f"the name to show has 1 to {LONGEST_SHOWN} characters, in one line",
        )
    if not user.roles:
        raise AccountError(
            f"un utente ha almeno un ruolo: {', '.join(words.it for words in ROLES.values())}",
            f"a user has at least one role: {', '.join(Role)}",
        )
    if user.language not in LANGUAGES:
        raise AccountError(
            "la lingua è it o en, o nessuna", "the language is it or en, or left out"
        )
    _check_place(UNIT, user.unit, units)
    _check_place(POSITION, user.position, positions)
    if Role.OFFICE in user.roles and not user.unit:
        raise AccountError(
            "chi è di un ufficio deve avere il suo ufficio", "somebody of an office needs its unit"
        )


def check_hash(text: str) -> None:
    """Refuse what is no argon2id hash within the box's memory; raises OfficeError.

    The form is that of RFC 9106's reference programme; the desk never sees a password.
    """
    found = _HASH.fullmatch(text) if len(text) <= LONGEST_HASH else None
    if found is None or int(found[1]) > MOST_MEMORY_KIB:
        raise OfficeError(f"the password's hash is no argon2id one within {MOST_MEMORY_KIB} KiB")


def check_touch(asking: User | None, before: User | None, after: User) -> None:
    """Refuse a change by somebody who has not the right; raises OfficeError.

    Nobody (None) asks from the box's own shell, which may all.
    """
    if asking is None:
        return
    touched = after.roles | (before.roles if before else frozenset())
    if asking.disabled or not may_touch(asking.roles, touched):
        raise AccountError(
            f"{asking.name} non può modificare {after.name}: gli utenti li gestiscono responsabile "
            "e tecnico, responsabili e delegati solo un responsabile",
            f"{asking.name} may not change {after.name}: users are managed by head and technician, "
            "heads and deputies by the head alone",
        )


def check_left(users: Iterable[User], after: User) -> None:
    """Refuse to take away the last head or technician; raises OfficeError."""
    known = tuple(users)
    now = {user.name: user for user in known} | {after.name: after}
    for role in _NEEDED:
        if _any(known, role) and not _any(now.values(), role):
            raise AccountError(
                f"{after.name} è l'ultimo con il ruolo {ROLES[role].it} che può entrare: crearne "
                "prima un altro",
                f"{after.name} is the last {role} who can log in: make another one first",
            )


def _any(users: Iterable[User], role: Role) -> bool:
    return any(role in user.roles and user.can_log_in for user in users)


def _check_place(what: Words, value: str, known: Iterable[str]) -> None:
    listed = tuple(known)
    if value and value not in listed:
        raise AccountError(
            f"{what.it} «{value}» non c'è; si conoscono: {', '.join(listed) or 'nessuno'}",
            f"there is no {what.en} {value!r}; known are {', '.join(listed) or 'none'}",
        )
