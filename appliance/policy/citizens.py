"""Who asks something of an office, and how they can be reached (E15)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.policy.words import SaidError, Words


class Contact(enum.StrEnum):
    """How the citizen prefers to be reached."""

    PHONE = "phone"
    EMAIL = "email"


NO_NAME = Words(
    "Manca il nome dell'utente: chiederlo.", "the citizen's name is missing: ask for it"
)
NO_CONTACT = Words(
    "L'utente non ha lasciato recapiti: chiedere un numero o un'e-mail.",
    "there is no way to reach the citizen: ask for a number or an e-mail",
)
_NONE_LEFT = {
    Contact.PHONE: Words(
        "L'utente preferisce il telefono, ma non ha lasciato un numero: chiederlo.",
        "the citizen prefers phone and has left none: ask for it",
    ),
    Contact.EMAIL: Words(
        "L'utente preferisce l'e-mail, ma non ha lasciato un indirizzo: chiederlo.",
        "the citizen prefers email and has left none: ask for it",
    ),
}


@dataclass(frozen=True, slots=True)
class Citizen:
    """Who asks. `spoken`: name and contact are in the caller's own recorded words.

    Raises OfficeError without a name or any contact (E15), unless they are spoken.
    """

    name: str
    phone: str = ""
    email: str = ""
    prefers: Contact = Contact.PHONE
    language: str = "it"
    spoken: bool = False

    def __post_init__(self) -> None:
        if self.email and "@" not in self.email:
            raise SaidError(
                Words(
                    f"«{self.email}» non è un indirizzo e-mail: farselo dettare di nuovo.",
                    f"{self.email!r} is no e-mail address: have it spelt",
                )
            )
        if self.spoken:
            return
        if not self.name.strip():
            raise SaidError(NO_NAME)
        if not (self.phone or self.email):
            raise SaidError(NO_CONTACT)
        if not getattr(self, self.prefers):
            raise SaidError(_NONE_LEFT[self.prefers])
