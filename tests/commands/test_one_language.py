"""Every command's failures in Italian to whoever reads Italian: no English sentence among them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from tests.commands.test_options import BROKEN, EVERY, ITALIAN

SITE: Final = '[site]\nname = "Comune"\npatron = "10-04"\n[hours]\n[sip]\naddress = "127.0.0.1"\n'
ENGLISH: Final = re.compile(
    r"(?<![-\w/.<])(the|is|are|was|of|and|not|cannot|such|must|missing|with|for|there|has|have"
    r"|which|that|usage|error|try|invalid|does|this|its|nobody|nothing|already|wrong|found|unknown"
    r"|needs|only)(?![-\w/=>])",
    re.IGNORECASE,
)
"""Words that stand in every English sentence and in no Italian one."""
DOES: Final = {
    ("run",), ("media",), ("console",), ("clock-set",), ("helper",), ("dev", "demo"),
    ("dev", "exchange"), ("dev", "call"), ("line", "field-test"), ("line", "probe"),
    ("line", "usb-reset"), ("box", "firewall"), ("calls", "bring-in"), ("box", "card"),
    ("box", "selftest"),
}  # fmt: skip
WAITS: Final = {("phones", "serve")}


def command(words: tuple[str, ...]) -> click.Command:
    """Find a command by its words."""
    found: click.Command = main
    for word in words:
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), word)
        assert inner is not None
        found = inner
    return found


def filled(found: click.Command, folder: Path) -> list[str]:
    """Write something for every parameter that a command needs."""
    line = []
    for each in found.params:
        if not each.required:
            continue
        match each.type:
            case click.Choice(choices=choices):
                value = choices[0]
            case click.Path() | click.File():
                value = str(folder / "nulla")
            case click.types.IntParamType() | click.types.IntRange():
                value = "1"
            case _:
                value = "oggi" if each.name in {"first", "since", "starts"} else "xyz"
        line += [value] if isinstance(each, click.Argument) else [each.opts[0], value]
    return line


LEAVES: Final = tuple(words for words in EVERY if not isinstance(command(words), click.Group))
TRIED: Final = tuple(
    words for words in LEAVES if not {words[:1], words[:2]} & DOES and words not in WAITS
)


def check_italian(words: tuple[str, ...], folder: Path, line: list[str], text: str) -> None:
    """Type a line with a configuration; what it fails with has no English word."""
    path = folder / "centralino.toml"
    path.write_text(text)
    env = {"LC_ALL": None, "LC_MESSAGES": None, **ITALIAN, "CENTRALINO_CONFIG": str(path)}
    typed = "parola segreta lunga\n" * 4  # where a password is asked for
    result = CliRunner().invoke(main, [*words, *line], env=env, input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    said = result.output.replace(str(folder), "")
    assert result.exit_code == 0 or not ENGLISH.findall(said), said


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_an_option_that_is_not_there(words: tuple[str, ...], tmp_path: Path) -> None:
    """The usage, the hint and the sentence."""
    check_italian(words, tmp_path, ["--nonsenso"], "")


@pytest.mark.parametrize("words", TRIED, ids=" ".join)
def test_nothing_behind_the_command(words: tuple[str, ...], tmp_path: Path) -> None:
    """What is missing, or what cannot be done where the box has never run."""
    folders = f'[folders]\nstate = "{tmp_path}/state"\nrun = "{tmp_path}/run"\n'
    check_italian(words, tmp_path, [], SITE + folders)


@pytest.mark.parametrize("words", TRIED, ids=" ".join)
def test_no_service_that_runs(words: tuple[str, ...], tmp_path: Path) -> None:
    """All that is needed is given, and there is nobody and nothing that it could be done with."""
    folders = f'[folders]\nstate = "{tmp_path}/state"\nrun = "{tmp_path}/run"\n'
    check_italian(words, tmp_path, filled(command(words), tmp_path), SITE + folders)


@pytest.mark.parametrize("words", TRIED, ids=" ".join)
def test_a_configuration_that_is_wrong(words: tuple[str, ...], tmp_path: Path) -> None:
    """Each mistake and its place."""
    check_italian(words, tmp_path, filled(command(words), tmp_path), BROKEN)
