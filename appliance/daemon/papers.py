"""What the protocol office files of a request: its e-mails as they left, and all of it on paper.

E15. No link that closes a request stands in any of them, and in no PDF a number that is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from appliance.config.build import labels
from appliance.config.schema import Settings, Site
from appliance.mail.letter import compose, is_address
from appliance.paper.document import Document, Part
from appliance.paper.request_letter import Letterhead, Names, RequestLetter
from appliance.policy.directory import Register, all_known
from appliance.policy.directory_review import mask_declared
from appliance.policy.hours import moment_words
from appliance.policy.numbering import Plan
from appliance.policy.office import Office
from appliance.policy.requests import MAILS, Letter, without_secrets
from appliance.policy.text import SaidError, Words
from appliance.store import sheets, users
from appliance.store.requests import Due, StoredRequest, said_in
from appliance.store.requests import StoredNotice as KeptMail

if TYPE_CHECKING:
    import sqlite3

NOBODY = "centralino@centralino.invalid"
"""Who writes where no sender is configured yet (RFC 2606, 2)."""
NO_KEY = Words(
    "I numeri della rubrica non si possono leggere: non si sa quali non vanno scritti nel PDF. "
    "Il tecnico rimetta al suo posto la chiave register.key; l'e-mail si può scaricare com'è.",
    "The register's numbers cannot be read: nobody can tell which may not stand in the PDF. The "
    "technician puts the key register.key back; the e-mail can be downloaded as it is.",
)
_FROM, _TO = Words("Da", "From"), Words("A", "To")
_SUBJECT, _DATE = Words("Oggetto", "Subject"), Words("Data", "Date")
_STATE = Words("Stato", "State")
_ID = Words("Identificativo", "Message-ID")
_TEXT = Words("Testo", "Text")
_ATTACHED = Words("Allegati", "Attachments")
_OF = Words("E-mail della richiesta {n}", "E-mail of request {n}")
_INVITATION = Words("invito a calendario", "calendar invitation")


@dataclass(frozen=True, slots=True)
class Papers:
    """Writes them for one house; `folder` holds what is attached, `labels` name positions.

    `to_head` is the address of the head of the front desk.
    """

    head: Letterhead
    sender: str
    to_head: str
    folder: Path
    plan: Plan
    labels: Mapping[str, str]

    def eml(self, kept: KeptMail, references: tuple[str, ...]) -> bytes:
        """Write an e-mail as it leaves; raises OfficeError."""
        mail = replace(kept.mail, body=without_secrets(kept.mail.body))
        letter = Letter(mail, kept.message_id, references, kept.queued_at)
        return compose(letter, self.sender, self._to(kept), self.folder).as_bytes()

    def mail_document(self, kept: KeptMail, request: int, register: Register) -> Document:
        """Lay an e-mail out on paper, with what became of it; raises OfficeError."""
        hide, say = self._hiding(register), self._say
        title = f"{self.head.house} – {say(_OF).format(n=request)}"
        facts = tuple((say(label), hide(value)) for label, value in self._mail_facts(kept) if value)
        body = Part(say(_TEXT), text=hide(without_secrets(kept.mail.body)))
        return Document(
            language=self.head.language,
            house=self.head.house,
            title=title,
            subject=say(_OF).format(n=request),
            contacts=self.head.contacts,
            parts=(Part("", facts), body),
        )

    def request_document(
        self, kept: StoredRequest, due: Due, register: Register, names: Names
    ) -> Document:
        """Lay a request with all that became of it out on paper; raises OfficeError."""
        hide = self._hiding(register)
        return RequestLetter(self.head, register, names, hide).document(kept, due)

    def names(self, connection: sqlite3.Connection) -> Names:
        """Read what people and sheets are called."""
        people = {user.name: user.shown for user in users.everybody(connection) if user.shown}
        titles = {sheet.code: sheet.title for sheet in sheets.all_sheets(connection)}
        return Names({**people, **self.labels}, titles)

    def _hiding(self, register: Register) -> Callable[[str], str]:
        if not all_known(register):
            raise SaidError(NO_KEY)
        return lambda text: mask_declared(text, register, self.plan)

    def _mail_facts(self, kept: KeptMail) -> Iterator[tuple[Words, str]]:
        settled = self._moment(kept.settled_at) if kept.settled_at else ""
        state = ", ".join(filter(None, (self._say(MAILS[kept.state]), settled)))
        attached = [Path(name).name for name in kept.mail.attachments]
        if kept.mail.calendar:
            attached.append(self._say(_INVITATION))
        yield _FROM, self.sender
        yield _TO, self._to(kept)
        yield _SUBJECT, kept.mail.subject
        yield _DATE, self._moment(kept.queued_at)
        yield _ID, kept.message_id
        yield _STATE, state
        yield _ATTACHED, ", ".join(attached)

    def _say(self, words: Words) -> str:
        return said_in(words, self.head.language)

    def _to(self, kept: KeptMail) -> str:
        return kept.mail.to if is_address(kept.mail.to) else self.to_head or NOBODY

    def _moment(self, at: datetime) -> str:
        return moment_words(at.astimezone(self.head.zone), self.head.language)


def contacts(site: Site, numbers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of a letterhead below the house's name."""
    called = f"Tel. {' · '.join(dict.fromkeys(numbers))}" if numbers else ""
    return tuple(line for line in (site.address, site.email, called) if line)


def papers_of(settings: Settings, office: Office) -> Papers:
    """Return what writes the papers of a configuration."""
    site, mail = settings.site, settings.mail
    return Papers(
        Letterhead(
            site.name,
            contacts(site, office.public_numbers),
            site.languages[0],
            ZoneInfo(site.zone),
        ),
        mail.sender or NOBODY,
        mail.head,
        Path(settings.folders.state),
        office.outgoing.plan,
        labels(settings.phones),
    )
