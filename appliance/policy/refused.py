"""Raised for what a person wrote that cannot be: the reason and the remedy, in both languages."""

from __future__ import annotations

from appliance.errors import ConfigurationError, OfficeError, StoreError
from appliance.policy.words import Words


class Refused(OfficeError, ConfigurationError):  # noqa: N818 - reads as what it is
    """Something written that cannot be; `words` say why and what to do, `str` is the English."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(it, en)


class NotKept(StoreError):  # noqa: N818 - reads as what it is
    """Something that could not be kept, or read; `words` say why and what to do."""

    def __init__(self, it: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(it, en)
