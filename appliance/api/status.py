"""The system's state for the technician's page, and the test of the panel's LEDs.

Read from memory only, so that it works while the disk stalls. It holds no telephone number of a
citizen or an office, and no password.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import appliance
from appliance.api.permissions import FREE, CommandHandlers, check_may, command, handlers_of
from appliance.api.protocol import (
    Arguments,
    DeferredReply,
    Handlers,
    Reply,
    declined,
    deferred,
    plain,
    user_of,
)
from appliance.api.status_text import line_words
from appliance.calls.model import LineState
from appliance.calls.status import LineStatus
from appliance.errors import CentralinoError
from appliance.panel import Meaning, PanelStatus, meanings_of
from appliance.policy.office import PositionState
from appliance.policy.text import Words
from appliance.policy.users import Permission
from appliance.service import backup_target
from appliance.service.nightly import care_said
from appliance.sip.trunk import RegistrationState
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    from appliance.api.backup import RestoreCommands
    from appliance.api.call_control import StoreAccess
    from appliance.api.managed_config import ManagedConfigCommands
    from appliance.api.reports import DivertCommands
    from appliance.api.updates import UpdateCommands
    from appliance.config.schema import Line, MailSettings, Settings
    from appliance.service.backup_nights import TargetCommands
    from appliance.service.loop import CallControl
    from appliance.service.media_link import MediaLink
    from appliance.service.status import StatusCollector
    from appliance.service.supervision import Recoveries
    from appliance.service.technician_commands import JobCommands, LineRestarts
    from appliance.sip.phones import PhoneState
    from appliance.sip.service import Phones

IN_TROUBLE: Final = frozenset({LineState.MISSING, LineState.OUT, LineState.NO_LINE})
STANDINGS: Final = {
    RegistrationState.ASKING: Words("si sta registrando", "registering"),
    RegistrationState.REGISTERED: Words("registrata", "registered"),
    RegistrationState.SILENT: Words("non risponde", "does not answer"),
    RegistrationState.REFUSED: Words("rifiuta nome o password", "refuses the name or the password"),
}
"""Texts of the registration at the other telephone system, by state."""
LIT: Final = Words(
    "Tutti i LED sono accesi per dieci secondi.", "All LEDs are lit for ten seconds."
)


@dataclass(frozen=True, slots=True)
class SystemCommands(CommandHandlers):
    """Commands of the deciding thread; `panel` returns the LEDs' state, `test_leds` lights them."""

    stores: StoreAccess
    settings: Settings
    desk: CallControl
    collector: StatusCollector
    recoveries: Recoveries
    phones: Phones
    carrier: MediaLink
    panel: Callable[[], PanelStatus]
    test_leds: Callable[[], None]
    restarts: LineRestarts
    jobs: JobCommands
    restores: RestoreCommands
    target: TargetCommands
    updates: UpdateCommands
    central: ManagedConfigCommands
    diverts: DivertCommands
    versions: dict[str, str] = field(default_factory=lambda: versions())

    @property
    def known(self) -> Handlers:
        """Map each command of the technician's pages to its method."""
        return {
            **handlers_of(self),
            **self.restarts.known,
            **self.jobs.known,
            **self.restores.known,
            **self.target.known,
            **self.updates.known,
            **self.central.known,
            **self.diverts.known,
        }

    @command("led_test", needs=Permission.TECHNICAL)
    def led_test(self, arguments: Arguments) -> DeferredReply:
        """Light every LED for ten seconds; audited."""
        by, at = user_of(arguments), self.desk.now().wall

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, "panel.test"))

        def reply(result: CentralinoError | None) -> Reply | CentralinoError:
            if result is not None:
                return declined(result)
            # Only once the permission is checked and the audit written.
            self.test_leds()
            return {"said": plain(LIT)}

        return deferred(self.stores.records, job, reply)

    # FREE because it holds no number and no password.
    @command("plant", needs=FREE)
    def asked(self, _: Arguments) -> Reply:
        """Return the whole state, texts in both languages."""
        status = self.desk.status()
        by_name, tried = {line.name: line for line in status.lines}, self.recoveries.to_json()
        lines = [
            _line(configured, by_name[configured.name], tried.get(configured.name, []))
            for configured in self.settings.lines
            # A line that was added to the file since the start is not in the status yet.
            if configured.name in by_name
        ]
        gone = {
            each.phone: each.since.isoformat() if each.since else None
            for each in status.positions
            if each.state is PositionState.UNREACHABLE
        }
        troubles = (*status.degraded, *self.collector.troubles())
        return {
            "troubles": [plain(trouble) for trouble in troubles],
            "lines": lines,
            "phones": [_phone(phone, gone) for phone in self.phones.status().phones],
            "sip": self._sip(),
            "carrier": self._carrier(),
            "restarts": self.collector.restarted(self.desk.now()),
            "clock": status.clock_state.value,
            "leds": [_led(name, meaning) for name, meaning in meanings_of(self.panel()).items()],
            "button": self.settings.panel.unattended_button >= 0,
            "mail": _mail(self.settings.mail),
            "own_care": [plain(each) for each in self._own_care()],
            "versions": self.versions,
        }

    def _own_care(self) -> tuple[Words, ...]:
        zone = ZoneInfo(self.settings.site.zone)
        care = care_said(self.collector.night, self.collector.card, zone)
        backed_up = (self.collector.stick, self.collector.target)
        away = backup_target.away_said(self.settings, *backed_up, zone)
        return (*care, *away, *self.collector.mqtt_said, *self.collector.central)

    def _sip(self) -> Reply:
        """Return the SIP endpoint's state and counters since it started."""
        status, registrar = self.phones.status(), self.settings.sip.registrar
        return {
            "listening": status.listening,
            "address": f"{status.address[0]}:{status.address[1]}",
            "trouble": status.trouble,
            "tcp_trouble": status.tcp_trouble,
            "connections": status.connections,
            "nonsense": status.nonsense,
            "dropped": status.dropped,
            "locked_out": list(status.locked_out),
            "registrar": registrar.address if registrar else "",
            "standing": plain(STANDINGS[status.registrar]) if status.registrar else None,
            "branches": [{"name": b.name, "answers": b.answers} for b in status.branches],
        }

    def _carrier(self) -> Reply:
        """Return the media gateway's state; its PID is known only if it is a child process."""
        child, health = self.carrier.child, self.desk.figures.health
        return {
            "connected": self.carrier.connected,
            "pid": child.pid if child is not None and self.carrier.connected else None,
            "desk_pid": os.getpid(),
            "realtime": self.carrier.snapshot.realtime,
            "health": dataclasses.asdict(health) if health else None,
        }


def _line(configured: Line, line: LineStatus, tried: list[dict[str, Any]]) -> Reply:
    return {
        "name": line.name,
        "label": line.label,
        "port": configured.port,
        "state": line.state.value,
        "words": plain(line_words(line)),
        "in_trouble": line.state in IN_TROUBLE or bool(line.reason),
        "since": line.since.isoformat() if line.since else None,
        "call": line.call,
        "modem": line.modem,
        "duplex": line.duplex,
        "dialect": configured.dialect,
        "receive_gain": configured.receive_gain,
        "transmit_gain": configured.transmit_gain,
        "echo": bool(configured.echo),
        "tried": tried,
    }


def _phone(phone: PhoneState, gone: dict[str, str | None]) -> Reply:
    return {
        "name": phone.name,
        "label": phone.label,
        "address": f"{phone.address[0]}:{phone.address[1]}" if phone.address else "",
        "answers": phone.answers,
        "tcp": phone.tcp,
        "gone_since": gone.get(phone.name),
    }


def _led(name: str, meaning: Meaning) -> Reply:
    return {"led": name, "words": plain(Words(meaning.it, meaning.en))}


def _mail(mail: MailSettings) -> Reply:
    """Return where notices are mailed; the file with the password is not read here."""
    return {
        "server": mail.server,
        "security": mail.security,
        "sender": mail.sender,
        "head": mail.head,
    }


def versions() -> dict[str, str]:
    """Return the versions of the program, its libraries and the operating system."""
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.system()
    return {
        "centralino": appliance.__version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": system,
        "kernel": platform.release(),
        "machine": platform.machine(),
    }
