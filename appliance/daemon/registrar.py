"""The box's account at another telephone system: from the settings, and what is said of it."""

from __future__ import annotations

from appliance.daemon.settings import Settings
from appliance.sip.registrar import RegistrarAccount, address_of
from appliance.sip.trunk import Standing
from appliance.store.database import Trouble

SECRET = "sip.registrar"  # noqa: S105 - the secret's name in the file of secrets
"""No phone can have this name: it holds a dot."""

REGISTRAR_SILENT = Trouble(
    "phones.registrar_silent",
    "L'altro sistema telefonico non risponde: controllare il cavo, sip.registrar.address e il "
    "sistema stesso; l'apparecchio riprova da solo, almeno ogni 35 s.",
    "The other telephone system does not answer: check the cable, sip.registrar.address and the "
    "system itself; the box tries again by itself, at least every 35 s.",
)
REGISTRAR_REFUSES = Trouble(
    "phones.registrar_refuses",
    "L'altro sistema telefonico rifiuta l'apparecchio: controllare sip.registrar.user e "
    "la password (centralino phones registrar).",
    "The other telephone system refuses the box: check sip.registrar.user and the "
    "password (centralino phones registrar).",
)
SAID = {Standing.SILENT: REGISTRAR_SILENT, Standing.REFUSED: REGISTRAR_REFUSES}


def account(settings: Settings, secrets: dict[str, str]) -> RegistrarAccount | None:
    """Join configuration and secret; None without [sip.registrar]."""
    configured = settings.sip.registrar
    if configured is None:
        return None
    secret, branches = secrets.get(SECRET, ""), settings.branches
    return RegistrarAccount(
        address_of(configured.address),
        configured.user,
        secret,
        branches.names,
        bool(branches.takes),
    )


def trouble_of(standing: Standing | None) -> Trouble | None:
    """Return what is to be said of the registration; None while all is well."""
    return SAID.get(standing) if standing else None
