"""F13 on one virtual clock: two days without any network, over a holiday; then it is back.

Exchange, media gateway, call control, records, mailbox, housekeeping, the mail thread are the real
ones; phones, the LAN and whoever takes the mails stand beyond the network that is not there.
"""

from __future__ import annotations

import queue
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from appliance.calls.orders import CallRecord
from appliance.mail import MailSender
from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import ReturnRule
from appliance.policy.hours import Holiday
from appliance.policy.mail import DeliveryReply, DeliveryVerdict, Mail, OutgoingMail
from appliance.policy.requests import spoken_request
from appliance.service.housekeeping import Housekeeping, HousekeepingPlan
from appliance.service.mailroom import DatabaseOutbox
from appliance.simulator.exchange.call import CallPlan, Party
from appliance.store import outbox, requests
from appliance.store.alerts import AlertSettings
from appliance.store.requests import RequestMails, RequestToStore
from appliance.store.retention import RetentionDays
from tests.helpers.words import pair
from tests.soak import mix, office
from tests.soak.kept import KeptStore
from tests.soak.mix import Script, Speaks
from tests.soak.world import World

BEGINS = datetime(2026, 12, 7, 12, 30, tzinfo=office.ROME)
"""A Monday; the Tuesday is a holiday, on the Wednesday the network is back."""
HOLIDAY = Holiday(date(2026, 12, 8), pair("Immacolata", "Immaculate Conception"))
BACK = datetime(2026, 12, 9, 10, 0, tzinfo=office.ROME)
LIMIT_S = 20.0
LOOK_S = 300.0
"""The box's own housekeeping looks every minute; a mail server that is away is asked every 15."""
DESK = "sportello@comune.example"
TALKS = CallPlan(caller="0511234567", rings=7, hang_up_after_ms=25_000, clips=(mix.SPEECH,),
                 repeat_say=True)  # fmt: skip
LEAVES_WORDS = CallPlan(caller="0511234567", rings=7, hang_up_after_ms=mix.STAYS_MS, digits="#",
                        clips=(mix.SPEECH[:20_000],), after_quiet_ms=400)  # fmt: skip
SAYS_NOTHING = CallPlan(caller="0517654321", rings=1)
LETTERS = RequestMails(
    lambda kept, _: (Mail(f"request-{kept.request.number}", "anagrafe@comune.example", "S", "B"),)
)
THERE = Party("answer", rings=1, says=True, press="1", press_after_ms=1500)


@dataclass(frozen=True)
class Watched(DatabaseOutbox):
    """The outbox of the records; `turns` gets a word after each turn of the mail thread."""

    turns: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue)

    def dead(self) -> int:
        """Count what was given up: the last that a turn asks."""
        found = DatabaseOutbox.dead(self)
        self.turns.put(None)
        return found


class OfflineWorld(World):
    """A world whose phones cannot be reached, nor anybody's clock or mail server."""

    is_down = True

    def prepare(self) -> None:
        """Pull the cable, and begin on the day before a holiday."""
        self.start = BEGINS
        board, counter = office.OFFICE.switchboard, office.OFFICE.citizens_desk
        assert counter is not None
        self.office = replace(
            office.OFFICE,
            switchboard=replace(board, schedule=replace(board.schedule, holidays=(HOLIDAY,))),
            citizens_desk=replace(counter, schedule=replace(counter.schedule, holidays=(HOLIDAY,))),
        )
        self.phones.off.update(mix.PHONES)
        self.lan.lossy = True

    def clock(self) -> Now:
        """Nobody tells the time any more: the box goes by its own."""
        now = super().clock()
        return Now(
            now.monotonic, now.wall, ClockState.HOLDOVER if self.is_down else now.clock_state
        )

    def plug_in(self) -> None:
        """The network is back: the phones register, each when it tries again, within a minute."""
        self.is_down = self.lan.lossy = False
        for phone in mix.PHONES:
            self.phones.give_power(phone)
            self.after(self.dice.uniform(1.0, 60.0), lambda name=phone: self.phones.register(name))  # type: ignore[misc]  # a default


class Offline:
    """The box, its housekeeping and its mail thread; `left` are mails by key."""

    def __init__(self, folder: Path) -> None:
        self.world = OfflineWorld(
            folder, 5, lambda world: KeptStore(world, folder=folder / "state"), 4000
        )
        store = self.world.store
        assert isinstance(store, KeptStore)
        self.store = store
        self.left: Counter[str] = Counter()
        self.tries = 0
        self.records: dict[str, CallRecord] = {}
        calendar = self.world.office.switchboard.schedule
        plan = HousekeepingPlan(calendar, AlertSettings(desk=DESK), RetentionDays())
        self.housekeeping = Housekeeping(
            store.box.records, store.box.home.parent, plan, lambda _: None
        )
        self.outbox = Watched(store.box.records)
        self.sender = MailSender(
            self.outbox, self._deliver, lambda: None, lambda _: None, None, lambda: self.world.now
        ).start()
        self.outbox.turns.get(timeout=LIMIT_S)
        self.world.after(LOOK_S, self._look)

    def close(self) -> None:
        """End all."""
        self.sender.stop(LIMIT_S)
        self.world.close()
        self.store.close()

    def _deliver(self, letter: OutgoingMail) -> DeliveryReply:
        self.tries += 1
        if self.world.is_down:
            return DeliveryReply(DeliveryVerdict.AWAY, "no route to host")
        self.left[letter.mail.key] += 1
        return DeliveryReply(DeliveryVerdict.SENT, "taken")

    def _look(self) -> None:
        """Let housekeeping and mail thread do what they do by now, and wait for both."""
        self.world.after(LOOK_S, self._look)
        self.housekeeping.look(self.world.clock())
        self.store.box.records.ask(lambda _: None)
        self.sender.wake()
        self.outbox.turns.get(timeout=LIMIT_S)

    # --- what happens ------------------------------------------------------------------------

    def until(self, wall: datetime) -> None:
        """Let time go by up to a moment."""
        while self.world.clock().wall < wall:
            self.world.doze()

    def call(self, line: str, plan: CallPlan = LEAVES_WORDS) -> CallRecord:
        """Have somebody call and see the call to its end; returns its record."""
        world, known = self.world, set(self.store.records)
        after = dict.fromkeys(mix.PHONES, 1.0)
        speaks = Speaks.MESSAGE_KEY if plan is LEAVES_WORDS else Speaks.TALKS
        script = Script(
            len(known) + 1, "planned", plan, speaks, after_s=after, talk_s=8.0,
            parties=dict.fromkeys(office.EXTENSIONS, THERE),
        )  # fmt: skip
        world.place(line, script)
        end = world.now + 120.0
        while world.watch.lines[line].caller is not None or not world.watch.is_idle(line):
            world.step()
            assert world.now < end, world.watch.describe(line)
        (name,) = set(self.store.records) - known
        return self.store.records[name]

    def take_request(self, ident: str) -> None:
        """Somebody at the front desk takes a request at the console."""
        at = self.world.clock().wall
        new = spoken_request(ReturnRule.EMAIL, "anagrafe", "aire", ident, "051", ident, at, "op1")
        self.store.box.records.ask(
            lambda c: requests.insert_request(c, RequestToStore(ident, new, at), LETTERS)
        )

    def waiting(self) -> list[str]:
        """Return the keys of the mails that have not left."""
        kept = self.store.box.records.ask(outbox.list_mails)
        return [each.mail.key for each in kept if each.settled_at is None]

    def hours(self) -> float:
        """Say for how long all this has gone on."""
        return (self.world.clock().wall - BEGINS) / timedelta(hours=1)
