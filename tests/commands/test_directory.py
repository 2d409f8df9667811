"""`office directory`: import, variation, authorisation, export; every refusal one sentence."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib import resources, util
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api.speech import load_spoken_units
from appliance.commands.directory import day_of
from appliance.config import directory_file, read
from appliance.config.state_folder import path_of, speech_folder
from appliance.errors import OfficeError
from appliance.policy.directory_review import (
    SpecialTime,
    TimeAhead,
    ahead_rows,
    entered_words,
    history_rows,
    week_words,
    what_holds,
)
from appliance.policy.hours import Closure, Period, SpecialOpening, day_phrase, day_words, week_of
from appliance.store import database
from appliance.store.database import database_path, open_database, open_reader
from tests.helpers.words import pair
from tests.policy.small_directory import declaration, variation

DAEMON = resources.files("appliance.config")
EXAMPLE = DAEMON / "example_register.toml"
CONFIG = DAEMON / "example.toml"


def today() -> date:
    """Return the day as the box counts it; a run of the tests may go past midnight."""
    return datetime.now(ZoneInfo("Europe/Rome")).date()


BY = ("--by", "Responsabile")
WHY = ("--reference", "e-mail, 8:05", *BY)
PBX = "[[declarations.needs.numbers]]"


class Box:
    """The commands on a box of their own, English spoken."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        self.config, self.file = folder / "centralino.toml", folder / "register.toml"
        text = CONFIG.read_text(encoding="utf-8").replace('["it", "en"]', '["en", "it"]')
        folders = f'\n[folders]\nstate = "{self.state}"\nrun = "{folder}"\n'
        self.config.write_text(text + folders)
        self.file.write_text(EXAMPLE.read_text(encoding="utf-8"))
        open_database(database_path(self.state), self.state / "corrupt").connection.close()

    def run(self, *arguments: str, typed: str = "") -> Result:
        """Run `centralino office directory`."""
        asked = ("register", "--config", str(self.config), *arguments)
        return CliRunner().invoke(main, asked, input=typed)

    def done(self, *arguments: str, typed: str = "") -> str:
        """Run it and return what it says when all is well."""
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return result.output

    def refused(self, *arguments: str, typed: str = "") -> str:
        """Run it and return the sentence it is refused with."""
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 1, result.output
        return result.output

    def noted(self) -> list[tuple[str, str]]:
        """List who did what, newest first."""
        connection = open_reader(database_path(self.state))
        try:
            return [(each.by, each.what) for each in database.latest(connection)]
        finally:
            connection.close()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A box that has run once and holds the example directory."""
    made = Box(tmp_path)
    made.done("import", str(made.file), *BY)
    return made


def test_import_says_what_is_new(tmp_path: Path) -> None:
    """Units and entries; that call control does not run is said."""
    said = Box(tmp_path)
    rows = said.done("import", str(said.file), *BY).splitlines()
    assert "new: anagrafe, Anagrafe" in rows
    assert "new: variation 7, anagrafe, Tue 10 March 2026, tue 11:00-12:00" in rows
    assert "The service is not running: it will read the register when it starts." in rows
    assert stat.S_IMODE((said.state / "secrets" / "register.key").stat().st_mode) == 0o600


@pytest.mark.skipif(util.find_spec("py_nanotts") is None, reason="make environment")
def test_import_gives_the_offices_names_a_voice(box: Box) -> None:
    """E23: operators hear of an office by its name; in the first language of the house."""
    named = load_spoken_units(speech_folder(box.state))
    assert named["anagrafe"].startswith("en/unit_")
    assert path_of(speech_folder(box.state), *named["anagrafe"].split("/")).exists()


def test_the_same_file_twice_changes_nothing(box: Box) -> None:
    """Nor is it audited twice."""
    assert "Nothing new" in box.done("import", str(box.file), *BY)
    assert box.noted() == [("Responsabile", "register.import")]


def test_a_new_declaration_supersedes_by_a_file(box: Box) -> None:
    """Without a number: it gets the next one; what is there stays as it is."""
    text = box.file.read_text()
    start = text.index("[[declarations]]\nnumber = 3")
    again = text[start : text.index("[[declarations]]\nnumber = 4")]
    changed = again.replace("number = 3\n", "", 1).replace(
        "first = 2026-02-03", "first = 2026-12-01"
    )
    box.file.write_text(text + "\n" + changed)
    said = box.done("import", str(box.file), *BY)
    assert "new: declaration 9, tributi, from 1 December 2026 to 31 January 2027" in said
    assert "; supersedes 3" in said
    assert "Already there: 8; others that stay: 0" in said
    assert "Nothing new" in box.done("import", str(box.file), *BY)


def test_a_changed_entry_is_refused_with_its_line(box: Box) -> None:
    """Nothing entered is changed; nothing is stored of such a file."""
    box.file.write_text(box.file.read_text().replace('"09:00-13:00"', '"09:00-12:00"'))
    said = box.refused("import", str(box.file), *BY)
    line = box.file.read_text().splitlines().index("number = 6") + 1
    assert f"line {line}, declarations.6.number: entry 6 stands in the register" in said
    assert len(box.noted()) == 1


def test_all_mistakes_at_once_and_nothing_is_stored(box: Box) -> None:
    """Whatever else the file holds."""
    text = box.file.read_text()
    box.file.write_text(text.replace('reach = "pbx"', 'reach = "pigeon"'))
    said = box.refused("import", str(box.file), *BY)
    assert said.count("'pigeon' is unknown") == text.count('reach = "pbx"')
    assert len(box.noted()) == 1


def test_a_variation_of_the_morning(box: Box) -> None:
    """E12: today only 11-12, by a deputy, with the sender and time of the mail."""
    said = box.done("vary", "scuola", "--band", "11-12", "--reference", "mail 8:05", "--by", "vice")
    assert re.search(
        rf"new: variation 9, scuola, {day_words(today(), 'en')}, \w{{3}} 11:00-12:00", said
    )
    assert "vice: mail 8:05" in box.done("history", "scuola")
    assert box.noted()[0] == ("vice", "register.vary")


def test_a_variation_ends_by_itself(box: Box) -> None:
    """The next day is as declared."""
    box.done("vary", "scuola", "--band", "11-12", "--day", "2030-03-13", *WHY)
    assert "11:00-12:00" in box.done("show", "--unit", "scuola", "--at", "2030-03-13")
    assert "08:30-10:30" in box.done("show", "--unit", "scuola", "--at", "2030-03-14")


def test_variations_of_some_days_of_a_need_of_none(box: Box) -> None:
    """A closed week, one need only, and back to what was declared."""
    last = today() + timedelta(days=10)
    said = box.done("vary", "anagrafe", "--closed", "--need", "aire", "--until", f"{last}", *WHY)
    assert (
        f"{day_phrase('from', today(), 'en')} {day_phrase('to', last, 'en')}, no band (aire)"
        in said
    )
    assert "as declared" in box.done("vary", "anagrafe", "--as-declared", "--day", "domani", *WHY)
    said = box.done(
        "vary", "anagrafe", "--band", "9-10", "--band", "12-13", "--until", f"{last}", *WHY
    )
    assert "mon tue wed thu fri 09:00-10:00 12:00-13:00" in said  # it opens no Sunday


def test_a_special_week_is_prepared_and_listed_ahead(box: Box) -> None:
    """E14: weeks ahead, with what operators read of it; in `show` and in the year's list."""
    nothing = box.done("calendar", "--from", "2030-03-01", "--days", "20", "--unit", "scuola")
    assert nothing == "Nothing special lies ahead.\n"
    span = ("--day", "2030-03-11", "--until", "2030-03-17")
    box.done("vary", "scuola", "--band", "9-10", *span, "--notice", "iscrizioni", *WHY)
    rows = box.done("calendar", "--from", "2030-03-01", "--days", "60").splitlines()
    (row,) = [row for row in rows if "scuola" in row]
    assert row.startswith("Mon 11 March 2030 – Sun 17 March 2030 ")
    assert row.endswith("09:00-10:00, «iscrizioni»")
    assert "sun" not in row
    assert any(row.endswith("the whole house      holiday, «Easter Monday»") for row in rows)
    assert "«iscrizioni»" in box.done("show", "--unit", "scuola", "--at", "2030-02-20")
    assert "«iscrizioni»" not in box.done("show", "--unit", "scuola", "--at", "2030-03-18")
    assert "09:00-10:00" in box.done("show", "--unit", "scuola", "--at", "2030-03-12")
    assert "«iscrizioni»" in box.done("history", "scuola")


def test_every_kind_of_special_time_has_its_words() -> None:
    """Of the house and of units, in both languages."""
    day, fair = date(2026, 12, 13), pair("Fiera", "Fair")
    sundays = week_of(sunday="9-12")
    declared = replace(declaration(8), week=sundays)
    kinds: tuple[tuple[SpecialTime, str], ...] = (
        (Closure.whole_days(day, day, fair), "chiuso, «Fiera»"),
        (SpecialOpening(day, sundays.days[6], fair), "aperto 09:00-12:00, «Fiera»"),
        (Period(day, day, fair, sundays, notice=fair), "Fiera: dom 09:00-12:00, «Fiera»"),
        (replace(variation(7, "2026-12-13", None), needs=("aire",)), "come comunicato (aire)"),
        (declared, "comunicazione 8: dom 09:00-12:00"),
    )
    for kind, said in kinds:
        assert what_holds(TimeAhead(day, day, kind), "it") == said
    (row,) = ahead_rows([TimeAhead(day, None, declared, "anagrafe")], "it")
    assert row.startswith("dal 13 dicembre 2026 ")
    assert "anagrafe" in row


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scuola", "--band", "11-12", "--closed"), "say one of --band"),
        (("scuola", "--band", "12-11"), "the end must come after the start"),
        (("scuola",), "say one of --band"),
        (("nessuno", "--closed"), "no office 'nessuno' in the register; known are demografici"),
        (("entrate", "--closed"), "no valid declaration"),
        (("scuola", "--closed", "--day", "2026-01-01"), "is past"),
        (("scuola", "--closed", "--day", "ieri"), "is no day: write today"),
        (("scuola", "--closed", "--need", "mensa"), "need 'mensa' was never declared by scuola"),
        (("scuola", "--closed", "--until", "2026-01-01"), "is past"),
        (("scuola", "--closed", "--day", "2099-02-02", "--until", "2099-02-01"), "ends before"),
        (("scuola", "--closed", "--attach", "/nowhere/mail.eml"), "cannot be read (No such file"),
    ],
)
def test_a_variation_that_cannot_be(box: Box, arguments: tuple[str, ...], said: str) -> None:
    """One sentence, and nothing is stored."""
    assert said in box.refused("vary", *arguments, *WHY)
    assert len(box.noted()) == 1


def test_an_authorisation_and_its_end(box: Box, tmp_path: Path) -> None:
    """P7, E11: a declared number is never typed; it runs out, is revoked; the mail is kept."""
    mail = tmp_path / "mail.eml"
    mail.write_text("Il numero 051 598 240 si può dire")
    last = today() + timedelta(days=3)
    given = ("--authorised-by", "Dirigente", *WHY, "--attach", str(mail))
    said = box.done(
        "authorise",
        "edilizia",
        "--need",
        "pratiche",
        "--last",
        f"{last}",
        *given,
    )
    assert (
        f"new: authorisation 9, edilizia, •••, Dirigente, {day_phrase('until', last, 'en')}" in said
    )
    assert f"authorisation 9 runs out {day_phrase('on', last, 'en')}" in box.done("attention")
    assert "[mail.eml]" in box.done("history", "edilizia")
    assert "revoked: authorisation 9" in box.done("revoke", "9", *WHY)
    # by the day of the run a declaration of the example may run out, too
    assert "authorisation" not in box.done("attention")
    assert "those are 8" in box.refused("revoke", "9", *WHY)
    assert re.search(r"revoked .*, Responsabile: e-mail, 8:05", box.done("history", "edilizia"))
    out = tmp_path / "out.eml"
    box.done("attachment", "mail.eml", str(out), *BY)
    assert out.read_text() == mail.read_text()
    assert box.noted()[0] == ("Responsabile", "register.attachment")


def test_a_number_that_is_not_declared_is_asked_for_unseen(box: Box) -> None:
    """It stands in no shell's history; a private mobile is refused."""
    given = ("authorise", "edilizia", "--authorised-by", "D", *WHY)
    said = box.done(*given, typed="051 598 777\n")
    assert "new: authorisation 9" in said
    assert "598" not in said
    assert "may not be told" in box.refused(*given, typed="335 999 1260\n")
    assert "no outside number" in box.refused(*given, typed="12\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scuola", "--need", "diete"), "is one within the house"),
        (("scuola", "--need", "mensa"), "has declared no number 1 for the need 'mensa'"),
        (("edilizia", "--need", "pratiche", "--which", "2"), "has declared no number 2"),
        (("entrate", "--need", "x"), "has declared no number 1"),
        (("nessuno", "--need", "x"), "no office 'nessuno'"),
        (("edilizia", "--need", "pratiche", "--last", "2026-01-01"), "over before it was entered"),
    ],
)
def test_an_authorisation_that_cannot_be(box: Box, arguments: tuple[str, ...], said: str) -> None:
    """One sentence, and nothing is stored."""
    assert said in box.refused("authorise", *arguments, "--authorised-by", "D", *WHY)
    assert len(box.noted()) == 1


def test_check_says_what_the_register_lacks(box: Box) -> None:
    """Nothing while all is well, nor where call control has never run; else what to do."""
    asked = ("check", "--config", str(box.config))
    assert "register" not in CliRunner().invoke(main, asked).output
    key = box.state / "secrets" / "register.key"
    kept = key.read_bytes()
    key.unlink()
    assert "The numbers of the register cannot be read" in CliRunner().invoke(main, asked).output
    key.write_bytes(kept)
    database_path(box.state).write_bytes(b"x" * 8192)
    assert "the register of offices cannot be read" in CliRunner().invoke(main, asked).output
    database_path(box.state).unlink()
    told = CliRunner().invoke(main, asked)
    assert (told.exit_code, "register" in told.output) == (0, False)


def test_the_export_is_the_register(box: Box, tmp_path: Path) -> None:
    """It round-trips exactly, with what is attached; 0600, audited, never onto what is there."""
    mail, out = tmp_path / "mail.eml", tmp_path / "out" / "register.toml"
    out.parent.mkdir()
    mail.write_bytes(b"x" * 1000)
    box.done("vary", "scuola", "--closed", *WHY, "--attach", str(mail))
    box.done("export", str(out), *BY)
    assert [stat.S_IMODE(p.stat().st_mode) for p in sorted(out.parent.iterdir())] == [0o600] * 2
    assert box.noted()[0] == ("Responsabile", "register.export")
    assert "Nothing new" in box.done("import", str(out), *BY)
    other = tmp_path / "other"
    other.mkdir()
    fresh = Box(other)
    fresh.done("import", str(out), *BY)
    again = other / "again.toml"
    fresh.done("export", str(again), *BY)
    assert again.read_bytes() == out.read_bytes()
    assert (other / "mail.eml").read_bytes() == mail.read_bytes()
    assert directory_file.load(out).variations[1].entry.attachment == "mail.eml"
    for place in (str(out), "-"):
        assert "is no new file" in box.refused("export", place, *BY)
    assert "cannot be written" in box.refused("export", str(tmp_path / "no" / "x.toml"), *BY)


def test_an_attachment_that_is_not_there_is_asked_for(box: Box) -> None:
    """Nothing is stored of a file whose e-mail is missing."""
    text = box.file.read_text().replace("number = 8\n", 'number = 9\nattachment = "leave.eml"\n')
    box.file.write_text(text)
    assert "'leave.eml' is not there: put the file beside" in box.refused(
        "import", str(box.file), *BY
    )
    (box.file.parent / "leave.eml").write_text("Sì")
    assert "new: authorisation 9" in box.done("import", str(box.file), *BY)


def test_without_the_key_masks_are_what_there_is(box: Box) -> None:
    """Why is said; what is not a number is shown; nothing can be changed or exported."""
    (box.state / "secrets" / "register.key").unlink()
    for shown in (box.done("show"), box.done("history", "anagrafe")):
        assert "is missing, so the register's numbers cannot be read" in shown
        assert "Anagrafe, interno 1 •••" in shown
    assert "is missing" in box.refused("export", str(box.file.parent / "x.toml"), *BY)
    assert "is missing" in box.refused("vary", "scuola", "--closed", *WHY)


def test_no_records_yet(tmp_path: Path) -> None:
    """A command never makes them: they would belong to whoever called it."""
    made = Box(tmp_path)
    database_path(made.state).unlink()
    assert "start centralino once" in made.refused("import", str(made.file), *BY)


def test_explain_transfer_from_the_store(box: Box) -> None:
    """What an operator will be told, by the directory of the box."""
    asked = ("--config", str(box.config), "--office", "anagrafe", "--need", "residenza")
    result = CliRunner().invoke(main, ("explain-transfer", *asked, "--at", "2026-11-26 13:00"))
    assert (
        result.output
        == "Anagrafe: takes calls 9:00–12:30, resumes tomorrow at 9:00. Appointment or e-mail?\n"
    )


def test_the_audit_can_be_read(box: Box) -> None:
    """Who did what and when, newest first, without a number."""
    box.done("authorise", "edilizia", "--need", "pratiche", "--authorised-by", "D", *WHY)
    rows = box.done("audit").splitlines()
    assert re.fullmatch(
        r"\w{3} \d+ \w+ \d{4}, \d\d:\d\d  Responsabile  register.authorise  "
        r"authorisation 9 of edilizia",
        rows[0],
    )
    assert "register.import" in rows[1]
    assert len(box.done("audit", "--last", "1").splitlines()) == 1


def test_what_a_return_leads_to(box: Box) -> None:
    """P6: the rule, another one per need, when appointments are offered; P4: who declared."""
    said = box.done("show", "--unit", "anagrafe")
    slots = "appointments tue 15:00-17:00; thu 09:00-12:00, 20 min x 2"
    assert f"return: appointment, e-mail; aire: e-mail; {slots}" in said
    assert "declared by Responsabile dell'Anagrafe; return: app" in box.done("history", "anagrafe")
    assert "return: e-mail\n" in box.done("show", "--unit", "scuola")


def test_the_example_office_is_whole() -> None:
    """Two public numbers, the switchboard, the citizens' counter; the directory's six offices."""
    settings = read.load(Path(str(CONFIG)))
    assert [line.called for line in settings.lines] == ["051 598 111", "800 011 837"]
    assert settings.switchboard.phones
    assert settings.citizens_desk.phones
    found = directory_file.load(Path(str(EXAMPLE)))
    assert len([unit for unit in found.units if unit.service]) == 6
    assert found.undeclared(date(2026, 11, 25)) == ()


def test_history_of_nobody(box: Box) -> None:
    """A unit that never was is named; one without entries has none."""
    assert "no office 'nessuno'" in box.refused("history", "nessuno")
    assert box.done("history", "entrate") == ""


def test_days_as_people_write_them() -> None:
    """In both languages; anything else is told how."""
    day = date(2026, 12, 31)
    assert [day_of(text, day).isoformat() for text in ("oggi", "tomorrow", "2027-02-03")] == [
        "2026-12-31",
        "2027-01-01",
        "2027-02-03",
    ]
    with pytest.raises(OfficeError, match="is no day"):
        day_of("lunedì", day)


def test_words_in_italian() -> None:
    """The head reads Italian."""
    assert week_words(week_of(monday="9-12", tuesday="9-12", friday="14-16"), "it") == (
        "lun mar 09:00-12:00; ven 14:00-16:00"
    )
    assert week_words(week_of(), "it") == "nessuna fascia"
    entered = variation(2, "2026-11-25", None)
    assert (
        entered_words(entered, "it")
        == "variazione 2, anagrafe, mer 25 novembre 2026, come comunicato"
    )
    assert next(history_rows(entered, "it")).startswith("lun 12 gennaio 2026, ")
