"""What is kept of each phone beside its secret, and the files that follow from it.

`handsets.json` in the state folder: make, hardware address, the token of its provisioning address,
when its file was fetched last. Written by `centralino phones` alone.
"""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.config.build import extensions
from appliance.config.schema import Settings
from appliance.dsp.wav import Law
from appliance.files import atomic_write, make_private
from appliance.policy.office import KeyCode, StaffKey
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused
from appliance.provisioning import templates
from appliance.provisioning.handset import Handset, keys_of, mac_of
from appliance.provisioning.server import PORT, Offer
from appliance.service.secret_files import HANDSETS, PHONES, secret_place
from appliance.sip.admission import make_secret
from appliance.sip.registrar import PhoneAccount, parse_address

# ---- phone secrets -----------------------------------------------------------------------------
# The phones' secrets: one JSON file of the state folder, 0600; `centralino phones add`.


def secrets_path(settings: Settings) -> Path:
    """Say where the secrets lie."""
    return secret_place(Path(settings.folders.state), PHONES)


def load_secrets(settings: Settings) -> dict[str, str]:
    """Read name -> secret; none yet is no mistake. Raises ConfigurationError for a broken file."""
    path = secrets_path(settings)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        why = words_of(error)
        raise Refused(
            f"{path} non si legge ({why.it}); toglierlo e aggiungere di nuovo i telefoni",
            f"{path} cannot be read ({why.en}); remove it and add the phones again",
        ) from error
    return {str(name): str(secret) for name, secret in found.items()}


def save_secrets(settings: Settings, secrets: dict[str, str]) -> None:
    """Write all secrets whole or not at all, readable by nobody else."""
    write_whole(secrets_path(settings), secrets)


def write_whole(path: Path, value: Any) -> None:
    """Write a JSON file of the state folder whole or not at all."""
    make_private(path.parent)
    atomic_write(path, json.dumps(value, indent=1, sort_keys=True))


def accounts(settings: Settings, secrets: dict[str, str]) -> tuple[PhoneAccount, ...]:
    """Join configuration and secrets; raises ConfigurationError for an address that is none."""
    return tuple(
        PhoneAccount(
            phone.name,
            secrets.get(phone.name),
            parse_address(phone.address) if phone.address else None,
            phone.label,
        )
        for phone in settings.phones
    )


def laws(settings: Settings) -> tuple[Law, ...]:
    """Return the codings in the configured order."""
    return tuple(Law(law) for law in settings.sip.laws)


# ---- handsets ----------------------------------------------------------------------------------

ADMINISTRATOR = "phones.administrator"
"""In the file of secrets: the password of all phones' own administrator. No phone is called so."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared with, never bound
SOFT = "linphone"
"""What a phone is taken for that is given neither make nor hardware address: a QR code does it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one phone; `fetched` is an ISO time, `source` the host that fetched."""

    make: str = ""
    mac: str = ""
    token: str = ""
    fetched: str = ""
    source: str = ""


def kept_path(settings: Settings) -> Path:
    """Say where it lies."""
    return secret_place(Path(settings.folders.state), HANDSETS)


def load_handsets(settings: Settings) -> dict[str, Kept]:
    """Read name -> what is kept; none yet is no mistake. Raises ConfigurationError."""
    path = kept_path(settings)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): Kept(**row) for name, row in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        why = words_of(error)
        raise Refused(
            f"{path} non si legge ({why.it}); toglierlo e aggiungere di nuovo i telefoni",
            f"{path} cannot be read ({why.en}); remove it and add the phones again",
        ) from error


def save_handsets(settings: Settings, kept: Mapping[str, Kept]) -> None:
    """Write it whole or not at all, readable by nobody else: tokens open the files."""
    rows = {name: dataclasses.asdict(row) for name, row in kept.items()}
    write_whole(kept_path(settings), rows)


def choose(make: str, mac: str) -> tuple[str, str]:
    """Settle make and hardware address of a phone from what was said; raises OfficeError."""
    plain = mac_of(mac) if mac else ""
    make = make or (templates.guess(plain) if plain else SOFT)
    if not make:
        raise Refused(
            f"la marca di {mac} non è nota: indicare --model, uno fra {', '.join(templates.MAKES)}",
            f"the maker of {mac} is not known: say --model, one of {', '.join(templates.MAKES)}",
        )
    if templates.make_of(make).is_soft:
        plain = ""
    return make, plain


def new_token(random: Callable[[int], bytes]) -> str:
    """Return the token of a provisioning address: 100 random bits, easily typed."""
    return make_secret(random)


def lan_address(settings: Settings, given: str = "") -> str:
    """Say at which address phones find the box: given, configured, else that of the default route.

    Raises TechnicianError where there is no network.
    """
    configured = "" if settings.sip.address == EVERYWHERE else settings.sip.address
    return given or configured or _routed()


def _routed() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737; a UDP connect sends nothing
        except OSError as error:
            raise Refused(
                "l'apparecchio non è in rete o non ha un percorso predefinito: collegare il "
                "cavo, o indicare --address",
                "the box has no network, or no default route: plug in the cable, or say --address",
            ) from error
        return str(probe.getsockname()[0])


def url_of(kept: Kept, address: str, port: int = PORT) -> str:
    """Return a phone's own provisioning address."""
    return f"http://{address}:{port}/{kept.token}/{templates.make_of(kept.make).path}"


def handset(
    settings: Settings,
    codes: tuple[KeyCode, ...],
    name: str,
    secret: str,
    address: str,
    language: str,
) -> Handset:
    """Gather what a phone's file and sheet need."""
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


def offers(settings: Settings, codes: tuple[KeyCode, ...], address: str) -> list[Offer]:
    """Return the files of all phones that were added and may register here."""
    secrets, kept = load_secrets(settings), load_handsets(settings)
    language = settings.site.languages[0]
    found = []
    for phone in settings.phones:
        row = kept.get(phone.name, Kept())
        if row.token and phone.name in secrets:
            make = templates.make_of(row.make)
            own = handset(settings, codes, phone.name, secrets[phone.name], address, language)
            own = dataclasses.replace(own, mac=row.mac)
            found.append(Offer(phone.name, make, make.write(own), row.mac, row.token))
    return found
