"""What `[metrics]` may say, and how mistakes in it are told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from appliance.config import read
from appliance.config.build import check_metrics
from appliance.config.schema import Console, Metrics
from appliance.config.values import Mistakes, OnOff

PAGES = Console()
EXAMPLE = read.load(Path(read.__file__).with_name("example.toml"))
HERE = "192.168.1.10"


def told(metrics: Metrics, console: Console = PAGES) -> list[str]:
    """Return what is wrong, each with its place, in both languages."""
    mistakes = Mistakes()
    check_metrics(dataclasses.replace(EXAMPLE, metrics=metrics, console=console), mistakes)
    return [f"{m.words.text('en')} | {m.words.text('it')}" for m in mistakes.found]


@pytest.mark.parametrize(
    "metrics",
    [
        Metrics(),
        Metrics(HERE, 9100, ("10.1.2.3", "10.2.0.0/16", "fd00::/64")),
        Metrics("127.0.0.1"),
        Metrics("fd00::10"),
    ],
)
def test_what_is_good(metrics: Metrics) -> None:
    """Off as delivered; one address, a port, whoever may ask."""
    assert told(metrics) == []


@pytest.mark.parametrize(
    ("metrics", "en", "it"),
    [
        (Metrics("box"), "metrics.listen: 'box' is no address", "'box' non è un indirizzo"),
        (Metrics("0.0.0.0"), "'0.0.0.0' is not one address", "non è un solo indirizzo"),
        (Metrics("::"), "'::' is not one address", "non è un solo indirizzo"),
        (Metrics(HERE, 80), "metrics.port: 80 cannot be used", "80 non si può usare"),
        (Metrics(HERE, 70_000), "70000 cannot be used", "70000 non si può usare"),
        (Metrics(HERE, 9799, ("lan",)), "metrics.allowed: 'lan' is no network", "non è una rete"),
        (Metrics(HERE, 9799, ("10.1.2.3/8",)), "'10.1.2.3/8' is no network", "non è una rete"),
    ],
)
def test_each_mistake_is_told(metrics: Metrics, en: str, it: str) -> None:
    """One sentence: what is wrong, where, and what would be right."""
    (wrong,) = told(metrics)
    assert en in wrong
    assert it in wrong


def test_a_port_is_one_thing_s() -> None:
    """The pages' port is taken; where there are no pages it is free."""
    pages = Console(port=8443)
    (wrong,) = told(Metrics(HERE, 8443), pages)
    assert "8443 is the pages' port already" in wrong
    assert told(Metrics(HERE, 8443), dataclasses.replace(pages, enabled=OnOff(False))) == []
    assert told(Metrics("", 8443), pages) == []
