"""Changes of the configuration's text: comments and order stay, all mistakes at once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import editing, read
from appliance.config.differences import listed
from appliance.config.editing import (
    AddRow,
    Change,
    ClearValue,
    RemoveRow,
    SetSecret,
    SetValue,
    Value,
    changes_json,
    changes_of,
    edited,
    judge,
)
from appliance.config.office import build_office
from appliance.config.schema import Settings
from appliance.config.setting_names import NAMES, ROWS, TABLES
from appliance.config.values import BadConfiguration
from appliance.errors import OfficeError
from appliance.policy.forms import FormRefused
from appliance.policy.text import Refused
from appliance.text import Words

EXAMPLE = (Path(read.__file__).parent / "example.toml").read_text(encoding="utf-8")
SMALL = """# ours
[site]
name = "Comune"   # the town
patron = "10-04"

# when we are there
[hours]
# nothing yet

[sip]
address = "0.0.0.0"

[[phones]]
name = "op1"
label = "Uno"

# the second one
[[phones]]
name = "op2"
# end of the phones
"""


def checked(text: str) -> Settings:
    """Read a text as the service does."""
    settings = read.parse(text)
    build_office(settings, 2026, announcements=())
    return settings


def refused(text: str, *changes: Change) -> list[tuple[str, Words]]:
    """Return the places and reasons of refused changes."""
    with pytest.raises(FormRefused) as caught:
        edited(text, changes)
    return [(one.place, one.words) for one in caught.value.problems]


# ---- the text ------------------------------------------------------------------------------------


def test_a_value_changes_and_its_comment_stays() -> None:
    """One line changes, in its value alone."""
    made = edited(SMALL, [SetValue("site.name", "Città")])
    assert made == SMALL.replace('"Comune" ', '"Città" ')


def test_a_new_value_stands_behind_the_last_entry() -> None:
    """Not behind the comment that belongs to the next table."""
    made = edited(SMALL, [SetValue("site.email", "urp@comune.it")])
    assert '"10-04"\nemail = "urp@comune.it"\n\n# when we are there\n[hours]' in made


def test_a_table_without_entries_gets_its_first_one() -> None:
    """Behind its header."""
    made = edited(SMALL, [SetValue("hours.monday", ("08:30-13:00",))])
    assert '[hours]\nmonday = ["08:30-13:00"]\n# nothing yet\n' in made


def test_a_missing_table_is_written() -> None:
    """Last, or behind the table that it is a part of."""
    made = edited(
        SMALL,
        [
            SetValue("retention.calls_days", 30),
            SetValue("citizens_desk.ring", 20),
            SetValue("citizens_desk.hours.monday", ("09:00-12:00",)),
            SetValue("calls.longest", 100.5),
        ],
    )
    assert (
        "# end of the phones\n\n[retention]\ncalls_days = 30\n\n[citizens_desk]\nring = 20" in made
    )
    assert '[citizens_desk]\nring = 20\n\n[citizens_desk.hours]\nmonday = ["09:00-12:00"]' in made
    # In the middle of the file, too.
    above = "[citizens_desk]\nring = 20\n[retention]\n"
    inside = edited(above, [SetValue("citizens_desk.hours.friday", ())])
    assert (
        inside
        == "[citizens_desk]\nring = 20\n\n[citizens_desk.hours]\nfriday = []\n\n[retention]\n"
    )


def test_a_table_that_only_its_part_implies_is_written_before_it() -> None:
    """[citizens_desk.hours] alone."""
    text = "[head]\nphones = []\n[citizens_desk.hours]\nmonday = []\n"
    made = edited(text, [SetValue("citizens_desk.ring", 20)])
    assert made.index("[citizens_desk]\nring = 20") < made.index("[citizens_desk.hours]")


def test_a_cleared_value_leaves() -> None:
    """Of a table, of a row; what is not there need not leave."""
    assert edited(SMALL, [ClearValue("site.patron")]) == SMALL.replace('patron = "10-04"\n', "")
    assert 'label = "Uno"' not in edited(SMALL, [ClearValue("phones.op1.label")])
    assert edited(SMALL, [ClearValue("mail.server"), ClearValue("phones.op2.label")]) == SMALL


def test_rows_come_and_go() -> None:
    """A new row is the last one; a removed one takes no comment of the next one with it."""
    added = edited(SMALL, [AddRow("phones", "op3", {"label": "Tre", "dials": ("local",)})])
    new = '\n[[phones]]\nname = "op3"\nlabel = "Tre"\ndials = ["local"]\n\n# end of the phones\n'
    assert added == SMALL.replace("# end of the phones\n", new)
    removed = edited(SMALL, [RemoveRow("phones", "op1")])
    assert removed == SMALL.replace('[[phones]]\nname = "op1"\nlabel = "Uno"\n\n', "")
    first = edited("# x\n", [AddRow("phones", "op1")])
    assert first == '# x\n\n[[phones]]\nname = "op1"\n'
    assert edited(first, [RemoveRow("phones", "op1")]) == "# x\n\n"
    assert edited("", [AddRow("phones", "op1")]).strip() == '[[phones]]\nname = "op1"'


def test_a_row_between_others_stands_apart() -> None:
    """An empty line before and behind it."""
    made = edited('[[phones]]\nname = "a"\n[sip]\n', [AddRow("phones", "b")])
    assert made == '[[phones]]\nname = "a"\n\n[[phones]]\nname = "b"\n\n[sip]\n'


def test_a_removed_phone_rings_nowhere() -> None:
    """It leaves the groups that name it, and no other group changes."""
    made = edited(EXAMPLE, [RemoveRow("phones", "op2")])
    assert tomllib.loads(made)["switchboard"]["phones"] == ["op1"]
    assert 'phones = ["sportello1"]' in made


def test_windows_line_ends_stay() -> None:
    """Where every line has one; a mixed file keeps its own."""
    text = SMALL.replace("\n", "\r\n")
    changes: list[Change] = [SetValue("site.name", "X"), AddRow("phones", "op3")]
    made = edited(text, changes)
    assert "\n" not in made.replace("\r\n", "")
    mixed = SMALL.replace("# ours\n", "# ours\r\n")
    assert edited(mixed, [SetValue("sip.tcp", False)]).startswith("# ours\r\n[site]\n")


@pytest.mark.parametrize(
    "text",
    [
        'site = { name = "A" }\nphones = [{ name = "op1" }, # one\n{ name = "op2" }]\n',
        "phones = [ # the\n]\n",
    ],
    ids=["remarks between inline rows", "a list instead of rows"],
)
def test_an_odd_file_is_left_alone(text: str) -> None:
    """What cannot be changed with certainty is said, and nothing is written."""
    with pytest.raises(Refused):
        edited(text, [AddRow("phones", "op3")])
    if "op1" in text:
        with pytest.raises(Refused):
            edited(text, [RemoveRow("phones", "op1")])


@pytest.mark.parametrize(
    "rows",
    [
        "[]",
        '[{ name = "op1", label = "No. #1" }]',
        '[\n    { name = "op1" },\n    { name = "op2" },\n]',
    ],
    ids=["none", "in one line", "one a line"],
)
def test_rows_between_brackets_become_tables(rows: str) -> None:
    """As the box itself writes short ones: each row with its values, in its place."""
    text = f'phones = {rows} # who is here\n\n[site]\nname = "A"\n'
    before = tomllib.loads(text)["phones"]
    made = edited(text, [AddRow("phones", "op3", {"label": "Tre"})])
    assert tomllib.loads(made)["phones"] == [*before, {"name": "op3", "label": "Tre"}]
    if before:
        changes: list[Change] = [SetValue("phones.op1.label", "Uno"), RemoveRow("phones", "op2")]
        changed = tomllib.loads(edited(text, changes[: len(before)]))["phones"]
        assert changed == [{"name": "op1", "label": "Uno"}]


def test_inline_and_dotted_tables_can_be_changed() -> None:
    """tomlkit knows them."""
    assert (
        edited('site = { name = "A" }\n', [SetValue("site.name", "B")]) == 'site = { name = "B" }\n'
    )
    assert edited('site.name = "A" # x\n', [SetValue("site.name", "B")]) == 'site.name = "B" # x\n'


# ---- what may be changed -------------------------------------------------------------------------


def test_each_refusal_names_its_field() -> None:
    """Unknown, forbidden, gone, taken, badly named."""
    for key in ("folders.state", "mail.password_file", "site.nme", "central.certificate", ""):
        assert refused(SMALL, SetValue(key, "x")) == [(key, editing.IN_THE_FILE)]
    assert refused(SMALL, ClearValue("phones.op9.label")) == [("phones.op9.label", editing.NO_ROW)]
    assert refused(SMALL, SetValue("phones.label", "x")) == [("phones.label", editing.NO_ROW)]
    assert refused(SMALL, RemoveRow("phones", "op9")) == [("phones.op9", editing.NO_ROW)]
    assert refused(SMALL, RemoveRow("closures", "1")) == [("closures.1", editing.NO_ROW)]
    assert refused(SMALL, AddRow("closures", "1")) == [("closures.1", editing.IN_THE_FILE)]
    assert refused(SMALL, AddRow("phones", "op1")) == [("phones.op1", editing.TAKEN_NAME)]
    assert refused(SMALL, AddRow("phones", "Op 1")) == [("phones.Op 1", editing.BAD_ROW_NAME)]
    key = "phones.op3.secret"
    assert refused(SMALL, AddRow("phones", "op3", {"secret": "x"})) == [(key, editing.IN_THE_FILE)]


def test_every_name_is_a_key_of_the_file() -> None:
    """And no name leads to a folder, a password file or a pin."""
    import dataclasses

    blank = read.parse(EXAMPLE)
    assert set(NAMES) == set(TABLES)
    for table, names in NAMES.items():
        value = getattr(blank, table)[0] if table in ROWS else blank
        for step in () if table in ROWS else table.split("."):
            value = getattr(value, step)
        if not hasattr(value, "week"):
            assert set(names) <= {one.name for one in dataclasses.fields(value)}
    named = {f"{table}.{key}" for table, names in NAMES.items() for key in names}
    odd = {key for key in named if "file" in key or "folder" in key or "panel" in key}
    assert odd == {"mail.password_file"}
    assert NAMES["mail"]["password_file"].follows


# ---- secrets -------------------------------------------------------------------------------------


def test_a_password_is_in_no_text_and_no_word() -> None:
    """Its file is named where none is; the user takes it along."""
    secret = SetSecret("mail.password", "pane e segreti", "/etc/centralino/mail_password")
    account: list[Change] = [
        SetValue("mail.server", "smtp.example.org"),
        SetValue("mail.sender", "urp@comune.it"),
        SetValue("mail.user", "urp"),
        secret,
    ]
    judged = judge(EXAMPLE, account, checked)
    assert judged.problems == ()
    assert 'password_file = "/etc/centralino/mail_password"' in judged.text
    words = [one.words.text("it") for one in judged.differences]
    assert "Posta, file della password: «/etc/centralino/mail_password» (prima vuoto)" in words
    assert words[-1] == "Posta, password: cambiato, qui non mostrato"
    assert "segreti" not in judged.text + repr(words) + repr(secret)
    again = judge(judged.text, [secret], checked)
    assert [one.key for one in again.differences] == ["mail.password"]
    assert again.text == judged.text
    gone = judge(judged.text, [SetValue("mail.user", "")], checked)
    assert gone.problems == ()
    assert gone.after.mail.password_file == ""


def test_odd_passwords_and_others_places_are_refused() -> None:
    """One line, and never a place that somebody names."""
    for odd in ("", "a\nb", "x" * 201):
        told = refused(EXAMPLE, SetSecret("mail.password", odd))
        assert told == [("mail.password", editing.BAD_SECRET)]
    for key in ("mqtt.password", "mail.server"):
        assert refused(EXAMPLE, SetSecret(key, "x")) == [(key, editing.IN_THE_FILE)]
    assert not [one for one in listed(checked(EXAMPLE)) if "password" in one.key]


# ---- JSON ----------------------------------------------------------------------------------------


def test_changes_travel_as_json() -> None:
    """And come back the same."""
    changes = (
        SetValue("site.name", "X"),
        SetValue("retention.calls_days", 30),
        SetValue("hours.monday", ("08:30-13:00",)),
        SetSecret("mail.password", "segreta"),
        ClearValue("site.email"),
        AddRow("phones", "op3", {"label": "Tre", "dials": ("local",)}),
        RemoveRow("phones", "op1"),
    )
    assert changes_of(changes_json(changes)) == changes


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        [{}],
        [1],
        [{"set": "a"}],
        [{"set": 1, "value": 1}],
        [{"set": "a", "value": None}],
        [{"set": "a", "value": {"b": 1}}],
        [{"set": "a", "value": "x" * 501}],
        [{"set": "a", "value": [1]}],
        [{"set": "a", "value": ["x"] * 101}],
        [{"set": "a", "value": [None]}],
        [{"add": "phones", "name": "a"}],
        [{"clear": "a"}] * 501,
    ],
)
def test_other_json_is_refused(told: object) -> None:
    """It never reaches the file."""
    with pytest.raises(OfficeError):
        changes_of(told)


# ---- judged as a whole ---------------------------------------------------------------------------


def test_all_mistakes_come_at_once_each_at_its_field() -> None:
    """Of types and of rules, by the name of the row; the rest is shown as it would be."""
    judged = judge(
        EXAMPLE,
        [
            SetValue("waiting.queue_max", "many"),
            SetValue("lines.line2.called", "12"),
            SetValue("lines.line2.daytime", "sleep"),
            SetValue("retention.calls_days", -1),
            SetValue("folders.state", "/tmp"),
            AddRow("phones", "op9", {"address": "nowhere::"}),
            SetValue("site.name", "Comune Nuovo"),
        ],
        checked,
    )
    assert sorted(one.place for one in judged.problems) == [
        "folders.state",
        "lines.line2.called",
        "lines.line2.daytime",
        "phones.op9.address",
        "retention.calls_days",
        "waiting.queue_max",
    ]
    assert [one.words.text("it") for one in judged.differences] == [
        "Ente, nome: da «Comune di Esempio» a «Comune Nuovo»"
    ]
    assert checked(judged.text) == judged.after


def test_a_mistake_without_a_field_stops_everything() -> None:
    """No change is at fault alone: the whole file is what is wrong."""
    text = EXAMPLE.replace('phones = ["op1", "op2"]', 'phones = ["op1"]\npbx_numbers = ["201"]')
    text = text.replace('label = "Verde 800 011 837"', 'daytime = "pbx_transfer"')
    judged = judge(
        text,
        [ClearValue("switchboard.ring"), RemoveRow("lines", "line1")],
        bad_without,
    )
    assert judged.problems[0].place == "the file"
    assert judged.text == text
    assert judged.differences == ()


def bad_without(text: str) -> Settings:
    """Refuse a text without its first line, by a mistake of the whole file."""
    from appliance.config.values import Mistake
    from appliance.text import unchanged

    if "line1" not in text:
        raise BadConfiguration("x", (Mistake("the file", unchanged("no")),))
    return checked(text)


def test_a_broken_file_is_not_judged() -> None:
    """Its mistakes come first."""
    with pytest.raises(BadConfiguration):
        judge("[site\n", [], checked)


def test_places_are_keys() -> None:
    """A row's number becomes its name, where there is such a row."""
    data = {"lines": [{"name": "line1"}, {}]}
    found = [
        editing._key_of(place, data) for place in ("lines.1.port", "lines.2", "lines.3.x", "a.b")
    ]
    assert found == ["lines.line1.port", "lines.2", "lines.3.x", "a.b"]


# ---- any sequence --------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "site.name": WORDS,
    "site.email": WORDS,
    "retention.calls_days": st.integers(-5, 4000),
    "calls.longest": st.floats(0.5, 100, allow_nan=False),
    "voicemail.emergency_112": st.booleans(),
    "console.names": st.lists(WORDS, max_size=3).map(tuple),
    "hours.monday": st.lists(WORDS, max_size=2).map(tuple),
    "citizens_desk.hours.sunday": st.lists(WORDS, max_size=2).map(tuple),
    "lines.line1.label": WORDS,
    "phones.op1.label": WORDS,
    "phones.new.label": WORDS,
}
SETS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda key: st.builds(SetValue, st.just(key), VALUES[key])
)
CHANGES: st.SearchStrategy[Change] = st.one_of(
    SETS,
    st.builds(ClearValue, st.sampled_from(sorted(VALUES))),
    st.builds(AddRow, st.just("phones"), st.just("new"), st.just({"label": "N"})),
    st.builds(RemoveRow, st.just("phones"), st.sampled_from(["op1", "op2", "new", "sportello1"])),
    st.builds(RemoveRow, st.just("lines"), st.sampled_from(["line1", "line2"])),
)


def possible(text: str, changes: list[Change]) -> tuple[str, list[Change]]:
    """Make the changes one by one; leave out those that cannot be."""
    made: list[Change] = []
    for change in changes:
        try:
            text = edited(text, [change])
        except FormRefused:
            continue
        made.append(change)
    return text, made


@given(st.lists(CHANGES, max_size=8), st.sampled_from([EXAMPLE, SMALL]))
def test_any_sequence_says_what_was_asked_and_keeps_the_comments(
    changes: list[Change], text: str
) -> None:
    """One by one or all at once, the same data; every comment on a line of its own stays."""
    one_by_one, made = possible(text, changes)
    together = edited(text, made)
    assert tomllib.loads(together) == tomllib.loads(one_by_one)
    own = [line for line in text.split("\n") if line.startswith("#")]
    kept = iter(together.split("\n"))
    # In their order: an iterator is used up as it is searched.
    assert all(line in kept for line in own)


@given(st.lists(SETS, max_size=6))
def test_values_put_back_give_the_same_bytes(changes: list[Change]) -> None:
    """What was there before the changes, written again, is the file as it was."""
    there = [c for c in changes if isinstance(c, SetValue) and _value_at(c.key) is not None]
    made = edited(EXAMPLE, there)
    back = [SetValue(c.key, _value_at(c.key) or "") for c in there]
    assert edited(made, back) == EXAMPLE


def _value_at(key: str) -> Value | None:
    found: Any = tomllib.loads(EXAMPLE)
    for step in key.split("."):
        rows = found if isinstance(found, list) else ()
        found = (
            next((row for row in rows if row["name"] == step), {}) if rows else found.get(step, {})
        )
    return tuple(found) if isinstance(found, list) else (found or None)


def test_a_label_is_one_phones() -> None:
    """Changed or added; two that change places are told apart, and no other change is held up."""
    text = SMALL.replace('name = "op2"', 'name = "op2"\nlabel = "Due"')
    twin = {"phones.op2.label": "è già del telefono op1: sceglierne un'altra"}
    assert problems(text, SetValue("phones.op2.label", "uno ")) == twin
    found = problems(text, AddRow("phones", "op3", {"label": "Due"}))
    assert list(found) == ["phones.op3.label"]
    swapped = (SetValue("phones.op1.label", "Due"), SetValue("phones.op2.label", "Uno"))
    assert problems(text, *swapped) == {}
    twice = text.replace('"Due"', '"Uno"')
    assert problems(twice, SetValue("site.name", "X"), SetValue("phones.op1.label", "")) == {}


def problems(text: str, *changes: Change) -> dict[str, str]:
    """Return each problem of changes at its place, in Italian."""
    judged = judge(text, changes, checked)
    return {each.place: each.words.text("it") for each in judged.problems}
