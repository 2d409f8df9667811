"""What the protocol office files of a request: its e-mails as they left, e-mails and itself as PDF.

E15. No link that closes a request stands in any of them, and in no PDF a number that is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from appliance.daemon.settings import Settings
from appliance.mail.compose import compose, is_address
from appliance.policy.done_link import without_secrets
from appliance.policy.numbering import Plan
from appliance.policy.outbox import Letter
from appliance.policy.register.register import Register, all_known
from appliance.policy.request_words import MAILS
from appliance.policy.undisclosed import masked
from appliance.policy.words import SaidError, Words
from appliance.records import request_paper
from appliance.records.outbox import Kept as KeptMail
from appliance.records.request_listing import Due, said_in
from appliance.records.request_rows import Kept

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
_ATTACHED = Words("Allegati", "Attachments")
_OF = Words("E-mail della richiesta {n}", "E-mail of request {n}")
_INVITATION = Words("invito a calendario", "calendar invitation")


@dataclass(frozen=True, slots=True)
class Papers:
    """Writes them for one house; `folder` holds what is attached."""

    house: str
    language: str
    zone: ZoneInfo
    sender: str
    head: str
    folder: Path
    plan: Plan

    def eml(self, kept: KeptMail, references: tuple[str, ...]) -> bytes:
        """Write an e-mail as it leaves; raises OfficeError."""
        mail = replace(kept.mail, body=without_secrets(kept.mail.body))
        letter = Letter(mail, kept.message_id, references, kept.queued_at)
        return compose(letter, self.sender, self._to(kept), self.folder).as_bytes()

    def mail_pdf(self, kept: KeptMail, request: int, register: Register) -> bytes:
        """Write an e-mail on paper, with what became of it; raises OfficeError."""
        hide = self._hiding(register)
        rows = [hide(row) for row in self._mail_rows(kept)]
        title = f"{self.house} – {said_in(_OF, self.language).format(n=request)}"
        return _pdf(title, rows)

    def request_pdf(self, kept: Kept, due: Due, register: Register) -> bytes:
        """Write a request with all that became of it on paper; raises OfficeError."""
        title = request_paper.title(kept, self.house, self.language)
        hide = self._hiding(register)
        rows = request_paper.rows(kept, self.language, self.zone, due, hide, register)
        return _pdf(title, rows)

    def _hiding(self, register: Register) -> Callable[[str], str]:
        if not all_known(register):
            raise SaidError(NO_KEY)
        return lambda text: masked(text, register, self.plan)

    def _mail_rows(self, kept: KeptMail) -> Iterator[str]:
        settled = self._moment(kept.settled_at) if kept.settled_at else ""
        state = " ".join(filter(None, (said_in(MAILS[kept.state], self.language), settled)))
        attached = [Path(name).name for name in kept.mail.attachments]
        if kept.mail.calendar:
            attached.append(said_in(_INVITATION, self.language))
        for label, value in (
            (_FROM, self.sender),
            (_TO, self._to(kept)),
            (_SUBJECT, kept.mail.subject),
            (_DATE, self._moment(kept.queued_at)),
            (Words("Message-ID", "Message-ID"), kept.message_id),
            (_STATE, state),
            (_ATTACHED, ", ".join(attached)),
        ):
            if value:
                yield f"{said_in(label, self.language)}: {value}"
        yield ""
        yield without_secrets(kept.mail.body)

    def _to(self, kept: KeptMail) -> str:
        return kept.mail.to if is_address(kept.mail.to) else self.head or NOBODY

    def _moment(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%d/%m/%Y %H:%M}"


def papers_of(settings: Settings, plan: Plan) -> Papers:
    """Return what writes the papers of a configuration; `plan` is the country's numbering."""
    site, mail = settings.site, settings.mail
    return Papers(
        site.name,
        site.languages[0],
        ZoneInfo(site.zone),
        mail.sender or NOBODY,
        mail.head,
        Path(settings.folders.state),
        plan,
    )


def _pdf(title: str, rows: list[str] | tuple[str, ...]) -> bytes:
    from appliance.mail import paper  # here: its library is wanted when somebody files something

    return paper.pdf(title, rows)
