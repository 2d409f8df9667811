"""Sound while an update is written into the other slot, against the same calls without one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.policy.text import Refused
from appliance.workers import Worker
from tests.bench import wire
from tests.bench.office import BenchBox
from tests.bench.sounding import bridge, even_row, window
from tests.bench.table import Row, row
from tests.image.two_slots import TwoSlots, missing

CALLS = 4
SLOT_BYTES = 200_000_000
GENTLE = ("nice", "-n", "15", "ionice", "-c", "3")
"""As the image starts RAUC's service (image/overlay/etc/systemd/system/rauc.service.d)."""
END_LIMIT_S = 30.0


class Writing:
    """Writes one slot after the other; `took` are the seconds of each, `wrong` why one failed."""

    def __init__(self, slots: TwoSlots, bundle: Path) -> None:
        self.took: list[float] = []
        self.wrong = ""
        self._slots, self._bundle = slots, bundle
        self._worker = Worker("writing", self._turn)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Write as long as the block runs."""
        self._worker.start()
        try:
            yield
        finally:
            self._worker.stop()

    def _turn(self) -> None:
        began = time.monotonic()
        try:
            self._slots.helper.rauc.install(self._bundle, lambda _: None)
        except Refused as refused:
            self.wrong = str(refused)
            self._worker.stopping.set()
            return
        self.took.append(time.monotonic() - began)


def rows(folder: Path, seconds: float) -> list[Row]:
    """Have four calls go on, without and with RAUC writing beside them."""
    if lacking := missing():
        return [row("update: everything", (), note=f"needs {lacking}")]
    (folder / "slots").mkdir()
    slots = TwoSlots(folder / "slots", slot_bytes=2 * SLOT_BYTES, prefix=GENTLE)
    box = BenchBox(folder / "updating", lines=CALLS, silent_lines=CALLS // 2)
    with slots, box, wire.Wire(box.address) as tap:
        writing = Writing(slots, slots.bundle("9.0.0", size=SLOT_BYTES))
        calls = bridge(box, 1, CALLS)
        quiet = window(box, f"{CALLS} calls, no update", CALLS, seconds)
        with writing.going_on():
            loaded = window(box, f"{CALLS} calls, an update is written", CALLS, seconds)
        for call in calls:
            call.hang_up()
        box.wait_until(box.is_idle, END_LIMIT_S, "the lines did not become idle")
    note = writing.wrong or f"{SLOT_BYTES // 1_000_000} MB each, {len(writing.took)} times"
    return [
        even_row(tap, quiet),
        even_row(tap, loaded),
        row("update: seconds to write a slot", writing.took, "s", note=note),
    ]
