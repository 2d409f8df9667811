"""`centralino box selftest`: is it the box, or the line?

On an installed box root has systemd's unit do it: under the service's account, with bounded
memory and processor, so that a call that is going on does not notice.
"""

from __future__ import annotations

import itertools
import os
import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.commands.options import config_option, language_of, language_option
from appliance.policy.text import NO_RIGHT, Refused
from appliance.selftest import findings
from appliance.selftest.findings import TITLES, Finding, Outcome, SelfTest
from appliance.service import selftest as requests
from appliance.text import Words, _, in_context

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE: Final = "centralino"
"""The service's account."""
UNIT: Final = "centralino-helper@selftest.service"
SYSTEMD: Final = Path("/run/systemd/system")
RUN: Final = Path("/run/centralino")
DEFAULT: Final = Path("/etc/centralino/centralino.toml")
# The unit's own limit, and systemd's time to start it.
UNIT_S: Final = 400.0
WORDS: Final = {
    Outcome.OK: in_context("selftest", "ok"),
    Outcome.WRONG: in_context("selftest", "WRONG"),
    Outcome.NOT_MEASURED: _("not measured"),
}
BY_UNIT: Final = _("The box is being tested, half a minute; calls go on meanwhile …")


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON, in every language.")
@language_option
@click.option("--asked", is_flag=True, hidden=True, help="What the service asks for (systemd).")
@click.option(
    "--run", type=click.Path(path_type=Path), hidden=True, help="Where it asks, with --asked."
)
def selftest(config_path: Path, as_json: bool, asked: bool, run: Path | None) -> None:
    """Tell whether it is the box or the line: try this box on simulated lines, half a minute.

    The service goes on, no modem is touched. Status 0 the box is well, 1 it is not, 2 not known.
    """
    if asked:
        raise SystemExit(_asked(config_path, run or RUN))
    _refuse_strangers(config_path)
    if _has_unit(config_path):
        _say(BY_UNIT)
        test = _by_unit()
    else:
        test = _here(config_path)
    click.echo(findings.to_text(test) if as_json else "\n".join(lines(test, language_of())))
    raise SystemExit(test.status)


def _refuse_strangers(config: Path) -> None:
    """Refuse a person who has forgotten sudo; a fault of the service's own account is found."""
    from appliance.selftest.machine import account
    from appliance.selftest.run import state_folder

    state = state_folder(config)
    needed = os.R_OK | os.W_OK | os.X_OK
    is_closed = state.exists() and not os.access(state, needed, effective_ids=True)
    if is_closed and account() not in {"root", SERVICE}:
        raise Refused(NO_RIGHT.filled(path=state))


def _say(words: Words) -> None:
    click.echo(words.text(language_of()), err=True)


def lines(test: SelfTest, language: str) -> Iterator[str]:
    """Yield the result for a terminal: what was measured, what was not and why, the verdict."""
    width = max(len(words.text(language)) for words in WORDS.values())

    def row(outcome: Outcome, titles: str, said: Words) -> str:
        return f"{WORDS[outcome].text(language):<{width}}  {titles}: {said.text(language)}"

    done = [f for f in test.findings if f.outcome is not Outcome.NOT_MEASURED]
    for each in done:
        yield row(each.outcome, TITLES[each.code].text(language), each.said)
    # What waits for one and the same thing stands in one line.
    left = [f for f in test.findings if f.outcome is Outcome.NOT_MEASURED]
    for said, group in itertools.groupby(left, lambda f: f.said):
        yield row(Outcome.NOT_MEASURED, _titles(group, language), said)
    yield ""
    yield test.verdict.text(language)


def _titles(group: Iterator[Finding], language: str) -> str:
    return ", ".join(TITLES[each.code].text(language) for each in group)


# ---- by systemd's unit ---------------------------------------------------------------------------


def _has_unit(config: Path) -> bool:
    """True on an installed box for root, whose unit has the service's account and limits."""
    if os.geteuid() != 0 or not SYSTEMD.is_dir() or config != DEFAULT:
        return False
    told = _systemctl("show", "--value", "-p", "LoadState", UNIT)
    return told.stdout.strip() == "loaded"


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["systemctl", *words], capture_output=True, text=True, check=False, timeout=UNIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def _by_unit() -> SelfTest:
    """Start the unit, wait for its end, return its result; raises Refused without one."""
    before = requests.load_last(RUN)
    started = _systemctl("start", UNIT)
    test = requests.load_last(RUN)
    if test is not None and (before is None or test.at > before.at):
        return test
    # Killed for its memory: the unit cannot say so itself.
    if _systemctl("show", "--value", "-p", "Result", UNIT).stdout.strip() == "oom-kill":
        return requests.without_memory()
    why = started.stderr.strip().splitlines()
    raise Refused(
        _("the self-test did not run ({why}): journalctl -u {unit} tells more",
          why=why[0] if why else "-", unit=UNIT)
    )  # fmt: skip


def _asked(config: Path, run: Path) -> int:
    """Do what the service asked for; the result stands beside the run folder."""
    from appliance.selftest.box import give_way
    from appliance.selftest.run import self_test, state_folder

    by = requests.take(run)
    give_way()
    test = self_test(config)
    requests.keep(state_folder(config), run, test, by)
    for line in lines(test, "en"):
        click.echo(line)
    # A box that is not well is a result, no failure of the unit.
    return 0


# ---- here ----------------------------------------------------------------------------------------


def _here(config: Path) -> SelfTest:
    from appliance.selftest.box import give_way
    from appliance.selftest.run import self_test, state_folder

    state = state_folder(config)
    _become_owner(state)
    give_way()
    test = self_test(config, notify=_say)
    requests.keep_in(state, test, "")
    return test


def _become_owner(state: Path) -> None:
    """As root, go on with the account of the service, whose rights are to be tried."""
    try:
        owner = state.stat().st_uid
    except OSError:
        return
    if os.geteuid() != 0 or owner == 0:
        return
    try:
        known = pwd.getpwuid(owner)
    except KeyError:
        return
    os.initgroups(known.pw_name, known.pw_gid)
    os.setgid(known.pw_gid)
    os.setuid(owner)
    os.environ["HOME"] = known.pw_dir
