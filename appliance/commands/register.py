"""`centralino register` and `explain-transfer`: who may be reached, for what, when (P3–P7)."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.commands.explain import MOMENT
from appliance.commands.options import config_option, load_settings
from appliance.daemon import register_file
from appliance.daemon.office import build_office
from appliance.policy import transfer_words
from appliance.policy.clock import Now
from appliance.policy.register.register import Register
from appliance.policy.transfer import Allowed, Later, may_transfer

FILE = click.Path(path_type=Path)


@click.group()
def register() -> None:
    """Rubrica uffici: services, offices, and what they declared in writing."""


@register.command()
@click.argument("file", type=FILE)
def check(file: Path) -> None:
    """Name every mistake of a register FILE at once, and who has declared nothing valid today."""
    found = register_file.load(file)
    click.echo(f"{file}: {len(found.units)} units, {len(found.declarations)} declarations: good")
    for row in notices(found, datetime.now().astimezone()):
        click.echo(row)


@register.command()
@click.argument("file", type=FILE)
def show(file: Path) -> None:
    """Show a register FILE by unit: needs, bands, what returns lead to; numbers stay masked."""
    found, day = register_file.load(file), datetime.now().astimezone().date()
    for unit in found.units:
        click.echo(f"{unit.code:<16} {unit.name}")
        declaration = found.valid_declaration(unit, day)
        for need in declaration.needs if declaration else ():
            labels = ", ".join(f"{t.label or t.reach} {t.number}" for t in need.targets)
            click.echo(f"  {need.code:<16} {need.name}: {labels}")


def notices(found: Register, now: datetime) -> list[str]:
    """Say what the head must look after: no valid declaration, or one that soon runs out (E13)."""
    rows = [f"{unit.code}: no valid declaration" for unit in found.undeclared(now.date())]
    rows += [f"{d.unit}: declaration runs out on {d.last}" for d in found.expiring(now.date())]
    return rows


@click.command("explain-transfer")
@config_option
@click.option("--register", "file", type=FILE, required=True, help="The register's file.")
@click.option("--office", required=True, help="The code of the office or service.")
@click.option("--need", required=True, help="The code of the need.")
@click.option("--at", type=MOMENT, help="Local time; now by default.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
def explain_transfer(
    config_path: Path, file: Path, office: str, need: str, at: datetime | None, as_json: bool
) -> None:
    """Say whether a call could be transferred to an OFFICE for a NEED, and if not, when."""
    settings = load_settings(config_path)
    zone = ZoneInfo(settings.site.zone)
    moment = at.replace(tzinfo=zone) if at else datetime.now(zone)
    calendar = build_office(settings, moment.year, str(config_path)).switchboard.schedule
    answer = may_transfer(register_file.load(file), calendar, office, need, Now(0.0, moment))
    if as_json:
        click.echo(json.dumps(to_json(answer, moment), indent=2, ensure_ascii=False))
    else:
        click.echo(in_words(answer, moment, settings.site.languages[0]))


def in_words(answer: Allowed | Later, moment: datetime, language: str) -> str:
    """Say it as the operator reads it."""
    if isinstance(answer, Later):
        words = transfer_words.in_words(answer, moment)
        return words.it if language == "it" else words.en
    labels = ", ".join(t.label or str(t.number) for t in answer.targets)
    may = "si può trasferire a" if language == "it" else "may be transferred to"
    return f"{answer.unit.name}, {answer.need.name}: {may} {labels}"


def to_json(answer: Allowed | Later, moment: datetime) -> dict[str, object]:
    """Return the answer with stable keys; numbers are masked."""
    shared: dict[str, object] = {
        "at": moment.isoformat(),
        "office": answer.unit.code,
        "allowed": isinstance(answer, Allowed),
        "returns": [rule.value for rule in answer.rules],
    }
    if isinstance(answer, Allowed):
        targets = [{"label": t.label, "reach": t.reach.value} for t in answer.targets]
        return shared | {
            "need": answer.need.code,
            "declaration": answer.declaration,
            "targets": targets,
        }
    words = transfer_words.in_words(answer, moment)
    resumes = answer.resumes_at.isoformat() if answer.resumes_at else None
    return shared | {
        "need": answer.need,
        "code": answer.why.value,
        "resumes_at": resumes,
        "sentence_it": words.it,
        "sentence_en": words.en,
    }
