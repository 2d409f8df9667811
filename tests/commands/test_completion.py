"""Completion in a real bash, and what the other shells are given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import get_completion_class

from appliance.__main__ import main
from tests.docs.pages import ROOT

PLACES = {
    "bash": "bash-completion/completions/centralino",
    "zsh": "zsh/vendor-completions/_centralino",
    "fish": "fish/vendor_completions.d/centralino.fish",
}
"""File of each shell in share, as below /usr/share."""


@pytest.fixture
def programme(tmp_path: Path) -> Path:
    """Return a folder with a `centralino` as the package installs it."""
    path = tmp_path / "centralino"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from appliance.__main__ import main\nsys.exit(main())\n"
    )
    path.chmod(0o755)
    return tmp_path


def completed(folder: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of some words."""
    script = (
        f"source {ROOT}/share/{PLACES['bash']}\n"
        'COMP_WORDS=(centralino "$@")\nCOMP_CWORD=$#\n_centralino_completion centralino\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("st",), ["status", "state"]),
        (("calls", "tr"), ["transfer"]),
        (("state", "hours", "week", "r"), ["revoke"]),
        (("box", "restore", "--fin"), ["--finish"]),
        (("trans",), []),
    ],
    ids=" ".join,
)
def test_bash_completes_names_and_options(
    programme: Path, words: tuple[str, ...], offered: list[str]
) -> None:
    """Commands, those of groups, options; no former name."""
    assert completed(programme, *words) == offered


OFFER = """
import sys
from click.shell_completion import get_completion_class
from appliance.__main__ import main
shell = get_completion_class(sys.argv[1])(main, {}, "centralino", "_CENTRALINO_COMPLETE")
print([shell.format_completion(one) for one in shell.get_completions([], "stat")])
print([name for name in sys.modules if name.startswith(("appliance.config", "appliance.api"))])
"""


def test_bash_offers_a_name_without_importing_what_it_does() -> None:
    """On a small board that took seconds at every Tab; zsh shows it, and imports it."""
    offered, imported = offers("bash")
    assert offered == str(["plain,status", "plain,state"])
    assert imported == "[]"
    offered, imported = offers("zsh")
    assert "plain\\nstate\\nHow calls are answered now" in offered
    assert "appliance.config" in imported


def offers(shell: str) -> list[str]:
    """Return what a shell is offered for `stat`, and which modules were imported for that."""
    done = subprocess.run(
        (sys.executable, "-c", OFFER, shell), env={**os.environ, "LANG": "C.UTF-8"},
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", PLACES)
def test_the_scripts_are_those_of_click(shell: str) -> None:
    """Each shell's script is what click makes for this programme."""
    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(main, {}, "centralino", "_CENTRALINO_COMPLETE")
    text = (ROOT / "share" / PLACES[shell]).read_text()
    assert text == made.source_template % made.source_vars() + "\n"


@pytest.mark.parametrize(
    ("lang", "help_"), [("it_IT.UTF-8", "Linee"), ("en_GB.UTF-8", "Telephone")]
)
def test_shells_that_show_it_say_what_a_command_does(
    lang: str, help_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the reader's language."""
    monkeypatch.setenv("LC_ALL", lang)
    [item] = main.shell_complete(click.Context(main), "lin")
    assert (item.value, str(item.help)[: len(help_)]) == ("line", help_)
