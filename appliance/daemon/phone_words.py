"""What `centralino phones` says, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from appliance.daemon.handsets import Kept
from appliance.policy.local_time import moment_words
from appliance.policy.words import Words

WORDS = {
    "known": Words(
        "Il servizio conosce la nuova password.", "The running daemon knows the new password."
    ),
    "later": Words(
        "Il servizio non risponde: conoscerà la password dal prossimo avvio.",
        "The daemon does not answer: it will know the password at its next start.",
    ),
    "serve": Words(
        "Il telefono può prendere la sua configurazione con `centralino phones serve`: {url}",
        "The phone can fetch its configuration with `centralino phones serve`: {url}",
    ),
    "protected": Words(
        "Il file cambia anche la password dell'amministratore del telefono: la mostra "
        "`centralino phones administrator`.",
        "The file changes the password of the phone's administrator, too: "
        "`centralino phones administrator` shows it.",
    ),
    "administrator": Words(
        "Pagine web dei telefoni: utente admin, password {password}; codice del menu (Snom, "
        "Fanvil): {code}",
        "The phones' web pages: user admin, password {password}; code of the menu (Snom, Fanvil): "
        "{code}",
    ),
    "sheet": Words("Foglio da stampare: {file}", "Sheet to be printed: {file}"),
    "kept": Words(
        "conservata per {user}; il servizio la conosce dal prossimo avvio",
        "kept for {user}; the daemon knows it at its next start",
    ),
    "at": Words("a {address}", "at {address}"),
    "registers": Words("si registra", "registers"),
    "secret": Words("ha una password", "has a secret"),
    "no_secret": Words(
        "ancora senza password: centralino phones add", "no secret yet: centralino phones add"
    ),
    "registered": Words("registrato a {address}", "registered at {address}"),
    "silent": Words("non risponde", "does not answer"),
    "not_registered": Words("non registrato", "not registered"),
    "fetched": Words("file preso {at} da {source}", "file fetched {at} by {source}"),
    "no_desk": Words(
        "il servizio non risponde: non si sa quali telefoni siano registrati",
        "the daemon does not answer: which phones are registered is not known",
    ),
}


class Teller:
    """Says it in one language; times are those of the office's zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self._language = language
        self._zone = zone

    def say(self, what: str, **values: str) -> str:
        """Return one sentence."""
        words = WORDS[what]
        return (words.it if self._language == "it" else words.en).format(**values)

    def row(
        self, address: str, has_secret: bool, standing: Mapping[str, Any] | None, kept: Kept
    ) -> str:
        """Say of one phone how it is found, whether it has a secret, where it stands, its make."""
        how = self.say("at", address=address) if address else self.say("registers")
        secret = self.say("secret" if has_secret else "no_secret")
        parts = [how, secret, *self._standing(standing), _made(kept), self._fetched(kept)]
        return ", ".join(part for part in parts if part)

    def _standing(self, row: Mapping[str, Any] | None) -> list[str]:
        if row is None:
            return []
        if not row["address"]:
            return [self.say("not_registered")]
        silent = [] if row["answers"] else [self.say("silent")]
        return [self.say("registered", address=row["address"]), *silent]

    def _fetched(self, kept: Kept) -> str:
        if not kept.fetched:
            return ""
        at = datetime.fromisoformat(kept.fetched).astimezone(self._zone)
        return self.say("fetched", at=moment_words(at, self._language), source=kept.source)


def _made(kept: Kept) -> str:
    return f"{kept.make} {_colons(kept.mac)}".strip()


def _colons(mac: str) -> str:
    return ":".join(mac[n : n + 2] for n in range(0, len(mac), 2))
