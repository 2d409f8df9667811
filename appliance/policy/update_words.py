"""What is said of updates, in both languages: by the command, on the page, in the journal."""

from __future__ import annotations

from typing import Final

from appliance.policy.refused import Refused
from appliance.policy.updating import State
from appliance.policy.words import Words

STATES: Final = {
    State.NONE: Words("nessun aggiornamento in corso", "no update under way"),
    State.FETCHED: Words("file ricevuto, da controllare", "file received, to be checked"),
    State.CHECKED: Words(
        "la versione {} è firmata e adatta: si scrive appena nessuno è al telefono",
        "version {} is signed and fits: it is written as soon as nobody is on the phone",
    ),
    State.INSTALLED: Words(
        "la versione {} è pronta: l'apparecchio si riavvia nell'ora di quiete con nessuno al "
        "telefono, o subito se richiesto",
        "version {} is ready: the box starts anew in the quiet hour with nobody on the phone, or "
        "at once where that is asked for",
    ),
    State.TRIAL: Words(
        "la versione {} è in prova: se per due minuti tutto va bene resta, altrimenti torna quella "
        "di prima",
        "version {} is on trial: if all is well for two minutes it stays, else the one before "
        "comes back",
    ),
    State.GOOD: Words("la versione {} è in uso", "version {} is in use"),
    State.BACK: Words(
        "la versione {} non ha retto la prova: è in uso di nuovo quella di prima; dati e messaggi "
        "ci sono tutti",
        "version {} did not stand its trial: the one before is in use again; data and messages "
        "are all there",
    ),
}
FETCHED: Final = Words(
    "La versione {} è scaricata: si installa quando nessuno è al telefono.",
    "Version {} is fetched: it is installed when nobody is on the phone.",
)
NOTHING_OFFERED: Final = Words(
    "Il server non offre nulla di più recente della versione in uso ({}).",
    "The server offers nothing newer than the version in use ({}).",
)
BY_APT: Final = Words(
    "questo apparecchio non è nato dall'immagine: gli aggiornamenti arrivano con apt (sudo apt "
    "update, poi sudo apt install centralino)",
    "this box was not made from the image: updates come by apt (sudo apt update, then sudo apt "
    "install centralino)",
)
RUNNING: Final = Words("In uso: versione {}.", "In use: version {}.")
EXPERIMENTAL: Final = Words(
    "Immagine sperimentale ({}): non è per l'unico centralino di un ufficio.",
    "Experimental image ({}): it is not for an office's only switchboard.",
)
DONE: Final = Words(
    "La versione {} è nell'altro slot. L'apparecchio riparte da lì nell'ora di quiete (3:30-6:00) "
    "con nessuno al telefono; subito con: centralino update start.",
    "Version {} is in the other slot. The box starts from there in the quiet hour (3:30-6:00) with "
    "nobody on the phone; at once by: centralino update start.",
)
STARTING: Final = Words(
    "L'apparecchio si riavvia ora: fra due minuti si sa se la versione {} resta.",
    "The box starts anew now: in some minutes it is known whether version {} stays.",
)
GIVEN_UP: Final = Words("Resta la versione in uso.", "The version in use stays.")
PROVED: Final = Words("La versione {} ha retto la prova e resta.", "Version {} stood its trial.")
SLOT_GOOD: Final = Words("Lo slot in uso è buono.", "The slot in use is good.")
WENT_BACK: Final = Words(
    "la versione {} non si è avviata, o non è rimasta accesa",
    "version {} has not started, or has not stayed up",
)
NOT_LONG: Final = Words(
    "non è stata bene per due minuti di seguito", "it was not well for two minutes on end"
)
NO_DATA: Final = Words(
    "la memoria dei messaggi non si apre", "the partition of the messages cannot be opened"
)
NO_KEY: Final = Words(
    "I dati sono cifrati e manca la chiavetta: questa versione non si può provare.",
    "The data are encrypted and the stick is missing: this version cannot be tried.",
)
LEFT: Final = Words(
    "La versione {} non va bene ({}): si torna a quella di prima.",
    "Version {} is not well ({}): the one before comes back.",
)
NEVER_IDLE: Final = Words(
    "per dieci minuti qualcuno è sempre stato al telefono: nulla è stato cambiato, riprovare",
    "somebody was on the phone for ten minutes: nothing was changed, try again",
)
WAITS: Final = Words(
    "un aggiornamento è già pronto o in prova: avviarlo (centralino update start) o rinunciarvi "
    "(centralino update give-up), oppure attendere la fine della prova",
    "an update is ready already, or on trial: start it (centralino update start) or give it up "
    "(centralino update give-up), or wait for the end of the trial",
)
NOT_READY: Final = Words(
    "nessun aggiornamento è pronto: prima installarne uno",
    "no update is ready: install one first",
)
NO_OTHER: Final = Words(
    "nell'altro slot non c'è una versione che abbia funzionato: non c'è dove tornare",
    "the other slot holds no version that has worked: there is nothing to go back to",
)
NO_FILE: Final = Words(
    "il file non c'è più: caricarlo di nuovo",
    "the file is gone: upload it again",
)
NO_ROOM: Final = Words(
    "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
    "there is not enough free space on the disk: messages come first",
)
OTHER_BOX: Final = Words(
    "l'aggiornamento è per un altro tipo di apparecchio ({}): nulla è stato cambiato",
    "the update is for another kind of box ({}): nothing was changed",
)
OTHER_FORMAT: Final = Words(
    "l'aggiornamento è firmato, ma per un altro tipo di apparecchio (formato {}): serve quello "
    "fatto per questo; nulla è stato cambiato",
    "the update is signed, but for another kind of box (format {}): take the one made for this "
    "one; nothing was changed",
)
FAILED_BEFORE: Final = Words(
    "la versione {} è già stata provata qui e non ha retto: da sola non si riprova; con la console "
    "o il comando sì",
    "version {} has been tried here and did not stand: it is not tried again by itself, only by "
    "the console or the command",
)


def filled(words: Words, *values: str) -> Words:
    """Fill in the same values in both languages."""
    return Words(words.it.format(*values), words.en.format(*values))


def refused(words: Words, *values: str) -> Refused:
    """Return a refusal in these words."""
    said = filled(words, *values)
    return Refused(said.it, said.en)


def standing(state: State, version: str) -> Words:
    """Say as a sentence how an update stands."""
    found = filled(STATES[state], version)
    return Words(_sentence(found.it), _sentence(found.en))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
