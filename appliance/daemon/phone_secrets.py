"""The phones' secrets: one JSON file of the state folder, 0600; `centralino phones add`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from appliance.config.schema import Settings
from appliance.daemon.secret_files import PHONES, secret_place
from appliance.dsp.wav import Law
from appliance.files import atomic_write, make_private
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused
from appliance.sip.registrar import PhoneAccount, parse_address


def secrets_path(settings: Settings) -> Path:
    """Say where the secrets lie."""
    return secret_place(Path(settings.folders.state), PHONES)


def load(settings: Settings) -> dict[str, str]:
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


def save(settings: Settings, secrets: dict[str, str]) -> None:
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
