"""Status: troubles and figures that are no line's or phone's, for pages, LEDs and systemd."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.api.replies import PartRestarts
from appliance.calls import commands, events
from appliance.calls.model import LearnedPhone
from appliance.calls.status import NOT_TRUSTED, Status
from appliance.config import build
from appliance.panel import PanelLine, PanelStatus, PhoneNetwork, Readiness
from appliance.policy.clock import Now
from appliance.policy.routing import GroupState
from appliance.policy.supervision import Component
from appliance.policy.updates import UpdateLight
from appliance.service.backup import BackupStick
from appliance.service.backup_target import BackupTarget
from appliance.service.nightly import MemoryCard, Night
from appliance.service.stores import Stores
from appliance.sip.message import TcpPeer
from appliance.sip.phones import PhonesStatus
from appliance.sip.transport import FAULT
from appliance.store.alerts import NOTHING_OPEN
from appliance.store.database import Trouble
from appliance.text import NOTHING, Words, _

if TYPE_CHECKING:
    from appliance.sip.service import Phones


log = logging.getLogger(__name__)

Row = dict[str, Any]

BUTTON = "button"
"""Name of the asker when the button on the appliance was pressed."""


class StatusCollector:
    """Troubles and figures that belong to no line or phone; complaints concern the configuration.

    `trouble` may be called from any thread.
    """

    def __init__(self, complaint: Words = NOTHING) -> None:
        self._complaints = [complaint] if complaint != NOTHING else []
        self._troubles: dict[str, Trouble] = {}
        self._unattended = False
        self.watched = NOTHING_OPEN
        """Open messages and missed calls."""
        self.deleted_at: datetime | None = None
        """Time of the last deletion by age, since the start."""
        self.night: Night | None = None
        """Result of the last night's work."""
        self.stick: BackupStick | None = None
        """The USB stick that gets a backup each night, None for none."""
        self.target: BackupTarget | None = None
        """The network folder that gets one, None for none."""
        self.card: MemoryCard | None = None
        """State of the memory card at the last check."""
        self.mqtt: Row | None = None
        """State of the link to the MQTT broker, None where none is configured."""
        self.mqtt_said: tuple[Words, ...] = ()
        """The same in words."""
        self.central: tuple[Words, ...] = ()
        """Sentences about the head office's settings."""
        self.boot = ""
        """Reason of the appliance's last start (`service/updates.py`)."""
        self.restarted: Callable[[Now], list[PartRestarts]] = lambda _: []
        """Returns one row a part with its restarts."""

    def deletion_at(self) -> datetime | None:
        """Return the time of the last deletion by age, since the start."""
        return self.deleted_at

    def complain(self, words: Words) -> None:
        """Log and keep a mistake in the configuration: a value that is not used as written."""
        log.error("%s", words)
        self._complaints.append(words)

    def trouble(self, what: str, trouble: Trouble | None) -> None:
        """Set the trouble of a part, or clear it (None); from any thread."""
        if trouble is None:
            self._troubles.pop(what, None)
        else:
            self._troubles[what] = trouble
            log.warning("%s: %s", what, trouble.words)

    def trouble_once(self, what: str, trouble: Trouble | None) -> None:
        """Set a trouble that is checked every turn; log it only if it has changed."""
        if self._troubles.get(what) != trouble:
            self.trouble(what, trouble)

    def coded(self) -> tuple[Trouble, ...]:
        """Return the troubles with their codes."""
        # A copy first, here and below: other threads set troubles meanwhile.
        return tuple(dict(self._troubles).values())

    @property
    def is_misconfigured(self) -> bool:
        """True if a value of the configuration is not used as written."""
        return bool(self._complaints)

    def troubles(self) -> tuple[Words, ...]:
        """Return complaints and troubles as sentences, the configuration's first."""
        return (*self._complaints, *(one.words for one in dict(self._troubles).values()))

    def codes(self) -> tuple[str, ...]:
        """Return the troubles' stable codes."""
        return tuple(trouble.code for trouble in dict(self._troubles).values())

    @property
    def complaints(self) -> int:
        """Number of the configuration's values that are not used as written."""
        return len(self._complaints)

    def failed(self) -> tuple[Component, ...]:
        """Return the parts whose trouble only a restart of call control ends."""
        return tuple(Component(what) for what, one in dict(self._troubles).items() if one.restart)

    def words(self, status: Status) -> str:
        """Return the status as one line for journal and `STATUS=`."""
        lines = [f"{line.name} {line.state}" for line in status.lines]
        parts = [
            "open" if status.open else "closed",
            *status.service.marks(),
            ", ".join(lines) or "no line",
            f"{status.waiting} messages" if status.waiting else "",
            "" if status.clock_state.is_trusted else str(NOT_TRUSTED[status.doubt]),
            *map(str, self.troubles()),
        ]
        return "; ".join(part for part in parts if part)

    def panel_status(
        self,
        status: Status,
        phones: PhonesStatus,
        ready: bool,
        update: UpdateLight = UpdateLight.NONE,
    ) -> PanelStatus:
        """Return the panel's state: what the LEDs show."""
        self._unattended = status.service.unattended is not None
        alone = status.open and status.switchboard.state is GroupState.UNATTENDED
        # The fault lamp shows an untrusted clock, too (reference/reliability.md 6).
        return PanelStatus(
            readiness=Readiness.READY if ready else Readiness.STARTING,
            network=network_of(phones),
            lines=tuple((line.name, PanelLine(line.state)) for line in status.lines),
            messages_waiting=status.waiting,
            messages_late=self.watched.late,
            fault=bool(self.troubles())
            or not status.clock_state.is_trusted
            or any(line.state in {"out", "no_line"} or line.reason for line in status.lines),
            unattended=self._unattended or alone,
            closed=status.service.closed is not None or status.service.absent is not None,
            opened=status.service.opened is not None,
            update=update,
        )

    def button_pressed(self) -> events.ServiceStateChanged:
        """Return the event of a button press: the opposite of the present unattended state."""
        return events.ServiceStateChanged(
            commands.SetUnattended(on=not self._unattended, by=BUTTON)
        )


def network_of(phones: PhonesStatus) -> PhoneNetwork:
    """Return the network LED's state: socket open, and any phone reachable."""
    if not phones.listening:
        return PhoneNetwork.DOWN
    reachable = any(phone.address and phone.answers for phone in phones.phones)
    return PhoneNetwork.UP if reachable else PhoneNetwork.NO_PHONES


def flood_of(sources: tuple[str, ...]) -> Trouble | None:
    """Return the trouble for a flood of SIP requests by unknown `sources`; None without one."""
    if not sources:
        return None
    named = ", ".join(sources)
    return Trouble(
        "phones.flood",
        _(
            "Somebody on the network sends the box more SIP requests than it reads "
            "(from {named}): phones that are registered work, one that is switched on "
            "now may be kept out. Find those computers and unplug them, or name the "
            "phones' networks in sip.allowed.",
            named=named,
        ),
    )


def tcp_of(trouble: str) -> Trouble | None:
    """Return the trouble for SIP over TCP that does not work; None if it does."""
    # A fault of TCP ends it until the next start and leaves UDP as it is (design/failures.md).
    if not trouble:
        return None
    remedy = (
        _("Restart the box.")
        if trouble == FAULT
        else _("Stop the program that has the port, change sip.port, or write sip.tcp = false.")
    )
    return Trouble(
        "phones.tcp",
        _(
            "Phones that use TCP do not reach the box; those that use UDP work. {remedy} "
            "({trouble})",
            remedy=remedy,
            trouble=trouble,
        ),
    )


class PhoneStateWriter:
    """Writer of what a next run needs of the phones: registrations, calls, how they answer.

    `left_file` holds the calls to end should this process be killed (design/failures.md).
    """

    def __init__(
        self, stores: Stores, phones: Phones, collector: StatusCollector, left_file: Path
    ) -> None:
        self._stores, self._phones, self._collector = stores, phones, collector
        self._left_file = left_file
        self._bindings: object = ()
        self._learned: tuple[LearnedPhone, ...] | None = None
        # None, not (): the file of a killed run is outdated and is overwritten at the first look.
        self._left: object = None
        self._trouble: Trouble | None = None

    def look(self, phones: PhonesStatus) -> None:
        """Write changed registrations and calls; set the troubles of the phones' side."""
        self._keep_bindings(phones)
        self.keep_left(phones)
        self._tell_registrar(phones)
        self._collector.trouble_once("flood", flood_of(phones.flood))
        self._collector.trouble_once("tcp", tcp_of(phones.tcp_trouble))

    def keep_left(self, phones: PhonesStatus) -> None:
        """Write which phones are in calls, if that has changed."""
        if phones.left != self._left:
            self._left = phones.left
            self._stores.save_left(self._left_file, self._phones.left_to_json())

    def _keep_bindings(self, phones: PhonesStatus) -> None:
        """Write changed registrations for the next run."""
        # A TCP connection ends with the process: its binding is of no use to the next run.
        lasting = (b for b in phones.bindings if not isinstance(b.source, TcpPeer))
        # The expiry is left out: a renewal alone is not worth a write to the card.
        places = [(b.phone, b.source, b.contact, b.proven, b.agent) for b in lasting]
        if places != self._bindings:
            self._bindings = places
            self._stores.save_bindings(self._phones.bindings_to_json())

    def keep_learned(self, learned: tuple[LearnedPhone, ...]) -> None:
        """Write what was seen of phones, if that has changed since the start."""
        # The first look finds what the file holds.
        if self._learned is not None and learned != self._learned:
            self._stores.save_learned(learned)
        self._learned = learned

    def _tell_registrar(self, phones: PhonesStatus) -> None:
        trouble = build.trouble_of(phones.registrar)
        if trouble != self._trouble:
            self._trouble = trouble
            self._collector.trouble("phones", trouble)
