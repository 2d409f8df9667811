"""Root's helpers: one command, which does what an instance of systemd's template is named for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands.helper import HELPERS, helper


@pytest.fixture(autouse=True)
def its_own_timer() -> Iterator[None]:
    """The process's one timer as it was: the helper sets it."""
    before = signal.getitimer(signal.ITIMER_REAL)
    yield
    signal.setitimer(signal.ITIMER_REAL, *before)


def done(name: str, run: Path) -> tuple[list[str], float]:
    """Run a helper whose commands only note what they are given; returns that, and the seconds
    after which the process would be ended, 0 for never.
    """
    noted: list[tuple[list[str], float]] = []
    root = click.Group("centralino", {"helper": helper})

    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    @click.pass_context
    def note(context: click.Context, words: tuple[str, ...]) -> None:
        left, _every = signal.getitimer(signal.ITIMER_REAL)
        noted.append(([context.info_name or "", *words], left))

    settings = {"ignore_unknown_options": True, "help_option_names": []}
    root.command(HELPERS[name].words[0], context_settings=settings)(note)
    result = CliRunner().invoke(root, ["helper", name, "--config", "x.toml", "--run", str(run)])
    assert result.exit_code == 0, result.output
    ((words, left),) = noted
    return words, left


@pytest.mark.parametrize("name", HELPERS)
def test_each_does_its_one_command(tmp_path: Path, name: str) -> None:
    """With the service's run folder and, where it reads one, its configuration; who asks for
    settings in the browser is not kept waiting for longer than a minute, a restore takes an hour.
    """
    words, left = done(name, tmp_path)
    chosen = HELPERS[name]
    config = ["--config", "x.toml"] if chosen.reads_config else []
    assert words == [*chosen.words, *config, "--run", str(tmp_path)]
    expected = {"settings": 60.0, "restore": 3600.0}.get(name, 0.0)
    assert left == pytest.approx(expected, abs=10.0)


@pytest.mark.parametrize("name", HELPERS)
def test_each_command_stands_in_the_tree_and_knows_its_options(name: str) -> None:
    """No name leads nowhere: the command is there and takes what it is given."""
    words = [word for word in HELPERS[name].words if not word.startswith("-")]
    command: click.Command = main
    context = click.Context(main, info_name="centralino")
    for word in words:
        if not isinstance(command, click.Group):
            assert word == "good", "an argument"
            continue
        found = command.get_command(context, word)
        assert found is not None, word
        command, context = found, click.Context(found, parent=context, info_name=word)
    options = {option for one in command.params for option in one.opts}
    given = {word for word in HELPERS[name].words if word.startswith("-")}
    config = {"--config"} if HELPERS[name].reads_config else set()
    assert given | config | {"--run"} <= options


def test_what_is_no_helper_is_refused(tmp_path: Path) -> None:
    """In one sentence that names those there are."""
    result = CliRunner().invoke(main, ["helper", "sh", "--run", str(tmp_path)])
    assert result.exit_code == 2
    assert all(name in result.output for name in HELPERS)
