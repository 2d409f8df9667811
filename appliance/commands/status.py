"""`centralino status`: what the running desk sees."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from appliance.api import control_socket, users
from appliance.api.status_text import in_one_language
from appliance.commands.options import (
    config_option,
    desk_socket,
    language_option,
    load_settings,
    reading,
)
from appliance.commands.shell import language_of
from appliance.errors import CentralinoError
from appliance.service import reports
from appliance.service.reports import peak_words
from appliance.store.reports import peak_between

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.policy.reports import Peak


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
@language_option
def status(config_path: Path, as_json: bool) -> None:
    """Show lines, phones, states, messages and troubles of the running desk."""
    settings = load_settings(config_path)
    answer = control_socket.ask(desk_socket(settings), {"ask": "status"})
    found, proofs = peaks(settings, datetime.now(UTC)), reports.load(settings)
    missing = reports.wanted(settings, proofs)
    if as_json:
        shown = answer["status"]
        shown["peaks"] = {name: dataclasses.asdict(peak) for name, peak in found.items()}
        shown["divert_on_busy"] = diverted(settings, proofs) | {"missing": missing.en or None}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    tongue = language_of(settings)
    click.echo(answer["said"][tongue])
    if found and settings.lines:
        click.echo(in_one_language(peak_words(found["today"], found["month"]), tongue))
    if missing.en:
        click.echo(f"{in_one_language(missing, tongue)}.")
    nobody = users.wanted(Path(settings.folders.state))
    if nobody.en:
        click.echo(f"{in_one_language(nobody, tongue)}.")


def diverted(settings: Settings, proofs: tuple[reports.Proof, ...]) -> dict[str, object]:
    """Return what was proven of each public number, and of all where that is the same."""
    kept = {n: reports.proof_of(settings, n, proofs) for n in reports.numbers_of(settings)}
    numbers = {number: proof.outcome if proof else None for number, proof in kept.items()}
    same = set(numbers.values())
    return {"outcome": same.pop() if len(same) == 1 else None, "numbers": numbers}


def peaks(settings: Settings, now: datetime) -> dict[str, Peak]:
    """Return how many lines were engaged at once, today and this month; nothing without records."""
    local = now.astimezone(ZoneInfo(settings.site.zone))
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = {"today": today, "month": today.replace(day=1)}
    lines, until = [line.name for line in settings.lines], now + timedelta(seconds=1)
    with contextlib.suppress(CentralinoError), reading(settings) as connection:
        return {
            name: peak_between(connection, lines, since, until) for name, since in begins.items()
        }
    return {}
