"""What protects a connection: certificates and the password, and what may be wrong with them."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.fleet import mqtt_broker as words
from appliance.fleet.mqtt_broker import BrokerError, filled
from appliance.policy.supervision import why_not
from appliance.policy.text import Words

if TYPE_CHECKING:
    from appliance.fleet.mqtt_broker import Broker


def unreached(error: Exception) -> Words:
    """Say why there is no connection, and what to do."""
    why = why_not(error) if isinstance(error, OSError) else Words(str(error), str(error))
    return Words(f"non si raggiunge ({why.it})", f"cannot be reached ({why.en})")


def broken(error: ssl.SSLError) -> BrokerError:
    """Say what TLS failed of; what is broken off in the middle may pass."""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return BrokerError(words.LOST)
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return BrokerError(filled(words.NO_TLS, reason), misset=True)


def trust_of(broker: Broker) -> ssl.SSLContext:
    """Make what TLS is done by; raises BrokerError for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=broker.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if broker.certificate:
            context.load_cert_chain(broker.certificate, broker.key or None, password=_no_phrase)
    except (OSError, ValueError) as error:
        named = ", ".join(filter(None, (broker.ca_file, broker.certificate, broker.key)))
        why = why_not(error) if isinstance(error, OSError) else Words(str(error), str(error))
        raise BrokerError(
            Words(
                f"chiede TLS, ma {named} non si può usare ({why.it})",
                f"wants TLS, but {named} cannot be used ({why.en})",
            ),
            misset=True,
        ) from error
    return context


def _no_phrase() -> bytes:
    """Answer whoever asks for a key's pass phrase: nobody sits at a box who could type one."""
    raise ValueError("the key is locked by a pass phrase: use one without")


def secret_of(path: str) -> str:
    """Read a password; raises BrokerError where there is none, or where everybody can read it."""
    try:
        if Path(path).stat().st_mode & stat.S_IROTH:
            raise BrokerError(filled(words.OPEN_FILE, path), misset=True)
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = why_not(error) if isinstance(error, OSError) else Words("UTF-8?", "is it UTF-8?")
        raise BrokerError(
            Words(
                f"chiede una password, ma il file {path} non si legge ({why.it})",
                f"wants a password, but the file {path} cannot be read ({why.en})",
            ),
            misset=True,
        ) from error
