"""What may be asked at the door of the register: to read it again."""

from __future__ import annotations

from appliance.daemon.door import Later, Tell
from appliance.daemon.stores import Stores
from appliance.errors import CentralinoError
from appliance.policy.register.register import Register


def register_changed(stores: Stores) -> Later:
    """Read the register again: a command has changed it (E12: in force within 1 s)."""

    def later(tell: Tell) -> None:
        def told(found: Register | CentralinoError) -> None:
            tell(found if isinstance(found, CentralinoError) else {"units": len(found.units)})

        stores.register.load(told)

    return later
