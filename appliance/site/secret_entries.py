"""Passwords that may stand in the card's file: each lies in a file of its own, the configuration
names that. What was written once and is left out later is kept, as long as its account is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.secret_files import CENTRAL, MAIL, MQTT, SECRETS
from appliance.daemon.settings import Folders, Settings

if TYPE_CHECKING:
    from appliance.daemon.mistakes import Mistakes
    from appliance.site.written import Written

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them: `key` of `table` on the card, `named` in the configuration, kept under `file`.

    `has_account` where it belongs to the `user` of that table; `it` and `en` say whose that is.
    """

    table: str
    key: str
    named: str
    file: str
    has_account: bool = True
    it: str = ""
    en: str = ""


ENTRIES: Final = (
    Entry("mail", "password", "password_file", MAIL, it="della posta", en="mail"),
    Entry("mqtt", "password", "password_file", MQTT, it="del broker", en="broker's"),
    Entry("central", "passphrase", "passphrase_file", CENTRAL, has_account=False),
)


def given(written: Written) -> dict[str, str]:
    """Return what was written, by its table."""
    found = {one.table: str(_value(written, one.table, one.key)) for one in ENTRIES}
    return {table: text for table, text in found.items() if text}


def files(settings: Settings) -> dict[str, str]:
    """Return the file that the configuration names for each, by its table; none without one."""
    found = {one.table: str(_value(settings, one.table, one.named)) for one in ENTRIES}
    return {table: file for table, file in found.items() if file}


def laid(made: Mapping[str, Any], written: Written, kept: Collection[str]) -> Table:
    """Return a configuration's tables, each password replaced by the name of its file."""
    state = made.get("folders", {}).get("state", Folders().state)
    laid = dict(made)
    for one in ENTRIES:
        if one.table in laid:
            there = one.table in {*given(written), *kept} and _has_account(written, one)
            named = {one.named: f"{state}/{SECRETS}/{one.file}"} if there else {}
            rest = {key: value for key, value in laid[one.table].items() if key != one.key}
            laid[one.table] = {**named, **rest}
    return laid


def check(written: Written, mistakes: Mistakes, kept: Collection[str]) -> None:
    """Note what is wrong; of `kept` ones nothing need be written."""
    for one in ENTRIES:
        text = _value(written, one.table, one.key)
        if one.has_account:
            is_there = text or _value(written, one.table, one.named) or one.table in kept
            _check_account(one, _value(written, one.table, "user"), text, is_there, mistakes)
        if text and not text.isprintable():
            place = f"{one.table}.{one.key}"
            mistakes.note(place, "deve stare in una riga", "must stand in one line")


def _check_account(one: Entry, user: str, text: str, is_there: object, mistakes: Mistakes) -> None:
    if user and not is_there:
        mistakes.note(
            f"{one.table}.{one.key}",
            f"manca: al nome utente {one.it} serve la sua password",
            f"is missing: the {one.en} account needs its password",
        )
    if text and not user:
        mistakes.note(
            f"{one.table}.user",
            f"manca: a una password serve il nome utente {one.it}",
            f"is missing: a password needs the name of the {one.en} account",
        )


def _has_account(written: Written, one: Entry) -> bool:
    return not one.has_account or bool(_value(written, one.table, "user"))


def _value(settings: Settings, table: str, key: str) -> str:
    found: str = getattr(getattr(settings, table), key)
    return found
