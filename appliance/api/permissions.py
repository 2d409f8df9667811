"""Who may ask what at the door: the console has looked already, the desk looks too.

Here stands every question with what it needs. What comes from the console names the person who is
logged in there; that person must be known to the desk, be entitled, and ask in no other's name.
The box's own shell is asked for nothing more than to reach the door, which is for the service's
account and the administrator alone; who is named there is told in the audit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from appliance.errors import CentralinoError
from appliance.policy.text import Refused
from appliance.policy.users import Permission, permissions_of, refusal
from appliance.store import users

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.users import User
    from appliance.store.writer import Records

_P: Final = Permission
FREE: Final = frozenset[Permission]()
"""Asked by anybody: it changes nothing, or carries a secret of its own."""
ANYBODY: Final = frozenset(Permission)
"""Whoever is somebody here; what is not one's own the question itself refuses."""
SHELL: Final = None
"""Never asked by the console."""

NEEDS: Final[Mapping[str, frozenset[Permission] | None]] = MappingProxyType({
    **dict.fromkeys(
        (
            "status", "watch", "figures", "offices", "calendar", "plant", "explain",
            "hours_ahead", "register_state", "register_ahead", "free_slots", "requests_due",
            "request_by_link", "first_user", "weeks", "clock",
        ),
        FREE,
    ),
    **dict.fromkeys(
        (
            "phones_renewed", "register_changed", "spoken", "mail_sheet", "central_changed",
            "policy_part", "policy_write",
        ),
        SHELL,
    ),
    **dict.fromkeys(
        ("central", "central_show", "central_apply", "central_revert"), frozenset({_P.CENTRAL})
    ),
    **dict.fromkeys(("user_change", "user_password"), ANYBODY),
    **dict.fromkeys(
        ("SetUnattended", "SetClosed", "SetOpened", "SetAllAbsent"), frozenset({_P.SET_STATES})
    ),
    **dict.fromkeys(("clock_confirm", "clock_set"), frozenset({_P.SET_STATES, _P.TECHNICAL})),
    **dict.fromkeys(("SetAway", "NoteSheet", "BringHead"), frozenset({_P.SEE_DESK})),
    "TransferCall": frozenset({_P.TRANSFER}),
    "CallBack": frozenset({_P.CALL_BACK}),
    "care": frozenset({_P.MESSAGES, _P.CALL_BACK}),
    "close_message": frozenset({_P.MESSAGES}),
    **dict.fromkeys(
        ("new_request", "counter_request", "appointments", "mail_again", "hand_over"),
        frozenset({_P.REQUESTS}),
    ),
    **dict.fromkeys(
        ("request_step", "request_paper"), frozenset({_P.REQUESTS, _P.OWN_REQUESTS})
    ),
    "draft_keep": frozenset({_P.SEE_DESK, _P.EDIT_REGISTER}),
    **dict.fromkeys(("erase", "kept_of", "retention"), frozenset({_P.ERASE})),
    "user_add": frozenset({_P.USERS}),
    "register_tell": frozenset({_P.TRANSFER}),
    **dict.fromkeys(("register_number", "register_file"), frozenset({_P.REVEAL_NUMBERS})),
    "register_file_part": frozenset({_P.REVEAL_NUMBERS, _P.EDIT_REGISTER}),
    "register_vary": frozenset({_P.VARY_REGISTER}),
    **dict.fromkeys(
        ("register_declare", "register_authorise", "register_revoke", "register_unit"),
        frozenset({_P.EDIT_REGISTER}),
    ),
    **dict.fromkeys(
        ("hours_enter", "hours_revoke", "week_enter", "week_revoke"), frozenset({_P.SCHEDULE})
    ),
    **dict.fromkeys(
        ("sheet_text", "sheet_save", "sheet_remove", "sheet_voice"), frozenset({_P.EDIT_SHEETS})
    ),
    **dict.fromkeys(
        (
            "announcement_part", "announcement_restore", "announcement_dictate",
            "announcement_dictation", "announcement_draft_drop",
        ),
        frozenset({_P.PROMPTS}),
    ),
    **dict.fromkeys(
        (
            "led_test", "line_restart", "mail_test", "outbox_retry", "outbox_drop",
            "divert", "divert_prove",
            "phones", "phone_add", "phone_renew", "phone_label", "phone_remove", "phone_back",
            "phones_serve", "phones_serve_end",
            "settings", "chores", "config_check", "backup_make", "backup_check",
            "backup_fetch", "backup_drop", "backup_restore", "restoring",
            "backup_stick", "backup_stick_set_up", "backup_stick_forget",
            "backup_target", "backup_target_write", "backup_target_look", "backup_target_set_up",
            "updates", "update_install", "update_start", "update_back", "update_give_up",
        ),
        frozenset({_P.TECHNICAL}),
    ),
})  # fmt: skip
"""Every question, and the permissions of which one is needed. One that is not here is ANYBODY's,
and a test says that it is missing."""
IN_A_PLACE: Final = frozenset({"SetAway"})
"""Questions whose `by` is a position: a position is not a person (E19)."""


class Rights:
    """What the desk knows of users, in memory: a disk that stalls keeps nobody from a state."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._users: Mapping[str, User] = {}
        self.on_person: Callable[[], None] = lambda: None
        """Told when somebody who may has asked for something by hand."""

    def check(self, question: dict[str, Any], person: str) -> None:
        """Refuse what somebody, "" for nobody, may not ask; raises Refused."""
        asked = str(question.get("ask"))
        needed = NEEDS.get(asked, ANYBODY)
        if needed == FREE:
            return
        if needed is SHELL:
            raise Refused(
                f"«{asked}» si chiede solo dall'apparecchio stesso",
                f"{asked!r} is asked on the box itself alone",
            )
        check_entitled(self._users.get(person), person, needed)
        by = question.get("by", person)
        if by != person and asked not in IN_A_PLACE:
            raise Refused(
                f"«{person}» non può chiedere a nome di altri",
                f"{person!r} cannot ask in the name of others",
            )
        self.on_person()

    def read_anew(self, then: Callable[[], None]) -> None:
        """Read the users, then call; where they cannot be read, what was known stays known."""

        def done(result: Mapping[str, User] | CentralinoError) -> None:
            if not isinstance(result, CentralinoError):
                self._users = result
            then()

        self._records.do(_everybody, done)

    def learn(self, connection: sqlite3.Connection) -> None:
        """Know the users as they are now; in the records' thread."""
        self._users = _everybody(connection)


def _everybody(connection: sqlite3.Connection) -> Mapping[str, User]:
    return {user.name: user for user in users.everybody(connection)}


def check_may(connection: sqlite3.Connection, by: str, permission: Permission) -> None:
    """Refuse what somebody has not the right to, in the job that does it.

    Raises Refused, sqlite3.Error.
    """
    check_entitled(users.find_user(connection, by), by, frozenset({permission}))


def check_own(connection: sqlite3.Connection, by: str, unit: str) -> None:
    """Refuse somebody of an office, in the job that does it, what is another office's.

    Raises Refused, sqlite3.Error. Who is no user here has the box's own shell.
    """
    user = users.find_user(connection, by)
    if user and _P.REQUESTS not in permissions_of(user.roles) and user.unit != unit:
        raise Refused(
            f"questa richiesta non è dell'ufficio di «{by}»",
            f"that request is not of the office of {by!r}",
        )


def check_entitled(user: User | None, by: str, needed: frozenset[Permission]) -> None:
    """Refuse somebody unknown or disabled, or without any of what is needed; raises Refused."""
    if user is None or user.disabled:
        raise Refused(
            f"«{by}» non è un utente che può entrare: entrare di nuovo",
            f"{by!r} is no user who may log in: log in again",
        )
    if not needed & permissions_of(user.roles):
        words = refusal(min(needed, key=list(Permission).index))
        raise Refused(words.it, words.en)
