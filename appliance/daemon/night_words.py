"""What is said of the nightly work and of the memory card, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.policy.hours import moment_phrase
from appliance.policy.text import Words
from appliance.store.database import Trouble

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from appliance.daemon.card import Card
    from appliance.daemon.night import Night

WHOLE: Final = Words("archivi integri", "records whole")
CARD_COPY: Final = Words("copia sulla scheda fatta", "copy on the card made")
MEDIUM_COPY: Final = Words("copia sigillata in {} fatta", "sealed copy in {} made")
DAMAGED: Final = Words(
    "archivi danneggiati ({}): le copie di prima sono conservate",
    "records damaged ({}): the copies of before are kept",
)
NO_ROOM: Final = Words(
    "copia sulla scheda non fatta: spazio insufficiente, i messaggi vengono prima",
    "no copy on the card made: too little space, messages come first",
)
NO_MEDIUM: Final = Words(
    "copia sigillata non fatta: in {} non c'è nessun supporto; inserire la chiavetta",
    "no sealed copy made: there is no medium at {}; plug the stick in",
)
LAST_NIGHT: Final = Words("Lavoro notturno {}: {}", "Nightly work {}: {}")
ROOM: Final = Words("Scheda di memoria: {} MB liberi di {}", "Memory card: {} MB free of {}")
LIFE: Final = Words(
    "scritti finora {:.1f} GB; errori del file system: {}",
    "written so far {:.1f} GB; file system errors: {}",
)
NO_NIGHT_YET: Final = Words("Lavoro notturno: non ancora fatto", "Nightly work: not done yet")

RECORDS_DAMAGED: Final = Trouble(
    "night.damaged",
    "Il controllo notturno ha trovato gli archivi danneggiati: fare un backup, sostituire la "
    "scheda di memoria e ripristinare l'ultima copia integra (guida del tecnico).",
    "The nightly check has found the records damaged: make a backup, replace the memory card and "
    "put the last whole copy back (technician's guide).",
)
NOT_COPIED: Final = Trouble(
    "night.not_copied",
    "La copia notturna non è riuscita: guardare il perché nella pagina Impianto e controllare "
    "spazio e supporto.",
    "The nightly copy did not succeed: see why on the page Installation, and check space and "
    "medium.",
)
CARD_FAILING: Final = Trouble(
    "card.errors",
    "La scheda di memoria ha dato errori del file system: fare un backup e sostituirla.",
    "The memory card has had file system errors: make a backup and replace it.",
)


def care_said(night: Night | None, card: Card | None, zone: ZoneInfo) -> tuple[Words, ...]:
    """Say when the last night's work was done, what came of it, and how the card is."""
    done = NO_NIGHT_YET if night is None else _night_said(night, zone)
    return (done, *([] if card is None else [_card_said(card)]))


def _night_said(night: Night, zone: ZoneInfo) -> Words:
    at, words = night.at.astimezone(zone), night.words
    return Words(
        LAST_NIGHT.it.format(moment_phrase("del", at, "it"), words.it),
        LAST_NIGHT.en.format(moment_phrase("of", at, "en"), words.en),
    )


def _card_said(card: Card) -> Words:
    room = Words(
        ROOM.it.format(card.free_mb, card.total_mb), ROOM.en.format(card.free_mb, card.total_mb)
    )
    if card.written_mb is None or card.errors is None:
        return room
    it, en = (words.format(card.written_mb / 1024, card.errors) for words in (LIFE.it, LIFE.en))
    return Words(f"{room.it}; {it}", f"{room.en}; {en}")
