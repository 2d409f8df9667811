"""A request's papers, as the desk writes them for whoever files them (E15).

The desk says what stands on a PDF; a child lays it out, one at a time: each needs 60 MB.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from typing import Final

from starlette.requests import Request

from appliance.console.accounts.rights import somebody
from appliance.console.asking import NotDone, ask
from appliance.paper import child

log = logging.getLogger(__name__)

KINDS: Final = {"eml": "message/rfc822", "pdf": "application/pdf"}
"""What a paper can be had as, and its media type."""
LIMIT_S: Final = child.LIMIT_S + 5
"""The child ends itself before."""
_ONE: Final = asyncio.Lock()


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
    if kind != "pdf":
        return data
    try:
        return await laid_out(data)
    except child.NoPaper as error:
        log.error("%s", error)
        raise NotDone(500, request.state.speaker.words(error.words), error.words) from error


async def laid_out(document: bytes) -> bytes:
    """Return a document (JSON) as a PDF; raises NoPaper."""
    pipe = asyncio.subprocess.PIPE
    async with _ONE:
        try:
            made = await asyncio.create_subprocess_exec(
                *child.COMMAND, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise child.NoPaper(str(error)) from error
        try:
            async with asyncio.timeout(LIMIT_S):
                data, said = await made.communicate(document)
        except TimeoutError as error:
            raise child.NoPaper(f"{LIMIT_S:.0f} s") from error
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                made.kill()
            await made.wait()
    if made.returncode:
        raise child.NoPaper(child.reason(said))
    return data
