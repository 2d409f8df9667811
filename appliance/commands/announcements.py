"""`centralino office prompts`: announcements of the office's own, spoken by the box's voice."""

from __future__ import annotations

import contextlib
import difflib
import getpass
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import click

from appliance import prompts as recorded
from appliance.api import speech
from appliance.api.commands import Dictate, FollowDictation
from appliance.calls.status import Went
from appliance.commands.answering import answering, both_option
from appliance.commands.json_output import json_option, say_json
from appliance.commands.options import (
    config_option,
    in_site_language,
    load_settings,
    require_state,
    send,
    send_with_proof,
)
from appliance.commands.sheets import heard_at_once
from appliance.config import state_folder
from appliance.config.schema import Settings
from appliance.console.pages.announcements import telephone_sound
from appliance.dsp import g711
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import OfficeError, TechnicianError
from appliance.policy.privacy import Disclosure
from appliance.policy.text import Refused
from appliance.prompts import voices
from appliance.store.database import open_reader, records_made
from appliance.text import _, joined, unchanged

EVERY_S = 0.5
"""Seconds between two queries of the progress."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A dictation: announcement, phone and user."""

    language: str
    key: str
    phone: str
    by: str


def follow_dictation(
    settings: Settings,
    wanted: Wanted,
    say: Callable[[str], None],
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Ring the phone and print each step until the recording is stored; raises OfficeError."""
    named: dict[str, Any] = {"language": wanted.language, "key": wanted.key, "by": wanted.by}
    send_with_proof(settings, Dictate(phone=wanted.phone, **named))
    shown = ""
    while True:
        reply = send(settings, FollowDictation(**named))
        went, said = reply.went, in_site_language(settings, reply.said or GONE)
        # It ended without a stored recording.
        if reply.over and went != Went.KEPT:
            raise OfficeError(said)
        # Print each step once; the end is printed by the caller.
        if went != shown and went != Went.KEPT:
            say(said)
        if reply.over:
            return
        shown = went
        wait(EVERY_S)


def draft_dictation(settings: Settings, wanted: Wanted) -> bytes:
    """Return the draft as callers would hear it, 16 bits at 8 kHz; raises OfficeError."""
    contents = draft_path(settings, wanted).read_bytes()
    return g711.decode(telephone_sound(contents), Law.ALAW)


def draft_path(settings: Settings, wanted: Wanted) -> Path:
    """Return the draft's path."""
    folder = state_folder.drafts_of(Path(settings.folders.state))
    return state_folder.path_of(folder, wanted.language, wanted.key)


language_option = click.option(
    "--language",
    type=click.Choice(sorted(speech.VOICES)),
    default=recorded.FIRST,
    show_default=True,
)

NOWHERE = _("No announcement is called {}: it is heard only where the configuration names it.")
NEAR = _(" Did you mean: {}?")
GONE = _("It is gone.")
NAMED = _("The name is heard already.")
OWN = _("the box's own voice")
RECORDED = _("the recorded voice")
LET_HEAR = _("Let callers hear it?")


@click.group()
@config_option
@click.pass_context
def prompts(context: click.Context, config_path: Path) -> None:
    """Announcements of your own: written here, spoken by the box's voice."""
    context.obj = load_settings(config_path)


@prompts.command()
@click.argument("key")
@click.argument("text")
@language_option
@click.pass_obj
def say(settings: Settings, key: str, text: str, language: str) -> None:
    """Speak TEXT wherever KEY is said: privacy, greeting_closed, or a greeting of your own."""
    _check_key(settings, key, language)
    length_ms = speech.say(_folder(settings), language, key, text, _disclosure(settings))
    click.echo(f"{language}/{key}: {length_ms / 1000:.1f} s")
    # A mistyped name would be stored and never heard: say so.
    if key in _keys(settings, language):
        click.echo(in_site_language(settings, heard_at_once(settings)))
        return
    near = difflib.get_close_matches(key, _keys(settings, language))
    said = NOWHERE.filled(key)
    if near:
        said = joined("", (said, NEAR.filled(", ".join(near))))
    click.echo(in_site_language(settings, said))


@prompts.command()
@click.argument("key")
@language_option
@click.pass_obj
def forget(settings: Settings, key: str, language: str) -> None:
    """Say KEY as it is recorded again; the office's name as the box says it."""
    speech.forget(_folder(settings), language, key)
    # A greeting needs the office's name: generate it in the place of the removed recording.
    if (language, key) == (settings.site.languages[0], speech.KEY):
        with contextlib.suppress(TechnicianError, Refused):
            _name_office(settings)
    # One that no recording stands behind is heard nowhere any more.
    is_heard = key in _keys(settings, language)
    click.echo(in_site_language(settings, heard_at_once(settings) if is_heard else GONE))


@prompts.command()
@click.argument("key")
@language_option
@click.option("--phone", required=True, help="The phone that rings: its name or its extension.")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who asks.")
@click.option("--yes", is_flag=True, help="Let callers hear it without asking.")
@click.pass_obj
def record(settings: Settings, key: str, language: str, phone: str, by: str, *, yes: bool) -> None:
    """Have a phone ring, to say KEY at it: after the tone, ended by hash, kept by 1.

    Ends with status 1 when nothing was kept; the sentence says why.
    """

    _check_key(settings, key, language)
    wanted = Wanted(language, key, phone, by)
    follow_dictation(settings, wanted, click.echo)
    sound = draft_dictation(settings, wanted)
    click.echo(f"{language}/{key}: {len(sound) / (2 * SAMPLE_RATE):.1f} s")
    if yes or click.confirm(in_site_language(settings, LET_HEAR)):
        speech.put(_folder(settings), language, key, sound)
        # The draft is in force now.
        draft_path(settings, wanted).unlink(missing_ok=True)
        click.echo(in_site_language(settings, heard_at_once(settings)))


@prompts.command()
@both_option
@click.pass_context
def name(context: click.Context, *, as_json: bool) -> None:
    """Have the office's name (site.name) spoken where a greeting begins.

    The box does so by itself; a name that the office has recorded as `welcome` stays.
    """
    settings: Settings = context.obj
    assert context.parent is not None
    config: Path = context.parent.params["config_path"]
    with answering(config, as_json=as_json) as say_it:
        if not _name_office(settings):
            say_it(NAMED)
            return
        say_it(joined(": ", (unchanged(settings.site.name), heard_at_once(settings))))


class VoiceRow(TypedDict):
    """Voice chosen in the configuration; by language whether the box's own or the recorded one."""

    voice: str
    languages: dict[str, Literal["own", "recorded"]]


@prompts.command(name="voice")
@json_option
@click.pass_obj
def which_voice(settings: Settings, *, as_json: bool) -> None:
    """Tell which voice says our announcements in each language (site.voice chooses)."""
    require_state(settings)
    site = Path(settings.folders.prompts) if settings.folders.prompts else None
    languages = settings.site.languages
    own = voices.device_languages(_folder(settings), site, settings.site.voice, languages)
    if as_json:
        row: VoiceRow = {
            "voice": settings.site.voice,
            "languages": {each: "own" if each in own else "recorded" for each in languages},
        }
        say_json(row)
        return
    for language in languages:
        click.echo(
            f"{language}: {in_site_language(settings, OWN if language in own else RECORDED)}"
        )
    click.echo(f'site.voice = "{settings.site.voice}"')


def _name_office(settings: Settings) -> bool:
    site = Path(settings.folders.prompts) if settings.folders.prompts else None
    language = settings.site.languages[0]
    name = settings.site.name
    # A name without a digit is said also where the register cannot be read.
    disclosure = _disclosure(settings) if any(map(str.isdigit, name)) else None
    return speech.name_office(_folder(settings), site, name, language, disclosure)


def _disclosure(settings: Settings) -> Disclosure:
    """Return what callers may be told now (P7); raises Refused, StoreError without records."""
    with closing(open_reader(records_made(Path(settings.folders.state)))) as connection:
        return speech.disclosure_now(settings, connection)


def _keys(settings: Settings, language: str) -> set[str]:
    """Return the announcements in use: the box's own and those that the configuration names."""
    # Greetings are named in several tables (periods, closures): search them all.
    named = re.findall(r"'([a-z0-9_]+)'", repr(settings))
    return {*recorded.keys(language), speech.KEY, *named}


def _check_key(settings: Settings, key: str, language: str) -> None:
    """Raise Refused for an invalid name, or one in the technician's folder."""
    if not recorded.is_key(key) or key.startswith(speech.OURS):
        raise Refused(
            _("{key!r} is no name of an announcement: write a-z, 0-9 and _", key=key),
        )
    site = settings.folders.prompts
    # The technician's folder takes precedence: the new sound would never be heard.
    if site and (Path(site) / language / f"{key}.wav").exists():
        raise Refused(
            _(
                "{site}/{language}/{key}.wav is what callers hear: remove it first",
                site=site,
                language=language,
                key=key,
            ),
        )


def _folder(settings: Settings) -> Path:
    return state_folder.speech_folder(Path(settings.folders.state))
