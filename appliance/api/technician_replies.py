"""Replies about the box itself: jobs, system, clock, divert, updates, backups; see api.replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.api.codec import blank
from appliance.api.replies import Json, PartRestarts, RecoveryStep, Reply
from appliance.calls.model import LineState
from appliance.policy.forms import FormProblem
from appliance.policy.supervision import MediaHealth
from appliance.text import NOTHING, Words

# ---- jobs of technicians -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobEnded:
    """End of a job, `well` or not, with its output."""

    at: datetime
    well: bool
    said: Words


@dataclass(frozen=True, slots=True)
class JobsReply(Reply):
    """The running job, "" for none, and the last result of each kind."""

    running: str
    last: Mapping[str, JobEnded]


@dataclass(frozen=True, slots=True)
class SelfTestCheck:
    """Check of a self-test: `outcome` is ok, wrong or not_measured."""

    title: Words
    outcome: str
    said: Words


@dataclass(frozen=True, slots=True)
class SelfTestReport:
    """Result of a self-test: `status` 0 well, 1 not well, 2 not known; `by` "" for the box."""

    at: datetime
    by: str
    status: int
    said: Words
    checks: tuple[SelfTestCheck, ...]


@dataclass(frozen=True, slots=True)
class SelfTestReply(Reply):
    """Whether a self-test is being done, its last result, and why none was done."""

    runs: bool
    last: SelfTestReport | None
    trouble: Words


@dataclass(frozen=True, slots=True)
class SettingsReply(Reply):
    """Configuration in force by section, numbers hidden (P7), and its mistakes."""

    sections: tuple[Json, ...]
    complaint: Words


@dataclass(frozen=True, slots=True)
class ManagedConfigReply(Reply):
    """The head office's settings: version in force, results of the last fetch and jobs."""

    configured: bool
    server: str
    said: tuple[Words, ...]
    version: int
    can_revert: bool
    running: bool
    last: Mapping[str, JobEnded]


@dataclass(frozen=True, slots=True)
class VoiceReply(Reply):
    """Whether a sheet's sounds are being made, and the last result."""

    runs: bool
    last: JobEnded | None


# ---- system: the technician's page ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SystemLine:
    """Line for the technician: state, modem, configured levels, what was `tried` to recover it."""

    name: str
    label: str
    port: str
    state: LineState
    words: Words
    in_trouble: bool
    since: datetime | None
    call: str
    modem: str
    duplex: bool | None
    dialect: str
    receive_gain: int
    transmit_gain: int
    echo: bool
    tried: tuple[RecoveryStep, ...]


@dataclass(frozen=True, slots=True)
class SystemPhone:
    """Phone for the technician; `gone_since` is None for a phone that can be reached."""

    name: str
    label: str
    address: str
    answers: bool
    tcp: bool
    gone_since: datetime | None


@dataclass(frozen=True, slots=True)
class BranchReport:
    """Other branch, and whether it answers."""

    name: str
    answers: bool


@dataclass(frozen=True, slots=True)
class SipReport:
    """SIP endpoint's state and counters; `standing` is the registration at `registrar`."""

    listening: bool
    address: str
    trouble: str
    tcp_trouble: str
    connections: int
    nonsense: int
    dropped: int
    locked_out: tuple[str, ...]
    registrar: str
    standing: Words | None
    branches: tuple[BranchReport, ...]


@dataclass(frozen=True, slots=True)
class MediaReport:
    """Media gateway's state; `pid` is None unless it is a child process."""

    connected: bool
    pid: int | None
    desk_pid: int
    realtime: str
    health: MediaHealth | None


@dataclass(frozen=True, slots=True)
class LedReport:
    """LED and what it shows now."""

    led: str
    words: Words


@dataclass(frozen=True, slots=True)
class MailReport:
    """Where notices are mailed."""

    server: str
    security: str
    sender: str
    head: str


@dataclass(frozen=True, slots=True)
class SystemReply(Reply):
    """System's state for the technician; no number of a citizen or an office, no password."""

    troubles: tuple[Words, ...]
    lines: tuple[SystemLine, ...]
    phones: tuple[SystemPhone, ...]
    sip: SipReport
    carrier: MediaReport
    restarts: tuple[PartRestarts, ...]
    clock: str
    leds: tuple[LedReport, ...]
    button: bool
    mail: MailReport
    own_care: tuple[Words, ...]
    versions: Mapping[str, str]


# ---- technicians: clock, divert, updates, backups ------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClockReply(Reply):
    """Time and whether it is trusted; `by_itself_s` since a time server confirmed it.

    `trouble` is why it cannot be set.
    """

    at: datetime
    state: str
    trusted: bool
    words: Words
    by_itself_s: float | None
    trouble: Words | None


@dataclass(frozen=True, slots=True)
class ProvenNumber:
    """Public number and the proof of its divert; `outdated`: the lines have changed since."""

    number: str
    outcome: str
    words: Words | None
    outdated: bool


@blank("seized_at")
@dataclass(frozen=True, slots=True)
class DivertReply(Reply):
    """Proofs by number, the lines, those still free, and since when none is."""

    numbers: tuple[ProvenNumber, ...]
    lines: tuple[str, ...]
    free: tuple[str, ...]
    seized_at: datetime | None


@dataclass(frozen=True, slots=True)
class UpdateEnded:
    """Past update, from version `before`; `at` is its time as the helper wrote it."""

    at: str
    by: str
    before: str
    version: str
    outcome: str
    said: Words = NOTHING


@dataclass(frozen=True, slots=True)
class ControlHealth:
    """Health of call control, by which a new version is kept or left.

    `working` and `out` are lines; `idle`: nobody is on the phone.
    """

    idle: bool
    ready_s: float
    carrier: bool
    restarts: int
    working: tuple[str, ...]
    out: tuple[str, ...]
    clock_trusted: bool = False


@dataclass(frozen=True, slots=True)
class HealthReply(Reply):
    """Part of UpdatesReply that the update helper reads."""

    health: ControlHealth


@dataclass(frozen=True, slots=True)
class UpdatesReply(HealthReply):
    """Running version, state of the last update, and call control's health."""

    image: bool
    running: str
    note: Words
    state: str
    version: str
    stands: Words
    said: Words
    by: str
    at: str
    waiting: bool
    progress: int | None
    stick: Words
    stick_is_read: bool
    fetching: bool
    server: str
    past: tuple[UpdateEnded, ...]
    # The stage of the head office's rollout.
    rollout: Words = NOTHING


@dataclass(frozen=True, slots=True)
class HelperEnded:
    """Result of a helper's last work, and who had asked for it."""

    at: datetime
    by: str
    well: bool
    said: Words


@dataclass(frozen=True, slots=True)
class RestoreReply(Reply):
    """Whether a restore waits or is possible, and the result of the last one."""

    waiting: bool
    idle: bool
    last: HelperEnded | None


@dataclass(frozen=True, slots=True)
class StickReport:
    """Backup stick, its last whole backup, and how it stands."""

    name: str
    since: datetime
    done: datetime | None
    well: bool
    said: Words


@dataclass(frozen=True, slots=True)
class StickChoice:
    """A plugged-in stick; `usable` if the box can write it."""

    uuid: str
    name: str
    usable: bool


@dataclass(frozen=True, slots=True)
class StickReply(Reply):
    """The stick that gets backups, None for none, the last result, and the sticks last seen."""

    waiting: bool
    last: HelperEnded | None
    stick: StickReport | None
    plugged: tuple[StickChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetReport:
    """Network folder that gets backups, its last whole backup, and how it stands."""

    since: datetime
    fingerprint: str
    done: datetime | None
    tried: datetime | None
    well: bool
    said: Words


@dataclass(frozen=True, slots=True)
class TargetReply(Reply):
    """Configured network folder, what it lacks (`wanted`), our key and the server's."""

    address: str
    key: str = ""
    waiting: bool = False
    offered: str = ""
    last: JobEnded | None = None
    wanted: Words | None = None
    target: TargetReport | None = None


# ---- settings ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListedSetting:
    """Setting that can be changed: `value` as JSON has it, None for hidden ones, which are counted
    (P7).
    """

    key: str
    table: str
    row: str
    where: Words
    what: Words
    value: Json
    is_default: bool
    hidden: int


@dataclass(frozen=True, slots=True)
class SettingsTrial:
    """Change that is undone in `left_s` seconds unless `by` confirms it."""

    number: int
    by: str
    left_s: int


@dataclass(frozen=True, slots=True)
class SettingsListReply(Reply):
    """Settings of revision `revision` of the file.

    `waits` until nobody is on the phone: the service still has the settings of before. `source`
    says whether another file is read first, as the card's.
    """

    revision: str
    settings: tuple[ListedSetting, ...]
    trial: SettingsTrial | None
    waits: bool
    source: Words


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """Difference of a setting in words."""

    key: str
    words: Words


@dataclass(frozen=True, slots=True)
class SettingsEffect:
    """What a change needs before it holds: at_once, call_control, console."""

    effect: str
    words: Words


@dataclass(frozen=True, slots=True)
class SettingsPreview(Reply):
    """What a set of changes would do; `problems` are at their fields, the rest is without them.

    `warnings` say what it takes from callers.
    """

    revision: str
    differences: tuple[SettingDifference, ...]
    effects: tuple[SettingsEffect, ...]
    problems: tuple[FormProblem, ...]
    cuts_off: bool
    warnings: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsDone(Reply):
    """What was done: entry of the history, present revision, seconds until a trial ends (0: none).

    `number` is 0 and `revision` "" for a confirmation.
    """

    said: Words
    number: int = 0
    revision: str = ""
    differences: tuple[SettingDifference, ...] = ()
    effects: tuple[SettingsEffect, ...] = ()
    trial_s: int = 0
    done: bool = True


@dataclass(frozen=True, slots=True)
class SettingsEntry:
    """Entry of the settings' history."""

    number: int
    at: datetime
    by: str
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class SettingsHistoryReply(Reply):
    """The newest changes of the settings, newest first."""

    entries: tuple[SettingsEntry, ...]


@dataclass(frozen=True, slots=True)
class FoundModem:
    """Modem that is plugged in, or the missing one of a line (`is_there` False).

    `line` is "" for a free one. `duplex`, `measures`: None where only a probe, or use, can tell;
    `can` says what it can do, `state` the line's state.
    """

    port: str
    model: str
    is_there: bool
    line: str
    label: str
    dialect: str
    duplex: bool | None
    measures: bool | None
    can: tuple[Words, ...]
    state: Words
    in_use: bool


@dataclass(frozen=True, slots=True)
class ModemsReply(Reply):
    """Modems by their sockets."""

    modems: tuple[FoundModem, ...]
