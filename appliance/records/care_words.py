"""What is said of dealing with messages and missed calls, in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import Final

from appliance.policy.local_time import moment_words
from appliance.policy.messages import Care, Entry, MessageState, Outcome, Step
from appliance.policy.words import Words
from appliance.records.care import Kind
from appliance.records.listing import RESULTS, caller_words, columns, one
from appliance.records.missed import Missed

OUTCOMES: Final[Mapping[Outcome, Words]] = {
    Outcome.CALLED_BACK: Words("richiamato", "called back"),
    Outcome.NOT_REACHABLE: Words("non raggiungibile", "not reachable"),
    Outcome.NO_NUMBER: Words("senza numero", "no number"),
    Outcome.NOT_NEEDED: Words("non necessario", "not needed"),
    Outcome.PASSED_TO_OFFICE: Words("passato a un ufficio", "passed to an office"),
}
"""P9's outcomes."""
STEPS: Final[Mapping[Step, Words]] = {
    Step.HEAR: Words("ascolto", "heard"),
    Step.TAKE: Words("presa in carico", "taken"),
    Step.RELEASE: Words("lasciato libero", "released"),
    Step.GIVE: Words("consegna", "handed over"),
    Step.FAIL: Words("richiamata a vuoto", "call-back in vain"),
    Step.NOTE: Words("nota", "note"),
    Step.CLOSE: Words("chiusura", "closed"),
    Step.REOPEN: Words("riapertura", "reopened"),
    Step.ALERT_UNHEARD: Words(
        "avviso: non ascoltato, non visto", "alert: not heard, not looked at"
    ),
    Step.ALERT_UNCLOSED: Words("avviso: non chiuso", "alert: not closed"),
}
"""What was done, in the history of one."""
OPEN: Final = Words("da trattare", "to be dealt with")
TAKEN: Final = Words("in carico a {}", "taken by {}")
IN_VAIN: Final = Words("{} a vuoto", "{} in vain")
WANTED: Final = Words("chiede di essere richiamato", "asks to be called back")
AGAIN: Final = Words("ha richiamato {}", "called again {}")
NO_HISTORY: Final = Words("Nessuno se n'è occupato.", "Nobody has dealt with it.")
NO_MISSED: Final = Words("Nessuna chiamata senza messaggio.", "No call without a message.")
MISSED_HEADER: Final = Words(
    "N.|Ricevuta|Linea|Utente|Telefono|Esito|Stato", "No.|Received|Line|Caller|Phone|Result|State"
)
_NAMES: Final[Mapping[Kind, Words]] = {
    Kind.MESSAGE: Words("Il messaggio {}", "Message {}"),
    Kind.CALL: Words("La chiamata {}", "Call {}"),
}
_DONE: Final[Mapping[Step, Words]] = {
    Step.HEAR: Words("{what}: ascolto annotato.", "{what}: noted as heard."),
    Step.TAKE: Words("{what} è in carico a {by}.", "{what} is taken by {by}."),
    Step.RELEASE: Words("{what} è di nuovo liber{o}.", "{what} is free again."),
    Step.FAIL: Words(
        "{what}: richiamata a vuoto annotata, {n} in tutto.",
        "{what}: call-back in vain noted, {n} in all.",
    ),
    Step.NOTE: Words("Nota aggiunta.", "Note added."),
    Step.CLOSE: Words("{what} è chius{o}: {outcome}.", "{what} is closed: {outcome}."),
    Step.REOPEN: Words("{what} è di nuovo apert{o}.", "{what} is open again."),
}


def done(kind: Kind, number: int, step: Step, care: Care) -> Words:
    """Say what has just been done."""
    return Words(_done(kind, number, step, care, "it"), _done(kind, number, step, care, "en"))


def _done(kind: Kind, number: int, step: Step, care: Care, language: str) -> str:
    outcome = care.closing.outcome if care.closing else None
    return one(_DONE[step], language).format(
        what=one(_NAMES[kind], language).format(number),
        by=care.holder,
        n=len(care.failed),
        o="o" if kind is Kind.MESSAGE else "a",
        outcome=one(OUTCOMES[outcome], language) if outcome else "",
    )


def state_text(care: Care, language: str) -> str:
    """Say how something stands: its outcome, who has it, or that nobody does; tries in vain."""
    if care.closing is not None and care.closing.outcome is not None:
        words = one(OUTCOMES[care.closing.outcome], language)
    elif care.state is MessageState.TAKEN:
        words = one(TAKEN, language).format(care.holder)
    else:
        words = one(OPEN, language)
    tries = f", {one(IN_VAIN, language).format(len(care.failed))}" if care.failed else ""
    return words + tries


def history_lines(entries: Iterable[Entry], zone: tzinfo, language: str) -> Iterator[str]:
    """Say what was done, one line an entry: when, who, what, with which words."""
    empty = True
    for entry in entries:
        empty = False
        outcome = f": {one(OUTCOMES[entry.outcome], language)}" if entry.outcome else ""
        note = f" → {entry.to}" if entry.to else ""
        note += f" ({entry.note})" if entry.note else ""
        when = moment_words(entry.at.astimezone(zone), language)
        yield f"{when}  {entry.by}  {one(STEPS[entry.step], language)}{outcome}{note}"
    if empty:
        yield one(NO_HISTORY, language)


def history_rows(entries: Iterable[Entry]) -> list[dict[str, str | None]]:
    """Spread what was done for programmes."""
    return [
        {
            "at": entry.at.isoformat(),
            "by": entry.by,
            "step": entry.step.value,
            "outcome": entry.outcome.value if entry.outcome else None,
            "note": entry.note,
            "to": entry.to or None,
        }
        for entry in entries
    ]


def missed_text(found: Iterable[Missed], language: str, zone: tzinfo) -> str:
    """Write missed calls for people, one a line, in columns."""
    rows = [_missed_row(each, language, zone) for each in found]
    if not rows:
        return one(NO_MISSED, language)
    return columns([one(MISSED_HEADER, language).split("|"), *rows])


def _missed_row(each: Missed, language: str, zone: tzinfo) -> list[str]:
    record = each.record
    result = one(RESULTS[record.result], language)
    wanted = f", {one(WANTED, language)}" if each.wanted else ""
    return [
        str(each.number),
        moment_words(record.rang_at.astimezone(zone), language),
        record.line,
        caller_words(record.caller, language),
        record.phone,
        result + wanted,
        _missed_state(each, language, zone),
    ]


def _missed_state(each: Missed, language: str, zone: tzinfo) -> str:
    if each.again is not None and each.care.state is not MessageState.CLOSED:
        again = each.again.rang_at.astimezone(zone)
        return one(AGAIN, language).format(moment_words(again, language, year=False))
    return state_text(each.care, language)
