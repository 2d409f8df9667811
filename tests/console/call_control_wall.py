"""Call control's side of the wall behind a real control socket: hours, due days, links."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from appliance.api.wall import StandardsCommands, WallCommands
from appliance.console.settings import ConsoleSettings
from appliance.service.stores import Stores
from tests.console.control_socket import ServedSocket
from tests.stories.offices import EXAMPLE

ALL_DAY = [["08:00-13:00", "14:30-24:00"]] * 7


@contextlib.contextmanager
def serve_wall(
    console: ConsoleSettings, due: dict[str, str] | None = None, late: tuple[int, ...] = ()
) -> Iterator[ServedSocket]:
    """Serve the control socket of a console's settings; `due` are days of requests."""
    stores = Stores(console.records.parent, "b", lambda _: None, lambda *_: None)
    stores.start()
    links = WallCommands(stores.records, lambda: datetime.now(UTC))
    measures = StandardsCommands(
        stores.records, lambda: EXAMPLE.switchboard.schedule, lambda: datetime.now(UTC)
    )
    known = links.known | measures.known
    week = {"since": "2020-01-01", "days": ALL_DAY}
    label = {"it": "Sportello Cittadini", "en": "Citizens' counter"}
    counter = {"label": label, "weeks": [week | {"days": [["00:00-24:00"]] * 7}], "special": []}
    group = {"label": {"it": "Centralino", "en": "Switchboard"}, "weeks": [week], "special": []}

    def answer(question: dict[str, Any]) -> Any:
        if question["ask"] == "calendar":
            return {"year": 2026, "first": 2026, "last": 2028, "groups": [group, counter]}
        if question["ask"] == "requests_due":
            return {"due": due or {}, "late": list(late)}
        return known[question["ask"]](question)

    try:
        with ServedSocket(console.control_socket, answer) as served:
            yield served
    finally:
        stores.stop(lambda: None)
