"""What is said of the office's phones, by `centralino phones` and the console's page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.daemon.handsets import Kept
from appliance.policy.hours import moment_words
from appliance.policy.text import Words

LONGEST_LABEL: Final = 40
"""Signs; a telephone's screen shows half of them."""
BAD_NAME: Final = Words(
    "il nome utente ha lettere minuscole, cifre, - e _, al massimo 32, e comincia con una lettera "
    "o una cifra: ad esempio op3",
    "a user name has small letters, digits, - and _, 32 at most, and begins with a letter or a "
    "digit: op3 for example",
)
BAD_LABEL: Final = Words(
    f"l'etichetta ha da 1 a {LONGEST_LABEL} caratteri: ad esempio «Operatore 3»",
    f"a label has 1 to {LONGEST_LABEL} characters: “Operator 3” for example",
)
BAD_MAC: Final = Words(
    "l'indirizzo fisico non è valido: è scritto sotto il telefono, ad esempio 00:15:65:AA:BB:CC",
    "this is no hardware address: it stands under the phone, for example 00:15:65:AA:BB:CC",
)
BAD_MAKE: Final = Words(
    "la marca non si riconosce dall'indirizzo fisico: sceglierla dall'elenco",
    "the maker is not known by the hardware address: choose it from the list",
)
NO_MAC: Final = Words(
    "di un telefono di questa marca serve l'indirizzo fisico, scritto sotto il telefono; per "
    "inserire i dati a mano lasciare vuota anche la marca",
    "a phone of this make is known by its hardware address, which stands under it; to type "
    "everything by hand leave the make empty, too",
)
LAST: Final = Words(
    "è l'ultimo telefono del centralino: aggiungerne prima un altro",
    "it is the switchboard's last phone: add another one first",
)
NOT_GOOD: Final = Words(
    "il file di configurazione non era valido all'ultimo avvio: correggerlo prima (pagina "
    "«Configurazione in vigore»)",
    "the configuration's file was wrong at the last start: mend it first (page “Configuration in "
    "force”)",
)
DONE: Final = {
    "phone_label": Words("L'etichetta è cambiata.", "The label has been changed."),
    "phone_remove": Words(
        "Il telefono è tolto: la sua password non vale più.",
        "The phone has been removed: its password is worth nothing any more.",
    ),
    "phone_back": Words(
        "Il telefono è di nuovo in uso: creare una nuova password.",
        "The phone is in use again: make a new password for it.",
    ),
    "phones_serve": Words(
        "I telefoni possono prendere la loro configurazione.",
        "The phones can fetch their configuration.",
    ),
    "phones_serve_end": Words(
        "Nessuna configurazione viene più data.", "No configuration is given any more."
    ),
}
"""What is said of a change, by its question."""
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
        "Pagine web dei telefoni: utente admin, password {password} (Cisco MPP, Gigaset N6xx e "
        "N8xx, Poly: {strong}); codice del menu (Snom, Fanvil, Gigaset da tavolo): {code}; PIN "
        "delle basi Gigaset: {pin}",
        "The phones' web pages: user admin, password {password} (Cisco MPP, Gigaset N6xx and "
        "N8xx, Poly: {strong}); code of the menu (Snom, Fanvil, Gigaset desk phones): {code}; PIN "
        "of Gigaset's bases: {pin}",
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
