"""`centralino phones`: accounts of the office's SIP phones, and the provisioning window."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import secrets
import socket
import syslog
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict
from zoneinfo import ZoneInfo

import click

from appliance.api.commands import ShowStatus
from appliance.api.replies import PhonePlace
from appliance.api.status_text import Teller
from appliance.api.technician_commands import LoadPasswords
from appliance.commands.answering import given_or_asked, password_option
from appliance.commands.json_output import json_option, say_json
from appliance.commands.options import (
    ask,
    config_option,
    language_of,
    load_settings,
    require_state,
    send,
)
from appliance.config import build as registrar_account
from appliance.config import phones as service_phones
from appliance.config.build import extensions
from appliance.config.office import build_office
from appliance.config.phones import StoredHandset
from appliance.config.schema import Settings
from appliance.errors import OfficeError, TechnicianError
from appliance.files import atomic_write
from appliance.policy.office import KeyCode
from appliance.policy.text import Refused, SaidError, os_error_words, technical_words
from appliance.provisioning import handset, templates
from appliance.provisioning.handset import Handset, PhoneSheet
from appliance.provisioning.server import PORT, FileWindow, OfferedFile, ProvisioningServer
from appliance.provisioning.templates import GIGASET_PIN_DIGITS
from appliance.sip import registrar as sip_registrar
from appliance.sip.registrar import network_of
from appliance.text import LANGUAGES, Words, _, in_context, unchanged

# The provisioning window in the foreground, a process of its own: call control goes on with its
# calls and is only asked which phones have registered.

ASK_EVERY = 2.0
"""Seconds between two queries of the registered phones."""
# The window is not a permanent service.
LONGEST = 120
"""Minutes."""
ADD = "centralino phones add op1 --model yealink --mac 00:15:65:AA:BB:CC"
NOTHING_TO_SERVE = _("no phone waits for its file: add one first, e.g. {command}", command=ADD)


@click.command()
@click.option(
    "--minutes", type=click.IntRange(1, LONGEST), default=15, show_default=True, help="How long."
)
@click.option("--address", default="", help="The box's address for phones, where it has several.")
@click.pass_obj
def serve(settings: Settings, minutes: int, address: str) -> None:
    """Let the added phones fetch their configuration for some minutes, until they register."""
    where = service_phones.lan_address(settings, address)
    codes = build_office(settings, datetime.now(UTC).year).key_codes
    allowed = tuple(network_of(network) for network in settings.sip.allowed)
    offers = service_phones.provisioning_offers(settings, codes, where)
    window = FileWindow(offers, time.monotonic() + minutes * 60, allowed)
    # Registered phones need no file.
    window.registered(registered(settings))
    if not window.is_open(time.monotonic()):
        raise SaidError(NOTHING_TO_SERVE)
    teller = ServerTeller(language_of(settings))
    with contextlib.closing(ProvisioningServer((where, PORT), window, teller.say)) as server:
        teller.say(opened(window, where, minutes))
        try:
            run(settings, server, teller)
        finally:
            keep(settings, window)
    teller.say(_("Closed: no file is served any more."))


class ServerTeller:
    """Prints messages with the time, in the site's language."""

    def __init__(self, language: str) -> None:
        self._language = language
        syslog.openlog("centralino-phones")

    def say(self, words: Words) -> None:
        """Print one line and log it in English."""
        now = datetime.now().astimezone()
        syslog.syslog(str(words))
        click.echo(f"{now:%H:%M:%S} {words.text(self._language)}")


def run(settings: Settings, server: ProvisioningServer, teller: ServerTeller) -> None:
    """Serve until the window closes, every phone has registered, or the technician stops it."""
    ask_at = time.monotonic() + ASK_EVERY
    with contextlib.suppress(KeyboardInterrupt):
        while server.window.is_open(time.monotonic()):
            server.turn(max(0.0, min(ask_at - time.monotonic(), ASK_EVERY)))
            if time.monotonic() >= ask_at:
                ask_at = time.monotonic() + ASK_EVERY
                for offer in server.window.registered(registered(settings)):
                    teller.say(done(offer))
                    keep(settings, server.window)


def registered(settings: Settings) -> set[str]:
    """Return the registered phones; none if the service does not answer."""
    try:
        status = send(settings, ShowStatus(), 1.0).status
    except OfficeError:
        return set()
    return {row.name for row in status.phones if row.address}


def keep(settings: Settings, window: FileWindow) -> None:
    """Store which phones have fetched; delete the token of one that has also registered."""
    kept, now = (
        service_phones.load_handsets(settings),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    for offer in window.offers:
        row = kept.get(offer.phone)
        # A phone removed or renewed meanwhile has another token, and this file is no longer its
        # own.
        if row is None or row.token != offer.token or not offer.fetches:
            continue
        # The token has done its work: the file cannot be fetched under it again.
        token = "" if offer.is_registered else row.token
        kept[offer.phone] = dataclasses.replace(row, token=token, fetched=now, source=offer.source)
    service_phones.save_handsets(settings, kept)


def opened(window: FileWindow, where: str, minutes: int) -> Words:
    """Return the files' address and the waiting phones."""
    waiting = [offer.phone for offer in window.offers if not offer.is_registered]
    names = ", ".join(waiting)
    return _(
        "Open for {minutes} minutes: http://{where}:{port}/ serves {names}. DHCP "
        "option 66: http://{where}:{port}/",
        minutes=minutes,
        where=where,
        port=PORT,
        names=names,
    )


def done(offer: OfferedFile) -> Words:
    """Return the message that a phone has registered."""
    return _("{phone}: registered, its file is served no more", phone=offer.phone)


LANGUAGE = click.Choice(LANGUAGES)


@click.group()
@config_option
@click.pass_context
def phones(context: click.Context, config_path: Path) -> None:
    """Make accounts for the office's phones, and let the phones fetch them."""
    context.obj = load_settings(config_path)


phones.add_command(serve)


@phones.command()
@click.argument("name")
@click.option("--language", type=LANGUAGE, help="The site's first by default.")
@click.option("--model", type=click.Choice(list(templates.MAKES)), help="Make of the phone.")
@click.option("--mac", default="", help="Its hardware address, as 00:15:65:AA:BB:CC.")
@click.option("--address", default="", help="The box's address for phones, where it has several.")
@click.option(
    "--sheet", "sheet_path", type=click.Path(path_type=Path), help="Write a sheet (HTML)."
)
@click.pass_obj
def add(
    settings: Settings,
    name: str,
    language: str | None,
    model: str | None,
    mac: str,
    address: str,
    sheet_path: Path | None,
) -> None:
    """Make (or renew) the secret of phone NAME, say what to type, write its printed sheet."""
    require_state(settings)
    _known(settings, name)
    kept = service_phones.load_handsets(settings)
    make, plain = _chosen(kept, name, model, mac)
    kept[name] = StoredHandset(make, plain, service_phones.new_token(secrets.token_bytes))
    known = service_phones.load_secrets(settings)
    known[name] = sip_registrar.make_secret(secrets.token_bytes)
    known.setdefault(service_phones.ADMINISTRATOR, sip_registrar.make_secret(secrets.token_bytes))
    where = _where(settings, address, needed=sheet_path is not None)
    # The sheet goes to the phone's place, what is said here to whoever types.
    printed = language or settings.site.languages[0]
    # Before anything is stored: a sheet that cannot be written must renew no password.
    if sheet_path is not None:
        _write_sheet(settings, name, known[name], kept[name], where, printed, sheet_path)
    service_phones.save_handsets(settings, kept)
    service_phones.save_secrets(settings, known)
    label = next(phone.label for phone in settings.phones if phone.name == name)
    own = next(e.digits for e in extensions(settings.phones) if e.phone == name)
    reader = language or language_of(settings)
    click.echo(
        sip_registrar.account_text(
            name, label, known[name], where, settings.sip.port, reader, extension=own
        ),
        nl=False,
    )
    teller = _teller(settings, language)
    click.echo(teller.say("known" if _tell_call_control(settings) else "later"))
    click.echo(teller.say("serve", url=service_phones.url_of(kept[name], where)))
    if not templates.make_named(kept[name].make).is_soft:
        click.echo(teller.say("protected"))
    if sheet_path is not None:
        click.echo(teller.say("sheet", file=str(sheet_path)))


@phones.command("list")
@click.option("--language", type=LANGUAGE, help="The site's first by default.")
@json_option
@click.pass_obj
def list_phones(settings: Settings, language: str | None, *, as_json: bool) -> None:
    """List the phones: extension, name, label, where registered, make, hardware address."""
    secret, kept, at = (
        service_phones.load_secrets(settings),
        service_phones.load_handsets(settings),
        _standing(settings),
    )
    if as_json:
        say_json(list(_phone_rows(settings, secret, kept, at)))
        return
    teller = _teller(settings, language)
    for phone, own in zip(settings.phones, extensions(settings.phones), strict=True):
        row = (at or {}).get(phone.name)
        told = teller.row(
            phone.address, phone.name in secret, row, kept.get(phone.name, StoredHandset())
        )
        click.echo(f"{own.digits:<7}{phone.name:<16} {phone.label:<28} {told}")
    if at is None:
        click.echo(teller.say("no_desk"))


class PhoneRow(TypedDict):
    """A phone; `registered` is where it is reached, null while the service does not run."""

    extension: str
    name: str
    label: str
    address: str
    has_password: bool
    registered: str | None
    answers: bool | None
    make: str
    mac: str
    fetched: str
    fetched_by: str


def _phone_rows(
    settings: Settings,
    secret: Mapping[str, str],
    kept: Mapping[str, StoredHandset],
    at: Mapping[str, PhonePlace] | None,
) -> Iterator[PhoneRow]:
    for phone, own in zip(settings.phones, extensions(settings.phones), strict=True):
        place, handset = (at or {}).get(phone.name), kept.get(phone.name, StoredHandset())
        yield {
            "extension": own.digits,
            "name": phone.name,
            "label": phone.label,
            "address": phone.address,
            "has_password": phone.name in secret,
            "registered": place.address if place else None,
            "answers": place.answers if place else None,
            "make": handset.make,
            "mac": handset.mac,
            "fetched": handset.fetched,
            "fetched_by": handset.source,
        }


@phones.command()
@password_option
@click.pass_obj
def registrar(settings: Settings, password: str | None) -> None:
    """Keep the password of the box's account at the telephone system of [sip.registrar]."""
    if settings.sip.registrar is None:
        raise Refused(
            _(
                "no telephone system is configured: add [sip.registrar] with address = "
                '"192.168.1.5" and user = "..."'
            ),
        )
    require_state(settings)
    kept = service_phones.load_secrets(settings)
    _check_writable(service_phones.secrets_path(settings))
    kept[registrar_account.SECRET] = given_or_asked(password)
    service_phones.save_secrets(settings, kept)
    click.echo(_teller(settings, None).say("kept", user=settings.sip.registrar.user))


def _check_writable(path: Path) -> None:
    """Raise PermissionError where this account may not write a file."""
    folder = next(one for one in path.parents if one.exists())
    if not os.access(folder, os.W_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


class AdministratorRow(TypedDict):
    """Password of the phones' own web pages, in the forms that makes ask for."""

    password: str
    strong_password: str
    menu_code: str
    gigaset_pin: str


@phones.command()
@click.option("--renew", is_flag=True, help="Make another one; phones get it as they are served.")
@json_option
@click.pass_obj
def administrator(settings: Settings, *, renew: bool, as_json: bool) -> None:
    """Show the administrator's password of the phones' own web pages, and their menus' code."""
    kept = service_phones.load_secrets(settings)
    if renew or service_phones.ADMINISTRATOR not in kept:
        kept[service_phones.ADMINISTRATOR] = sip_registrar.make_secret(secrets.token_bytes)
        service_phones.save_secrets(settings, kept)
    password = kept[service_phones.ADMINISTRATOR]
    phone = Handset("", "", "", "", "", admin=password)
    if as_json:
        row: AdministratorRow = {
            "password": password,
            "strong_password": phone.strong_admin,
            "menu_code": phone.menu_code,
            "gigaset_pin": phone.menu_code[:GIGASET_PIN_DIGITS],
        }
        say_json(row)
        return
    click.echo(
        _teller(settings, None).say(
            "administrator",
            password=password,
            strong=phone.strong_admin,
            code=phone.menu_code,
            pin=phone.menu_code[:GIGASET_PIN_DIGITS],
        )
    )


def _teller(settings: Settings, language: str | None) -> Teller:
    return Teller(language or language_of(settings), ZoneInfo(settings.site.zone))


def _where(settings: Settings, given: str, *, needed: bool) -> str:
    """Return the box's address for the phone; without a network its name."""
    try:
        return service_phones.lan_address(settings, given)
    except TechnicianError:
        if needed:
            # A printed QR code must not lead nowhere.
            raise
        return socket.gethostname()


def _known(settings: Settings, name: str) -> None:
    known = [phone.name for phone in settings.phones]
    if name not in known:
        raise Refused(
            _(
                'phone {name!r} is not configured: add [[phones]] name = "{name}" and put '
                "it into switchboard.phones or citizens_desk.phones (known: {known})",
                name=name,
                known=unchanged(", ".join(known)) if known else in_context("phones", "none"),
            ),
        )


def _chosen(
    kept: dict[str, StoredHandset], name: str, model: str | None, mac: str
) -> tuple[str, str]:
    """Return make and hardware address, as given or as stored; an address is one phone's only."""
    before = kept.get(name, StoredHandset())
    # Adding a phone again renews its password and keeps the rest.
    if not (model or mac):
        model, mac = before.make or None, before.mac
    make, plain = service_phones.choose_make(model or "", mac)
    # Files are found by hardware address: each belongs to one phone only.
    other = next((n for n, row in kept.items() if plain and row.mac == plain and n != name), "")
    if other:
        raise Refused(
            _(
                "{mac} is phone {other}'s already; check it, or add {other} anew first",
                mac=mac,
                other=other,
            ),
        )
    return make, plain


def _tell_call_control(settings: Settings) -> bool:
    """Have the running service load the passwords again; False if none runs."""
    try:
        ask(settings, LoadPasswords())
    except OfficeError:
        return False
    return True


def codes_of(settings: Settings) -> tuple[KeyCode, ...]:
    """Return the office's key codes."""
    return build_office(settings, datetime.now(UTC).year).key_codes


def _write_sheet(
    settings: Settings,
    name: str,
    secret: str,
    kept: StoredHandset,
    where: str,
    language: str,
    path: Path,
) -> None:
    codes = codes_of(settings)
    own = service_phones.handset(settings, codes, name, secret, where, language)
    url, make = service_phones.url_of(kept, where), templates.make_named(kept.make)
    told = handset.listed_codes(codes)
    text = handset.sheet_page(
        PhoneSheet(settings.site.name, own, told, url, make.is_soft), handset.qr_svg
    )
    try:
        atomic_write(path, text)
    except OSError as error:
        raise Refused(
            _(
                "the sheet cannot be written to {path}: {why}",
                path=path,
                why=technical_words(error.strerror, os_error_words(error)),
            ),
        ) from error


def _standing(settings: Settings) -> dict[str, PhonePlace] | None:
    """Return the registrations of the running service; None if none runs."""
    try:
        status = send(settings, ShowStatus()).status
    except OfficeError:
        return None
    return {row.name: row for row in status.phones}
