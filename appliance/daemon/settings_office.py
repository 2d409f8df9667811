"""The configuration's tables about the office: its hours, its people, how it is served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from appliance.daemon.values import Bands, Hours, Moment, MonthDay, OnOff, Seconds


@dataclass(frozen=True, slots=True)
class Site:
    """Whose box this is. `patron` is the town's patron saint's day (MM-DD), asked for on purpose:
    it is a holiday here and nowhere else. `address` (street and town) stands on its papers,
    `voice` says our announcements (prompts/voices.py).
    """

    name: str
    patron: MonthDay
    patron_name: str = ""
    country: str = "it"
    zone: str = "Europe/Rome"
    languages: tuple[str, ...] = ("it", "en")
    email: str = ""
    address: str = ""
    voice: str = "auto"


@dataclass(frozen=True, slots=True)
class Group:
    """Positions rung together, for how long, and (citizens' counter) when they are there.

    `pbx_numbers` are their extensions of a PBX behind a half-duplex line, called in this order.
    `outside` is the number of an ordinary telephone, called over a second line when no phone can be
    reached.
    """

    phones: tuple[str, ...] = ()
    pbx_numbers: tuple[str, ...] = ()
    outside: str = ""
    ring: Seconds = Seconds(25.0)
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the front desk: the phones that ring when an operator brings the head into a
    conversation (E10); without one nobody can.
    """

    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Closure:
    """Closed from one moment to another, whatever the week says; `greeting` names a prompt."""

    start: Moment
    end: Moment
    reason: str = ""
    greeting: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """Other hours on one day, whatever the week, a closure or a holiday says. `group` is
    switchboard, citizens_desk, or "" for both.
    """

    day: date
    hours: Bands
    reason: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """Other hours between two days, ending by themselves (E14). `group` is switchboard,
    citizens_desk, or "" for both.
    """

    start: date
    end: date
    hours: Hours
    reason: str = ""
    greeting: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Voicemail:
    """Limits of a message, and what its greeting says beside its reason.

    `notify` is the front desk's e-mail address, told of every new message, "" for none; with the
    recording where `notify_sound` says so. Of which late calls without a message desk and head are
    told says `missed_alerts` (all, unclosed, none). `greeting` is short for what everybody needs,
    with the tone within 20 s, the rest by a key; long for everything in every language.
    `spell_email` has site.email spelt to callers. `privacy` is short for the notice before a
    message, off for none; its words are changed by `centralino prompts say privacy`. After hours
    `emergency_112` names 112, and `duty` the units of the register whose number is told while their
    written leave holds (E11). `pin`: the code of `centralino messages pin` is asked on phones of
    neither group (others), or on every phone (always). Below `room_alarm` MB of free space on the
    card the technician is told.
    """

    limit: Seconds = Seconds(180.0)
    silence: Seconds = Seconds(5.0)
    minimum: Seconds = Seconds(2.0)
    notify: str = ""
    notify_sound: OnOff = OnOff(False)
    missed_alerts: str = "all"
    greeting: str = "short"
    spell_email: OnOff = OnOff(False)
    privacy: str = "short"
    emergency_112: OnOff = OnOff(False)
    duty: tuple[str, ...] = ()
    pin: str = "others"
    room_alarm: int = 256


@dataclass(frozen=True, slots=True)
class Calls:
    """Limits of a call; `longest` ends a conversation whose line would else stay seized (B1).

    All numbers of an office together ring for `transfer` before the call comes back (E7).

    `lines_kept` lines stay free to answer where there are two or more: the box itself calls nobody
    over the last one, but for a caller whom nobody else can serve (P8).
    """

    longest: Seconds = Seconds(14400.0)
    transfer: Seconds = Seconds(40.0)
    lines_kept: int = 1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How positions call out (E17): what a phone dials before an outside number, whether the called
    person sees the line's number (presented, withheld), the line's own code for hiding it ("" for
    the country's), the office's area codes, when citizens are called back without a reason, for how
    many days who has called may be called back, and the limits of a position. `rehearsal` is for a
    test bench on real lines: nothing real is dialled for help.
    """

    prefix: str = "0"
    identity: str = "presented"
    withhold: str = ""
    local: tuple[str, ...] = ()
    band: str = "8:00-19:00"
    days: tuple[str, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    known_days: int = 30
    calls_per_hour: int = 20
    minutes_per_day: int = 240
    rehearsal: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Report:
    """`per_person_reference` is the agreement that allows figures per position; "" for none.

    With `monthly_sheets` each unit is mailed its sheet on the month's first working day.
    """

    per_person_reference: str = ""
    monthly_sheets: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Positions:
    """When a position that misses its calls is away by itself, and is reminded of it (E3).

    0 is never. `remind_after` is in minutes.
    """

    away_after_missed: int = 2
    remind_after: int = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """How callers wait for a position that becomes free: `queue_max` at once, `max_wait` seconds
    each; 0 of both, as delivered: nobody waits. They are told every `announce_every` seconds, their
    place too where `announce_place`. `before_counter`: they wait for the switchboard first, the
    citizens' counter rings after that.
    """

    queue_max: int = 0
    max_wait: int = 0
    announce_every: Seconds = Seconds(30.0)
    announce_place: OnOff = OnOff(False)
    before_counter: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Branches:
    """Other branches of the house, or a telephone system, at the proxy of [sip.registrar] (B9).

    `names` are their accounts there, as the register's needs name them. A caller whom nobody here
    can take, in the cases of `when` (busy, no_answer, unattended, unreachable, closed), is handed
    over to the `offices` ("unit.need" of the register) in this order, each for `ring`, as far as
    they have declared it. `takes`: callers whom others hand over ring here.
    """

    names: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    when: tuple[str, ...] = ("busy", "no_answer", "unattended", "unreachable")
    ring: Seconds = Seconds(20.0)
    takes: OnOff = OnOff(False)
