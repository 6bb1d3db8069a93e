"""What is created is read, changed, decided, cancelled: schemathesis goes where the description's links lead.

CONTRACT_EXAMPLES=200 makes a long run of what is otherwise a short one.
"""

import copy
import json
import secrets
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from random import Random

import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup
from sqlalchemy import text

from backend import clock
from backend.database import db, transaction
from backend.openapi.describing import calls
from backend.openapi.links import WAYS
from backend.partners.proofs import prove
from tests.contract.described import STRICT
from tests.contract.test_contract import ALWAYS, EXAMPLES, caller_of, configured
from tests.contract.test_twice import FACTOR, METHOD, PARTNER, TASK, TITLE

BASE = "http://localhost"
STEPS = 12
ENOUGH = 0.4
GOES, SCENARIOS = 2 * EXAMPLES, 10
"""How often hypothesis begins anew, and scenarios in each go."""
DRAWN = 4
"""One body in so many is as schemathesis draws it; the rules accept hardly any of those."""
PHOTO = {"kind": "photo", "photo_sha256": "ab" * 32}
ADDRESS = {"name": "Li Na", "phone": "13800000000", "address": "12 Yingze Street"}
PASSWORD = "a long phrase that nobody guesses"
CHECKED = [check for check in ALWAYS if check.__name__ != "unsupported_method"]
# What was made must be there; what was taken back must not.
CHECKED += CHECKS.get_by_names(["ensure_resource_availability", "use_after_free"])
REPORTED = {"receive_events"}
"""What a partner calls once a resident has bound: in the description no link leads there, for it is another client."""
REACHED = {call for ways in WAYS.values() for way in ways for call in way.calls}


def with_partner(description):
    """The description, with links to what a partner reports: after a binding, an action, or another page."""
    more = copy.deepcopy(description)
    successes = {
        call["operationId"]: answer
        for _path, _method, call in calls(more)
        for status, answer in call["responses"].items()
        if status.startswith("2")
    }
    for name in ("bind_account", "record_action", *REPORTED):
        successes[name].setdefault("links", {}).update({target: {"operationId": target} for target in REPORTED})
    return more


everything = schemathesis.openapi.from_dict(
    with_partner(STRICT), config=configured(phases=("fuzzing", "stateful"), mode="positive")
).include(lambda ctx: ctx.operation.definition.raw["operationId"] in REACHED | WAYS.keys() | REPORTED)


def test_what_is_created_is_read_changed_and_decided(site, ask, owner, operator, signature):
    answered, failures, let_in = Counter(), [], Counter()
    people = People(ask, owner, operator, signature)

    class Machine(everything.as_state_machine()):
        def setup(self):
            people.come()

        def before_call(self, case):
            name = name_of(case)
            answered[name, "asked"] += 1
            if answered[name, "asked"] % DRAWN:
                people.aim(case)
            if "Idempotency-Key" in case.headers:
                case.headers["Idempotency-Key"] = secrets.token_hex(8)

        def get_call_kwargs(self, case):
            return {"app": site, "base_url": BASE, **people.sent(case)}

        def after_call(self, response, case):
            answered[name_of(case), response.status_code] += 1
            if response.status_code < 300:
                people.note(case, response)
                let_in.update(people.strangers_answered(case, site=site))

        def validate_response(self, response, case, **kwargs):
            try:
                case.validate_response(response, checks=CHECKED, transport_kwargs=kwargs)
            except FailureGroup as error:
                failures.extend(error.exceptions)
                raise

    run(Machine)
    assert not failures
    succeeded = {name for name, status in answered if status != "asked" and status < 300}
    assert succeeded >= REPORTED, answered
    assert people.credited, "no event that a partner reported was credited"
    assert set(let_in) == {401}, let_in
    asked = {name: number for (name, status), number in answered.items() if status == "asked"}
    sys.stdout.write(
        f"{sum(asked.values())} calls along links, {sum(asked[name] for name in REPORTED)} of them by the partner, "
        f"{let_in.total()} more by strangers; never a success: {sorted(REACHED - succeeded)}\n"
    )
    # Chance decides which: a short run asks each call a dozen times at most. test_walk.py asks each well.
    assert len(REACHED & succeeded) > ENOUGH * len(REACHED)


def run(machine):
    """Some goes of hypothesis, each with scenarios of its own."""
    for number in range(GOES):
        # What a site answers depends on what was before, which hypothesis calls flaky: the next go begins anew.
        with suppress(Flaky):
            seed(number)(machine).run(
                settings=settings(
                    max_examples=SCENARIOS,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                    phases=(Phase.generate,),
                )
            )


def name_of(case):
    return case.operation.definition.raw["operationId"]


def value_of(expression, case, response, body):
    """What a link's expression stands for; None: nothing."""
    kind, _, name = expression.partition("#" if "#" in expression else ".")
    if kind == "$response.body":
        for part in name.strip("/").split("/"):
            body = body[int(part)] if isinstance(body, list) and body else None if not body else body.get(part)
        return body
    if name.startswith("header."):
        return (response.headers.get("etag") or [None])[0]
    return case.path_parameters[name.removeprefix("path.")]


class People:
    """Who asks: in each scenario a new resident with points. And bodies that the rules accept, for what schemathesis
    cannot know: codes that exist, times that are near."""

    def __init__(self, ask, owner, operator, signature):
        self._ask, self._owner, self._operator, self._signature = ask, owner, operator, signature
        self.credited = 0
        self._subjects = []
        self._secret = ask("/admin/partners/3/keys", None, owner())["secret"]
        self._made = 0
        self._random = Random(1)
        made = [self._ask("/admin/rewards", self._reward(kind), owner()) for kind in ("pickup", "physical")]
        self._reward_ids = [reward["id"] for reward in made]
        self._resident = {}
        self._linked = {}
        self._resident_id = 0
        self.bodies = {
            "record_action": self._action,
            "receive_events": self._page,
            "redeem": lambda: {"reward_id": self._random.choice(self._reward_ids), "quantity": 1, "delivery": ADDRESS},
            "bind_account": self._binding,
            "request_adjustment": lambda: {"resident_id": self._resident_id, "points": 5, "reason": "for the test"},
            "create": lambda: {"username": self._new("a"), "role": "auditor", "password": PASSWORD},
            "change": lambda: {"role": "reviewer"},
            "add_area": lambda: {"code": self._new("area"), "title": TITLE},
            "add_factor": lambda: {"code": self._new("f"), "valid_from": "2026-01-01", **FACTOR},
            "change_factor": lambda: {**FACTOR, "valid_from": "2027-01-01"},
            "add_methodology": lambda: {"code": self._new("m"), **METHOD},
            "change_methodology": lambda: {"title": TITLE},
            "add_task": lambda: {"code": self._new("t"), **TASK},
            "change_task": lambda: {"title": TITLE},
            "add_partner": lambda: {"code": self._new("p"), **PARTNER},
            "change_partner": lambda: {"title": TITLE},
            "add_reward": lambda: self._reward(self._random.choice(("pickup", "voucher"))),
            "change_reward": lambda: {"title": TITLE},
            "move_stock": lambda: {"delta": 3, "reason": "for the test"},
        }

    def come(self):
        """A new resident, with points to spend."""
        self._linked.clear()
        token = self._ask("/auth/wechat", {"code": f"dev-{self._new('linked')}"})["token"]
        self._resident = {"Authorization": f"Bearer {token}"}
        with transaction():
            self._resident_id = db.session.scalar(text("SELECT max(resident_id) FROM residents"))
        wanted = {"resident_id": self._resident_id, "points": 500, "reason": "for the test"}
        adjustment = self._ask("/admin/adjustments", wanted, self._operator)
        self._ask(f"/admin/adjustments/{adjustment['id']}/approve", {}, self._owner())

    def note(self, case, response):
        """Keep where the links of an answer lead: schemathesis follows them only now and then."""
        body = response.json() if response.content else {}
        for way in WAYS.get(name_of(case), ()):
            wanted = way.parameters | (way.body or {})
            found = {name: value_of(expression, case, response, body) for name, expression in wanted.items()}
            if None not in found.values():
                self._linked.update(dict.fromkeys(way.calls, found))
        if name_of(case) == "bind_account":
            self._subjects.append(body["subject"])
        if name_of(case) in REPORTED:
            self.credited += body["credited"]

    def aim(self, case):
        """Let a request go to what is there, with a body that makes sense."""
        name = name_of(case)
        known = self._linked.get(name, {})
        case.path_parameters.update({key: known[key] for key in case.path_parameters if key in known})
        if "If-Match" in known:
            case.headers["If-Match"] = known["If-Match"]
        if name == "hand_over":
            case.body = known or case.body
        elif name in self.bodies:
            case.body = self.bodies[name]()

    def sent(self, case):
        """What goes along with a request of whoever may make it: headers, and a partner's body as it is signed."""
        caller = caller_of(case.operation.definition.raw)
        if caller == "partner":
            body = json.dumps(case.as_transport_kwargs(base_url=BASE).get("json")).encode()
            return {"headers": self._signature(body), "data": body}
        # What one admin has asked for another must approve.
        admin = self._operator if name_of(case) == "request_adjustment" else self._owner()
        return {"headers": {"resident": self._resident, "admin": admin, "public": {}}[caller]}

    def strangers_answered(self, case, *, site):
        """What a request that has just succeeded is answered by nobody, and by those who may make others."""
        caller = caller_of(case.operation.definition.raw)
        if caller == "public":
            return []
        others = {"resident": self._owner, "admin": lambda: self._resident, "partner": lambda: self._resident}
        asked = [case.call(app=site, base_url=BASE, headers=headers) for headers in ({}, others[caller]())]
        return [answer.status_code for answer in asked]

    def _new(self, prefix):
        self._made += 1
        return f"{prefix}_{self._made}"

    def _action(self):
        task = self._random.choice(("own_bag", "clean_plate"))
        at = clock.rfc3339(clock.now() - timedelta(days=self._random.randrange(6), minutes=1))
        return {"task": task, "occurred_at": at, **self._random.choice(({}, {"evidence": PHOTO}))}

    def _binding(self):
        subject = self._new("s")
        proof = prove(subject, secret=self._secret, expires=int(time.time()) + 300)
        return {"partner": "bikes", "subject": subject, "proof": proof}

    def _page(self):
        subject = self._random.choice([*self._subjects, self._new("s")])
        began = clock.now() - timedelta(days=1, minutes=self._random.randrange(2_000))
        trip = {
            "external_id": self._new("e"),
            "subject": subject,
            "task": "bike_ride",
            "started_at": clock.rfc3339(began),
            "ended_at": clock.rfc3339(began + timedelta(minutes=15)),
            "activity": {"quantity": 2_000, "unit": "m"},
        }
        return {"events": [trip]}

    def _reward(self, kind):
        stock = {} if kind == "voucher" else {"stock": 100_000}
        return {"code": self._new("r"), "kind": kind, "title": TITLE, "price_points": 1, **stock}
