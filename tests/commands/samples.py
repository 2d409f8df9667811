"""The smallest configuration of a box on which commands are tried, and call control behind it."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.api.control_socket import ControlSocket
from appliance.api.users import UserCommands
from appliance.api.wall import WallCommands
from appliance.config import read
from appliance.policy.clock import Now
from appliance.service.live_policy import PolicyCommands
from appliance.service.stores import Stores

CONFIG = """\
[site]
name = "Test"
patron = "10-04"
languages = ["it"]
[hours]
[sip]
address = "127.0.15.7"
[folders]
state = "{folder}/state"
run = "{folder}/run"
"""
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@contextmanager
def call_control(file: Path) -> Iterator[Stores]:
    """Records and control socket without lines: users, directory and sheets can be changed."""
    settings = read.load(file)
    stores = Stores(Path(settings.folders.state), "b", lambda _: None, lambda *_: None)
    stores.start()
    users = UserCommands(settings, stores, lambda: Now(0.0, AT))
    users.start()
    stores.records.ask(lambda _: None)
    known: dict[str, Callable[[dict[str, Any]], Any]] = {
        **users.known,
        **PolicyCommands(stores.records, stores.directory).known,
        **WallCommands(stores.records, lambda: AT).known,
        "register_changed": lambda _: {},
        "spoken": lambda _: {},
    }
    selector, stopping = selectors.DefaultSelector(), threading.Event()
    served = ControlSocket(
        Path(settings.folders.run) / "desk.sock", selector, lambda asked: known[asked["ask"]](asked)
    )

    def serve() -> None:
        while not stopping.is_set():
            for key, _ in selector.select(0.05):
                key.data()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield stores
    finally:
        stopping.set()
        thread.join()
        served.close()
        stores.stop(lambda: None)
