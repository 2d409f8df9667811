"""The shell's manners: help without a configuration, --config anywhere, near names, a language."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.commands import groups, tree
from appliance.commands.helper import HELPERS
from appliance.commands.options import arranged
from appliance.commands.reference import page
from appliance.config import read
from tests.docs.pages import ROOT

OVERLAY = ROOT / "image" / "overlay" / "etc" / "systemd" / "system"
FOR_PEOPLE = {
    ("box backup", "--config"), ("box restore", "--config"), ("box selftest", "--config"),
    ("box settings set", "--config"), ("box update", "--config"), ("line usb-reset", "--config"),
}  # fmt: skip
"""Options of units' commands that help lists."""
STARTED = re.compile(r"^ExecStart=/usr/bin/centralino (.+)$", re.MULTILINE)
BROKEN = "[site\nname = Comune\n"
ITALIAN, ENGLISH = {"LANG": "it_IT.UTF-8"}, {"LANG": "en_GB.UTF-8"}


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
    """Name every command and group that can be typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)


EVERY = (*commands(main), *((name,) for name in tree.SERVICES))


def run(*words: str, env: dict[str, str] | None = None) -> Result:
    """Type a command."""
    clean = {"LANG": "C.UTF-8", "LC_ALL": None, "LC_MESSAGES": None, "CENTRALINO_CONFIG": None}
    return CliRunner().invoke(main, words, env={**clean, **(env or {})})


def test_there_are_as_many_as_are_written_down() -> None:
    """Every command of the tree is tried, with those below it."""
    top = [name for section in tree.ROOT.sections for name in section.names]
    assert list(dict.fromkeys(words[0] for words in EVERY)) == [*top, *tree.SERVICES]
    assert len(EVERY) > 140


@pytest.mark.parametrize("words", [words for words, _ in tree.branches()], ids=" ".join)
def test_every_command_of_a_group_has_a_heading(words: tuple[str, ...]) -> None:
    """A command that is added to a group stands under one of its headings, not below them all."""
    group: click.Command | None = main
    for word in words:
        assert isinstance(group, click.Group)
        group = group.get_command(click.Context(group), word)
    assert isinstance(group, groups.TreeGroup)
    headed = [name for section in group.branch.sections for name in section.names]
    assert group.list_commands(click.Context(group)) == headed
    assert all(group.get_command(click.Context(group), name) for name in headed)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
@pytest.mark.parametrize("text", [None, BROKEN], ids=["no configuration", "a broken one"])
def test_help_needs_no_configuration(
    words: tuple[str, ...], text: str | None, tmp_path: Path
) -> None:
    """Whoever cannot start the box reads the help all the same: usage, and what it does."""
    path = tmp_path / "centralino.toml"
    if text is not None:
        path.write_text(text)
    result = run(*words, "--help", env={**ENGLISH, "CENTRALINO_CONFIG": str(path)})
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Usage: {main.name} {' '.join(words)} ")
    told = run(*words, "--help", env={**ITALIAN, "CENTRALINO_CONFIG": str(path)})
    assert told.output.startswith(f"Uso: {main.name} {' '.join(words)} ")
    assert len(result.output.splitlines()) > 3
    assert "cannot be used" not in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("--config", "HERE", "users", "list"),
        ("users", "--config", "HERE", "list"),
        ("users", "list", "--config", "HERE"),
        ("users", "list", "--config=HERE", "--json"),
        ("check", "--config", "HERE"),
        ("--config=HERE", "check"),
        ("hours", "week", "--config", "HERE", "show"),
        ("hours", "week", "show", "--config", "HERE"),
    ],
    ids=" ".join,
)
def test_a_configuration_may_be_named_anywhere(words: tuple[str, ...], tmp_path: Path) -> None:
    """Before the group, between group and command, behind the command: it is that file."""
    path = tmp_path / "else.toml"
    path.write_text(BROKEN)
    result = run(*(word.replace("HERE", str(path)) for word in words))
    assert result.exit_code == 1
    assert f"{path} non si può usare" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("demo", "--config", "x"), "l'opzione --config non c'è."),
        (("--config", "x", "demo"), "non legge nessun file di configurazione"),
        (("check", "--", "--config", "x"), "argomenti di troppo: --config x"),
    ],
)
def test_what_reads_no_configuration_says_so(words: tuple[str, ...], said: str) -> None:
    """A file that would not be read is refused, not ignored."""
    result = run(*words, env=ITALIAN)
    assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        (("stauts",), "Forse: centralino status"),
        (("chekc",), "Forse: centralino check?"),
        (("users", "ad"), "Forse: centralino users add?"),
        (("state", "hours", "week", "shw"), "Forse: centralino state hours week show?"),
        (("calls", "hours"), "Forse: centralino state hours?"),
        (("box", "erase"), "Forse: centralino calls erase?"),
        (("office", "register"), "Forse: centralino office directory?"),
        (("uptade",), "Forse: centralino box update?"),
        (("box", "status"), "Il comando «box status» non c'è. Forse: centralino status?"),
        (("usres", "add", "--help"), "users"),
        (("xyzzy",), "centralino --help"),
    ],
)
def test_a_mistyped_command_is_answered_with_those_like_it(
    typed: tuple[str, ...], near: str, tmp_path: Path
) -> None:
    """Also below a group whose configuration is wrong, and where help was asked for."""
    path = tmp_path / "centralino.toml"
    path.write_text(BROKEN)
    result = run(*typed, env={"CENTRALINO_CONFIG": str(path)})
    assert result.exit_code == 2
    assert "non c'è." in result.output
    assert near in result.output.replace(main.name or "", "centralino")


@pytest.mark.parametrize(
    ("env", "words", "site", "english"),
    [
        ({}, (), "it", False),
        ({}, (), "en", True),
        (ITALIAN, (), "en", False),
        (ENGLISH, (), "it", True),
        ({**ENGLISH, "LC_ALL": "it_IT.UTF-8"}, (), "en", False),
        ({"LANG": "fr_FR.UTF-8"}, (), "en", True),
        (ITALIAN, ("--language", "en"), "it", True),
        (ENGLISH, ("--language", "it"), "en", False),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_sentences_are_in_the_language_of_whoever_reads(
    env: dict[str, str], words: tuple[str, ...], site: str, english: bool, place: int,
    tmp_path: Path,
) -> None:  # fmt: skip
    """`--language`, wherever it stands, else LANG, else the site's first, also of a file that is
    wrong elsewhere.
    """
    path = tmp_path / "centralino.toml"
    path.write_text(f'[site]\nlanguages = ["{site}"]\nname = Comune\n')
    line = ["users", "list"]
    line[place:place] = words
    result = run(*line, env={**env, "CENTRALINO_CONFIG": str(path)})
    assert result.exit_code == 1
    assert ("cannot be used" in result.output) is english
    assert ("non si può usare" in result.output) is not english


@pytest.mark.parametrize(("language", "value", "bounds"), [
    ("it", "--until TESTO", "--minutes N Finisce da solo dopo questo tempo. [da 1 a 10080]"),
    ("de", "--config PFAD", "--minutes N Endet nach dieser Zeit von selbst. [1 bis 10080]"),
    ("en", "--until TEXT", "--minutes N Ends by itself after so long. [1 to 10080]"),
])  # fmt: skip
def test_values_and_bounds_are_in_the_readers_language(
    language: str, value: str, bounds: str
) -> None:
    """Help says what an option takes in words, not in the programme's types."""
    told = " ".join(run("--language", language, "state", "closed", "--help").output.split())
    assert value in told
    assert bounds in told


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_no_help_has_a_type_of_the_programme(words: tuple[str, ...]) -> None:
    """Neither a kind of number nor an inequality: arguments alone have names of their own."""
    told = run("--language", "it", *words, "--help").output.split("Opzioni:")[1]
    assert re.findall(r" (?:INTEGER|FLOAT|RANGE|TEXT|PATH|DIRECTORY)\b|[<>]=?x|x[<>]", told) == []


@pytest.mark.parametrize(
    ("env", "site", "usage"),
    [
        ({}, None, "Usage: "),
        ({"LANG": "C"}, None, "Usage: "),
        (ITALIAN, None, "Uso: "),
        ({}, "name = 1", "Uso: "),
        ({}, 'languages = ["en", "it"]', "Usage: "),
        ({"LANG": "C"}, 'languages = ["it", "en"]', "Uso: "),
        (ENGLISH, 'languages = ["it", "en"]', "Usage: "),
        ({}, 'languages = ["xx"]', "Usage: "),
    ],
)
def test_help_is_english_where_nothing_says_another_language(
    env: dict[str, str], site: str | None, usage: str, tmp_path: Path
) -> None:
    """No configuration: LANG's language, else English. A configuration: its first language, which
    by default is Italian.
    """
    path = tmp_path / "centralino.toml"
    if site is not None:
        path.write_text(f"[site]\n{site}\n")
    result = run("--help", env={**env, "CENTRALINO_CONFIG": str(path)})
    assert result.output.startswith(usage)


def helped(line: str) -> list[list[str]]:
    """Split a unit's command line; a template of helpers has the command lines of each."""
    words = line.split()
    if words[0] != "helper":
        return [words]
    _helper, _instance, *options = words
    return [[*each.words, *options] for each in HELPERS.values()]


def test_options_that_only_units_use_are_in_no_help() -> None:
    """What a unit's command line passes to a command that people type, too, is hidden there."""
    shown = set()
    units = [*(ROOT / "systemd").glob("*.service"), *OVERLAY.glob("*.service")]
    for unit in units:
        for words in itertools.chain.from_iterable(map(helped, STARTED.findall(unit.read_text()))):
            name = " ".join(itertools.takewhile(lambda word: word[0] != "-", words))
            first, *rest = name.split()
            name = " ".join((tree.FORMER.get(first, first), *rest))
            if first in tree.SERVICES or name in {"box update good", "box card tell"}:
                continue
            command = page.command_at(tuple(name.split()))
            shown |= {
                (name, each.opts[0])
                for each in command.params
                if isinstance(each, click.Option) and not each.hidden and each.opts[0] in words
            }
    assert len(units) > 20
    assert shown == FOR_PEOPLE


@pytest.mark.parametrize("place", [0, 1])
def test_a_command_with_the_option_answers_in_the_language_before_it(place: int) -> None:
    """`status` has --language too: left out there, it keeps the one that stands before it."""
    line = ["status"]
    line[place:place] = ["--language", "en"]
    example = Path(read.__file__).with_name("example.toml")
    result = run(*line, env={**ITALIAN, "CENTRALINO_CONFIG": str(example)})
    assert result.output.startswith("Error: ")


def test_a_language_behind_a_command_that_has_its_own_is_its_own() -> None:
    """`requests new --language de` is the citizen's; before the command it is the answers'."""
    new = ["requests", "new", "--language", "de"]
    assert arranged(main, new) == new
    assert arranged(main, ["--language", "en", *new]) == ["--language", "en", *new]
    assert arranged(main, ["users", "list", "--language", "en"]) == [
        "--language", "en", "users", "list",
    ]  # fmt: skip


@pytest.mark.parametrize("name", tree.FORMER)
def test_a_former_name_is_understood_and_not_listed(name: str) -> None:
    """A unit or script that was written for the version before goes on working."""
    context = click.Context(main, info_name="centralino")
    present: click.Command | None = main
    for word in tree.FORMER[name].split():
        assert isinstance(present, click.Group)
        present = present.get_command(context, word)
    assert present is not None
    assert main.get_command(context, name) is present
    assert name not in main.list_commands(context)


@pytest.mark.parametrize("on_a_terminal", [True, False])
def test_a_person_who_types_a_former_name_reads_the_present_one(
    on_a_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal, as the first line of the errors; a unit's journal stays as it was."""
    monkeypatch.setattr("appliance.__main__.is_a_terminal", lambda: on_a_terminal)
    told = "`centralino transfer` is now `centralino calls transfer`.\n"
    assert run("transfer", env=ENGLISH).output.startswith(told) is on_a_terminal
    assert "is now" not in run("calls", "transfer", env=ENGLISH).output


def test_a_group_reads_no_configuration_for_a_command_that_reads_its_own(tmp_path: Path) -> None:
    """`calls` reads one for `calls show`, and `calls dial` the one that is named."""
    path = tmp_path / "else.toml"
    path.write_text(BROKEN)
    for place in range(4):
        line = ["calls", "dial", "0551234"]
        line[place:place] = ["--config", str(path)]
        result = run(*line, "--position", "op1", env={**ENGLISH, "CENTRALINO_CONFIG": "/none"})
        assert f"{path} cannot be used" in result.output, line
