"""The outbox against a real mail server (exim4), its connection cut at every stage."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from appliance.mail import Security, SmtpAccount, SmtpServer
from appliance.policy.directory import ReturnRule
from appliance.policy.mail import DeliveryVerdict, MailState, OutboxHealth
from appliance.policy.requests import RequestState, spoken_request
from appliance.store import requests
from appliance.store.requests import RequestMails, RequestToStore
from tests.helpers.figures import Figures
from tests.helpers.mail_cutter import Cut, Cutter
from tests.helpers.mail_server import MailServer
from tests.helpers.ports import free_port
from tests.mail.post import AT, LIMIT_S, Post, a_mail, account_at

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    """Run one server that wants a password over TLS."""
    with tempfile.TemporaryDirectory() as folder:
        running = MailServer(Path(folder)).start()
        yield running
        running.stop()


@pytest.fixture(scope="module")
def open_server() -> Iterator[MailServer]:
    """Run one server that takes mail from anybody, so that a cutter can follow what is said."""
    with tempfile.TemporaryDirectory() as folder:
        running = MailServer(Path(folder), tls=False, need_login=False).start()
        yield running
        running.stop()


@pytest.fixture
def posts() -> Iterator[list[Post]]:
    """Stop whatever mail threads a test has started."""
    started: list[Post] = []
    yield started
    for post in started:
        post.stop()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_it_leaves_protected_and_with_the_right_name(
    server: MailServer, tmp_path: Path, posts: list[Post], security: Security
) -> None:
    """STARTTLS or TLS, with authentication; the office gets it once, its headers as they should."""
    post = Post(tmp_path, account_at(server, tmp_path, security)).start()
    posts.append(post)
    before = len(server.mails())
    post.queue(a_mail(key=f"k-{security}"))
    assert post.reply().verdict is DeliveryVerdict.SENT
    kept = post.settled(MailState.SENT)
    mail = server.wait_for(before + 1)[-1]
    assert mail["Message-ID"] == kept.message_id
    assert mail["Subject"] == "Oggetto: città, perché è così alto?"
    assert (mail["To"], mail["From"]) == (
        "anagrafe@comune.example",
        "Centralino <centralino@comune.example>",
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    assert kept.said.startswith("250 ")


@pytest.mark.parametrize("cut", [cut for cut in Cut if cut not in {Cut.NOWHERE, Cut.HANG}])
def test_cut_at_every_stage(
    open_server: MailServer, tmp_path: Path, posts: list[Post], cut: Cut
) -> None:
    """Wherever the line breaks, the mail stays and leaves at the next try: once.

    But for the one case in which the server had taken it and could not say so: then it comes a
    second time under the same Message-ID, by which the office knows it for the same.
    """
    with Cutter((open_server.address, open_server.port), cut) as network:
        account = account_at(open_server, tmp_path, Security.NONE, port=network.port)
        post = Post(tmp_path, account).start()
        posts.append(post)
        before = len(open_server.mails())
        post.queue(a_mail(key=f"cut-{cut}"))
        assert post.reply().verdict in {DeliveryVerdict.AWAY, DeliveryVerdict.LATER}
        network.cut = Cut.NOWHERE
        post.sender.wake(hurry=True)
        assert post.reply().verdict is DeliveryVerdict.SENT
        kept = post.settled(MailState.SENT)
    times = 2 if cut is Cut.BEFORE_250 else 1
    mails = open_server.wait_for(before + times)[before:]
    assert [mail["Message-ID"] for mail in mails] == [kept.message_id] * times
    assert kept.tries == 2


def test_a_server_that_hangs_costs_its_time_limit_and_nothing_else(
    open_server: MailServer, tmp_path: Path, posts: list[Post]
) -> None:
    """A greeting that never comes: given up in time; a stop in the middle of it ends at once."""
    with Cutter((open_server.address, open_server.port), Cut.HANG) as network:
        account = account_at(open_server, tmp_path, Security.NONE, port=network.port, timeout_s=0.3)
        post = Post(tmp_path, account).start()
        post.queue(a_mail())
        reply = post.reply()
        assert (reply.verdict, "timed out" in reply.said) == (DeliveryVerdict.AWAY, True)
        post.stop()
        met = network.met
        patient = Post(tmp_path, replace(account, timeout_s=60.0)).start()
        patient.until(lambda: network.met > met)
        patient.stop()  # raises when the thread does not end within its limit
        again = Post(tmp_path, account_at(open_server, tmp_path, Security.NONE)).start()
        posts.append(again)
        assert again.settled(MailState.SENT).tries == 2  # the try that we broke off counts for none


@pytest.mark.parametrize("security", [Security.NONE, Security.STARTTLS, Security.TLS])
def test_a_stop_ends_whatever_an_attempt_waits_for(tmp_path: Path, security: Security) -> None:
    """A server that takes no connection, and one that is silent in the TLS handshake."""
    with socket.socket() as full, Cutter(("127.0.0.1", 0), Cut.HANG) as silent:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with filled(full):
            for port in (full.getsockname()[1], silent.port):
                account = SmtpAccount("127.0.0.1", "a@comune.example", security, port)
                post = Post(tmp_path, replace(account, timeout_s=60.0)).start()
                post.queue(a_mail())
                time.sleep(0.5)  # it connects meanwhile; that it waits cannot be seen from outside
                began = time.monotonic()
                post.stop()  # raises when the thread does not end within its limit
                assert time.monotonic() - began < LIMIT_S / 2


@contextlib.contextmanager
def filled(listening: socket.socket) -> Iterator[None]:
    """Fill the queue of a socket that accepts nothing: further connections wait for an answer."""
    with contextlib.ExitStack() as open_sockets:
        while True:
            client = open_sockets.enter_context(socket.socket())
            client.settimeout(0.5)
            try:
                client.connect(listening.getsockname())
            except TimeoutError:
                break
        yield


def test_a_stop_before_the_connection_ends_the_attempt_too(tmp_path: Path) -> None:
    """The thread may be on its way to the socket as the stop comes."""
    with Cutter(("127.0.0.1", 0), Cut.HANG) as silent:
        account = SmtpAccount("127.0.0.1", "a@comune.example", Security.NONE, silent.port)
        server = SmtpServer(account)
        server.abort()
        reply = server.send(EmailMessage(), "b@comune.example")
        assert (reply.verdict, silent.met) == (DeliveryVerdict.AWAY, 0)


def test_nobody_listens(open_server: MailServer, tmp_path: Path, posts: list[Post]) -> None:
    """Connection refused: it waits, and the outbox says why."""
    nowhere = free_port(open_server.address)
    post = Post(tmp_path, account_at(open_server, tmp_path, Security.NONE, port=nowhere)).start()
    posts.append(post)
    post.queue(a_mail())
    reply = post.reply()
    assert reply.verdict is DeliveryVerdict.AWAY
    assert "refused" in reply.said
    post.until(lambda: post.healths[-1:] == [OutboxHealth(1, 0, reply.said)])


def test_what_the_server_refuses_the_box(
    server: MailServer, open_server: MailServer, tmp_path: Path, posts: list[Post]
) -> None:
    """A wrong password, no trust, no TLS, no log-in: the technician's move; never in the clear."""
    wrong = tmp_path / "wrong"
    wrong.write_text("sbagliata")
    right = account_at(server, tmp_path)
    beyond = tmp_path / "beyond"
    beyond.write_text("così")
    cases = {
        "beyond ASCII": replace(right, password_file=str(beyond)),
        "password refused": replace(right, password_file=str(wrong)),
        "cannot be read": replace(right, password_file=str(tmp_path / "missing")),
        "certificate": replace(right, ca_file=""),
        "STARTTLS": account_at(open_server, tmp_path, Security.STARTTLS),
        "log in first": account_at(server, tmp_path, Security.NONE),
        "certificates in": replace(right, ca_file=str(wrong)),
    }
    before = (len(server.mails()), len(open_server.mails()))
    for n, (said, account) in enumerate(cases.items()):
        folder = tmp_path / str(n)
        folder.mkdir()
        post = Post(folder, account).start()
        posts.append(post)
        post.queue(a_mail())
        reply = post.reply()
        assert (said in reply.said, reply.verdict) == (True, DeliveryVerdict.MISSET), reply
        assert "parola" not in reply.said
    assert (len(server.mails()), len(open_server.mails())) == before


def test_one_recipient_refused_and_one_put_off_keep_nobody_waiting(
    server: MailServer, tmp_path: Path, posts: list[Post], figures: Figures
) -> None:
    """5xx: given up at once, with the server's words; 4xx: later; the others leave."""
    post = Post(tmp_path, account_at(server, tmp_path)).start()
    posts.append(post)
    for key, to in (("k1", "nobody"), ("k2", "full"), ("k3", "anagrafe")):
        post.queue(a_mail(key=key, to=f"{to}@comune.example"))
    refused = post.settled(MailState.DEAD, 1)
    post.settled(MailState.SENT, 3)
    post.until(lambda: "451 mailbox full" in post.kept()[1].said)
    assert "550 no such office" in refused.said
    assert post.kept()[1].state is MailState.QUEUED
    figures.say("F15 a recipient refused, one put off: one given up, one waits, the third left")


def test_a_request_is_sent_when_the_server_has_its_mail(
    server: MailServer, tmp_path: Path, posts: list[Post]
) -> None:
    """P6: taken with the network down, "sent" once the mail server has taken its mail (E15)."""
    nowhere = account_at(server, tmp_path, port=free_port(server.address))
    post = Post(tmp_path, nowhere).start()
    asked = spoken_request(ReturnRule.EMAIL, "anagrafe", "aire", "AIRE", "0511", "c-1", AT, "op1")
    letters = RequestMails(lambda kept, _: (a_mail(request=kept.request.number),))
    post.records.ask(lambda c: requests.insert_request(c, RequestToStore("r1", asked, AT), letters))
    post.sender.wake()
    assert post.reply().verdict is DeliveryVerdict.AWAY
    post.stop()
    again = Post(tmp_path, account_at(server, tmp_path)).start()
    posts.append(again)
    assert again.reply().verdict is DeliveryVerdict.SENT
    again.settled(MailState.SENT)
    kept = again.records.ask(lambda c: requests.required_request(c, 1))
    assert kept.request.state is RequestState.SENT
