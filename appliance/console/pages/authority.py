"""The box's certificate authority, for whoever installs it on the office's computers."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.tls import authority_path


async def download(request: Request) -> Response:
    """Hand over the authority's certificate; there is none with the office's own files."""
    path = authority_path(request.app.state.settings)
    if request.app.state.settings.certificate or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type="application/x-x509-ca-cert", filename="centralino-ca.crt")


routes: list[BaseRoute] = [Route("/ca.crt", download)]
