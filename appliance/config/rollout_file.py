"""Rollout of an update from the head office's TOML file, and as such a file.

[rollout]
version = "1.4.0"
stage = "first"
first = "borgo"
since = 2026-12-01T08:00:00+01:00
percent = 10
hours = 24
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from appliance.config import state_folder
from appliance.config.schema import Settings
from appliance.config.values import BadConfiguration, Instant, Mistake
from appliance.policy.rollout import Rollout, Stage, check_rollout
from appliance.policy.text import Refused
from appliance.text import _


@dataclass(frozen=True, slots=True)
class RolloutTable:
    """The table [rollout]."""

    version: str
    first: str
    since: Instant
    stage: str = Stage.FIRST.value
    percent: int = 10
    hours: int = 24


@dataclass(frozen=True, slots=True)
class RolloutFile:
    """The whole file."""

    rollout: RolloutTable


def parse_rollout(text: str, name: str) -> Rollout:
    """Read a rollout's file; raises BadConfiguration."""
    # Imported here: call control of a box without a rollout does without the readers of TOML.
    from appliance.config.read import structure

    given = structure(text, name, RolloutFile).rollout
    stages = ", ".join(stage.value for stage in Stage)
    if given.stage not in set(Stage):
        wrong = _("is none of {stages}", stages=stages)
        raise BadConfiguration(name, (Mistake("rollout.stage", wrong),))
    found = Rollout(
        given.version, Stage(given.stage), given.first, given.since, given.percent, given.hours
    )
    try:
        check_rollout(found)
    except Refused as refused:
        raise BadConfiguration(name, (Mistake("rollout", refused.words),)) from refused
    return found


def rollout_text(rollout: Rollout) -> str:
    """Return a rollout as the file's text."""
    since = rollout.since.astimezone(UTC).isoformat(timespec="seconds")
    return (
        "[rollout]\n"
        # JSON's strings are TOML's.
        f"version = {json.dumps(rollout.version)}\n"
        f"stage = {json.dumps(rollout.stage.value)}\n"
        f"first = {json.dumps(rollout.first)}\n"
        f"since = {since}\n"
        f"percent = {rollout.percent}\n"
        f"hours = {rollout.hours}\n"
    )


def rollout_in_force(settings: Settings) -> Rollout | None:
    """Return the head office's rollout in force, None for none.

    Raises BadConfiguration for a damaged file, OSError for one that cannot be read.
    """
    if not settings.central.certificate:
        return None
    text = state_folder.updates_in_force(Path(settings.folders.state))
    return parse_rollout(text, state_folder.UPDATES) if text else None
