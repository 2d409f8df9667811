"""Phones' files in the state folder: entered in the console, secrets, handsets and provisioning."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from appliance.config import build
from appliance.config.build import extensions, tcp_rival
from appliance.config.schema import Phone, Settings
from appliance.config.settings_trial import load_object
from appliance.config.state_folder import FORMER_PHONES, HANDSETS, PHONES
from appliance.dsp.wav import Law
from appliance.errors import CentralinoError, ConfigurationError
from appliance.files import SHARED, atomic_write, write_private_json
from appliance.policy.office import KeyCode, StaffKey
from appliance.policy.text import NO_RIGHT, Refused, words_of
from appliance.provisioning import templates
from appliance.provisioning.handset import Handset, keys_of, mac_of
from appliance.provisioning.server import PORT, OfferedFile
from appliance.sip.registrar import (
    PhoneAccount,
    PhonesSettings,
    make_secret,
    network_of,
    parse_address,
)
from appliance.store.directory import secret_place
from appliance.text import Words, _

# Phones entered in the console. The configuration's own file stays as its author wrote it: this
# file adds phones to it, labels others, and takes some out of use, which can be undone. Every
# reader of the configuration reads it; call control alone writes it.

log = logging.getLogger(__name__)
FILE: Final = "phones_entered.json"
SWITCHBOARD: Final = "switchboard"
CITIZENS_DESK: Final = "citizens_desk"
# Group of an office's phone: calls are transferred to it, none rings there by itself.
ELSEWHERE: Final = ""
GROUPS: Final = (SWITCHBOARD, CITIZENS_DESK, ELSEWHERE)


@dataclass(frozen=True, slots=True)
class EnteredPhone:
    """A phone that the configuration's file does not have, and the group in which it rings."""

    name: str
    label: str
    group: str = SWITCHBOARD
    extension: str = ""


@dataclass(frozen=True, slots=True)
class EnteredPhones:
    """The console's entries: phones `added`, `labels` of the file's phones, phones of the file
    `removed` from use.
    """

    added: tuple[EnteredPhone, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    removed: tuple[str, ...] = ()

    def find(self, name: str) -> EnteredPhone | None:
        """Return the added phone of a name, None for none."""
        return next((one for one in self.added if one.name == name), None)


def path_of(state: Path) -> Path:
    """Return the file's path."""
    return state / FILE


def load_entered(state: Path) -> EnteredPhones:
    """Read the entries, empty without a file; raises Refused for a broken one."""
    path = path_of(state)
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return EnteredPhones()
    except PermissionError as error:
        raise Refused(NO_RIGHT.filled(path=path)) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        why = words_of(error)
        raise Refused(
            _(
                "{path} cannot be read ({why}); remove it and add the phones again",
                path=path,
                why=why,
            ),
        ) from error


def save(state: Path, entered: EnteredPhones) -> None:
    """Write the entries, whole or not at all; raises OSError."""
    # Shared with the console's account: it has no secret.
    rows = {
        "added": [dataclasses.asdict(one) for one in entered.added],
        "labels": dict(entered.labels),
        "removed": list(entered.removed),
    }
    atomic_write(path_of(state), json.dumps(rows, indent=1, ensure_ascii=False), mode=SHARED)


def with_entered(settings: Settings) -> Settings:
    """Return a configuration with the entries laid over it; a damaged file is logged and ignored.

    An account that may not read the state folder gets the configuration unchanged.
    """
    state = Path(settings.folders.state)
    try:
        if not path_of(state).exists():
            return settings
        return overlay_phones(settings, load_entered(state))
    except PermissionError:
        return settings
    except (CentralinoError, OSError) as error:
        log.error("%s", error)
        return settings


def overlay_phones(settings: Settings, entered: EnteredPhones) -> Settings:
    """Return the configuration with the entries laid over it.

    The file's phone has precedence over an added one of the same name; the switchboard's last phone
    cannot be removed.
    """
    own = {phone.name for phone in settings.phones}
    added = tuple(one for one in entered.added if one.name not in own)
    written = {phone.extension for phone in settings.phones}
    new = tuple(
        Phone(one.name, one.label, extension="" if one.extension in written else one.extension)
        for one in added
    )
    gone = _gone(settings, entered, added)
    phones = _numbered((*settings.phones, *new)) if gone else (*settings.phones, *new)
    labelled = (replace(one, label=entered.labels.get(one.name, one.label)) for one in phones)
    return replace(
        settings,
        phones=tuple(one for one in labelled if one.name not in gone),
        switchboard=replace(
            settings.switchboard,
            phones=_group(settings.switchboard.phones, SWITCHBOARD, added, gone),
        ),
        citizens_desk=replace(
            settings.citizens_desk,
            phones=_group(settings.citizens_desk.phones, CITIZENS_DESK, added, gone),
        ),
        head=replace(settings.head, phones=_group(settings.head.phones, "head", (), gone)),
    )


def _gone(
    settings: Settings, entered: EnteredPhones, added: tuple[EnteredPhone, ...]
) -> frozenset[str]:
    gone, ringing = frozenset(entered.removed), settings.switchboard.phones
    if ringing and not any(one.group == SWITCHBOARD for one in added) and gone.issuperset(ringing):
        return gone - set(ringing)
    return gone


def _numbered(phones: tuple[Phone, ...]) -> tuple[Phone, ...]:
    """Return the phones with their extensions written out."""
    # Automatic extensions are counted: without this a removed phone would shift the others'.
    try:
        digits = {each.phone: each.digits for each in extensions(phones)}
    except ConfigurationError:
        # Wrong extensions of the file are reported by the check of the configuration.
        return phones
    return tuple(replace(phone, extension=digits[phone.name]) for phone in phones)


def _group(
    phones: tuple[str, ...], group: str, added: tuple[EnteredPhone, ...], gone: frozenset[str]
) -> tuple[str, ...]:
    own = tuple(name for name in phones if name not in gone)
    return (*own, *(one.name for one in added if one.group == group and one.name not in own))


def _read(found: dict[str, Any]) -> EnteredPhones:
    added = tuple(EnteredPhone(**{k: str(v) for k, v in row.items()}) for row in found["added"])
    labels = {str(name): str(label) for name, label in found["labels"].items()}
    return EnteredPhones(added, labels, tuple(map(str, found["removed"])))


# Secrets and handsets. `handsets.json` has make, hardware address, the token of the provisioning
# address, and when the phone last fetched its file; only `centralino phones` and the console's
# window for new phones write it.


def secrets_path(settings: Settings) -> Path:
    """Return the path of the phones' secrets."""
    return secret_place(Path(settings.folders.state), PHONES)


def load_secrets(settings: Settings) -> dict[str, str]:
    """Read the secrets by phone, {} without a file; raises Refused for a broken one."""
    path = secrets_path(settings)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise Refused(NO_RIGHT.filled(path=path)) from error
    except (OSError, ValueError) as error:
        why = words_of(error)
        raise Refused(
            _(
                "{path} cannot be read ({why}); remove it and add the phones again",
                path=path,
                why=why,
            ),
        ) from error
    return {str(name): str(secret) for name, secret in found.items()}


def save_secrets(settings: Settings, secrets: dict[str, str]) -> None:
    """Write all secrets, whole or not at all, readable by this account alone.

    A secret that is replaced or removed is kept as the phone's former one.
    """
    with contextlib.suppress(Refused):
        before, names = load_secrets(settings), {phone.name for phone in settings.phones}
        over = {n: s for n, s in before.items() if n in names and secrets.get(n) != s}
        if over:
            write_private_json(_former_path(settings), former_secrets(settings) | over)
    write_private_json(secrets_path(settings), secrets)


def former_secrets(settings: Settings) -> dict[str, str]:
    """Read the former secrets by phone; {} without a file, or for a broken one."""
    # A phone that still has its former secret, also one that was removed, is no guesser. Without
    # the file it is taken for one and locked out for a while; nothing else is lost.
    found = load_object(_former_path(settings))
    return {str(name): str(secret) for name, secret in found.items()}


def _former_path(settings: Settings) -> Path:
    return secret_place(Path(settings.folders.state), FORMER_PHONES)


def phone_accounts(settings: Settings, secrets: dict[str, str]) -> tuple[PhoneAccount, ...]:
    """Return the phones' SIP accounts; raises ConfigurationError for an invalid address."""
    return tuple(
        PhoneAccount(
            phone.name,
            secrets.get(phone.name),
            parse_address(phone.address) if phone.address else None,
            phone.label,
        )
        for phone in settings.phones
    )


# What it means for callers that a group of phones loses its last one.

NOBODY_RINGS: Final = _(
    "Then no telephone is left to ring: nobody can be rung, and every call goes to voicemail."
)
_WITHOUT_PHONE: Final = {
    "switchboard": _(
        "The switchboard then has no telephone: its calls go to the citizens' counter while that "
        "is open, else to voicemail."
    ),
    "citizens_desk": _(
        "The citizens' counter then has no telephone: calls that nobody at the switchboard answers "
        "go to voicemail."
    ),
    "head": _("The supervisor then has no telephone: nobody can bring the supervisor into a call."),
}


def warnings_of(before: Settings, after: Settings) -> tuple[Words, ...]:
    """Return what it means for callers that groups lose their last phone, () where none does."""
    left = {name for name in _WITHOUT_PHONE if _can_ring(after, name)}
    lost = [name for name in _WITHOUT_PHONE if _can_ring(before, name) and name not in left]
    told = [_WITHOUT_PHONE[name] for name in lost]
    # One sentence for both groups that callers reach.
    if "switchboard" in lost and "citizens_desk" not in left:
        told = [NOBODY_RINGS, *(_WITHOUT_PHONE[name] for name in lost if name == "head")]
    return tuple(told)


def warnings_without(settings: Settings, name: str) -> tuple[Words, ...]:
    """Return what it means for callers that a phone is removed, () where others remain."""
    groups = {
        group: replace(
            getattr(settings, group),
            phones=tuple(one for one in getattr(settings, group).phones if one != name),
        )
        for group in _WITHOUT_PHONE
    }
    return warnings_of(settings, replace(settings, **groups))


def _can_ring(settings: Settings, name: str) -> bool:
    group = getattr(settings, name)
    # The supervisor has phones alone; a group may also be reached over a line.
    return bool(group.phones or getattr(group, "pbx_numbers", ()) or getattr(group, "outside", ""))


def laws(settings: Settings) -> tuple[Law, ...]:
    """Return the codecs in the configured order."""
    return tuple(Law(law) for law in settings.sip.laws)


# Key in the file of secrets: password of all phones' web administrator. No phone has this name.
ADMINISTRATOR = "phones.administrator"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared with, never bound
# Make of a phone without make and hardware address: a softphone, set up by a QR code.
SOFT = "linphone"


@dataclass(frozen=True, slots=True)
class StoredHandset:
    """Stored data of a handset; `fetched` is an ISO time, `source` the host that fetched."""

    make: str = ""
    mac: str = ""
    token: str = ""
    fetched: str = ""
    source: str = ""


def handsets_path(settings: Settings) -> Path:
    """Return the file's path."""
    return secret_place(Path(settings.folders.state), HANDSETS)


def load_handsets(settings: Settings) -> dict[str, StoredHandset]:
    """Read the handsets by phone, {} without a file; raises Refused for a broken one."""
    path = handsets_path(settings)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): StoredHandset(**row) for name, row in found.items()}
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise Refused(NO_RIGHT.filled(path=path)) from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        why = words_of(error)
        raise Refused(
            _(
                "{path} cannot be read ({why}); remove it and add the phones again",
                path=path,
                why=why,
            ),
        ) from error


def save_handsets(settings: Settings, kept: Mapping[str, StoredHandset]) -> None:
    """Write the handsets, whole or not at all, readable by this account alone."""
    # Whoever knows a token gets that phone's file, with its secret.
    rows = {name: dataclasses.asdict(row) for name, row in kept.items()}
    write_private_json(handsets_path(settings), rows)


def choose_make(make: str, mac: str) -> tuple[str, str]:
    """Return make and hardware address of a phone by the options; raises Refused."""
    plain = mac_of(mac) if mac else ""
    make = make or (templates.make_of_mac(plain) if plain else SOFT)
    if not make:
        raise Refused(
            _(
                "the maker of {mac} is not known: say --model, one of {makes}",
                mac=mac,
                makes=", ".join(templates.MAKES),
            ),
        )
    if templates.make_named(make).is_soft:
        plain = ""
    return make, plain


def new_token(random: Callable[[int], bytes]) -> str:
    """Return a random token for a provisioning address: 100 bits, easily typed."""
    # Secrets on the LAN have 96 bits at least (reference/reliability.md 3).
    return make_secret(random)


def lan_address(settings: Settings, given: str = "") -> str:
    """Return the appliance's address for phones: given, configured, else the default route's.

    Raises Refused without a network.
    """
    configured = "" if settings.sip.address == EVERYWHERE else settings.sip.address
    return given or configured or _routed()


def _routed() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # An address for documentation (RFC 5737): a UDP connect sends nothing.
            probe.connect(("192.0.2.1", 9))
        except OSError as error:
            raise Refused(
                _(
                    "the box has no network, or no default route: plug in the cable, or say "
                    "--address"
                ),
            ) from error
        return str(probe.getsockname()[0])


def url_of(kept: StoredHandset, address: str, port: int = PORT) -> str:
    """Return a phone's own provisioning address."""
    return f"http://{address}:{port}/{kept.token}/{templates.make_named(kept.make).path}"


def handset(
    settings: Settings,
    codes: tuple[KeyCode, ...],
    name: str,
    secret: str,
    address: str,
    language: str,
) -> Handset:
    """Return the data for a phone's configuration file and printed sheet."""
    own = next(e for e in extensions(settings.phones) if e.phone == name)
    messages = next((code.digits for code in codes if code.what is StaffKey.MESSAGES), "")
    return Handset(
        name,
        own.label,
        own.digits,
        secret,
        address,
        settings.sip.port,
        settings.sip.realm,
        language,
        settings.site.zone,
        messages,
        keys_of(codes, language),
        settings.sip.time_server or f"{settings.site.country.lower()}.pool.ntp.org",
        load_secrets(settings).get(ADMINISTRATOR, ""),
    )


def provisioning_offers(
    settings: Settings, codes: tuple[KeyCode, ...], address: str
) -> list[OfferedFile]:
    """Return the provisioning files of all phones with a token and a secret."""
    secrets, kept = load_secrets(settings), load_handsets(settings)
    language = settings.site.languages[0]
    found = []
    for phone in settings.phones:
        row = kept.get(phone.name, StoredHandset())
        if row.token and phone.name in secrets:
            make = templates.make_named(row.make)
            own = handset(settings, codes, phone.name, secrets[phone.name], address, language)
            own = dataclasses.replace(own, mac=row.mac)
            found.append(OfferedFile(phone.name, make, make.write(own), row.mac, row.token))
    return found


def phone_settings(
    settings: Settings, secrets: dict[str, str], messages_code: str = ""
) -> PhonesSettings:
    """Make the SIP thread's settings from configuration and secrets."""
    return PhonesSettings(
        address=settings.sip.address,
        port=settings.sip.port,
        accounts=phone_accounts(settings, secrets),
        realm=settings.sip.realm,
        laws=laws(settings),
        allowed=tuple(network_of(network) for network in settings.sip.allowed),
        registrar=build.account(settings, secrets),
        messages_code=messages_code,
        tcp=settings.sip.tcp and not tcp_rival(settings),
        former=tuple(former_secrets(settings).items()),
    )
