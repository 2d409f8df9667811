"""B9: whom the example of a proxy between branches lets through (docs/fleet/kamailio)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.sip.message import SipMessage, read
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import DigestLogin
from tests.helpers import kamailio
from tests.helpers.kamailio import Kamailio
from tests.helpers.proxy import Proxy
from tests.interop.offices import needed
from tests.sip.world import SDP, request

pytestmark = pytest.mark.system


@dataclass
class Caller:
    """Somebody with a socket who knows the password of an account."""

    proxy: Kamailio
    user: str = "porto"
    address: str = "127.0.0.78"
    socket: socket.socket = field(init=False)
    asked: int = 0

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 0))
        self.socket.settimeout(10.0)

    @property
    def where(self) -> tuple[str, int]:
        """The proxy's address."""
        return self.proxy.address, self.proxy.port

    def ask(self, method: str, extra: str = "", forwards: int = 70) -> SipMessage:
        """Ask for Savena; returns the first answer that is no 100."""
        self.asked += 1
        host, port = self.where
        data = request(
            method,
            uri=f"sip:savena@{host}:{port}",
            source=self.socket.getsockname(),
            from_="<sip:0512222222@sedi>;tag=p",
            to=f"<sip:savena@{host}>",
            call_id=f"call-{self.asked}",
            branch=f"z9hG4bKasked{self.asked}",
            body=SDP if method == "INVITE" else "",
            extra=extra,
        ).replace(b"Max-Forwards: 70", b"Max-Forwards: %d" % forwards)
        self.socket.sendto(data, self.where)
        while True:
            answer = read(self.socket.recv(8192), parse)
            if answer is not None and answer.code > 100:
                return answer

    def proven(self, secret: str = "secret-porto", extra: str = "") -> SipMessage:
        """Ask again with a password; returns what comes of it."""
        login = DigestLogin(self.where, self.user, secret, os.urandom)
        uri = f"sip:savena@{self.where[0]}:{self.where[1]}"
        header = login.answer(self.ask("INVITE"), "INVITE", uri, self.where)
        assert header is not None
        return self.ask("INVITE", f"{header[0]}: {header[1]}\n{extra}")


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A proxy with two accounts, of which nobody has registered, and somebody who asks it."""
    needed(kamailio.PACKAGE, is_here=kamailio.is_installed())
    folder: Path = tmp_path_factory.mktemp("proxy")
    with Proxy(folder, accounts=("porto", "savena")) as proxy:
        made = Caller(proxy)
        with closing(made.socket):
            yield made


def test_nobody_is_relayed_without_a_password(caller: Caller) -> None:
    """407 before anything else, and again for a wrong one; whatever is no call is not taken."""
    assert caller.ask("INVITE").code == 407
    assert caller.ask("OPTIONS").code == 407
    assert caller.proven(secret="wrong").code == 407
    assert caller.ask("MESSAGE").code == 405


def test_an_account_that_is_not_there_is_said_so(caller: Caller) -> None:
    """480 at once, so that the next branch can be asked."""
    own = f"Diversion: <sip:porto@{caller.where[0]}>;reason=user-busy"
    assert caller.proven(extra=own).code == 480


def test_nobody_speaks_for_another_account(caller: Caller) -> None:
    """Whence a caller comes is written by Diversion: that must be the account that has proven
    itself, or a branch's list of calls would tell lies.
    """
    other = f"Diversion: <sip:savena@{caller.where[0]}>;reason=user-busy"
    assert caller.proven(extra=other).code == 403


def test_a_call_does_not_go_round_for_ever(caller: Caller) -> None:
    """RFC 3261 16.3: Max-Forwards is counted down, and 483 is the end."""
    assert caller.ask("INVITE", forwards=0).code == 483
