"""The child that writes one PDF: what starts it, and what is said where it fails."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from appliance.errors import TechnicianError
from appliance.paper.document import Document, to_json
from appliance.policy.text import Words, error_text_words

COMMAND: Final = (sys.executable, "-m", "appliance.paper")
LIMIT_S: Final = 120.0
"""A paper of a hundred pages on the smallest board."""
FAILED: Final = Words(
    "Il PDF non si è potuto scrivere: {}. Riprovare; se succede ancora, avvisare il tecnico.",
    "The PDF could not be written: {}. Try again; if it happens again, tell the technician.",
)


class NoPaper(TechnicianError):  # noqa: N818 - reads as what it is
    """Raised when a PDF cannot be had; `words` say why."""

    def __init__(self, why: str) -> None:
        told = error_text_words(why)
        self.words = Words(FAILED.it.format(told.it), FAILED.en.format(told.en))
        super().__init__(self.words.en)


def made(document: Document) -> bytes:
    """Return a document as a PDF; raises NoPaper."""
    try:
        done = subprocess.run(
            COMMAND, input=to_json(document), capture_output=True, timeout=LIMIT_S, check=True
        )
    except subprocess.CalledProcessError as error:
        raise NoPaper(reason(error.stderr)) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPaper(str(error)) from error
    return done.stdout


def reason(stderr: bytes) -> str:
    """Return what a child said last before it failed."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "it was ended"
