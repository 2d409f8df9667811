"""Modems that are plugged in, and what they can do: read from the system and from call control.

Nothing is sent to a modem: a line in use is never touched. What only a probe can tell is said to
be unknown (`centralino line probe`, with the service stopped).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    command,
    declined,
    deferred,
    refusing,
)
from appliance.api.status_text import line_words
from appliance.api.technician_commands import ListModems
from appliance.api.technician_replies import FoundModem, ModemsReply
from appliance.bootfile.apply import SeenSocket, seen_by_box
from appliance.config.values import PROVEN
from appliance.modem.dialects import DIALECTS, Dialect, identify
from appliance.modem.learning import dialect_of
from appliance.text import Words, _, in_context

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import StoreAccess
    from appliance.calls.status import LineStatus, Status
    from appliance.config.schema import Line, Settings

PORTS: Final = Path("/dev/serial/by-path")
CONVERSATION: Final = _("conversation and voicemail")
MESSAGES: Final = _("voicemail and keys; no conversation")
PERHAPS: Final = _("voicemail and keys; whether also conversation, a probe tells")
MEASURES: Final = _("notices a cut cable and a lifted telephone")
FREE: Final = in_context("modems", "of no line")
MISSING: Final = in_context("modems", "not plugged in")


def modems_of(
    settings: Settings, status: Status, seen: tuple[SeenSocket, ...]
) -> tuple[FoundModem, ...]:
    """Return the modems by their sockets, the missing ones of lines last."""
    return tuple(_modems(settings, status, seen))


def _modems(
    settings: Settings, status: Status, seen: tuple[SeenSocket, ...]
) -> Iterator[FoundModem]:
    configured = {line.port: line for line in settings.lines}
    states = {line.name: line for line in status.lines}
    there = {socket.port: socket.shown for socket in seen}
    for port, shown in sorted(there.items()):
        line = configured.get(port)
        yield _found(port, shown, line, states.get(line.name) if line else None, is_there=True)
    for line in settings.lines:
        if line.port not in there:
            # A simulated line has no socket, and answers all the same.
            state = states.get(line.name)
            yield _found(line.port, "", line, state, is_there=bool(state and state.modem))


def _found(
    port: str, shown: str, line: Line | None, state: LineStatus | None, *, is_there: bool
) -> FoundModem:
    model = (state.modem if state else "") or shown
    dialect = _dialect(line, model)
    duplex = state.duplex if state and state.duplex is not None else _duplex(line, dialect)
    measures = PROVEN.get(line.voltage) if line else None
    if measures is None and dialect is not None:
        measures = dialect.probe is not None
    return FoundModem(
        port=port,
        model=model,
        is_there=is_there,
        line=line.name if line else "",
        label=line.label if line else "",
        dialect=dialect.name if dialect else "",
        duplex=duplex,
        measures=measures,
        can=_can(duplex, measures=measures is True),
        state=_state(state, is_there=is_there),
        in_use=bool(state and state.call),
    )


def _dialect(line: Line | None, model: str) -> Dialect | None:
    """Return the make: as configured, else by the modem's own words, None if it has said none."""
    if line is not None and line.bundle.bundle is not None:
        return dialect_of(line.bundle.bundle)
    if line is not None and line.dialect in DIALECTS:
        return DIALECTS[line.dialect]
    return identify([model]) if model else None


def _duplex(line: Line | None, dialect: Dialect | None) -> bool | None:
    """Return whether it carries sound both ways: by its probe, else its make; None: unknown."""
    proven = PROVEN.get(line.duplex) if line else None
    # A make that is said to be half duplex may prove to be more; GENERIC says nothing of itself.
    is_known = dialect is not None and dialect.duplex
    return proven if proven is not None else (True if is_known else None)


def _can(duplex: bool | None, *, measures: bool) -> tuple[Words, ...]:
    first = {True: CONVERSATION, False: MESSAGES, None: PERHAPS}[duplex]
    return (first, MEASURES) if measures else (first,)


def _state(state: LineStatus | None, *, is_there: bool) -> Words:
    if state is not None:
        return line_words(state)
    return FREE if is_there else MISSING


@dataclass(frozen=True, slots=True)
class ModemCommands(CommandHandlers):
    """Command of the deciding thread; the system is asked in the database thread."""

    settings: Settings
    stores: StoreAccess
    status: Callable[[], Status]
    ports: Path = PORTS
    look: Callable[[Path], tuple[SeenSocket, ...]] = field(default=seen_by_box)

    @command(ListModems)
    def modems(self, _: ListModems) -> DeferredReply:
        """Return the modems, without a word to any of them."""
        status = self.status()

        def job(_: sqlite3.Connection) -> Reply:
            return ModemsReply(modems_of(self.settings, status, self.look(self.ports)))

        return deferred(self.stores.records, refusing(job), declined)
