"""What is kept of the phones while they change: where they are registered, who is in a call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import build
from appliance.daemon.lookout import Lookout
from appliance.daemon.stores import Stores
from appliance.sip.endpoint import FAULT
from appliance.sip.message import Stream
from appliance.store.database import Trouble

if TYPE_CHECKING:
    from appliance.sip.phones import PhonesStatus
    from appliance.sip.service import Phones


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


class PhonesKept:
    """Writes what has changed; `left_file` is for a successor, should this process be killed."""

    def __init__(self, stores: Stores, phones: Phones, lookout: Lookout, left_file: Path) -> None:
        self._stores, self._phones, self._lookout = stores, phones, lookout
        self._left_file = left_file
        self._bindings: object = ()
        self._left: object = None  # what a predecessor has written is not true any more
        self._trouble: Trouble | None = None

    def look(self, phones: PhonesStatus) -> None:
        """Keep and tell what has changed."""
        self._keep_bindings(phones)
        self.keep_left(phones)
        self._tell_registrar(phones)
        self._lookout.trouble_once("flood", flood_of(phones.flood))
        self._lookout.trouble_once("tcp", tcp_of(phones.tcp_trouble))

    def keep_left(self, phones: PhonesStatus) -> None:
        """Keep which phones are in calls."""
        if phones.left != self._left:
            self._left = phones.left
            self._stores.save_left(self._left_file, self._phones.left_to_json())

    def _keep_bindings(self, phones: PhonesStatus) -> None:
        """Where phones are registered is kept over a restart, whenever it has changed."""
        lasting = (b for b in phones.bindings if not isinstance(b.source, Stream))
        places = [(b.phone, b.source, b.contact, b.proven) for b in lasting]
        if places != self._bindings:  # a renewal alone is not worth a write to the card
            self._bindings = places
            self._stores.save_bindings(self._phones.bindings_to_json())

    def _tell_registrar(self, phones: PhonesStatus) -> None:
        trouble = build.trouble_of(phones.registrar)
        if trouble != self._trouble:
            self._trouble = trouble
            self._lookout.trouble("phones", trouble)
