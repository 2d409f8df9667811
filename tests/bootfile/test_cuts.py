"""Cut off at any write while the card's file comes into force: the office before, or the new one.

The next start finds the file again and brings it to its end (reliability.md 2, R5).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.bootfile.apply import BootPlaces, apply_card
from appliance.bootfile.card import CardVerdict
from appliance.config import read
from tests.bootfile.test_applying import box, write
from tests.bootfile.test_made import OFFICE
from tests.helpers.figures import Figures

FORMER = (
    OFFICE.replace("Comune", "Prima")
    .replace("abcd-1234", "prima-1234")
    .replace("due parole", "altre parole")
    .replace('"URP"', '"prima"')
    .replace("192.168.1.10", "192.168.1.9")
)


class Cut(BaseException):
    """The power goes: nothing of ours catches it, nothing is done any more."""


class Power:
    """Goes at the n-th use of a call: before it is done, or just afterwards."""

    def __init__(self, real: Callable[..., Any], nth: int, *, done: bool) -> None:
        self._real, self._left, self._done = real, nth, done

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Do what was asked, or not."""
        self._left -= 1
        if self._left == 0 and not self._done:
            raise Cut
        result = self._real(*given, **named)
        if self._left == 0:
            raise Cut
        return result


def cut_start(places: BootPlaces, call: str, power: Power) -> bool:
    """Start the box; returns whether the power went."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, power)
        try:
            apply_card(places)
        except Cut:
            return True
    return False


def check_cut(places: BootPlaces) -> None:
    """What is in force is one office or the other, and the next start ends with the new one."""
    cut = read.load(places.config)
    assert cut.site.name in {"Prima", "Comune"}
    found = apply_card(places).outcome
    assert found.verdict in {CardVerdict.APPLIED, CardVerdict.AS_BEFORE}
    assert found.set_aside == "", "its own configuration was taken for somebody else's"
    now = read.load(places.config)
    state = Path(now.folders.state)
    assert now.site.name == "Comune"
    assert json.loads((state / "secrets" / "phone_secrets.json").read_text())["op1"] == "abcd-1234"
    assert (state / "secrets" / "mail_password").read_text() == "due parole\n"
    assert (places.data / "etc/hostname").read_text() == "urp\n"
    assert "192.168.1.10/24" in (places.networkd / "10-lan.network").read_text()


@pytest.mark.parametrize(("call", "done", "least"), [("fsync", False, 8), ("replace", True, 5)])
def test_a_cut_at_any_write_does_no_harm(
    call: str, done: bool, least: int, tmp_path: Path, figures: Figures
) -> None:
    """Each use of the call is the last one once."""
    nth = 0
    while True:
        nth += 1
        (tmp_path / str(nth)).mkdir()
        places = box(tmp_path / str(nth))
        write(places, FORMER)
        apply_card(places)
        write(places, OFFICE)
        if not cut_start(places, call, Power(getattr(os, call), nth, done=done)):
            break
        check_cut(places)
    assert nth > {"fsync": 8, "replace": 5, "open": 8}.get(call, 0)
    when = "after" if done else "before"
    figures.say(
        f"F3 cut {when} each {call} as the card's file comes into force ({nth - 1}): no harm"
    )


def test_a_cut_at_the_first_start_of_all(tmp_path: Path) -> None:
    """On a new box, too, the next start brings it to its end."""
    nth = 0
    while True:
        nth += 1
        (tmp_path / str(nth)).mkdir()
        places = box(tmp_path / str(nth))
        write(places, OFFICE)
        if not cut_start(places, "replace", Power(os.replace, nth, done=True)):
            break
        assert not places.config.exists() or read.load(places.config).site.name == "Comune"
        assert apply_card(places).outcome.verdict in {CardVerdict.APPLIED, CardVerdict.AS_BEFORE}
        assert read.load(places.config).site.name == "Comune"
    assert nth > 3
