"""The recording of the demonstration tells what the demonstration tells today."""

from __future__ import annotations

import html
import inspect
import re
from typing import Final

import pytest

from appliance.commands import demo
from appliance.text import LANGUAGES, _
from tests.docs.pages import ROOT

AGAIN: Final = "record it anew: scripts/record_demo.sh"
TOLD: Final = (
    _("Call 1. A citizen asks for the registry office, and is put through."),
    _("the operator answers; both talk"),
    _("the office answers: the caller talks with the office"),
    _("Call 2. The office does not answer, and the caller is not lost."),
    _("the office's phone rings; nobody answers"),
    _("Call 3. The office is closed; the caller leaves a message."),
    _("the caller speaks after the tone"),
    _("All three calls went as they should."),
)
"""Sentences of the demonstration that no telephone time can change."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_recording_is_of_todays_demonstration(language: str) -> None:
    """Each sentence stands there, in the order in which it is told, in the reader's language."""
    drawn = (ROOT / "docs" / "img" / f"demo.{language}.svg").read_text(encoding="utf-8")
    lines = re.findall(r"<text[^>]*>(.*?)</text>", drawn, re.DOTALL)
    shown = " ".join(html.unescape(re.sub(r"<[^>]+>", "", line)) for line in lines)
    at = 0
    for sentence in TOLD:
        at = shown.find(sentence.text(language), at)
        assert at >= 0, f"{sentence.text(language)!r}: {AGAIN}"


def test_the_demonstration_has_these_sentences() -> None:
    """A sentence that was reworded is missed here, and the recording with it."""
    source = inspect.getsource(demo)
    missing = [str(one) for one in TOLD if str(one) not in source]
    assert missing == [], AGAIN


def test_no_place_of_a_machine_is_shown() -> None:
    """What is shown is the checkout's alone."""
    for file in sorted((ROOT / "docs" / "img").glob("demo.*.svg")):
        assert not re.search(r"/(?:home|root|tmp|work)/", file.read_text(encoding="utf-8")), file
