"""A machine that does anything in any order: after each step all books add up."""

import os
from datetime import timedelta

from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from backend import clock
from backend.actions.claim import Claim
from backend.actions.record_one import record_one
from backend.actions.reversing import reverse
from backend.database import transaction
from backend.errors import RefusalError
from backend.idempotency import Request
from backend.ledger import service as ledger
from backend.ledger.service import Reference
from backend.residents.auth import Caller
from tests.books import differences

EXAMPLES = int(os.environ.get("BOOKS_EXAMPLES", "12"))
STEPS = 40
TASKS = {"own_bag": 1, "own_cup": 1, "clean_plate": 1, "green_quiz": 1}


def machine(make_resident, settings):
    class Books(RuleBasedStateMachine):
        """One resident, and everything that moves points or grams."""

        actions = Bundle("actions")
        holds = Bundle("holds")

        def __init__(self):
            super().__init__()
            self.resident_id = make_resident().resident_id
            self.references = 0
            self.now = clock.now()

        def _reference(self, kind):
            self.references += 1
            return Reference(kind, self.references)

        @rule(target=actions, task=st.sampled_from(sorted(TASKS)), days=st.integers(0, 6))
        def act(self, task, days):
            at = self.now - timedelta(days=days, minutes=1)
            claim = Claim(
                task=task,
                tier="declaration",
                quantity_milli=None,
                unit=None,
                happened_at=at,
                ended_at=None,
                day=clock.local_day(at),
            )
            recorded = record_one(
                claim,
                caller=Caller(self.resident_id, 0),
                settings=settings,
                now=self.now,
                request=Request(),
                render=lambda _judged, _standing: {},
            )
            return recorded.judged.seq

        @rule(seq=actions)
        def take_back(self, seq):
            self._do(lambda: reverse(resident_id=self.resident_id, seq=seq, reason="test", by="test", now=self.now))

        @rule(target=holds, points=st.integers(1, 12))
        def hold(self, points):
            reference = self._reference("redemption")
            self._do(
                lambda: ledger.hold(
                    ledger.lock_wallet(self.resident_id), points=points, reference=reference, now=self.now
                )
            )
            return reference

        @rule(reference=consumes(holds), back=st.booleans())
        def decide(self, reference, back):
            def call():
                wallet = ledger.lock_wallet(self.resident_id)
                held = ledger.find_hold(self.resident_id, reference)
                if back:
                    ledger.release(wallet, held, now=self.now)
                else:
                    ledger.capture(wallet, held)

            self._do(call)

        @rule(points=st.integers(-20, 20).filter(bool))
        def adjust(self, points):
            reference = self._reference("adjustment")
            self._do(
                lambda: ledger.adjust(
                    ledger.lock_wallet(self.resident_id),
                    points=points,
                    reference=reference,
                    now=self.now,
                    settings=settings,
                )
            )

        @rule(months=st.integers(0, 9))
        def let_time_pass(self, months):
            self.now += timedelta(days=30 * months)
            today = clock.local_day(self.now)
            self._do(lambda: ledger.expire(ledger.lock_wallet(self.resident_id), today=today, now=self.now))

        def _do(self, call):
            try:
                with transaction():
                    call()
            except RefusalError:
                pass  # a refusal is an answer; what matters is that nothing is half done

        @invariant()
        def everything_adds_up(self):
            assert differences(with_actions=True) == []

    return Books


def test_whatever_happens_the_books_add_up(app, new_resident, settings):
    run_state_machine_as_test(
        machine(new_resident, settings),
        settings=hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
        ),
    )
