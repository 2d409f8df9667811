"""The page says of every part what the code does when it dies or hangs."""

from __future__ import annotations

import pytest

from appliance.media import process
from appliance.policy.supervision import RESTART_RULES, Component, RestartRule
from tests.docs.pages import DESIGN, ROOT, rows

PAGE = rows(DESIGN / "failures.md", "What is restarted when")
NOTHING = "–"
IMAGE = ROOT / "image" / "overlay" / "etc" / "systemd" / "system"


def cells(part: Component, rule: RestartRule) -> list[str]:
    """Write a row as the page has it."""
    once = ", once no call is up" if rule.waits_for_calls else ""
    then = (
        RESTART_RULES[rule.then].what.text("en") + once
        if rule.then
        else "goes on without, and says so"
    )
    return [
        rule.what.text("en"),
        f"{rule.silent_s:g} s" if rule.silent_s else NOTHING,
        rule.remedy.text("en"),
        ", ".join(f"{pause:g}" for pause in rule.pauses_s) + " s" if rule.pauses_s else NOTHING,
        f"{rule.most} in {rule.within_s:g} s" if rule.within_s else NOTHING,
        NOTHING if part is Component.APPLIANCE else then,
    ]


@pytest.mark.parametrize("part", Component)
def test_each_part_has_its_row_with_the_figures_in_force(part: Component) -> None:
    """In the order of the table; a figure that is changed is changed on the page."""
    assert PAGE[list(RESTART_RULES).index(part)] == cells(part, RESTART_RULES[part])


def test_the_units_keep_to_the_table() -> None:
    """systemd's part stands in the units: the watchdog, and how many restarts are too many for the
    image, which starts the board anew; on a machine of somebody's own they are tried for ever.
    """
    rule = RESTART_RULES[Component.UNIT]
    for name in ("centralino", "centralino-media"):
        unit = (ROOT / "systemd" / f"{name}.service").read_text(encoding="utf-8")
        assert "StartLimitIntervalSec=0\n" in unit
        image = (IMAGE / f"{name}.service.d" / "image.conf").read_text(encoding="utf-8")
        assert f"StartLimitBurst={rule.most}\n" in image
        assert f"StartLimitIntervalSec={rule.within_s / 60:g}min\n" in image
        assert "StartLimitAction=reboot\n" in image
    # the console gives way to all others (Nice=5): a busy board may keep it waiting for longer
    granted = {"centralino": rule.silent_s, "centralino-media": 5.0, "centralino-console": 30.0}
    for name, seconds in granted.items():
        unit = (ROOT / "systemd" / f"{name}.service").read_text(encoding="utf-8")
        assert f"WatchdogSec={seconds:g}s\n" in unit
    assert granted["centralino-media"] >= 5 * process.WATCHDOG_S, "fed with room to spare"
