"""`python -m appliance.simulator.exchange`: the exchange, as `centralino dev exchange` runs it."""

from __future__ import annotations

from appliance.simulator.exchange.service import exchange_command

if __name__ == "__main__":
    exchange_command()
