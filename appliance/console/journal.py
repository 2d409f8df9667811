"""The services' journal, for a technician to carry away: its end, with every number masked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from appliance.errors import TechnicianError
from appliance.policy.directory_review import mask_journal
from appliance.policy.text import Words

LINES: Final = 20_000
LIMIT_S: Final = 20.0
MOST: Final = 4_000_000
"""Bytes of the journal that are kept, the last ones."""
COMMAND: Final = (
    "journalctl", "--quiet", "--no-pager", "--output=short-iso", f"--lines={LINES}",
    "--unit=centralino.service", "--unit=centralino-carrier.service",
    "--unit=centralino-console.service",
)  # fmt: skip
NO_JOURNAL: Final = Words(
    "Qui non c'è un registro di sistema da leggere: il servizio scrive dove è stato avviato.",
    "There is no journal to be read here: the service writes where it was started.",
)
LATE: Final = Words(
    "Il registro di sistema non si è letto in tempo: riprovare.",
    "The journal could not be read in time: try again.",
)


class NoJournal(TechnicianError):  # noqa: N818 - reads as what it is
    """Raised when the journal cannot be had; `words` say why."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


async def journal(command: Sequence[str] = COMMAND, limit: float = LIMIT_S) -> str:
    """Return the end of the journal, masked; raises NoJournal."""
    try:
        reading = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        raise NoJournal(NO_JOURNAL) from error
    try:
        async with asyncio.timeout(limit):
            data, _ = await reading.communicate()
    except TimeoutError as error:
        raise NoJournal(LATE) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            reading.kill()
        await reading.wait()
    if not data:
        raise NoJournal(NO_JOURNAL)
    text = data[-MOST:].decode("utf-8", "replace")
    whole = text.partition("\n")[2] if len(data) > MOST else text  # not a line cut in two
    return await asyncio.to_thread(mask_journal, whole)
