"""What an import brings (P4): new entries are added, what was entered is never changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from appliance.policy.directory import (
    Authorisation,
    Directory,
    Need,
    Unit,
    all_numbers_known,
    target_to_tell,
)
from appliance.policy.directory_changes import (
    DirectoryChange,
    Revocation,
    merge_directory,
    merged_words,
    of_known_units,
    with_entry,
    with_known_numbers,
    with_revocation,
)
from appliance.policy.hours import week_of
from appliance.policy.numbering import SecretNumber
from tests.policy.small_directory import (
    ANAGRAFE,
    CIVILE,
    SERVICE,
    TOWN,
    declaration,
    entry,
    variation,
    with_declarations,
)

LEAVE = Authorisation(entry(3), "anagrafe", target_to_tell("051 598204"), "Dirigente")
FULL = replace(TOWN, variations=(variation(2, "2026-11-25", week_of()),), authorisations=(LEAVE,))
END = entry(4, "2026-06-01 10:00")


def texts(merged: DirectoryChange) -> list[str]:
    """Return place and text of each fault."""
    return [f"{fault.place}: {fault.text}" for fault in merged.faults]


def test_the_same_again_is_nothing() -> None:
    """An import of what is there changes nothing."""
    merged = merge_directory(FULL, FULL)
    assert merged.is_nothing
    assert (merged.directory, merged.unchanged, merged.kept) == (FULL, 3, 0)


def test_into_an_empty_register_all_is_new() -> None:
    """Units in their order, entries in that of their numbers."""
    merged = merge_directory(Directory(), FULL)
    assert merged.directory == FULL
    assert merged.new_units == TOWN.units
    assert merged.units_differ
    assert len(merged.new) == 3


def test_the_same_words_without_their_number_are_known() -> None:
    """A file that numbers nothing may be imported again and again."""
    unnumbered = replace(declaration(), entry=replace(entry(1), number=17))
    merged = merge_directory(FULL, with_declarations(unnumbered))
    assert merged.is_nothing
    assert merged.directory == FULL
    assert (merged.unchanged, merged.kept) == (1, 2)


def test_a_new_declaration_supersedes() -> None:
    """From its first day on; the old one stays in the history."""
    new = declaration(9, first="2026-12-01")
    merged = merge_directory(FULL, with_declarations(declaration(), new))
    assert merged.new == (new,)
    assert merged.superseded == ((declaration(), new),)
    assert merged.directory.declarations == (declaration(), new)
    assert merge_directory(Directory(TOWN.units), with_declarations(new)).superseded == ()
    assert [d.entry.number for d in with_entry(FULL, new).directory.declarations] == [1, 9]
    assert with_entry(FULL, variation(9, "2026-11-26", None)).superseded == ()


def test_what_was_entered_is_not_changed() -> None:
    """Other words under a number that is taken are refused with the remedy."""
    other = replace(declaration(), last=date(2027, 1, 31))
    merged = merge_directory(FULL, with_declarations(other))
    assert len(texts(merged)) == 1
    assert texts(merged)[0].startswith("declarations.1.number: entry 1 stands in the register with")
    assert "leave `number` out" in texts(merged)[0]


def test_nothing_is_entered_before_the_last_entry() -> None:
    """Numbers are the order of entry."""
    late = declaration(5)
    stored = with_declarations(declaration(1), declaration(8, first="2026-12-01"))
    new = replace(late, first=date(2026, 11, 1))
    assert texts(merge_directory(stored, with_declarations(new))) == [
        "declarations.1.number: entry 5 would come before the last one, 8: leave `number` out"
    ]


def test_units_new_changed_gone_moved() -> None:
    """The list of units that is given holds."""
    renamed = replace(CIVILE, name="Stato civile e cimiteri")
    school = Unit("scuola", "Scuola", "scuola@comune.example")
    merged = merge_directory(FULL, replace(FULL, units=(SERVICE, renamed, school)))
    assert merged.new_units == (school,)
    assert merged.changed_units == (renamed,)
    assert merged.gone_units == (ANAGRAFE,)
    moved = merge_directory(FULL, replace(FULL, units=(SERVICE, CIVILE, ANAGRAFE)))
    assert moved.moved_units
    assert moved.units_differ
    assert not moved.is_nothing


def test_entries_of_a_unit_that_is_gone_are_out_of_force() -> None:
    """The history keeps them."""
    directory = replace(FULL, units=(SERVICE, CIVILE))
    assert of_known_units(directory) == Directory((SERVICE, CIVILE))
    assert of_known_units(FULL) == FULL
    assert len(directory.entered()) == 3


def test_an_authorisation_ends() -> None:
    """By an import or by a command; an older file does not bring it back."""
    over = replace(FULL, authorisations=(replace(LEAVE, revoked=END),))
    merged = merge_directory(FULL, over)
    assert merged.revoked == (Revocation(3, END),)
    assert not merged.is_nothing
    assert merged.directory == over
    assert merge_directory(over, FULL).is_nothing
    assert merge_directory(over, FULL).directory == over
    assert merge_directory(over, over).is_nothing
    assert with_revocation(FULL, Revocation(3, END)).directory == over
    assert over.last_number() == 4


def test_an_end_is_not_changed_either() -> None:
    """It was entered, too."""
    over = replace(FULL, authorisations=(replace(LEAVE, revoked=END),))
    otherwise = replace(over, authorisations=(replace(LEAVE, revoked=replace(END, by="X")),))
    said = "entry 3 is revoked already, in other words: what is entered is never changed"
    assert texts(merge_directory(over, otherwise)) == [f"authorisations.1.revoked: {said}"]


def sealed(full: Directory) -> Directory:
    """Return a directory as it is read without its key: every number is empty."""
    empty = SecretNumber("")

    def without(need: Need) -> Need:
        return replace(need, targets=tuple(replace(t, number=empty) for t in need.targets))

    return replace(
        full,
        declarations=tuple(
            replace(d, needs=tuple(map(without, d.needs))) for d in full.declarations
        ),
        authorisations=tuple(
            replace(a, told=replace(a.told, number=empty)) for a in full.authorisations
        ),
    )


def test_numbers_once_known_are_remembered() -> None:
    """A key that is lost while call control runs costs no transfer: an entry's number never
    changes.
    """
    assert all_numbers_known(FULL)
    assert not all_numbers_known(sealed(FULL))
    assert with_known_numbers(sealed(FULL), FULL) == FULL
    ended_since = replace(FULL, authorisations=(replace(LEAVE, revoked=END),))
    assert with_known_numbers(sealed(ended_since), FULL) == ended_since


def test_what_was_never_known_is_not_made_up() -> None:
    """A declaration that came after the key was lost stays without its numbers."""
    newer = replace(FULL, declarations=(*FULL.declarations, declaration(9, first="2026-12-01")))
    found = with_known_numbers(sealed(newer), FULL)
    assert found.declarations[0] == FULL.declarations[0]
    assert found.declarations[1] == sealed(newer).declarations[1]
    assert not all_numbers_known(found)


def in_both(merged: DirectoryChange) -> list[tuple[str, str]]:
    """Return what an import brings, in Italian and in English."""
    return [(words.text("it"), words.text("en")) for words in merged_words(merged)]


def test_an_import_says_which_entry_supersedes_which() -> None:
    """P4: nothing is overwritten, so the reader sees what holds no more, and how much stays."""
    new = declaration(9, first="2026-12-01")
    given = replace(FULL, declarations=(declaration(), new))
    days = "lun mar mer gio ven 09:00-12:30 15:00-17:00"
    english = "mon tue wed thu fri 09:00-12:30 15:00-17:00"
    assert in_both(merge_directory(FULL, given)) == [
        (
            f"nuova: comunicazione 9, anagrafe, dal 1° dicembre 2026, {days}; sostituisce la 1",
            f"new: declaration 9, anagrafe, from 1 December 2026, {english}; supersedes 1",
        ),
        (
            "Già presenti: 3; altre che restano: 0",
            "Already there: 3; others that stay: 0",
        ),
    ]


def test_an_import_names_units_and_new_entries() -> None:
    """Whoever confirms an import reads each office that it adds, and each entry."""
    of_a_day = variation(2, "2026-11-26", None)
    given = Directory((SERVICE,), (), (of_a_day,))
    assert in_both(merge_directory(Directory(), replace(given, units=(SERVICE, ANAGRAFE)))) == [
        ("nuovo: demografici, Servizi demografici", "new: demografici, Servizi demografici"),
        ("nuovo: anagrafe, Anagrafe", "new: anagrafe, Anagrafe"),
        (
            "nuova: variazione 2, anagrafe, gio 26 novembre 2026, come comunicato",
            "new: variation 2, anagrafe, Thu 26 November 2026, as declared",
        ),
    ]


def test_an_import_of_what_is_there_says_so() -> None:
    """One sentence, so that nobody looks for what has changed."""
    assert in_both(merge_directory(FULL, FULL)) == [
        (
            "Niente di nuovo: tutto era già nella rubrica.",
            "Nothing new: all of it was there already.",
        )
    ]
