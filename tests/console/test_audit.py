"""Each row of the list of changes is a sentence in both languages; none shows a code."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.api.commands import NEEDS
from appliance.console.pages.audit import CONCERNS, SENTENCES, AuditNames, audit_sentence, audit_who
from appliance.console.say import LANGUAGE_NAMES, Speaker
from appliance.policy import requests
from appliance.store.database import Noted

NAMES = AuditNames(
    {"carla": "Carla Blu"},
    {"anagrafe": "Anagrafe"},
    {"imu": "IMU: quando si paga"},
    CONCERNS,
    {"ausl": "Azienda USL"},
)
SPEAKERS = {language: Speaker(language, ZoneInfo("Europe/Rome")) for language in LANGUAGE_NAMES}
NOTED = {
    "register": (
        "register_number", "register_tell", "register_file", "register_vary", "register_declare",
        "register_authorise", "register_revoke", "register_unit",
    ),
    "hours": ("hours_enter", "hours_revoke", "week_enter", "week_revoke"),
    "user": ("user_add", "user_change", "user_password", "first_user"),
    "request": ("counter_request", "request_paper", "mail_again", "request_by_link"),
    "handover": ("hand_over",),
    "erasure": ("erase",),
    "export": ("kept_of",),
    "sheet": ("sheet_save", "sheet_remove"),
    "book": ("book_save", "book_remove", "book_confirm"),
    "announcement": (
        "announcement_part", "announcement_restore", "announcement_dictate",
        "announcement_draft_drop",
    ),
    "outbox": ("outbox_retry", "outbox_drop"),
    "mail": ("mail_test",),
    "backup": ("backup_make", "backup_check", "backup_fetch", "backup_drop", "backup_restore",
               "backup_stick_set_up", "backup_stick_forget", "backup_target_write",
               "backup_target_look", "backup_target_set_up"),
    "update": ("update_install", "update_start", "update_back", "update_give_up"),
    "central": ("central_apply", "central_revert"),
    "config": ("config_check",),
    "settings": ("settings_apply", "settings_undo", "settings_confirm"),
    "clock": ("clock_confirm", "clock_set"),
    "panel": ("led_test",),
    "selftest": ("selftest_run",),
    "line": ("line_restart",),
    "divert": ("divert_prove",),
    "wall": ("wall_link_add", "wall_link_end"),
    "phone": ("phone_add", "phone_renew", "phone_label", "phone_remove", "phone_back",
              "phones_serve", "phones_serve_end", "Dial"),
}  # fmt: skip
"""What is asked over the socket and stands in the list then, by the first part of its code."""
ELSEWHERE = frozenset({
    # changes nothing
    "status", "watch", "figures", "offices", "calendar", "plant", "explain", "hours_ahead",
    "register_state", "register_ahead", "free_slots", "requests_due", "weeks", "appointments",
    "retention", "sheet_text", "sheet_voice", "announcement_dictation", "settings", "chores",
    "clock", "restoring", "backup_stick", "backup_stick_look", "backup_target", "updates",
    "central", "central_show",
    "phones", "divert", "settings_list", "settings_preview", "settings_history", "modems",
    "standards_in_time", "phone_ring", "selftest",
    # parts of what is noted once it is whole; forms that are half typed
    "register_file_part", "policy_part", "policy_write", "draft_keep",
    # has a history of its own, or stands in the call's
    "SetUnattended", "SetClosed", "SetOpened", "SetAllAbsent", "SetAway", "NoteSheet", "BringHead",
    "AnswerCall", "HoldCall", "ResumeCall", "AlternateCall", "HandOverCall", "HangUpCall",
    "book_told",
    "TransferCall", "CallBack", "care", "close_message", "new_request", "request_step",
    # asked by the box's own commands, which note it
    "phones_renewed", "register_changed", "spoken", "mail_sheet", "central_changed",
    "settings_changed",
})  # fmt: skip
"""What is asked at the control socket and stands in no list of changes."""
ROWS = [
    ("user.first", "anna (Anna Verdi): head technician",
     "Creato il primo utente, con il codice dell'apparecchio: Anna Verdi (Responsabile, Tecnico)."),
    ("user.add", "dino (Dino (D.) Rosa): clerk", "Creato l'utente Dino (D.) Rosa (Sportellista)."),
    ("user.change", "carla: shown Carla -> Carla, B., roles clerk -> operator head, stamp 0 -> 1",
     ("Modificato l'utente Carla Blu: nome Carla, ora Carla, B., "
     "ruoli Sportellista, ora Operatore, Responsabile.")),
    ("user.change", "vito: unit  -> anagrafe, language en -> , must_change 1 -> 0, disabled 0 -> 1",
     ("Modificato l'utente vito: ufficio –, ora Anagrafe, lingua English, ora –, "
     "non deve più scegliere una nuova password, non può più entrare.")),
    ("central.refused", "0123456789ab settings.bundle\nla firma non è valida\nthe signature is bad",
     ("Impostazioni centrali rifiutate, nulla è cambiato (settings.bundle): "
     "la firma non è valida")),
    ("settings.apply", "12", "Modificate le impostazioni (n. 12)."),
    ("settings.undo", "13", "Ripristinate le impostazioni di prima (n. 13)."),
    ("settings.confirm", "", "Confermata una modifica delle impostazioni."),
    ("settings.lapse", "14",
     "Annullata una modifica delle impostazioni che nessuno aveva confermato (n. 14)."),
    ("clock.confirm", "2027-03-01T12:00:00+0000", "Confermata l'ora."),
    ("clock.set", "2027-03-01T12:00:00+0000",
     "Fatto regolare l'orologio: 2027-03-01T12:00:00+0000."),
    ("user.password", "carla", "Nuova password di Carla Blu."),
    ("divert.prove", "busy", "Registrata una prova della deviazione su occupato."),
    ("phone.add", "op3", "Aggiunto il telefono op3."),
    ("phone.password", "op3", "Creata una nuova password per il telefono op3."),
    ("phone.label", "op3", "Cambiata l'etichetta del telefono op3."),
    ("phone.remove", "op3", "Tolto il telefono op3."),
    ("phone.serve", "", "Aperta la finestra in cui i telefoni prendono la configurazione."),
    ("phone.serve_end", "", "Chiusa la finestra in cui i telefoni prendono la configurazione."),
    ("phone.back", "op3", "Rimesso in uso il telefono op3."),
    ("wall.link", "sala d'attesa", "Creato un collegamento per lo schermo «sala d'attesa»."),
    ("wall.link_end", "sala d'attesa", "Revocato il collegamento dello schermo «sala d'attesa»."),
    ("register.import", "declaration 1 of anagrafe, authorisation 2 of tributi, new unit anagrafe",
     ("Rubrica uffici presa da un file: comunicazione n. 1 di Anagrafe, "
     "autorizzazione n. 2 di tributi, nuovo ufficio Anagrafe.")),
    ("register.declare", "declaration 12 of anagrafe",
     "Nuova comunicazione: comunicazione n. 12 di Anagrafe."),
    ("register.vary", "variation 7 of anagrafe",
     "Variazione di un ufficio: variazione n. 7 di Anagrafe."),
    ("register.authorise", "authorisation 8 of anagrafe",
     "Un numero si può dire da ora: autorizzazione n. 8 di Anagrafe."),
    ("register.revoke", "ends 8 of anagrafe",
     "Un numero non si può più dire: fine del n. 8 di Anagrafe."),
    ("register.unit", "changed unit anagrafe, gone unit x, order of the units, what is new",
     ("Uffici modificati: dati dell'ufficio Anagrafe, l'ufficio x non c'è più, "
     "ordine degli uffici, what is new.")),
    ("register.number", "entry 3 aire 0",
     "Si è fatto mostrare un numero riservato: comunicazione n. 3, necessità aire."),
    ("register.number", "entry 3",
     "Si è fatto mostrare un numero riservato: autorizzazione n. 3."),
    ("register.told", "entry 3 of anagrafe",
     "Si è fatto mostrare un numero che si può dire: Anagrafe, autorizzazione n. 3."),
    ("register.export", "10 units, 8 entries",
     "Tutta la rubrica uffici scritta in un file, numeri compresi."),
    ("register.attachment", "lettera 7.eml", "Presa una copia dell'allegato lettera 7.eml."),
    ("hours.enter", "entry 4 house 2026-12-24 to 2026-12-31",
     ("Orario straordinario n. 4 inserito, per Centralino e Sportello: "
     "da gio 24 dicembre 2026 a gio 31 dicembre 2026.")),
    ("hours.correct", "entry 5 tomorrow 2026-12-24 to 2026-12-24 ends 4",
     ("Orario straordinario n. 4 corretto, per tomorrow: da gio 24 dicembre 2026 "
      "a gio 24 dicembre 2026.")),
    ("hours.revoke", "entry 6 house ends 5", "Orario straordinario n. 5 revocato."),
    ("erasure", ("3 calls, 2 messages, 1 requests, 1 of them closed for it, 0 mails, 4 texts: "
     "lettera: del 3"),
     "Cancellati: chiamate 3, messaggi 2, richieste 1; motivo: lettera: del 3"),
    ("handover", "3 -> *", "Consegne a tutti: 3."),
    ("handover", "2 -> carla", "Consegne a Carla Blu: 2."),
    ("request.link", "12", "Conclusa la richiesta 12 con il link della sua e-mail."),
    ("policy.restored", "copy of 2026-11-25 03:00",
     "Ripresi utenti, uffici, orari e schede dalla copia di 2026-11-25 03:00."),
    ("voicemail.pin_wrong", "", "Codice sbagliato per ascoltare i messaggi al telefono."),
    ("sheet.change", "imu", "Modificata la scheda «IMU: quando si paga»."),
    ("sheet.remove", "cani", "Tolta la scheda «cani»."),
    ("book.change", "ausl", "Salvato «Azienda USL» nella rubrica enti."),
    ("book.remove", "ausl", "Tolto «Azienda USL» dalla rubrica enti."),
    ("book.confirm", "poste", "Annotato che «poste» è ancora esatto."),
    ("book.import", "ausl", "Preso «Azienda USL» nella rubrica enti da un file."),
    ("announcement.change", "it/hold", "Sostituito l'annuncio «hold» (Italiano)."),
    ("announcement.restore", "en/hold", "Ripristinato l'annuncio originale «hold» (English)."),
    ("hours.week", "entry 7 switchboard from 2027-01-04 ends 3",
     ("Nuovo orario di ogni settimana, n. 7, per solo il centralino, "
      "dal giorno lun 4 gennaio 2027.")),
    ("hours.week", "entry 8 switchboard from 2027-02-01 as configured",
     ("Di nuovo l'orario configurato di ogni settimana per solo il centralino, "
     "dal giorno lun 1 febbraio 2027.")),
    ("export", "3 calls, 1 requests", "Consegnati i dati di un cittadino."),
    ("request.entered", "14 anagrafe", "Inserita la richiesta 14 senza chiamata: Anagrafe."),
    ("request.paper", "request 14, mail 3, pdf",
     "Presa una copia della richiesta 14 o di una sua e-mail."),
    ("request.mail_again", "request 14, mail 3",
     "Fatta inviare di nuovo un'e-mail della richiesta 14."),
    ("outbox.retry", "3", "Fatto riprovare subito l'invio dell'e-mail 3."),
    ("outbox.drop", "3", "Rinunciato all'e-mail 3."),
    ("sheet.import", "imu", "Sostituita la scheda «IMU: quando si paga» da un file."),
    ("announcement.dictate", "it/hold", "Dettata una bozza dell'annuncio «hold» (Italiano)."),
    ("announcement.draft_drop", "it/hold",
     "Scartata la bozza dell'annuncio «hold» (Italiano)."),
    ("config.check", "", "Fatta controllare la configurazione."),
    ("backup.make", "", "Fatta fare una copia di sicurezza."),
    ("update.upload", "", "Chiesto di installare un aggiornamento caricato."),
    ("update.start", "", "Chiesto l'avvio dalla nuova versione."),
    ("update.back", "", "Chiesto il ritorno alla versione di prima."),
    ("update.give-up", "", "Rinunciato all'aggiornamento, o preso nota che è tornato indietro."),
    ("update.good", "0.1.0 -> 0.2.0", "Aggiornamento da 0.1.0 a 0.2.0: resta."),
    ("update.back", "0.1.0 -> 0.2.0",
     "Aggiornamento da 0.1.0 a 0.2.0: non ha superato la prova."),
    ("update.refused", "0.1.0 -> ?",
     "Aggiornamento da 0.1.0 a ?: rifiutato, nulla è stato cambiato."),
    ("update.given_up", "0.1.0 -> 0.2.0",
     "Aggiornamento da 0.1.0 a 0.2.0: abbandonato prima dell'avvio."),
    ("central.apply", ("12: sheets 3 changed 1 new 0 gone, offices 0 changed 2 new 0 gone, "
     "declarations 1 added, schedule, announcements"),
     "Impostazioni centrali 12, nuovo orario; schede: 1 nuove, 3 modificate."),
    ("central.apply", ("13: sheets 3 changed 1 new 2 gone, offices 0 changed 0 new 0 gone, "
     "declarations 0 added, announcements"),
     "Impostazioni centrali 13; schede: 1 nuove, 3 modificate, 2 tolte."),
    ("central.revert", ("0: sheets 0 changed 0 new 4 gone, offices 0 changed 0 new 0 gone, "
     "declarations 0 added, schedule"),
     "Di nuovo le impostazioni centrali 0 (0: nessuna)."),
    ("register.central", "declaration 1 of anagrafe, new unit anagrafe",
     ("Rubrica uffici, dalle impostazioni centrali: comunicazione n. 1 di Anagrafe, "
     "nuovo ufficio Anagrafe.")),
    ("backup.check", "", "Fatta esaminare una copia di sicurezza caricata."),
    ("backup.fetch", "", "Scaricata la copia di sicurezza."),
    ("backup.restore", "", "Chiesto il ripristino di una copia caricata."),
    ("backup.restored", "", "Ripristinata la copia caricata."),
    ("backup.not_restored", "", "La copia caricata non è stata ripristinata."),
    ("backup.drop", "", "Tolta la copia di sicurezza dall'apparecchio."),
    ("backup.stick", "", "Chiesta una copia sulla chiavetta delle copie."),
    ("backup.stick_forgotten", "", "Terminate le copie sulla chiavetta."),
    ("backup.target", "", "Chiesta una copia sulla cartella di rete."),
    ("backup.target_key", "", "Chiesta al server della cartella di rete la sua chiave."),
    ("backup.target_set_up", "", "Chiesto di preparare la cartella di rete per le copie."),
    ("panel.test", "", "Provati i LED."),
    ("selftest.run", "", "Provato l'apparecchio su linee simulate."),
    ("mail.test", "", "Inviata un'e-mail di prova."),
    ("line.restart", "line1", "Riavviata la linea line1."),
    ("phone.dial", "op1", "Chiamato un numero dal telefono op1."),
]  # fmt: skip


def row(what: str, about: str) -> Noted:
    """Return a row of the list."""
    return Noted(datetime(2026, 11, 26, 9, 0, tzinfo=UTC), "carla", what, about)


def in_language(language: str, what: str, about: str) -> str:
    """Say what such a row says."""
    return audit_sentence(row(what, about), SPEAKERS[language], NAMES)


def test_each_row_is_a_sentence() -> None:
    """In Italian as it is written here; in English another one, without the code."""
    italian = [(what, about, in_language("it", what, about)) for what, about, _ in ROWS]
    assert italian == ROWS
    english = [(what, in_language("en", what, about), said) for what, about, said in ROWS]
    assert [each for each in english if each[1] == each[2] or each[0] in each[1]] == []


def test_every_code_is_among_them() -> None:
    """No sentence is without its example."""
    assert {code for code, *_ in SENTENCES} == {code for code, *_ in ROWS}


def test_each_group_of_questions_is_named() -> None:
    """Whatever is asked at the control socket is placed here; what is noted of it says what it
    concerns.
    """
    placed = [question for questions in NOTED.values() for question in questions]
    # Loaded with every module of commands: each declares its own in NEEDS.
    importlib.import_module("appliance.service.composition")
    assert sorted([*placed, *ELSEWHERE]) == sorted(NEEDS)
    assert NOTED.keys() <= CONCERNS.keys()


def test_each_code_says_what_it_concerns() -> None:
    """A code of another version is shown with its group: none that is known lacks one."""
    assert {code.partition(".")[0] for code, *_ in SENTENCES} == CONCERNS.keys()


@pytest.mark.parametrize(
    ("what", "about", "said"),
    [
        ("hours.shred", "entry 4", "Orari e chiusure: entry 4 (hours.shred)"),
        ("sheet.shred", "imu", "Schede: imu (sheet.shred)"),
        ("user.change", "nobody knows", "Utenti: nobody knows (user.change)"),
        ("user.change", "carla: stamp 0 -> 1", "Modificato l'utente Carla Blu: stamp 0 -> 1."),
        ("moon.landing", "", "(moon.landing)"),
    ],
)
def test_what_another_version_noted_is_shown_as_it_is(what: str, about: str, said: str) -> None:
    """Nothing that was done is left out because its code is not known here."""
    assert in_language("it", what, about) == said


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("carla", "Carla Blu"),
        ("gone", "gone"),
        ("shell: root", "root, dalla riga di comando dell'apparecchio"),
        ("box", "l'apparecchio stesso"),
        (requests.DONE_LINK_AUTHOR, "chi aveva il link dell'e-mail"),
    ],
)
def test_who_it_was(by: str, said: str) -> None:
    """A person is told by name."""
    assert audit_who(by, SPEAKERS["it"], NAMES) == said
