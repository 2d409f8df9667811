"""What phones dial to reach each other: written extensions, and numbers from 11 on for the rest."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from appliance.daemon.settings import Phone
from appliance.policy.numbering import EMERGENCY
from appliance.policy.office import Extension

FIRST = 11


def labels(phones: Iterable[Phone]) -> dict[str, str]:
    """Return what positions are called, by their phones' names, where they have a label."""
    return {phone.name: phone.label for phone in phones if phone.label}


def extensions(phones: Iterable[Phone]) -> tuple[Extension, ...]:
    """Return the extension of every phone, in the order of the configuration.

    Raises ConfigurationError for digits that cannot be one.
    """
    phones = tuple(phones)
    taken = {phone.extension for phone in phones} | set(EMERGENCY)
    free = (str(number) for number in itertools.count(FIRST) if str(number) not in taken)
    return tuple(Extension(p.extension or next(free), p.name, p.label) for p in phones)
