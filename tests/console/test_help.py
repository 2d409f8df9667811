"""The guides at /help: whose language, for whom, under which policy, and nothing beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.console.pages import help as guides
from appliance.console.settings import ConsoleSettings
from tests.console.visitor import Visitor

PAGE = "<!doctype html><title>A guide</title>" + "words " * 400


@pytest.fixture
def reader(console_settings: ConsoleSettings, tmp_path: Path) -> Iterator[Visitor]:
    """Return a visitor without a login, of a console beside a small site."""
    folder = tmp_path / "help"
    for language in ("it", "en"):
        (folder / language).mkdir(parents=True)
        (folder / language / "index.html").write_text(f"{language} {PAGE}", encoding="utf-8")
    (tmp_path / "secret.html").write_text("not for readers", encoding="utf-8")
    (folder / "out.html").symlink_to(tmp_path / "secret.html")
    with Visitor(console_settings) as visiting:
        visiting.app.state.help_folder = folder
        yield visiting


@pytest.mark.parametrize(("asked", "language"), [("it", "it"), ("en-GB", "en"), ("fr", "it")])
def test_they_open_in_the_readers_language(reader: Visitor, asked: str, language: str) -> None:
    """Without a login: a technician reads them before there is a first user."""
    answer = reader.get("/help", headers={"accept-language": asked})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/help/{language}/index.html")
    assert reader.get(answer.headers["location"]).text.startswith(f"{language} <!doctype html>")


def test_their_policy_allows_nothing_inline_and_no_other_host(reader: Visitor) -> None:
    """It is narrower than the pages' own, and no cookie is set for who reads."""
    answer = reader.get("/help/it/index.html")
    assert answer.headers["content-security-policy"] == guides.HELP_POLICY
    assert "unsafe" not in guides.HELP_POLICY
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith("text/html")


def test_a_page_comes_compressed_and_is_not_sent_twice(reader: Visitor) -> None:
    """Who reads gzip gets it; who has the page already gets no second one."""
    packed = reader.get("/help/it/index.html", headers={"accept-encoding": "gzip"})
    plain = reader.get("/help/it/index.html", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]
    again = reader.get(
        "/help/it/index.html",
        headers={"accept-encoding": "identity", "if-none-match": plain.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "nowhere.html",
        "it",
        "",
        "../secret.html",
        "%2e%2e/secret.html",
        "out.html",
        "%00",
        "n" * 300,
    ],
)
def test_nothing_beside_the_site_is_served(reader: Visitor, name: str) -> None:
    """No file outside the folder, also by a symbolic link, and no list of a folder."""
    answer = reader.get(f"/help/{name}")
    assert answer.status_code in (303, 404)
    assert "not for readers" not in answer.text


def test_without_a_site_a_sentence_says_how_to_get_it(visitor: Visitor, tmp_path: Path) -> None:
    """A console without the package's files says what brings the guides along."""
    visitor.app.state.help_folder = tmp_path / "nowhere"
    answer = visitor.get("/help", headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert "from a checkout, run make docs" in answer.text


def test_every_page_leads_there(operator: Visitor, visitor: Visitor) -> None:
    """The menu of who has logged in and of who has not, and the list of keys at F1."""
    for page in (visitor.get("/login"), operator.get("/desk"), operator.get("/keys")):
        assert 'href="/help"' in page.text, page.url
