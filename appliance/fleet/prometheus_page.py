"""Rendering of figures in Prometheus's text format 0.0.4. The ONLY prometheus_client import.

Names and units follow Prometheus's conventions: base units, counters ending in _total, labels for
one of several. No label ever holds a number, a caller or a person (P7, E21).

The server's thread imports it at the first scrape: a box that nobody scrapes does not load
prometheus_client.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from appliance.calls.events import Evidence
from appliance.calls.model import LineState
from appliance.calls.orders import Direction
from appliance.fleet.prometheus import ANSWER_BOUNDS_S
from appliance.policy.clock import ClockState
from appliance.policy.office import PositionState
from appliance.policy.opening import ManualState
from appliance.policy.rollout import BoxReport
from appliance.policy.routing import GroupState
from appliance.policy.updates import UpdateState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from appliance.calls.status import GroupStatus
    from appliance.fleet.prometheus import BoxFigures, Spread


SOUND_FAULTS: Final = ("underruns", "overruns", "lost_packets", "dropped_packets", "stuck_writes")
"""Names of the media gateway's faults (`MetricCounters.fault`)."""
_MS: Final = 1000.0

Labelled = Iterable[tuple[tuple[str, ...], float]]


class _Page(Collector):
    """A collector of all metric families."""

    def __init__(self, figures: BoxFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        for part in PARTS:
            yield from part(self._figures)


def metrics_page(figures: BoxFigures) -> bytes:
    """Return the figures as the body of a scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(figures))
    return generate_latest(registry)


def box_report(page: str) -> BoxReport:
    """Return what another box's page says of its version; raises ValueError for another page."""
    found: dict[str, dict[str, str]] = {}
    for family in text_string_to_metric_families(page):
        found |= {sample.name: sample.labels for sample in family.samples}
    try:
        build, update = found[f"{_PREFIX}build_info"], found[f"{_PREFIX}update_info"]
        # The image has a version of its own; without an image the package's counts.
        running = build["image"] or build["version"]
        return BoxReport(running, UpdateState(update["state"]), update["version"])
    except KeyError as error:
        raise ValueError(f"no figures of a box: {error}") from error


# --- the box -----------------------------------------------------------------------------------


def _box(figures: BoxFigures) -> Iterator[Metric]:
    version = ((figures.version, figures.image), 1.0)
    yield _gauges("build_info", "The version that runs.", ("version", "image"), [version])
    yield _gauge("start_time_seconds", "When the service was started.", figures.started_at)
    yield _gauge("seen_timestamp_seconds", "When these figures were gathered.", figures.at)
    yield _gauge("ready", "1 once every line was heard of and phones may register.", figures.ready)
    yield _gauge(
        "troubles", "What is not as it should be, as the technician's page lists it.",
        len(figures.troubles) + len(figures.status.degraded) + figures.complaints,
    )  # fmt: skip
    # A code that is absent has no series: only present troubles are listed.
    codes = [((code,), 1.0) for code in sorted(set(figures.troubles))]
    yield _gauges("trouble", "1 for each trouble of a part, by its code.", ("code",), codes)
    yield _gauge(
        "configuration_complaints", "Values of the configuration that are not used as they stand.",
        figures.complaints,
    )  # fmt: skip
    yield _gauge(
        "backup_timestamp_seconds",
        "When a whole backup was last written away from the memory card, 0 for never.",
        figures.backup_at,
    )
    yield _gauges(
        "update_info", "The last update: its state and its version.",
        ("state", "version"), [(figures.update, 1.0)],
    )  # fmt: skip
    again = [((part,), float(count)) for part, count in figures.restarts]
    yield _gauges("part_restarts", "Restarts of a part since the box has power.", ("part",), again)


def _clock(figures: BoxFigures) -> Iterator[Metric]:
    state = figures.status.clock_state
    yield _states("clock_state", "How far the clock can be trusted.", ClockState, state)
    yield _gauge("clock_trusted", "1 while hours are kept by the clock.", state.is_trusted)


def _disk(figures: BoxFigures) -> Iterator[Metric]:
    stored = figures.stored
    yield _gauge("disk_free_bytes", "What the service may still write.", stored.disk_free)
    yield _gauge("disk_size_bytes", "How large that disk is.", stored.disk_size)


# --- the front desk ----------------------------------------------------------------------------


def _service(figures: BoxFigures) -> Iterator[Metric]:
    status = figures.status
    yield _gauge("service_open", "1 while people answer.", status.open)
    marks = status.service.marks()
    on = [((what.value,), float(marks.get(what.value) is not None)) for what in ManualState]
    yield _gauges("service_mark", "1 while a state set by hand is on.", ("mark",), on)
    groups = [one for one in (status.switchboard, status.citizens_desk) if one is not None]
    yield _gauges(
        "group_state", "1 for the state that a group is in.", ("group", "state"),
        [((g.name, s.value), float(g.state is s)) for g in groups for s in GroupState],
    )  # fmt: skip
    yield _gauges(
        "positions", "Positions of a group by what they do.", ("group", "state"),
        [((g.name, state), float(n)) for g in groups for state, n in _positions(g).items()],
    )  # fmt: skip


def _positions(group: GroupStatus) -> dict[str, int]:
    return {
        PositionState.FREE.value: len(group.free),
        PositionState.BUSY.value: len(group.engaged),
        PositionState.AWAY.value: len(group.away),
        PositionState.UNREACHABLE.value: len(group.unreachable),
    }


def _phones(figures: BoxFigures) -> Iterator[Metric]:
    phones = figures.phones
    yield _gauge("sip_listening", "1 while phones can reach the box.", phones.listening)
    yield _gauge("phones_configured", "Phones of the configuration.", phones.configured)
    yield _gauge("phones_registered", "Phones with an address now.", phones.registered)
    yield _gauge("phones_answering", "Phones that answer to being asked.", phones.answering)


# --- lines and calls ---------------------------------------------------------------------------


def _lines(figures: BoxFigures) -> Iterator[Metric]:
    lines, tally = figures.status.lines, figures.tally
    yield _gauges(
        "line_state", "1 for the state that a line is in.", ("line", "state"),
        [((one.name, s.value), float(one.state is s)) for one in lines for s in LineState],
    )  # fmt: skip
    # None: its modem was not asked yet.
    duplex = {True: "yes", False: "no", None: "unknown"}
    yield _gauges(
        "line_info", "The modem of a line.", ("line", "modem", "duplex"),
        [((one.name, one.modem, duplex[one.duplex]), 1.0) for one in lines],
    )  # fmt: skip
    yield _counters(
        "line_busy_seconds", "How long a line was engaged: its rate is the traffic in erlang.",
        ("line",), [((line,), busy_s) for line, busy_s in sorted(tally.busy_s.items())],
    )  # fmt: skip
    yield _counters(
        "lines_all_busy_seconds", "How long no line was free: callers heard engaged.", (),
        [((), tally.all_busy_s)],
    )  # fmt: skip


def _calls(figures: BoxFigures) -> Iterator[Metric]:
    status, tally = figures.status, figures.tally
    going = {Direction.IN: len(status.calls), Direction.OUT: len(status.outgoing)}
    yield _gauges(
        "calls_current", "Calls that go on now.", ("direction",),
        [((direction.value,), float(count)) for direction, count in going.items()],
    )  # fmt: skip
    yield _gauge("callers_waiting", "Callers who wait for a free position.", len(status.queue))
    yield _counters(
        "calls", "Calls that are over, by how they ended.", ("direction", "result"),
        tally.calls.items(),
    )  # fmt: skip
    yield _counters(
        "call_releases", "How the end of a call was noticed.", ("evidence",),
        [((e.value,), float(tally.released.get(e.value, 0))) for e in Evidence],
    )  # fmt: skip
    yield _summary("call_release_seconds", "From hanging up to its being noticed.", tally.release)
    yield _summary("call_talk_seconds", "From the answer to the end.", tally.talk)
    answer = HistogramMetricFamily(f"{_PREFIX}call_answer_seconds", "From ringing to a person.")
    answer.add_metric([], _buckets(tally.answer), tally.answer.sum_s)
    yield answer


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    bounds = [(str(b), float(n)) for b, n in zip(ANSWER_BOUNDS_S, spread.up_to, strict=True)]
    return [*bounds, ("+Inf", float(spread.count))]


def _gateway(figures: BoxFigures) -> Iterator[Metric]:
    said = figures.carrier
    # No sample before the media gateway's first report: 0 would look like a measurement.
    late = [] if said is None else [
        (("p50",), said.late_p50_s), (("p99",), said.late_p99_s), (("max",), said.late_max_s)
    ]  # fmt: skip
    yield _gauges(
        "carrier_lateness_seconds", "How late the 20 ms tick was in the last period.",
        ("statistic",), late,
    )  # fmt: skip
    lead = [] if said is None else [((), said.lead_min_s)]
    yield _gauges("carrier_lead_seconds", "The least sound ahead in a modem.", (), lead)
    faults = figures.tally.faults
    yield _counters(
        "carrier_faults", "What went wrong with sound, by kind.", ("kind",),
        [((kind,), float(faults.get(kind, 0))) for kind in SOUND_FAULTS],
    )  # fmt: skip


# --- what waits --------------------------------------------------------------------------------


def _waiting(figures: BoxFigures) -> Iterator[Metric]:
    stored, status = figures.stored, figures.status
    yield _gauge("voicemail_open_messages", "Messages that nobody has closed.", status.waiting)
    yield _gauge("voicemail_open_seconds", "Their sound.", stored.open_ms / _MS)
    yield _gauge("voicemail_unheard_messages", "Messages that nobody has heard.", stored.unheard)
    age = _age(figures.at, stored.oldest_unheard_at)
    yield _gauge("voicemail_oldest_unheard_seconds", "Age of the oldest unheard message.", age)
    yield _gauge("voicemail_late_messages", "Messages that are late by the rules.", figures.late)
    yield _gauge("missed_calls_open", "Calls without a message to be dealt with.", figures.missed)
    yield _gauges(
        "requests", "Requests by how far they are.", ("state",),
        [((state,), float(count)) for state, count in stored.requests],
    )  # fmt: skip
    yield _gauge("requests_overdue", "Requests that offices are late with.", figures.overdue)
    queue = [(("queued",), float(stored.mail_queued)), (("dead",), float(stored.mail_dead))]
    yield _gauges("mail_notices", "Mails that wait, or were given up.", ("state",), queue)
    age = _age(figures.at, stored.oldest_mail_at)
    yield _gauge("mail_oldest_queued_seconds", "Age of the oldest mail that waits.", age)


def _age(at: float, since: float | None) -> float:
    """Return an age in s, 0 for what is absent."""
    # A clock that was set back meanwhile would give a negative age.
    return 0.0 if since is None else max(0.0, at - since)


PARTS: Final[tuple[Callable[[BoxFigures], Iterator[Metric]], ...]] = (
    _box, _clock, _disk, _service, _phones, _lines, _calls, _gateway, _waiting,
)  # fmt: skip

# --- families ----------------------------------------------------------------------------------

_PREFIX: Final = "centralino_"


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(_PREFIX + name, told, float(value))


def _gauges(name: str, told: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    family = GaugeMetricFamily(_PREFIX + name, told, labels=labels)
    for cells, value in values:
        family.add_metric(cells, value)
    return family


def _counters(name: str, told: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    family = CounterMetricFamily(_PREFIX + name, told, labels=labels)
    for cells, value in values:
        family.add_metric(cells, value)
    return family


def _summary(name: str, told: str, spread: Spread) -> Metric:
    return SummaryMetricFamily(_PREFIX + name, told, spread.count, spread.sum_s)


def _states(name: str, told: str, states: Iterable[ClockState], now: ClockState) -> Metric:
    return _gauges(name, told, ("state",), [((s.value,), float(s is now)) for s in states])
