"""A resident to whom everything can happen, and everything that can: each a call in a transaction of its own."""

from datetime import timedelta

from sqlalchemy import text

from backend import clock
from backend.account import administering, cancelling
from backend.actions import binding, partner_feed, reviewing
from backend.actions.claim import Claim
from backend.actions.events import Event
from backend.actions.record_batch import record_batch
from backend.actions.record_one import record_one
from backend.actions.reversing import reverse
from backend.database import db, transaction
from backend.ledger import adjusting
from backend.outbox import partition_of
from backend.partners import proofs
from backend.partners import service as partners
from backend.projector import service as projector
from backend.residents.auth import Caller
from backend.rewards import deciding, redeeming
from backend.rewards.redeeming import Wanted
from backend.web.idempotency import Request
from tests.asking import asked_by
from tests.expiry import call_off_overdue, expire_everything

EVERYBODY = 1_000
OVERDUE_DAYS = 60
"""By then nothing that is reserved now can be collected any more."""
STANDING = text("""
SELECT w.balance, w.held, w.co2e_mg, w.actions, w.frozen, r.state, r.hidden,
    (SELECT array_agg(status ORDER BY seq) FROM actions a WHERE a.resident_id = w.resident_id),
    (SELECT array_agg(status ORDER BY seq) FROM redemptions d WHERE d.resident_id = w.resident_id),
    (SELECT array_agg(stock ORDER BY id) FROM rewards WHERE id = ANY(:rewards)),
    (SELECT count(*) FROM external_events x WHERE x.subject = :subject AND x.resident_id IS NULL)
FROM wallets w JOIN residents r USING (resident_id) WHERE w.resident_id = :who
""")

THINGS = (
    "award",
    "award in a batch",
    "accept",
    "refuse",
    "reverse",
    "redeem",
    "redeem a voucher",
    "cancel",
    "fulfil",
    "call off what is overdue",
    "expire points",
    "adjust",
    "freeze",
    "leave",
    "bind",
    "unbind",
    "report",
    "project",
)
"""Names of what can happen."""


def expire_what_is_due():
    """Of everybody who was here before."""
    now = clock.now()
    expire_everything(now=now)
    with transaction():
        call_off_overdue(now + timedelta(days=OVERDUE_DAYS), EVERYBODY)


class Somebody:
    """Has one credited action, one that waits for review, one reserved redemption, points that are due, a binding
    at a partner, and another of the partner's subjects whose event waits to be bound."""

    def __init__(self, world):
        expire_what_is_due()  # jobs then find nobody but us
        projector.drain()
        self.world = world
        self.who = self.resident_id = world.somebody().resident_id
        self.mug, self.ticket = world.new_reward(stock=2, price_points=10).id, world.new_reward("voucher", stock=1).id
        self.subject, self.stray = f"s-{self.who}", f"t-{self.who}"
        world.give(self, 30, valid_months=-1)
        world.give(self, 100)
        self.bind(self.subject)
        self.report([self.subject, self.stray], hours=30)
        self.record(self.claim("clean_plate", tier="photo"))
        with transaction():
            redeeming.redeem(resident_id=self.who, reward_id=self.mug, quantity=1, now=clock.now())

    def standing(self):
        """How everything of theirs stands."""
        values = {"who": self.who, "rewards": [self.mug, self.ticket], "subject": self.stray}
        with transaction():
            return tuple(map(str, db.session.execute(STANDING, values).one()))

    def things_to_do(self):
        """Name → call, of everything that can happen to them."""
        now, later = clock.now(), clock.now() + timedelta(days=OVERDUE_DAYS)
        reviewed = {"resident_id": self.who, "seq": 2, "by": "admin:one", "now": now}
        return {
            "award": lambda: self.record(self.claim("own_bag")),
            "award in a batch": self.batch,
            "accept": self.in_transaction(lambda: reviewing.accept(**reviewed)),
            "refuse": self.in_transaction(lambda: reviewing.refuse(**reviewed, reason="dark")),
            "reverse": self.in_transaction(
                lambda: reverse(resident_id=self.who, seq=1, reason="wrong", by="admin:one", now=now)
            ),
            "redeem": lambda: self.redeem(self.mug),
            "redeem a voucher": lambda: self.redeem(self.ticket),
            "cancel": self.in_transaction(lambda: deciding.cancel(self.who, 1, now=clock.now())),
            "fulfil": self.in_transaction(lambda: deciding.fulfil(self.who, 1, by="admin:one", now=clock.now())),
            "call off what is overdue": self.in_transaction(lambda: call_off_overdue(later, 9)),
            "expire points": lambda: expire_everything(now=now),
            "adjust": self.in_transaction(self.adjust),
            "freeze": self.in_transaction(
                lambda: administering.set_frozen(self.who, frozen=True, reason="test", by="admin:one")
            ),
            "leave": self.in_transaction(lambda: cancelling.cancel(Caller(self.who, 0))),
            "bind": lambda: self.bind(self.stray),
            "unbind": self.in_transaction(
                lambda: binding.unbind(resident_id=self.who, partner_code="bikes", now=clock.now())
            ),
            "report": lambda: self.report([self.subject, self.stray], hours=20),
            "project": self.project,
        }

    @staticmethod
    def in_transaction(call):
        def run():
            with transaction():
                call()

        return run

    def claim(self, task, *, tier="declaration"):
        at = clock.now() - timedelta(minutes=5)
        known = {"ended_at": None, "quantity_milli": None, "unit": None}
        return Claim(task=task, tier=tier, happened_at=at, day=clock.local_day(at), **known)

    def record(self, claim):
        record_one(claim, **self.asked())

    def batch(self):
        record_batch([self.claim("own_cup"), self.claim("own_bag")], **self.asked())

    def asked(self):
        return asked_by(self.who, settings=self.world.settings)

    def adjust(self):
        asked = adjusting.request(resident_id=self.who, points=-15, reason="test", by="admin:one")
        adjusting.approve(adjusting.AdjustmentId(asked.resident_id, asked.id), by="admin:two")

    def redeem(self, reward):
        redeeming.redeem_once(Wanted(reward, 1), caller=Caller(self.who, 0), request=Request(), render=lambda _done: {})

    def project(self):
        projector.project(partition_of(self.who))

    def bind(self, subject):
        now = clock.now()
        proof = proofs.prove(subject, secret=self.world.secret, expires=int(now.timestamp()) + 60)
        with transaction():
            binding.bind(resident_id=self.who, partner_code="bikes", subject=subject, proof=proof, now=now)

    def report(self, subjects, *, hours):
        now = clock.now()
        began = now - timedelta(hours=hours)
        events = [
            Event(f"{subject}-{hours}", subject, "bike_ride", at, at + timedelta(minutes=20), 2_000_000, "m")
            for subject, at in zip(subjects, (began, began + timedelta(hours=2)), strict=True)
        ]
        with transaction():
            partner_feed.credit_events(partners.find("bikes"), events, now=now)
