"""The phone of a position as the call bar controls it: `desk-phone`, `dial`."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from appliance.api.commands import (
    AlternateCall,
    AnswerCall,
    DialNumber,
    HandOverCall,
    HangUpCall,
    HoldCall,
    PhoneCommand,
    ResumeCall,
)
from appliance.api.replies import DeclinedError
from appliance.calls.commands import PhoneAct
from appliance.commands.options import config_option, language_of, load_settings, send_and_say
from appliance.config.schema import Settings


@click.command("desk-phone")
@click.argument("position")
@click.argument("act", type=click.Choice([act.value.replace("_", "-") for act in PhoneAct]))
@click.option("--call", default="", help="The call to be answered, by its id.")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who asks.")
@config_option
def desk_phone(position: str, act: str, config_path: Path, call: str, by: str) -> None:
    """Control the phone of POSITION: answer, hold, resume, hang up, hand an announced call over.

    A phone that cannot answer by itself rings until it is lifted. Ends with status 1 when it cannot
    be done now; the sentence says why.
    """
    settings = load_settings(config_path)
    _send(settings, command_for(PhoneAct(act.replace("-", "_")), position, by, call))


def command_for(act: PhoneAct, position: str, by: str, call: str = "") -> PhoneCommand:
    """Return the command for an act; a call is chosen for an answer alone."""
    if act is PhoneAct.ANSWER:
        return AnswerCall(position=position, by=by, call=call)
    kinds: dict[PhoneAct, type[PhoneCommand]] = {
        PhoneAct.HOLD: HoldCall,
        PhoneAct.RESUME: ResumeCall,
        PhoneAct.ALTERNATE: AlternateCall,
        PhoneAct.HAND_OVER: HandOverCall,
        PhoneAct.HANG_UP: HangUpCall,
    }
    return kinds[act](position=position, by=by)


@click.command()
@click.argument("number")
@click.option("--position", required=True, help="The phone that is to call, as configured.")
@click.option("--urgent", is_flag=True, help="Outside the hours for calling back, too.")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who asks.")
@config_option
def dial(number: str, config_path: Path, position: str, by: str, *, urgent: bool) -> None:
    """Have a position call NUMBER, within the rules of calling out.

    Its phone answers by itself or is lifted; then the box dials.
    """
    wish = DialNumber(position=position, number=number, urgent=urgent, by=by)
    _send(load_settings(config_path), wish)


def _send(settings: Settings, wish: PhoneCommand) -> None:
    """Send a command and print its reply; a refusal ends with status 1."""
    try:
        send_and_say(settings, wish)
    except DeclinedError as declined:
        raise click.ClickException(declined.words.text(language_of(settings))) from declined
