"""What each country's exchange rings and says, as data (v253.md section 5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from appliance.errors import ConfigurationError

IdOrder = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Tone:
    """One call-progress tone: Hz, on/off cadence in ms (empty: continuous), level in dBm0."""

    frequencies: tuple[int, ...]
    cadence: tuple[int, ...] = ()
    level_dbm0: float = -12.0


@dataclass(frozen=True, slots=True)
class Country:
    """One country's signals; `ring` is the bell's on/off cadence in ms."""

    code: str
    ring: tuple[int, ...]
    dial: Tone
    ringback: Tone
    busy: Tone
    congestion: Tone
    gci: str
    caller_id: Literal["v23", "bell202"] = "v23"
    id_order: IdOrder = "after"
    flash_limit_ms: int = 300

    def tone(self, kind: str) -> Tone:
        """Give the tone of a release kind: busy, busy200, congestion or dial."""
        if kind == "busy200":
            return replace(self.busy, cadence=(200, 200))
        return {"dial": self.dial, "congestion": self.congestion}.get(kind, self.busy)


COUNTRIES = {
    country.code: country
    for country in (
        Country(
            "it",
            ring=(1000, 4000),
            dial=Tone((425,), (200, 200, 600, 1000)),
            ringback=Tone((425,), (1000, 4000)),
            busy=Tone((425,), (500, 500)),
            congestion=Tone((425,), (200, 200)),
            gci="59",
        ),
        Country(
            "de",
            ring=(1000, 4000),
            dial=Tone((425,)),
            ringback=Tone((425,), (1000, 4000)),
            busy=Tone((425,), (480, 480)),
            congestion=Tone((425,), (240, 240)),
            gci="42",
        ),
        Country(
            "fr",
            ring=(1500, 3500),
            dial=Tone((440,)),
            ringback=Tone((440,), (1500, 3500)),
            busy=Tone((440,), (500, 500)),
            congestion=Tone((440,), (250, 250)),
            gci="3D",
        ),
        Country(
            "gb",
            ring=(400, 200, 400, 2000),
            dial=Tone((350, 440)),
            ringback=Tone((400, 450), (400, 200, 400, 2000)),
            busy=Tone((400,), (375, 375)),
            congestion=Tone((400,), (400, 350, 225, 525)),
            gci="B4",
            id_order="before",
        ),
        Country(
            "us",
            ring=(2000, 4000),
            dial=Tone((350, 440), level_dbm0=-13.0),
            ringback=Tone((440, 480), (2000, 4000), -19.0),
            busy=Tone((480, 620), (500, 500), -24.0),
            congestion=Tone((480, 620), (250, 250), -24.0),
            gci="B5",
            caller_id="bell202",
            flash_limit_ms=1000,
        ),
    )
}


def country(code: str) -> Country:
    """Give a country by its two letters; raises ConfigurationError for one not known."""
    try:
        return COUNTRIES[code.lower()]
    except KeyError:
        known = ", ".join(COUNTRIES)
        raise ConfigurationError(f"country {code!r} is not known: use one of {known}") from None
