"""The SIP service for call control: orders to phones, their status.

pyVoIP's classes (`pyvoip`) are shells around our own transactions, dialogs and registrar. Callers
are never blocked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping

from appliance.calls.events import DigitPressed, Event, Passed
from appliance.dsp.wav import Law
from appliance.sip.dialog import open_calls_from_json, open_calls_to_json
from appliance.sip.endpoint import Endpoint
from appliance.sip.message import TcpPeer
from appliance.sip.phones import LegState, PhonesStatus, PhoneState, RingRequest
from appliance.sip.pyvoip import DeskPhone, parse
from appliance.sip.registrar import (
    PhoneAccount,
    PhonesSettings,
    bindings_from_json,
    bindings_to_json,
)
from appliance.sip.transport import SipThread


class Phones:
    """Call control's interface to its phones; every method returns at once, results are events.

    `on_event` is called in the `sip` thread and must not block. `kept` is what `bindings_to_json`
    returned before a restart, `left` what `left_to_json` returned before a crash.
    """

    def __init__(
        self,
        settings: PhonesSettings,
        on_event: Callable[[Event], None],
        kept: str = "",
        on_failure: Callable[[BaseException], None] | None = None,
        left: str = "",
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._status = PhonesStatus()
        bound = (settings.address, settings.port)
        self._loop = SipThread(bound, self._tell, self._after_turn, on_failure, tcp=settings.tcp)
        self._endpoint = Endpoint(settings, parse, self._loop.local, secrets.token_bytes)
        # Thread and endpoint need each other, so one of them is set afterwards.
        self._loop.endpoint = self._endpoint
        self._phone = DeskPhone(settings, self._endpoint)
        now = time.monotonic()
        self._kept = bindings_from_json(kept, now, settings.registration_s)
        self._left = open_calls_from_json(left)

    def start(self) -> None:
        """Begin to listen; an address that cannot be bound is retried, `status` says why."""
        self._loop.post(lambda now: self._endpoint.start(now, self._kept))
        self._loop.start()

    def stop(self) -> None:
        """Hang up every leg, give the phones a second to answer, end the thread."""
        self._loop.stop()

    def ring(
        self,
        leg: str,
        phone: str,
        media_address: str,
        media_port: int,
        display: str,
        number: str = "",
        laws: tuple[str, ...] = (),
        passed: Passed | None = None,
        *,
        picks_up: bool = False,
    ) -> None:
        """Ring `phone`, whose sound is to be sent to media_address:media_port.

        Results: LegProgressed, MediaAgreed and OperatorAnswered, or PhoneBusy, PhoneDeclined,
        PhoneUnreachable. `laws` is the preferred order of codings, () the configured one; `passed`
        says why a caller is handed over to another branch; `picks_up`: it is to answer by itself.
        """
        wanted = tuple(Law(law) for law in laws) or self._settings.laws
        media = (media_address, media_port)
        wish = RingRequest(leg, phone, media, display, number, wanted, passed, picks_up)
        endpoint, legs = self._endpoint, self._endpoint.legs
        self._loop.post(lambda now: legs.ring(wish, endpoint.target(phone), now))

    def pick_up(self, leg: str) -> None:
        """Have a ringing phone answer by itself; a phone that cannot rings on."""
        legs = self._endpoint.legs
        self._loop.post(lambda now: legs.pick_up(leg, now))

    def show(self, leg: str, display: str, number: str) -> None:
        """Show who calls on a phone that was rung before that was known, once it accepts it."""
        legs = self._endpoint.legs
        self._loop.post(lambda now: legs.show(leg, display, number, now))

    def stop_ringing(self, leg: str, answered_elsewhere: bool = False) -> None:
        """Cancel a leg; one answered meanwhile is hung up. No event follows."""
        legs = self._endpoint.legs
        self._loop.post(lambda now: legs.stop(leg, now, answered_elsewhere=answered_elsewhere))

    def hang_up(self, leg: str) -> None:
        """End a leg, answered or not. No event follows."""
        self._loop.post(lambda now: self._endpoint.legs.stop(leg, now))

    def accept(self, leg: str, media_address: str, media_port: int) -> None:
        """Answer a phone that dialled us; MediaAgreed and OperatorAnswered follow."""
        media = (media_address, media_port)
        self._loop.post(lambda now: self._endpoint.legs.accept(leg, media, now))

    def refuse(self, leg: str, code: int = 404) -> None:
        """Refuse a phone that dialled us. No event follows."""
        self._loop.post(lambda now: self._endpoint.legs.refuse(leg, code, now))

    def ask(self, leg: str) -> None:
        """Send OPTIONS in the call to a phone whose sound has stopped; PhoneLost if it is gone."""
        self._loop.post(lambda now: self._endpoint.legs.ask(leg, now))

    def tell_transfer(self, leg: str, code: int) -> None:
        """Report the progress of a transfer to the phone that asked for it (TransferAsked)."""
        self._loop.post(lambda now: self._endpoint.legs.tell_transfer(leg, code, now))

    def learn_secrets(self, secrets: Mapping[str, str]) -> None:
        """Replace the phones' secrets, without a restart."""
        kept = dict(secrets)
        self._loop.post(lambda _now: self._endpoint.registrar.learn(kept))

    def show_waiting(self, count: int) -> None:
        """Send the number of messages that nobody has closed to the phones' lamps."""
        self._loop.post(lambda now: self._endpoint.waiting.show(count, now))

    @property
    def last_turn(self) -> float:
        """Monotonic s at which the thread last turned: at most a second ago, or it hangs."""
        return self._loop.last_turn

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._loop.is_alive

    def status(self) -> PhonesStatus:
        """Return the state after the last turn."""
        return self._status

    def bindings_to_json(self) -> str:
        """Return the bindings to keep over a restart."""
        return bindings_to_json(self._status.bindings)

    def left_to_json(self) -> str:
        """Return what a later process needs to end the calls that are up now."""
        return open_calls_to_json(self._status.left)

    def _tell(self, event: Event) -> None:
        if isinstance(event, DigitPressed):
            self._phone.pressed(event.leg, event.digit)
        self._on_event(event)

    def _end_left(self) -> None:
        """End the calls left behind, as soon as there is a socket to send by."""
        if self._left and self._loop.is_open:
            left, self._left = self._left, ()
            self._loop.post(lambda now: self._endpoint.end_left(left, now))

    def _after_turn(self) -> None:
        loop, endpoint = self._loop, self._endpoint
        self._phone.mirror(is_listening=loop.is_open, trouble=loop.trouble)
        self._status = PhonesStatus(
            loop.is_open,
            loop.trouble,
            loop.address,
            tuple(self._state_of(account) for account in self._settings.accounts),
            tuple(LegState(c.leg, c.phone, c.state.value) for c in endpoint.legs.calls.values()),
            tuple(endpoint.registrar.bindings.values()),
            # Calls of the earlier process stay listed until they are ended.
            (*self._left, *endpoint.legs.left()),
            endpoint.nonsense,
            endpoint.registrar.authentication.lock_out.sources(time.monotonic()),
            endpoint.rate_limit.dropped,
            endpoint.rate_limit.flood(time.monotonic()),
            endpoint.registration.state if endpoint.registration else None,
            tuple(self._state_of_branch(name) for name in endpoint.branches()),
            loop.tcp_trouble,
            len(loop.connections),
        )
        self._end_left()

    def _state_of_branch(self, name: str) -> PhoneState:
        target = self._endpoint.target(name)
        answers = target is not None and name not in self._endpoint.qualify.gone
        return PhoneState(name, "", target.address if target else None, answers)

    def _state_of(self, account: PhoneAccount) -> PhoneState:
        target = self._endpoint.registrar.target(account.name)
        answers = target is not None and account.name not in self._endpoint.qualify.gone
        address = target.address if target else None
        return PhoneState(
            account.name, account.label, address, answers, isinstance(address, TcpPeer)
        )
