"""F23: what each of call control's threads does hangs; calls go on, and call control leaves once
idle.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.policy.supervision import RESTART_RULES, Component
from tests.helpers.box import Box
from tests.helpers.figures import Figures
from tests.helpers.ports import own_address
from tests.system.calls import in_call, record_of
from tests.system.notices import Notices

pytestmark = pytest.mark.system
THREADS = {
    Component.RECORDS: "records",
    Component.VOICEMAIL: "voicemail",
    Component.MAIL: "mail",
    Component.PANEL: "panel",
    Component.METRICS: "metrics",
    Component.MQTT: "fleet",
}
"""All but SIP's, without which there are no calls (test_hangs.py)."""
SILENT_S = 10.0
"""In place of a minute to a quarter of an hour; a busy machine alone silences for 3 s."""
HANGING = """
import dataclasses, os, sys, threading, time
if "run" in sys.orig_argv:
    from appliance import workers
    workers.BEAT_S = 0.5
    from appliance.fleet import prometheus
    from appliance import mail
    from appliance.policy.supervision import RESTART_RULES
    prometheus.TURN_S = mail.LOOK_S = 0.5
    RESTART_RULES.update({{
        p: dataclasses.replace(RESTART_RULES[p], silent_s={silent_s}) for p in {parts!r}
    }})
    real = workers.Worker.beat
    def beat(self):
        thread = threading.current_thread()
        while thread is self._thread and os.path.exists(os.path.join({folder!r}, thread.name)):
            time.sleep(0.05)
        real(self)
    workers.Worker.beat = beat
"""
"""A sitecustomize: a thread hangs where it would say that it turns, while a file has its name."""
FLEET = """
[mqtt]
server = "127.53.23.1"
port = 1
security = "none"
prefix = "town/hall"
[metrics]
listen = "{metrics}"
"""
"""Nobody is there to be told, and nobody asks: both threads turn all the same."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box that believes itself under a service manager, whose threads hang on demand."""
    site, hang = tmp_path / "site", tmp_path / "hang"
    for folder in (site, hang):
        folder.mkdir()
    parts = [part.value for part in THREADS]
    text = HANGING.format(silent_s=SILENT_S, parts=parts, folder=str(hang))
    (site / "sitecustomize.py").write_text(text)
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    with Notices(60.0) as notices:
        environment = {**notices.environment, "PYTHONPATH": path}
        fleet = FLEET.format(metrics=own_address())
        with Box(
            tmp_path, lines=2, extra=fleet, environment=environment, faults_planted=True
        ) as made:
            yield made


@contextlib.contextmanager
def hung(box: Box, parts: Iterable[Component]) -> Iterator[None]:
    """Have threads hang from now on; they turn again afterwards."""
    files = [box.folder / "hang" / THREADS[part] for part in parts]
    for file in files:
        file.touch()
    try:
        yield
    finally:
        for file in files:
            file.unlink()


def are_missed(box: Box, parts: Iterable[Component]) -> bool:
    """Tell whether the status says of each part that it gives no sign of life."""
    told = " ".join(box.troubles())
    return "no sign of life" in told and all(
        RESTART_RULES[part].what.text("en") in told for part in parts
    )


def states(box: Box) -> list[str]:
    """Return the states of all calls."""
    return [call["state"] for call in box.status()["calls"]]


def leaves_once_idle(box: Box, parts: tuple[Component, ...]) -> None:
    """Two people talk, threads hang, two others come to talk; nobody is cut off, then it leaves,
    and the next run serves.
    """
    op1, desk1 = box.phone("op1"), box.phone("desk1")
    first, name = in_call(box, 1, op1)
    with hung(box, parts):
        box.wait_until(lambda: are_missed(box, parts), 60.0, f"nobody missed {parts}")
        desk1.answer_mode("auto", 100)
        second = box.place(2, caller="0517654321")
        second.wait_for("answered", 20.0)
        box.wait_until(lambda: states(box) == ["talking", "talking"], 10.0, "not both talked")
        for call in (first, second):
            call.hang_up()
        assert box.daemon is not None
        box.daemon.wait(60.0)
    box.start()
    assert record_of(box, name).result is not Result.OPEN
    box.wait_until(lambda: box.status()["switchboard"]["free"] == ["op1"], 90.0, "no phone")
    call, name = in_call(box, 1, op1)
    call.hang_up()
    assert record_of(box, name).result is Result.ANSWERED
    assert not box.troubles()


def test_all_threads_but_the_phones_hang_at_once(box: Box, figures: Figures) -> None:
    """Whoever talks goes on, the next caller is answered; then call control ends to be started."""
    leaves_once_idle(box, tuple(THREADS))
    figures.say("F23 all threads but SIP's hung: two talked on, left when idle, next answered")


@pytest.mark.long
@pytest.mark.parametrize("part", THREADS)
def test_one_thread_hangs(box: Box, figures: Figures, part: Component) -> None:
    """Likewise for each alone."""
    leaves_once_idle(box, (part,))
    figures.say(f"F23 thread {THREADS[part]} hung: two talked on, left when idle, next answered")
