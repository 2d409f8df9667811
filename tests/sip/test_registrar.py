"""The registrar: digest, one contact a phone, lock-out, restarts (reliability.md 3)."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import itertools
import re
import sys
from dataclasses import dataclass
from types import FrameType

import pytest

from appliance.calls import events
from appliance.sip.endpoint import Endpoint
from appliance.sip.message import SipMessage
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import (
    MAX_FAILURES,
    Binding,
    Credentials,
    LockOut,
    PhoneAccount,
    PhonesSettings,
    bindings_from_json,
    bindings_to_json,
    digest_credentials,
    expected_digest,
)
from appliance.sip.rtp import Address
from tests.sip.world import BOX, PHONE, SDP, Bench, box_endpoint, endpoint, request, response

SECRET = "s3cret"
NUMBERS = itertools.count()
"""Makes every branch of every phone its own."""
OTHER = ("192.0.2.66", 5066)


def hexdigest(text: str, algorithm: str) -> str:
    """Hash as the phone does."""
    return hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[algorithm], text.encode()).hexdigest()


@dataclass
class Registrant:
    """A phone that registers by its own reading of RFC 2617."""

    bench: Bench
    name: str = "21"
    secret: str = SECRET
    user: str = ""
    source: Address = PHONE
    algorithm: str = "MD5"
    cseq: int = 0
    count: int = 0
    qop: str = "auth"

    def send(
        self, authorization: str = "", extra: str = "", method: str = "REGISTER"
    ) -> SipMessage:
        """Send one request, and return its answer."""
        self.cseq += 1
        lines = [extra, f"Authorization: {authorization}" if authorization else ""]
        data = request(
            method,
            self.cseq,
            uri="sip:192.0.2.1" if method == "REGISTER" else "sip:*811@192.0.2.1",
            source=self.source,
            from_=f"<sip:{self.name}@192.0.2.1>;tag=r",
            to=f"<sip:{self.name}@192.0.2.1>",
            call_id=f"registration-{self.name}",
            branch=f"z9hG4bKr{next(NUMBERS)}",
            extra="\n".join(lines),
            body=SDP if method == "INVITE" else "",
        )
        self.bench.box.receive(data, self.source, self.bench.now)
        return self.bench.sent()[-1]

    def answer(self, challenged: SipMessage, method: str = "REGISTER") -> str:
        """Compute the credentials that a challenge asks for."""
        fields = dict(re.findall(r'(\w+)="?([^",]+)', challenged.get("WWW-Authenticate")))
        self.count += 1
        user, uri, nc, cnonce = self.user or self.name, "sip:192.0.2.1", f"{self.count:08x}", "0a4f"
        a1 = hexdigest(f"{user}:{fields['realm']}:{self.secret}", self.algorithm)
        a2 = hexdigest(f"{method}:{uri}", self.algorithm)
        counted = f":{nc}:{cnonce}:{self.qop}" if self.qop else ""
        whole = f"{a1}:{fields['nonce']}{counted}:{a2}"
        more = f'nc={nc}, cnonce="{cnonce}", qop={self.qop}, ' if self.qop else ""
        return (
            f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", '
            f'uri="{uri}", response="{hexdigest(whole, self.algorithm)}", {more}'
            f"algorithm={self.algorithm}"
        )

    def register(self, extra: str = "Expires: 60") -> SipMessage:
        """Register: challenge and answer."""
        return self.send(self.answer(self.send(extra=extra)), extra)


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phones 21 and 22 by their secrets."""
    return Bench(box_endpoint(PhoneAccount("21", SECRET), PhoneAccount("22", "other-secret")))


def test_registered_and_rung(bench: Bench) -> None:
    """With the right secret the phone is told as registered and is rung where it came from."""
    odd = ("192.0.2.21", 40000)
    ok = Registrant(bench, source=odd).register()
    assert (ok.code, ok.get("Contact")) == (200, "<sip:21@192.0.2.21:40000>;expires=60")
    assert bench.events() == [events.PhoneRegistered("21")]
    invite = bench.ring()
    assert invite.uri == "sip:21@192.0.2.21:40000"


def test_the_challenge(bench: Bench) -> None:
    """401 with qop=auth and MD5; a first REGISTER without credentials is no failure."""
    for _ in range(10):
        challenged = Registrant(bench).send()
        assert challenged.code == 401
    value = challenged.get("WWW-Authenticate")
    assert re.fullmatch(
        r'Digest realm="centralino", nonce="[0-9a-f.-]+", qop="auth", algorithm=MD5', value
    )


def test_a_wrong_name_and_a_wrong_secret_look_alike(bench: Bench) -> None:
    """Unknown user, wrong secret, another's AoR, a missing qop: the same 401."""
    shapes = set()
    for registrant in (
        Registrant(bench, name="99"),
        Registrant(bench, secret="wrong"),
        Registrant(bench, name="22", user="21"),
        Registrant(bench, name="22", user="21", secret="other-secret"),
        Registrant(bench, qop="auth-int"),
    ):
        refusal = registrant.register()
        names = [name for name, _ in refusal.headers]
        challenge = re.sub(r'nonce="[^"]+"', "", refusal.get("WWW-Authenticate"))
        shapes.add((refusal.code, tuple(names), challenge))
    assert len(shapes) == 1
    assert next(iter(shapes))[0] == 401
    assert bench.events() == []


def test_lock_out(bench: Bench) -> None:
    """Five wrong secrets in ten minutes lock a phone out at a source, right secret or not.

    Others go on, behind the same address and elsewhere.
    """
    for _ in range(5):
        assert Registrant(bench, secret="wrong").register().code == 401
    refusal = Registrant(bench).send()
    assert (refusal.code, refusal.get("Retry-After")) == (503, "601")
    assert bench.box.registrar.authentication.lock_out.sources(bench.now) == (PHONE[0],)
    assert Registrant(bench, name="22", secret="other-secret").register().code == 200
    elsewhere = Registrant(bench, name="22", secret="other-secret", source=OTHER, cseq=9)
    assert elsewhere.register().code == 200
    bench.wait(601)
    assert Registrant(bench).register().code == 200


def test_a_registered_phone_is_never_locked_out_where_it_stands(bench: Bench) -> None:
    """Whoever guesses its secret behind its address, for however long, cannot drive it away.

    A guesser has another port, and there nobody gets in.
    """
    phone = Registrant(bench)
    assert phone.register().code == 200
    guesser = (PHONE[0], 44444)
    for _ in range(5):
        assert Registrant(bench, secret="guess", source=guesser).register().code == 401
    for _ in range(10):
        assert Registrant(bench, source=guesser).send().code == 503
        bench.wait(45.0)
        assert phone.register().code == 200


def test_guessing_over_names_locks_the_source(bench: Bench) -> None:
    """Twenty failures over all names: no name is tried any more, known or unknown alike."""
    for number in range(5):
        for _ in range(4):
            assert Registrant(bench, name=f"9{number}", secret="wrong").register().code == 401
        bench.wait(2.0)
    assert Registrant(bench, name="98").send().code == 503
    assert Registrant(bench, name="22", secret="other-secret").send().code == 503
    assert Registrant(bench, name="22", secret="other-secret", source=OTHER).register().code == 200


def test_a_known_and_an_unknown_name_take_the_same_way(bench: Bench) -> None:
    """The same functions in the same order, the same hashes: a clock learns nothing."""
    known, unknown = way(bench, "21"), way(Bench(box_endpoint(PhoneAccount("21", SECRET))), "99")
    assert known == unknown
    assert sum("hexdigest" in step for step in known) >= 3


def way(bench: Bench, name: str) -> list[str]:
    """Return the functions that judge a wrong password of `name` calls, in order."""
    phone = Registrant(bench, name=name, secret="wrong")
    credentials = phone.answer(phone.send())
    taken: list[str] = []

    def note(frame: FrameType, event: str, arg: object) -> None:
        if event in {"call", "c_call"}:
            taken.append(frame.f_code.co_name if event == "call" else getattr(arg, "__name__", ""))

    gc.disable()  # others may have callbacks of theirs called as rubbish is collected
    sys.setprofile(note)
    try:
        phone.send(credentials)
    finally:
        sys.setprofile(None)
        gc.enable()
    return taken


def test_success_clears_failures(bench: Bench) -> None:
    """Four mistakes and then the right secret begin the count anew."""
    for _ in range(3):
        for _ in range(4):
            Registrant(bench, secret="wrong").register()
        assert Registrant(bench, cseq=next(NUMBERS)).register().code == 200


def test_forged_nonces_lock_nobody_out(bench: Bench) -> None:
    """Only answers to nonces of ours, made for that source, are counted; others are stale."""
    elsewhere = Registrant(bench, source=OTHER).send()
    for _ in range(10):
        refusal = Registrant(bench, secret="wrong").send(Registrant(bench).answer(elsewhere))
        assert "stale=true" in refusal.get("WWW-Authenticate")
    assert Registrant(bench).register().code == 200


def test_a_nonce_grows_old(bench: Bench) -> None:
    """After five minutes the phone is told to compute anew (stale), which it can."""
    phone = Registrant(bench)
    challenged = phone.send()
    bench.wait(301)
    refusal = phone.send(phone.answer(challenged))
    assert "stale=true" in refusal.get("WWW-Authenticate")
    assert phone.send(phone.answer(refusal)).code == 200


def test_a_nonce_is_reused_with_a_rising_count(bench: Bench) -> None:
    """A phone may go on with its nonce while nc rises; a used count is a replay."""
    phone = Registrant(bench)
    challenged = phone.send()
    assert phone.send(phone.answer(challenged)).code == 200
    again = phone.answer(challenged)
    assert phone.send(again).code == 200
    assert "stale=true" in phone.send(again).get("WWW-Authenticate")


def test_another_realm_is_no_answer(bench: Bench) -> None:
    """Credentials for somebody else's realm are as good as none."""
    phone = Registrant(bench)
    foreign = phone.answer(phone.send()).replace("centralino", "asterisk")
    assert phone.send(foreign).code == 401
    assert bench.box.registrar.authentication.lock_out.remaining(PHONE[0], "21", bench.now) == 0


def test_sha256_by_choice() -> None:
    """Both digests are offered in the configured order, and SHA-256 is understood (RFC 8760)."""
    settings = PhonesSettings(
        *BOX, (PhoneAccount("21", SECRET),), algorithms=("SHA-256", "MD5"), qualify_s=0
    )
    box = Endpoint(settings, parse, lambda _: BOX, lambda size: bytes(size))
    bench = Bench(box)
    phone = Registrant(bench, algorithm="SHA-256")
    challenged = phone.send()
    assert [v.rpartition("=")[2] for v in challenged.all("WWW-Authenticate")] == ["SHA-256", "MD5"]
    assert phone.send(phone.answer(challenged)).code == 200


def test_an_algorithm_that_was_not_offered(bench: Bench) -> None:
    """A phone that answers by SHA-256 where MD5 was asked for knows the password all the same."""
    assert Registrant(bench, algorithm="SHA-256").register().code == 200


def test_a_phone_that_leaves_qop_out(bench: Bench) -> None:
    """RFC 2617 lets it; each nonce is good for one request, as no count tells a replay."""
    phone = Registrant(bench, qop="")
    challenged = phone.send()
    answer = phone.answer(challenged)
    assert phone.send(answer).code == 200
    assert "stale=true" in phone.send(answer).get("WWW-Authenticate")
    assert phone.register().code == 200


@pytest.mark.parametrize("said", ["algorithm=SHA-512-256", "qop=auth-int"])
def test_what_nobody_offered_is_no_guess(bench: Bench, said: str) -> None:
    """A phone that cannot do what is asked for is asked again, and locked out of nothing."""
    phone = Registrant(bench)
    for _ in range(MAX_FAILURES + 1):
        name, _, _ = said.partition("=")
        answer = re.sub(rf"{name}=[^,]+", said, phone.answer(phone.send()))
        assert phone.send(answer).code == 401
    assert Registrant(bench).register().code == 200


def test_one_contact_a_phone(bench: Bench) -> None:
    """A later registration from elsewhere replaces the binding and is no news."""
    Registrant(bench).register()
    moved = Registrant(bench, source=("192.0.2.30", 5060), cseq=50)
    assert moved.register().code == 200
    assert bench.events() == [events.PhoneRegistered("21")]
    target = bench.box.registrar.target("21")
    assert target
    assert target.address == ("192.0.2.30", 5060)


def test_registrations_run_out(bench: Bench) -> None:
    """A phone that does not come back is told as gone, and cannot be rung."""
    Registrant(bench).register("Expires: 60")
    bench.events()
    bench.wait(59)
    assert bench.events() == []
    bench.wait(2)
    (gone,) = bench.events()
    assert isinstance(gone, events.PhoneGone)
    assert bench.box.registrar.target("21") is None


@pytest.mark.parametrize("how", ["Expires: 0", "own"])
def test_signing_off(bench: Bench, how: str) -> None:
    """Expires 0, in either place, ends the binding; twice is no mistake."""
    phone = Registrant(bench)
    phone.register()
    bench.events()
    for _ in range(2):
        challenged = phone.send()
        if how == "own":
            data = phone.answer(challenged)
            ok = phone.send(data, "Contact: <sip:x@y>;expires=0")
            # the request's own Contact comes first, so the phone stays registered for the default
            assert ok.get("Contact").endswith("expires=120")
        else:
            assert phone.send(phone.answer(challenged), how).get("Contact") == ""
    gone = [event for event in bench.events() if isinstance(event, events.PhoneGone)]
    assert gone == ([] if how == "own" else [events.PhoneGone("21", "it signed off")])


@pytest.mark.parametrize(
    ("asked", "granted"),
    [("Expires: 3600", 120), ("Expires: 30", 30), ("Expires: soon", 120), ("Expires:", 120)],
)
def test_how_long(bench: Bench, asked: str, granted: int) -> None:
    """At most two minutes: an unplugged phone is noticed that soon."""
    assert Registrant(bench).register(asked).get("Contact").endswith(f"expires={granted}")


def test_too_short(bench: Bench) -> None:
    """423 with the shortest time (10.3 step 7)."""
    refusal = Registrant(bench).register("Expires: 5")
    assert (refusal.code, refusal.get("Min-Expires")) == (423, "10")


def test_out_of_order(bench: Bench) -> None:
    """An older REGISTER of the same series does not undo a newer one (10.3 step 7)."""
    phone = Registrant(bench)
    phone.register()
    phone.cseq = -1
    challenged = phone.send()
    assert phone.send(phone.answer(challenged), "Expires: 0").code == 500
    assert bench.box.registrar.target("21")


def test_the_same_number_once_more_is_out_of_order(bench: Bench) -> None:
    """10.3 step 7: another REGISTER with the CSeq of the last one does not undo it."""
    phone = Registrant(bench)
    phone.register()
    credentials = phone.answer(phone.send())
    phone.cseq = bench.box.registrar.bindings["21"].cseq - 1  # `send` counts one up
    assert phone.send(credentials, "Expires: 0").code == 500
    assert bench.box.registrar.target("21")


def raw(bench: Bench, contact: str, cseq: int = 9) -> SipMessage:
    """Register with a Contact line of the test's own, "" for none."""
    phone = Registrant(bench, cseq=70 + cseq)
    authorization = phone.answer(phone.send())
    data = request(
        "REGISTER",
        cseq,
        from_="<sip:21@x>;tag=r",
        to="<sip:21@x>",
        call_id="raw",
        branch=f"z9hG4bKraw{cseq}",
        extra=f"Authorization: {authorization}",
    ).replace(b"Contact: <sip:21@192.0.2.21:5060>\r\n", contact.encode())
    return bench.receive(data)[0]


def test_a_query(bench: Bench) -> None:
    """A REGISTER without Contact asks what is known (10.2.3): here nothing."""
    answer = raw(bench, "")
    assert (answer.code, answer.get("Contact")) == (200, "")
    assert bench.events() == []


def test_a_query_names_the_binding(bench: Bench) -> None:
    """What is known is the one contact and how long it holds."""
    Registrant(bench, cseq=20).register()
    phone = Registrant(bench, cseq=30, count=5)
    authorization = phone.answer(phone.send())
    data = request(
        "REGISTER", 40, from_="<sip:21@x>;tag=r", to="<sip:21@x>", branch="z9hG4bKq",
        extra=f"Authorization: {authorization}",
    ).replace(b"Contact: <sip:21@192.0.2.21:5060>\r\n", b"")  # fmt: skip
    assert bench.receive(data)[0].get("Contact") == "<sip:21@192.0.2.21:5060>;expires=60"


def test_a_phone_says_what_it_is(bench: Bench) -> None:
    """Told when it comes, and again when another has taken its place; never at a renewal."""
    contact = "Contact: <sip:21@192.0.2.21:5060>;expires=60\r\n"
    agents = ("Yealink SIP-T46U 108.86", "Yealink SIP-T46U 108.86", "x" * 500)
    for number, agent in enumerate(agents, 9):
        assert raw(bench, f"{contact}User-Agent: {agent}\r\n", number).code == 200
    assert bench.events() == [
        events.PhoneRegistered("21", "Yealink SIP-T46U 108.86"),
        events.PhoneRegistered("21", "x" * 120),
    ]
    kept = bindings_from_json(bindings_to_json(tuple(bench.box.registrar.bindings.values())), 0, 9)
    assert [binding.agent for binding in kept] == ["x" * 120]


@pytest.mark.parametrize("contact", ["Contact: *\r\n", "Contact: <tel:21>\r\n"])
def test_a_contact_that_cannot_be_rung(bench: Bench, contact: str) -> None:
    """400: nothing could ever be sent there."""
    assert raw(bench, contact).code == 400


def test_star_with_expires_0_signs_off(bench: Bench) -> None:
    """Contact: * with Expires: 0 removes what is bound (10.2.2)."""
    Registrant(bench).register()
    bench.events()
    assert raw(bench, "Contact: *\r\nExpires: 0\r\n").code == 200
    assert bench.events() == [events.PhoneGone("21", "it signed off")]


@pytest.mark.parametrize("first", ["old", "new"])
def test_a_phone_that_moves_names_its_old_place_too(bench: Bench, first: str) -> None:
    """10.3 step 7: what expires is the Contact that says so, in whichever order they stand."""
    Registrant(bench).register()
    new = "<sip:21@192.0.2.22:5070>;expires=60"
    old = "<sip:21@192.0.2.21:5060>;expires=0"
    both = f"{old}, {new}" if first == "old" else f"{new}, {old}"
    answer = raw(bench, f"Contact: {both}\r\n")
    assert answer.get("Contact") == "<sip:21@192.0.2.22:5070>;expires=60"
    assert bench.events() == [events.PhoneRegistered("21")]


@pytest.mark.parametrize("old", ["sip:21@192.0.2.99:5060", "tel:21"])
def test_an_old_place_that_is_signed_off_leaves_the_new_one(bench: Bench, old: str) -> None:
    """A phone that was restarted clears what it was before: where it stands now it stays."""
    Registrant(bench).register()
    bench.events()
    answer = raw(bench, f"Contact: <{old}>;expires=0\r\n")
    assert (answer.code, answer.get("Contact")) == (200, "<sip:21@192.0.2.21:5060>;expires=60")
    assert bench.events() == []


def test_signing_off_with_other_parameters(bench: Bench) -> None:
    """The same user at the same address is the same Contact."""
    Registrant(bench).register()
    bench.events()
    raw(bench, "Contact: <sip:21@192.0.2.21;transport=udp>;expires=0\r\n")
    assert bench.events() == [events.PhoneGone("21", "it signed off")]


def test_a_phone_with_a_secret_proves_itself_when_it_dials(bench: Bench) -> None:
    """An INVITE is challenged like a REGISTER: an address can be forged on a LAN."""
    phone = Registrant(bench)
    phone.register()
    bench.events()
    challenged = phone.send(method="INVITE")
    assert challenged.code == 401
    assert bench.events() == []
    assert phone.send(phone.answer(challenged, "INVITE"), method="INVITE").code == 180
    assert isinstance(bench.events()[0], events.PhoneDialled)


def test_a_phone_without_secret_cannot_register() -> None:
    """A phone with a fixed address has nothing to register with: the uniform 401."""
    bench = Bench(box_endpoint())
    assert Registrant(bench, secret="").register().code == 401


# --- fixed addresses ----------------------------------------------------------------------------


def test_fixed_phones_are_there_from_the_start() -> None:
    """A configured address counts as registered at once."""
    box = endpoint(BOX, PhoneAccount("21", fixed_address=PHONE))
    assert box.take_events() == [events.PhoneRegistered("21")]


def test_qualify() -> None:
    """OPTIONS every 30 s: any answer is life; silence or ICMP is told once, and so is a return."""
    bench = Bench(box_endpoint(qualify_s=30.0))
    asked = [m for m in bench.wait(0.1) if m.method == "OPTIONS"]
    assert len(asked) == 1
    bench.say(asked[0], 404)
    assert bench.events() == []
    bench.wait(30.0)
    bench.box.refused(PHONE, bench.now)
    assert bench.events() == [events.PhoneGone("21", "nothing answers at its address")]
    bench.wait(65.0)
    assert bench.events() == [], "it is gone already"
    (again,) = [m for m in bench.wait(30.0) if m.method == "OPTIONS"][-1:]
    bench.receive(response(again, 200))
    assert bench.events() == [events.PhoneRegistered("21")]


def test_a_question_that_waits_is_not_asked_again() -> None:
    """Asked more often than a phone may take to answer, it is known to be gone all the same."""
    bench = Bench(box_endpoint(qualify_s=1.0))
    bench.wait(5.5)
    assert bench.events() == [events.PhoneGone("21", "nothing answers at its address")]


# --- restarts -----------------------------------------------------------------------------------

BINDING = Binding("21", PHONE, "sip:21@192.0.2.21:5060", 160.0)


def test_bindings_outlive_a_restart() -> None:
    """Whatever has passed since it was written, the phone can be rung until it would have renewed;
    one that had never answered a question is believed for the 30 s that it is granted.
    """
    text = bindings_to_json((BINDING, dataclasses.replace(BINDING, phone="22", proven=True)))
    kept = bindings_from_json(text, now=5.0, longest=120)
    assert [binding.expires_at for binding in kept] == [35.0, 125.0]
    assert dataclasses.replace(kept[0], expires_at=BINDING.expires_at) == BINDING
    box = endpoint(BOX, PhoneAccount("21", SECRET))
    box.start(5.0, kept)
    assert box.take_events() == [events.PhoneRegistered("21")]
    assert box.registrar.target("21")
    box.advance(36.0)
    assert isinstance(box.take_events()[0], events.PhoneGone)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "{}",
        "[1]",
        '[{"phone": "21"}]',
        '[{"phone": "21", "source": "x", "contact": "sip:a@b"}]',
        '[{"phone": "21", "source": "192.0.2.21:5060", "contact": "tel:1"}]',
        '[{"phone": 21, "source": "192.0.2.21:5060", "contact": "sip:a@b"}]',
        '[{"phone": "21", "source": 7, "contact": "sip:a@b"}]',
    ],
)
def test_a_broken_file_of_bindings_is_no_obstacle(text: str) -> None:
    """What cannot be read is left out; the phones come back by themselves."""
    assert bindings_from_json(text, 0.0, 120) == ()


def test_bindings_of_phones_that_are_no_more() -> None:
    """A phone whose account was removed meanwhile is not taken over."""
    box = endpoint(BOX, PhoneAccount("22", SECRET))
    box.start(0.0, (BINDING,))
    assert box.take_events() == []


# --- digest, by itself --------------------------------------------------------------------------


def test_the_example_of_rfc_2617() -> None:
    """RFC 2617 3.5: Mufasa opens /dir/index.html with 'Circle Of Life'."""
    given = Credentials(
        username="Mufasa",
        realm="testrealm@host.com",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        uri="/dir/index.html",
        response="",
        algorithm="MD5",
        qop="auth",
        cnonce="0a4f113b",
        nc="00000001",
    )
    assert expected_digest(given, "Circle Of Life", "GET") == "6629fae49393a05397450978507c4ef1"


def test_the_sha_256_example_of_rfc_7616() -> None:
    """RFC 7616 3.9.1."""
    given = Credentials(
        username="Mufasa",
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        uri="/dir/index.html",
        response="",
        algorithm="SHA-256",
        qop="auth",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        nc="00000001",
    )
    right = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert expected_digest(given, "Circle of Life", "GET") == right


@pytest.mark.parametrize("count", ["", "1", "0000000g", "-0000001", "00000000"])
def test_a_nonce_count_that_counts_nothing(count: str) -> None:
    """An unreadable nc counts as none."""
    given = digest_credentials({"nonce": "n", "nc": count})
    assert given
    assert given.count == 0


def test_lock_out_remembers_a_bounded_number_of_sources() -> None:
    """A flood of sources fills no memory."""
    lock = LockOut()
    for number in range(3000):
        lock.failed(f"192.0.{number // 256}.{number % 256}", "21", 0.0)
    assert len(lock._wrong.keys) == 1024


def test_renewed_passwords_hold_at_once() -> None:
    """A phone whose password was renewed is unregistered and comes back with the new one alone;
    the others stay; a phone that gets its first password may register.
    """
    made = box_endpoint(PhoneAccount("21", SECRET), PhoneAccount("22", "other"), PhoneAccount("23"))
    bench = Bench(made)
    old, other = Registrant(bench), Registrant(bench, "22", "other", source=OTHER)
    for phone in (old, other):
        assert phone.send(phone.answer(phone.send())).code == 200
    bench.events()
    made.registrar.learn({"21": "new", "22": "other", "23": "first", "99": "nobody's"})
    assert bench.events() == [events.PhoneGone("21", "its password was renewed")]
    assert set(made.registrar.bindings) == {"22"}
    assert old.send(old.answer(old.send())).code == 401
    for name, secret in (("21", "new"), ("23", "first")):
        fresh = Registrant(bench, name, secret, cseq=10)
        assert fresh.send(fresh.answer(fresh.send())).code == 200
    nobody = Registrant(bench, "99", "nobody's")
    assert nobody.send(nobody.answer(nobody.send())).code == 401


def test_a_phone_with_the_password_before_is_not_locked_out() -> None:
    """Nobody has told it the new one yet: it is refused however often, but as soon as it is told,
    it may come back. Guesses are counted as ever.
    """
    made = box_endpoint(PhoneAccount("21", SECRET))
    bench = Bench(made)
    made.registrar.learn({"21": "new"})
    old, new = Registrant(bench), Registrant(bench, secret="new", cseq=100)
    for _ in range(30):
        assert old.send(old.answer(old.send())).code == 401
        bench.wait(2.0)
    assert new.send(new.answer(new.send())).code == 200
    guess = Registrant(bench, secret="guess", source=OTHER, cseq=200)
    answers = [guess.send(guess.answer(guess.send())).code for _ in range(5)]
    assert answers == [401] * 5
    assert guess.send().code == 503


def test_the_password_before_is_known_over_a_start_and_after_a_removal() -> None:
    """The service has started anew: a phone that was removed and goes on trying does not lock out
    the next one of its name or of its address.
    """
    made = box_endpoint(PhoneAccount("21", "new"), former=(("21", SECRET), ("22", "gone")))
    bench = Bench(made)
    old, gone = Registrant(bench), Registrant(bench, "22", "gone", cseq=50)
    for _ in range(30):
        assert [each.send(each.answer(each.send())).code for each in (old, gone)] == [401, 401]
        bench.wait(2.0)
    new = Registrant(bench, secret="new", cseq=100)
    assert new.send(new.answer(new.send())).code == 200
