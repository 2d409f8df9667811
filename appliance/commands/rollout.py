"""`centralino box settings rollout`: at the head office, the stages of an update for all boxes."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from appliance.commands.options import in_language
from appliance.config.read import read_text, structure
from appliance.config.rollout_file import parse_rollout, rollout_text
from appliance.config.state_folder import UPDATES
from appliance.files import READABLE, atomic_write
from appliance.policy.rollout import (
    BoxReport,
    Rollout,
    Stage,
    advanced,
    box_words,
    check_rollout,
    stage_words,
)
from appliance.policy.text import Refused
from appliance.text import _

BOXES: Final = "boxes.toml"
"""File in the head office's folder that names the boxes; it is in no bundle."""
LIMIT_S: Final = 10.0
LARGEST_PAGE: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class BoxesFile:
    """The whole of boxes.toml: the address of each box's figures, by branch."""

    boxes: dict[str, str]


@click.command("rollout")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--begin", default="", metavar="VERSION", help="Begin anew, with this version.")
@click.option("--first", default="", metavar="BRANCH", help="With --begin: the one first box.")
@click.option("--percent", type=int, default=10, help="With --begin: size of the second stage.")
@click.option("--hours", type=int, default=24, help="With --begin: least duration of a stage.")
@click.option("--stop", is_flag=True, help="No box takes the version any more.")
def rollout(folder: Path, begin: str, first: str, percent: int, hours: int, *, stop: bool) -> None:
    """Look at all boxes of FOLDER/boxes.toml, and begin the next stage of the update if it is due.

    One box takes the version first, then a percentage, then all. A box that goes back to its
    former version stops the rollout. The stage is written into FOLDER/updates.toml, which
    `settings pack` takes.
    """
    if begin and stop:
        raise click.UsageError(in_language(_("--begin and --stop exclude each other")))
    before = None if begin else _read(folder / UPDATES)
    now = datetime.now(UTC).replace(microsecond=0)
    if before is None:
        found = Rollout(begin, Stage.FIRST, first, now, percent, hours)
        check_rollout(found)
    elif stop:
        # Whatever state the boxes and their list are in.
        found = replace(before, stage=Stage.STOPPED, since=now)
    else:
        found = before
    if not stop:
        found = _looked_at(found, folder / BOXES, now)
    # Written only where it differs: whoever packs by a timer compares the file's time.
    if found != before:
        atomic_write(folder / UPDATES, rollout_text(found), mode=READABLE)
    click.echo(in_language(stage_words(found)))
    if found != before:
        click.echo(in_language(PACK_IT.filled(file=folder / UPDATES)))


def _looked_at(rollout: Rollout, boxes: Path, now: datetime) -> Rollout:
    """Query all boxes and say a line about each; return the rollout that follows."""
    reports = {branch: _report(address) for branch, address in sorted(_boxes(boxes).items())}
    found = advanced(rollout, reports, now)
    for branch, report in reports.items():
        click.echo(in_language(box_words(found, branch, report)))
    return found


PACK_IT: Final = _("{file} is written: pack the settings with a higher version")


def _boxes(file: Path) -> Mapping[str, str]:
    boxes = structure(read_text(file), BOXES, BoxesFile).boxes
    if wrong := [branch for branch, at in boxes.items() if not at.startswith(_SCHEMES)]:
        raise Refused(
            _(
                "{file}: write the address of the figures of {branch}, like "
                "http://192.168.1.10:9799/metrics",
                file=file,
                branch=wrong[0],
            )
        )
    return boxes


_SCHEMES: Final = ("http://", "https://")


def _read(file: Path) -> Rollout:
    if not file.exists():
        raise Refused(
            _("there is no {file}: begin a rollout by --begin VERSION --first BRANCH", file=file)
        )
    return parse_rollout(read_text(file), UPDATES)


def _report(address: str) -> BoxReport | None:
    """Query a box's figures; None if it does not answer as a box does."""
    # Imported here: no other command needs the library.
    from appliance.fleet.prometheus_page import box_report

    try:
        # No proxy: the boxes are in the municipality's own network.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=LIMIT_S) as answer:
            return box_report(answer.read(LARGEST_PAGE).decode())
    except (OSError, http.client.HTTPException, ValueError):
        return None
