"""HTTPS to the office's own servers: an authority of its own or the system's, no other protocol.

A box whose clock cannot be trusted looks at the name and the authority of a certificate, and not at
its dates: what is fetched bears a signature of its own.
"""

from __future__ import annotations

import ssl
import urllib.request
from typing import Final

from appliance.policy.supervision import words_of
from appliance.policy.text import Refused

LIMIT_S: Final = 30.0
NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h), which ssl has no name for."""


def context_of(ca_file: str, key: str, *, checks_dates: bool) -> ssl.SSLContext:
    """Make what a server is judged by; `key` is where `ca_file` is configured. Raises Refused."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        why = words_of(error)
        raise Refused(f"{key} non si legge: {why.it}", f"{key}: {why.en}") from error
    if not checks_dates:
        context.verify_flags |= NO_CHECK_TIME
    return context


def opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    """Make an opener that knows no http and no file, also where a server leads there."""
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        made.add_handler(handler)
    return made


def not_fetched(url: str, it: str, en: str) -> Refused:
    """Say that an address gave nothing, and why."""
    return Refused(f"{url} non si scarica: {it}", f"{url} cannot be fetched: {en}")


def unreached(url: str, error: Exception) -> Refused:
    """Say what hindered it, as the system or the library puts it."""
    reason = getattr(error, "reason", error)
    why = words_of(reason if isinstance(reason, Exception) else error)
    return not_fetched(url, why.it, why.en)
