"""The technician's page of the certificate: how the authority is installed, and whether it is here.

Only the browser knows whether it trusts: a script asks it for something that it refuses under an
error of the certificate, also one that a person has waved through (static/certificate.js).
"""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import needs
from appliance.console.network import authority_path
from appliance.console.templates import page
from appliance.policy.users import Permission


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show which authority this is, the steps, and what the browser says."""
    settings = request.app.state.settings
    told = await anyio.to_thread.run_sync(fingerprint, authority_path(settings))
    values = {"is_secure": request.url.scheme == "https", "own_file": settings.certificate}
    return page(request, "plant/certificate.html", fingerprint=told, names=settings.names, **values)


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a certificate's file, as browsers show it; "" where there is none."""
    try:
        der = ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(der).digest().hex(":").upper()


routes: list[BaseRoute] = [Route("/plant/certificate", show)]
