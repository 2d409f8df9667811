"""The system's errors are told to people in words, with what to do, in both languages."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import pytest

from appliance.errors import PortError
from appliance.policy.text import (
    ERRNO_WORDS,
    NO_HEAD,
    NO_SERVER,
    TIMED_OUT,
    NotKept,
    error_text_words,
    os_error_words,
    technical_words,
    words_of,
)
from tests.helpers.words import pair


@pytest.mark.parametrize("code", sorted(ERRNO_WORDS))
def test_each_known_error_says_what_to_do(code: int) -> None:
    """No number, nothing of the system's own text, in neither language; a remedy after a colon."""
    said = os_error_words(OSError(code, "System's text"))
    for text in (said.text("it"), said.text("en")):
        assert "Errno" not in text
        assert "System's" not in text
        assert text.count(":") == 1
    assert said.text("it") != said.text("en")


def test_a_name_that_nobody_has() -> None:
    """The resolver counts below 0; its numbers are those of netdb.h."""
    assert "DNS" in os_error_words(socket.gaierror(socket.EAI_NONAME, "Name not known")).text("en")
    assert "DNS" in os_error_words(socket.gaierror(socket.EAI_AGAIN, "Temporary failure")).text(
        "it"
    )


def test_an_unknown_number_keeps_the_systems_text() -> None:
    """With what to do all the same."""
    said = os_error_words(OSError(errno.EXDEV, os.strerror(errno.EXDEV)))
    assert os.strerror(errno.EXDEV) in said.text("it")
    assert "riprovare" in said.text("it")
    assert "try again" in said.text("en")
    assert "Strange" in os_error_words(OSError(0, "Strange")).text("en")
    assert "[Errno 9999]" in os_error_words(OSError(9999, "")).text("en")


def test_ours_say_it_themselves() -> None:
    """They are sentences already; one that knows both languages says both."""
    assert os_error_words(PortError("the port is gone")) == pair(
        "the port is gone", "the port is gone"
    )
    assert os_error_words(NotKept(pair("non tenuto", "not kept"))) == pair("non tenuto", "not kept")


def test_what_took_too_long_has_no_number() -> None:
    """A socket's own limit raises a bare TimeoutError."""
    assert os_error_words(TimeoutError("timed out")) == TIMED_OUT
    assert os_error_words(TimeoutError(errno.ETIMEDOUT, "Connection timed out")) == TIMED_OUT


def test_a_certificates_error_is_not_taken_for_the_systems() -> None:
    """Its number 1 is OpenSSL's, not "operation not permitted"."""
    said = os_error_words(ssl.SSLError(1, "certificate verify failed"))
    assert "non si può verificare" in said.text("it")
    assert "sudo" not in said.text("en")


@pytest.mark.parametrize(
    ("text", "it", "en"),
    [
        ("broken off: [Errno 111] Connection refused", "broken off: nessuno", "broken off: nobody"),
        ("it ([Errno 28] No space left on device)", "it (il disco è pieno", "it (the disk is full"),
        ("[Errno 2] No such file or directory: 'a'", "non c'è nessun file", "there is no file"),
        ("[Errno -2] Name or service not known", "nessuno ha questo nome", "nobody on the"),
        ("[Errno 18] Invalid cross-device link", "errore del sistema (Invalid", "the system's"),
    ],
)
def test_in_a_text_the_systems_part_is_said_in_words(text: str, it: str, en: str) -> None:
    """What stands around it stays: mail servers' answers are kept as they came."""
    said = error_text_words(text)
    assert said.text("it").startswith(it)
    assert said.text("en").startswith(en)
    assert "Errno" not in said.text("it") + said.text("en")


def test_a_text_without_one_stays() -> None:
    """Word for word."""
    assert error_text_words("550 no such user") == pair("550 no such user", "550 no such user")


@pytest.mark.parametrize(
    ("text", "it"),
    [
        ("certificate verify failed: self-signed certificate", "autorità che l'apparecchio"),
        ("certificate verify failed: unable to get local issuer certificate", "ca_file"),
        ("certificate verify failed: certificate has expired", "è scaduto"),
        ("certificate verify failed: certificate is not yet valid", "non è ancora valido"),
        (
            "certificate verify failed: Hostname mismatch, certificate is not valid for 'mx.it'.",
            "di un altro nome",
        ),
        ("certificate verify failed: IP address mismatch, not valid for '10.0.0.1'.", "altro nome"),
        ("wrong version number", "non parla TLS su questa porta"),
        ("tlsv1 alert protocol version", "troppo vecchia"),
        ("unsupported protocol", "troppo vecchia"),
        ("EOF occurred in violation of protocol", "ha chiuso durante l'avvio"),
        ("sslv3 alert handshake failure", "cifratura comune"),
        ("tlsv13 alert certificate required", "certificate e key"),
        ("something new", "TLS non riesce"),
    ],
)
def test_what_tls_says_is_said_in_words(text: str, it: str) -> None:
    """Also within another sentence, which stays; no line of a source, no code in brackets."""
    whole = f"[SSL: SOME_REASON] {text} (_ssl.c:1032)"
    for said in (os_error_words(ssl.SSLError(1, whole)), error_text_words(f"posta ({whole})")):
        assert it in said.text("it")
        assert "_ssl.c" not in said.text("it") + said.text("en")
        assert said.text("it") != said.text("en")
    assert error_text_words(f"posta ({whole})").text("it").startswith("posta (")


@pytest.mark.parametrize(
    ("text", "it", "en"),
    [
        ("database disk image is malformed", "pagine rovinate", "spoilt pages"),
        ("file is not a database", "il file non è un archivio", "the file is no database"),
        ("disk I/O error", "la scheda di memoria non risponde", "the memory card fails"),
        (
            "*** in database main ***\nTree 5 page 3 cell 0: Rowid 1 out of order",
            "pagina 3 rovinata",
            "page 3 is spoilt",
        ),
        ("row 12 missing from index calls_by_time", "indice calls_by_time rovinato", "index calls"),
        ("Freelist: size is 3 but should be 2", "pagine rovinate", "spoilt pages"),
    ],
)
def test_what_sqlite_says_is_said_in_words(text: str, it: str, en: str) -> None:
    """Of damage, of locks, of the disk; a sentence around it stays."""
    assert error_text_words(text).text("it") == it
    assert error_text_words(text).text("en").startswith(en)
    assert error_text_words(f"gli archivi ({text})").text("it") == f"gli archivi ({it})"
    assert (
        error_text_words("the database is fine: all ok").text("it")
        == "the database is fine: all ok"
    )


@pytest.mark.parametrize(
    ("text", "italian"),
    [
        ("the password file /etc/p cannot be read: [Errno 13] Permission denied",
         ("il file della password /etc/p non si legge: accesso negato: controllare proprietario e "
         "permessi, o usare sudo")),
        ("the password file /etc/p cannot be read: it is not UTF-8 text",
         "il file della password /etc/p non si legge: non è un testo UTF-8"),
        ("the password holds letters beyond ASCII: choose another",
         "la password ha lettere che non sono ASCII: sceglierne un'altra"),
        ("the server takes no password: SMTP AUTH extension not supported by server.",
         ("il server non accetta password: il server non chiede chi scrive, togliere user o "
         "controllare port e security")),
        ("STARTTLS extension not supported by server.",
         "il server non offre STARTTLS, controllare port e security"),
        ("sender box@example.org: 550 no such user", "mittente box@example.org: 550 no such user"),
        ("password refused: 535 5.7.8", "password rifiutata: 535 5.7.8"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_mail_server_is_said_in_italian(text: str, italian: str) -> None:
    """Our own sentences and smtplib's; what the server itself answered stays as it said it."""
    found = error_text_words(text)
    assert found.text("it") == italian
    assert error_text_words(found.text("en")).text("en") == found.text("en")


@pytest.mark.parametrize(
    ("text", "italian"),
    [
        (NO_SERVER, "nessun server di posta è configurato"),
        (NO_HEAD, "è per il responsabile"),
    ],
)
def test_a_missing_mail_setting_is_said_in_the_readers_language(text: str, italian: str) -> None:
    """The outbox keeps the journal's English sentence; a page shows it in its own language."""
    found = error_text_words(text)
    assert found.text("it").startswith(italian)
    assert found.text("en") == text


@pytest.mark.parametrize(
    "error",
    [
        NotKept(pair("non tenuto", "not kept")),
        OSError(errno.ENOSPC, "x"),
        ValueError("[Errno 28] x"),
    ],
)
def test_every_kind_of_error_has_words(error: Exception) -> None:
    """Ours have their own; the system's, and its text within another error, become words."""
    said = words_of(error)
    expected = "non tenuto" if isinstance(error, NotKept) else "il disco è pieno"
    assert said.text("it").startswith(expected)


def test_a_technician_reads_what_the_system_said() -> None:
    """Its own text is what one searches for; in Italian a technician reads the words."""
    said = technical_words("Connection refused", pair("nessuno risponde", "nobody answers"))
    assert said == pair("nessuno risponde", "Connection refused")
