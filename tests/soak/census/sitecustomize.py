"""Put on the PYTHONPATH of a process under test: SIGUSR2 has it count its own objects.

The product knows nothing of it. The count, a JSON object (see `tests.soak.size`), appears whole
as `<pid>.json` in the folder that CENSUS_FOLDER names.
"""

from __future__ import annotations

import collections
import gc
import json
import os
import pathlib
import signal
import sys


def count(number: int, frame: object) -> None:
    """Write how many blocks the interpreter has allocated, and how many objects of each type."""
    gc.collect()
    kinds = collections.Counter(
        f"{type(o).__module__}.{type(o).__name__}" for o in gc.get_objects()
    )
    found = {"blocks": sys.getallocatedblocks(), "kinds": kinds}
    path = pathlib.Path(os.environ["CENSUS_FOLDER"], f"{os.getpid()}.json")
    path.with_suffix(".new").write_text(json.dumps(found), encoding="utf-8")
    path.with_suffix(".new").replace(path)


if "CENSUS_FOLDER" in os.environ:
    signal.signal(signal.SIGUSR2, count)
