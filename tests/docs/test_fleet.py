"""Dashboard, alert rules and guides of docs/fleet name figures that a box really tells."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from appliance.fleet.prometheus_page import metrics_page
from tests.docs.pages import ROOT, read, rows, spans
from tests.fleet.samples import figures_of, status_of
from tests.helpers.prometheus import promtool

FLEET = ROOT / "docs" / "fleet"
TRIED = (FLEET / "alerts.test.yml", FLEET / "alerts.days.test.yml")
GUIDES = {
    FLEET / "boxes.en.md": "The figures",
    FLEET / "boxes.it.md": "Le misure",
}
_NAME = re.compile(r"\bcentralino_[a-z_]+")
_WORDS = ("summary", "to_do", "sommario", "da_fare")


def families() -> dict[str, Metric]:
    """Return what a box tells, by the name that is written in a rule."""
    told = text_string_to_metric_families(metrics_page(figures_of(status_of())).decode())
    return {f"{one.name}_total" if one.type == "counter" else one.name: one for one in told}


def known() -> set[str]:
    """Return every name that an expression may use."""
    return {sample.name for one in families().values() for sample in one.samples}


def dashboard() -> list[dict[str, Any]]:
    """Return everything in the dashboard that holds an expression."""
    board = json.loads(read(FLEET / "dashboard.json"))
    targets = [t for panel in board["panels"] for t in panel.get("targets", [])]
    assert len(targets) > 15
    return [*targets, *board["annotations"]["list"]]


def alerts() -> dict[str, str]:
    """Return the text of each alert rule by its name."""
    blocks = read(FLEET / "alerts.yml").split("- alert: ")[1:]
    return {block.split("\n", 1)[0]: block for block in blocks}


def unknown(text: str) -> set[str]:
    """Return the names in a text that no box tells."""
    return set(_NAME.findall(text)) - known()


@pytest.mark.parametrize("path", [FLEET / "alerts.yml", *TRIED], ids=lambda path: path.name)
def test_rules_name_figures_that_there_are(path: Path) -> None:
    """A rule on a name that nobody tells is silent for ever."""
    assert unknown(read(path)) == set()


def test_the_dashboard_names_figures_that_there_are() -> None:
    """A panel on a name that nobody tells is empty; the check can fail."""
    assert [t["expr"] for t in dashboard() if unknown(t["expr"])] == []
    assert unknown("rate(centralino_call_total[5m])") == {"centralino_call_total"}


@pytest.mark.system
def test_promtool_reads_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    """Each is one that Prometheus can parse, once Grafana has put its branch in."""
    told = [t["expr"].replace("$instance", "branch-.*") for t in dashboard()]
    assert not [expr for expr in told if "$" in expr]
    listed = "\n".join(
        f"  - record: a:b{n}\n    expr: {json.dumps(expr)}" for n, expr in enumerate(told)
    )
    file = tmp_path / "rules.yml"
    file.write_text(f"groups:\n- name: x\n  rules:\n{listed}\n", encoding="utf-8")
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stderr
    file.write_text(file.read_text("utf-8").replace("sum(", "sum((", 1), encoding="utf-8")
    assert promtool("check", "rules", file).returncode != 0


def test_each_alert_is_tried_and_said_in_both_languages() -> None:
    """What happened and what to do, for who reads English and for who reads Italian."""
    tried = "".join(read(path) for path in TRIED)
    assert len(alerts()) > 15
    for name, block in alerts().items():
        assert f'alertname="{name}", alertstate="firing"' in tried, name
        said = dict(re.findall(r'^ {10}(\w+): "(.+)"$', block, re.MULTILINE))
        assert tuple(said) == _WORDS, name
        assert said["summary"] != said["sommario"]
        assert re.search(r"severity: (critical|warning|info)}", block), name


@pytest.mark.system
def test_promtool_tries_the_alerts() -> None:
    """Each fires for a box that is ill and for none that is well."""
    done = promtool("check", "rules", FLEET / "alerts.yml")
    assert done.returncode == 0, done.stderr
    done = promtool("test", "rules", *TRIED)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("path", "heading"), GUIDES.items(), ids=lambda one: str(one)[-20:])
def test_the_guides_list_every_figure(path: Path, heading: str) -> None:
    """Name, kind and labels of each, and of none that there is not, in both languages."""
    told = {}
    for name, kind, labels, *_ in rows(path, heading):
        (span,) = spans(name)
        told[span] = (kind, set(spans(labels)))
    found = {
        name: (one.type, {label for s in one.samples for label in s.labels} - {"le"})
        for name, one in families().items()
    }
    assert told == found


def test_no_rule_loses_the_branch() -> None:
    """The guide tells to set it: whoever is told reads which branch it is."""
    for name, block in alerts().items():
        for kept in re.findall(r"\bby \(([^)]*)\)", block):
            assert {"version", "branch"} & set(kept.split(", ")), name


LEVELS = {
    "critical": ("voicemail.full", "voicemail.unsure", "night.damaged", "records.unsure",
                 "card.errors", "register.unreadable"),
    "warning": ("night.not_copied", "voicemail.low", "mail.ended", "faults", "retention.failing"),
}  # fmt: skip


@pytest.mark.parametrize(("level", "code"), [(x, c) for x, codes in LEVELS.items() for c in codes])
def test_the_worst_is_told_at_once(level: str, code: str) -> None:
    """Not as one of several troubles after half an hour: by its own rule, of its own level."""
    found = [
        block
        for block in alerts().values()
        for codes in re.findall(r'centralino_trouble\{.*code=~?"([^"]+)"', block)
        if re.fullmatch(codes, code)
    ]
    (rule,) = found
    assert f"severity: {level}}}" in rule
    assert "for: " not in rule


def test_the_rules_know_every_trouble_that_a_restart_must_mend() -> None:
    """A code that no rule names would be heard of after half an hour, as one of several."""
    codes = [code for text in _sources() for code in re.findall(r'"([a-z]+\.[a-z_]+)"', text)]
    ends = {code for code in codes if code.split(".")[1] in {"ended", "unsure", "damaged", "full"}}
    assert len(ends) > 5
    rules = re.findall(r'code=~?"([^"]+)"', read(FLEET / "alerts.yml"))
    assert {c for c in ends if not any(re.fullmatch(rule, c) for rule in rules)} == set()


def _sources() -> list[str]:
    """Return the sources in which troubles are made."""
    paths = sorted((ROOT / "appliance").rglob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return [one for text in texts for one in re.findall(r"Trouble\(\s*\"[^\"]+\"", text)]
