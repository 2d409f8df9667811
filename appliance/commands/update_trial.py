"""`centralino update good`: after each start of an image, until its slot has proved itself.

A slot that runs for the first time is on trial: it is marked good after two minutes of health, or
left by a restart, upon which the boot loader takes the other one. So is one in which RAUC fails: it
could never take another update; and, at once, a new one that cannot open the data partition: what
callers leave there would be lost. A slot that was good before is marked good again as soon as the
desk answers: the boot loader counts down at each start, and a cable that is out must not cost a box
the version that it has.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from appliance.commands.update_helper import boot_id
from appliance.errors import CentralinoError
from appliance.policy import updates as policy_updates
from appliance.policy.supervision import words_of
from appliance.policy.text import NOTHING, Refused, Words
from appliance.policy.updates import (
    TRIAL_LIMIT_S,
    Health,
    State,
    Step,
    Trial,
    Verdict,
    after,
    filled,
)
from appliance.service import supervision, updates
from appliance.service.updates import Kept

if TYPE_CHECKING:
    from appliance.commands.update_helper import Helper

LOOKS_S: Final = 2.0
IN_MEMORY: Final = "data-in-memory"
"""What the image's helper of the data partition says where it could not be opened."""
NO_KEY: Final = "data-key"
"""What it says where the data partition is encrypted and its key is not there."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches one start of the machine, `boot`, from the slot `booted`; `up_s` gives seconds since
    it, `pause` waits.
    """

    helper: Helper
    up_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    boot: str = field(default_factory=boot_id)
    booted: Callable[[], str] = updates.booted
    is_last_try: Callable[[], bool] = updates.is_last_try

    def turn(self) -> Words:
        """See which slot has come up, try it, say what came of it. Raises Refused, OSError."""
        try:
            return self._tried()
        except Refused as error:
            kept, why = updates.load_update(self.helper.kept_in), words_of(error)
            if not self._is_unproved(kept):
                raise
            if self.up_s() >= TRIAL_LIMIT_S:
                return self._leave(kept, why)
            self.helper.stepped(replace(kept, said=why), None)
            raise  # it may have failed for a moment: the unit starts this anew

    def _tried(self) -> Words:
        if self._is_locked():
            return policy_updates.NO_KEY
        if self._is_lost():
            return self._leave(Kept(version=self.helper.running()), policy_updates.NO_DATA)
        kept = self._started()
        if kept.state is not State.TRIAL:
            return self._as_before()
        trial = Trial(frozenset(kept.worked))
        while True:
            trial = trial.seen(health_of(self.helper.asked()), self.up_s())
            verdict = trial.verdict(self.up_s())
            if verdict is Verdict.GOOD:
                return self._good(kept)
            if verdict is Verdict.BACK:
                return self._leave(kept, _why(kept, trial))
            self.pause(LOOKS_S)

    def _is_lost(self) -> bool:
        """Tell whether this is a new version's only start, of which, the data partition being out
        of reach, nothing is kept; and there is a version to go back to.
        """
        told = supervision.read(supervision.folder_of(self.helper.run))
        return self.is_last_try() and IN_MEMORY in told and self.helper.rauc.slots().other_is_good

    def _is_locked(self) -> bool:
        """Tell whether this is a version's only start, and its data waits for a key: without them
        nothing can be told of it, good or bad.
        """
        told = supervision.read(supervision.folder_of(self.helper.run))
        return self.is_last_try() and NO_KEY in told

    def _is_unproved(self, kept: Kept) -> bool:
        """Tell, without RAUC, whether the machine runs from a slot that was to be tried."""
        is_waited_for = kept.state in {State.INSTALLED, State.TRIAL}
        return is_waited_for and kept.slot == self.booted()

    def _started(self) -> Kept:
        """Keep from which slot the machine has started: that of the update, or the other one."""
        kept = updates.load_update(self.helper.kept_in)
        if kept.boot == self.boot:  # of this very start: nothing was started since
            return kept
        booted = self.helper.rauc.slots().booted
        step = Step.STARTED_NEW if booted == kept.slot else Step.STARTED_OLD
        state = after(kept.state, step)
        if state is kept.state and state is not State.TRIAL:
            return kept
        kept = replace(kept, boot=self.boot)
        return self._back(kept, step) if state is State.BACK else self.helper.stepped(kept, step)

    def _back(self, kept: Kept, step: Step) -> Kept:
        """Keep that the box has gone back, why, and that this version is not to come by itself."""
        self.helper.rauc.mark("bad", "other")
        said = kept.said if kept.said != NOTHING else filled(policy_updates.WENT_BACK, kept.version)
        failed = tuple(dict.fromkeys((*kept.failed, kept.version)))
        return self.helper.ended(replace(kept, failed=failed), step, "back", said)

    def _as_before(self) -> Words:
        """Mark a slot that was good before as good again, as soon as the desk answers."""
        while self.helper.asked() is None:
            self.pause(LOOKS_S)
        self.helper.rauc.mark("good", "booted")
        return policy_updates.SLOT_GOOD

    def _good(self, kept: Kept) -> Words:
        self.helper.rauc.mark("good", "booted")
        said = filled(policy_updates.PROVED, kept.version)
        failed = tuple(one for one in kept.failed if one != kept.version)
        self.helper.ended(replace(kept, failed=failed), Step.PROVED, "good", said)
        return said

    def _leave(self, kept: Kept, missing: Words) -> Words:
        """Go back: with nobody on the phone where that comes about, by itself all the same."""
        said = Words(
            policy_updates.LEFT.it.format(kept.version, missing.it),
            policy_updates.LEFT.en.format(kept.version, missing.en),
        )
        # a box that is not well serves its callers better by starting anew, whatever fails here
        with contextlib.suppress(Refused, OSError):
            self.helper.stepped(replace(kept, said=missing), None)
        with contextlib.suppress(Refused):
            self.helper.rauc.mark("bad", "booted")
        with contextlib.suppress(Refused):
            self.helper.wait_for_idle()
        self.helper.reboot()
        return said


def _why(kept: Kept, trial: Trial) -> Words:
    """Say why a trial has failed: what lacks now, what lacked before, or time."""
    return next(w for w in (trial.missing, kept.said, policy_updates.NOT_LONG) if w != NOTHING)


def health_of(told: dict[str, Any] | None) -> Health | None:
    """Read what the desk says of itself; None where it says nothing that can be read."""
    try:
        health = (told or {})["health"]
        return Health(
            float(health["ready_s"]),
            bool(health["carrier"]),
            frozenset(health["working"]),
            frozenset(health["out"]),
            int(health["restarts"]),
        )
    except (LookupError, TypeError, ValueError, CentralinoError):
        return None
