"""What Prometheus reads: true values, names by its conventions, and no number of anybody."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.calls import events
from appliance.calls.events import Caller, Presentation
from appliance.fleet.prometheus import MetricCounters
from appliance.fleet.prometheus_page import SOUND_FAULTS, box_report, metrics_page
from appliance.policy.rollout import BoxReport
from appliance.policy.updates import UpdateState
from tests.fleet.samples import CALLER, ended, figures_of, status_of
from tests.helpers.prometheus import promtool
from tests.year import town

LINE1 = town.LINES[0]
LABELS = {
    "code", "direction", "duplex", "evidence", "group", "image", "kind", "le", "line", "mark",
    "modem", "part", "result", "state", "statistic", "version",
}  # fmt: skip
"""All labels; another one may be a person's, and is thought about first (E21)."""


def ringing() -> str:
    """Return the page of a box at which a caller rings whose number is shown."""
    known = events.CallerIdentified(LINE1, Caller(Presentation.SHOWN, CALLER, "Rossi Anna"))
    return written(events.PhoneRegistered("op1"), events.LineRang(LINE1), known)


def written(*facts: events.Event, counts: MetricCounters | None = None) -> str:
    """Return a page after some facts."""
    return metrics_page(figures_of(status_of(*facts), counts, 100.0)).decode()


def values(text: str) -> dict[str, float]:
    """Return every sample of a page by name and labels, as `name{a=1,b=2}`."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def test_a_call_that_rings_is_seen() -> None:
    """Lines, calls, positions: each state is one of several, and the sum is 1."""
    found = values(ringing())
    assert found[f"centralino_line_state{{line={LINE1},state=ringing}}"] == 1
    assert sum(v for k, v in found.items() if k.startswith("centralino_line_state")) == 2
    assert found["centralino_calls_current{direction=in}"] == 1
    assert found["centralino_positions{group=switchboard,state=busy}"] == 1
    assert found["centralino_positions{group=switchboard,state=unreachable}"] == 2
    assert found["centralino_service_open"] == 1
    assert found["centralino_clock_state{state=synced}"] == 1


def test_units_are_base_units() -> None:
    """Seconds and bytes, never milliseconds; an age of nothing is 0."""
    found = values(written())
    assert found["centralino_voicemail_open_seconds"] == 90.5
    assert found["centralino_voicemail_oldest_unheard_seconds"] == 1800
    assert found["centralino_mail_oldest_queued_seconds"] == 0
    assert found["centralino_carrier_lateness_seconds{statistic=p99}"] == 0.0005
    assert found["centralino_disk_free_bytes"] == 5000


def test_counters_are_told() -> None:
    """Calls by result, faults by kind, answers as a histogram that ends in all of them."""
    counts = MetricCounters()
    counts.call(ended("a"), 1.0)
    counts.fault({SOUND_FAULTS[0]: 3})
    found = values(written(counts=counts))
    assert found["centralino_calls_total{direction=in,result=answered}"] == 1
    assert found[f"centralino_carrier_faults_total{{kind={SOUND_FAULTS[0]}}}"] == 3
    assert found["centralino_call_answer_seconds_bucket{le=10.0}"] == 0
    assert found["centralino_call_answer_seconds_bucket{le=15.0}"] == 1
    assert found["centralino_call_answer_seconds_bucket{le=+Inf}"] == 1


def test_troubles_are_codes_and_a_count() -> None:
    """The sentences are for people; a rule counts, and names the code."""
    text = written()
    found, degraded = values(text), len(status_of().degraded)
    assert found["centralino_trouble{code=voicemail.low}"] == 1
    assert found["centralino_troubles"] == 2 + degraded


def test_no_number_and_no_person_is_told() -> None:
    """P7, E21: neither who calls, nor a number of the office, nor what one position does."""
    text = ringing()
    told = " ".join(re.findall(r'"([^"]*)"', text))
    for hidden in (CALLER, CALLER[1:], "Rossi", *town.HIDDEN, *town.OPERATORS, "051598111"):
        assert hidden not in told
    assert not re.search(r"\d{6}", told)
    assert set(re.findall(r'[{,](\w+)="', text)) == LABELS


@pytest.mark.system
def test_promtool_has_nothing_to_say() -> None:
    """Names, units, help: Prometheus's own judge; and it can find fault at all."""
    done = promtool("check", "metrics", given=written())
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    wrong = promtool("check", "metrics", given="# TYPE calls counter\ncalls 1\n")
    assert wrong.returncode != 0


@pytest.mark.parametrize("missing", [True, False])
def test_before_the_media_gateway_has_spoken(missing: bool) -> None:
    """A figure that nobody has said is left out, and is no 0."""
    figures = figures_of(status_of())
    text = metrics_page(replace(figures, carrier=None) if missing else figures).decode()
    assert ("centralino_carrier_lead_seconds 0.04" in text) is not missing


def test_the_head_office_reads_the_version_of_a_box() -> None:
    """The image's where there is one, else the package's; and the last update's state."""
    page = replace(figures_of(status_of()), update=("back", "1.3.0"))
    report = box_report(metrics_page(page).decode())
    assert report == BoxReport("1.2.3-4", UpdateState.BACK, "1.3.0")
    assert box_report(metrics_page(replace(page, image="")).decode()).running == "1.2.3"


@pytest.mark.parametrize(
    "page",
    ["", "<html>", "up 1\n", 'centralino_build_info{version="1",image=""} 1\n',
     ('centralino_build_info{version="1",image=""} 1\n'
      'centralino_update_info{state="new",version="1"} 1\n')],
)  # fmt: skip
def test_another_page_is_none_of_a_box(page: str) -> None:
    """Whoever answers at that address."""
    with pytest.raises(ValueError):
        box_report(page)
