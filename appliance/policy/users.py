"""Users of the console: roles, permissions, accounts, PINs, handover to a colleague (E19)."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from appliance.errors import OfficeError
from appliance.policy.text import Refused, SaidError, Words


class Role(enum.StrEnum):
    """A person's role at the front desk; a person may have several."""

    OPERATOR = "operator"
    CLERK = "clerk"  # sportellista
    OFFICE = "office"  # somebody of one unit
    DEPUTY = "deputy"  # named by the supervisor
    HEAD = "head"
    TECHNICIAN = "technician"


class Permission(enum.StrEnum):
    """One permission, named as the front desk would."""

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
# the counter sees and does on a call what an operator does (E2)
_AT_A_CALL: Final = frozenset(
    {_P.SEE_DESK, _P.TRANSFER, _P.CALL_BACK, _P.REQUESTS, _P.READ_SHEETS, _P.SEE_REGISTER}
)
ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    # the front desk watches the messages (P9) and sets the two states (P8, P9)
    Role.OPERATOR: _AT_A_CALL | {_P.SET_STATES, _P.MESSAGES},
    Role.CLERK: _AT_A_CALL,
    # an office closes its own requests (E15) and sees nobody else's
    Role.OFFICE: frozenset({_P.OWN_REQUESTS, _P.READ_SHEETS}),
    # a deputy enters the variation of a day, as the supervisor does (E12)
    Role.DEPUTY: frozenset({_P.READ_SHEETS, _P.SEE_REGISTER, _P.VARY_REGISTER, _P.EXPLAIN}),
    # the supervisor alone reveals numbers that are not disclosed (P7)
    Role.HEAD: frozenset(_P) - {_P.TECHNICAL},
    Role.TECHNICIAN: frozenset(
        {_P.TECHNICAL, _P.CENTRAL, _P.SEE_REGISTER, _P.EXPLAIN, _P.USERS, _P.AUDIT}
    ),
}
# these roles see what a technician may not, so only a supervisor gives, removes or resets them
_ROLES_OF_HEADS: Final = frozenset({Role.HEAD, Role.DEPUTY})
ROLE_WORDS: Final[dict[Role, Words]] = {
    Role.OPERATOR: Words("Operatore", "Operator"),
    Role.CLERK: Words("Sportellista", "Counter clerk"),
    Role.OFFICE: Words("Ufficio", "Office"),
    Role.DEPUTY: Words("Delegato/a", "Deputy"),
    Role.HEAD: Words("Responsabile", "Head of the front desk"),
    Role.TECHNICIAN: Words("Tecnico", "Technician"),
}
PERMISSION_WORDS: Final[dict[Permission, Words]] = {
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
    """Return the permissions of all these roles together."""
    # a person may have several: in a small office the supervisor is the technician, too
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))


def may_change_roles(asking: Iterable[Role], touched: Iterable[Role]) -> bool:
    """Tell whether the roles `asking` may give or remove the roles `touched`."""
    asking = frozenset(asking)
    if Permission.USERS not in permissions_of(asking):
        return False
    return Role.HEAD in asking or not _ROLES_OF_HEADS & frozenset(touched)


def who_may(permission: Permission) -> tuple[Role, ...]:
    """Return the roles that have a permission, in the order of `Role`."""
    return tuple(role for role in Role if permission in ROLE_PERMISSIONS[role])


def permission_refusal(permission: Permission) -> Words:
    """Return the refusal for a missing permission; it names the roles that have it."""
    roles, what = who_may(permission), PERMISSION_WORDS[permission]
    it, en = (
        ", ".join(getattr(ROLE_WORDS[role], tongue) for role in roles) for tongue in ("it", "en")
    )
    return Words(
        f"Il suo ruolo non permette di {what.it}. Possono farlo: {it}.",
        f"Your role does not include {what.en}. It is for: {en}.",
    )


USER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
LONGEST_SHOWN_NAME: Final = 64
# "" stands for the site's first language
USER_LANGUAGES: Final = ("", "it", "en")
# memory for comparing one password: a larger hash would stop the appliance at every login
MOST_HASH_MEMORY_KIB: Final = 16 * 1024
LONGEST_HASH: Final = 256
# at least 16 bytes of salt and 32 of hash (RFC 9106, 4), in base64 without padding
_ARGON2ID: Final = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{22,86}\$[A-Za-z0-9+/]{43,86}"
)
_UNIT: Final = Words("l'ufficio", "unit")
_POSITION: Final = Words("la postazione", "position")
# only a supervisor makes supervisors, and only a technician has the technical pages
_INDISPENSABLE_ROLES: Final = (Role.HEAD, Role.TECHNICIAN)


class AccountError(OfficeError):
    """Refusal of a change to users; `words` give the reason in both languages."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(it, en)


@dataclass(frozen=True, slots=True)
class User:
    """One person's account; a higher `stamp` ends the sessions begun before (a new password)."""

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
        """True unless the account is disabled."""
        return not self.disabled


def check_user(user: User, units: Iterable[str], positions: Iterable[str]) -> None:
    """Check a user's fields; raises AccountError with the remedy."""
    if not USER_NAME.fullmatch(user.name):
        raise AccountError(
            f"«{user.name}» non va bene come nome utente: da 2 a 32 lettere minuscole, cifre, "
            "punti, - o _",
            f"{user.name!r} is no user name: 2 to 32 small letters, digits, dots, - or _",
        )
    if not 0 < len(user.shown) <= LONGEST_SHOWN_NAME or not user.shown.isprintable():
        raise AccountError(
            f"il nome da mostrare ha da 1 a {LONGEST_SHOWN_NAME} caratteri, su una riga",
            f"the name to show has 1 to {LONGEST_SHOWN_NAME} characters, in one line",
        )
    if not user.roles:
        raise AccountError(
            f"un utente ha almeno un ruolo: {', '.join(words.it for words in ROLE_WORDS.values())}",
            f"a user has at least one role: {', '.join(Role)}",
        )
    if user.language not in USER_LANGUAGES:
        raise AccountError(
            "la lingua è it o en, o nessuna", "the language is it or en, or left out"
        )
    _check_listed(_UNIT, user.unit, units)
    _check_listed(_POSITION, user.position, positions)
    # an office's user sees the requests of that unit alone (E15)
    if Role.OFFICE in user.roles and not user.unit:
        raise AccountError(
            "chi è di un ufficio deve avere il suo ufficio", "somebody of an office needs its unit"
        )


def check_hash(text: str) -> None:
    """Check that a text is an argon2id hash within MOST_HASH_MEMORY_KIB; raises OfficeError.

    The form is that of RFC 9106's reference programme; call control never sees a password.
    """
    found = _ARGON2ID.fullmatch(text) if len(text) <= LONGEST_HASH else None
    if found is None or int(found[1]) > MOST_HASH_MEMORY_KIB:
        raise OfficeError(
            f"the password's hash is no argon2id one within {MOST_HASH_MEMORY_KIB} KiB"
        )


def check_may_change(asking: User | None, before: User | None, after: User) -> None:
    """Check that `asking` may make this change; raises AccountError."""
    # None asks from the appliance's own shell, which may do everything
    if asking is None:
        return
    touched = after.roles | (before.roles if before else frozenset())
    if asking.disabled or not may_change_roles(asking.roles, touched):
        raise AccountError(
            f"{asking.name} non può modificare {after.name}: gli utenti li gestiscono responsabile "
            "e tecnico, responsabili e delegati solo un responsabile",
            f"{asking.name} may not change {after.name}: users are managed by head and technician, "
            "heads and deputies by the head alone",
        )


def check_last_holder(users: Iterable[User], after: User) -> None:
    """Check that a supervisor and a technician who can log in remain; raises AccountError."""
    known = tuple(users)
    # `after` is a new user, or the changed version of a known one
    now = {user.name: user for user in known} | {after.name: after}
    for role in _INDISPENSABLE_ROLES:
        # where there never was one, nothing is taken away
        if _has_holder(known, role) and not _has_holder(now.values(), role):
            raise AccountError(
                f"{after.name} è l'ultimo con il ruolo {ROLE_WORDS[role].it} che può entrare: "
                "crearne prima un altro",
                f"{after.name} is the last {role} who can log in: make another one first",
            )


def _has_holder(users: Iterable[User], role: Role) -> bool:
    return any(role in user.roles and user.can_log_in for user in users)


def _check_listed(what: Words, value: str, known: Iterable[str]) -> None:
    listed = tuple(known)
    if value and value not in listed:
        raise AccountError(
            f"{what.it} «{value}» non c'è; si conoscono: {', '.join(listed) or 'nessuno'}",
            f"there is no {what.en} {value!r}; known are {', '.join(listed) or 'none'}",
        )


SHORTEST_PIN, LONGEST_PIN = 4, 8
MOST_WRONG_PINS = 3
# three wrong codes lock a phone for ten minutes: trying 10000 codes takes three weeks
PIN_LOCKED_S = 600.0
PIN_END_KEY = "#"


class PinRule(enum.StrEnum):
    """Phones that must give the code before messages are played."""

    OTHERS = "others"  # phones of neither group
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class PinTries:
    """Wrong codes of one phone in a row, and the end of its lock-out (monotonic s)."""

    wrong: int = 0
    locked_until: float = 0.0


def is_pin_locked(tries: Mapping[str, PinTries], phone: str, at: float) -> bool:
    """Tell whether a phone is locked out at a moment (monotonic s)."""
    return at < tries.get(phone, PinTries()).locked_until


def after_wrong_pin(tries: PinTries, at: float) -> PinTries:
    """Count a wrong code; the third in a row locks the phone out, and the count begins anew."""
    wrong = tries.wrong + 1
    return PinTries(0, at + PIN_LOCKED_S) if wrong >= MOST_WRONG_PINS else PinTries(wrong)


def check_new_pin(pin: str) -> None:
    """Check a new code; raises Refused."""
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        raise Refused(
            f"un codice è fatto di {SHORTEST_PIN}-{LONGEST_PIN} cifre e di nient'altro",
            f"a code is {SHORTEST_PIN} to {LONGEST_PIN} digits, nothing else",
        )
    # 1111, 1234 and 4321 have one step between all digits
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise Refused(
            "un codice di una sola cifra, o di cifre in fila, è il primo che si prova",
            "a code of one digit, or of digits in a row, is the first one tried",
        )


# A position is not a person: what was taken on a phone belongs to the position, and the person who
# sits there hands it over together with their own (E19).


class HandoverKind(enum.StrEnum):
    """Kind of an item that can be handed over."""

    MESSAGE = "message"
    CALL = "call"  # one that left no message
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class HandoverItem:
    """One message, call or request, by its short number."""

    kind: HandoverKind
    number: int


# giver and taker both need the permission; calls without a message are kept like messages (E16)
HANDOVER_PERMISSIONS: Final[Mapping[HandoverKind, Permission]] = {
    HandoverKind.MESSAGE: Permission.MESSAGES,
    HandoverKind.CALL: Permission.MESSAGES,
    HandoverKind.REQUEST: Permission.REQUESTS,
}
# no recipient: any colleague may take it (E19)
HANDOVER_TO_ALL: Final = ""
NOTHING_TO_HAND_OVER: Final = Words(
    "Non è stato scelto niente da consegnare.", "Nothing was chosen to hand over."
)
GIVER_UNKNOWN: Final = Words(
    "Chi consegna deve essere un utente del programma.",
    "Whoever hands over must be a user of the programme.",
)
TAKER_UNKNOWN: Final = Words(
    "Quel collega non c'è, o non può più entrare: sceglierne un altro.",
    "There is no such colleague, or they may not log in any more: choose another.",
)
_MAY_NOT: Final = Words(
    "{who} non può {what}: scegliere un altro collega, o consegnare a tutti.",
    "{who} is not allowed {what}: choose another colleague, or hand over to all.",
)


def check_handover(
    items: Collection[HandoverItem], giver: User | None, taker: User | None, to: str
) -> None:
    """Check a handover; raises SaidError. `taker` is the user named `to`."""
    if not items:
        raise SaidError(NOTHING_TO_HAND_OVER)
    if giver is None or not giver.can_log_in:
        raise SaidError(GIVER_UNKNOWN)
    _check_permissions(items, giver)
    if to == HANDOVER_TO_ALL:
        return
    if taker is None or not taker.can_log_in:
        raise SaidError(TAKER_UNKNOWN)
    _check_permissions(items, taker)


def may_hand_over(kind: HandoverKind, holder: str, giver: str, position: str, to: str) -> bool:
    """Tell whether `giver` holds the item, by name or by the position where they sit."""
    # anybody may take over a request that nobody follows, by giving it to themselves
    if not holder:
        return kind is HandoverKind.REQUEST and to == giver
    return holder in {giver, position} and holder != to


def handover_words(given: int, left: int, to: str) -> Words:
    """Return how many items went to `to` (the shown name, "" for all) and how many did not."""
    it, en = (to or "tutti", to or "all")
    stay = Words(f" Non più sue, restano dove sono: {left}.", f" Not yours any more, left: {left}.")
    return Words(
        f"Consegnate a {it}: {given}.{stay.it if left else ''}",
        f"Handed over to {en}: {given}.{stay.en if left else ''}",
    )


def _check_permissions(items: Collection[HandoverItem], user: User) -> None:
    allowed = permissions_of(user.roles)
    for item in items:
        if (needed := HANDOVER_PERMISSIONS[item.kind]) not in allowed:
            what = PERMISSION_WORDS[needed]
            it = _MAY_NOT.it.format(who=user.shown, what=what.it)
            raise SaidError(Words(it, _MAY_NOT.en.format(who=user.shown, what=what.en)))
