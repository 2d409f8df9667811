"""What is said of a line in trouble: one sentence each, in two languages, ending in what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in Italian (`it`) and in English (`en`); `str()` is the English one."""

    it: str
    en: str

    def __str__(self) -> str:
        return self.en


NOT_LATE = Sentence("", "")
LATE = Sentence(
    "una risposta è arrivata troppo tardi, quando nessuno l'aspettava più; ",
    "a reply came too late, when nobody waited for it any more; ",
)
"""What is added where a command was sent again, and then both were answered."""


def no_answer(command: str, seen: str, late: Sentence = NOT_LATE) -> Sentence:
    """Say that `command` stayed unanswered, what was read instead, and whether it was `late`."""
    return Sentence(
        f"Il modem non risponde a {command} (letto: {seen}): {late.it}"
        "scollegarlo e ricollegarlo; se si ripete, sostituirlo.",
        f"The modem does not answer {command} (read: {seen}): {late.en}"
        "unplug it and plug it in again; if it happens again, replace it.",
    )


def bad_answer(command: str, result: str, seen: str, late: Sentence = NOT_LATE) -> Sentence:
    """Say that `command` was answered with something else than success; `late` as above."""
    return Sentence(
        f"Il modem risponde {result} a {command} (letto: {seen}): {late.it}"
        "scollegarlo e ricollegarlo; se si ripete, controllare il tipo di modem configurato.",
        f"The modem answers {result} to {command} (read: {seen}): {late.en}"
        "unplug it and plug it in again; if it happens again, check the configured kind of modem.",
    )


def no_end(seen: str) -> Sentence:
    """Say that the modem did not leave its voice stream."""
    return Sentence(
        f"Il modem non esce dal flusso voce (letto: {seen}): scollegarlo e ricollegarlo.",
        f"The modem does not leave its voice stream (read: {seen}): "
        "unplug it and plug it in again.",
    )


def broke_off(seen: str) -> Sentence:
    """Say that the modem ended its voice stream though nobody had ordered it."""
    return Sentence(
        f"Il modem ha interrotto da solo il flusso voce (letto: {seen}): viene riavviato; "
        "se si ripete, sostituirlo.",
        f"The modem broke its voice stream off by itself (read: {seen}): it is started anew; "
        "if it happens again, replace it.",
    )


NO_DUPLEX = Sentence(
    "Il modem rifiuta +VTR: la linea è half duplex e di giorno prende solo messaggi; mettere un "
    "modem che regge la voce nei due sensi, o scrivere duplex = false e scegliere daytime.",
    "The modem refuses +VTR: the line is half duplex and takes only messages by day; put a modem "
    "there that carries sound both ways, or write duplex = false and choose a daytime.",
)
NO_VOICE = Sentence(
    "Il modem rifiuta +FCLASS=8, non ha la voce: sostituirlo con un modem vocale "
    "(Conexant CX930xx o USRobotics 5637).",
    "The modem refuses +FCLASS=8, it has no voice: replace it with a voice modem "
    "(Conexant CX930xx or USRobotics 5637).",
)
NO_FORMAT = Sentence(
    "Il modem non offre alcun formato voce a 8 bit e 8000 Hz (mu-law, A-law): sostituirlo.",
    "The modem offers no 8-bit, 8000 Hz voice format (mu-law, A-law, linear): replace it.",
)
