"""The command line: one sub-command, one small function, loaded only when it is called for."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from appliance import __version__
from appliance.commands import options as commands_options
from appliance.text import LANGUAGES, _

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "absent": "appliance.commands.status:absent",
    "address-book": "appliance.commands.address_book:address_book",
    "call": "appliance.simulator.exchange.process:call_command",
    "backup": "appliance.commands.backup:backup",
    "backup-target": "appliance.commands.backup_target:backup_target",
    "bring-in": "appliance.commands.calls:bring_in",
    "call-back": "appliance.commands.calls:call_back",
    "calls": "appliance.commands.calls:calls",
    "capacity": "appliance.commands.reports:capacity",
    "check": "appliance.commands.status:check",
    "closed": "appliance.commands.status:closed",
    "commission": "appliance.commands.reports:commission",
    "console": "appliance.commands.services:console",
    "demo": "appliance.commands.demo:demo",
    "desk-phone": "appliance.commands.phone_control:desk_phone",
    "dial": "appliance.commands.phone_control:dial",
    "erase": "appliance.commands.privacy:erase",
    "exchange": "appliance.simulator.exchange.service:exchange_command",
    "explain": "appliance.commands.status:explain",
    "explain-transfer": "appliance.commands.directory:explain_transfer",
    "field-test": "appliance.commands.services:field_test",
    "firewall": "appliance.commands.bootfile:firewall",
    "hours": "appliance.commands.hours:hours",
    "line": "appliance.commands.bundle:line",
    "media": "appliance.commands.services:media",
    "messages": "appliance.commands.calls:messages",
    "opened": "appliance.commands.status:opened",
    "outbox": "appliance.commands.requests:outbox",
    "phones": "appliance.commands.provisioning:phones",
    "probe": "appliance.commands.modems:probe",
    "prompts": "appliance.commands.announcements:prompts",
    "register": "appliance.commands.directory:register",
    "report": "appliance.commands.reports:report",
    "requests": "appliance.commands.requests:requests",
    "restore": "appliance.commands.backup:restore",
    "run": "appliance.commands.services:run_service",
    "selftest": "appliance.commands.selftest:selftest",
    "settings": "appliance.commands.managed_config:settings",
    "sheets": "appliance.commands.sheets:sheets",
    "site": "appliance.commands.bootfile:site",
    "standards": "appliance.commands.standards:standards",
    "status": "appliance.commands.status:status",
    "transfer": "appliance.commands.calls:transfer",
    "unattended": "appliance.commands.status:unattended",
    "update": "appliance.commands.updates:update",
    "users": "appliance.commands.users:users",
    "wall": "appliance.commands.wall:wall",
    "clock-set": "appliance.commands.clock:clock_set",
    "usb-reset": "appliance.commands.modems:usb_reset",
}
"""Every sub-command and the function that is its click command."""
FORMER: Final = {"carrier": "media"}
"""Former names, understood for one release and not listed."""


class LazyGroup(click.Group):
    """Imports a sub-command when it is asked for: `centralino run` needs no exchange."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        place = COMMANDS.get(FORMER.get(cmd_name, cmd_name))
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """Take --config and --language wherever they stand, then do as any group does."""
        words = sys.argv[1:] if args is None else args
        return super().main(commands_options.arranged(self, words), *more, **options)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Parse the words before the command; report a mistake in the reader's language."""
        with commands_options.translated_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error of ours is one sentence and status 1, never a traceback."""
        words = [*ctx.protected_args, *ctx.args]
        commands_options.note_config(ctx, words)
        with commands_options.translated_errors(ctx):
            innermost = commands_options.innermost(ctx, words)
        if commands_options.asks_for_help(words):
            click.echo(innermost.get_help())
            ctx.exit()
        with commands_options.translated_errors(innermost):
            return super().invoke(ctx)


@click.group(cls=LazyGroup)
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
