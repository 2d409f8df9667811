"""What is half typed is there again, whatever became of the browser (E18)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from appliance.api.directory import DraftCommands
from appliance.console.settings import ConsoleSettings
from appliance.policy.clock import Now
from appliance.service.stores import Stores
from appliance.store import users
from tests.console import people
from tests.console.call_control_directory import serve_directory
from tests.console.call_control_users import serving
from tests.console.test_directory import UNIT
from tests.console.test_directory_attachments import fields_of
from tests.console.visitor import Visitor

TYPED = {"by": "carla", "search": "resid", "note": "Ada Rossi", "form": None}
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def control(records: sqlite3.Connection, console_settings: ConsoleSettings) -> Iterator[None]:
    """Serve the control socket."""
    del records
    stores = Stores(console_settings.records.parent, "b", lambda _: None, lambda *_: None)
    stores.start()
    questions = DraftCommands(stores, lambda: Now(0.0, datetime.now(UTC)))
    with serving(console_settings.control_socket, questions.known):
        yield
    stores.stop(lambda: None)


def test_a_draft_outlives_the_browser(
    operator: Visitor, control: None, console_settings: ConsoleSettings
) -> None:
    """Another browser of the same person has it; another person has not."""
    body = json.dumps(TYPED)
    assert operator.post("/drafts/desk", data={"body": body}).json() == {"kept": True}
    with Visitor(console_settings) as other:
        other.log_in(people.CARLA)
        answer = other.get("/drafts/desk")
        assert (answer.json(), answer.headers["cache-control"]) == (TYPED, "no-store")
        other.log_in(people.DINO)
        assert other.get("/drafts/desk").json() is None
    operator.post("/drafts/desk", data={"body": ""})
    assert operator.get("/drafts/desk").json() is None


def test_what_cannot_be_kept_is_no_matter_of_whoever_types(
    operator: Visitor, control: None
) -> None:
    """Nowhere, without the right, too long: told to the script, which says the last alone."""
    for place, body, status in (
        ("elsewhere", "{}", 409), ("declare:anagrafe", "{}", 409), ("desk", "x" * 8001, 413),
    ):  # fmt: skip
        answer = operator.post(f"/drafts/{place}", data={"body": body})
        assert (answer.status_code, answer.json()) == (status, {"kept": False})
    assert 'id="draft-too-long"' in operator.get("/desk").text


def test_without_call_control_or_records_there_is_none(
    operator: Visitor, console_settings: ConsoleSettings
) -> None:
    """Neither keeps anybody from typing."""
    assert operator.post("/drafts/desk", data={"body": "{}"}).status_code == 409
    operator.get("/drafts/desk")
    console_settings.records.unlink()
    assert operator.get("/drafts/desk").json() is None


def test_a_half_typed_declaration_is_there_again(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """With its added rows, said as what it is; begun anew, or saved, it is gone."""
    with serve_directory(console_settings):
        visitor.log_in(people.ANNA)
        form = fields_of(visitor.get(f"{UNIT}/declare"))
        form |= {"declared_by": "Bianchi", "reference": "Prot. 77", "rules": "email"}
        form |= {"needs.4.name": "Carta d'identità", "needs.4.numbers.1.label": "interno 9"}
        for name in [each for each in form if each.endswith("gone") or each == "withdraw"]:
            del form[name]
        keep(records, form)
        page = visitor.get(f"{UNIT}/declare", headers=ENGLISH)
        again = fields_of(page)
        assert "What you had typed before is here again" in page.text
        assert [again[n] for n in ("declared_by", "reference", "needs.4.numbers.1.label")] == [
            "Bianchi", "Prot. 77", "interno 9",
        ]  # fmt: skip
        for do in ("anew", "save"):
            keep(records, form)
            needed = form | {f"needs.{n}.numbers.{m}.reach": "pbx" for n in (1, 2) for m in (1, 2)}
            needed |= {"needs.3.numbers.1.reach": "outside", "needs.4.numbers.1.reach": "pbx"}
            needed |= {"needs.4.numbers.1.number": "209", "do": do}
            answer = visitor.post(f"{UNIT}/declare", data=needed)
            assert answer.status_code == 303, answer.text
            assert users.find_draft(records, "anna", "declare:anagrafe", datetime.now(UTC)) == ""


def keep(records: sqlite3.Connection, form: dict[str, str]) -> None:
    """Keep a declaration's form as its page's script does."""
    body = json.dumps({"fields": list(form.items())})
    users.keep(records, "anna", "declare:anagrafe", body, datetime.now(UTC))


@pytest.mark.parametrize(
    "body", ['{"fields": 7}', '{"fields": []}', '{"fields": [7, ["a"]]}', "{}"]
)
def test_a_draft_that_is_none_leaves_the_form_as_declared(
    visitor: Visitor,
    records: sqlite3.Connection,
    console_settings: ConsoleSettings,
    body: str,
) -> None:
    """Whatever stands in the records."""
    with serve_directory(console_settings):
        visitor.log_in(people.ANNA)
        users.keep(records, "anna", "declare:anagrafe", body, datetime.now(UTC))
        page = visitor.get(f"{UNIT}/declare", headers=ENGLISH)
        assert "What you had typed" not in page.text
        assert fields_of(page)["declared_by"] == "Dirigente"
