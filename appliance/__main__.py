"""The command line: one sub-command, one small function, loaded only when it is called for."""

from __future__ import annotations

import importlib

import click

from appliance import __version__
from appliance.errors import CentralinoError

COMMANDS = {
    "absent": "appliance.commands.states:absent",
    "call": "appliance.exchange.cli:call_command",
    "backup": "appliance.commands.backup:backup",
    "bring-in": "appliance.commands.bring_in:bring_in",
    "call-back": "appliance.commands.call_back:call_back",
    "calls": "appliance.commands.calls:calls",
    "capacity": "appliance.commands.capacity:capacity",
    "carrier": "appliance.commands.service:carrier",
    "check": "appliance.commands.check:check",
    "closed": "appliance.commands.states:closed",
    "commission": "appliance.commands.commission:commission",
    "console": "appliance.commands.console:console",
    "demo": "appliance.commands.demo:demo",
    "erase": "appliance.commands.erase:erase",
    "exchange": "appliance.exchange.cli:exchange_command",
    "explain": "appliance.commands.explain:explain",
    "explain-transfer": "appliance.commands.register:explain_transfer",
    "field-test": "appliance.commands.field_test:field_test",
    "firewall": "appliance.commands.firewall:firewall",
    "hours": "appliance.commands.hours:hours",
    "messages": "appliance.commands.messages:messages",
    "opened": "appliance.commands.states:opened",
    "outbox": "appliance.commands.outbox:outbox",
    "phones": "appliance.commands.phones:phones",
    "probe": "appliance.commands.probe:probe",
    "prompts": "appliance.commands.prompts:prompts",
    "register": "appliance.commands.register:register",
    "report": "appliance.commands.report:report",
    "requests": "appliance.commands.requests:requests",
    "restore": "appliance.commands.backup:restore",
    "run": "appliance.commands.service:run",
    "settings": "appliance.commands.settings:settings",
    "sheets": "appliance.commands.sheets:sheets",
    "site": "appliance.commands.site:site",
    "status": "appliance.commands.status:status",
    "transfer": "appliance.commands.transfer:transfer",
    "unattended": "appliance.commands.states:unattended",
    "update": "appliance.commands.update:update",
    "users": "appliance.commands.users:users",
    "clock-set": "appliance.commands.clock_set:clock_set",
    "usb-reset": "appliance.commands.usb_reset:usb_reset",
}
"""Every sub-command and where it stands."""


class LazyGroup(click.Group):
    """Imports a sub-command when it is asked for: `centralino run` needs no exchange."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error of ours is one sentence and status 1, never a traceback."""
        try:
            return super().invoke(ctx)
        except CentralinoError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="centralino")
def main() -> None:
    """Centralino: a filtering switchboard in a box."""


if __name__ == "__main__":
    main()
