"""`centralino phones serve`: for some minutes, the phones that were added fetch their files.

A process of its own in the foreground, of the technician who stands beside the phones; the desk
goes on with its calls and is only asked who has registered.
"""

from __future__ import annotations

import contextlib
import dataclasses
import syslog
import time
from datetime import UTC, datetime

import click

from appliance.api import control_socket
from appliance.commands.options import desk_socket
from appliance.commands.shell import language_of
from appliance.config.office import build_office
from appliance.config.schema import Settings
from appliance.errors import OfficeError
from appliance.policy.text import SaidError, Words
from appliance.provisioning.server import PORT, Offer, Server, Window
from appliance.service import phones
from appliance.sip.registrar import network_of

ASK_EVERY = 2.0
"""Seconds between questions to the desk about who has registered."""
LONGEST = 120
"""Minutes: a window is no permanent service."""
ADD = "centralino phones add op1 --model yealink --mac 00:15:65:AA:BB:CC"
NOTHING_TO_SERVE = Words(
    f"nessun telefono aspetta il suo file: prima aggiungerne uno, ad esempio {ADD}",
    f"no phone waits for its file: add one first, e.g. {ADD}",
)


@click.command()
@click.option(
    "--minutes", type=click.IntRange(1, LONGEST), default=15, show_default=True, help="How long."
)
@click.option("--address", default="", help="The box's address for phones, where it has several.")
@click.pass_obj
def serve(settings: Settings, minutes: int, address: str) -> None:
    """Let the added phones fetch their configuration for some minutes, until they register."""
    where = phones.lan_address(settings, address)
    codes = build_office(settings, datetime.now(UTC).year).key_codes
    allowed = tuple(network_of(network) for network in settings.sip.allowed)
    offers = phones.offers(settings, codes, where)
    window = Window(offers, time.monotonic() + minutes * 60, allowed)
    window.registered(registered(settings))
    if not window.is_open(time.monotonic()):
        raise SaidError(NOTHING_TO_SERVE)
    teller = Teller(language_of(settings))
    with contextlib.closing(Server((where, PORT), window, teller.say)) as server:
        teller.say(opened(window, where, minutes))
        try:
            run(settings, server, teller)
        finally:
            keep(settings, window)
    teller.say(
        Words("Chiuso: nessun file viene più servito.", "Closed: no file is served any more.")
    )


class Teller:
    """Says what happens, with the time, in the site's language."""

    def __init__(self, language: str) -> None:
        self._language = language
        syslog.openlog("centralino-phones")

    def say(self, words: Words) -> None:
        """Write one line, and one into the journal."""
        now = datetime.now().astimezone()
        syslog.syslog(words.en)
        click.echo(f"{now:%H:%M:%S} {words.it if self._language == 'it' else words.en}")


def run(settings: Settings, server: Server, teller: Teller) -> None:
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
    """Ask the desk which phones are registered; nobody, where it does not answer."""
    try:
        status = control_socket.ask(desk_socket(settings), {"ask": "status"}, 1.0)["status"]
    except OfficeError:
        return set()
    return {row["name"] for row in status["phones"] if row["address"]}


def keep(settings: Settings, window: Window) -> None:
    """Keep who has fetched; the token of a phone that fetched and registered is worth nothing."""
    kept, now = phones.load_handsets(settings), datetime.now(UTC).isoformat(timespec="seconds")
    for offer in window.offers:
        row = kept.get(offer.phone)
        if row is None or row.token != offer.token or not offer.fetches:
            continue
        token = "" if offer.is_registered else row.token
        kept[offer.phone] = dataclasses.replace(row, token=token, fetched=now, source=offer.source)
    phones.save_handsets(settings, kept)


def opened(window: Window, where: str, minutes: int) -> Words:
    """Say where phones find their files, and whose there are."""
    waiting = [offer.phone for offer in window.offers if not offer.is_registered]
    names = ", ".join(waiting)
    return Words(
        f"Aperto per {minutes} minuti: http://{where}:{PORT}/ serve {names}. "
        f"Opzione DHCP 66: http://{where}:{PORT}/",
        f"Open for {minutes} minutes: http://{where}:{PORT}/ serves {names}. "
        f"DHCP option 66: http://{where}:{PORT}/",
    )


def done(offer: Offer) -> Words:
    """Say that a phone has arrived."""
    return Words(
        f"{offer.phone}: registrato, il suo file non viene più servito",
        f"{offer.phone}: registered, its file is served no more",
    )
