"""A WebDAV folder whose server answers oddly: each in one sentence, and nothing half is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.config.values import backup_address
from appliance.policy.text import Refused
from appliance.service import backup_https
from appliance.service.backup_https import WebDav
from appliance.service.backup_target import fingerprint
from tests.helpers.backup_servers import HOST, Certified
from tests.helpers.odd_web_server import Answer, OddServer, odd_server

NAME = "centralino-20261125-030500-a1b2.backup.part"
LOGIN_PAGE = {"Location": "https://login.comune.it/entra?token=segreto"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[OddServer, Certified]]:
    """A server, and its certificate."""
    with odd_server(tmp_path / "dav") as made:
        yield made


@pytest.fixture
def server(served: tuple[OddServer, Certified]) -> OddServer:
    """A server."""
    return served[0]


@pytest.fixture
def folder(served: tuple[OddServer, Certified]) -> WebDav:
    """Its client, with the right password and authority."""
    server, certified = served
    return WebDav(backup_address(server.address), "x", ca_file=str(certified.authority))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What is sent: more than one piece."""
    made = tmp_path / "made"
    made.write_bytes(bytes(range(256)) * 1000)
    return made


def refused(said: Callable[[], object]) -> str:
    """Return the Italian sentence of a refusal."""
    with pytest.raises(Refused) as error:
        said()
    return error.value.words.text("it")


def test_a_file_goes_there_and_comes_back(
    folder: WebDav, server: OddServer, file: Path, tmp_path: Path
) -> None:
    """Whole, under a draft's name first; deleted twice is deleted."""
    final = NAME.removesuffix(".part")
    folder.put(file, NAME)
    assert folder.listed() == {NAME: 256_000}
    folder.rename(NAME, final)
    assert folder.listed() == {final: 256_000}
    folder.get(final, tmp_path / "back", 256_000)
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    folder.remove(final)
    folder.remove(final)
    assert server.files == {}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200), "/dav non è una cartella WebDAV"),
        (Answer(207), "/dav non è una cartella WebDAV"),
        (Answer(207, b"<!DOCTYPE x><multistatus xmlns='DAV:'/>"), "non è una cartella WebDAV"),
        (Answer(207, b"<multistatus xmlns='DAV:'/>"), "non è una cartella WebDAV"),
        (Answer(405), "/dav non è una cartella WebDAV"),
        (Answer(302, headers=LOGIN_PAGE), "a https://login.comune.it/entra: scrivere"),
        (Answer(301, headers={"Location": "/altrove"}), "rimanda l'apparecchio a /altrove"),
        (Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'}), "l'utente copie con questa"),
        (Answer(401, headers={"WWW-Authenticate": "Negotiate"}), "non accetta nome e password"),
        (Answer(403), "l'utente copie non può scrivere nella cartella /dav"),
        (Answer(404), "non c'è la cartella /dav"),
        (Answer(418), "rifiuta (stato HTTP 418)"),
    ],
)
def test_what_is_no_folder(folder: WebDav, server: OddServer, answer: Answer, said: str) -> None:
    """Also a server that answers "200" and a page to anything; what a login page's address has
    behind its path is not shown.
    """
    server.odd["*"] = answer
    shown = refused(folder.listed)
    assert said in shown
    assert "segreto" not in shown


@pytest.mark.parametrize(
    ("answer", "room", "said"),
    [
        (Answer(507), "", "su localhost non c'è abbastanza spazio"),
        (Answer(500), "1000", "su localhost non c'è abbastanza spazio"),
        (Answer(500), "1000000", "stato HTTP 500"),
        (Answer(500), "", "stato HTTP 500"),
        (Answer(413), "", "localhost non accetta un file di 0 MB"),
        (Answer(409), "", "non c'è la cartella /dav"),
    ],
)
def test_what_is_not_taken(
    folder: WebDav, server: OddServer, file: Path, answer: Answer, room: str, said: str
) -> None:
    """A full disk is told from another failure by the room that the server tells."""
    server.odd["PUT"], server.room = answer, room
    assert said in refused(lambda: folder.put(file, NAME))


def test_an_answer_that_is_cut_is_no_file(
    folder: WebDav, server: OddServer, tmp_path: Path
) -> None:
    """A connection that ends early is told from the file's end."""
    server.odd["GET"] = Answer(200, b"half", missing=4)
    assert "interrotto" in refused(lambda: folder.get(NAME, tmp_path / "back", 8))


def test_nothing_is_sent_to_another_certificate(
    served: tuple[OddServer, Certified], folder: WebDav
) -> None:
    """Neither without its authority nor after it has changed; what was compared is enough."""
    server, certified = served
    address = backup_address(server.address)
    shown = backup_https.offered_certificate(address, "")
    assert fingerprint(shown) == certified.fingerprint
    assert backup_https.offered_certificate(address, str(certified.authority)) == ""
    assert (
        backup_https.offered_certificate(address, str(certified.authority), is_wanted=True) == shown
    )
    assert WebDav(address, "x", shown).listed() == folder.listed() == {}
    asked = list(server.asked)
    assert "non conosce" in refused(WebDav(address, "x").listed)
    other = WebDav(address, "x", "x509 AAAA")
    assert "non è più quello accettato" in refused(other.listed)
    by_number = backup_address(server.address.replace("localhost", HOST))
    named = WebDav(by_number, "x", ca_file=str(certified.authority))
    assert "è di un altro nome" in refused(named.listed)
    assert server.asked == asked
