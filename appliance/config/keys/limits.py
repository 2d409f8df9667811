"""Limits of the keys' values, as the reader checks them: known words, lowest and highest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.config import build, office, values
from appliance.config.keys.catalogue import KeyPlace
from appliance.config.values import MAX_LONG_SECONDS, MAX_PAUSE, MAX_SECONDS
from appliance.fleet.mqtt import MqttSecurity
from appliance.fleet.mqtt_messages import CallerNumbers, EventGroup
from appliance.mail import Security
from appliance.media.messages import COUNTRY_CODES
from appliance.modem.dialects import DIALECTS
from appliance.modem.scripts import FLASH_MS, GAIN_LIMIT, CallerIdOrder
from appliance.policy.clock import WithoutTime
from appliance.policy.dialling import Identity
from appliance.policy.hours import WEEKDAYS
from appliance.policy.lines import HalfDuplexDaytime
from appliance.policy.office import (
    LONGEST_WAIT_MS,
    MOST_WAITING_PLACES,
    SHORTEST_WAIT_MS,
    GreetingLength,
    OverflowCause,
)
from appliance.policy.standards import WHOLE, Standard
from appliance.policy.updates import UpdateInstall
from appliance.policy.users import PinRule
from appliance.policy.voicemail import CallAlerts
from appliance.prompts.voices import PromptVoice
from appliance.text import LANGUAGES


@dataclass(frozen=True, slots=True)
class KeyLimit:
    """Allowed values of a key, or of each entry of its list; None or () for no limit."""

    low: float | None = None
    high: float | None = None
    one_of: tuple[str, ...] = ()


def _words(*known: str) -> KeyLimit:
    return KeyLimit(one_of=tuple(str(each) for each in known))


_PORT: Final = KeyLimit(1, build.LAST_PORT)
_PORT_OR_USUAL: Final = KeyLimit(0, build.LAST_PORT)
_GROUP: Final = _words("", *office.LABELS)
_DAYS: Final = KeyLimit(0)

LIMITS: Final[dict[str, KeyLimit]] = {
    "site.country": _words(*COUNTRY_CODES),
    "site.languages": _words(*LANGUAGES),
    "site.voice": _words(*PromptVoice),
    "lines.dialect": _words("auto", *DIALECTS),
    "lines.caller_id": _words(*CallerIdOrder),
    "lines.receive_gain": KeyLimit(-1, GAIN_LIMIT),
    "lines.transmit_gain": KeyLimit(-1, GAIN_LIMIT),
    "lines.daytime": _words("", *HalfDuplexDaytime),
    "lines.flash": KeyLimit(FLASH_MS[0] / 1000, FLASH_MS[1] / 1000),
    "sip.port": _PORT,
    "sip.laws": _words("alaw", "ulaw"),
    "phones.dials": _words(*office.FREE),
    "openings.group": _GROUP,
    "periods.group": _GROUP,
    "voicemail.missed_alerts": _words(*CallAlerts),
    "voicemail.greeting": _words(*GreetingLength),
    "voicemail.privacy": _words(*office.PRIVACY),
    "voicemail.pin": _words(*PinRule),
    "voicemail.room_alarm": KeyLimit(0),
    "calls.longest": KeyLimit(build.LEAST_LONGEST_S, build.MOST_LONGEST_S),
    "calls.transfer": KeyLimit(build.LEAST_TRANSFER_S, build.MOST_TRANSFER_S),
    "calls.lines_kept": KeyLimit(0),
    "outgoing.identity": _words(*Identity),
    "outgoing.days": _words(*WEEKDAYS),
    "outgoing.known_days": KeyLimit(0, office.MOST_DAYS),
    "outgoing.calls_per_hour": KeyLimit(0, office.MOST_CALLS),
    "outgoing.minutes_per_day": KeyLimit(0, office.MOST_MINUTES),
    **{f"standards.{each}": KeyLimit(0, WHOLE) for each in Standard},
    "positions.away_after_missed": KeyLimit(0),
    "positions.remind_after": KeyLimit(0),
    "waiting.queue_max": KeyLimit(0, MOST_WAITING_PLACES),
    "waiting.max_wait": KeyLimit(0, LONGEST_WAIT_MS // 1000),
    "waiting.announce_every": KeyLimit(SHORTEST_WAIT_MS / 1000),
    "mail.port": _PORT_OR_USUAL,
    "mail.security": _words(*Security),
    "mqtt.port": _PORT_OR_USUAL,
    "mqtt.security": _words(*MqttSecurity),
    "mqtt.events": _words(*EventGroup),
    "mqtt.callers": _words(*CallerNumbers),
    "mqtt.queue": KeyLimit(build.LEAST, build.MOST),
    "retention.messages_closed_days": _DAYS,
    "retention.numbers_days": _DAYS,
    "retention.calls_days": _DAYS,
    "backup.keep": KeyLimit(1),
    "updates.install": _words(*UpdateInstall),
    "central.every": KeyLimit(build.LEAST_EVERY),
    "clock.without_time": _words(*WithoutTime),
    "clock.holdover_days": KeyLimit(1, build.MOST_HOLDOVER_DAYS),
    "branches.when": _words(*OverflowCause),
    **{
        f"panel.{name}": KeyLimit(high=office.LAST_PIN)
        for name in ("ready", "network", "messages", "fault", "lines", "unattended_button")
    },
    "console.port": _PORT,
    "console.redirect_port": _PORT_OR_USUAL,
    "metrics.port": KeyLimit(build.FIRST_PORT, build.LAST_PORT),
}
"""Limits by key; a key that is not here has those of its type alone."""


def bounds(place: KeyPlace) -> tuple[float | None, float | None]:
    """Return the lowest and the highest number of a key; None for no bound."""
    limit = LIMITS.get(place.dotted, KeyLimit())
    low, high = limit.low, limit.high
    most = {values.Seconds: MAX_SECONDS, values.LongSeconds: MAX_LONG_SECONDS}.get(place.kind)
    if most is not None:
        return low or 0, most if high is None else high
    if place.kind is values.Pause:
        return 0, MAX_PAUSE
    return low, high
