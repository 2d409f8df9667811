"""A whole post room for tests: records on the disk, the mail thread, a server to send to."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from appliance.mail import MailSender, Security, SmtpAccount, SmtpServer, compose
from appliance.policy.mail import DeliveryReply, Mail, MailState, OutboxHealth, OutgoingMail
from appliance.service.mailroom import DatabaseOutbox
from appliance.store import outbox
from appliance.store.database import open_reader
from appliance.store.outbox import StoredMail
from appliance.store.writer import DatabaseWriter
from tests.helpers.mail_server import PASSWORD, USER, MailServer

LIMIT_S = 20.0
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def a_mail(key: str = "k1", to: str = "anagrafe@comune.example", **more: object) -> Mail:
    """Make a notice."""
    return replace(Mail(key, to, "Oggetto: città, perché è così alto?", "Testo\n"), **more)  # type: ignore[arg-type]  # by name


@dataclass
class Post:
    """Records and mail thread below `folder`; `replies` are what the tries came to."""

    folder: Path
    account: SmtpAccount
    replies: queue.SimpleQueue[DeliveryReply] = field(default_factory=queue.SimpleQueue)
    healths: list[OutboxHealth] = field(default_factory=list)

    def start(self) -> Post:
        """Start both."""
        self.records = DatabaseWriter(self.folder / "centralino.db", "b").start()
        self.server = SmtpServer(self.account)
        self.sender = MailSender(
            DatabaseOutbox(self.records), self._deliver, self.server.abort, self.healths.append
        ).start()
        return self

    def stop(self) -> None:
        """Stop both, the mail thread first."""
        self.sender.stop(LIMIT_S)
        self.records.stop(LIMIT_S)

    def queue(self, mail: Mail) -> None:
        """Keep a notice and wake the thread."""
        self.records.ask(lambda c: outbox.queue_mail(c, mail, AT, "comune.example"))
        self.sender.wake()

    def reply(self) -> DeliveryReply:
        """Wait for what the next try comes to."""
        return self.replies.get(timeout=LIMIT_S)

    def kept(self) -> tuple[StoredMail, ...]:
        """Read the outbox as a command would, once the last try has been written down."""
        self.records.ask(lambda _: None)
        with closing(open_reader(self.folder / "centralino.db")) as reader:
            return outbox.list_mails(reader)

    def settled(self, state: MailState, number: int = 1) -> StoredMail:
        """Wait until a notice is in a state: written down after each try."""
        self.until(lambda: self._one(number).state is state)
        return self._one(number)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, with a deadline."""
        deadline = time.monotonic() + LIMIT_S
        pause = threading.Event()
        while not holds():
            assert time.monotonic() < deadline, (self.kept(), self.healths)
            pause.wait(0.02)

    def _one(self, number: int) -> StoredMail:
        return next(kept for kept in self.kept() if kept.number == number)

    def _deliver(self, letter: OutgoingMail) -> DeliveryReply:
        message = compose(letter, self.account.sender, letter.mail.to, self.folder)
        reply = self.server.send(message, letter.mail.to)
        self.replies.put(reply)
        return reply


def account_at(
    server: MailServer, folder: Path, security: Security = Security.STARTTLS, **more: object
) -> SmtpAccount:
    """Make the right account at a server; vary it by keyword."""
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n")
    plain = security is Security.NONE
    account = SmtpAccount(
        server.address,
        "Centralino <centralino@comune.example>",
        security,
        server.tls_port if security is Security.TLS else server.port,
        "" if plain else USER,
        "" if plain else str(password),
        server.certificate,
        timeout_s=5.0,
    )
    return replace(account, **more)  # type: ignore[arg-type]  # by name
