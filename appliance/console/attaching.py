"""The e-mail that goes with an entry of the register: to the desk and from it, in parts."""

from __future__ import annotations

import base64
from typing import Final

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from appliance.console.accounts.rights import somebody
from appliance.console.asking import NotDone, ask
from appliance.console.say import N_
from appliance.store.directory import ATTACHMENT_LIMIT

FIELD: Final = "email"
"""The field of a form in which the file is given."""
PART: Final = 9_000
"""Bytes in one question to the desk: three quarters of what it takes, as base64."""
TOO_LONG: Final = N_("This file is too long: 5 MB at most.")
LONGEST_NAME: Final = 200


async def send(request: Request, sent: FormData) -> str:
    """Send the file of a form to the desk; returns its name, "" where none was given.

    Raises NotDone.
    """
    file = sent.get(FIELD)
    if not isinstance(file, UploadFile) or not file.filename:
        return ""
    data = await file.read(ATTACHMENT_LIMIT + 1)
    if not data:
        return ""
    if len(data) > ATTACHMENT_LIMIT:
        raise NotDone(413, request.state.speaker(TOO_LONG))
    for at in range(0, len(data), PART):
        part = base64.b64encode(data[at : at + PART]).decode()
        question = {"ask": "register_file_part", "at": at, "data": part}
        await ask(request, {**question, "by": somebody(request).name})
    return file.filename[:LONGEST_NAME]


async def fetch(request: Request, entry: int) -> bytes:
    """Fetch the file of an entry from the desk, which notes who has asked; raises NotDone."""
    data, is_last = b"", False
    while not is_last:
        question = {"ask": "register_file", "entry": entry, "at": len(data)}
        answer = await ask(request, {**question, "by": somebody(request).name})
        data += base64.b64decode(answer["data"])
        is_last = answer["last"]
    return data
