"""Update of the image: states in one table, which version may follow, when a trial is over.

The appliance has two slots: it runs from one, an update is written into the other. A new version
is tried once; if it does not prove itself, the next start takes the old slot
(design/processes.md, Why it is divided so).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from appliance.policy.text import Refused, capitalized
from appliance.text import NOTHING, Words, _, by_language

# a new version must be healthy this long without a gap before it is kept
HEALTHY_S: Final = 120.0
# since the machine's start: a version that has not proved itself by then is left
TRIAL_LIMIT_S: Final = 600.0
# after this the next moment without a call is taken, whatever the hour: an appliance that is off by
# night, or whose clock cannot be trusted, must be updated as well
LONGEST_S: Final = 36 * 3600.0
# the night's deletion and copies have begun by then, and nobody works yet
QUIET: Final = (time(3, 30), time(6, 0))
_VERSION: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6}){1,3})(?:~([a-z]{1,8})(\d{1,6})?)?")


class UpdateInstall(enum.StrEnum):
    """Who takes what the update server offers."""

    ASK = "ask"  # a person, after its notes
    NIGHT = "night"  # the appliance, in the quiet hour


class UpdateState(enum.StrEnum):
    """State of the last update."""

    NONE = "none"
    FETCHED = "fetched"  # a file is on the appliance, not yet looked at
    CHECKED = "checked"  # signed by ours, for this kind of box, newer
    INSTALLED = "installed"  # in the other slot, which the next start takes
    TRIAL = "trial"  # started from it, not yet proved
    GOOD = "good"
    BACK = "back"  # the appliance has gone back to the previous slot


class UpdateStep(enum.StrEnum):
    """Step of an update."""

    FETCHED = "fetched"
    CHECKED = "checked"
    REFUSED = "refused"  # forged, older, for another box, or not written whole
    INSTALLED = "installed"
    STARTED_NEW = "started_new"  # the machine has started from the slot of the update
    STARTED_OLD = "started_old"  # the machine has started from the previous slot
    PROVED = "proved"
    GIVEN_UP = "given_up"  # by a person, before its start; or, once back, taken note of


_S: Final = UpdateState
_RESTS: Final = (_S.NONE, _S.GOOD, _S.BACK)
# State after a state and a step; a missing pair changes nothing.
UPDATE_STATE_AFTER: Final[Mapping[tuple[UpdateState, UpdateStep], UpdateState]] = MappingProxyType({
    **{(state, UpdateStep.FETCHED): _S.FETCHED for state in (*_RESTS, _S.FETCHED, _S.CHECKED)},
    **{(state, UpdateStep.REFUSED): _S.NONE for state in (_S.FETCHED, _S.CHECKED)},
    (_S.FETCHED, UpdateStep.CHECKED): _S.CHECKED,
    (_S.CHECKED, UpdateStep.INSTALLED): _S.INSTALLED,
    # going back to the other slot's version is an update like any other: nothing is fetched
    **{(state, UpdateStep.INSTALLED): _S.INSTALLED for state in _RESTS},
    **{(state, UpdateStep.GIVEN_UP): _S.NONE for state in (_S.INSTALLED, _S.BACK)},
    (_S.INSTALLED, UpdateStep.STARTED_NEW): _S.TRIAL,
    # the start from the new slot was ordered and did not happen: it does not even boot
    (_S.INSTALLED, UpdateStep.STARTED_OLD): _S.BACK,
    (_S.TRIAL, UpdateStep.STARTED_NEW): _S.TRIAL,
    (_S.TRIAL, UpdateStep.STARTED_OLD): _S.BACK,
    (_S.TRIAL, UpdateStep.PROVED): _S.GOOD,
    # a slot that was good for months may stop booting
    (_S.GOOD, UpdateStep.STARTED_OLD): _S.BACK,
    # a power cut while a file lay there, or was being written into the other slot: begin anew
    **{(state, step): _S.NONE
       for state in (_S.FETCHED, _S.CHECKED)
       for step in (UpdateStep.STARTED_NEW, UpdateStep.STARTED_OLD)},
})  # fmt: skip


class UpdateLight(enum.StrEnum):
    """What the panel shows of an update: a stick is read or it is installed, or a trial."""

    NONE = "none"
    UPDATING = "updating"
    ON_TRIAL = "on_trial"


def update_state_after(state: UpdateState, step: UpdateStep) -> UpdateState:
    """Return the state after a step; one that cannot happen there changes nothing."""
    return UPDATE_STATE_AFTER.get((state, step), state)


def may_take(state: UpdateState) -> bool:
    """Tell whether another update may be written into the other slot."""
    # a trial needs that slot as its only way back; an installed update is started or given up first
    return state not in {UpdateState.INSTALLED, UpdateState.TRIAL}


def version_order(version: str) -> tuple[tuple[int, ...], int, str, int]:
    """Return the sort key of a version ("1.4.0~rc2" before "1.4.0"); raises Refused."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Refused(
            _("{version!r} is no version; one is like 1.4.0", version=version[:40]),
        )
    numbers = [int(part) for part in found[1].split(".")]
    # 1.4 and 1.4.0 are one version
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    # a pre-release (~rc2) sorts before its release, as in Debian's versions
    return tuple(numbers), 0 if found[2] else 1, found[2] or "", int(found[3] or 0)


def check_version(new: str, running: str, *, even_older: bool) -> None:
    """Check that a version is newer than the running one; raises Refused, also for no version."""
    if version_order(new) > version_order(running) or even_older:
        return
    raise Refused(
        _(
            "version {new} is not newer than the one in use ({running}): nothing was changed",
            new=new,
            running=running,
        ),
    )


def check_server(address: str) -> None:
    """Check the https address of a server or a file; raises Refused."""
    try:
        split = urlsplit(address)
        is_one = split.scheme == "https" and bool(split.hostname)
    # urlsplit raises for a malformed IPv6 address
    except ValueError:
        is_one = False
    if not is_one:
        raise Refused(
            _(
                "{address!r} is no https address; one is like https://updates.example/centralino/",
                address=address,
            ),
        )


@dataclass(frozen=True, slots=True)
class TrialHealth:
    """Health of an appliance on trial: `ready_s` is for how long call control has been ready.

    `working` and `out` are its lines; `restarts` of parts of the service since it was started.
    """

    ready_s: float
    carrier: bool
    working: frozenset[str]
    out: frozenset[str]
    restarts: int = 0


class TrialVerdict(enum.StrEnum):
    """Decision about a version on trial."""

    WAIT = "wait"
    GOOD = "good"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial so far: which lines worked before it, and since when (s of the machine) all is well.

    `restarts` is None before call control was seen.
    """

    worked: frozenset[str]
    well_since: float | None = None
    restarts: int | None = None
    missing: Words = NOTHING

    def seen(self, health: TrialHealth | None, up_s: float) -> Trial:
        """Return the trial after one more look, `up_s` after the machine's start."""
        missing = what_is_missing(health, self.worked)
        # without an answer the last count stays, so that a restart meanwhile shows
        restarts = self.restarts if health is None else health.restarts
        # a restart of a part is a gap, even if all is well again by this look
        is_new_gap = missing != NOTHING or (self.restarts or 0) < (restarts or 0)
        since = None if is_new_gap else self.well_since
        if since is None and missing == NOTHING:
            since = up_s
        return Trial(self.worked, since, restarts, missing)

    def verdict(self, up_s: float) -> TrialVerdict:
        """Return the decision at `up_s`, in s since the machine's start."""
        if self.well_since is not None and up_s - self.well_since >= HEALTHY_S:
            return TrialVerdict.GOOD
        # a version that never becomes healthy is left by itself, the old slot taken again
        return TrialVerdict.BACK if up_s >= TRIAL_LIMIT_S else TrialVerdict.WAIT


def what_is_missing(health: TrialHealth | None, worked: frozenset[str]) -> Words:
    """Return what an appliance on trial lacks to be healthy; NOTHING if it is."""
    if health is None:
        return _("the switchboard does not answer")
    if health.ready_s <= 0:
        return _("the switchboard is not ready")
    if not health.carrier:
        return _("the lines' process is missing")
    # a line that was out before the update proves nothing about the new version
    gone = ", ".join(sorted(worked & health.out))
    if gone:
        return _("worked before and does not now: {gone}", gone=gone)
    return NOTHING


@dataclass(frozen=True, slots=True)
class StartMoment:
    """Conditions for the start from the new slot, `since_s` after its installation."""

    local: time
    trusted: bool
    since_s: float
    idle: bool
    at_once: bool = False


def may_start(moment: StartMoment) -> bool:
    """Tell whether the appliance may reboot into the new slot now."""
    # a clock that cannot be trusted tells no quiet hour: then LONGEST_S decides
    is_time = moment.trusted and is_quiet(moment.local)
    # nobody is ever cut off, even if a person asks for the start at once
    return moment.idle and (moment.at_once or is_time or moment.since_s >= LONGEST_S)


def is_quiet(local: time) -> bool:
    """Tell whether a local time is in the quiet hours."""
    return QUIET[0] <= local < QUIET[1]


UPDATE_STATE_WORDS: Final = {
    UpdateState.NONE: _("no update under way"),
    UpdateState.FETCHED: _("file received, to be checked"),
    UpdateState.CHECKED: _(
        "version {version} is signed and fits: it is written as soon as nobody is on the phone"
    ),
    UpdateState.INSTALLED: _(
        "version {version} is ready: the box starts anew in the quiet hour with nobody on "
        "the phone, or at once where that is asked for"
    ),
    UpdateState.TRIAL: _(
        "version {version} is on trial: if all is well for two minutes it stays, else the "
        "one before comes back"
    ),
    UpdateState.GOOD: _("version {version} is in use"),
    UpdateState.BACK: _(
        "version {version} did not stand its trial: the one before is in use again; data "
        "and messages are all there"
    ),
}
FETCHED: Final = _("Version {version} is fetched: it is installed when nobody is on the phone.")
NOTHING_OFFERED: Final = _("The server offers nothing newer than the version in use ({version}).")
BY_APT: Final = _(
    "this box was not made from the image: updates come by apt (sudo apt "
    "update, then sudo apt install centralino)"
)
RUNNING: Final = _("In use: version {version}.")
EXPERIMENTAL: Final = _(
    "Experimental image ({variant}): it is not for an office's only switchboard."
)
TEST_IMAGE: Final = _(
    "TEST IMAGE: its keys were made by the build and are kept by nobody. "
    "Do not use it in an office."
)
WRITTEN: Final = _(
    "Version {version} is in the other slot. The box starts from there in the quiet "
    "hour (3:30-6:00) with nobody on the phone; at once by: centralino box update "
    "start."
)
STARTING: Final = _(
    "The box starts anew now: in some minutes it is known whether version {version} stays."
)
GIVEN_UP: Final = _("The version in use stays.")
PROVED: Final = _("Version {version} stood its trial.")
SLOT_GOOD: Final = _("The slot in use is good.")
WENT_BACK: Final = _("version {version} has not started, or has not stayed up")
NOT_LONG: Final = _("it was not well for two minutes on end")
NO_DATA: Final = _("the partition of the messages cannot be opened")
NO_KEY: Final = _("The data are encrypted and the stick is missing: this version cannot be tried.")
LEFT_AGAIN: Final = _("Version {version} is not well ({why}): the one before comes back.")
NEVER_IDLE: Final = _("somebody was on the phone for ten minutes: nothing was changed, try again")
WAITS: Final = _(
    "an update is ready already, or on trial: start it (centralino box update "
    "start) or give it up (centralino box update give-up), or wait for the end of "
    "the trial"
)
NOT_READY: Final = _("no update is ready: install one first")
NO_OTHER: Final = _(
    "the other slot holds no version that has worked: there is nothing to go back to"
)
NO_FILE: Final = _("the file is gone: upload it again")
NO_ROOM: Final = _("there is not enough free space on the disk: messages come first")
OTHER_BOX: Final = _("the update is for another kind of box ({kind}): nothing was changed")
OTHER_FORMAT: Final = _(
    "the update is signed, but for another kind of box (format {format}): take the "
    "one made for this one; nothing was changed"
)
FAILED_BEFORE: Final = _(
    "version {version} has been tried here and did not stand: it is not tried again "
    "by itself, only by the console or the command"
)


def refused(words: Words, **values: str) -> Refused:
    """Return a refusal in these words."""
    return Refused(words.filled(**values))


def update_words(state: UpdateState, version: str) -> Words:
    """Return the state of an update as a sentence."""
    found = capitalized(UPDATE_STATE_WORDS[state].filled(version=version))
    return by_language(lambda language: f"{found.text(language)}.")
