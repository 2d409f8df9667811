"""The `.meta` beside every sound file: all that is needed to rebuild the records from the files.

While a caller speaks it says whose recording this is; once the message is whole it also holds the
message with the sound's length and SHA-256.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.errors import OfficeError, StoreError
from appliance.store import call_log, requests, voicemail

if TYPE_CHECKING:
    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import NewRequest
    from appliance.store.voicemail import Message

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Whose sound a file is; `message` is None until it is whole.

    `request`: the words are no message but those of a request that the desk took (P6).
    """

    id: str
    law: str
    record: CallRecord
    message: Message | None = None
    request: NewRequest | None = None


def encode(sidecar: Sidecar) -> bytes:
    """Write a sidecar as JSON."""
    message = voicemail.message_to_row(sidecar.message) if sidecar.message else None
    value = {
        "version": VERSION,
        "id": sidecar.id,
        "law": sidecar.law,
        "call": call_log.call_to_row(sidecar.record),
        "message": message,
        "request": requests.new_request_to_json(sidecar.request) if sidecar.request else None,
    }
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def decode(contents: bytes) -> Sidecar:
    """Read a sidecar; raises StoreError when it is torn or not one of ours."""
    try:
        value = json.loads(contents)
        message = voicemail.message_from_row(value["message"]) if value["message"] else None
        record = call_log.call_from_row(value["call"])
        taken = value.get("request")
        request = requests.from_json(taken) if taken else None
        return Sidecar(str(value["id"]), str(value["law"]), record, message, request)
    except (ValueError, KeyError, TypeError, IndexError, OfficeError) as error:
        raise StoreError(
            f"a message's description cannot be read ({error}): its sound is in corrupt/"
        ) from error
