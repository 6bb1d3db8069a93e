"""A machine that does anything to a few residents, in any order, as requests, admins, partners and jobs do it."""

from datetime import timedelta
from functools import partial
from itertools import cycle

import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backend import clock
from backend.account import administering, cancelling
from backend.actions import binding, partner_feed, reviewing
from backend.actions.record_batch import record_batch
from backend.actions.record_many import record_many
from backend.actions.record_one import record_one
from backend.actions.reversing import reverse
from backend.database import db, transaction
from backend.errors import RefusalError
from backend.leaderboard.moving import moved
from backend.ledger import adjusting
from backend.ledger.models import Wallet
from backend.partners import proofs
from backend.partners import service as partners
from backend.projector import service as projector
from backend.residents.auth import Caller
from backend.residents.models import Resident
from backend.rewards import deciding, redeeming, stocking
from backend.verification import verify
from tests.asking import asked_by
from tests.expiry import call_off_overdue, expire_everything
from tests.properties import deeds
from tests.properties.effects import booked
from tests.properties.invariants import everything_wrong

PEOPLE = st.integers(0, 2)
RECENT = st.integers(0, 7)
"""Which of the things done before: the last, or one a little earlier."""
DONE_ONCE = ("own_bag", "own_cup", "clean_plate", "green_quiz")
VERIFIED_EVERY = 20
"""Steps, and at the end of each example: verify, which reads the whole calendar, takes as long as five of them."""
MOST = 100
"""Rows that a job takes at once."""


class SmallCity(RuleBasedStateMachine):
    """Three residents, three gifts and one partner. A subclass gives `world`: how to begin, and the settings."""

    world = None
    steps = 0
    effects = None
    """A subclass counts here what its steps came to, in all examples and without their beginnings."""

    @initialize()
    def begin(self):
        self.world.empty()
        self.travelling = time_machine.travel(clock.now(), tick=False)
        self.traveller = self.travelling.start()
        self.secret, self.gifts = self.world.partner(), self.world.gifts()
        self.people = [self.world.newcomer() for _ in range(3)]
        self.actions, self.waiting, self.reviewed, self.frozen = [], [], [], []
        self.redemptions, self.reserved, self.events = [], [], 0
        # An example may use few of the rules: let each of them find something to work on.
        for who in range(3):
            self._record(who, deeds.claim("clean_plate", days=1, tier="photo"))
            self._remember(who, self._do(lambda who=who: self._record_many(who, deeds.day(trips=who + 1))))
            self._redeem(who, self.gifts[0], quantity=1)
        self.bind(who=0)
        self.before = booked()

    def teardown(self):
        try:
            assert list(verify(workers=1)) == []
        finally:
            self.travelling.stop()

    @rule(who=PEOPLE, task=st.sampled_from(DONE_ONCE), days=st.integers(0, 6))
    def act(self, who, task, days):
        self._record(who, deeds.claim(task, days=days))

    @rule(who=PEOPLE, days=st.integers(0, 6), hours=st.integers(0, 20), metres=st.integers(300, 20_000))
    def ride(self, who, days, hours, metres):
        self._record(who, deeds.trip(days=days, hours=hours, metres=metres, tier="declaration"))

    @rule(who=PEOPLE, days=st.integers(0, 6))
    def send_a_photo(self, who, days):
        self._record(who, deeds.claim("clean_plate", days=days, tier="photo"))

    @rule(who=PEOPLE, days=st.integers(0, 6), hours=st.lists(st.integers(0, 20), min_size=1, max_size=4))
    def act_in_a_batch(self, who, days, hours):
        claims = [deeds.trip(days=days, hours=hour, metres=5_000, tier="partner") for hour in hours]
        claims += [deeds.claim(task, days=days) for task in DONE_ONCE]
        self._remember(who, self._do(lambda: self._record_many(who, claims)) or ())

    @rule(who=PEOPLE, days=st.lists(st.integers(0, 6), min_size=1, max_size=4), reference=st.integers(0, 9))
    def come_back_online(self, who, days, reference):
        claims = [deeds.claim(task, days=day) for task, day in zip(cycle(DONE_ONCE), days, strict=False)]
        claims.append(deeds.claim("clean_plate", days=days[0], tier="photo"))
        for place, claim in enumerate(claims):
            claim.place, claim.client_reference = place, f"r-{reference}" if place % 2 else None
        self._remember(who, record_batch(claims, **self._asked(who)).judged)

    @rule(who=PEOPLE, hours=st.lists(st.integers(1, 100), min_size=1, max_size=4), again=st.booleans())
    def report(self, who, hours, again):
        self.events += not again
        events = [deeds.ride(f"e-{self.events}-{hour}", self._subject(who), hours=hour) for hour in hours]
        self._do(lambda: partner_feed.credit_events(partners.find("bikes"), events, now=clock.now()))

    @rule(who=PEOPLE)
    def bind(self, who):
        subject, now = self._subject(who), clock.now()
        proof = proofs.prove(subject, secret=self.secret, expires=int(now.timestamp()) + 60)
        wanted = {"resident_id": self.people[who], "partner_code": "bikes", "subject": subject, "proof": proof}
        self._do(lambda: binding.bind(**wanted, now=now))

    @rule(who=PEOPLE)
    def unbind(self, who):
        self._do(lambda: binding.unbind(resident_id=self.people[who], partner_code="bikes", now=clock.now()))

    @precondition(lambda self: self.actions)
    @rule(which=RECENT)
    def take_back(self, which):
        owner, seq = self._one_of(self.actions, which)
        self._do(lambda: reverse(resident_id=owner, seq=seq, reason="test", by="admin:one", now=clock.now()))

    @precondition(lambda self: self.waiting or self.reviewed)
    @rule(which=RECENT, good=st.booleans(), again=st.booleans())
    def review(self, which, good, again):
        owner, seq = one = self._one_of(self._either(self.reviewed, self.waiting, first=again), which)
        decided = {"resident_id": owner, "seq": seq, "by": "admin:one", "now": clock.now()}
        if self._do(lambda: reviewing.accept(**decided) if good else reviewing.refuse(**decided, reason="dark")):
            self.waiting.remove(one)
            self.reviewed.append(one)
            self.actions.append(one)

    @rule(who=PEOPLE, gift=st.integers(0, 1), quantity=st.integers(1, 3))
    def redeem(self, who, gift, quantity):
        self._redeem(who, self.gifts[gift], quantity=quantity)

    @rule(who=PEOPLE, left=st.sampled_from([-1, 0, 0, 1]))
    def donate_everything(self, who, left):
        with transaction():
            balance = db.session.get(Wallet, self.people[who], populate_existing=True).balance
        self._redeem(who, self.gifts[2], quantity=max(1, balance - left))

    @precondition(lambda self: self.redemptions)
    @rule(which=RECENT, ever=st.booleans())
    def cancel(self, which, ever):
        self._decide(which, ever, deciding.cancel)

    @precondition(lambda self: self.redemptions)
    @rule(which=RECENT, ever=st.booleans())
    def fulfil(self, which, ever):
        self._decide(which, ever, partial(deciding.fulfil, by="admin:one"))

    @rule(gift=st.integers(0, 1), delta=st.integers(-2, 3).filter(bool))
    def restock(self, gift, delta):
        self._do(lambda: stocking.move(self.gifts[gift], delta=delta, reason="counted", by="admin:one"))

    @rule(who=PEOPLE, points=st.integers(-20, 40).filter(bool), good=st.booleans())
    def adjust(self, who, points, good):
        def ask_and_decide():
            asked = adjusting.request(resident_id=self.people[who], points=points, reason="test", by="admin:one")
            which = adjusting.AdjustmentId(asked.resident_id, asked.id)
            (adjusting.approve if good else adjusting.refuse)(which, by="admin:two")

        self._do(ask_and_decide)

    @rule(who=PEOPLE)
    def freeze(self, who):
        if self._set_frozen(self.people[who], frozen=True):
            self.frozen.append(self.people[who])

    @precondition(lambda self: self.frozen)
    @rule(which=RECENT)
    def unfreeze(self, which):
        # Also somebody who has left since, whose wallet must stay as it is.
        self._set_frozen(self._one_of(self.frozen, which), frozen=False)

    @rule(who=PEOPLE, district=st.sampled_from([None, 1, 2]))
    def move(self, who, district):
        def change():
            db.session.get(Resident, self.people[who]).district_id = district
            moved(self.people[who], now=clock.now())

        self._do(change)

    @rule(who=PEOPLE)
    def leave(self, who):
        self._do(lambda: cancelling.cancel(Caller(self.people[who], 0)))
        self.people[who] = self.world.newcomer()

    @rule(days=st.sampled_from([0, 0, 1, 1, 31, 200, 700]))
    def let_time_pass(self, days):
        self.traveller.shift(timedelta(days=days))
        self._do(lambda: expire_everything(now=clock.now()))
        self._do(lambda: call_off_overdue(clock.now(), MOST))

    @rule(days=st.sampled_from([1, 1, 31, 200]))
    def let_time_pass_without_jobs(self, days):
        self.traveller.shift(timedelta(days=days))

    @rule()
    def project(self):
        projector.drain()

    @invariant()
    def everything_adds_up(self):
        type(self).steps += 1
        now = booked()
        self.effects.update(now - self.before)
        self.before = now
        settings = self.world.settings
        wrong = everything_wrong(cap_day=settings.points_cap_day, zone=settings.city_time_zone.key)
        assert not wrong, wrong
        if self.steps % VERIFIED_EVERY == 0:
            assert list(verify(workers=1)) == []

    def _do(self, call):
        try:
            with transaction():
                return call()
        except RefusalError:
            return None  # a refusal is an answer; what matters is that nothing is half done

    def _redeem(self, who, gift, *, quantity):
        wanted = {"resident_id": self.people[who], "reward_id": gift, "quantity": quantity}
        done = self._do(lambda: redeeming.redeem(**wanted, now=clock.now()))
        if done is not None:
            self.redemptions.append((self.people[who], done.redemption.seq))
            if done.redemption.status == "reserved":
                self.reserved.append(self.redemptions[-1])

    def _decide(self, which, ever, call):
        """Decide on something reserved; now and then on anything, as whoever is late would."""
        owner, seq = one = self._one_of(self._either(self.redemptions, self.reserved, first=ever), which)
        if self._do(lambda: call(owner, seq, now=clock.now())) and one in self.reserved:
            self.reserved.remove(one)

    def _set_frozen(self, owner, *, frozen):
        changed = {"frozen": frozen, "reason": "test", "by": "admin:one"}
        return self._do(lambda: administering.set_frozen(owner, **changed))

    def _record(self, who, claim):
        self._remember(who, record_one(claim, **self._asked(who)).judged)

    def _asked(self, who):
        return asked_by(self.people[who], settings=self.world.settings)

    def _record_many(self, who, claims):
        return record_many({self.people[who]: claims}, settings=self.world.settings, now=clock.now())

    def _remember(self, who, judged):
        for one in judged:
            if one.seq is not None:
                found = self.waiting if one.outcome.status == "pending" else self.actions
                found.append((self.people[who], one.seq))

    def _subject(self, who):
        return f"s-{self.people[who]}"

    @staticmethod
    def _either(one, other, *, first):
        """The first or the second of two lists, or the one that is not empty."""
        return (one or other) if first else (other or one)

    @staticmethod
    def _one_of(things, which):
        return things[-1 - which % len(things)]
