"""What the desk knows of the register of offices (P4, E12)."""

from __future__ import annotations

from appliance.calls import events
from appliance.policy.directory import Directory, Unit
from tests.calls.desk import TEN, tell, up


def test_the_register_told_last_holds() -> None:
    """Nobody can be transferred to before a register was told; an entry holds at once (E12)."""
    switchboard = up()
    assert switchboard._desk.register == Directory()
    register = Directory(units=(Unit("anagrafe", "Anagrafe", "anagrafe@comune.example.it"),))
    assert tell(switchboard, TEN, events.RegisterChanged(register)) == []
    assert switchboard._desk.register is register
    tell(switchboard, TEN, events.RegisterChanged("no register", "no officials"))
    assert switchboard._desk.register is register
    assert switchboard._desk.officials == ()
