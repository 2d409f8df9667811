"""Users of the console: roles, permissions, accounts, PINs, handover to a colleague (E19)."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from appliance.errors import OfficeError
from appliance.lockout import GrowingDelay
from appliance.policy.text import Refused, SaidError
from appliance.text import LANGUAGES, Words, _, in_context, joined, unchanged


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
    EDIT_BOOK = "edit_book"
    SEE_DIRECTORY = "see_register"
    VARY_DIRECTORY = "vary_register"
    EDIT_DIRECTORY = "edit_register"
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
    {_P.SEE_DESK, _P.TRANSFER, _P.CALL_BACK, _P.REQUESTS, _P.READ_SHEETS, _P.SEE_DIRECTORY}
)
ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    # the front desk watches the messages (P9) and sets the two states (P8, P9)
    Role.OPERATOR: _AT_A_CALL | {_P.SET_STATES, _P.MESSAGES},
    Role.CLERK: _AT_A_CALL,
    # an office closes its own requests (E15) and sees nobody else's
    Role.OFFICE: frozenset({_P.OWN_REQUESTS, _P.READ_SHEETS}),
    # a deputy enters the variation of a day, as the supervisor does (E12)
    Role.DEPUTY: frozenset({_P.READ_SHEETS, _P.SEE_DIRECTORY, _P.VARY_DIRECTORY, _P.EXPLAIN}),
    # the supervisor alone reveals numbers that are not disclosed (P7)
    Role.HEAD: frozenset(_P) - {_P.TECHNICAL},
    Role.TECHNICIAN: frozenset(
        {_P.TECHNICAL, _P.CENTRAL, _P.SEE_DIRECTORY, _P.EXPLAIN, _P.USERS, _P.AUDIT}
    ),
}
# these roles see what a technician may not, so only a supervisor gives, removes or resets them
_ROLES_OF_HEADS: Final = frozenset({Role.HEAD, Role.DEPUTY})
ROLE_WORDS: Final[dict[Role, Words]] = {
    Role.OPERATOR: _("Operator"),
    Role.CLERK: _("Counter clerk"),
    Role.OFFICE: _("Office"),
    Role.DEPUTY: _("Deputy"),
    Role.HEAD: _("Head of the front desk"),
    Role.TECHNICIAN: _("Technician"),
}
ROLE_CODES: Final[dict[Role, Words]] = {
    Role.OPERATOR: in_context("role", "operator"),
    Role.CLERK: in_context("role", "clerk"),
    Role.OFFICE: in_context("role", "office"),
    Role.DEPUTY: in_context("role", "deputy"),
    Role.HEAD: in_context("role", "head"),
    Role.TECHNICIAN: in_context("role", "technician"),
}
"""Roles as commands and files name them in English."""
PERMISSION_WORDS: Final[dict[Permission, Words]] = {
    _P.SEE_DESK: _("seeing the calls going on"),
    _P.TRANSFER: _("transferring calls"),
    _P.CALL_BACK: _("calling citizens back"),
    _P.SET_STATES: _("setting unattended, closed, all absent"),
    _P.MESSAGES: _("hearing and closing messages"),
    _P.REQUESTS: _("dealing with requests"),
    _P.OWN_REQUESTS: _("seeing the requests of one's own office"),
    _P.READ_SHEETS: _("reading sheets"),
    _P.EDIT_SHEETS: _("editing sheets"),
    _P.EDIT_BOOK: _("editing the address book"),
    _P.SEE_DIRECTORY: _("seeing how the register stands"),
    _P.VARY_DIRECTORY: _("entering a variation of a day"),
    _P.EDIT_DIRECTORY: _("editing the register"),
    _P.REVEAL_NUMBERS: _("seeing numbers that are not disclosed"),
    _P.SCHEDULE: _("editing hours and closures"),
    _P.PROMPTS: _("editing announcements"),
    _P.EXPLAIN: _("seeing what happens to a caller"),
    _P.REPORTS: _("seeing reports"),
    _P.ERASE: _("erasing a person's records"),
    _P.CENTRAL: _("putting the head office's settings in force"),
    _P.TECHNICAL: _("seeing the technician's pages"),
    _P.USERS: _("managing the users"),
    _P.AUDIT: _("seeing the list of changes"),
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
    named = joined(", ", (ROLE_WORDS[role] for role in roles))
    return _(
        "Your role does not include {permission}. It is for: {roles}.", permission=what, roles=named
    )


USER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
LONGEST_SHOWN_NAME: Final = 64
# "" stands for the site's first language
USER_LANGUAGES: Final = ("", *LANGUAGES)
# memory for comparing one password: a larger hash would stop the appliance at every login
MOST_HASH_MEMORY_KIB: Final = 16 * 1024
LONGEST_HASH: Final = 256
# at least 16 bytes of salt and 32 of hash (RFC 9106, 4), in base64 without padding
_ARGON2ID: Final = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{22,86}\$[A-Za-z0-9+/]{43,86}"
)
_UNIT: Final = _("unit")
_POSITION: Final = _("position")
# only a supervisor makes supervisors, and only a technician has the technical pages
_INDISPENSABLE_ROLES: Final = (Role.HEAD, Role.TECHNICIAN)


class AccountError(OfficeError):
    """Refusal of a change to users; `words` give the reason in every language."""

    def __init__(self, words: Words) -> None:
        super().__init__(str(words))
        self.words = words


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
            _(
                "{name!r} is no user name: 2 to 32 small letters, digits, dots, - or _",
                name=user.name,
            ),
        )
    if not 0 < len(user.shown) <= LONGEST_SHOWN_NAME or not user.shown.isprintable():
        raise AccountError(
            _(
                "the name to show has 1 to {most} characters, in one line",
                most=LONGEST_SHOWN_NAME,
            ),
        )
    if not user.roles:
        raise AccountError(
            _(
                "a user has at least one role: {roles}",
                roles=joined(", ", ROLE_CODES.values()),
            ),
        )
    if user.language not in USER_LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise AccountError(_("the language is one of {known}, or left out", known=known))
    _check_listed(_UNIT, user.unit, units)
    _check_listed(_POSITION, user.position, positions)
    # an office's user sees the requests of that unit alone (E15)
    if Role.OFFICE in user.roles and not user.unit:
        raise AccountError(_("somebody of an office needs its unit"))


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
            _(
                "{name} may not change {other}: users are managed by head and technician, "
                "heads and deputies by the head alone",
                name=asking.name,
                other=after.name,
            ),
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
                _(
                    "{name} is the last {role} who can log in: make another one first",
                    name=after.name,
                    role=ROLE_CODES[role],
                ),
            )


def _has_holder(users: Iterable[User], role: Role) -> bool:
    return any(role in user.roles and user.can_log_in for user in users)


def _check_listed(what: Words, value: str, known: Iterable[str]) -> None:
    listed = tuple(each for each in known if each)
    if value and value not in listed:
        raise AccountError(
            _(
                "there is no {kind} {code!r}; known are {known}",
                kind=what,
                code=value,
                known=", ".join(listed) or in_context("account", "none"),
            ),
        )


SHORTEST_PIN, LONGEST_PIN = 4, 8
MOST_WRONG_PINS = 3
# three wrong codes lock a phone for ten minutes: trying 10000 codes takes three weeks
PIN_LOCKED_S = 600.0
PIN_LOCK_OUT: Final = GrowingDelay(MOST_WRONG_PINS, PIN_LOCKED_S, PIN_LOCKED_S, anew=True)
PIN_PHONES_COUNTED: Final = 1000
PIN_END_KEY = "#"


class PinRule(enum.StrEnum):
    """Phones that must give the code before messages are played."""

    OTHERS = "others"  # phones of neither group
    ALWAYS = "always"


def check_new_pin(pin: str) -> None:
    """Check a new code; raises Refused."""
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        raise Refused(
            _(
                "a code is {least} to {most} digits, nothing else",
                least=SHORTEST_PIN,
                most=LONGEST_PIN,
            ),
        )
    # 1111, 1234 and 4321 have one step between all digits
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise Refused(
            _("a code of one digit, or of digits in a row, is the first one tried"),
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
NOTHING_TO_HAND_OVER: Final = _("Nothing was chosen to hand over.")
GIVER_UNKNOWN: Final = _("Whoever hands over must be a user of the programme.")
TAKER_UNKNOWN: Final = _(
    "There is no such colleague, or they may not log in any more: choose another."
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
    whom = unchanged(to) if to else in_context("handover", "all")
    gone = _("Handed over to {whom}: {given}.", whom=whom, given=given)
    if not left:
        return gone
    return joined(" ", (gone, _("Not yours any more, left: {left}.", left=left)))


def _check_permissions(items: Collection[HandoverItem], user: User) -> None:
    allowed = permissions_of(user.roles)
    for item in items:
        if (needed := HANDOVER_PERMISSIONS[item.kind]) not in allowed:
            what = PERMISSION_WORDS[needed]
            raise SaidError(
                _(
                    "{who} is not allowed {permission}: choose another colleague, "
                    "or hand over to all.",
                    who=user.shown,
                    permission=what,
                )
            )
