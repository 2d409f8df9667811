"""What the head must look after, and until when a number may be told (E11, E13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from appliance.policy import directory_review
from appliance.policy.directory import (
    Authorisation,
    Directory,
    DirectoryFault,
    faults_of,
    lapsed_numbers,
    lapsing_numbers,
    may_tell,
    target_to_tell,
)
from appliance.policy.directory_review import DirectoryAttention, attention_of
from tests.helpers.words import pair
from tests.policy.small_directory import TOWN, declaration, entry, rome
from tests.stories.offices import ROME

NOW = rome("2026-11-25 22:00")
ROADS = Authorisation(entry(2), "anagrafe", target_to_tell("051 598204"), "Dirigente")
WATER = replace(ROADS, entry=entry(3), told=target_to_tell("051 598205"), last=date(2026, 11, 25))
ASKED = replace(ROADS, entry=entry(4), told=target_to_tell("051 598206"))


def town(*leaves: Authorisation) -> Directory:
    """Return the town's register with authorisations."""
    return replace(TOWN, authorisations=leaves)


def told(leave: Authorisation, at: datetime, *others: Authorisation) -> int | None:
    """Return by which authorisation its number may be told, if any."""
    found = may_tell(town(leave, *others), "anagrafe", leave.told.number, at, ROME)
    return found.entry.number if found else None


def test_its_last_day_is_whole() -> None:
    """The day is the office's own, whatever zone the moment is given in."""
    assert told(WATER, rome("2026-11-25 23:59")) == 3
    assert told(WATER, datetime(2026, 11, 25, 22, 59, tzinfo=UTC)) == 3
    assert told(WATER, datetime(2026, 11, 25, 23, 0, tzinfo=UTC)) is None


def test_the_last_leave_of_a_number_holds() -> None:
    """A renewal takes the place of what ran out; a revocation is not undone by an older one."""
    renewed = replace(WATER, entry=entry(6), last=date(2027, 11, 25))
    over = replace(renewed, revoked=entry(7, "2026-11-01 10:00"))
    assert told(WATER, NOW, renewed) == 6
    assert told(WATER, NOW, over) is None


def test_what_ran_out_and_what_will() -> None:
    """E11: an expired one is listed until it is renewed or revoked; 30 days ahead, too."""
    later = rome("2026-11-26 08:00")
    assert lapsed_numbers(town(WATER), NOW, ROME) == ()
    assert lapsing_numbers(town(WATER, ROADS), NOW, ROME) == (WATER,)
    assert lapsing_numbers(town(WATER), rome("2026-10-25 08:00"), ROME) == ()
    assert lapsing_numbers(town(WATER), rome("2026-10-26 08:00"), ROME) == (WATER,)
    assert lapsed_numbers(town(WATER, ROADS), later, ROME) == (WATER,)
    assert lapsing_numbers(town(WATER), later, ROME) == ()
    renewed = replace(WATER, entry=entry(6), last=None)
    revoked = replace(WATER, revoked=entry(7, "2026-11-01 10:00"))
    assert lapsed_numbers(town(WATER, renewed), later, ROME) == ()
    assert lapsed_numbers(town(revoked), later, ROME) == ()


def test_an_authorisation_is_not_over_before_it_is_entered() -> None:
    """A year mistyped."""
    late = replace(ROADS, last=date(2025, 12, 31))
    place = "authorisations.1.last"
    assert list(faults_of(town(late))) == [
        DirectoryFault(
            place,
            pair(
                "scade prima di essere inserita: correggere il giorno",
                "it was over before it was entered: mend the day",
            ),
        )
    ]


def test_all_is_well() -> None:
    """Nothing to look after, nothing said."""
    well = replace(TOWN, declarations=(declaration(1, "demografici"), declaration(2)))
    found = attention_of(well, NOW, ROME)
    assert found == DirectoryAttention()
    assert found.is_nothing
    assert directory_review.attention_words(found) == ()


def test_what_is_said_of_each() -> None:
    """One sentence a thing with what to do, in both languages, and no number in any."""
    expiring = replace(declaration(1, "demografici"), last=date(2026, 12, 20))
    ran_out = replace(WATER, last=date(2026, 11, 20))
    runs_out = replace(ASKED, last=date(2026, 12, 1))
    units = (*TOWN.units, replace(TOWN.units[0], code="scuola", name="Scuola"))
    directory = Directory(units, (expiring,), (), (ran_out, runs_out))
    found = attention_of(directory, NOW, ROME)
    assert not found.is_nothing
    said = directory_review.attention_words(found)
    undeclared = "no valid declaration, nothing can be transferred; ask the office for one."
    silent = "the number is not told any more; renew or revoke it."
    assert [words.text("en") for words in said] == [
        f"Scuola (scuola): {undeclared}",
        f"anagrafe: authorisation 3 ran out on 20 November 2026: {silent}",
        "demografici: the declaration runs out on 20 December 2026; ask for a new one.",
        "anagrafe: authorisation 4 runs out on 1 December 2026: renew it if it shall go on.",
    ]
    assert "scade il 20 dicembre 2026" in said[2].text("it")
    assert all("5982" not in words.text("it") + words.text("en") for words in said)
