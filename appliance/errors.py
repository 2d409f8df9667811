"""Error classes by who must act: the office, the technician or the programmer (rule 5).

Every message is one sentence: what is wrong, where, and what to do.
"""

from __future__ import annotations

from appliance.text import Words


class CentralinoError(Exception):
    """Base of every error that this product raises on purpose.

    Raised with Words, it has the sentence in every language as `words`; `str` is the English one.
    """

    words: Words

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        if args and isinstance(args[0], Words):
            self.words = args[0]


class OfficeError(CentralinoError):
    """Raised for a mistake that the front desk can correct: a wrong request, an unknown name."""


class TechnicianError(CentralinoError):
    """Raised when the technician must act: cabling, configuration, a port in use."""


class ConfigurationError(TechnicianError, ValueError):
    """Raised when a configuration value or file cannot be used; the message names its place."""


class PortError(TechnicianError, OSError):
    """Raised when a serial port cannot be opened, configured or kept."""


class StoreError(TechnicianError, OSError):
    """Raised when a message or record could not be stored, or its outcome is unknown."""


class PeerError(CentralinoError):
    """Raised when the other end (modem, phone, process) breaks its protocol."""


class Bug(CentralinoError, AssertionError):  # noqa: N818 - it is called what it is
    """Raised for a programming error: a state that cannot be."""
