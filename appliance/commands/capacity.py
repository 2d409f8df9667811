"""`centralino capacity`: how many lines and positions the calls need, by Erlang's formulas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from appliance.commands.answering import answering, both_option, lines_of
from appliance.commands.options import config_option, load_settings, reading
from appliance.policy.reports import HOUR_MS, Hour, Wanted, busiest, offered, table
from appliance.policy.text import Refused, Words
from appliance.store.reports import uses_since

if TYPE_CHECKING:
    from appliance.config.schema import Settings

DAYS: Final = 28
"""So far back the box's own lines are looked at: four of each weekday."""
SHARE: Final = click.FloatRange(0.0, 100.0, min_open=True, max_open=True)


@click.command()
@config_option
@click.option("--calls", type=click.FloatRange(0.0, 10_000.0, min_open=True), help="In an hour.")
@click.option("--seconds", type=click.FloatRange(1.0, 36_000.0), help="A call's mean length.")
@click.option("--engaged", type=SHARE, default=1.0, show_default=True, help="% at most.")
@click.option("--answered", type=SHARE, default=80.0, show_default=True, help="% at least.")
@click.option(
    "--within", type=click.FloatRange(0.0, 3600.0), default=20.0, show_default=True, help="Seconds."
)
@both_option
def capacity(
    config_path: Path,
    *,
    calls: float | None,
    seconds: float | None,
    engaged: float,
    answered: float,
    within: float,
    as_json: bool,
) -> None:
    """Say how many lines and positions are enough: of the busiest hour of the last four weeks, or
    of so many calls an hour of so many seconds.
    """
    wanted = Wanted(engaged / 100, answered / 100, within)
    with answering(config_path, as_json=as_json) as say:
        settings = load_settings(config_path)
        if calls is None and seconds is None:
            say(lines_of(_of_the_box(settings, wanted)))
        elif calls is None or seconds is None:
            raise Refused(
                "servono sia --calls (chiamate all'ora) sia --seconds (la loro durata media)",
                "both --calls (calls an hour) and --seconds (their mean length) are needed",
            )
        else:
            say(lines_of(_of_figures(calls, seconds, wanted)))


def _of_figures(calls: float, seconds: float, wanted: Wanted) -> Iterator[Words]:
    traffic = calls * seconds / 3600
    yield Words(f"Traffico: {traffic:.2f} erlang", f"Traffic: {traffic:.2f} erlang")
    yield from table(traffic, seconds, wanted)


def _of_the_box(settings: Settings, wanted: Wanted) -> Iterator[Words]:
    """Say it of the box's own busiest hour; raises Refused where it has served no call yet."""
    lines = tuple(line.name for line in settings.lines)
    now = datetime.now(UTC)
    with reading(settings) as connection:
        uses = list(uses_since(connection, lines, now - timedelta(days=DAYS)))
    hour = busiest(uses, _hours(now, ZoneInfo(settings.site.zone)))
    if hour is None:
        raise Refused(
            f"nelle ultime {DAYS // 7} settimane nessuna linea è stata impegnata: dire --calls e "
            "--seconds",
            f"no line was engaged within the last {DAYS // 7} weeks: say --calls and --seconds",
        )
    came = offered(hour.traffic, len(lines))
    yield _said(hour, came)
    yield from table(came, hour.length_s, wanted, len(lines))


def _said(hour: Hour, came: float) -> Words:
    clock = f"{hour.hour}–{hour.hour + 1}"
    return Words(
        f"Ora più carica: {clock}, media di {hour.days} giorni: {hour.traffic:.2f} erlang sulle "
        f"linee, {came:.2f} con chi ha trovato occupato; una chiamata dura {hour.length_s:.0f} s",
        f"Busiest hour: {clock}, mean of {hour.days} days: {hour.traffic:.2f} erlang on the lines, "
        f"{came:.2f} with those who heard engaged; a call takes {hour.length_s:.0f} s",
    )


def _hours(now: datetime, zone: ZoneInfo) -> dict[int, tuple[str, int]]:
    """Name day and hour of each hour since 1970, as far back as uses may reach."""
    last = int(now.timestamp() * 1000) // HOUR_MS + 1
    named = {}
    for number in range(last - (DAYS + 2) * 24, last + 1):
        at = datetime.fromtimestamp(number * HOUR_MS / 1000, zone)
        named[number] = (f"{at:%Y-%m-%d}", at.hour)
    return named
