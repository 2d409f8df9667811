"""`box card` and `firewall`: boot file and packet filter, called by the image's units."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn
from zoneinfo import ZoneInfo

import click

from appliance import __version__
from appliance.commands.options import config_option, in_language, language_of, load_settings
from appliance.config.build import tcp_rival
from appliance.config.office import state_folder_of
from appliance.errors import CentralinoError, ConfigurationError, TechnicianError
from appliance.policy.firewall import SSH_PORT, Network, OpenPorts, firewall_rules
from appliance.policy.hours import moment_words
from appliance.policy.text import Refused, os_error_words, words_of
from appliance.text import NOTHING, Words, _, by_language, joined, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.bootfile.apply import BootPlaces, CardFilePut
    from appliance.bootfile.card import CardOutcome, ResultFacts
    from appliance.commands.options import Command
    from appliance.config.schema import Settings


PROC: Final = Path("/proc/net")
# The technician's SSH key on the image; sshd starts only if it exists.
KEYS: Final = Path("/data/etc/ssh/authorized_keys/technician")
# A shorter prefix is a route to the world, not a LAN.
NARROW: Final = {4: 16, 6: 48}
"""Shortest prefix (bits) of a LAN, by IP version."""


@click.command()
@config_option
def firewall(config_path: Path) -> None:
    """Print the rules by which the image's packet filter lets the LAN reach the box (nft -f).

    Read are the configuration, the last good one where it is broken, and the box's own networks.
    """
    near, key = networks(PROC), is_filled(KEYS)
    click.echo(firewall_rules(openings(in_force(config_path), near, ssh=key)), nl=False)


def in_force(path: Path) -> Settings | None:
    """Read the configuration, else the last good one, else None for the image's own ports."""
    for each in (path, state_folder_of(path) / "last_good.toml"):
        try:
            return load_settings(each)
        except ConfigurationError as error:
            click.echo(str(error), err=True)
    return None


def openings(settings: Settings | None, near: tuple[Network, ...], *, ssh: bool) -> OpenPorts:
    """Return the box's open ports, and to which networks.

    These are the box's own networks `near`, `sip.allowed`, and phones and registrar configured by
    an address.
    """
    keys = (SSH_PORT,) if ssh else ()
    if settings is None:
        return OpenPorts(tcp=(*OpenPorts().tcp, *keys), near=near, talkers=near)
    console, sip, metrics = settings.console, settings.sip, settings.metrics
    pages = (console.port, console.redirect_port) if console.enabled else ()
    registrar = (sip.registrar.address,) if sip.registrar else ()
    named = (*sip.allowed, *(phone.address for phone in settings.phones), *registrar)
    given = tuple(found for one in named if (found := _network(one)))
    return OpenPorts(
        sip.port,
        (sip.rtp_ports.low, sip.rtp_ports.high),
        tuple(port for port in (*pages, *keys) if port),
        (*near, *given),
        _talkers(given, near, is_told=bool(sip.allowed)),
        metrics.port if metrics.listen else 0,
        tuple(found for one in metrics.allowed if (found := _network(one))),
        sip.tcp and not tcp_rival(settings),
        roams=sip.registrar is not None,
    )


def _talkers(
    given: tuple[Network, ...], near: tuple[Network, ...], *, is_told: bool
) -> tuple[Network, ...]:
    """Return the networks from which SIP is accepted, () for the whole LAN."""
    if is_told:
        return given
    # Without any known network the whole LAN: a kernel without routes must lock no phone out.
    return (*near, *given) if near else ()


def networks(proc: Path) -> tuple[Network, ...]:
    """Return the box's own networks by the kernel's routes, () if unknown."""
    return (*_routes4(_lines(proc / "route")), *_routes6(_lines(proc / "ipv6_route")))


def is_filled(path: Path) -> bool:
    """True if a file exists and is not empty."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _network(address: str) -> Network | None:
    """Parse "192.0.2.7", "192.0.2.7:5060", "[fd00::1]:5060" or "192.0.2.0/24"; None for a name."""
    plain = address.partition("]")[0].lstrip("[")
    for each in (plain, plain.partition(":")[0]):
        try:
            return ip_network(each, strict=False)
        except ValueError:
            continue
    return None


def _lines(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except OSError:
        return []


def _routes4(lines: list[list[str]]) -> tuple[Network, ...]:
    """Parse the IPv4 routes of proc_net_route(5)."""
    # Addresses are in the processor's byte order, which is little-endian on every board.
    found = []
    for _unused, destination, gateway, *rest in lines[1:]:
        wide = int(rest[4], 16).bit_count()
        if int(gateway, 16) == 0 and wide >= NARROW[4]:
            address = bytes.fromhex(destination)[::-1]
            found.append(IPv4Network((address, wide)))
    return tuple(found)


def _routes6(lines: list[list[str]]) -> tuple[Network, ...]:
    """Parse the IPv6 routes of /proc/net/ipv6_route; multicast and loopback are not LANs."""
    found = []
    for destination, prefix, _unused2, _unused, gateway, *rest in lines:
        network = IPv6Network((bytes.fromhex(destination), int(prefix, 16)))
        is_lan = network.prefixlen >= NARROW[6] and not network.is_multicast
        if int(gateway, 16) == 0 and is_lan and rest[-1] != "lo":
            found.append(network)
    return tuple(found)


CARD: Final = Path("/boot/firmware")
RUN: Final = Path("/run/centralino-site")
CALL_CONTROL: Final = "centralino.service"
LOOKS: Final = 5
LOOKS_S: Final = 1.0
LIMIT_S: Final = 20.0
USUAL_PORT: Final = 443
TOLD: Final = _("told on the card")
TOLD_BEFORE: Final = _("the card says so already")
LEFT: Final = _(
    "this box was not made from the image: {} stays as it is; edit it itself, "
    "or name the folder with the card's file by --card"
)
KEPT: Final = _("{file} was replaced; what it held is kept in {kept}")
AS_BEFORE: Final = _("centralino.toml is like that already: nothing has changed.")
TAKEN: Final = _(
    "centralino.toml is on the card, and in force as soon as nobody is on the "
    "phone; what it says of network and host name from the next start on."
)


def _folder(
    name: str, default: Path, words: str, *, hidden: bool = True
) -> Callable[[Command], Command]:
    """Return the option of a folder; hidden where only tests and units name another."""
    path = click.Path(path_type=Path)
    return click.option(
        name, type=path, default=default, show_default=True, help=words, hidden=hidden
    )


@click.group()
def site() -> None:
    """Use the file on the card's FAT partition, and answer beside it."""


def _on_places(command: Command) -> Command:
    """Add the options of all paths and pass them to a command as `places`."""

    @config_option
    @_folder("--card", CARD, "Where the FAT partition is mounted.", hidden=False)
    @_folder("--run", RUN, "What holds until the power goes.")
    @_folder("--kept", Path("/var/lib/centralino-site"), "What is kept of the file.")
    @_folder("--data", Path("/data"), "Where network, host name and keys are kept.")
    @_folder("--networkd", Path("/run/systemd/network"), "Where the network's settings are read.")
    @_folder("--notices", Path("/run/centralino-notices"), "Where the service is told of troubles.")
    @_folder("--ports", Path("/dev/serial/by-path"), "The modems' names.")
    @click.option(
        "--under",
        type=click.Path(path_type=Path),
        hidden=True,
        help="A TOML file that holds where the card's says nothing.",
    )
    @functools.wraps(command)
    def with_places(
        config_path: Path,
        card: Path,
        run: Path,
        kept: Path,
        data: Path,
        networkd: Path,
        notices: Path,
        ports: Path,
        under: Path | None,
        **more: object,
    ) -> object:
        from appliance.bootfile.apply import BootPlaces
        from appliance.service import updates as update_box

        places = BootPlaces(
            card,
            config_path,
            kept,
            data,
            networkd,
            run,
            notices,
            ports,
            datetime.now(UTC).year,
            _data_of(under) if under else {},
            _name_host,
            is_image=update_box.is_image(),
        )
        return command(places=places, **more)

    return with_places


@site.command("apply", hidden=True)
@_on_places
@click.option("--again", is_flag=True, help="Use the file also where it has not changed.")
def apply_(places: BootPlaces, again: bool) -> None:
    """Put the card's file in force, where it has changed and is good; say what became of it."""
    from appliance.bootfile import apply, card

    applied = apply.apply_card(places, again=again)
    # systemd does not start this unit again for a modem that appears while it runs.
    for _unused in range(LOOKS):
        if applied.outcome.ports == apply.modem_ports(places):
            break
        later = apply.apply_card(places)
        applied = replace(later, is_rewritten=later.is_rewritten or applied.is_rewritten)
    found = applied.outcome
    is_left = found.verdict is card.CardVerdict.MISSING and not places.is_image
    for said in (*found.said, *(() if is_left else (card.trouble_of(found),))):
        if said != NOTHING:
            click.echo(in_language(said), err=True)
    if is_left:
        click.echo(in_language(LEFT.filled(places.config)), err=True)
    click.echo(in_language(card.VERDICT_LINES[found.verdict]))
    if found.set_aside:
        click.echo(in_language(KEPT.filled(file=places.config, kept=found.set_aside)))
    if applied.is_rewritten:
        _have_it_read()
    if found.verdict is card.CardVerdict.FAILED or is_left:
        raise SystemExit(1)


def _data_of(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises BadConfiguration."""
    from appliance.config import read as config
    from appliance.config.read import mistakes_in
    from appliance.config.values import BadConfiguration

    text = config.read_text(path)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadConfiguration(str(path), mistakes_in(text, error)) from error


@site.command()
@_on_places
def show(places: BootPlaces) -> None:
    """Print the card's file as it is, for an editor elsewhere.

    With the passwords that are written in it.
    """

    from appliance.bootfile.apply import card_text

    click.echo(card_text(places), nl=False)


@site.command()
@_on_places
@click.argument("file", type=click.File("rb"), default="-")
def put(places: BootPlaces, file: BinaryIO) -> None:
    """Put FILE, or what is piped in, in the place of the card's file, and in force.

    It is looked at as a whole first: one with a mistake changes nothing. Calls go on; the service
    takes it over as soon as nobody is on the phone.
    """
    from appliance.bootfile.values import LARGEST_FILE

    _bring(places, file.read(LARGEST_FILE + 1))


@site.command("add-phone")
@_on_places
@click.argument("name")
@click.option("--label", default="", help="What other phones show.")
@click.option("--counter", is_flag=True, help="It stands at the citizens' counter.")
def add_phone(places: BootPlaces, name: str, label: str, counter: bool) -> None:
    """Add phone NAME to the card's file, put that in force, say what to type into the phone."""
    from appliance.bootfile.apply import card_bytes, card_text, text_with_phone

    group = "citizens_desk" if counter else "switchboard"
    text = text_with_phone(card_text(places), name, label, group)
    _bring(places, card_bytes(text))


def _bring(places: BootPlaces, contents: bytes) -> None:
    from appliance.bootfile import apply
    from appliance.bootfile.card import CardVerdict
    from appliance.config.values import BadConfiguration

    try:
        brought = apply.put_card_file(places, contents)
    except BadConfiguration as error:
        for said in apply.mistakes_of(error):
            click.echo(in_language(said), err=True)
        raise SystemExit(1) from error
    except OSError as error:
        why = os_error_words(error)
        raise Refused(_("the card: {why}", why=why)) from error
    if brought.applied.outcome.verdict is CardVerdict.AS_BEFORE:
        click.echo(in_language(AS_BEFORE))
        return
    for said in brought.applied.outcome.said:
        click.echo(in_language(said), err=True)
    if brought.applied.outcome.verdict is not CardVerdict.APPLIED:
        raise SystemExit(1)
    if kept := brought.applied.outcome.set_aside:
        click.echo(in_language(KEPT.filled(file=places.config, kept=kept)))
    _say_accounts(places, brought)
    click.echo(in_language(TAKEN))
    if brought.applied.is_rewritten:
        _have_it_read()


def _say_accounts(places: BootPlaces, brought: CardFilePut) -> None:
    """Print the account of each phone with a newly generated password."""
    from appliance.commands.options import load_settings
    from appliance.config import phones as handsets
    from appliance.config import phones as phone_secrets
    from appliance.config.build import extensions
    from appliance.sip import registrar as accounts

    if not brought.made:
        return
    settings = load_settings(places.config)
    secrets = phone_secrets.load_secrets(settings)
    labels = {phone.name: phone.label for phone in settings.phones}
    own = {each.phone: each.digits for each in extensions(settings.phones)}
    try:
        where = handsets.lan_address(settings, "")
    # Without a network yet the box has only its name.
    except TechnicianError:
        where = socket.gethostname()
    for name in brought.made:
        told = accounts.account_text(
            name, labels[name], secrets[name], where, settings.sip.port,
            language_of(settings), extension=own[name],
        )  # fmt: skip
        click.echo(told)


@site.command("encryption", hidden=True)
@_folder("--card", CARD, "Where the FAT partition is mounted.")
def encryption_(card: Path) -> None:
    """Say whether the card's file asks for an encrypted data partition: the image asks."""
    from appliance.bootfile.card import contents_of
    from appliance.bootfile.values import FILE_NAME, encryption_asked

    click.echo(encryption_asked(contents_of(card / FILE_NAME)))


@site.command(hidden=True)
@_on_places
@click.option(
    "--wait", default=0.0, show_default=True, help="Seconds to wait for a network address."
)
@click.option(
    "--settle",
    default=0.0,
    help="Look again so many seconds after writing, until there is nothing new; 0 for once.",
)
@click.option(
    "--screen",
    # The unit may only write to the screen.
    type=click.Path(path_type=Path, readable=False),
    help="A text screen that shows version, addresses and troubles.",
)
def tell(places: BootPlaces, wait: float, settle: float, screen: Path | None) -> None:
    """Write into the card's file what was changed here, and beside it how to go on."""
    until = time.monotonic() + wait
    # The result lists the addresses of the console.
    while not _numbers() and time.monotonic() < until:
        time.sleep(LOOKS_S)
    # A modem that comes and goes must not wear out the card.
    if _tell(places, screen) and settle:
        _start_again(settle)


def _start_again(seconds: float) -> NoReturn:
    """Become a shell that waits so long, then the same command."""
    # A board of 512 MB has other use for the 65 MB that this process would hold meanwhile.
    sys.stdout.flush()
    same = (sys.executable, *sys.orig_argv[1:])
    words = ("sh", "-c", 'sleep "$0" && exec "$@"', f"{seconds:g}", *same)
    os.execv("/bin/sh", words)  # noqa: S606 - the shell is what is started


def _tell(places: BootPlaces, screen: Path | None = None) -> bool:
    """Write the file and the result; return False if the card has both already."""
    from appliance.bootfile.card import (
        RESULT_FILE,
        load_outcome,
        result_text,
        screen_text,
        write_result,
    )
    from appliance.bootfile.writeback import write_back
    from appliance.service.card_values import keep_left

    outcome, card = load_outcome(places.run), places.card
    if outcome is None:
        raise Refused(
            _("the card's file was not read yet: `centralino box card apply` first"),
        )
    back = write_back(places)
    keep_left(back.left, places.run)
    # A file that says what is in force is no other one, whoever has changed that.
    is_others = (outcome.is_others or back.left != NOTHING) and not back.is_same
    outcome = _with_notes(replace(outcome, is_others=is_others), card)
    if back.left != NOTHING:
        outcome = replace(outcome, notes=(*outcome.notes, back.left))
    facts = _facts(places.config, outcome)
    text = result_text(outcome, facts)
    if screen is not None:
        _show(screen, screen_text(outcome, facts))
    try:
        is_new = write_result(card, text)
    except OSError as error:
        raise Refused(
            joined(": ", (unchanged(card / RESULT_FILE), os_error_words(error)))
        ) from error
    click.echo(in_language(TOLD if is_new else TOLD_BEFORE))
    return is_new or back.waits


def _with_notes(outcome: CardOutcome, card: Path) -> CardOutcome:
    """Return an unchanged file's outcome with the notes on what it leaves out."""
    # `apply` does not read such a file, because call control waits for it; nobody waits here.
    from appliance.bootfile.card import CardVerdict, contents_of
    from appliance.bootfile.read import notes_of_text
    from appliance.bootfile.values import FILE_NAME, text_of_file

    if outcome.verdict is not CardVerdict.AS_BEFORE or outcome.is_others:
        return outcome
    with contextlib.suppress(ConfigurationError):
        return replace(outcome, notes=notes_of_text(text_of_file(contents_of(card / FILE_NAME))))
    return outcome


def _show(screen: Path, text: str) -> None:
    """Replace a screen's contents by a text; do nothing without a screen."""
    with contextlib.suppress(OSError), screen.open("w", encoding="utf-8") as terminal:
        # Clear the screen and go to its top left corner (console_codes(4)).
        terminal.write("\033[2J\033[H" + text)


def _facts(config_path: Path, outcome: CardOutcome) -> ResultFacts:
    from appliance.api import users as first_user
    from appliance.bootfile.card import ResultFacts
    from appliance.config import phones as phone_secrets
    from appliance.files import load_text
    from appliance.service import selftest
    from appliance.service import updates as boots
    from appliance.service.image_release import note_update
    from appliance.store.database import database_path

    settings, means = _in_force(config_path)
    state, run = Path(settings.folders.state), Path(settings.folders.run)
    is_known = os.path.exists(database_path(state))  # noqa: PTH110 - Path's raises where closed
    facts = ResultFacts(
        __version__, _addresses(settings), "", is_known, (), means,
        _moment(settings, datetime.now(UTC)), boots.number(run), _authority(settings),
        _of_the_data(settings),
        selftest.result_words(state, run, lambda at: _moment(settings, at)), note_update(),
        tuple(settings.site.languages),
    )  # fmt: skip
    with contextlib.suppress(CentralinoError):
        secrets = phone_secrets.load_secrets(settings)
        made = tuple((name, secrets[name]) for name in outcome.made if name in secrets)
        code = load_text(first_user.code_path(state)).strip()
        return replace(facts, code=code, secrets=made)
    return facts


def _of_the_data(settings: Settings) -> tuple[Words, ...]:
    """Return the notices about the data partition, and that it is encrypted."""
    from appliance.bootfile import values
    from appliance.service import notices

    told = notices.read_notices(notices.folder_of(Path(settings.folders.run)))
    found = tuple(words for name, words in told.items() if name.startswith("data-"))
    return (*found, values.ENCRYPTED) if values.is_data_open() else found


def _moment(settings: Settings, at: datetime) -> Words:
    """Return a moment in the office's zone."""
    # The technician compares it with a clock on the wall.
    there = at.astimezone(ZoneInfo(settings.site.zone))
    return by_language(lambda language: moment_words(there, language))


def _authority(settings: Settings) -> str:
    """Return the console authority's fingerprint as browsers show it, "" if there is none."""
    from appliance.console import certificates

    if settings.console.certificate or not settings.console.enabled:
        return ""
    place = Path(settings.folders.console) / "tls" / "ca.crt"
    with contextlib.suppress(OSError, ValueError, CentralinoError):
        found = certificates.load_certificate(place, place.with_suffix(".key"))
        return certificates.fingerprint(found.certificate) if found else ""
    return ""


def _in_force(config_path: Path) -> tuple[Settings, tuple[Words, ...]]:
    """Return the settings and their meaning, or the mistakes of a broken file."""
    from appliance.commands.status import lasting
    from appliance.config import office as last_good
    from appliance.config import read as config
    from appliance.config.office import build_office

    try:
        settings = config.load(config_path)
        return settings, tuple(lasting(build_office(settings, datetime.now(UTC).year)))
    except ConfigurationError as error:
        return config.parse(last_good.EMPTY_CONFIGURATION), (words_of(error),)


def _addresses(settings: Settings) -> tuple[str, ...]:
    """Return the console's URLs, by name and by address."""
    if not settings.console.enabled:
        return ()
    number = settings.console.port
    port = "" if number == USUAL_PORT else f":{number}"
    found = (*settings.console.names, *_numbers()) if _numbers() else ()
    return tuple(f"https://{one}{port}/" for one in found)


def _numbers() -> tuple[str, ...]:
    """Return the box's IPv4 addresses, without loopback and link-local ones."""
    from appliance.console.certificates import own_addresses as of_this_box

    found = of_this_box("0.0.0.0")  # noqa: S104 - asks for every address
    # An IPv6 address is not typed by hand.
    usable = (one for one in found if one.version == 4)
    return tuple(str(one) for one in usable if not (one.is_loopback or one.is_link_local))


def _name_host(name: str) -> None:
    """Set the host name; without the permission print a message and go on."""
    if socket.gethostname() == name:
        return
    try:
        socket.sethostname(name)
    except OSError as error:
        stays = _(
            "the host name stays {name}: {why}",
            name=socket.gethostname(),
            why=os_error_words(error),
        )
        click.echo(in_language(stays), err=True)


def _have_it_read() -> None:
    """Have a running service read its configuration again (service/jobs.py)."""
    if shutil.which("systemctl") is None or _systemctl("is-active", "--quiet", CALL_CONTROL):
        return
    # Without --kill-whom every process of the unit would get the signal (systemctl(1)).
    if _systemctl("kill", "--signal=HUP", "--kill-whom=main", CALL_CONTROL):
        untold = _(
            "{unit} could not be told: its next start reads the configuration", unit=CALL_CONTROL
        )
        click.echo(in_language(untold), err=True)


def _systemctl(*words: str) -> int:
    done = subprocess.run(("systemctl", *words), capture_output=True, check=False, timeout=LIMIT_S)
    return done.returncode
