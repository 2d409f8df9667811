"""Click groups of the command tree; each imports a command when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

import click
from click.shell_completion import CompletionItem

from appliance.commands.tree import FORMER, ROOT, SERVICES, Branch

if TYPE_CHECKING:
    from collections.abc import Callable


def loaded(place: str) -> click.Command:
    """Import the command at `module:name`."""
    module, _, name = place.partition(":")
    return cast("click.Command", getattr(importlib.import_module(module), name))


class TreeGroup(click.Group):
    """Group of the tree: its own commands, and those of other modules, which it imports."""

    branch: Branch

    @classmethod
    def of(cls, name: str, branch: Branch) -> TreeGroup:
        """Make the group of a branch, with the commands and options of the click group it has."""
        own = loaded(branch.own) if branch.own else None
        assert own is None or isinstance(own, click.Group)
        group = cls(
            name,
            commands=dict(own.commands) if own else {},
            params=own.params if own else [],
            callback=_unless_elsewhere(own, branch) if own else None,
            invoke_without_command=bool(own and own.invoke_without_command),
            help=str(branch.purpose),
        )
        group.branch = branch
        return group

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names by heading; commands under no heading come last, unless hidden."""
        listed = [name for section in self.branch.sections for name in section.names]
        more = (name for name, command in self.commands.items() if not command.hidden)
        return [*listed, *(name for name in more if name not in listed)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, once."""
        if cmd_name not in self.commands:
            if (inner := self.branch.branches.get(cmd_name)) is not None:
                self.commands[cmd_name] = TreeGroup.of(cmd_name, inner)
            elif (place := self.branch.places.get(cmd_name)) is not None:
                self.commands[cmd_name] = loaded(place)
        return self.commands.get(cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a name, with what the command does in the reader's language."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        names = (name for name in self.list_commands(ctx) if name.startswith(incomplete))
        return [OfferedName(name, self, ctx) for name in names]


class OfferedName(CompletionItem):
    """Name of a command that a shell may complete; bash does not show what it does.

    To tell that every command is imported, which on a small board takes seconds.
    """

    def __init__(self, name: str, group: TreeGroup, context: click.Context) -> None:
        super().__init__(name)
        self._asked = group, context

    def _told(self) -> str:
        """Tell what the command does, in the reader's language."""
        # Imported here: no running service needs it.
        from appliance.commands.help import named, summary
        from appliance.commands.options import language_of

        group, context = self._asked
        return summary(named(group, self.value), language_of(None, context))

    def _takes(self, _none: str | None) -> None:
        """Take no text: the base class has none yet."""

    help = property(_told, _takes)


def _unless_elsewhere(own: click.Group, branch: Branch) -> Callable[..., Any]:
    """Return a group's callback, which does nothing for commands that read their own options."""
    callback = own.callback
    assert callback is not None

    def called(*words: Any, **options: Any) -> Any:
        context = click.get_current_context()
        if context.invoked_subcommand in branch.places:
            return None
        return callback(*words, **options)

    return called


class RootGroup(TreeGroup):
    """Group of the whole tree; systemd's commands and former names work and are not listed."""

    branch = ROOT

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, once."""
        if (found := super().get_command(ctx, cmd_name)) is not None:
            return found
        if cmd_name in SERVICES:
            return loaded(SERVICES[cmd_name])
        return self._at(ctx, FORMER[cmd_name].split()) if cmd_name in FORMER else None

    def _at(self, ctx: click.Context, words: list[str]) -> click.Command | None:
        """Return the command at the end of words."""
        found: click.Command | None = self
        for word in words:
            assert isinstance(found, click.Group)
            found = found.get_command(ctx, word)
        return found
