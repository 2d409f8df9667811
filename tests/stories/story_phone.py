"""What a story asks of a telephone: our own test phone, or a real one (baresip_phones.py)."""

from __future__ import annotations

from typing import Any, Protocol

from appliance.simulator.phone.phone import PhoneEvent


class Sounding(Protocol):
    """Sound that was heard."""

    @property
    def data(self) -> bytes:
        """It, G.711."""


class StoryPhone(Protocol):
    """A telephone with one call at a time, lifted by hand."""

    @property
    def events(self) -> list[PhoneEvent]:
        """Everything that has happened so far, oldest first."""

    def wait_event(self, kind: str, timeout: float = 5.0) -> PhoneEvent:
        """Return the next event of a kind not returned before; raises TimeoutError."""

    def state(self) -> dict[str, Any]:
        """Return the state of its `call`."""

    def say(self, what: bytes, repeat: bool = False) -> None:
        """Say mu-law sound from the answer on."""

    def received(self) -> Sounding:
        """Return what was heard since the call was answered."""

    def answer(self) -> None:
        """Lift the handset."""

    def hang_up(self) -> None:
        """Turn the call down or end it."""

    def hold(self) -> None:
        """Put the other end on hold."""

    def resume(self) -> None:
        """Take the other end back."""

    def dial(self, called: str) -> int:
        """Call a number at the box."""
