"""Health of the carrier: lateness, lead inside the modems, what was lost; for one period."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.carrier.clock import Ticker
from appliance.carrier.messages import Health
from appliance.carrier.port import Port
from appliance.carrier.switch import Switch
from appliance.dsp.wav import FRAME_SAMPLES


class HealthMeter:
    """Turns running counters into figures of a period."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def report(self, ticker: Ticker, switch: Switch, ports: Iterable[Port]) -> Health:
        """Return the figures since the last report and start a new period."""
        lateness = ticker.lateness
        lines = list(switch.lines.values())
        lead = [line.take_least_lead() for line in lines if line.call is not None]
        jitter = [leg.jitter.counters for leg in switch.legs.values()]
        health = Health(
            ticks=len(lateness.samples),
            late_p50=round(lateness.percentile(0.5), 3),
            late_p99=round(lateness.percentile(0.99), 3),
            late_max=round(lateness.percentile(1.0), 3),
            lead_min=float(min(lead, default=0)),
            underruns=self._since("underruns", sum(line.lead.underruns for line in lines)),
            overruns=self._since("overruns", sum(line.overruns for line in lines)),
            jitter_lost=sum(counters.lost for counters in jitter),
            jitter_dropped=sum(counters.dropped for counters in jitter) // FRAME_SAMPLES,
            stuck_writes=self._since("stuck", sum(port.stuck_writes for port in ports)),
        )
        lateness.clear()
        return health

    def _since(self, what: str, total: int) -> int:
        before = self._before.get(what, 0)
        self._before[what] = total
        return max(0, total - before)
