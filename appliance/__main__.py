"""The command line: the tree of commands, each loaded only when it is used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from appliance import __version__
from appliance.commands import options as commands_options
from appliance.commands.groups import RootGroup
from appliance.commands.tree import FORMER
from appliance.text import LANGUAGES, _

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMER_NAME: Final = _("`centralino {former}` is now `centralino {present}`.")


class Centralino(RootGroup):
    """The tree; --config, --language and --help anywhere, errors in the reader's language."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """Take --config and --language wherever they stand, then do as any group does."""
        commands_options.open_closed_streams()
        words = sys.argv[1:] if args is None else args
        return super().main(commands_options.arranged(self, words), *more, **options)

    def get_help(self, ctx: click.Context) -> str:
        """Return the help of the whole tree."""
        return _help_of(ctx)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Parse the words before the command; report a mistake in the reader's language."""
        with commands_options.translated_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error of ours is one sentence and status 1, never a traceback."""
        words = [*ctx.protected_args, *ctx.args]
        _name_the_present(ctx, words[0])
        commands_options.note_config(ctx, words)
        with commands_options.translated_errors(ctx):
            innermost, rest = commands_options.innermost(ctx, words)
        command = innermost.command
        ends_in_group = rest == [] and isinstance(command, click.Group)
        if commands_options.asks_for_help(words) or (ends_in_group and command.no_args_is_help):
            with commands_options.translated_errors(innermost):
                click.echo(_help_of(innermost))
            ctx.exit()
        with commands_options.translated_errors(innermost):
            try:
                return super().invoke(ctx)
            finally:
                commands_options.flush_output()


def _help_of(context: click.Context) -> str:
    # Imported here: no running service needs it.
    from appliance.commands import help as commands_help

    return commands_help.help_of(context)


def is_a_terminal() -> bool:
    """True if errors are read by a person at a terminal."""
    return sys.stderr.isatty()


def _name_the_present(context: click.Context, name: str) -> None:
    """Tell a person who typed a former name the present one; scripts and units are told nothing."""
    if name in FORMER and is_a_terminal():
        words = FORMER_NAME.filled(former=name, present=FORMER[name])
        click.echo(commands_options.in_language(words, context), err=True)


@click.group(cls=Centralino)
@click.version_option(__version__, prog_name="centralino")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file; may stand anywhere in a command that reads it.",
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    callback=commands_options.note_chosen,
    expose_value=False,
    is_eager=True,
    help="In which to answer: else LANG's, else the site's.  [may stand anywhere]",
)
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Centralino: a filtering switchboard in a box."""
    if config is not None:
        name = context.invoked_subcommand
        raise click.UsageError(
            commands_options.in_language(
                _("`{name}` reads no configuration file", name=name),
                context,
            )
        )


if __name__ == "__main__":
    main()
