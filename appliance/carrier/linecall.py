"""What one call on a line is doing at the moment: its source, its takers, its signs of release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.carrier.across import Across
from appliance.carrier.ears import Ears
from appliance.carrier.far_end import Calling
from appliance.carrier.fax import Fax
from appliance.carrier.keys import Keys
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.player import Player, Silence, Source
from appliance.carrier.pressing import Pressing
from appliance.carrier.recorder import Recorder
from appliance.carrier.release import Release
from appliance.carrier.three import Three


@dataclass(slots=True)
class LineCall:
    """State of a line from AnswerLine to Idle. `drain` counts the samples of a prompt that were
    written and not yet played: a prompt has ended when the caller has heard it. `calling` is a
    call that the box makes over the line, `told` is true once LineAnswered was told. `flashed_at`
    is when the box last broke the loop itself, `across` another line that it is joined to, `three`
    the conversation of the line with `leg` and one phone more.
    `caller_held` while a PBX holds the caller, who is to hear `farewell` once back: their desk has
    died.
    """

    asked_at: float
    release: Release
    ears: Ears | None = None
    keys: Keys = field(default_factory=Keys)
    off_hook_at: float | None = None
    source: Source = field(default_factory=Silence)
    player: Player | None = None
    leg: PhoneLeg | None = None
    three: Three | None = None
    recorder: Recorder | None = None
    drain: int | None = None
    held: bool = False
    calling: Calling | None = None
    told: bool = False
    flashed_at: float | None = None
    across: Across | None = None
    caller_held: bool = False
    farewell: Callable[[float], None] | None = None
    pressing: Pressing = field(default_factory=Pressing)
    fax: Fax = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count the signs of a fax."""
        self.fax = Fax(self.release.line)

    @property
    def legs(self) -> tuple[PhoneLeg, ...]:
        """Return the phones that the line is joined to."""
        if self.three is not None:
            return self.three.legs
        return () if self.leg is None else (self.leg,)

    @property
    def has_nothing_to_say(self) -> bool:
        """True when no prompt is being played, nor is to be."""
        return self.player is None and self.farewell is None

    def off_hook_ms(self, now: float) -> int:
        """Return for how long the line has been off hook."""
        return int((now - self.off_hook_at) * 1000) if self.off_hook_at is not None else 0

    def settled_ms(self, now: float) -> int:
        """Return for how long the box itself has left the line's voltage alone."""
        since_flash = None if self.flashed_at is None else int((now - self.flashed_at) * 1000)
        off_hook = self.off_hook_ms(now)
        return off_hook if since_flash is None else min(off_hook, since_flash)
