"""The MQTT broker as configured: checked, each mistake in a sentence, and as the fleet takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.daemon.credentials import MQTT_PASSWORD, secret_file
from appliance.daemon.mail_settings import LAST_PORT
from appliance.fleet.mqtt import Broker, Security
from appliance.fleet.mqtt_messages import Callers, Topic, check_prefix, topic_level

if TYPE_CHECKING:
    from appliance.daemon.mistakes import Mistakes
    from appliance.daemon.settings import Mqtt

LEAST, MOST = 100, 100_000
"""Events that may wait: fewer would not outlast a morning, more are no queue but an archive."""


def check_mqtt(mqtt: Mqtt, mistakes: Mistakes) -> None:
    """Note what is wrong; without `server` MQTT is off, and what else is written counts all the
    same: it is to be right on the day it is switched on.
    """
    mistakes.choice("mqtt.security", mqtt.security, tuple(Security))
    mistakes.choice("mqtt.callers", mqtt.callers, tuple(Callers))
    for topic in mqtt.events:
        mistakes.choice("mqtt.events", topic, tuple(Topic))
    if mqtt.server or mqtt.prefix:
        mistakes.check("mqtt.prefix", check_prefix, mqtt.prefix)
    _check_figures(mqtt, mistakes)
    _check_account(mqtt, mistakes)


def _check_figures(mqtt: Mqtt, mistakes: Mistakes) -> None:
    if not 0 <= mqtt.port <= LAST_PORT:
        mistakes.note(
            "mqtt.port",
            f"{mqtt.port} non è una porta: per quella consueta toglierla",
            f"{mqtt.port} is no port: leave it out for the usual one",
        )
    if not LEAST <= mqtt.queue <= MOST:
        mistakes.note(
            "mqtt.queue",
            f"{mqtt.queue} non può essere: scrivere da {LEAST} a {MOST} eventi",
            f"{mqtt.queue} cannot be: write {LEAST} to {MOST} events",
        )


def _check_account(mqtt: Mqtt, mistakes: Mistakes) -> None:
    if bool(mqtt.user) != bool(mqtt.password_file):
        mistakes.note(
            "mqtt.user",
            "a un utente serve il suo password_file, e a un password_file il suo utente",
            "a user needs its password_file, and a password_file its user",
        )
    if bool(mqtt.certificate) != bool(mqtt.key):
        mistakes.note(
            "mqtt.certificate",
            "a un certificato serve la sua chiave (key), e a una chiave il suo certificato",
            "a certificate needs its key, and a key its certificate",
        )
    if mqtt.security == Security.NONE and (mqtt.user or mqtt.certificate or mqtt.ca_file):
        mistakes.note(
            "mqtt.security",
            "password e certificati non servono in chiaro: usare tls",
            "passwords and certificates are of no use in the clear: use tls",
        )
    if mqtt.security == Security.NONE and mqtt.callers == Callers.FULL:
        mistakes.note(
            "mqtt.callers",
            "i numeri di chi chiama non si mandano in chiaro: usare tls",
            "callers' numbers are not sent in the clear: use tls",
        )


def broker_of(mqtt: Mqtt) -> Broker | None:
    """Return the broker, None where none is configured."""
    if not mqtt.server:
        return None
    return Broker(
        mqtt.server,
        topic_level(mqtt.prefix),
        Security(mqtt.security),
        mqtt.port,
        mqtt.user,
        secret_file(mqtt.password_file, MQTT_PASSWORD) if mqtt.user else "",
        mqtt.ca_file,
        mqtt.certificate,
        mqtt.key,
    )
