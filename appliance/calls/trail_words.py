"""What happened in a call, as the front desk says it: made of the codes of its trail (E22).

A code that concerns lines, sound or phones' ways is the technician's: here it has no words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.calls.call_words import WHY_RETURNED
from appliance.calls.callback import WANTED
from appliance.calls.orders import CallRecord
from appliance.calls.transfer_call import Cause
from appliance.policy.office import Code, sentence
from appliance.policy.text import NOTHING, Words

Names = Mapping[str, str]
"""Offices' names by code, those of their needs by "office.need"."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, and when, where the call's record has that."""

    words: Words
    at: datetime | None = None


_PLAIN: Final[Mapping[str, Words]] = {
    "rang": Words("Squilla", "It rings"),
    "waiting": Words("Attende un operatore", "Waits for an operator"),
    "waited": Words("Ha atteso invano", "Has waited in vain"),
    "held": Words("In attesa", "Held"),
    "talking": Words("In conversazione", "Talking"),
    "rings_back": Words(
        "Era stato cercato da qui: richiama", "Had been called from here: rings back"
    ),
    "callback_offered": Words("Può farsi richiamare", "May ask to be called back"),
    WANTED: Words("Chiede di essere richiamato", "Asks to be called back"),
    "operator_left": Words("L'operatore ha chiuso", "The operator hung up"),
    "operator_lost": Words(
        "Il telefono dell'operatore non risponde più", "The operator's phone is gone"
    ),
    "transfer.attended": Words(
        "L'operatore parla con l'ufficio", "The operator talks with the office"
    ),
    "return.waiting": Words("Ritorno in attesa", "Return waiting"),
    "return.offer": Words(
        "Può attendere o lasciare un messaggio", "May wait or leave a message"
    ),
    "return.left_words": Words("Lascia un messaggio", "Leaves a message"),
    "head.no_answer": Words("Il responsabile non risponde", "The head does not answer"),
    "head.called_off": Words("Il responsabile non serve più", "The head is called off"),
    "greeting": Words("Ascolta la segreteria", "Hears the voicemail"),
    "recording": Words("Lascia un messaggio", "Leaves a message"),
    "stored": Words("Messaggio registrato", "Message stored"),
    "store.failed": Words("Messaggio non registrato", "Message not stored"),
    "store.full": Words(
        "Nessun messaggio: la memoria è piena", "No message: the memory card is full"
    ),
    "taken": Words("Presa da un altro apparecchio", "Taken by another telephone"),
    "interrupted": Words("Interrotta", "Interrupted"),
    "fault": Words("Errore interno del centralino", "Internal fault of the box"),
    "ended": Words("Finita", "Ended"),
}  # fmt: skip
_OUT: Final[Mapping[str, Words]] = {
    "no_answer": Words("{who}: non risponde", "{who}: no answer"),
    "busy": Words("{who}: occupato", "{who}: busy"),
    "declined": Words("{who}: non prende la chiamata", "{who}: does not take the call"),
    "redirected": Words("{who}: non prende la chiamata", "{who}: does not take the call"),
    "unreachable": Words("{who}: non raggiungibile", "{who}: unreachable"),
    "away": Words("{who}: assente", "{who}: away"),
}
"""What became of a position, or of all of a group, that rang."""
_GROUPS: Final[Mapping[str, Words]] = {
    "switchboard": Words("Centralino", "Switchboard"),
    "citizens_desk": Words("Sportello Cittadini", "Citizens' counter"),
    "branch": Words("L'altra sede", "The other branch"),
}
_BRANCHES: Final[Mapping[str, Words]] = {
    "busy": Words("Tutti occupati: passa a {who}", "All are busy: goes on to {who}"),
    "no_answer": Words("Non risponde nessuno: passa a {who}", "Nobody answers: goes on to {who}"),
    "unattended": Words("Non presidiato: passa a {who}", "Unattended: goes on to {who}"),
    "unreachable": Words(
        "Nessuno è raggiungibile: passa a {who}", "Nobody can be reached: goes on to {who}"
    ),
    "closed": Words("Chiuso: passa a {who}", "Closed: goes on to {who}"),
}
"""Why a caller was handed over to another branch."""
_FROM_BRANCH: Final = Words("Arriva da {who}", "Comes from {who}")
_RINGS: Final = Words("Squilla: {who}", "Rings: {who}")
_ANSWERS: Final = Words("Risponde: {who}", "Answers: {who}")
_SHEET: Final = Words("Ascolta la scheda {who}", "Hears the sheet {who}")
_LANGUAGES: Final[Mapping[str, Words]] = {
    "it": Words("Sceglie l'italiano", "Chooses Italian"),
    "en": Words("Sceglie l'inglese", "Chooses English"),
}
_REQUEST: Final = Words("Presa in carico: richiesta {who}", "Taken over: request {who}")
_BY_PHONE: Final[Mapping[str, Words]] = {
    "ring": _RINGS, "answered": _ANSWERS, "picked_up": _ANSWERS, "sheet": _SHEET,
}  # fmt: skip
_RETURNS_TO: Final = Words("Ritorno: risponde {who}", "Return: {who} answers")
_RETURN_RINGS: Final = Words("Ritorno: squilla {who}", "Return: {who} rings")
_HEAD_RINGS: Final = Words("Si chiama il responsabile", "The head is being called")
_HEAD_JOINS: Final = Words("Il responsabile partecipa", "The head joins in")
_HEAD_TAKES: Final = Words("Il responsabile prende la chiamata", "The head takes the call over")
_HEAD_LEFT: Final = Words("Il responsabile ha chiuso", "The head hung up")
_OF_THE_HEAD: Final[Mapping[str, Words]] = {
    "ring": _HEAD_RINGS, "answered": _HEAD_JOINS, "takes_over": _HEAD_TAKES, "left": _HEAD_LEFT,
}  # fmt: skip
_SENT: Final = Words("Trasferimento: {who}", "Transfer: {who}")
_TAKES: Final = Words("{who} ha preso la chiamata", "{who} has taken the call")
_BACK: Final = Words("Ritorno: {who}", "Return: {who}")
MOVES: Final = frozenset(("transfer", "transferred", "returned"))
"""First words of the codes of a transfer and its return."""
_NOT_NOW: Final = Words("{who}: non trasferibile in quel momento", "{who}: no transfer just then")
_WARNED: Final = Words("{who}: da tempo non risponde", "{who}: has not answered of late")


def path_of(record: CallRecord, names: Names) -> tuple[Step, ...]:
    """Say what happened, oldest first; the same twice in a row is said once."""
    times = _times(record)
    found: list[Step] = []
    for number, code in enumerate(record.trail):
        words, at = _said(code, names), times.get(number)
        if words is None:
            continue
        if found and found[-1].words == words:
            found[-1] = Step(words, found[-1].at or at)
        else:
            found.append(Step(words, at))
    return tuple(found)


def transfers_of(record: CallRecord, names: Names) -> tuple[Words, ...]:
    """Say to which offices a call was sent, who took it and what came back, in that order."""
    codes = (code for code in record.trail if code.partition(".")[0] in MOVES)
    return tuple(words for code in codes for words in _transfer(code, names))


def _times(record: CallRecord) -> dict[int, datetime]:
    """Place the three moments that a record has beside the codes that were noted with them."""
    placed = {0: record.rang_at}
    answers = [n for n, code in enumerate(record.trail) if _is_answer(code)]
    if answers and record.answered_at:
        placed[answers[-1]] = record.answered_at  # each answer is written over the one before
    if record.ended_at and "ended" in record.trail:
        placed[record.trail.index("ended")] = record.ended_at
    return placed


def _is_answer(code: str) -> bool:
    return code in {"talking", "greeting"} or code.startswith("answered.")


def _said(code: str, names: Names) -> Words | None:
    """Return the words of one code, None for what concerns nobody at the front desk."""
    if code in _PLAIN:
        return _PLAIN[code]
    first, _, rest = code.partition(".")
    if first == "route":
        return _route(rest)
    if first == "return":
        return _of_a_return(rest)
    if first == "head":
        return _of_the_head(rest)
    if first == "branch":
        return _of_a_branch(rest, names)
    if first in {"transfer", "transferred", "returned", "transfer_refused", "transfer_warned"}:
        return next(_transfer(code, names), None)
    return _of_a_phone(first, rest)


def _route(code: str) -> Words | None:
    """Say why it goes that way; what the line is able to is not the front desk's matter."""
    if code.startswith("line.") or code not in set(Code):
        return None
    return sentence(Code(code), NOTHING)


def _of_a_phone(first: str, who: str) -> Words | None:
    if first in _OUT and who:
        group = _GROUPS.get(who)
        return _both(_OUT[first], group or Words(who, who))
    if first == "language":
        return _LANGUAGES.get(who)
    if first == "request":
        stored = who.startswith("stored.")
        return _about(_REQUEST, who.removeprefix("stored.")) if stored else None
    return _about(_BY_PHONE[first], who.replace(",", ", ")) if first in _BY_PHONE else None


def _of_a_return(rest: str) -> Words | None:
    what, _, who = rest.partition(".")
    if what == "answered":
        return _about(_RETURNS_TO, who)
    if what == "ring":
        return _about(_RETURN_RINGS, who.replace(",", ", "))
    return _about(_OUT[what], who) if what in _OUT else None


def _of_a_branch(rest: str, names: Names) -> Words | None:
    match rest.split("."):
        case ["from", *origin]:
            return _about(_FROM_BRANCH, ".".join(origin))
        case [why, unit, need] if why in _BRANCHES:
            return _about(_BRANCHES[why], office_words(unit, need, names))
    return None


def _of_the_head(rest: str) -> Words | None:
    return _OF_THE_HEAD.get(rest.partition(".")[0])


def _transfer(code: str, names: Names) -> Iterator[Words]:
    match code.split("."):
        case ["transfer", unit, need, _why, _way]:
            yield _about(_SENT, office_words(unit, need, names))
        case ["transferred", unit]:
            yield _about(_TAKES, names.get(unit, unit))
        case ["returned", unit, cause]:
            office = names.get(unit, unit)
            yield _both(_BACK, _because(office, returned_words(cause)))
        case ["transfer_refused", unit, need, *_]:
            yield _about(_NOT_NOW, office_words(unit, need, names))
        case ["transfer_warned", unit, need]:
            yield _about(_WARNED, office_words(unit, need, names))


def office_words(unit: str, need: str, names: Names) -> str:
    """Name an office and a need of it."""
    shown = names.get(f"{unit}.{need}", need)
    return " · ".join(filter(None, (names.get(unit, unit), shown)))


def returned_words(cause: str) -> Words:
    """Say why a transfer came back; nothing for a cause that nobody knows any more."""
    return WHY_RETURNED[Cause(cause)] if cause in set(Cause) else NOTHING


def _because(office: str, why: Words) -> Words:
    return Words(*(", ".join(filter(None, (office, each))) for each in (why.it, why.en)))


def _about(template: Words, who: str) -> Words:
    return _both(template, Words(who, who))


def _both(template: Words, who: Words) -> Words:
    return Words(template.it.format(who=who.it), template.en.format(who=who.en))
