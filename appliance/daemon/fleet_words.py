"""How it is with the MQTT broker, in words: its line in the status, and what must be seen to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from appliance.fleet.mqtt import Health
from appliance.policy.text import Words
from appliance.store.database import Trouble

PATIENCE_S: Final = 60.0
"""A broker that is away for less is none that anybody need know of: it was restarted."""
TOLD_FOR: Final = timedelta(days=1)
"""So long after the last event that was dropped people are told of it."""
ENDED: Final = Trouble(
    "mqtt.ended",
    "MQTT si è fermato per un errore del programma: gli eventi attendono sul disco; il servizio va "
    "riavviato a linee libere.",
    "MQTT stopped because of a fault in the programme: events wait on the disk; the service must "
    "restart when the lines are idle.",
    restart=True,
)


def said(where: str, health: Health) -> Words:
    """Say in one line how it is."""
    waiting = health.depth.waiting
    if health.connected:
        it, en = "collegato", "connected"
    elif health.why.en:
        it, en = health.why.it, health.why.en
    else:
        it, en = "non ancora collegato", "not connected yet"
    dropped = health.depth.dropped
    more = Words(f"; scartati {dropped}", f"; dropped {dropped}") if dropped else Words()
    return Words(
        f"MQTT: broker {where}: {it}; eventi in attesa: {waiting}{more.it}",
        f"MQTT: broker {where}: {en}; events waiting: {waiting}{more.en}",
    )


def row(where: str, health: Health) -> dict[str, Any]:
    """Say it as JSON, for `status --json`."""
    return {
        "broker": where,
        "connected": health.connected,
        "why": health.why.en,
        "waiting": health.depth.waiting,
        "dropped": health.depth.dropped,
        "dropped_at": health.depth.dropped_at,
    }


def trouble_of(where: str, health: Health, away_s: float, now: datetime) -> Trouble | None:
    """Say what the technician must see to; `away_s` is for how long there is no connection."""
    depth = health.depth
    if not health.connected and health.why.en and (health.misset or away_s > PATIENCE_S):
        code = "mqtt.misset" if health.misset else "mqtt.away"
        return Trouble(
            code,
            f"Il broker MQTT {where} {health.why.it}. Gli eventi attendono sul disco; alle "
            "chiamate non manca nulla.",
            f"The MQTT broker {where} {health.why.en}. Events wait on the disk; calls lack "
            "nothing.",
        )
    if depth.dropped_at and now - datetime.fromisoformat(depth.dropped_at) < TOLD_FOR:
        return Trouble(
            "mqtt.dropped",
            f"Il broker MQTT è mancato troppo a lungo: eventi scartati, i più vecchi: "
            f"{depth.dropped}. Per una coda più lunga alzare mqtt.queue.",
            f"The MQTT broker was away for too long: events dropped, the oldest ones: "
            f"{depth.dropped}. For a longer queue raise mqtt.queue.",
        )
    return None
