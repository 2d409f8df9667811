"""The values that knobs take; each raises ConfigurationError in words for what is none."""

from __future__ import annotations

from appliance.errors import ConfigurationError


def flag(name: str, value: object) -> bool:
    """Give a yes or no."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} is {value!r}: say true or false")
    return value


def number(name: str, value: object, low: float, high: float) -> float:
    """Give a number between bounds; what lies beyond them is no line that there could be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{name} is {value!r}: give a number")
    if not low <= value <= high:  # NaN is neither
        raise ConfigurationError(f"{name} is {value!r}: give {low:g} to {high:g}")
    return float(value)
