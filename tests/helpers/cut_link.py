"""A link between addresses of this machine that is cut: nothing is refused, all is lost."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from tests.faults.needs import require

RULES = """\
table inet {name} {{
  chain lost {{
    type filter hook input priority 0
    ip saddr {one} ip daddr {others} drop
    ip daddr {one} ip saddr {others} drop
  }}
}}
"""


@contextlib.contextmanager
def cut(one: str, *others: str) -> Iterator[None]:
    """Lose every packet between one address and the others until the block ends; needs root."""
    require("nft", root=True)
    name = f"cut{os.getpid()}"
    rules = RULES.format(name=name, one=one, others="{ " + ", ".join(others) + " }")
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", name], check=True)
