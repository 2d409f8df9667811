"""What is written about requests (P6, P7, E9, E15): all to the office, little to the citizen."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy import requests
from appliance.policy.directory import Directory, Unit
from appliance.policy.mail import (
    BODIES,
    SUBJECTS,
    TO_HEAD,
    LetterSender,
    LetterTopic,
    Mail,
    RequestEvent,
    citizens_calendar_text,
    invitation_text,
    letters_of,
    overdue_mail,
    without_numbers,
)
from appliance.policy.requests import (
    Appointment,
    AppointmentForm,
    AppointmentSlot,
    Citizen,
    Contact,
    Request,
    RequestStep,
)
from tests.policy.small_directory import APPOINTMENT, CALENDAR, EMAIL, TOWN, rome

SENDER = LetterSender("Comune di Esempio", "it", CALENDAR, TOWN, ("051 598 111", "800 011 837"))
ANNA = Citizen("Anna Verdi", "3470000001", "anna@example.org", Contact.EMAIL)
AT = rome("2026-11-23 10:00")
ASKED = Request(
    EMAIL, "anagrafe", "aire", ANNA, "Iscrizione AIRE", "Chiede i tempi", AT, "op1", "c-1",
    "aire", number=17,
)  # fmt: skip
SLOT = AppointmentSlot(rome("2026-12-01 15:00"), rome("2026-12-01 15:20"))
WANTED = replace(
    ASKED, rule=APPOINTMENT, appointment=Appointment(SLOT, AppointmentForm.OFFICE_CALLS, True)
)

TAKEN_OVER = RequestEvent()


def written(
    request: Request, event: RequestEvent = TAKEN_OVER, sender: LetterSender = SENDER
) -> list[Mail]:
    """Write the letters of a request."""
    return list(letters_of(sender, request, event, "voicemail/new/r.wav", "BEGIN:VCALENDAR"))


def test_an_office_gets_all_it_needs() -> None:
    """P6, E15: who, how to reach them, what was asked, which sheet did not cover it, by when."""
    office, citizen = written(ASKED)
    assert (office.to, office.key, office.request) == ("anagrafe@comune.example", "request-17", 17)
    assert office.subject == "[Richiesta 17] Iscrizione AIRE"
    for said in (
        "Ufficio: Anagrafe",
        "Necessità: Italiani all'estero",
        "Anna Verdi\n  telefono: 3470000001\n  e-mail: anna@example.org (preferito)",
        "Chiede i tempi",
        "non copre la richiesta: aire",
        "Presa in carico da op1: lun 23 novembre 2026, 10:00.",
        "entro lun 14 dicembre 2026",
        "indicando il numero 17",
    ):
        assert said in office.body, said
    assert office.attachments == ("voicemail/new/r.wav",)
    assert (citizen.to, citizen.request) == ("anna@example.org", 0)


def test_a_citizen_is_told_number_office_and_day() -> None:
    """With the public numbers for reminders; without a word that anybody typed."""
    _, citizen = written(ASKED)
    assert citizen.subject == "Comune di Esempio: la sua richiesta n. 17"
    assert "Ufficio: Anagrafe" in citizen.body
    assert "chiami 051 598 111, 800 011 837 e indichi il numero 17" in citizen.body
    assert "Chiede" not in citizen.body
    assert citizen.attachments == ()
    assert citizen.calendar == ""


def test_a_citizen_reads_their_own_language() -> None:
    """The office reads the house's language, and which one to answer in."""
    english = replace(ASKED, citizen=replace(ANNA, language="en"))
    office, citizen = written(english)
    assert "lingua: en" in office.body
    assert citizen.subject == "Comune di Esempio: your request no. 17"
    abroad = replace(SENDER, language="en")
    office, _ = written(WANTED, sender=abroad)
    assert "language: it" in office.body
    assert "e-mail: anna@example.org (preferred)" in office.body
    assert "Tue 1 December 2026, 15:00–15:20, by telephone: the office calls" in office.body


def test_an_appointment_says_when_and_who_calls_whom() -> None:
    """To be confirmed where the office offers no slots."""
    office, citizen = written(WANTED)
    told = "mar 1 dicembre 2026, 15:00–15:20, per telefono: l'ufficio chiama l'utente"
    assert f"Appuntamento: {told}\n" in office.body
    assert f"Appuntamento: {told}\n" in citizen.body
    assert office.calendar == "BEGIN:VCALENDAR"
    assert WANTED.appointment is not None
    proposed = replace(WANTED, appointment=replace(WANTED.appointment, confirmed=False))
    for mail in written(proposed):
        assert f"{told} – DA CONFERMARE" in mail.body
    english = replace(proposed, citizen=replace(ANNA, language="en"))
    assert "TO BE CONFIRMED" in written(english)[1].body
    assert "l'ufficio chiama l'utente" in invitation_text(SENDER, WANTED)
    assert "the office calls" in invitation_text(replace(SENDER, language="en"), WANTED)
    assert invitation_text(SENDER, ASKED).startswith("Iscrizione AIRE\nAnna Verdi, telefono")


def test_a_spoken_request_sends_the_words() -> None:
    """Taken by the keys of a phone: who asks and what is in the recording."""
    spoken = requests.spoken_request(
        APPOINTMENT, "anagrafe", "aire", "AIRE", "0511", "c", AT, "op1"
    )
    (office,) = written(spoken.numbered(18))
    assert "ascoltate la registrazione allegata" in office.body
    assert "telefono: 0511\n" in office.body
    assert "Appuntamento:" not in office.body
    # P6: a caller who hung up before the tone has left a number and no words
    (silent,) = letters_of(SENDER, spoken.numbered(18), TAKEN_OVER)
    assert "registrazione" not in silent.body
    assert "telefono: 0511\n" in silent.body


def test_reminders_are_the_same_thread_and_the_second_concerns_the_head() -> None:
    """E9: the office reads the words again; from the second on the head reads them too."""
    once = requests.remind(ASKED, "Ancora niente")
    event = RequestEvent("s1", RequestStep.REMIND, "Ancora niente", "op1")
    (first,) = written(once, event)
    assert (first.thread, first.key, first.attachments) == ("request-17", "request-17-s1", ())
    assert first.subject == "Sollecito: [Richiesta 17] Iscrizione AIRE"
    assert "sollecito 1):\nAncora niente" in first.body
    twice = requests.remind(once, "Terza telefonata")
    office, head = written(twice, RequestEvent("s2", RequestStep.REMIND, "Terza telefonata", "op1"))
    assert (office.to, head.to) == ("anagrafe@comune.example", TO_HEAD)
    assert head.subject == "Sollecitata 2 volte: richiesta 17 per Anagrafe"
    assert (head.key, head.thread, head.request) == ("request-17-s2-head", "", 0)
    assert "affidata al vostro ufficio" in office.body
    assert "affidata all'ufficio Anagrafe" in head.body
    assert "vostro" not in head.body
    assert "rispondete a questa e-mail" not in head.body


def test_a_position_is_called_by_its_label() -> None:
    """Offices and the head know "Operatore 1", not a phone's code; a person's name stays."""
    sender = replace(SENDER, labels={"op1": "Operatore 1"})
    office, _ = written(ASKED, sender=sender)
    assert "Presa in carico da Operatore 1: lun 23 novembre 2026, 10:00." in office.body
    by_anna, _ = written(replace(ASKED, by="anna"), sender=sender)
    assert "Presa in carico da anna: " in by_anna.body
    late = overdue_mail(ASKED, date(2026, 11, 26), "it", sender.labels)
    assert "la segue Operatore 1." in late.body


def test_a_moved_and_a_cancelled_one_are_told_to_both() -> None:
    """In the same threads, with the invitation's change for the office alone."""
    for step, said in ((RequestStep.MOVE, "è cambiato"), (RequestStep.CANCEL, "annullata")):
        office, citizen = written(WANTED, RequestEvent("s1", step, "Parole", "op1"))
        assert (office.thread, citizen.thread) == ("request-17", "request-17-citizen")
        assert (office.key, citizen.key) == ("request-17-s1", "request-17-citizen-s1")
        assert said in office.body + office.subject
        assert said in citizen.body
        assert "Parole" not in citizen.body


@pytest.mark.parametrize(
    "step", [RequestStep.MAILED, RequestStep.TAKE, RequestStep.CLOSE, RequestStep.GIVE]
)
def test_what_the_office_does_itself_needs_no_mail(step: RequestStep) -> None:
    """Nobody is written to about what they did."""
    assert written(ASKED, RequestEvent("s1", step)) == []


def test_a_unit_that_is_not_in_the_register_has_the_head_for_it() -> None:
    """A request is never without a recipient; "sent" is not said of it."""
    office, citizen = written(
        replace(ASKED, unit="tributi"), sender=replace(SENDER, directory=Directory())
    )
    assert (office.to, office.request) == (TO_HEAD, 0)
    assert "L'ufficio tributi non è nella rubrica" in office.body
    assert "affidata all'ufficio tributi" in office.body
    assert "vostro" not in office.body
    assert "Ufficio:" not in citizen.body


@pytest.mark.parametrize("language", ["it", "en"])
def test_the_head_is_told_of_a_late_one(language: str) -> None:
    """E15: which request, for whom it waits, since when, and what to do."""
    mail = overdue_mail(ASKED, date(2026, 11, 26), language)
    assert (mail.to, mail.key, mail.request) == (TO_HEAD, "request-17-overdue", 0)
    day = {"it": "gio 26 novembre 2026", "en": "Thu 26 November 2026"}[language]
    for said in ("17", "anagrafe", day, "Anna Verdi", "centralino requests close 17"):
        assert said in mail.subject + mail.body


def test_the_head_reads_who_follows_a_late_one() -> None:
    """E19: whoever took it over, or was given it since; nobody is not named."""
    for given_to, said in ((None, ASKED.by), ("dino", "dino")):
        mail = overdue_mail(replace(ASKED, given_to=given_to), date(2026, 11, 26), "it")
        assert f"la segue {said}." in mail.body
    nobodys = overdue_mail(replace(ASKED, given_to=""), date(2026, 11, 26), "it")
    assert "la segue" not in nobodys.body


TYPED = st.text(alphabet=st.sampled_from("0123456789 +-./abc"), min_size=1, max_size=20)


@given(TYPED, TYPED, TYPED, TYPED, st.sampled_from([None, RequestStep.MOVE, RequestStep.CANCEL]))
def test_no_number_that_was_typed_reaches_a_citizen(
    subject: str, asked: str, named: str, words: str, step: RequestStep | None
) -> None:
    """P7: whatever stands in subject, question, an office's name or a note, none of it is told."""
    town = replace(TOWN, units=(Unit("anagrafe", f"Anagrafe {named}", "a@comune.example"),))
    request = replace(WANTED, subject=f"x{subject}", asked=asked, by=f"op {named}")
    event = RequestEvent("s1", step, words, "op1") if step else TAKEN_OVER
    plain = written(WANTED, replace(event, words=""), replace(SENDER, directory=TOWN))[1]
    told = written(request, event, replace(SENDER, directory=town))[1]
    digits = re.compile(r"\d{2,}")
    assert digits.findall(told.subject + told.body) == digits.findall(plain.subject + plain.body)


def test_names_without_numbers() -> None:
    """What could be dialled goes, what is a word stays."""
    assert without_numbers("Anagrafe (int. 204), piano 2") == "Anagrafe (int. ), piano 2"
    assert without_numbers("Tel. +39 051-59.81 11 Tributi") == "Tel. Tributi"
    assert without_numbers("Tel. 0\u00a05\u00a01–5–9 Tributi") == "Tel. Tributi"


def test_what_is_filled_in_is_never_read_as_a_text() -> None:
    """Braces in a citizen's words stay braces."""
    office, _ = written(replace(ASKED, asked="{numbers} {0} {by}"))
    assert "{numbers} {0} {by}" in office.body


@pytest.mark.parametrize("topic", LetterTopic)
def test_the_catalogue_is_whole_in_both_languages(topic: LetterTopic) -> None:
    """Every letter has a subject and a text, and both languages fill in the same words."""
    assert SUBJECTS[topic].text("it")
    for paragraph in (*BODIES[topic], *[]):
        marks = [
            sorted(set(re.findall(r"\{\w+\}", t)))
            for t in (paragraph.text.text("it"), paragraph.text.text("en"))
        ]
        assert marks[0] == marks[1]


def test_an_article_stands_before_no_day() -> None:
    """Italian says "lunedì 30 novembre" and "la domenica": never "il domenica"."""
    for day in range(7):
        at = AT + timedelta(days=day)
        office, _ = written(replace(ASKED, at=at))
        taken = office.body.partition("Presa in carico ")[2].partition(" Da concludere")[0]
        assert re.fullmatch(r"da \w+: \w{3} \d+ \w+ \d{4}, \d\d:\d\d\.", taken), taken


def test_the_citizens_calendar_is_told_what_nobody_typed() -> None:
    """P7: with whom, how and which number; in the citizen's language; to the citizen alone."""
    title, text = citizens_calendar_text(SENDER, WANTED)
    assert title == "Appuntamento: Anagrafe (Comune di Esempio)"
    assert "per telefono: l'ufficio chiama l'utente" in text
    assert "Richiesta n. 17; per informazioni: 051 598 111, 800 011 837" in text
    assert WANTED.subject not in title + text
    english = replace(WANTED, citizen=replace(ANNA, language="en"))
    title, text = citizens_calendar_text(replace(SENDER, numbers=()), english)
    assert title == "Appointment: Anagrafe (Comune di Esempio)"
    assert text.endswith("Request no. 17")
    nobody = replace(SENDER, directory=Directory())
    assert citizens_calendar_text(nobody, ASKED)[0].startswith("Appuntamento: Comune di Esempio")
    mails = list(letters_of(SENDER, WANTED, RequestEvent(), "", "OFFICE", "CITIZEN"))
    assert [mail.calendar for mail in mails] == ["OFFICE", "CITIZEN"]
