"""Differences of two configurations in words, without what must not be shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config import read
from appliance.config.differences import differences, effects_of, listed
from appliance.config.editing import AddRow, Change, ClearValue, RemoveRow, SetValue, edited
from appliance.config.schema import Registrar
from appliance.config.setting_names import Effect

EXAMPLE = (Path(read.__file__).parent / "example.toml").read_text(encoding="utf-8")


def told(*changes: Change, text: str = EXAMPLE, language: str = "it") -> list[str]:
    """Return the difference that changes make, in words."""
    before, after = read.parse(text), read.parse(edited(text, changes))
    return [one.words.text(language) for one in differences(before, after)]


@pytest.mark.parametrize(
    ("change", "it", "en"),
    [
        (
            SetValue("lines.line2.label", "Numero verde"),
            "Linea 2, etichetta: da «Verde 800 011 837» a «Numero verde»",
            "Line 2, label: from “Verde 800 011 837” to “Numero verde”",
        ),
        (
            SetValue("phones.op1.label", "Postazione 1"),
            "Telefono «Operatore 1», etichetta: da «Operatore 1» a «Postazione 1»",
            "Phone “Operatore 1”, label: from “Operatore 1” to “Postazione 1”",
        ),
        (
            SetValue("switchboard.phones", ("op2",)),
            "Centralino, telefoni: da «Operatore 1, Operatore 2» a «Operatore 2»",
            "Switchboard, phones: from “Operatore 1, Operatore 2” to “Operatore 2”",
        ),
        (
            SetValue("voicemail.emergency_112", True),
            "Segreteria, 112 nell'annuncio di chiusura: da no a sì",
            "Voicemail, 112 in the closed greeting: from no to yes",
        ),
        (
            SetValue("hours.saturday", ("09:00-12:00",)),
            "Orario del centralino, sab: da chiuso a 09:00-12:00",
            "Switchboard's hours, Sat: from closed to 09:00-12:00",
        ),
        (
            SetValue("site.patron", "12-08"),
            "Ente, giorno del patrono: da 4 ottobre a 8 dicembre",
            "Office, patron saint's day: from 4 October to 8 December",
        ),
        (
            SetValue("mail.server", "smtp.example.org"),
            "Posta, server: «smtp.example.org» (prima vuoto)",
            "Mail, server: “smtp.example.org” (was empty)",
        ),
        (
            ClearValue("site.address"),
            "Ente, indirizzo: vuoto (prima «Piazza Maggiore 1, 40124 Esempio»)",
            "Office, address: emptied (was “Piazza Maggiore 1, 40124 Esempio”)",
        ),
        (
            SetValue("retention.numbers_days", 90),
            "Conservazione, numeri di chi chiama (giorni): da 180 a 90",
            "Retention, callers' numbers (days): from 180 to 90",
        ),
    ],
)
def test_a_change_in_words(change: Change, it: str, en: str) -> None:
    """As a technician would say it, in each language."""
    assert told(change) == [it]
    assert told(change, language="en") == [en]


def test_rows_in_words() -> None:
    """By what is shown of them: a phone's label, a line's place; a new one with its values."""
    assert told(AddRow("phones", "op3", {"label": "Operatore 3", "extension": "33"})) == [
        "Nuovo telefono: «Operatore 3»",
        "Telefono «Operatore 3», interno: «33» (prima vuoto)",
    ]
    assert told(RemoveRow("phones", "responsabile")) == [
        "Telefono tolto: «Responsabile»",
        "Responsabile, telefoni: vuoto (prima «Responsabile»)",
    ]
    assert told(AddRow("lines", "line3", {"port": "/dev/x", "label": "Terza"})) == [
        "Nuova linea: 3",
        "Linea 3, etichetta: «Terza» (prima vuoto)",
    ]
    assert told(RemoveRow("lines", "line1")) == ["Linea tolta: 1"]
    assert told(AddRow("phones", "op9")) == ["Nuovo telefono: «op9»"]


def test_numbers_that_must_not_be_shown_are_not_shown() -> None:
    """P7: neither the old one nor the new one."""
    before = edited(EXAMPLE, [SetValue("switchboard.outside", "051 123456")])
    said = told(
        SetValue("switchboard.outside", "340 1234567"),
        SetValue("citizens_desk.pbx_numbers", ("201", "202")),
        text=before,
    )
    assert said == [
        "Centralino, numero esterno: cambiato, qui non mostrato",
        "Sportello Cittadini, interni dietro la linea: cambiato, qui non mostrato",
    ]


def test_the_counters_own_hours_come_and_go() -> None:
    """Day by day."""
    settings = read.parse(EXAMPLE)
    without = replace(settings, citizens_desk=replace(settings.citizens_desk, hours=None))
    gone = [one.words.text("en") for one in differences(settings, without)]
    assert gone[0] == "Citizens' counter's hours, Mon: from 08:30-13:00 to closed"
    assert len(gone) == len(differences(without, settings)) == 5
    assert not [one for one in listed(without) if one.table == "citizens_desk.hours"]


def test_what_has_no_name_here_is_named_by_its_table() -> None:
    """Changed by hand in the file: once a table."""
    settings = read.parse(EXAMPLE)
    other = replace(
        settings,
        closures=(),
        lines=settings.lines[::-1],
        sip=replace(settings.sip, port=5070, realm="x", registrar=Registrar("10.0.0.1", "us")),
    )
    found = differences(settings, other)
    assert [one.words.text("it") for one in found] == [
        "[sip] nel file: cambiato",
        "[lines] nel file: cambiato",
        "[closures] nel file: cambiato",
    ]
    assert effects_of(found) == tuple(Effect)


def test_what_a_change_needs() -> None:
    """Which process restarts, and whether browsers might be cut off."""
    settings = read.parse(EXAMPLE)

    def needs(key: str, value: str | int | bool) -> tuple[tuple[Effect, ...], bool]:
        found = differences(settings, read.parse(edited(EXAMPLE, [SetValue(key, value)])))
        return effects_of(found), any(one.cuts_off for one in found)

    assert needs("console.port", 8443) == ((Effect.CONSOLE,), True)
    assert needs("backup.keep", 3) == ((Effect.AT_ONCE,), False)
    assert needs("mail.port", 25) == ((Effect.CALL_CONTROL,), False)
    assert needs("site.name", "X") == ((Effect.CALL_CONTROL,), False)
    assert needs("standards.lost_at_most", 3) == ((Effect.AT_ONCE,), False)
    assert differences(settings, settings) == ()


def test_the_settings_are_listed_with_their_values() -> None:
    """As JSON has them; numbers that must not be shown are counted."""
    text = edited(EXAMPLE, [SetValue("switchboard.pbx_numbers", ("201", "202"))])
    found = {one.key: one for one in listed(read.parse(text))}
    assert found["hours.monday"].value == ["08:30-13:00", "14:30-17:30"]
    assert found["hours.sunday"].is_default
    assert found["switchboard.pbx_numbers"].value is None
    assert (found["switchboard.pbx_numbers"].hidden, found["switchboard.outside"].hidden) == (2, 0)
    assert found["site.patron"].value == "10-04"
    assert found["lines.line2.label"].where.text("it") == "Linea 2"
    assert found["phones.op1.label"].where.text("it") == "Telefono Operatore 1"
    assert found["switchboard.phones"].value == ["op1", "op2"]
    assert found["waiting.queue_max"].value == 0
    assert found["waiting.queue_max"].is_default
    assert found["voicemail.limit"].what.text("it") == "durata massima di un messaggio (s)"
