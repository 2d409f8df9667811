"""Page of all commands for the guides, in one language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from appliance.__main__ import main
from appliance.commands import help as commands_help
from appliance.commands.tree import ROOT, SERVICES, branches
from appliance.text import _

TITLE: Final = _("Commands")
NAMES: Final = {"it": "Italiano", "en": "English", "de": "Deutsch"}
"""Languages of the page and of the man pages."""
INTRODUCTION: Final = _(
    "`centralino GROUP COMMAND --help` names the options of each. "
    "A command that reads the configuration takes `--config` (default "
    "`/etc/centralino/centralino.toml`, or the environment's `CENTRALINO_CONFIG`); `--language` "
    "chooses the language of the answers. Both may stand anywhere. What lists or shows something "
    "takes `--json`; the column `--json` links to the JSON Schema of what is printed, which the "
    "box has in {folder}. Its `$id` ends in a version, within which fields are only added. A "
    "mistyped name is answered with those like it. Names and options are completed in a bash whose "
    "`~/.bashrc` has "
    '`eval "$(_CENTRALINO_COMPLETE=bash_source centralino)"` (zsh: `zsh_source`).'
)
COMMAND: Final = _("command")
DOES: Final = _("what it does")
OF_SYSTEMD: Final = _("Commands that systemd runs")
HIDDEN: Final = _("The help does not list them; nobody needs to type them.")


def page(language: str) -> str:
    """Return the page in Markdown."""
    others = [f"[{n}](commands.{each}.md)" for each, n in NAMES.items() if each != language]
    lines = [f"# {TITLE.text(language)}", "", " · ".join(others), ""]
    folder = f"`{commands_help.HELP_FOLDER}`"
    lines += [INTRODUCTION.filled(folder=folder).text(language), ""]
    for section in ROOT.sections:
        lines += [f"## {section.heading.text(language)}", ""]
        groups = dict(ROOT.branches)
        lines += _table([(n,) for n in section.names if n not in groups], language)
        for name in section.names:
            if name in groups:
                purpose = groups[name].purpose.text(language)
                lines += [f"### centralino {name}", "", purpose, ""]
                lines += _table(list(_leaves((name,))), language)
    lines += [f"## {OF_SYSTEMD.text(language)}", "", HIDDEN.text(language), ""]
    lines += _table([(name,) for name in SERVICES], language)
    return "\n".join(lines).rstrip("\n") + "\n"


def command_at(words: tuple[str, ...]) -> click.Command:
    """Return the command that words name."""
    found: click.Command = main
    for word in words:
        assert isinstance(found, click.Group)
        found = commands_help.named(found, word)
    return found


def _leaves(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command below a group, in the order of its help."""
    command = command_at(words)
    if not isinstance(command, click.Group):
        yield words
        return
    for _heading, names in commands_help.sections(command, "en"):
        for name in names:
            yield from _leaves((*words, name))


def _table(commands: list[tuple[str, ...]], language: str) -> list[str]:
    if not commands:
        return []
    rows = [
        f"| `centralino {' '.join(words)}` | "
        f"{commands_help.summary(command_at(words), language).replace('|', '/')} |{_schema(words)}"
        for words in commands
    ]
    head = f"| {COMMAND.text(language)} | {DOES.text(language)} | `--json` |"
    return [head, "|---|---|---|", *rows, ""]


def _schema(words: tuple[str, ...]) -> str:
    """Return the cell with the schema of a command, empty without --json."""
    if not has_json(command_at(words)):
        return "  |"
    return f" [schema](schemas/{commands_help.schema_name(words)}) |"


def has_json(command: click.Command) -> bool:
    """Tell whether a command takes --json."""
    return any(commands_help.JSON in param.opts for param in command.params)


def leaves() -> Iterator[tuple[str, ...]]:
    """Yield the words of every command that help lists."""
    for section in ROOT.sections:
        for name in section.names:
            yield from _leaves((name,))


def with_json() -> list[tuple[str, ...]]:
    """Return the words of the commands that take --json."""
    return [words for words in leaves() if has_json(command_at(words))]


def groups() -> list[str]:
    """Return the names of the groups at the top."""
    return [words[0] for words, _branch in branches() if len(words) == 1]
