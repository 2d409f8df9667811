"""Staged rollout of an update: which box may take it now, and when the next stage begins.

The head office gives a version to one box, then to a share of the boxes, then to all. A box that
goes back to its former version stops the rollout for the others (docs/fleet/settings.en.md).
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from appliance.policy.text import Refused
from appliance.policy.updates import UpdateState, version_order
from appliance.text import NOTHING, Words, _, joined

HIGHEST_PERCENT: Final = 100
LONGEST_HOURS: Final = 30 * 24


class Stage(enum.StrEnum):
    """Stage of a rollout."""

    FIRST = "first"  # one box, by name
    SHARE = "share"  # a percentage of the boxes, and the first
    ALL = "all"
    STOPPED = "stopped"  # no box takes the version any more


@dataclass(frozen=True, slots=True)
class Rollout:
    """Rollout of one version: its stage, since when, the first box's branch, the share's size.

    A stage lasts at least `hours` before the next one begins.
    """

    version: str
    stage: Stage
    first: str
    since: datetime
    percent: int = 10
    hours: int = 24


def check_rollout(rollout: Rollout) -> None:
    """Raise Refused for figures that are out of range, or what is no version."""
    version_order(rollout.version)
    if not 1 <= rollout.percent <= HIGHEST_PERCENT:
        raise Refused(_("percent is 1 to 100: {percent}", percent=rollout.percent))
    if not 0 <= rollout.hours <= LONGEST_HOURS:
        raise Refused(_("hours is 0 to 720: {hours}", hours=rollout.hours))


def place_of(branch: str) -> float:
    """Return a branch's place among all, 0 up to 100, from a hash of its name."""
    # Python's own hash differs from start to start; SHA-256 of the name is the same on every box
    # and at the head office.
    digest = hashlib.sha256(branch.encode()).digest()
    return int.from_bytes(digest[:4]) * HIGHEST_PERCENT / 2**32


def is_in_stage(rollout: Rollout, branch: str) -> bool:
    """Tell whether a branch's box belongs to the present stage; "" is a box without a name."""
    match rollout.stage:
        case Stage.FIRST:
            return branch == rollout.first
        case Stage.SHARE:
            is_of_share = bool(branch) and place_of(branch) < rollout.percent
            return branch == rollout.first or is_of_share
        case Stage.ALL:
            return True
        case _:
            return False


def hindrance(rollout: Rollout | None, branch: str, version: str) -> Words:
    """Return why a box may not take a version by itself now; NOTHING if it may."""
    if rollout is None:
        return NOTHING
    if version_order(version) != version_order(rollout.version):
        return OTHER_VERSION.filled(version=version, given=rollout.version)
    return NOTHING if is_in_stage(rollout, branch) else stage_words(rollout)


def stage_words(rollout: Rollout) -> Words:
    """Return the sentence about the present stage."""
    return _STAGE_WORDS[rollout.stage].filled(
        version=rollout.version, first=rollout.first, percent=rollout.percent
    )


_STAGE_WORDS: Final = {
    Stage.FIRST: _("Rollout of version {version}: only the box of {first} takes it for now."),
    Stage.SHARE: _(
        "Rollout of version {version}: {percent} percent of the boxes and the box of {first} take "
        "it for now."
    ),
    Stage.ALL: _("Rollout of version {version}: all boxes take it."),
    Stage.STOPPED: _(
        "Rollout of version {version}: stopped by the head office; no box takes it any more."
    ),
}
OTHER_VERSION: Final = _(
    "The server offers version {version}, the head office rolls out {given}: nothing is fetched."
)


# ---- at the head office --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BoxReport:
    """Figures of a box: the version in use, and the state and version of its last update."""

    running: str
    state: UpdateState = UpdateState.NONE
    version: str = ""


class Outcome(enum.StrEnum):
    """Result of a rollout on one box."""

    GOOD = "good"  # the version is in use and has stood its trial
    BACK = "back"  # the box has gone back to its former version
    WAITING = "waiting"  # it has not taken the version yet, or is trying it
    SILENT = "silent"  # its figures cannot be read


def outcome(rollout: Rollout, report: BoxReport | None) -> Outcome:
    """Return what has become of the version on a box; no report means that it is silent."""
    if report is None:
        return Outcome.SILENT
    wanted = version_order(rollout.version)
    is_of_it = bool(report.version) and version_order(report.version) == wanted
    if is_of_it and report.state is UpdateState.BACK:
        return Outcome.BACK
    if is_of_it and report.state is UpdateState.TRIAL:
        return Outcome.WAITING
    # a card written anew with that version, or a later one, has nothing left to try
    return Outcome.GOOD if version_order(report.running) >= wanted else Outcome.WAITING


def advanced(rollout: Rollout, reports: Mapping[str, BoxReport | None], now: datetime) -> Rollout:
    """Return the rollout after a look at all boxes, by branch; raises Refused for no first box."""
    if rollout.first not in reports:
        raise Refused(
            _(
                "{first} is to be the first and is none of the boxes: correct it",
                first=rollout.first,
            )
        )
    outcomes = {branch: outcome(rollout, report) for branch, report in reports.items()}
    # also a box outside the stage: whoever brought it the version, it did not stand its trial
    if Outcome.BACK in outcomes.values():
        return rollout if rollout.stage is Stage.STOPPED else _at(rollout, Stage.STOPPED, now)
    if rollout.stage not in _NEXT or now - rollout.since < timedelta(hours=rollout.hours):
        return rollout
    taking = {branch for branch in reports if is_in_stage(rollout, branch)}
    if any(outcomes[branch] is not Outcome.GOOD for branch in taking):
        return rollout
    later = _at(rollout, _NEXT[rollout.stage], now)
    # of few boxes none may belong to the share: that stage would only cost its hours
    is_same = taking == {branch for branch in reports if is_in_stage(later, branch)}
    return _at(later, Stage.ALL, now) if is_same else later


_NEXT: Final = {Stage.FIRST: Stage.SHARE, Stage.SHARE: Stage.ALL}


def _at(rollout: Rollout, stage: Stage, now: datetime) -> Rollout:
    return replace(rollout, stage=stage, since=now)


def box_words(rollout: Rollout, branch: str, report: BoxReport | None) -> Words:
    """Return the line about one box."""
    running = report.running if report else ""
    said = _OUTCOME_WORDS[outcome(rollout, report)].filled(running=running)
    if report is not None and not is_in_stage(rollout, branch):
        said = joined(", ", (said, _("not its turn")))
    return joined(": ", (_("Box of {branch}", branch=branch), said))


_OUTCOME_WORDS: Final = {
    Outcome.GOOD: _("{running} is in use and good"),
    Outcome.BACK: _("went back to {running}: see why on its page Updates"),
    Outcome.WAITING: _("{running} is in use, the version is not taken yet or on trial"),
    Outcome.SILENT: _("its figures cannot be read: see whether it is on, and metrics.allowed"),
}
