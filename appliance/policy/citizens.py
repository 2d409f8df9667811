"""Who asks something of an office, and how they can be reached (E15)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.errors import OfficeError


class Contact(enum.StrEnum):
    """How the citizen prefers to be reached."""

    PHONE = "phone"
    EMAIL = "email"


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
            raise OfficeError(f"{self.email!r} is no e-mail address: have it spelt")
        if self.spoken:
            return
        if not self.name.strip():
            raise OfficeError("the citizen's name is missing: ask for it")
        if not (self.phone or self.email):
            raise OfficeError("there is no way to reach the citizen: ask for a number or an e-mail")
        if not getattr(self, self.prefers):
            raise OfficeError(f"the citizen prefers {self.prefers} and has left none: ask for it")
