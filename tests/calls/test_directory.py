"""What the switchboard knows of the directory of offices (P4, E12)."""

from __future__ import annotations

from appliance.calls import events
from appliance.policy.directory import Directory, Unit
from tests.calls.examples import TEN, tell, up


def test_the_register_told_last_holds() -> None:
    """Nobody can be transferred to before a directory was told; an entry holds at once (E12)."""
    switchboard = up()
    assert switchboard._board.directory == Directory()
    directory = Directory(units=(Unit("anagrafe", "Anagrafe", "anagrafe@comune.example.it"),))
    assert tell(switchboard, TEN, events.DirectoryChanged(directory)) == []
    assert switchboard._board.directory is directory
    tell(switchboard, TEN, events.DirectoryChanged("no register", "no officials"))
    assert switchboard._board.directory is directory
    assert switchboard._board.officials == ()
