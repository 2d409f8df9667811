"""`centralino console`: the web application's own process."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.commands.options import config_option, desk_socket, in_house, load_settings
from appliance.policy.hours import day_phrase
from appliance.policy.text import Refused, Words

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.console.network import ConsoleSettings
    from appliance.console.templates import HeadOffice

OFF = Words(
    "la console è spenta: console.enabled è false", "the console is off: console.enabled is false"
)


@click.command()
@config_option
@click.option(
    "--http", is_flag=True, help="Without TLS, for tests and behind a proxy of one's own."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Another port than the configuration's; 0 for a free one.",
)
@click.option(
    "--authority", is_flag=True, help="Show the authority's fingerprint and file, and end."
)
def console(config_path: Path, http: bool, port: int | None, authority: bool) -> None:
    """Serve the console's pages; the desk need not be running."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    settings = load_settings(config_path)
    if not settings.console.enabled:
        click.echo(in_house(settings, OFF))
        return
    if authority:
        click.echo(in_house(settings, _authority(console_settings(settings))))
        return
    from appliance.console import process

    process.run(console_settings(settings, http, port))


def _authority(settings: ConsoleSettings) -> Words:
    """Say what a technician compares with the browser's words before trusting it."""
    if settings.certificate:
        return Words(
            f"è in uso il certificato proprio dell'ufficio: {settings.certificate}",
            f"the office's own certificate is in use: {settings.certificate}",
        )
    from appliance.console import network as certificates
    from appliance.console import network as tls

    path = tls.authority_path(settings)
    found = certificates.load_certificate(path, path.with_suffix(".key"))
    if found is None:
        raise Refused(
            f"in {path.parent} non c'è ancora l'autorità di certificazione: avviare la console una "
            "volta",
            f"there is no authority in {path.parent} yet: has the console run?",
        )
    shown = f"{path}\nSHA-256 {certificates.fingerprint(found.certificate)}"
    last = found.certificate.not_valid_after_utc
    return Words(
        f"{shown}\n{day_phrase('valida fino al', last, 'it')}",
        f"{shown}\n{day_phrase('valid until', last, 'en')}",
    )


def _head_office(settings: Settings) -> HeadOffice | None:
    """Say where the head office's settings lie that are in force now, None for none."""
    from appliance.console.templates import HeadOffice
    from appliance.service import managed_config as place

    state = Path(settings.folders.state)
    folder = place.in_force(state) if settings.central.certificate else None
    return HeadOffice(folder / place.PROMPTS, folder / place.SCHEDULE) if folder else None


def console_settings(
    settings: Settings, is_plain: bool = False, port: int | None = None
) -> ConsoleSettings:
    """Say what the console must know of the configuration."""
    from appliance.api.speech import drafts_of, own_announcements_of
    from appliance.console.network import ConsoleSettings
    from appliance.service.loop import database_path

    own, state = settings.console, Path(settings.folders.state)
    found = ConsoleSettings(
        site=settings.site.name,
        zone=settings.site.zone,
        languages=settings.site.languages,
        listen=own.listen,
        port=own.port if port is None else port,
        redirect_port=own.redirect_port,
        names=own.names,
        certificate=own.certificate,
        key=own.key,
        state=Path(settings.folders.console),
        records=database_path(state),
        voicemail=state / "voicemail",
        door=desk_socket(settings),
        announcements=own_announcements_of(settings),
        voice=settings.site.voice,
        country=settings.site.country,
        per_person_reference=settings.report.per_person_reference.strip(),
        drafts=drafts_of(state),
        room_alarm=settings.voicemail.room_alarm,
        head_office=lambda: _head_office(settings),
    )
    return dataclasses.replace(found, is_secure=False, redirect_port=0) if is_plain else found
