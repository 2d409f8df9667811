"""Status: troubles and figures that are no line's or phone's, for pages, LEDs and systemd."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.calls import commands, events
from appliance.calls.status import NOT_TRUSTED, Status
from appliance.config import build
from appliance.panel import PanelLine, PanelStatus, PhoneNetwork, Readiness
from appliance.policy.clock import Now
from appliance.policy.routing import GroupState
from appliance.policy.supervision import Component
from appliance.policy.text import NOTHING, Words
from appliance.service.backup import BackupStick
from appliance.service.backup_target import BackupTarget
from appliance.service.nightly import MemoryCard, Night
from appliance.service.stores import Stores
from appliance.sip.message import TcpPeer
from appliance.sip.phones import PhonesStatus
from appliance.sip.transport import FAULT
from appliance.store.alerts import NOTHING_OPEN
from appliance.store.database import Trouble

if TYPE_CHECKING:
    from appliance.sip.service import Phones


log = logging.getLogger(__name__)

Row = dict[str, Any]

BUTTON = "button"
"""Who asks when the button on the appliance was pressed."""


class StatusCollector:
    """Keeps the troubles that are not a line's or a phone's; complaints are the configuration's."""

    def __init__(self, complaint: Words = NOTHING) -> None:
        self._complaints = [complaint] if complaint.en else []
        self._troubles: dict[str, Trouble] = {}
        self._unattended = False
        self.watched = NOTHING_OPEN
        """What waits for somebody among messages and missed calls."""
        self.deleted_at: datetime | None = None
        """When what is past its time was last deleted, since the start."""
        self.night: Night | None = None
        """What came of the last night's work."""
        self.stick: BackupStick | None = None
        """The USB stick that gets a backup each night, None for none."""
        self.target: BackupTarget | None = None
        """The network folder that gets one, None for none."""
        self.card: MemoryCard | None = None
        """How the memory card was at the last look."""
        self.mqtt: Row | None = None
        """How it is with the MQTT broker, None where none is configured."""
        self.mqtt_said: tuple[Words, ...] = ()
        """The same in words."""
        self.central: tuple[Words, ...] = ()
        """Sentences about the head office's settings."""
        self.boot = ""
        """Why the appliance was started, by `service/updates.py`."""
        self.restarted: Callable[[Now], list[Row]] = lambda _: []
        """Says of each part of the service how often it was started again."""

    def complain(self, words: Words) -> None:
        """Take note of something in the configuration that is not used as it stands."""
        log.error("%s", words.en)
        self._complaints.append(words)

    def trouble(self, what: str, trouble: Trouble | None) -> None:
        """Take note of a store's trouble, or (None) of its end; from any thread."""
        if trouble is None:
            self._troubles.pop(what, None)
        else:
            self._troubles[what] = trouble
            log.warning("%s: %s", what, trouble.en)

    def trouble_once(self, what: str, trouble: Trouble | None) -> None:
        """Note a trouble that is checked each turn; logged when it has changed."""
        if self._troubles.get(what) != trouble:
            self.trouble(what, trouble)

    def coded(self) -> tuple[Trouble, ...]:
        """List the stores' troubles with their codes."""
        return tuple(dict(self._troubles).values())

    @property
    def is_misconfigured(self) -> bool:
        """True where something in the configuration is not used as it stands."""
        return bool(self._complaints)

    def troubles(self) -> tuple[Words, ...]:
        """List the sentences, the configuration's first."""
        found = [Words(trouble.it, trouble.en) for trouble in dict(self._troubles).values()]
        return (*self._complaints, *found)

    def codes(self) -> tuple[str, ...]:
        """List the troubles' stable codes."""
        return tuple(trouble.code for trouble in dict(self._troubles).values())

    @property
    def complaints(self) -> int:
        """How many of the configuration's values are not used as they stand."""
        return len(self._complaints)

    def failed(self) -> tuple[Component, ...]:
        """List the parts whose trouble only a restart of call control can end."""
        return tuple(Component(what) for what, one in dict(self._troubles).items() if one.restart)

    def words(self, status: Status) -> str:
        """Say in one sentence how it is."""
        lines = [f"{line.name} {line.state}" for line in status.lines]
        parts = [
            "open" if status.open else "closed",
            *status.service.marks(),
            ", ".join(lines) or "no line",
            f"{status.waiting} messages" if status.waiting else "",
            "" if status.clock_state.is_trusted else NOT_TRUSTED[status.doubt].en,
            *(trouble.en for trouble in self.troubles()),
        ]
        return "; ".join(part for part in parts if part)

    def panel_status(self, status: Status, phones: PhonesStatus, ready: bool) -> PanelStatus:
        """Make what the LEDs show."""
        self._unattended = status.service.unattended is not None
        alone = status.open and status.switchboard.state is GroupState.UNATTENDED
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
        )

    def button_pressed(self) -> events.ServiceStateChanged:
        """Return what a press of the button asks for: the other state."""
        return events.ServiceStateChanged(
            commands.SetUnattended(on=not self._unattended, by=BUTTON)
        )


def network_of(phones: PhonesStatus) -> PhoneNetwork:
    """Tell whether the phones can be reached."""
    if not phones.listening:
        return PhoneNetwork.DOWN
    reachable = any(phone.address and phone.answers for phone in phones.phones)
    return PhoneNetwork.UP if reachable else PhoneNetwork.NO_PHONES


def flood_of(sources: tuple[str, ...]) -> Trouble | None:
    """Say that strangers send so much that phones may be kept out; None while nobody does."""
    if not sources:
        return None
    named = ", ".join(sources)
    return Trouble(
        "phones.flood",
        f"Sulla rete qualcuno manda all'apparecchio più richieste SIP di quante se ne leggano (da "
        f"{named}): i telefoni registrati funzionano, uno acceso ora può restare fuori. Trovare e "
        "staccare quei computer, oppure indicare in sip.allowed le reti dei telefoni.",
        f"Somebody on the network sends the box more SIP requests than it reads (from {named}): "
        "phones that are registered work, one that is switched on now may be kept out. Find those "
        "computers and unplug them, or name the phones' networks in sip.allowed.",
    )


def tcp_of(trouble: str) -> Trouble | None:
    """Say that phones which use TCP are not heard; None where they are."""
    if not trouble:
        return None
    it, en = ("Riavviare l'apparecchio.", "Restart the box.")
    if trouble != FAULT:
        it = "Fermare il programma che usa la porta, cambiare sip.port o scrivere sip.tcp = false."
        en = "Stop the program that has the port, change sip.port, or write sip.tcp = false."
    return Trouble(
        "phones.tcp",
        "I telefoni che usano il TCP non raggiungono l'apparecchio; quelli che usano l'UDP "
        f"funzionano. {it}",
        f"Phones that use TCP do not reach the box; those that use UDP work. {en} ({trouble})",
    )


class PhoneStateWriter:
    """Writes what has changed; `left_file` is for a successor, should this process be killed."""

    def __init__(
        self, stores: Stores, phones: Phones, collector: StatusCollector, left_file: Path
    ) -> None:
        self._stores, self._phones, self._collector = stores, phones, collector
        self._left_file = left_file
        self._bindings: object = ()
        self._left: object = None  # what a predecessor has written is not true any more
        self._trouble: Trouble | None = None

    def look(self, phones: PhonesStatus) -> None:
        """Keep and tell what has changed."""
        self._keep_bindings(phones)
        self.keep_left(phones)
        self._tell_registrar(phones)
        self._collector.trouble_once("flood", flood_of(phones.flood))
        self._collector.trouble_once("tcp", tcp_of(phones.tcp_trouble))

    def keep_left(self, phones: PhonesStatus) -> None:
        """Keep which phones are in calls."""
        if phones.left != self._left:
            self._left = phones.left
            self._stores.save_left(self._left_file, self._phones.left_to_json())

    def _keep_bindings(self, phones: PhonesStatus) -> None:
        """Where phones are registered is kept over a restart, whenever it has changed."""
        lasting = (b for b in phones.bindings if not isinstance(b.source, TcpPeer))
        places = [(b.phone, b.source, b.contact, b.proven) for b in lasting]
        if places != self._bindings:  # a renewal alone is not worth a write to the card
            self._bindings = places
            self._stores.save_bindings(self._phones.bindings_to_json())

    def _tell_registrar(self, phones: PhonesStatus) -> None:
        trouble = build.trouble_of(phones.registrar)
        if trouble != self._trouble:
            self._trouble = trouble
            self._collector.trouble("phones", trouble)
