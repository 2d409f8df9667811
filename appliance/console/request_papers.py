"""A request's papers, as the desk writes them for whoever files them (E15)."""

from __future__ import annotations

import base64
from typing import Final

from starlette.requests import Request

from appliance.console.accounts.rights import somebody
from appliance.console.asking import ask

KINDS: Final = {"eml": "message/rfc822", "pdf": "application/pdf"}
"""What a paper can be had as, and its media type."""


async def fetch(request: Request, number: int, mail: int, kind: str) -> bytes:
    """Fetch a request's e-mail, or where `mail` is 0 the request itself; raises NotDone.

    Part by part: it is longer than the desk answers at once.
    """
    question = {"ask": "request_paper", "number": number, "mail": mail, "as": kind}
    data, is_last = b"", False
    while not is_last:
        part = {**question, "at": len(data), "by": somebody(request).name}
        answer = await ask(request, part)
        data += base64.b64decode(answer["data"])
        is_last = answer["last"]
    return data
