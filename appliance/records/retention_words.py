"""What is said of how long things are kept, of what was deleted, and of what would be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from appliance.policy.local_time import moment_words
from appliance.policy.words import Words
from appliance.records.listing import one
from appliance.records.retention import Deletion, Due, Keeping

KEPT: Final[Mapping[str, Words]] = {
    "messages": Words("Messaggi, dopo la chiusura", "Messages, after closing"),
    "numbers": Words("Numeri di chi ha chiamato", "Callers' numbers"),
    "calls": Words("Chiamate", "Calls"),
    "mails": Words("Testi di e-mail partite", "Texts of mails that left"),
    "requests": Words("Prese in carico chiuse", "Requests that were done"),
}
DAYS: Final = Words("{} giorni", "{} days")
FOR_EVER: Final = Words("per sempre", "for ever")
OPEN: Final = Words(
    "Un messaggio che nessuno ha chiuso non viene mai cancellato per età.",
    "A message that nobody has closed is never deleted by age.",
)
DELETED: Final = Words("Cancellati:", "Deleted:")
NONE_DELETED: Final = Words("Finora non è stato cancellato niente.", "Nothing was deleted so far.")
NONE_DUE: Final = Words("Stanotte non verrebbe cancellato niente.", "Nothing would go tonight.")
DUE: Final[Mapping[str, Words]] = {
    "messages": Words("Messaggi: {}", "Messages: {}"),
    "numbers": Words("Numeri di {} chiamate", "Numbers of {} calls"),
    "calls": Words("{} chiamate", "{} calls"),
}

STILL_OPEN: Final = Words(
    "Di queste, senza messaggio e non ancora chiuse: {}", "Of these, without a message and open: {}"
)


def told(keeping: Keeping, deleted: Iterable[Deletion], language: str) -> Iterator[str]:
    """Say the rules and the latest deletions."""
    days = {
        "messages": keeping.messages_closed, "numbers": keeping.numbers, "calls": keeping.calls,
    }  # fmt: skip
    for what, limit in days.items():
        words = one(DAYS, language).format(limit) if limit else one(FOR_EVER, language)
        yield f"{one(KEPT[what], language)}: {words}"
    yield one(OPEN, language)
    rows = [_row(each, language) for each in deleted]
    yield one(DELETED, language) if rows else one(NONE_DELETED, language)
    yield from rows


def previewed(due: Due, language: str, still_open: int = 0) -> Iterator[str]:
    """Say what would be deleted: messages by their numbers, calls by how many.

    `still_open` of the calls left no message, and nobody closed them.
    """
    if not due.any:
        yield one(NONE_DUE, language)
    if due.messages:
        numbers = ", ".join(str(number) for _, number, _ in due.messages)
        yield one(DUE["messages"], language).format(numbers)
    if due.numbers:
        yield one(DUE["numbers"], language).format(len(due.numbers))
    if due.calls:
        yield one(DUE["calls"], language).format(len(due.calls))
    if still_open:
        yield one(STILL_OPEN, language).format(still_open)


def _row(each: Deletion, language: str) -> str:
    return f"  {moment_words(each.at, language)}  {one(KEPT[each.what], language)}: {len(each.ids)}"
