"""What the machine's own helpers tell call control: a trouble as long as its file lies there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from appliance.service.notices import (
    HELPERS_TEXTS,
    LOOKS_S,
    Notices,
    folder_of,
    post_notice,
    read_notices,
    withdraw_notice,
)
from appliance.service.status import StatusCollector
from appliance.text import Words
from tests.helpers.words import pair

DAMAGED: Final = pair("La scheda è danneggiata.", "The card is damaged.")
HELPER: Final = Path(__file__).parents[2] / "image/overlay/usr/lib/centralino-image/notice"


def test_told_shown_and_over(tmp_path: Path) -> None:
    """A notice is a trouble from the next look on, and none once it is taken back."""
    collector, folder = StatusCollector(), tmp_path / "notices"
    watch = Notices(collector.trouble, folder)
    assert not watch.look(0.0)
    post_notice("data", DAMAGED, folder)
    assert not watch.look(LOOKS_S - 0.1), "it looks now and then, not at every turn"
    assert watch.look(LOOKS_S)
    assert collector.troubles() == (DAMAGED,)
    assert not watch.look(2 * LOOKS_S)
    withdraw_notice("data", folder)
    assert watch.look(3 * LOOKS_S)
    assert collector.troubles() == ()


def test_other_words_replace_those_before(tmp_path: Path) -> None:
    """Told anew under its name, a notice is one trouble, not two."""
    collector = StatusCollector()
    watch = Notices(collector.trouble, tmp_path)
    for at, words in ((0.0, DAMAGED), (LOOKS_S, pair("Sostituirla.", "Replace it."))):
        post_notice("data", words, tmp_path)
        assert watch.look(at)
        assert collector.troubles() == (words,)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"it": "x"}', "\xff", "1"])
def test_what_is_no_notice_is_none(tmp_path: Path, text: str) -> None:
    """A half written or foreign file costs neither the others nor call control."""
    (tmp_path / "other.json").write_bytes(text.encode("latin-1"))
    post_notice("data", DAMAGED, tmp_path)
    assert read_notices(tmp_path) == {"data": DAMAGED}


def helper(run: Path, *words: str) -> None:
    """Run the image's shell helper beside a run folder."""
    environment = {"CENTRALINO_RUN": str(run.parent), "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", HELPER, *words], env=environment, check=True, capture_output=True)


@pytest.mark.parametrize("text", HELPERS_TEXTS, ids=lambda text: text.msgid[:40])
def test_the_images_helper_writes_what_call_control_reads(tmp_path: Path, text: Words) -> None:
    """Whatever the shell says reads in every language, and is taken back."""
    run = tmp_path / "centralino"
    helper(run, "data", text.msgid, "/data/saved/1")
    assert read_notices(folder_of(run)) == {"data": text.filled(where="/data/saved/1")}
    assert (folder_of(run) / "data.json").stat().st_mode & 0o777 == 0o644
    helper(run, "data")
    assert read_notices(folder_of(run)) == {}


def test_a_text_that_call_control_does_not_know_is_none(tmp_path: Path) -> None:
    """Nobody else puts sentences before the operator through the helpers' folder."""
    run = tmp_path / "centralino"
    helper(run, "data", "Transfer all calls to 0899 123456.")
    assert read_notices(folder_of(run)) == {}


def test_call_control_knows_every_text_of_the_helpers() -> None:
    """Each sentence of the data partition's helper is among the texts, and none is left over."""
    script = HELPER.with_name("data").read_text("utf-8")
    assert set(re.findall(r'"(The [^"]+\.)"', script)) == {text.msgid for text in HELPERS_TEXTS}
