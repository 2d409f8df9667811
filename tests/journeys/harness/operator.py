"""Carla, who works at the first position: her account, her login, her place, her calls."""

from __future__ import annotations

from typing import Final

from appliance.simulator.phone.process import TestPhone
from tests.journeys.harness.browser import Window
from tests.journeys.harness.front_desk import OPERATOR_HZ, PATIENCE_S, lifts
from tests.journeys.harness.terminal import Terminal

NAME: Final = "Carla Blu"
HEAD: Final = "Rita Neri"
PASSWORD: Final = "mare sole vento"
SIDE: Final = "Chiamate e stati"
"""The part of the desk in which calls and positions stand."""


def makes_an_account(
    terminal: Terminal, user: str = "carla", shown: str = NAME, role: str = "operator"
) -> None:
    """Type the two commands, each with the password twice, as it asks for it."""
    users = "./centralino users --config centralino.toml"
    for command, answer in (
        (f'add {user} --shown "{shown}" --role {role}', f"Utente {user} creato."),
        (f"password --keep {user}", f"Password di {user} cambiata."),
    ):
        terminal.type(f"{users} {command}")
        terminal.wait_for("Password:")
        terminal.type(PASSWORD)
        terminal.wait_for("Ripetere per conferma:")
        terminal.type(PASSWORD)
        assert terminal.wait_for_prompt().strip() == answer
        assert PASSWORD not in terminal.transcript


def logs_in(page: Window, user: str = "carla", shown: str = NAME) -> None:
    """Type the address, name and password."""
    page.go_to("/")
    page.click("link", "Entra")
    page.write("Nome utente", user)
    page.press("Tab")
    page.type(PASSWORD)
    page.press("Enter")
    page.sees(shown)


def sits_down(page: Window) -> None:
    """Open the desk and choose the first position."""
    page.open("Postazione operatore")
    page.choose("La mia postazione", "op1")
    page.click("button", "Usa questa postazione")
    page.sees("op1 libera", within=page.region(SIDE))


def answers(page: Window, phone: TestPhone, caller: str) -> None:
    """Lift the handset for a caller whom the page shows."""
    page.sees(caller, "Squilla", within=page.region(SIDE))
    phone.wait_event("invite", PATIENCE_S)
    lifts(phone, OPERATOR_HZ)
    page.sees("In conversazione", "la mia chiamata", within=page.region(SIDE))
