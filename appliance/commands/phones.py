"""`centralino phones`: accounts of the office's SIP phones, and what to type into them."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

import click

from appliance.commands.options import config_option, load_settings
from appliance.daemon import phone_secrets
from appliance.daemon import registrar as registrar_account
from appliance.daemon.extensions import extensions
from appliance.daemon.service import EVERYWHERE
from appliance.daemon.settings import Settings
from appliance.errors import ConfigurationError
from appliance.phones import accounts


@click.group()
@config_option
@click.pass_context
def phones(context: click.Context, config_path: Path) -> None:
    """Make accounts for the office's phones; the daemon knows them after its next start."""
    context.obj = load_settings(config_path)


@phones.command()
@click.argument("name")
@click.option("--language", type=click.Choice(["it", "en"]), help="The site's first by default.")
@click.pass_obj
def add(settings: Settings, name: str, language: str | None) -> None:
    """Make (or renew) the secret of phone NAME and say what to type into the phone."""
    known = [phone.name for phone in settings.phones]
    if name not in known:
        raise ConfigurationError(
            f'phone {name!r} is not configured: add [[phones]] name = "{name}" and put it into '
            f"switchboard.phones or citizens_desk.phones (known: {', '.join(known) or 'none'})"
        )
    kept = phone_secrets.load(settings)
    kept[name] = accounts.make_secret(secrets.token_bytes)
    phone_secrets.save(settings, kept)
    label = next(phone.label for phone in settings.phones if phone.name == name)
    words = accounts.what_to_type(
        name,
        label,
        kept[name],
        _address(settings.sip.address),
        settings.sip.port,
        language or settings.site.languages[0],
    )
    click.echo(words)


@phones.command("list")
@click.pass_obj
def list_phones(settings: Settings) -> None:
    """List the configured phones: extension, name, label, whether they have a secret."""
    kept = phone_secrets.load(settings)
    for phone, own in zip(settings.phones, extensions(settings.phones), strict=True):
        how = f"at {phone.address}" if phone.address else "registers"
        secret = "has a secret" if phone.name in kept else "no secret yet: centralino phones add"
        click.echo(f"{own.digits:<7}{phone.name:<16} {phone.label:<28} {how}, {secret}")


@phones.command()
@click.password_option(help="Asked for when left out, and not shown.")
@click.pass_obj
def registrar(settings: Settings, password: str) -> None:
    """Keep the password of the box's account at the telephone system of [sip.registrar]."""
    if settings.sip.registrar is None:
        raise ConfigurationError(
            'no telephone system is configured: add [sip.registrar] with address = "192.168.1.5" '
            'and user = "..."'
        )
    kept = phone_secrets.load(settings)
    kept[registrar_account.SECRET] = password
    phone_secrets.save(settings, kept)
    click.echo(f"kept for {settings.sip.registrar.user}; the daemon knows it at its next start")


def _address(configured: str) -> str:
    """Say which address to type into a phone: the configured one, else the box's name."""
    return socket.gethostname() if configured == EVERYWHERE else configured
