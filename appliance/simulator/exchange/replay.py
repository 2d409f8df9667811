"""A modem that answers as a bundle says: one file is one make (docs/hardware.en.md).

Commands that the file answers are answered so; what it leaves unknown is the behaviour of the make
that comes nearest. Its own reading of the file: nothing of the driver is used.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance.errors import ConfigurationError
from appliance.simulator.exchange.modem_protocol import (
    CONEXANT,
    USR5637,
    Answer,
    Format,
    Personality,
    personality_named,
)
from appliance.text import _

NEAREST = replace(
    CONEXANT,
    name="v253",
    texts={},
    maker="",
    model="",
    revision="",
    duplex=False,
    dash_commands=False,
    reports_loop=False,
    can_reprint_id=False,
)
"""Of a make that is not known: the standard's commands, one way at a time."""
_LISTING = re.compile(r'^(?:\+VSM:)?\s*(\d+)\s*,\s*"([^"]*)"(.*)$')
_EVENTS = re.compile(r"<([\d ]*)>")
_LAWS = (
    (r"(?:MU|U)-?LAW", "ulaw"),
    (r"A-?LAW", "alaw"),
    (r"UNSIGNED|8-?BIT LINEAR", "unsigned8"),
    (r"14 BIT", "linear14"),
    (r"16-?BIT LINEAR|SIGNED PCM.*16|^LINEAR", "linear16"),
    (r"SIGNED PCM", "signed8"),
)
_VTR = {"DLE ^": "duplex", "DLE ETX": "etx"}


def personality(name: str) -> Personality:
    """Return a make by its name, or by the path of a bundle; raises ConfigurationError, OSError."""
    if not name.endswith((".json", ".json.gz")):
        return personality_named(name)
    return replayed(Path(name).read_bytes())


def replayed(data: bytes) -> Personality:
    """Return the make that a bundle's bytes describe; raises ConfigurationError."""
    try:
        told = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        return _made_of(told)
    except KeyError as error:
        raise ConfigurationError(
            _("this is no modem bundle: {key} is missing", key=error.args[0])
        ) from error
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise ConfigurationError(_("this is no modem bundle: {why}", why=error)) from error


def _made_of(told: dict[str, Any]) -> Personality:
    answers = {}
    for each in told["exchanges"]:
        body = each["sent"].upper().removeprefix("AT")
        answer = Answer(tuple(map(_with_masks, each["lines"])), each["result"], each["ms"] or 0)
        answers[body, each["voice"]] = answer
    base = _nearest(told["modem"])
    runs = {run["action"]: run for run in told["streams"]}
    listed = next((a.lines for (body, _), a in answers.items() if body == "+VSM=?"), ())
    formats = _formats(listed) if listed else base.formats
    first = next((number for number, each in formats.items() if each.law), 1)
    return replace(
        base,
        name=told["name"],
        formats=formats,
        default_vsm=f"{first},8000,0,0",
        answers=answers,
        vtr=_vtr(runs.get("+VTR")),
        receive_end=b"\x1b" if _ended(runs, "+VRX") == "DLE ESC" else b"!",
        doubles_dle=any(run["ended_by"].startswith("DLE DLE") for run in runs.values()),
    )


def _nearest(modem: str) -> Personality:
    if re.search(r"CONEXANT|CX930", modem.upper()):
        return CONEXANT
    return USR5637 if re.search(r"ROBOTICS|5637", modem.upper()) else NEAREST


def _ended(runs: dict[str, Any], action: str) -> str:
    run = runs.get(action)
    return str(run["ended_by"]) if run else ""


def _vtr(run: dict[str, Any] | None) -> str:
    """Return the knob of duplex (`outlet.KNOBS`), "" where the make decides."""
    if run is None:
        return ""
    if run["begun"] != "CONNECT":
        return "error"
    if run["heard_rate"] == 0:
        return "mute"
    if run["tried"] and not run["ended_by"]:
        return "stuck"
    return _VTR.get(run["ended_by"], "duplex")


def _formats(lines: tuple[str, ...]) -> dict[int, Format]:
    found = {}
    for line in lines:
        if match := _LISTING.match(line):
            text = (match[2] + match[3]).upper()
            law = next((law for pattern, law in _LAWS if re.search(pattern, text)), "")
            found[int(match[1])] = Format(line, "" if "ADPCM" in text else law)
    return found


def _with_masks(line: str) -> str:
    """Write a list of events as the mask that it stands for: event 0 is the first bit."""

    def mask(match: re.Match[str]) -> str:
        bits = sum(1 << (39 - int(each)) for each in match[1].split())
        return f"{bits:010X}"

    return _EVENTS.sub(mask, line)
