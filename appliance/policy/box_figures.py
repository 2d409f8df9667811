"""What lies on a box's disk, in numbers: no caller, no name, no number among it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """How much waits for somebody, and how full the disk is; moments in s since 1970.

    `requests` are those of each state, `oldest_*` is None where nothing waits; lengths in ms of
    sound, the disk in bytes.
    """

    open_messages: int = 0
    open_ms: int = 0
    unheard: int = 0
    oldest_unheard_at: float | None = None
    requests: tuple[tuple[str, int], ...] = ()
    mail_queued: int = 0
    mail_dead: int = 0
    oldest_mail_at: float | None = None
    disk_free: int = 0
    disk_size: int = 0


NOTHING_STORED = Stored()
