"""The shell's manners: help without a configuration, --config anywhere, near names, a language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import COMMANDS, FORMER, main
from appliance.commands.options import arranged
from appliance.config import read

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


EVERY = tuple(commands(main))


def run(*words: str, env: dict[str, str] | None = None) -> Result:
    """Type a command."""
    clean = {"LANG": "C.UTF-8", "LC_ALL": None, "LC_MESSAGES": None, "CENTRALINO_CONFIG": None}
    return CliRunner().invoke(main, words, env={**clean, **(env or {})})


def test_there_are_as_many_as_are_written_down() -> None:
    """Every command of the table is tried, with those below it."""
    assert {words[0] for words in EVERY} == set(COMMANDS)
    assert len(EVERY) > 100


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
@pytest.mark.parametrize("text", [None, BROKEN], ids=["no configuration", "a broken one"])
def test_help_needs_no_configuration(
    words: tuple[str, ...], text: str | None, tmp_path: Path
) -> None:
    """Whoever cannot start the box reads the help all the same: usage, and what it does."""
    path = tmp_path / "centralino.toml"
    if text is not None:
        path.write_text(text)
    result = run(*words, "--help", env={"CENTRALINO_CONFIG": str(path)})
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Usage: centralino {' '.join(words)} ") or (
        result.output.startswith(f"Usage: {main.name} {' '.join(words)} ")
    )
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
    result = run(*words)
    assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        (("stauts",), "Forse: status?"),
        (("chekc",), "Forse: check?"),
        (("users", "ad"), "Forse: add?"),
        (("hours", "week", "shw"), "Forse: show?"),
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
        ({"LANG": "de_DE.UTF-8"}, (), "en", True),
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


@pytest.mark.parametrize("name", FORMER)
def test_a_former_name_is_understood_and_not_listed(name: str) -> None:
    """A unit or script that was written for the version before goes on working."""
    context = click.Context(main, info_name="centralino")
    assert main.get_command(context, name) is main.get_command(context, FORMER[name])
    assert name not in main.list_commands(context)
