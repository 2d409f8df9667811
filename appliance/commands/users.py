"""`centralino users`: users of the console, from a shell on the box."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.api.commands import AddUser, ChangeUser, ProvenCommand, SetPassword
from appliance.api.replies import DeclinedError, UserSaid
from appliance.commands.answering import given_or_asked, password_option
from appliance.commands.options import (
    config_option,
    in_site_language,
    language_of,
    load_settings,
    reading,
    send_with_proof,
)
from appliance.errors import OfficeError
from appliance.policy.text import Refused
from appliance.policy.users import ROLE_WORDS, Role, User
from appliance.store.users import everybody, required_user
from appliance.text import LANGUAGES, _

if TYPE_CHECKING:
    from appliance.config.schema import Settings

ROLE = click.Choice([role.value for role in Role])
LANGUAGE = click.Choice(LANGUAGES)
DISABLED = _("disabled")

NO_USERS = _("No users.")
CHANGED_BY = "--shown, --role, --unit, --position, --language"


@click.group()
@config_option
@click.pass_context
def users(context: click.Context, config_path: Path) -> None:
    """Say who may use the console; the service makes every change and keeps it in the audit."""
    context.obj = load_settings(config_path)


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_users(settings: Settings, *, as_json: bool) -> None:
    """List the users: name, roles, unit, position, whether disabled."""
    with reading(settings) as connection:
        known = everybody(connection)
    if as_json:
        click.echo(json.dumps([_plain(user) for user in known], ensure_ascii=False, indent=2))
        return
    for user in known:
        click.echo(_row(user, language_of(settings)))
    if not known:
        click.echo(in_site_language(settings, NO_USERS))


@users.command()
@click.argument("name")
@click.option("--shown", required=True, help="The person's name, as others see it.")
@click.option("--role", "roles", type=ROLE, multiple=True, required=True, help="May be repeated.")
@click.option("--unit", default="", help="The office's code, for role office or deputy.")
@click.option("--position", default="", help="The phone at which the person sits, if always one.")
@click.option("--language", type=LANGUAGE, help="The site's first by default.")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
@password_option
@click.pass_obj
def add(
    settings: Settings,
    name: str,
    shown: str,
    roles: tuple[str, ...],
    unit: str,
    position: str,
    language: str | None,
    by: str,
    password: str | None,
) -> None:
    """Make user NAME; the password is to be changed at the first login."""
    wish = AddUser(
        name=name,
        shown=shown,
        roles=tuple(map(Role, roles)),
        unit=unit,
        position=position,
        language=language or "",
        password=_hashed(given_or_asked(password), name),
        by=by,
    )
    _ask(settings, wish)


@users.command()
@click.argument("name")
@click.option("--shown", help="The person's name, as others see it.")
@click.option("--role", "roles", type=ROLE, multiple=True, help="All roles from now on.")
@click.option("--unit", help="The office's code.")
@click.option("--position", help="The phone at which the person sits.")
@click.option("--language", type=LANGUAGE)
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
@click.pass_obj
def change(settings: Settings, /, name: str, by: str, **given: Any) -> None:
    """Change what is given of user NAME."""
    # Options left out are None, an empty text is a value: `--unit ""` removes the unit.
    given["roles"] = tuple(map(Role, given["roles"])) or None
    if all(value is None for value in given.values()):
        raise Refused(_("nothing to change: say {options}", options=CHANGED_BY))
    _ask(settings, ChangeUser(name=name, by=by, **given))


def _known_name(context: click.Context, _parameter: click.Parameter, name: str) -> str:
    """Refuse an unknown user before a password is asked for."""
    if not context.resilient_parsing:
        with reading(context.obj) as connection:
            required_user(connection, name)
    return name


@users.command()
@click.argument("name", callback=_known_name, is_eager=True)
@click.option("--keep", is_flag=True, help="It need not be changed at the next login.")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
@password_option
@click.pass_obj
def password(settings: Settings, name: str, by: str, password: str | None, *, keep: bool) -> None:
    """Give user NAME a new password; where they are logged in they are logged out."""
    hashed = _hashed(given_or_asked(password), name)
    _ask(settings, SetPassword(name=name, password=hashed, must_change=not keep, by=by))


def _able(word: str, help_text: str, *, disabled: bool) -> click.Command:
    @users.command(word, help=help_text)
    @click.argument("name")
    @click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
    @click.pass_obj
    def command(settings: Settings, name: str, by: str) -> None:
        _ask(settings, ChangeUser(name=name, disabled=disabled, by=by))

    return command


_able("disable", "Keep user NAME out, at once; nobody is ever deleted.", disabled=True)
_able("enable", "Let user NAME in again.", disabled=False)


def _ask(settings: Settings, wish: ProvenCommand[UserSaid]) -> None:
    """Send a command with the shell's proof and print the reply; raises OfficeError."""
    language = language_of(settings)
    try:
        reply = send_with_proof(settings, wish)
    except DeclinedError as declined:
        raise OfficeError(declined.words.text(language)) from declined
    click.echo(reply.said.text(language))


def _hashed(password: str, name: str) -> str:
    """Return the hash of a valid password; raises AccountError for an invalid one."""
    from appliance.console.accounts import Passwords
    from appliance.console.accounts import check_new_password as check_new

    # Call control gets the hash only and cannot judge the password.
    check_new(password, name)
    return Passwords().hashed(password)


def _row(user: User, language: str) -> str:
    roles = ", ".join(ROLE_WORDS[role].text(language) for role in Role if role in user.roles)
    disabled = DISABLED.text(language) if user.disabled else ""
    more = " · ".join(part for part in (user.unit, user.position, disabled) if part)
    return f"{user.name:<16} {user.shown:<28} {roles}{f' · {more}' if more else ''}"


def _plain(user: User) -> dict[str, object]:
    roles = [role.value for role in Role if role in user.roles]
    words = {"unit": user.unit, "position": user.position, "language": user.language}
    state = {"disabled": user.disabled, "must_change": user.must_change}
    return {"name": user.name, "shown": user.shown, "roles": roles, **words, **state}
