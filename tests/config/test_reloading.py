"""SIGHUP: a child looks at the file; a bad one changes nothing, a good one waits for calm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from appliance.policy.text import Refused
from appliance.service.jobs import JobResult, Jobs
from appliance.service.main import TOLD, Reloading
from appliance.service.status import StatusCollector
from tests.helpers.niceness import wait_unhurried
from tests.helpers.words import pair

GOOD = JobResult(True, pair("bene", "good"))
BAD = JobResult(False, pair("riga 3:\n  a? " * 99, "line 3:\n  a? " * 99))


class Child:
    """Stands for the jobs: one check, which ends when a test says so."""

    def __init__(self) -> None:
        self.running = ""
        self.begun: list[Callable[[JobResult], None]] = []
        self.refusal: Exception | None = None

    def begin(
        self, words: tuple[str, ...], _typed: str, _most: int, then: Callable[[JobResult], None]
    ) -> None:
        """Begin."""
        assert words == ("check",)
        if self.refusal:
            raise self.refusal
        self.begun.append(then)


class AskedReload:
    """A reload that was asked for."""

    def __init__(self, *, kept: bool = True) -> None:
        self.child, self.collector, self.idle = Child(), StatusCollector(), True
        self.reloading = Reloading(cast(Jobs, self.child), self.collector, kept=kept)
        self.reloading.ask()

    def look(self) -> bool:
        """Have the deciding thread look; returns whether the service leaves."""
        return self.reloading.look(lambda: self.idle)

    def hear(self, ended: JobResult) -> None:
        """Let the check end."""
        self.look()
        self.child.begun.pop()(ended)


def test_a_bad_file_changes_nothing_and_is_said() -> None:
    """The configuration before stays in force; the sentence ends with the next good one."""
    asked = AskedReload()
    asked.hear(BAD)
    assert not asked.look()
    (said,) = asked.collector.troubles()
    assert "the one before stays in force: line 3: a?" in said.text("en")
    assert "resta quella di prima" in said.text("it")
    assert len(said.text("en")) < TOLD + 100
    asked.reloading.ask()
    asked.hear(GOOD)
    assert asked.collector.troubles() == ()
    assert asked.look()


def test_a_good_one_is_taken_over_when_no_call_is_up() -> None:
    """Nobody is cut off for a change of the file."""
    asked = AskedReload()
    asked.idle = False
    asked.hear(GOOD)
    assert not asked.look()
    asked.idle = True
    assert asked.look()


def test_without_a_service_manager_it_is_only_said() -> None:
    """Nobody would start it again."""
    asked = AskedReload(kept=False)
    asked.hear(GOOD)
    assert not asked.look()
    assert [words.text("en") for words in asked.collector.troubles()] == [
        "The new configuration is good: restart the service to use it."
    ]


def test_a_check_waits_for_what_is_running() -> None:
    """A backup under way is not disturbed; asked twice it is looked at once."""
    asked = AskedReload()
    asked.child.running = "backup"
    asked.reloading.ask()
    asked.look()
    assert asked.child.begun == []
    asked.child.running = ""
    asked.look()
    asked.look()
    assert len(asked.child.begun) == 1


@pytest.mark.parametrize("refusal", [Refused(pair("no", "no")), OSError("no memory")])
def test_what_cannot_be_begun_is_no_obstacle(refusal: Exception) -> None:
    """No child can be had: call control goes on."""
    asked = AskedReload()
    asked.child.refusal = refusal
    assert not asked.look()


def test_the_real_check_is_asked(tmp_path: Path) -> None:
    """Of a file that is wrong, by the command that a technician knows."""
    path = tmp_path / "centralino.toml"
    path.write_text("[ours]\n", encoding="utf-8")
    jobs, collector = Jobs(path), StatusCollector()
    reloading = Reloading(jobs, collector, kept=True)
    reloading.ask()
    reloading.look(lambda: True)
    assert jobs._running is not None
    wait_unhurried(jobs._running.child)
    jobs.look()
    assert "ours: unknown key" in collector.troubles()[0].text("en")
