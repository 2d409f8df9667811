"""The figures of the data protection page are those of the code."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from appliance.config.schema import Retention
from appliance.console.accounts import HARD_S
from appliance.service.housekeeping import NIGHT
from appliance.service.nightly import ON_CARD
from appliance.store.users import KEPT as DRAFTS_KEPT
from tests.docs.pages import ROOT, guide, read, rows, spans

CHAPTERS = {
    "en": "What is kept, and for how long",
    "it": "Che cosa si conserva, e per quanto",
}
FIGURES = {
    "en": (
        "| a day |",
        "| three nights |",
        "| six months, or 64 MB |",
        "eight days",
        "Each night at 3 ",
    ),
    "it": (
        "| un giorno |",
        "| tre notti |",
        "| sei mesi, o 64 MB |",
        "otto giorni",
        "Ogni notte alle 3 ",
    ),
}
"""Drafts, copies on the card, the image's journal, sessions, the hour of erasure."""
each_language = pytest.mark.parametrize("language", CHAPTERS)


@each_language
def test_days_are_those_delivered(language: str) -> None:
    """Each setting of [retention] has its row, with its days as delivered."""
    table = rows(guide("privacy", language), CHAPTERS[language])
    told = {spans(row[2])[0]: int(row[3]) for row in table}
    delivered = Retention()
    assert told == {f"retention.{name}": getattr(delivered, name) for name in Retention.__slots__}


@each_language
def test_other_figures_stand_on_the_page(language: str) -> None:
    """What is not a setting is told, too."""
    text = read(guide("privacy", language))
    assert [figure for figure in FIGURES[language] if figure not in text] == []


def test_other_figures_are_those_of_the_code() -> None:
    """Whoever changes one of them changes the page."""
    journal = read(ROOT / "image/overlay/etc/systemd/journald.conf.d/10-centralino.conf")
    limits = dict(re.findall(r"^(SystemMaxUse|MaxRetentionSec)=(.+)$", journal, re.MULTILINE))
    assert timedelta(seconds=HARD_S).days == 8
    assert timedelta(days=1) == DRAFTS_KEPT
    assert ON_CARD == 3
    assert NIGHT.hour == 3
    assert limits == {"SystemMaxUse": "64M", "MaxRetentionSec": "6month"}
