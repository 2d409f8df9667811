"""A document on its way to the child that lays it out, and the letter of a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.paper.document import (
    Document,
    DocumentPart,
    Letterhead,
    LetterNames,
    RequestLetter,
    from_json,
    to_json,
)
from appliance.policy.directory import Directory, ReturnRule
from appliance.policy.hours import date_words, day_phrase
from appliance.policy.requests import (
    Appointment,
    AppointmentForm,
    AppointmentSlot,
    Citizen,
    Contact,
    Request,
    RequestStep,
)
from appliance.store.requests import RequestSound, StoredRequest, StoredStep
from tests.policy.small_directory import TOWN

AT = datetime(2026, 11, 8, 9, 0, tzinfo=UTC)
WHOLE = Document(
    "it", "Comune", "Comune – 1", "uno", ("Via 1",), "1", ("A",), "Ecco",
    (DocumentPart("Parte", (("a", "b"),), "testo", ("x",), (("y",),)), DocumentPart("")),
    is_wide=True,
)  # fmt: skip


def test_a_document_comes_through_whole() -> None:
    """The same document is the same bytes, and is read back as it was."""
    assert from_json(to_json(WHOLE)) == WHOLE
    assert to_json(from_json(to_json(WHOLE))) == to_json(WHOLE)


@pytest.mark.parametrize(
    ("language", "day", "words", "within"),
    [
        ("it", date(2026, 11, 23), "23 novembre 2026", "il 23 novembre 2026"),
        ("it", date(2026, 12, 1), "1° dicembre 2026", "il 1° dicembre 2026"),
        ("it", date(2026, 11, 8), "8 novembre 2026", "l'8 novembre 2026"),
        ("it", date(2026, 11, 11), "11 novembre 2026", "l'11 novembre 2026"),
        ("en", date(2026, 12, 1), "1 December 2026", "on 1 December 2026"),
    ],
)
def test_a_day_in_a_letter(language: str, day: date, words: str, within: str) -> None:
    """A letter writes the month as a word, with the article that Italian wants."""
    assert date_words(day, language) == words
    assert day_phrase("il" if language == "it" else "on", day, language) == within


SOUND = RequestSound("voicemail/new/abc.wav", "0f" * 32)


def letter(
    language: str,
    request: Request,
    steps: tuple[StoredStep, ...] = (),
    *,
    town: Directory = TOWN,
    house: str = "Comune di Prova",
    position: str = "Postazione 1",
    sound: RequestSound = SOUND,
) -> Document:
    """Write a request as a letter, numbers of eight digits hidden."""
    head = Letterhead(house, ("Via Roma 1",), language, ZoneInfo("Europe/Rome"))
    names = LetterNames({"op1": position, "carla": "Carla Neri"}, {"aire": "Iscrizione AIRE"})
    writer = RequestLetter(head, town, names, lambda text: text.replace("05417041", "•••"))
    kept = StoredRequest(request, sound, steps)
    return writer.document(kept, lambda _: date(2026, 12, 1))


def request(citizen: Citizen, **more: object) -> Request:
    """Make a request to the register office."""
    values: dict[str, object] = {"sheet": "aire", "rule": ReturnRule.EMAIL, **more}
    return Request(
        number=7, unit="anagrafe", need="residenza", citizen=citizen, subject="Residenza",
        asked="Lo 05417041?", at=AT, by="op1", **values,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_letter_names_what_is_known_by_a_code() -> None:
    """Positions, sheets, languages; the recording by its file and its fingerprint."""
    citizen = Citizen("Łukasz", "347", "l@example.org", Contact.EMAIL, "en")
    given = StoredStep("g", RequestStep.GIVE, AT, "op1", "carla")
    paper = letter("it", request(citizen), (given,))
    facts = {part.heading: dict(part.facts) for part in paper.parts}
    assert paper.opening == (
        "Richiesta presa in carico dal centralino l'8 novembre 2026 alle 10:00 (Postazione 1)."
    )
    assert (paper.day, paper.contacts) == ("8 novembre 2026", ("Via Roma 1",))
    assert facts["Utente"] == {
        "Nome": "Łukasz",
        "Telefono": "347",
        "E-mail": "l@example.org (preferito)",
        "Lingua": "inglese",
    }
    assert facts["Richiesta"]["Scheda consultata"] == "Iscrizione AIRE"
    assert facts["Richiesta"]["Risposta entro"] == "mar 1 dicembre 2026"
    assert facts["Registrazione"] == {"File": "abc.wav", "Impronta SHA-256": "0f" * 32}
    assert paper.parts[1].text == "Lo •••?"
    assert paper.parts[-1].rows == (
        ("dom 8 novembre 2026, 10:00", "consegnata", "Postazione 1 (Carla Neri)", ""),
    )


def test_no_name_shows_a_number_that_its_office_keeps() -> None:
    """P7: neither the house's name nor an office's, a service's or a position's."""
    units = tuple(replace(unit, name=f"{unit.name} 05417041") for unit in TOWN.units)
    paper = letter(
        "it",
        request(Citizen("Anna", "347")),
        town=replace(TOWN, units=units),
        house="Comune 05417041",
        position="Postazione 05417041",
    )
    assert paper.to[:2] == ("All'ufficio Anagrafe •••", "Servizi demografici •••")
    assert (paper.house, paper.title) == ("Comune •••", "Comune ••• – Richiesta 7")
    assert b"05417041" not in to_json(paper)


def test_a_letter_in_english_with_an_appointment() -> None:
    """A caller whose words are recorded; a code without a name stays."""
    slot = AppointmentSlot(AT, datetime(2026, 11, 8, 9, 30, tzinfo=UTC))
    booked = Appointment(slot, AppointmentForm.IN_PERSON, confirmed=False)
    spoken = request(
        Citizen("", "347", spoken=True, language="xx"), rule=ReturnRule.APPOINTMENT,
        appointment=booked, sheet="zz",
    )  # fmt: skip
    paper = letter("en", spoken)
    facts = {part.heading: dict(part.facts) for part in paper.parts}
    assert facts["Citizen"] == {"Telephone": "347", "Language": "xx"}
    assert paper.parts[0].text == "Name and contact are in the recording."
    assert facts["Request"]["Appointment"].endswith("at the office, to be confirmed")
    assert facts["Request"]["Sheet consulted"] == "zz"
    assert "What happened" not in facts
    assert letter("en", spoken, sound=RequestSound()).parts[0].text == ""
