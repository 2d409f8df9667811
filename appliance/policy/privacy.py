"""Erasure and handover of personal data."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.policy.hours import moment_words
from appliance.policy.numbering import HOME, NumberClass, Plan
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import PERMISSIONS, Permission, User, permissions_of

# ---- erasure words -----------------------------------------------------------------------------
# What an erasure by the head says, before and after (E20).

PREVIEW: Final = Words(
    "Sparirebbero (nulla è stato toccato): {}.", "This would go (nothing was touched): {}."
)
DONE: Final = Words("Cancellato: {}.", "Erased: {}.")
COUNTS: Final = Words(
    "chiamate {calls} (restano senza persona), messaggi {messages}, prese in carico {requests}, "
    "e-mail in coda o tenute {mails}, testi che citano il numero {texts}, file trovati {files}",
    "{calls} calls (they stay without the person), {messages} messages, {requests} requests, "
    "{mails} e-mails queued or kept, {texts} texts that name the number, {files} stray files",
)
OPEN: Final = Words(
    "Prese in carico non chiuse: {}. Vanno chiuse prima, o insieme alla cancellazione.",
    "Requests not closed: {}. They are closed before, or with the erasure.",
)
CANCELLING: Final = Words(
    "Chiudendole insieme l'ufficio riceve l'annullamento dell'appuntamento, senza i dati "
    "dell'utente: presa in carico {}.",
    "Closed with it, the office is sent the appointment's cancellation, without the "
    "citizen's data: request {}.",
)
CANCELLED: Final = Words(
    "All'ufficio parte l'annullamento dell'appuntamento, senza i dati dell'utente: presa in carico "
    "{}.",
    "The office is sent the appointment's cancellation, without the citizen's data: request {}.",
)
LETTER_SUBJECT: Final = Words(
    "Appuntamento annullato: [Richiesta {}]", "Appointment cancelled: [Request {}]"
)
LETTER: Final = Words(
    "L'appuntamento della richiesta {number}, {at}, è annullato: non c'è altro da fare.\n"
    "I dati dell'utente sono stati cancellati: eliminare anche l'e-mail e l'invito ricevuti.\n",
    "The appointment of request {number}, {at}, is cancelled: nothing more is to be done.\n"
    "The citizen's data were erased: delete the e-mail and the invitation you received, too.\n",
)
MAILED: Final = Words(
    "Già spedite, e non richiamabili (chi le ha ricevute va avvertito):",
    "Mailed already, and not to be called back (tell who has them):",
)
MAIL: Final = Words("  {at}  {to}  presa in carico {request}", "  {at}  {to}  request {request}")
OTHER_MAIL: Final = Words("  {at}  {to}", "  {at}  {to}")
NO_ADDRESS: Final = Words("(destinatario già scaduto)", "(recipient past its time)")
SET_ASIDE: Final = Words(
    "In {} stanno archivi guasti messi da parte, che possono contenerlo ancora: eliminarli.",
    "Damaged records that were set aside lie in {} and may still hold it: delete them.",
)
NOT_CUT: Final = Words(
    "Qualcuno sta leggendo gli archivi e il loro registro non si è potuto accorciare: chiudere gli "
    "altri comandi e ripetere questo, che lo accorcia.",
    "Somebody reads the records and their log could not be cut: end the other commands and say "
    "this again, which cuts it.",
)
BACKUPS: Final = Words(
    "Nelle copie di sicurezza resta fino alla loro prossima rotazione.",
    "In backups it stays until their next rotation.",
)


def both(*texts: Words) -> Words:
    """Put texts one below the other."""
    return Words("\n".join(t.it for t in texts), "\n".join(t.en for t in texts))


def filled(words: Words, *values: object, **named: object) -> Words:
    """Put values, Words among them, into a text of both languages."""
    return Words(
        words.it.format(*_of(values, "it"), **named), words.en.format(*_of(values, "en"), **named)
    )


def mail(at: datetime, to: str, request: int) -> Words:
    """Say of one e-mail when (local time) it left, to whom and for which request (0: for none)."""
    words = MAIL if request else OTHER_MAIL
    it, en = (to or NO_ADDRESS.it), (to or NO_ADDRESS.en)
    return Words(
        words.it.format(at=moment_words(at, "it"), to=it, request=request),
        words.en.format(at=moment_words(at, "en"), to=en, request=request),
    )


def _of(values: tuple[object, ...], language: str) -> list[object]:
    return [getattr(value, language) if isinstance(value, Words) else value for value in values]


# ---- handover ----------------------------------------------------------------------------------
# Handing over to a colleague, or to all, what one has taken (E19): what may be given, and to whom.
#
# A position is not a person: what was taken on a phone is of the position, and whoever sits there
# hands it over with their own.


class Kind(enum.StrEnum):
    """What can be handed over."""

    MESSAGE = "message"
    CALL = "call"  # one that left no message
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing, by its short number."""

    kind: Kind
    number: int


NEEDS: Final[Mapping[Kind, Permission]] = {
    Kind.MESSAGE: Permission.MESSAGES,
    Kind.CALL: Permission.MESSAGES,
    Kind.REQUEST: Permission.REQUESTS,
}
"""What whoever gives, and whoever is given to, must be allowed to do."""
TO_ALL: Final = ""
"""Given to nobody: whoever wants takes it."""
NOTHING_CHOSEN: Final = Words(
    "Non è stato scelto niente da consegnare.", "Nothing was chosen to hand over."
)
NOBODY_KNOWN: Final = Words(
    "Chi consegna deve essere un utente del programma.",
    "Whoever hands over must be a user of the programme.",
)
NO_COLLEAGUE: Final = Words(
    "Quel collega non c'è, o non può più entrare: sceglierne un altro.",
    "There is no such colleague, or they may not log in any more: choose another.",
)
_MAY_NOT: Final = Words(
    "{who} non può {what}: scegliere un altro collega, o consegnare a tutti.",
    "{who} is not allowed {what}: choose another colleague, or hand over to all.",
)


def check(items: Collection[Item], giver: User | None, taker: User | None, to: str) -> None:
    """Refuse what cannot be handed over; raises SaidError. `taker` is the user named `to`."""
    if not items:
        raise SaidError(NOTHING_CHOSEN)
    if giver is None or not giver.can_log_in:
        raise SaidError(NOBODY_KNOWN)
    _check_rights(items, giver)
    if to == TO_ALL:
        return
    if taker is None or not taker.can_log_in:
        raise SaidError(NO_COLLEAGUE)
    _check_rights(items, taker)


def may_be_given(kind: Kind, holder: str, giver: str, position: str, to: str) -> bool:
    """Tell whether something is `giver`'s to give, by name or by the position they sit at.

    A request that nobody follows may be taken by whoever gives it to themselves.
    """
    if not holder:
        return kind is Kind.REQUEST and to == giver
    return holder in {giver, position} and holder != to


def done(given: int, left: int, to: str) -> Words:
    """Say how many were handed over to whom (the name that people know), and how many were not."""
    it, en = (to or "tutti", to or "all")
    stay = Words(f" Non più sue, restano dove sono: {left}.", f" Not yours any more, left: {left}.")
    return Words(
        f"Consegnate a {it}: {given}.{stay.it if left else ''}",
        f"Handed over to {en}: {given}.{stay.en if left else ''}",
    )


def _check_rights(items: Collection[Item], user: User) -> None:
    allowed = permissions_of(user.roles)
    for item in items:
        if (needed := NEEDS[item.kind]) not in allowed:
            what = PERMISSIONS[needed]
            it = _MAY_NOT.it.format(who=user.shown, what=what.it)
            raise SaidError(Words(it, _MAY_NOT.en.format(who=user.shown, what=what.en)))


# ---- same number -------------------------------------------------------------------------------
# One telephone number in all the ways it is written: with the country's code or without, spaced.
#
# What erases a citizen's number must find it as it was typed, stored and told (E20); who calls
# again is known however the exchange sent the number, and however it was taken down (E9, E17).

LEAST_DIGITS: Final = 5
"""A shorter number stands by chance in many a text."""
GONE: Final = "[…]"
"""What stands in a text where a number was."""
TAIL: Final = 6
"""So many last digits are the same in all the ways a number is written."""
LEAST_PART: Final = 4
"""So many digits of a number's beginning or end are worth a search."""
_BETWEEN: Final = r"[\s./()–-]*"


def canonical(number: str, plan: Plan = HOME) -> str:
    """Return a number as it is dialled inside the country, so that two can be compared.

    An exchange may send the country's code without its sign, or leave a leading zero out: what is
    a number of the plan only with that mended is mended.
    """
    national = plan.national(number.strip())
    bare = plan.trunk + national.removeprefix(plan.code)
    for digits in (national, bare, "0" + bare, "0" + national):
        if plan.classify(digits) is not NumberClass.NONE:
            return digits
    return national


def are_same(one: str, other: str, plan: Plan = HOME) -> bool:
    """Tell whether two numbers are one, however each is written; none is nobody's."""
    return bool(one and other) and canonical(one, plan) == canonical(other, plan)


def is_like(written: str, typed: str, plan: Plan = HOME) -> bool:
    """Tell whether a number is the one that was typed, or begins or ends with its digits.

    However each is written, with the country's code or without; of fewer than four digits only
    the whole number is found. For searches by people alone: two numbers with one end are not one.
    """
    if are_same(written, typed, plan):
        return True
    part, national = _digits(typed), canonical(written, plan)
    abroad = plan.code + national.removeprefix(plan.trunk)
    ways = (_digits(written), national, abroad, f"00{abroad}")
    found = any(way.startswith(part) or way.endswith(part) for way in ways)
    return bool(written) and len(part) >= LEAST_PART and found


def tail(number: str) -> str:
    """Return the last digits of a number: where they differ, it is another (see `are_same`)."""
    return _digits(number)[-TAIL:]


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


@dataclass(frozen=True, slots=True)
class SameNumber:
    """A number as it is dialled inside the country of `plan`; it is never printed."""

    plan: Plan
    national: str

    def __repr__(self) -> str:
        """Print no digit."""
        return "SameNumber(…)"

    def is_(self, written: str) -> bool:
        """Tell whether a whole field is this number."""
        if not written:
            return False
        as_it_stands = re.fullmatch(self._pattern, written.strip()) is not None
        return as_it_stands or canonical(written, self.plan) == self.national

    def is_in(self, text: str) -> bool:
        """Tell whether a text names it."""
        return self._in_text.search(text) is not None

    def without(self, text: str) -> str:
        """Return a text in which it is named no more."""
        return self._in_text.sub(GONE, text)

    def without_lines(self, text: str) -> str:
        """Return a text without the lines that name it: a name may stand beside it."""
        return "".join(line for line in text.splitlines(keepends=True) if not self.is_in(line))

    @property
    def digits(self) -> str:
        """The digits that every way of writing it has."""
        return self.national.removeprefix(self.plan.trunk)

    @property
    def _pattern(self) -> str:
        code = rf"(?:(?:\+|00)?{self.plan.code}{_BETWEEN})?"
        trunk = rf"(?:\(?{self.plan.trunk}{_BETWEEN})?" if self.plan.trunk else ""
        return rf"{code}{trunk}{_BETWEEN.join(self.digits)}"

    @property
    def _in_text(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\d){self._pattern}(?!\d)")


def same_number(typed: str, plan: Plan) -> SameNumber:
    """Read a number as a person types it; raises OfficeError for what is none."""
    found = SameNumber(plan, canonical(typed, plan))
    if not found.national.isdecimal() or len(found.digits) < LEAST_DIGITS:
        raise Refused(
            f"non è un numero di telefono di almeno {LEAST_DIGITS} cifre: "
            "si scrive come si compone, per esempio 051 598111 o +39 347 0000001",
            f"that is no telephone number of at least {LEAST_DIGITS} digits: "
            "write it as it is dialled, e.g. 051 598111 or +39 347 0000001",
        )
    return found
