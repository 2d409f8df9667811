"""What people are told while the clock cannot be trusted, and what they can do about it."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.policy.clock import Doubt
from appliance.policy.text import Words

NOT_TRUSTED: Mapping[Doubt, Words] = {
    Doubt.OPEN: Words(
        "L'ora non è affidabile: l'orario non vale e i telefoni squillano. Confermarla o "
        "correggerla alla pagina «Ora», oppure controllare la rete.",
        "The clock cannot be trusted: the hours do not hold and the phones ring. Confirm or set it "
        "on the page “Time”, or see to the network.",
    ),
    Doubt.CLOSED: Words(
        "L'ora non è affidabile e nessuno risponde: le chiamate vanno alla segreteria, ogni "
        "mezz'ora una squilla. Alzare un telefono basta a riaprire; confermare l'ora alla pagina "
        "«Ora».",
        "The clock cannot be trusted and nobody answers: calls go to voicemail, one in half an "
        "hour rings. Lifting a handset is enough to open; confirm the time on the page “Time”.",
    ),
    Doubt.HOURS: Words(
        "L'ora non è affidabile: l'orario vale lo stesso, come configurato. Confermarla o "
        "correggerla alla pagina «Ora», oppure controllare la rete.",
        "The clock cannot be trusted: the hours hold all the same, as configured. Confirm or set "
        "it on the page “Time”, or see to the network.",
    ),
}
"""What is said while the clock is not trusted, by what holds meanwhile."""


def other_time(minutes: int) -> Words:
    """Say that callers' dates tell of another time than the box's, by so many minutes."""
    it, en = ("avanti", "ahead of") if minutes > 0 else ("indietro", "behind")
    return Words(
        f"Le ultime chiamate portano un'altra ora, {abs(minutes)} minuti {it} rispetto alla "
        "scatola: guardare un altro orologio, poi la pagina «Ora».",
        f"The last calls bear another time, {abs(minutes)} minutes {en} the box's: look at "
        "another clock, then at the page “Time”.",
    )
