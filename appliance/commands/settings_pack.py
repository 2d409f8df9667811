"""`centralino settings key` and `pack`: what the head office does, on any machine."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.commands.shell import in_language
from appliance.files import PRIVATE, READABLE, atomic_write
from appliance.policy.text import Refused, Words

KEY, CERTIFICATE = "key.pem", "certificate.pem"
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--name", default="Centralino settings", help="Whose key it is.")
def key(folder: Path, name: str) -> None:
    """Make the head office's key in FOLDER: key.pem signs, certificate.pem goes to the boxes."""
    from appliance.managed_config import bundle as signing

    if (folder / KEY).exists() or (folder / CERTIFICATE).exists():
        raise Refused(
            f"in {folder} c'è già una chiave: indicare un'altra cartella",
            f"there is a key in {folder} already: name another folder",
        )
    secret, certificate = signing.make_pair(name)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / KEY, secret, mode=PRIVATE)
    atomic_write(folder / CERTIFICATE, certificate, mode=READABLE)
    said = Words(
        f"{folder / KEY} firma e resta qui; {folder / CERTIFICATE} va su ogni apparecchio",
        f"{folder / KEY} signs and stays here; {folder / CERTIFICATE} goes to every box",
    )
    click.echo(in_language(said))


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--key", "key_file", type=FILE, required=True, help="key.pem of the head office.")
@click.option("--version", type=click.IntRange(min=1), required=True, help="Counted up each time.")
@click.option("--site", "sites", multiple=True, help="For this branch alone (central.branch).")
@click.option("--passphrase-file", type=FILE, help="Its first line seals the register.")
@click.option("--to", type=FILE, required=True, help="The file to be written.")
def pack(
    folder: Path,
    key_file: Path,
    version: int,
    sites: tuple[str, ...],
    passphrase_file: Path | None,
    to: Path,
) -> None:
    """Make one signed file of FOLDER: schedule.toml, register.toml, sheets/, prompts/it/."""
    from appliance.managed_config import bundle
    from appliance.managed_config import bundle as content
    from appliance.managed_config import bundle as signing

    files = content.read_folder(folder)
    found = content.content_of(files)
    if content.PLAIN_REGISTER in files and passphrase_file is None:
        raise Refused(
            "la rubrica contiene numeri riservati: indicare --passphrase-file, che la sigilla",
            "the register holds undisclosed numbers: name --passphrase-file, which seals it",
        )
    phrase = _first_line(passphrase_file) if passphrase_file else ""
    secret = key_file.read_bytes()
    made = bundle.Bundle(version, sites, content.sealed(files, phrase))
    data = bundle.pack(made, lambda signed: signing.sign(secret, signed))
    atomic_write(to, data, mode=READABLE)
    whom = ", ".join(sites) or "every branch"
    click.echo(
        f"{to}: version {version} for {whom}, {len(data)} bytes: {len(found.sheets)} sheets, "
        f"{len(found.register.units)} offices, {len(found.register.entered())} entries, "
        f"{len(found.prompts)} announcements"
    )


def _first_line(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[0].strip()
