"""Man pages in roff: centralino(1), and one page for each group of commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import click

from appliance.commands import help as commands_help
from appliance.commands.options import usage_pieces
from appliance.commands.reference.page import command_at, groups
from appliance.text import ENGLISH, _

TITLE: Final = _("User Commands")
NAME: Final = _("NAME")
SYNOPSIS: Final = _("SYNOPSIS")
DESCRIPTION: Final = _("DESCRIPTION")
ENVIRONMENT: Final = _("ENVIRONMENT")
FILES: Final = _("FILES")
SEE_ALSO: Final = _("SEE ALSO")
ABOUT: Final = _(
    "Centralino answers the calls of an office's analog lines by the office's written rules. Its "
    "services are started by systemd; the commands show how it is, ask it for something, or "
    "explain what it would do."
)
CONFIG: Final = _("another configuration file")
PLACES: Final = (
    (
        "/etc/centralino/centralino.toml",
        _("the configuration; the first installation makes it, no upgrade changes it"),
    ),
    ("/usr/share/centralino/centralino.toml", _("the example")),
    (
        "/var/lib/centralino",
        _("recordings, requests, directory and keys; not even purging the package removes it"),
    ),
)


def pages(language: str) -> Iterator[tuple[str, str]]:
    """Yield the place below share/man and the text of each page in one language."""
    folder = "man1" if language == ENGLISH else f"{language}/man1"
    yield f"{folder}/centralino.1", _page((), language)
    for name in groups():
        yield f"{folder}/centralino-{name}.1", _page((name,), language)


def escaped(text: str) -> str:
    """Return a text as roff prints it: backslash, hyphen-minus, a leading full stop or quote."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.MULTILINE)


def _page(words: tuple[str, ...], language: str) -> str:
    name = "-".join(("centralino", *words))
    command = command_at(words)
    purpose = commands_help.summary(command, language).removeprefix("Centralino: ")
    lines = [
        f'.TH {escaped(name.upper())} 1 "" "Centralino" "{TITLE.text(language)}"',
        f".SH {NAME.text(language)}",
        f"{escaped(name)} \\- {escaped(purpose)}",
        f".SH {SYNOPSIS.text(language)}",
        f".B {escaped(' '.join(('centralino', *words)))}",
        escaped(usage_pieces(_context(words), language)),
    ]
    if not words:
        lines += [f".SH {DESCRIPTION.text(language)}", escaped(ABOUT.text(language))]
    assert isinstance(command, click.Group)
    for heading, names in commands_help.sections(command, language):
        lines.append(f".SH {escaped(heading.upper())}")
        for each in names:
            lines += _command((*words, each), language)
    lines.append(f".SH {commands_help.OPTIONS.text(language).upper()}")
    lines += _options(words, language)
    if not words:
        lines += [f".SH {ENVIRONMENT.text(language)}", ".TP", ".B CENTRALINO_CONFIG"]
        lines += [escaped(CONFIG.text(language)), f".SH {FILES.text(language)}"]
        for place, what in PLACES:
            lines += [".TP", f".I {escaped(place)}", escaped(what.text(language))]
    others = ["centralino", *(f"centralino-{each}" for each in groups())]
    told = ", ".join(f"{escaped(each)}(1)" for each in others if each != name)
    lines += [f".SH {SEE_ALSO.text(language)}", told]
    return "\n".join(lines) + "\n"


def _context(words: tuple[str, ...]) -> click.Context:
    context = click.Context(command_at(()), info_name="centralino")
    for number, word in enumerate(words, 1):
        context = click.Context(command_at(words[:number]), info_name=word, parent=context)
    return context


def _command(words: tuple[str, ...], language: str) -> list[str]:
    """Return a command with its options; a group of the top has a page of its own."""
    command = command_at(words)
    if isinstance(command, click.Group) and len(words) == 1:
        name = escaped(f"centralino-{words[0]}")
        told = escaped(commands_help.summary(command, language))
        return [".TP", f".B centralino {escaped(words[0])}", f"{told}: {name}(1)"]
    lines: list[str] = []
    if isinstance(command, click.Group):
        for _heading, names in commands_help.sections(command, language):
            for each in names:
                lines += _command((*words, each), language)
        return lines
    pieces = usage_pieces(_context(words), language)
    lines = [f".SS {escaped(' '.join(('centralino', *words)))} {escaped(pieces)}"]
    text = commands_help.text_of(command.help).text(language)
    lines.append("\n.PP\n".join(escaped(each) for each in text.split("\n\n")))
    return lines + _options(words, language)


def _options(words: tuple[str, ...], language: str) -> list[str]:
    lines = []
    for names, told in commands_help.option_rows(_context(words), language):
        if names != "--help" or not words:
            lines += [".TP", f".B {escaped(names)}", escaped(" ".join(told.split())) or "\\&"]
    return lines
