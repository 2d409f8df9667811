"""One notice to the mail server (RFC 5321), and what its answer means: the ONLY smtplib import.

Every wait has its limit. What was asked for is what is done: no TLS, no password or no trust in
the server's certificate means no mail, never mail in the clear.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from email.message import EmailMessage
from pathlib import Path

from appliance.errors import CentralinoError, TechnicianError
from appliance.mail.account import PORTS, Account, Security
from appliance.mail.compose import address_in
from appliance.policy.requests import Reply, Verdict

PERMANENT = 500
UNKNOWN_TO_IT = frozenset({530, 535, 538})
"""The server wants to know who sends, whatever the notice (RFC 4954, 6)."""

_STRANGER = re.compile(r"\brelay|\blog ?in\b|authenticat", re.IGNORECASE)
"""How servers say that they take mail for others from their own users alone (a bare 550, 554)."""


class _Plain(smtplib.SMTP):
    """Not connected yet, so that it can be aborted while it connects; knows whom it will meet."""

    def __init__(self, account: Account, name: str) -> None:
        super().__init__(timeout=account.timeout_s, local_hostname=name)
        self._host = account.server  # what STARTTLS holds the certificate against


class _Tls(smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""

    def __init__(self, account: Account, name: str, trust: ssl.SSLContext) -> None:
        super().__init__(timeout=account.timeout_s, local_hostname=name, context=trust)
        self._host = account.server


class Server:
    """Sends one message a connection; `abort` ends a try from another thread."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._connection: smtplib.SMTP | None = None

    def send(self, message: EmailMessage, to: str) -> Reply:
        """Try once; never raises for what the network, the server or the account may do."""
        try:
            data = message.as_bytes()
        except ValueError as error:
            return Reply(Verdict.REFUSED, f"it cannot be written: {_one_line(error)}")
        try:
            return self._try(data, to)
        except smtplib.SMTPAuthenticationError as error:
            return Reply(_of_server(error.smtp_code), f"password refused: {_said(error)}")
        except smtplib.SMTPResponseException as error:  # the banner, or EHLO
            return Reply(_of_server(error.smtp_code), _said(error))
        except (smtplib.SMTPNotSupportedError, ssl.SSLError, TechnicianError) as error:
            return Reply(Verdict.MISSET, _one_line(error))
        except (smtplib.SMTPException, OSError) as error:
            return Reply(Verdict.AWAY, _one_line(error) or type(error).__name__)
        finally:
            self._close()

    def abort(self) -> None:
        """Break a try off: whoever waits in it goes on at once."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _try(self, data: bytes, to: str) -> Reply:
        connection = self._connected()
        if self._account.user:
            _log_in(connection, self._account.user, self._password())
        sender = address_in(self._account.sender)
        return _hand_over(connection, sender, to, data)

    def _connected(self) -> smtplib.SMTP:
        """Connect and say hello, protected as configured."""
        account, security = self._account, self._account.security
        name = "centralino.localdomain"  # RFC 5321, 4.1.4: a client may not know its own name
        if security is Security.TLS:
            connection: smtplib.SMTP = _Tls(account, name, self._trust())
        else:
            connection = _Plain(account, name)
        self._connection = connection
        code, said = connection.connect(account.server, account.port or PORTS[security])
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        connection.ehlo_or_helo_if_needed()
        if security is Security.STARTTLS:
            code, said = connection.starttls(context=self._trust())
            if code != 220:
                raise smtplib.SMTPNotSupportedError(f"STARTTLS refused: {code} {_text(said)}")
            connection.ehlo()
        return connection

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._account.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise TechnicianError(
                f"the certificates in {self._account.ca_file} cannot be read ({error})"
            ) from error

    def _password(self) -> str:
        path = Path(self._account.password_file)
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = (
                f"[Errno {error.errno}] {error.strerror}"
                if isinstance(error, OSError)
                else "it is not UTF-8 text"
            )
            raise TechnicianError(f"the password file {path} cannot be read: {why}") from error

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException, CentralinoError):
                connection.close()


def _log_in(connection: smtplib.SMTP, user: str, password: str) -> None:
    """Log in; that there is no way to do so is the technician's move."""
    try:
        connection.login(user, password)
    except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
        raise
    except UnicodeError as error:
        raise TechnicianError("the password holds letters beyond ASCII: choose another") from error
    except smtplib.SMTPException as error:
        raise TechnicianError(f"the server takes no password: {_one_line(error)}") from error


def _hand_over(connection: smtplib.SMTP, sender: str, to: str, data: bytes) -> Reply:
    """Say MAIL, RCPT and DATA; what is said from here on concerns this notice alone."""
    try:
        code, said = connection.mail(sender)
        if code != 250:
            verdict = Verdict.MISSET if code >= PERMANENT else Verdict.LATER
            return Reply(verdict, f"sender {sender}: {code} {_text(said)}")
        code, said = connection.rcpt(to)
        if code not in {250, 251}:
            verdict = _of_notice(code, _text(said))
            return Reply(verdict, f"recipient {to}: {code} {_text(said)}")
        code, said = connection.data(data)
    except smtplib.SMTPDataError as error:
        return Reply(_of_notice(error.smtp_code, _said(error)), _said(error))
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        # The server may have taken it: the next try has the same Message-ID.
        return Reply(Verdict.LATER, f"broken off: {_one_line(error) or type(error).__name__}")
    if code != 250:
        return Reply(_of_notice(code, _text(said)), f"{code} {_text(said)}")
    with contextlib.suppress(OSError, smtplib.SMTPException):
        connection.docmd("QUIT")
    return Reply(Verdict.SENT, f"{code} {_text(said)}")


def _of_server(code: int) -> Verdict:
    """Judge an answer before the notice is named: it concerns every notice."""
    return Verdict.MISSET if code >= PERMANENT else Verdict.AWAY


def _of_notice(code: int, said: str) -> Verdict:
    """Judge an answer to a recipient or a text; to be no customer is not the recipient's fault."""
    if code in UNKNOWN_TO_IT or (code >= PERMANENT and _STRANGER.search(said)):
        return Verdict.MISSET
    return Verdict.REFUSED if code >= PERMANENT else Verdict.LATER


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(said: bytes | str) -> str:
    """Read what a server said, as one line of bounded length."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:300]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
