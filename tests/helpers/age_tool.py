"""The programme `age` of Debian's package, with its passphrase typed as by a person."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

needs_age = pytest.mark.skipif(shutil.which("age") is None, reason="needs the Debian package age")


def open_with_age(file: Path, to: Path, passphrase: str) -> int:
    """Decrypt a file; returns age's exit code."""
    # age asks for a passphrase at its controlling terminal and nowhere else.
    master, terminal = os.openpty()
    words = ("setsid", "--ctty", "--wait", "age", "--decrypt", "--output", str(to), str(file))
    with subprocess.Popen(words, stdin=terminal, stdout=terminal, stderr=terminal) as age:
        os.close(terminal)
        shown = b""
        while b"assphrase:" not in shown:
            shown += os.read(master, 1000)
        os.write(master, passphrase.encode() + b"\n")
        code = age.wait(60)
    os.close(master)
    return code
