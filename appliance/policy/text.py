"""Refusals and failures with their words, and the system's errors as sentences."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from functools import reduce
from typing import Final

from appliance.errors import ConfigurationError, OfficeError, StoreError
from appliance.text import ENGLISH, Words, _, by_language, in_context


def capitalized(words: Words) -> Words:
    """Return a text that begins with a capital letter; the rest of it is unchanged."""
    return by_language(lambda language: with_capital(words.text(language)))


def with_capital(text: str) -> str:
    """Return a text in one language that begins with a capital letter."""
    return f"{text[:1].upper()}{text[1:]}"


def one_of(texts: Iterable[Words]) -> Words:
    """Return texts as alternatives: "a or b or c"."""
    return reduce(lambda one, other: _("{one} or {other}", one=one, other=other), texts)


class SaidError(OfficeError):
    """Refusal of an action; `words` give the reason in every language, `str` in English."""

    def __init__(self, words: Words) -> None:
        super().__init__(str(words))
        self.words = words


class Refused(OfficeError, ConfigurationError):  # noqa: N818 - reads as what it is
    """Refusal of a value that a person wrote; `words` give reason and remedy, `str` the English."""

    def __init__(self, words: Words) -> None:
        super().__init__(str(words))
        self.words = words


class NotKept(StoreError):  # noqa: N818 - reads as what it is
    """Failure to store or read something; `words` give reason and remedy."""

    def __init__(self, words: Words) -> None:
        super().__init__(str(words))
        self.words = words


# An OSError says "[Errno 111] Connection refused", in English and without a remedy. These tables
# say what to do, in every language, for an error or for a text that contains one.

# Sentence by errno; the resolver's numbers are negative (netdb.h).
ERRNO_WORDS: Final = {
    errno.EACCES: _("access is denied: look at owner and permissions, or use sudo"),
    errno.EADDRINUSE: _("another program has that address and port: stop it, or change the port"),
    errno.EADDRNOTAVAIL: _(
        "the box does not have this address: look at the cable and the configured address"
    ),
    errno.EBUSY: _("it is in use: close whatever uses it, then try again"),
    errno.ECONNREFUSED: _(
        "nobody answers at that address and port: see that the service runs and the port is right"
    ),
    errno.ECONNRESET: _(
        "the other end has broken off: try again; if it happens again, look into its log"
    ),
    errno.EDQUOT: _("the space allowed is used up: free some"),
    errno.EEXIST: _("it is there already: remove it, or name another"),
    errno.EFBIG: _(
        "the file would be too large: free some space, or format the stick as "
        "exFAT (FAT32 goes up to 4 GB)"
    ),
    errno.EHOSTUNREACH: _(
        "that host is not reached: see that it is on, look at the cable and the address"
    ),
    errno.EINVAL: _("the system does not take this value: look at it in the configuration"),
    errno.EIO: _("the device cannot be read or written: look at the card or the plug"),
    errno.EISDIR: _("it is a folder: name a file"),
    errno.EMFILE: _("too many files are open: restart the service"),
    errno.ENETDOWN: _("the network is down: look at the cable and the switch"),
    errno.ENETUNREACH: _("that network is not reached: look at the cable and the router"),
    errno.ENODEV: _("the device is not there: plug it in again"),
    errno.ENOENT: _("there is no file of that name: look at the path"),
    errno.ENOMEM: _("there is not enough memory: restart the box"),
    errno.ENOSPC: _("the disk is full: free some space"),
    errno.ENOTDIR: _("a part of the path is no folder: look at it"),
    errno.ENXIO: _("the device does not answer: plug it in again"),
    errno.EPERM: _("it is not allowed: it takes the administrator (sudo)"),
    errno.EPIPE: _("the other end has closed: try again"),
    errno.EROFS: _("the disk is read-only: look at the card, then restart"),
    errno.ETIMEDOUT: _("no answer in time: look at the address, the network and firewalls"),
    -2: _(
        "nobody on the network has this name: look at its spelling and the name server (DNS)",
    ),
    -3: _(
        "the name server (DNS) does not answer: look at the network and the router",
    ),
}
NO_RIGHT: Final = _("access to {path} is denied: run it with sudo")
# the first match counts, so the most specific texts come first
TLS_WORDS: Final = (
    (
        "has expired",
        _("the server's certificate has expired: renew it, and look at the clock of the box"),
    ),
    ("not yet valid", _("the server's certificate is not valid yet: look at the clock of the box")),
    (
        "mismatch",
        _("the server's certificate is of another name: write the server as its certificate does"),
    ),
    ("revoked", _("the server's certificate was revoked: ask whoever runs the server")),
    (
        "self-signed",
        _(
            "the server's certificate is of an authority that the box does not know: "
            "name it in ca_file"
        ),
    ),
    (
        "issuer certificate",
        _(
            "the server's certificate is of an authority that the box does not know: "
            "name it in ca_file"
        ),
    ),
    (
        "certificate verify failed",
        _("the server's certificate cannot be verified: look at ca_file and the server's name"),
    ),
    ("wrong version number", _("the server speaks no TLS at this port: look at port and security")),
    ("record layer failure", _("the server speaks no TLS at this port: look at port and security")),
    ("unexpected_eof", _("the server closed while TLS began: look at port and security")),
    ("eof occurred", _("the server closed while TLS began: look at port and security")),
    ("protocol", _("the server uses too old a version of TLS: it has to be updated")),
    (
        "handshake failure",
        _("server and box have no cipher in common: the server has to be updated"),
    ),
    (
        "alert certificate required",
        _("the server wants a certificate of the box: name certificate and key"),
    ),
)
"""Sentence by a part of OpenSSL's message, in lower case."""
SQLITE_WORDS: Final = (
    ("database disk image is malformed", _("spoilt pages")),
    ("malformed database schema", _("a spoilt index")),
    ("file is not a database", _("the file is no database")),
    ("file is encrypted or is not a database", _("the file is no database")),
    ("database is locked", _("the database is in use")),
    ("disk i/o error", _("the memory card fails")),
    ("unable to open database file", _("the file cannot be opened")),
    ("attempt to write a readonly database", _("the file is read-only")),
    ("database or disk is full", _("the disk is full")),
)
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
    # errors of ours know their sentence in every language
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
    """Return an error's reason: its own `words`, else the system's error in every language."""
    words = getattr(error, "words", None)
    if isinstance(words, Words):
        return words
    return os_error_words(error) if isinstance(error, OSError) else error_text_words(str(error))


def technical_words(said: object, words: Words) -> Words:
    """Return what the system `said` as it is in English, as `words` in other languages.

    For readers who know the system: its own text is what they search for.
    """
    return by_language(lambda language: str(said) if language == ENGLISH else words.text(language))


_NO_SERVER: Final = _("no mail server is configured: write [mail] server")
_NO_HEAD: Final = _("it is for the head: write [mail] head")
NO_SERVER: Final = str(_NO_SERVER)
NO_HEAD: Final = str(_NO_HEAD)
_OWN_TEXTS: Final = {NO_SERVER: _NO_SERVER, NO_HEAD: _NO_HEAD}
"""Sentences of the journal, which are for technicians, and their wording on the pages."""
MAIL_SERVER_WORDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"the certificates in (\S+) cannot be read", _("the certificates in {} cannot be read")),
        (r"the password file (\S+) cannot be read", _("the password file {} cannot be read")),
        (r"it is not UTF-8 text", _("it is not UTF-8 text")),
        (
            r"the password holds letters beyond ASCII: choose another",
            _("the password holds letters beyond ASCII: choose another"),
        ),
        (r"the server takes no password", _("the server takes no password")),
        (r"password refused", _("password refused")),
        (r"STARTTLS refused", _("STARTTLS refused")),
        (
            r"STARTTLS extension not supported by server\.?",
            _("STARTTLS extension not supported by server"),
        ),
        (
            r"SMTP AUTH extension not supported by server\.?",
            _("SMTP AUTH extension not supported by server"),
        ),
        (
            r"No suitable authentication method found\.?",
            _("No suitable authentication method found"),
        ),
        (r"Connection unexpectedly closed", _("Connection unexpectedly closed")),
        (r"Server not connected", _("Server not connected")),
        (r"please run connect\(\) first", _("please run connect() first")),
        (r"^sender(?= \S+: \d{3} )", in_context("mail server", "sender")),
    )
)
"""Messages of our mail sender and of smtplib about a server, and their words."""


def error_text_words(text: str) -> Words:
    """Return a text with the system's errors in it replaced by words; the rest is unchanged."""
    if text in _OWN_TEXTS:
        return _OWN_TEXTS[text]
    return by_language(lambda language: _with_errors_replaced(text, language))


def _with_errors_replaced(text: str, language: str) -> str:
    one = _ERRNO_TEXT.sub(
        lambda found: _errno_words(int(found["code"]), found["text"]).text(language), text
    )
    one = _TLS_ERROR.sub(lambda found: _tls_words(found[0]).text(language), one)
    one = _SQLITE_DAMAGE.sub(lambda found: _damage_words(found[0]).text(language), one)
    one = _SQLITE_ERROR.sub(lambda found: _sqlite_words(found[0]).text(language), one)
    # what a mail server itself has answered stays in its words; smtplib's sentences are English
    return one if language == ENGLISH else _mail_server_replaced(one, language)


def _mail_server_replaced(text: str, language: str) -> str:
    for pattern, words in MAIL_SERVER_WORDS:
        for found in reversed(tuple(pattern.finditer(text))):
            said = words.filled(*found.groups()).text(language)
            text = f"{text[: found.start()]}{said}{text[found.end() :]}"
    return text


def _tls_words(text: str) -> Words:
    small = text.lower()
    for key, words in TLS_WORDS:
        if key in small:
            return words
    # people are shown no line of a source (_ssl.c)
    bare = re.sub(r"\s*\(_ssl\.c:\d+\)", "", text).strip()
    return _("TLS does not succeed ({bare}): look at server, port and security", bare=bare)


def _damage_words(text: str) -> Words:
    """Return the damaged page or index in words, as far as SQLite names it."""
    if page := re.search(r"\b[Pp]age (\d+)", text):
        return _("page {page} is spoilt", page=page[1])
    if index := re.search(r"\bindex (\w+)", text):
        return _("index {index} is spoilt", index=index[1])
    return _("spoilt pages")


def _sqlite_words(text: str) -> Words:
    return dict(SQLITE_WORDS)[text.lower()]


def _errno_words(code: int, said: str) -> Words:
    # an unlisted number keeps the system's own text, with what to do all the same
    return ERRNO_WORDS.get(code) or _(
        "the system's error ({said}): try again; if it happens again, see the journal", said=said
    )
