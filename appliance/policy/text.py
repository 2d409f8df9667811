"""Texts in Italian and English, refusals, and the system's errors as sentences."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from typing import Final

from appliance.errors import ConfigurationError, OfficeError, StoreError


@dataclass(frozen=True, slots=True)
class Words:
    """One text in Italian and English; both empty where there is nothing to say."""

    it: str = ""
    en: str = ""


NOTHING = Words()


def in_language(words: Words, language: str) -> str:
    """Return a text in one language: Italian, or English for every other one."""
    return words.it if language == "it" else words.en


def filled_in(words: Words, *values: object, **named: object) -> Words:
    """Return a text in both languages with values, Words among them, filled in."""
    return Words(
        words.it.format(*_in_one_language(values, "it"), **named),
        words.en.format(*_in_one_language(values, "en"), **named),
    )


def _in_one_language(values: tuple[object, ...], language: str) -> list[object]:
    return [getattr(value, language) if isinstance(value, Words) else value for value in values]


class SaidError(OfficeError):
    """Refusal of an action; `words` give the reason in both languages, `str` in English."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Refused(OfficeError, ConfigurationError):  # noqa: N818 - reads as what it is
    """Refusal of a value that a person wrote; `words` give reason and remedy, `str` the English."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(it, en)


class NotKept(StoreError):  # noqa: N818 - reads as what it is
    """Failure to store or read something; `words` give reason and remedy."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(it, en)


# An OSError says "[Errno 111] Connection refused", in English and without a remedy. These tables
# say what to do, in both languages, for an error or for a text that contains one.

ERRNO_WORDS: Final = {
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
    errno.EFBIG: Words(
        "il file sarebbe troppo grande: liberare spazio, o formattare la chiavetta exFAT (FAT32 "
        "arriva a 4 GB)",
        "the file would be too large: free some space, or format the stick as exFAT (FAT32 goes up "
        "to 4 GB)",
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
"""Sentence by errno; the resolver's numbers are negative (netdb.h)."""
# the first match counts, so the most specific texts come first
TLS_WORDS: Final = (
    ("has expired", Words(
        "il certificato del server è scaduto: rinnovarlo, e controllare l'ora dell'apparecchio",
        "the server's certificate has expired: renew it, and look at the clock of the box",
    )),
    ("not yet valid", Words(
        "il certificato del server non è ancora valido: controllare l'ora dell'apparecchio",
        "the server's certificate is not valid yet: look at the clock of the box",
    )),
    ("mismatch", Words(
        "il certificato del server è di un altro nome: scrivere il server con il nome che ha nel "
        "certificato",
        "the server's certificate is of another name: write the server as its certificate does",
    )),
    ("revoked", Words(
        "il certificato del server è stato revocato: chiedere a chi gestisce il server",
        "the server's certificate was revoked: ask whoever runs the server",
    )),
    ("self-signed", Words(
        "il certificato del server è di un'autorità che l'apparecchio non conosce: indicarla in "
        "ca_file",
        "the server's certificate is of an authority that the box does not know: name it in "
        "ca_file",
    )),
    ("issuer certificate", Words(
        "il certificato del server è di un'autorità che l'apparecchio non conosce: indicarla in "
        "ca_file",
        "the server's certificate is of an authority that the box does not know: name it in "
        "ca_file",
    )),
    ("certificate verify failed", Words(
        "il certificato del server non si può verificare: controllare ca_file e il nome del server",
        "the server's certificate cannot be verified: look at ca_file and the server's name",
    )),
    ("wrong version number", Words(
        "il server non parla TLS su questa porta: controllare port e security",
        "the server speaks no TLS at this port: look at port and security",
    )),
    ("record layer failure", Words(
        "il server non parla TLS su questa porta: controllare port e security",
        "the server speaks no TLS at this port: look at port and security",
    )),
    ("unexpected_eof", Words(
        "il server ha chiuso durante l'avvio di TLS: controllare port e security",
        "the server closed while TLS began: look at port and security",
    )),
    ("eof occurred", Words(
        "il server ha chiuso durante l'avvio di TLS: controllare port e security",
        "the server closed while TLS began: look at port and security",
    )),
    ("protocol", Words(
        "il server usa una versione di TLS troppo vecchia: va aggiornato",
        "the server uses too old a version of TLS: it has to be updated",
    )),
    ("handshake failure", Words(
        "il server e l'apparecchio non hanno una cifratura comune: il server va aggiornato",
        "server and box have no cipher in common: the server has to be updated",
    )),
    ("alert certificate required", Words(
        "il server vuole un certificato dell'apparecchio: indicare certificate e key",
        "the server wants a certificate of the box: name certificate and key",
    )),
)  # fmt: skip
"""Sentence by a part of OpenSSL's message, in lower case."""
SQLITE_WORDS: Final = (
    ("database disk image is malformed", Words("pagine rovinate", "spoilt pages")),
    ("malformed database schema", Words("indice rovinato", "a spoilt index")),
    ("file is not a database", Words("il file non è una base di dati", "the file is no database")),
    ("file is encrypted or is not a database",
     Words("il file non è una base di dati", "the file is no database")),
    ("database is locked", Words("la base di dati è occupata", "the database is in use")),
    ("disk i/o error", Words("la scheda di memoria non risponde", "the memory card fails")),
    ("unable to open database file",
     Words("il file non si può aprire", "the file cannot be opened")),
    ("attempt to write a readonly database",
     Words("il file è di sola lettura", "the file is read-only")),
    ("database or disk is full", Words("il disco è pieno", "the disk is full")),
)  # fmt: skip
"""Sentence by SQLite's message (sqlite.org/rescode.html)."""
TIMED_OUT: Final = ERRNO_WORDS[errno.ETIMEDOUT]
_TLS_ERROR: Final = re.compile(
    r"(?:\[(?:SSL|X509)[^\]]*\] ?)?[^():\[\]]*(?:: [^()]*?)?\(_ssl\.c:\d+\)"
)
_SQLITE_ERROR: Final = re.compile(
    "|".join(re.escape(text) for text, _ in SQLITE_WORDS), re.IGNORECASE
)
_SQLITE_DAMAGE: Final = re.compile(
    r"(?:\*\*\* in database \w+ \*\*\*\s*)?"
    r"(?:Tree \d+[^\n)]*|Page \d+[^\n)]*|Freelist[^\n)]*|row \d+ missing from index[^\n)]*|"
    r"wrong # of entries in index[^\n)]*|non-unique entry in index[^\n)]*|NULL value in [^\n)]*|"
    r"Rowid \d+[^\n)]*)"
)
"""Findings of SQLite's integrity check (sqlite.org/pragma.html#pragma_integrity_check)."""
_ERRNO_TEXT: Final = re.compile(r"\[Errno (?P<code>-?\d+)\] (?P<text>[^:()\[\]]*[^:()\[\]. ])")


def os_error_words(error: OSError) -> Words:
    """Return an OSError's reason and remedy in words."""
    # a socket's timeout has no number
    if isinstance(error, TimeoutError) and not error.errno:
        return TIMED_OUT
    # errors of ours know their sentence in both languages
    words = getattr(error, "words", None)
    if isinstance(words, Words):
        return words
    # the ssl module's number 1 is OpenSSL's, not "operation not permitted"
    is_plain = error.errno is not None and type(error).__module__ != "ssl"
    if is_plain:
        return _errno_words(error.errno or 0, error.strerror or str(error))
    if type(error).__module__ == "ssl":
        return _tls_words(error.strerror or str(error))
    # ours (PortError, StoreError) have no number and are sentences already
    return error_text_words(str(error))


def words_of(error: Exception) -> Words:
    """Return an error's reason: its own `words`, else the system's error in both languages."""
    words = getattr(error, "words", None)
    if isinstance(words, Words):
        return words
    return os_error_words(error) if isinstance(error, OSError) else error_text_words(str(error))


NO_SERVER: Final = "no mail server is configured: write [mail] server"
NO_HEAD: Final = "it is for the head: write [mail] head"
_OWN_TEXTS: Final = {
    NO_SERVER: Words(
        "nessun server di posta è configurato: lo imposta il tecnico ([mail] server)",
        NO_SERVER,
    ),
    NO_HEAD: Words(
        "è per il responsabile, di cui manca l'indirizzo: lo imposta il tecnico ([mail] head)",
        NO_HEAD,
    ),
}
"""Sentences of the journal, which are for technicians, and their wording on the pages."""
MAIL_SERVER_WORDS: Final = tuple(
    (re.compile(english, re.IGNORECASE), italian)
    for english, italian in (
        (r"the certificates in (\S+) cannot be read", r"i certificati in \1 non si leggono"),
        (r"the password file (\S+) cannot be read", r"il file della password \1 non si legge"),
        (r"it is not UTF-8 text", "non è un testo UTF-8"),
        (r"the password holds letters beyond ASCII: choose another",
         "la password ha lettere che non sono ASCII: sceglierne un'altra"),
        (r"the server takes no password", "il server non accetta password"),
        (r"password refused", "password rifiutata"),
        (r"STARTTLS refused", "STARTTLS rifiutato"),
        (r"STARTTLS extension not supported by server\.?",
         "il server non offre STARTTLS, controllare port e security"),
        (r"SMTP AUTH extension not supported by server\.?",
         "il server non chiede chi scrive, togliere user o controllare port e security"),
        (r"No suitable authentication method found\.?", "nessun modo di accesso in comune"),
        (r"Connection unexpectedly closed", "il server ha chiuso"),
        (r"Server not connected", "il server ha chiuso"),
        (r"please run connect\(\) first", "il server ha chiuso"),
        (r"^sender (?=\S+: \d{3} )", "mittente "),
    )
)  # fmt: skip
"""Messages of our mail sender and of smtplib about a server, and their Italian."""


def error_text_words(text: str) -> Words:
    """Return a text with the system's errors in it replaced by words; the rest is unchanged."""
    if text in _OWN_TEXTS:
        return _OWN_TEXTS[text]
    # what a mail server itself has answered stays in its words
    found = _with_errors_replaced(text)
    it = found.it
    # smtplib's sentences are English already: only the Italian text needs them replaced
    for english, italian in MAIL_SERVER_WORDS:
        it = english.sub(italian, it)
    return Words(it, found.en)


def _with_errors_replaced(text: str) -> Words:
    def said(which: str) -> str:
        one = _ERRNO_TEXT.sub(
            lambda found: str(getattr(_errno_words(int(found["code"]), found["text"]), which)), text
        )
        one = _TLS_ERROR.sub(lambda found: str(getattr(_tls_words(found[0]), which)), one)
        one = _SQLITE_DAMAGE.sub(lambda found: str(getattr(_damage_words(found[0]), which)), one)
        return _SQLITE_ERROR.sub(lambda found: str(getattr(_sqlite_words(found[0]), which)), one)

    return Words(said("it"), said("en"))


def _tls_words(text: str) -> Words:
    small = text.lower()
    for key, words in TLS_WORDS:
        if key in small:
            return words
    # people are shown no line of a source (_ssl.c)
    bare = re.sub(r"\s*\(_ssl\.c:\d+\)", "", text).strip()
    return Words(
        f"TLS non riesce ({bare}): controllare server, port e security",
        f"TLS does not succeed ({bare}): look at server, port and security",
    )


def _damage_words(text: str) -> Words:
    """Return the damaged page or index in words, as far as SQLite names it."""
    if page := re.search(r"\b[Pp]age (\d+)", text):
        return Words(f"pagina {page[1]} rovinata", f"page {page[1]} is spoilt")
    if index := re.search(r"\bindex (\w+)", text):
        return Words(f"indice {index[1]} rovinato", f"index {index[1]} is spoilt")
    return Words("pagine rovinate", "spoilt pages")


def _sqlite_words(text: str) -> Words:
    return dict(SQLITE_WORDS)[text.lower()]


def _errno_words(code: int, said: str) -> Words:
    # an unlisted number keeps the system's own text, with what to do all the same
    return ERRNO_WORDS.get(code) or Words(
        f"errore del sistema ({said}): riprovare; se si ripete, vedere il giornale",
        f"the system's error ({said}): try again; if it happens again, see the journal",
    )
