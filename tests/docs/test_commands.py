"""Every command, option, make target and unit that a page names exists, and none is left out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from appliance.__main__ import main
from appliance.commands.reference import manual, page
from appliance.commands.tree import FORMER, SERVICES
from tests.commands.test_options import EVERY
from tests.docs.pages import ROOT, code_of, guide, read, wrong_on

_COMMAND = re.compile(r"(?:^|[\s(])(?<!-u )centralino ((?:--)?[a-z][^`]*)")
_MAKE = re.compile(r"(?:^|\s)make ([a-z0-9]+(?:-[a-z0-9]+)*)")
_TARGETS = re.compile(r"^([a-z0-9 -]+):", re.MULTILINE)
_UNIT = re.compile(r"\bcentralino[a-z-]*\.(?:service|socket|sysusers)")


def mistakes(words: list[str], group: click.Command = main) -> Iterator[str]:
    """Tell what of a command line does not exist: sub-commands and options."""
    context = click.Context(group)
    options = {option for param in group.params for option in param.opts} | {"--help", "--version"}
    for number, word in enumerate(words):
        if word.startswith("--"):
            if word.split("=")[0] not in options:
                yield f"{group.name} has no option {word}"
        elif isinstance(group, click.Group) and not _is_value(words, number):
            if group is main and word in FORMER:
                yield f"{word} is the former name of {FORMER[word]}"
            inner = group.get_command(context, word)
            if inner is None:
                yield f"{group.name} has no command {word}"
            else:
                yield from mistakes(words[number + 1 :], inner)
            return


def _is_value(words: list[str], number: int) -> bool:
    """Take the word after an option of a group for its value."""
    return number > 0 and words[number - 1].startswith("--")


def command_lines(path: Path) -> Iterator[list[str]]:
    """Yield the words after `centralino` wherever it is written as a command."""
    for code in code_of(path):
        if match := _COMMAND.search(code):
            yield shlex.split(match[1])


def test_commands_and_options_exist() -> None:
    """What a reader is told to type works: command, sub-command, options."""
    assert (
        wrong_on(lambda path: [w for words in command_lines(path) for w in mistakes(words)]) == {}
    )


@pytest.mark.parametrize("language", ["it", "en"])
def test_options_of_the_exchange_exist(language: str) -> None:
    """The options that the tester's tables name are options of `exchange` and `call`."""
    found = (main.get_command(click.Context(main), name) for name in ("exchange", "call"))
    known = {option for command in found if command for p in command.params for option in p.opts}
    codes = code_of(ROOT / "docs" / f"tester.{language}.md")
    told = {word for code in codes if code[:2] == "--" for word in code.split() if "--" in word}
    assert len(told) > 15
    assert told - known == set()


@pytest.mark.parametrize(
    "line",
    [
        "answer",
        "transfer",
        "status --colour",
        "phones remove op1",
        "messages --json open 17",
        "--colour",
    ],
)
def test_what_does_not_exist_is_seen(line: str) -> None:
    """A command or option that is no more is noticed (the check can fail)."""
    assert list(mistakes(shlex.split(line)))


@pytest.mark.parametrize("language", page.NAMES)
def test_the_page_of_all_commands_is_current(language: str) -> None:
    """It is what `python -m appliance.commands.reference docs share/man` writes; short enough."""
    text = read(guide("commands", language))
    assert text == page.page(language)
    assert len(re.findall(r"[^\s|`]+", text)) <= 3000


@pytest.mark.parametrize("language", page.NAMES)
def test_the_man_pages_are_current(language: str) -> None:
    """One for the programme and one for each group; none of a group that is no more."""
    made = {name: text for each in page.NAMES for name, text in manual.pages(each)}
    folder = ROOT / "share" / "man"
    kept = {str(path.relative_to(folder)) for path in folder.rglob("*.1")}
    assert kept == set(made)
    assert all(read(folder / name) == text for name, text in manual.pages(language))
    assert {"man1/centralino.1", "it/man1/centralino-calls.1"} <= set(made)


def test_every_command_stands_in_page_and_man_pages() -> None:
    """Every command of the tree, with every option that its help shows."""
    text = read(guide("commands", "en"))
    manuals = "".join(pages for _, pages in manual.pages("en"))
    for words in EVERY:
        command = page.command_at(words)
        if isinstance(command, click.Group) or command.hidden:
            continue
        assert f"| `centralino {' '.join(words)}` |" in text
        if words[0] in SERVICES:
            continue
        assert manual.escaped(" ".join(("centralino", *words))) in manuals
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                assert manual.escaped(max(param.opts, key=len)) in manuals


def test_roff_prints_every_character() -> None:
    """A hyphen that can be copied, a backslash, a full stop at the start of a line."""
    assert manual.escaped("a-b\\c\n.d") == "a\\-b\\ec\n\\&.d"


def unknown_targets(codes: Iterable[str]) -> list[str]:
    """List the make targets of lines of code that the Makefile has not."""
    targets = set(" ".join(_TARGETS.findall(read(ROOT / "Makefile"))).split())
    return [target for code in codes for target in _MAKE.findall(code) if target not in targets]


def unknown_units(text: str) -> set[str]:
    """Return the units of a text that are neither in systemd/, an alias there, nor the image's."""
    places = (ROOT / "systemd", ROOT / "image/overlay/etc/systemd/system")
    known = {unit.name for place in places for unit in place.iterdir()}
    for unit in places[0].glob("*.service"):
        known |= set(re.findall(r"(?m)^Alias=(\S+)$", read(unit)))
    return set(_UNIT.findall(text)) - known


def missing_files(codes: Iterable[str]) -> list[str]:
    """List the files of the project that lines of code name and that are not there."""
    named = [c for c in codes if re.fullmatch(r"(appliance|scripts|tests|systemd)/\S+", c)]
    promised = {"tests/bench/"}
    return [name for name in named if name not in promised and not (ROOT / name).exists()]


def test_make_targets_exist() -> None:
    """Every make target that a page names stands in the Makefile."""
    assert unknown_targets(["make test", "cd x && make nonsense"]) == ["nonsense"]
    assert wrong_on(lambda path: unknown_targets(code_of(path))) == {}


def test_units_exist() -> None:
    """Every unit that a page names stands in systemd/, or is the image's own."""
    assert unknown_units("centralino.service, centralino-x.service") == {"centralino-x.service"}
    assert wrong_on(lambda path: unknown_units(read(path))) == {}


def test_the_technician_is_told_of_every_unit() -> None:
    """No unit is left out of the page on the box in detail, but for how units are installed."""
    beside = {"hardening.conf", "install.sh"}
    for language in ("it", "en"):
        text = read(ROOT / "docs" / f"box.{language}.md")
        units = {path.name for path in (ROOT / "systemd").iterdir() if path.is_file()} - beside
        assert [name for name in sorted(units) if name not in text] == []


def test_files_of_the_project_exist() -> None:
    """A file of the project that a page names in code is there."""
    assert missing_files(["tests/docs/pages.py", "scripts/none.sh"]) == ["scripts/none.sh"]
    assert wrong_on(lambda path: missing_files(code_of(path))) == {}
