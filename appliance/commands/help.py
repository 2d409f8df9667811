"""Help of commands in the reader's language: usage, purpose, commands by heading, options.

Docstrings and the help of options are the catalogue's msgids, with their line breaks as spaces.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Final

import click

from appliance.commands.options import USAGE_HEAD, language_of, usage_pieces, way_to
from appliance.commands.tree import FORMER, Branch
from appliance.text import Words, _, in_context, unchanged

COMMANDS: Final = _("Commands")
OPTIONS: Final = _("Options")
HELP_OPTION: Final = _("Show this help and exit.")
FURTHER: Final = _("More on each: {command} COMMAND --help")
SCHEMA: Final = _("Its schema: {file}")
HELP_FOLDER: Final = "/usr/share/centralino/help"
"""Folder of the documentation site on the box, one tree a language."""
JSON: Final = "--json"
EXTRAS: Final = (
    ("default: ", _("default: ")),
    ("required", _("required")),
    ("(the user)", _("(the user)")),
)
"""click's words behind an option's help."""
VALUES: Final = (
    (re.compile(r" (?:INTEGER|FLOAT)(?: RANGE)?(?=\.\.\.$|$)"), unchanged(" N")),
    (re.compile(r"(?<= )TEXT$"), in_context("value", "TEXT")),
    (re.compile(r"(?<= )PATH$"), in_context("value", "PATH")),
    (re.compile(r"(?<= )FILE$"), in_context("value", "FILE")),
    (re.compile(r"(?<= )DIRECTORY$"), in_context("value", "FOLDER")),
)
"""click's words for an option's value, behind its names."""
BETWEEN: Final = _("{low} to {high}")
BOUNDS: Final = {
    "<=": _("at most {bound}"),
    "<": _("less than {bound}"),
    ">=": _("{bound} or more"),
    ">": _("more than {bound}"),
}
"""A number's bounds, by click's sign between the number and the bound."""
_RANGE: Final = re.compile(r"(?:([\d.]+)(<=?))?x(?:([<>]=?)([\d.]+))?(?=[;\]])")
_FIRST: Final = re.compile(r"(.+?[^.][\w)\]\"`'])\.(?: [A-Z].*)?", re.DOTALL)


def text_of(help_: str | None) -> Words:
    """Return a docstring or an option's help as a text of the catalogue."""
    paragraphs = inspect.cleandoc(help_ or "").split("\n\n")
    return Words("\n\n".join(" ".join(each.split()) for each in paragraphs))


def summary(command: click.Command, language: str) -> str:
    """Return the first sentence of a command's help without its full stop."""
    text = text_of(command.help).text(language).split("\n\n")[0]
    first = _FIRST.fullmatch(text)
    return first[1] if first else text


def help_of(context: click.Context) -> str:
    """Return the help of a command in the reader's language."""
    language = language_of(None, context)
    formatter = context.make_formatter()
    command = context.command
    formatter.write_usage(
        context.command_path, usage_pieces(context, language), prefix=USAGE_HEAD.text(language)
    )
    for paragraph in text_of(command.help).text(language).split("\n\n"):
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(paragraph)
    if isinstance(command, click.Group):
        _write_commands(command, formatter, language)
    with formatter.section(OPTIONS.text(language)):
        formatter.write_dl(list(option_rows(context, language)))
    if isinstance(command, click.Group):
        formatter.write_paragraph()
        formatter.write_text(FURTHER.filled(command=context.command_path).text(language))
    return formatter.getvalue().rstrip("\n")


def sections(group: click.Group, language: str) -> Iterator[tuple[str, list[str]]]:
    """Yield headings of a group with the names under each; hidden commands are left out."""
    context = click.Context(group)
    # A group of the tree (commands/groups.py, which imports this module).
    branch: Branch | None = getattr(group, "branch", None)
    left = [
        name
        for name in (group.list_commands(context) if branch else list(group.commands))
        if (command := group.get_command(context, name)) and not command.hidden
    ]
    for section in branch.sections if branch else ():
        yield section.heading.text(language), [name for name in section.names if name in left]
        left = [name for name in left if name not in section.names]
    if left:
        yield COMMANDS.text(language), left


def _write_commands(group: click.Group, formatter: click.HelpFormatter, language: str) -> None:
    """Write the commands of a group under their headings, in columns of one width."""
    parts = [
        (heading, [(name, summary(named(group, name), language)) for name in names])
        for heading, names in sections(group, language)
    ]
    width = max(len(name) for _, rows in parts for name, _ in rows)
    for heading, rows in parts:
        with formatter.section(heading):
            formatter.write_dl([(name.ljust(width), told) for name, told in rows])


def named(group: click.Group, name: str) -> click.Command:
    """Return a command of a group."""
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


def schema_name(words: tuple[str, ...]) -> str:
    """Return the file name of the JSON Schema of what a command prints with --json."""
    return f"{'-'.join(words)}.schema.json"


def present_words(context: click.Context) -> tuple[str, ...]:
    """Return the words of a command in the tree, also where a former name was typed."""
    first, *rest = way_to(context)
    return (*FORMER.get(first, first).split(), *rest)


def option_rows(context: click.Context, language: str) -> Iterator[tuple[str, str]]:
    """Yield the options of a command with what each does and its default."""
    for param in context.command.get_params(context):
        record = param.get_help_record(context)
        if not isinstance(param, click.Option) or record is None:
            continue
        names, told = _with_value(record[0], language), record[1]
        if "--help" in param.opts:
            yield names, HELP_OPTION.text(language)
            continue
        help_ = param.help or ""
        more = told[len(help_) :] if told.startswith(help_) else ""
        for english, words in EXTRAS:
            more = more.replace(english, words.text(language))
        more = _bounds(more, language)
        if JSON in param.opts:
            file = f"{HELP_FOLDER}/{language}/schemas/{schema_name(present_words(context))}"
            more = f" {SCHEMA.filled(file=file).text(language)}"
        yield names, f"{text_of(help_).text(language)}{more}".strip()


def _with_value(names: str, language: str) -> str:
    """Return an option's names with its value in the reader's language."""
    for kind, words in VALUES:
        names = kind.sub(words.text(language), names)
    return names


def _bounds(told: str, language: str) -> str:
    """Return what is told of a number's bounds in words."""
    return _RANGE.sub(lambda found: ", ".join(_bounds_said(found, language)), told)


def _bounds_said(found: re.Match[str], language: str) -> Iterator[str]:
    below, sign_below, sign, above = found.groups()
    low, high = (each and f"{float(each):g}" for each in (below, above))
    if (sign_below, sign) == ("<=", "<="):
        yield BETWEEN.filled(low=low, high=high).text(language)
        return
    if low:
        yield BOUNDS[sign_below.replace("<", ">")].filled(bound=low).text(language)
    if high:
        yield BOUNDS[sign].filled(bound=high).text(language)


def texts(command: click.Command, *words: str) -> Iterator[tuple[str, str]]:
    """Yield every text of a command and those below it, with the words that show it."""
    at = " ".join(("centralino", *words))
    if command.help:
        yield text_of(command.help).msgid, at
    for param in command.params:
        if isinstance(param, click.Option) and param.help and not param.hidden:
            yield text_of(param.help).msgid, f"{at} {param.opts[0]}"
    if isinstance(command, click.Group):
        context = click.Context(command)
        names = {**dict.fromkeys(command.list_commands(context)), **dict.fromkeys(command.commands)}
        for name in names:
            if (inner := command.get_command(context, name)) is not None:
                yield from texts(inner, *words, name)
