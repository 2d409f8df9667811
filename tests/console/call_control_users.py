"""Call control's side of users behind a real control socket: what the console asks is done, and
kept.
"""

from __future__ import annotations

import contextlib
import selectors
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from appliance.api.control_socket import AccessCheck, ControlSocket
from appliance.api.users import UserCommands
from appliance.console.settings import ConsoleSettings
from appliance.policy.clock import Now
from appliance.service.stores import Stores


@contextlib.contextmanager
def serve_users(console: ConsoleSettings) -> Iterator[Path]:
    """Serve the control socket of a console's settings from a thread; yields call control's state
    folder.
    """
    state = console.records.parent
    stores = Stores(state, "b", lambda _: None, lambda *_: None)
    stores.start()
    phones = (SimpleNamespace(name="op1"), SimpleNamespace(name="sportello1"))
    settings: Any = SimpleNamespace(folders=SimpleNamespace(state=str(state)), phones=phones)
    questions = UserCommands(settings, stores, lambda: Now(0.0, datetime.now(UTC)))
    questions.start()
    stores.records.ask(lambda _: None)

    with serving(console.control_socket, questions.known):
        yield state
    stores.stop(lambda: None)


@contextlib.contextmanager
def serving(path: Path, known: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Serve a control socket at which this may be asked, from a thread."""

    with serving_socket(path, lambda question: known[question["ask"]](question)):
        yield


@contextlib.contextmanager
def serving_socket(
    path: Path,
    answer: Callable[[dict[str, Any]], Any],
    gate: AccessCheck | None = None,
) -> Iterator[None]:
    """Serve a control socket that answers so, with permissions or none, from a thread."""
    selector, stopping = selectors.DefaultSelector(), threading.Event()
    served = ControlSocket(path, selector, answer, None, gate)

    def serve() -> None:
        while not stopping.is_set():
            for key, _ in selector.select(0.02):
                key.data()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        served.close()
        selector.close()
