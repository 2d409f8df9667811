"""A modem's profile, as `centralino field-test --profile` writes it, laid under its line's table.

What a line's own table says wins over its profile; what neither says is as delivered.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.daemon.values import OnOff, Pause, Proven, SaidValueError, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Device:
    """Of which modem it is, in the modem's own words."""

    maker: str = ""
    identity: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """When, where and by whom it was measured."""

    at: str
    site: str = ""
    tester: str = ""
    set_up: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """What a line is driven by: keys of [[lines]], all of which may be left out."""

    dialect: str = ""
    caller_id: str = ""
    identity_limit: Seconds = Seconds(0.0)
    receive_gain: int = 0
    transmit_gain: int = 0
    echo: OnOff = OnOff(False)
    duplex: Proven = Proven("auto")
    voltage: Proven = Proven("auto")
    flash: Seconds = Seconds(0.0)
    pbx_pause: Pause = Pause(0.0)
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile's file; `answers` and `open` are for people, nothing reads them."""

    device: Device
    measured: Measured
    use: Use
    answers: dict[str, str]
    open: tuple[str, ...] = ()


def kept_name(profile: str) -> str:
    """Name a profile's copy among those of the last good configuration."""
    return hashlib.sha256(profile.encode("utf-8", "surrogateescape")).hexdigest()[:16] + ".toml"


def named(data: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the tables of lines that name a profile; raises ValueError for one by half a path."""
    lines = data.get("lines")
    for line in lines if isinstance(lines, list) else ():
        profile = line.get("profile") if isinstance(line, dict) else None
        if not isinstance(profile, str) or not profile:
            continue  # a value of another kind is refused with all others
        if not Path(profile).is_absolute():
            raise SaidValueError(
                f"{profile!r}: il profilo si scrive con tutto il percorso, da /",
                f"{profile!r}: a profile is written with its whole path, from /",
            )
        yield line, profile


def laid_under(data: dict[str, Any], use_of: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    """Return a configuration's tables with each line's profile under it; `use_of` reads one."""
    for line, profile in named(data):
        line |= {**use_of(profile), **line}
    return data
