"""`centralino update`: a new version into the other slot, tried, kept or left."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from appliance.commands import update_stick
from appliance.commands.answering import answering, both_option, lines_of
from appliance.commands.options import config_option
from appliance.commands.shell import in_language
from appliance.commands.update_fetch import Server
from appliance.commands.update_helper import Helper, helper_of
from appliance.commands.update_trial import Watch
from appliance.config.schema import Settings
from appliance.policy import updates as policy_updates
from appliance.policy.text import NOTHING, Refused, Words
from appliance.policy.updates import order
from appliance.service import updates
from appliance.service.updates import Asked
from appliance.store.users import SHELL
from appliance.voicemail.storage import spare_bytes

PATH = click.Path(path_type=Path)
NAME_ONE: Final = Words(
    "indicare FILE, URL o una parola, oppure uno fra --fetch, --asked, --stick",
    "name FILE, URL or a word, or one of --fetch, --asked, --stick",
)
WORDS: Final = ("status", "start", "back", "give-up", "good")


@click.command()
@click.argument("what", metavar="FILE|URL|status|start|back|give-up|good", required=False)
@config_option
@click.option("--older", is_flag=True, help="FILE or URL may be older than what runs.")
@click.option("--now", is_flag=True, help="Start from it at once, with nobody on the phone.")
@click.option("--fetch", is_flag=True, help="Only fetch what updates.server offers, if newer.")
@click.option("--asked", is_flag=True, help="What was asked for in the browser (systemd, root).")
@click.option("--stick", type=PATH, help="What a USB stick's DEVICE brings (systemd, root).")
@click.option("--run", type=PATH, help="The desk's run folder, instead of folders.run.")
@both_option
def update(
    what: str | None,
    config_path: Path,
    run: Path | None,
    stick: Path | None,
    *,
    older: bool,
    now: bool,
    fetch: bool,
    asked: bool,
    as_json: bool,
) -> None:
    """Install a new version of the whole box from a signed FILE or URL, and try it.

    It is written into the slot that is not in use; the box starts from it in the quiet hour with
    nobody on the phone, or with --now. It stays if all is well for two minutes, else the version
    of before comes back by itself. status tells how it stands; start, back and give-up are for a
    person, good is what an image does at each start.
    """
    if [what is not None, fetch, asked, stick is not None].count(True) != 1:
        raise click.UsageError(in_language(NAME_ONE))
    with answering(config_path, as_json=as_json) as say:
        updates.check_image()
        helper = helper_of(config_path, run)
        try:
            if what is not None and what not in WORDS:
                say(_installed(helper, what, older=older))
                if now:
                    say(helper.start(_who()))
            elif (said := _done(helper, what, stick, fetch=fetch)) != NOTHING:
                say(said)
        except PermissionError as error:
            raise Refused(
                "per questo serve l'amministratore: usare sudo",
                "that takes the administrator: use sudo",
            ) from error


def _done(helper: Helper, what: str | None, stick: Path | None, *, fetch: bool) -> Words:
    if fetch:
        return fetched(helper)
    if stick is not None:
        return update_stick.brought(helper, stick)
    match what:
        case None:
            return helper.turn()
        case "status":
            return told(helper)
        case "start":
            return helper.start(_who())
        case "back":
            return helper.back(_who())
        case "give-up":
            return helper.give_up(_who())
        case _:
            return Watch(helper).turn()


def told(helper: Helper) -> Words:
    """Say which version runs and how the last update stands."""
    kept = updates.load_update(helper.kept_in)
    running = policy_updates.filled(policy_updates.RUNNING, helper.running())
    stands = policy_updates.standing(kept.state, kept.version)
    more = (one for one in (updates.note_update(), kept.said) if one != NOTHING)
    return lines_of((running, stands, *more))


def fetched(helper: Helper) -> Words:
    """Fetch what the office's server offers, if it is newer and has not failed here."""
    settings = helper.settings
    if not settings.updates.server:
        raise Refused(
            "nessun server è configurato: scrivere server sotto [updates]",
            "no server is configured: write server under [updates]",
        )
    server = _server(settings, settings.updates.server, helper)
    offer, running = server.latest(), helper.running()
    kept = updates.load_update(helper.kept_in)
    if order(offer.version or "0.0") <= order(running) or offer.version in kept.failed:
        return policy_updates.filled(policy_updates.NOTHING_OFFERED, running)
    server.fetch(offer, Path(settings.folders.state) / updates.FETCHED, _room(settings))
    return policy_updates.filled(policy_updates.FETCHED, offer.version)


def _installed(helper: Helper, what: str, *, older: bool) -> Words:
    """Install a file, or what an address has; raises Refused, OSError."""
    asked = Asked(_who(), "file")
    if "://" not in what:
        return helper.install(Path(what).absolute(), asked, even_older=older)
    server = _server(helper.settings, what, helper)
    target = Path(helper.settings.folders.state) / updates.FETCHED
    server.fetch(server.latest(), target, _room(helper.settings))
    return helper.install(target, asked, is_ours=True, even_older=older)


def _server(settings: Settings, address: str, helper: Helper) -> Server:
    told = helper.asked()
    is_trusted = bool(told and told["health"]["clock_trusted"])
    return Server(address, settings.updates.ca_file, checks_dates=is_trusted)


def _room(settings: Settings) -> int:
    """Return how many bytes may be fetched: a copy is made of it, and messages come first."""
    return max(0, spare_bytes(Path(settings.folders.state)) // 2)


def _who() -> str:
    """Name who asks, as the audit names the box's shell."""
    return f"{SHELL}{os.environ.get('SUDO_USER') or 'root'}"
