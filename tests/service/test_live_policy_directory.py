"""A directory in all its forms (P4, P7): stored, exported, printed; the same, no number seen."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config import directory_file
from appliance.policy import directory_review
from appliance.policy.directory import (
    AppointmentSlots,
    Authorisation,
    Declaration,
    Directory,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    TransferTarget,
    Unit,
    Variation,
    faults_of,
    make_target,
)
from appliance.policy.directory_changes import merge_directory, merged_words
from appliance.policy.directory_review import attention_of, history_rows
from appliance.policy.hours import Band, Week
from appliance.service.live_policy import directory_in_one_line, directory_summary
from appliance.store import database
from appliance.store import directory as store
from appliance.store.database import open_database
from appliance.store.directory import Who, key_path
from tests.helpers.examples import examples
from tests.stories.offices import ROME

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
WHO = Who("Responsabile", NOW, "import")
DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
WORDS = st.text(st.sampled_from("abc àè€'\"\\\n\t[]=#,"), min_size=1, max_size=12).filter(str.strip)
OUTSIDE = st.integers(51_598_204_000, 51_598_204_999).map(lambda n: f"0{n}")
"""Numbers of a row of twelve digits that nothing else looks like."""


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    """Days of up to two bands."""
    days = []
    for _ in range(7):
        hours = sorted(draw(st.sets(st.integers(0, 23), max_size=4)))
        days.append(
            tuple(Band.parse(f"{a}-{b}") for a, b in zip(hours[::2], hours[1::2], strict=False))
        )
    return Week(tuple(days))


@st.composite
def targets(draw: st.DrawFn) -> TransferTarget:
    """Any way to reach somebody."""
    label = draw(st.one_of(st.just(""), WORDS))
    reach = draw(st.sampled_from(Reach))
    if reach is Reach.OUTSIDE:
        if draw(st.booleans()):
            mobile = f"335{draw(st.integers(1_000_000, 9_999_999))}"
            return make_target(reach, mobile, label, service_mobile=True)
        return make_target(reach, draw(OUTSIDE), label)
    return make_target(reach, "ana1" if reach is Reach.PHONE else "204#", label)


RULES = st.lists(st.sampled_from(ReturnRule), min_size=1, max_size=2, unique=True).map(tuple)
SLOTS = st.builds(AppointmentSlots, weeks(), st.integers(5, 240), st.integers(1, 50))
UNITS = (Unit("servizio", "Servizio", "s@c.it", say="Ciò"), Unit("u1", "Uno", "u@c.it", "servizio"))


class Entries:
    """Numbers entries through."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.last = draw, 0

    def __call__(self) -> EntryStamp:
        self.last += self.draw(st.integers(1, 3))
        zone = timezone(timedelta(minutes=self.draw(st.integers(-720, 720))))
        at = datetime(2024, 12, 1, 8, tzinfo=zone) + timedelta(seconds=self.last)
        return EntryStamp(self.last, self.draw(WORDS), at, self.draw(WORDS))


@st.composite
def registers(draw: st.DrawFn) -> Directory:
    """A register without faults, entered in any order of kinds."""
    entry, made = Entries(draw), Directory(UNITS)
    kinds: dict[str, list[Any]] = {"declarations": [], "variations": [], "authorisations": []}
    for kind in draw(st.lists(st.sampled_from([*kinds]), max_size=8)):
        unit, first = draw(st.sampled_from(["servizio", "u1"])), draw(DAYS)
        last = first + timedelta(days=draw(st.integers(0, 400)))
        open_end = draw(st.one_of(st.none(), st.just(last)))
        if kind == "declarations":
            needs = tuple(
                Need(f"n{n}", draw(WORDS), tuple(draw(st.lists(targets(), min_size=1, max_size=3))),
                     draw(st.one_of(st.just(()), RULES)))
                for n in range(draw(st.integers(0, 3)))
            )  # fmt: skip
            slots = draw(st.one_of(st.none(), SLOTS))
            each: Any = Declaration(
                entry(),
                unit,
                draw(WORDS),
                draw(weeks()),
                draw(RULES),
                needs,
                first,
                open_end,
                slots,
            )
        elif kind == "variations":
            week = draw(st.one_of(st.none(), weeks()))
            notice = draw(st.one_of(WORDS, st.just("")))
            each = Variation(entry(), unit, first, last, week, notice=notice)
        else:
            own, told = entry(), make_target(Reach.OUTSIDE, draw(OUTSIDE))
            end = entry() if draw(st.booleans()) else None
            each = Authorisation(own, unit, told, draw(WORDS), end, open_end)
        kinds[kind].append(each)
    made = Directory(UNITS, *map(tuple, kinds.values()))
    assert list(faults_of(made)) == []
    return made


@settings(max_examples=examples(60))
@given(registers())
def test_the_same_in_every_form(directory: Directory) -> None:
    """Exported and read, stored and read: equal; the same text again; a second time nothing new."""
    text = directory_file.text_for(directory)
    assert directory_file.parse(text) == directory
    assert directory_file.text_for(directory_file.parse(text)) == text
    with TemporaryDirectory() as folder:
        path = Path(folder) / "centralino.db"
        with closing(open_database(path, path.parent / "corrupt").connection) as c:
            merged = store.change(
                c, key_path(path), WHO, lambda r: merge_directory(r, directory), {}
            )
            assert store.load(c, key_path(path)) == directory
            again = store.change(
                c, key_path(path), WHO, lambda r: merge_directory(r, directory), {}
            )
            assert again.is_nothing
            noted = repr(database.latest(c))
        stored = b"".join(each.read_bytes() for each in path.parent.glob("centralino.db*"))
    printed = [noted, repr(directory), json.dumps(asdict(directory), default=str)]
    printed += [words.text("it") + words.text("en") for words in merged_words(merged)]
    printed += [row for e in directory.entered() for row in history_rows(e, "it")]
    found = attention_of(directory, NOW, ROME)
    printed += [
        words.text("it") + words.text("en") for words in directory_review.attention_words(found)
    ]
    printed.append(
        json.dumps(directory_summary(directory, NOW, ROME))
        + directory_in_one_line(directory, NOW, ROME).text("it")
    )
    assert not any("051598204" in text for text in printed)
    assert b"051598204" not in stored
