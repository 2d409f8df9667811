"""What the system answers when something cannot be done, as a sentence that says what to do.

An OSError says "[Errno 111] Connection refused", in English and to nobody. Here it becomes words
for whoever reads them, in both languages: of the error itself, or of a text that holds one.
"""

from __future__ import annotations

import errno
import re
from typing import Final

from appliance.policy.words import Words

SAYS: Final = {
    errno.EACCES: Words(
        "accesso negato: controllare proprietario e permessi, o usare sudo",
        "access is denied: look at owner and permissions, or use sudo",
    ),
    errno.EADDRINUSE: Words(
        "un altro programma usa già quell'indirizzo e porta: fermarlo, o cambiare porta",
        "another program has that address and port: stop it, or change the port",
    ),
    errno.EADDRNOTAVAIL: Words(
        "l'apparecchio non ha questo indirizzo: controllare il cavo e l'indirizzo configurato",
        "the box does not have this address: look at the cable and the configured address",
    ),
    errno.EBUSY: Words(
        "è in uso: chiudere chi lo usa, poi riprovare",
        "it is in use: close whatever uses it, then try again",
    ),
    errno.ECONNREFUSED: Words(
        "nessuno risponde a quell'indirizzo e porta: controllare che il servizio sia acceso e la "
        "porta giusta",
        "nobody answers at that address and port: see that the service runs and the port is right",
    ),
    errno.ECONNRESET: Words(
        "l'altro capo ha interrotto: riprovare; se si ripete, guardare il suo registro",
        "the other end has broken off: try again; if it happens again, look into its log",
    ),
    errno.EDQUOT: Words(
        "lo spazio concesso è finito: liberarne", "the space allowed is used up: free some"
    ),
    errno.EEXIST: Words(
        "c'è già: toglierlo, o usare un altro nome",
        "it is there already: remove it, or name another",
    ),
    errno.EHOSTUNREACH: Words(
        "quell'apparecchio non si raggiunge: controllare che sia acceso, il cavo e l'indirizzo",
        "that host is not reached: see that it is on, look at the cable and the address",
    ),
    errno.EINVAL: Words(
        "il sistema non accetta questo valore: controllarlo nella configurazione",
        "the system does not take this value: look at it in the configuration",
    ),
    errno.EIO: Words(
        "il dispositivo non si legge o non si scrive: controllare la memoria o il collegamento",
        "the device cannot be read or written: look at the card or the plug",
    ),
    errno.EISDIR: Words("è una cartella: nominare un file", "it is a folder: name a file"),
    errno.EMFILE: Words(
        "troppi file aperti: riavviare il servizio", "too many files are open: restart the service"
    ),
    errno.ENETDOWN: Words(
        "la rete è spenta: controllare cavo e interruttore di rete",
        "the network is down: look at the cable and the switch",
    ),
    errno.ENETUNREACH: Words(
        "quella rete non si raggiunge: controllare cavo e router",
        "that network is not reached: look at the cable and the router",
    ),
    errno.ENODEV: Words(
        "il dispositivo non c'è: ricollegarlo", "the device is not there: plug it in again"
    ),
    errno.ENOENT: Words(
        "non c'è nessun file con questo nome: controllare il percorso",
        "there is no file of that name: look at the path",
    ),
    errno.ENOMEM: Words(
        "la memoria non basta: riavviare l'apparecchio",
        "there is not enough memory: restart the box",
    ),
    errno.ENOSPC: Words("il disco è pieno: liberare spazio", "the disk is full: free some space"),
    errno.ENOTDIR: Words(
        "una parte del percorso non è una cartella: controllarlo",
        "a part of the path is no folder: look at it",
    ),
    errno.ENXIO: Words(
        "il dispositivo non risponde: ricollegarlo", "the device does not answer: plug it in again"
    ),
    errno.EPERM: Words(
        "non è permesso: serve l'amministratore (sudo)",
        "it is not allowed: it takes the administrator (sudo)",
    ),
    errno.EPIPE: Words("l'altro capo ha chiuso: riprovare", "the other end has closed: try again"),
    errno.EROFS: Words(
        "il disco è di sola lettura: controllare la memoria, poi riavviare",
        "the disk is read-only: look at the card, then restart",
    ),
    errno.ETIMEDOUT: Words(
        "nessuna risposta in tempo: controllare indirizzo, rete e firewall",
        "no answer in time: look at the address, the network and firewalls",
    ),
    -2: Words(  # EAI_NONAME
        "nessuno ha questo nome in rete: controllare come è scritto e il server dei nomi (DNS)",
        "nobody on the network has this name: look at its spelling and the name server (DNS)",
    ),
    -3: Words(  # EAI_AGAIN
        "il server dei nomi (DNS) non risponde: controllare la rete e il router",
        "the name server (DNS) does not answer: look at the network and the router",
    ),
}
"""By the system's number, or the resolver's, which is below 0 (netdb.h)."""
LATE: Final = SAYS[errno.ETIMEDOUT]
_SAID: Final = re.compile(r"\[Errno (?P<code>-?\d+)\] (?P<text>[^:()\[\]]*[^:()\[\]. ])")


def why_not(error: OSError) -> Words:
    """Return why the system did not do something, and what to do about it.

    Ours (PortError, StoreError) have no number and say it themselves; so does a certificate's.
    """
    if isinstance(error, TimeoutError) and not error.errno:
        return LATE
    words = getattr(error, "words", None)
    if isinstance(words, Words):
        return words
    is_plain = error.errno is not None and type(error).__module__ != "ssl"  # whose are its own
    return _of(error.errno or 0, error.strerror or str(error)) if is_plain else _both(str(error))


def words_of(error: Exception) -> Words:
    """Return why something was not done, in both languages where it knows them."""
    words = getattr(error, "words", None)
    if isinstance(words, Words):
        return words
    return why_not(error) if isinstance(error, OSError) else in_words(str(error))


def in_words(text: str) -> Words:
    """Return a text in which the system's errors are said in words; its rest stays as it is."""
    return Words(
        _SAID.sub(lambda found: _of(int(found["code"]), found["text"]).it, text),
        _SAID.sub(lambda found: _of(int(found["code"]), found["text"]).en, text),
    )


def _of(code: int, said: str) -> Words:
    return SAYS.get(code) or Words(
        f"errore del sistema ({said}): riprovare; se si ripete, vedere il giornale",
        f"the system's error ({said}): try again; if it happens again, see the journal",
    )


def _both(text: str) -> Words:
    return Words(text, text)
