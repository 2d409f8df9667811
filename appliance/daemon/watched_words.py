"""What waits for somebody among messages and missed calls, in words for `centralino status`."""

from __future__ import annotations

from appliance.policy.text import Words
from appliance.store.voicemail import Watched


def watched_words(watched: Watched) -> tuple[Words, ...]:
    """Say what waits for somebody, each with what to do; nothing where nothing does."""
    said = []
    if watched.unheard:
        said.append(
            Words(
                f"Messaggi non ascoltati da mezz'ora: {watched.unheard}. Ascoltarli con *86.",
                f"Messages not heard for half an hour: {watched.unheard}. Hear them with *86.",
            )
        )
    if watched.unclosed:
        said.append(
            Words(
                f"Messaggi non chiusi da un giorno lavorativo: {watched.unclosed}. Richiamare e "
                "chiuderli con il loro esito.",
                f"Messages not closed for a working day: {watched.unclosed}. Call back and close "
                "them with their outcome.",
            )
        )
    said += _late_calls(watched)
    if watched.overdue:
        said.append(
            Words(
                f"Richieste in ritardo: {watched.overdue}. Vederle con centralino requests list "
                "--overdue e sentire gli uffici.",
                f"Overdue requests: {watched.overdue}. See them with centralino requests list "
                "--overdue and ask the offices.",
            )
        )
    return tuple(said)


def _late_calls(watched: Watched) -> list[Words]:
    """Say which calls without a message desk and head were told of (E16)."""
    how_it, how_en = "Vederle con centralino calls --missed", "See centralino calls --missed"
    said = []
    if watched.calls_unseen:
        said.append(
            Words(
                f"Chiamate senza messaggio mai guardate: {watched.calls_unseen}. {how_it}.",
                f"Missed calls nobody has looked at: {watched.calls_unseen}. {how_en}.",
            )
        )
    if watched.calls_unclosed:
        said.append(
            Words(
                f"Chiamate senza messaggio non richiamate da un giorno lavorativo: "
                f"{watched.calls_unclosed}. {how_it}, richiamare e chiuderle con il loro esito.",
                f"Missed calls not called back for a working day: {watched.calls_unclosed}. "
                f"{how_en}, call back and close them with their outcome.",
            )
        )
    return said


def request_words(watched: Watched) -> tuple[Words, ...]:
    """Say how many requests offices have not answered yet; nothing where there are none."""
    count = watched.requests
    if not count:
        return ()
    return (Words(f"Richieste aperte presso gli uffici: {count}", f"Open requests: {count}"),)


def missed_words(watched: Watched) -> tuple[Words, ...]:
    """Say how many calls without a message wait, and which of them matter most."""
    if not watched.missed:
        return ()
    it, en = "", ""
    if watched.interrupted:
        it, en = f", interrotte {watched.interrupted}", f", interrupted {watched.interrupted}"
    if watched.wanted:
        it += f", chiedono di essere richiamati {watched.wanted}"
        en += f", ask to be called back {watched.wanted}"
    return (
        Words(
            f"Chiamate senza messaggio da trattare: {watched.missed}{it}",
            f"Missed calls to be dealt with: {watched.missed}{en}",
        ),
    )
