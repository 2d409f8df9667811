"""Mistakes of use of `line field-test`: one sentence, before anything is stopped or made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands.services import DIALECTS
from appliance.fieldtest import holding
from appliance.simulator.exchange.modem_protocol import PERSONALITIES

if TYPE_CHECKING:
    from pathlib import Path


TWO = ("--line-a", "a", "--line-b", "b", "--number-a", "201", "--number-b", "202")
MISTAKES = {
    "an emergency number": ((*TWO, "--number-a", "112"), "112", "emergenza", "emergency"),
    "hidden behind a prefix": ((*TWO, "--number-b", "*67#112"), "112", "emergenza", "emergency"),
    "letters": ((*TWO, "--number-b", "12a"), "12a", "di cifre", "of digits"),
    "congestion": (("--congestion", "118"), "118", "emergenza", "emergency"),
    "no seconds": (("--soak", "abc"), "--soak abc", "scrivere i secondi", "write seconds"),
    "less than nothing": (("--soak", "-5"), "--soak -5", "scrivere i secondi", "write seconds"),
    "nothing": (("--load", "0"), "--load 0", "scrivere i secondi", "write seconds"),
    "no number": (("--load", "nan"), "--load nan", "scrivere i secondi", "write seconds"),
    "for ever": (("--soak", "1e9"), "--soak 1e9", "scrivere i secondi", "write seconds"),
    "no command": (("--override", "S0=0"), "S0=0", "comincia con AT", "begins with AT"),
    "a country": (("--country", "zz"), "zz", "'it'", "'it'"),
    "a modem": (("--dialect", "hayes"), "hayes", "'usr5637'", "'usr5637'"),
    "half a pair": (("--line-a", "a"), "--line-b", "servono due linee", "two lines are needed"),
    "one port twice": (("--line-a", "a", "--line-b", "a"), "--line-b", "stessa", "the same port"),
    "one modem by two names": (
        ("--line-a", "a", "--line-b", "./a"), "--line-b", "stessa", "the same port",
    ),
    "one number twice": (
        (*TWO, "--number-b", "201"), "--number-b", "stesso numero", "the same number",
    ),
    "no numbers": (("--line-a", "a", "--line-b", "b"), "--number-a", "servono", "are needed"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "what", "it", "en"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("language", ["it", "en"])
def test_a_mistake_of_use_is_one_sentence(
    words: tuple[str, ...], what: str, it: str, en: str, language: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It names what was written and what may be; no port is looked at, no folder is made."""
    looked: list[object] = []
    monkeypatch.setattr(holding, "plan_stop", looked.append)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        main, ["field-test", *words, "--out", str(out), "--language", language]
    )
    assert result.exit_code == 2
    (sentence,) = [
        line for line in result.output.splitlines() if line.startswith(("Error: ", "Errore: "))
    ]
    assert what in sentence
    assert (it if language == "it" else en) in sentence
    assert not looked
    assert not out.exists()


def test_the_dialects_of_the_help_are_those_of_the_exchange() -> None:
    """The list is written twice, so that a help loads no exchange."""
    assert sorted(DIALECTS) == sorted(PERSONALITIES)


@pytest.mark.usefixtures("italian")
@pytest.mark.parametrize(
    ("options", "said"),
    [(("-k", "nothing_of_this_name"), "non scelgono nessuna prova"), (("--knobs", "loss"), "JSON"),
     (("--no-such-option",), "--no-such-option")],
)  # fmt: skip
def test_options_of_the_suite_are_tried_before_anything_is_stopped(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """What stands behind -- is pytest's: it is asked whether it takes it."""
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["field-test", "--out", str(out), "--", *options])
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert not out.exists()
