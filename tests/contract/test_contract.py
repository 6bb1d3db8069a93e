"""Every call keeps to its description, whatever is sent: schemathesis over the whole, as everybody who may call.

CONTRACT_EXAMPLES=200 makes a long run of what is otherwise a short one.
"""

import json
import os
import sys
from collections import Counter, defaultdict

import pytest
import schemathesis
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig

from backend.openapi.describing import calls
from tests.contract.described import KEPT, STRICT

PHASES = ("examples", "coverage", "fuzzing", "stateful")
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "2"))
load_all_checks()
ALWAYS = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
        "unsupported_method",
    ]
)
# Not asked for: positive_data_acceptance (what fits the schema may still be refused by the rules) and
# missing_required_header (schemathesis wants 406, we answer 401, 422 or 428 as described).
REJECTS = CHECKS.get_by_names(["negative_data_rejection"])
TAKES_WRONG_ITEMS = {
    "record_actions": "what is wrong with one action of a batch must not hold up the others",
}
"""Calls that answer 2xx to what their schema forbids, and why."""
ENDS_THE_ACCOUNT = {"cancel_me"}
STATUSES = defaultdict(Counter)
"""What each call answered, by its id."""


REFUSED = ["400", "401", "403", "404", "405", "409", "415", "422", "428", "429"]


def configured(*, examples=EXAMPLES, phases=("examples", "coverage", "fuzzing"), mode="all"):
    """Settings of schemathesis: the same cases every time."""
    off = {name: {"enabled": name in phases} for name in PHASES}
    off["coverage"]["unexpected-methods"] = ["TRACE"]
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"deterministic": True, "max-examples": examples, "database": "none", "mode": mode},
            "phases": off,
            # 412: whether the version is the present one is looked at before the body is.
            "checks": {"negative_data_rejection": {"expected-statuses": [*REFUSED, "412"]}},
            "warnings": False,
        }
    )


CODE = ("own_bag", "bike_ride")
CODES = {"factors": ("travel_bike",), "methodologies": ("bike_ride",), "areas": ("binhe",)}
EXISTING = {
    "action_id": tuple(f"1-{seq}" for seq in range(1, 12)),
    "redemption_id": ("1-1", "1-2"),
    "adjustment_id": ("1-2", "1-3"),
    "partner_id": (1, 2),
    "reward_id": (1, 3, 5),
    "resident_id": (1,),
    "partner": ("bikes",),
}


@pytest.fixture(scope="module", autouse=True)
def existing(resident_headers):
    """Make what `aim` aims at, before any request of a test makes something with the same numbers."""


def operation_ids():
    return [call["operationId"] for _path, _method, call in calls(KEPT)]


everything = schemathesis.openapi.from_dict(STRICT, config=configured())
few = schemathesis.openapi.from_dict(STRICT, config=configured(examples=5, phases=("fuzzing",)))


def for_caller(kind):
    return lambda ctx: caller_of(ctx.operation.definition.raw) == kind


def caller_of(call):
    return next((scheme for needed in call["security"] for scheme in needed), "public")


def aim(case):
    """Let every second request go to something that exists: drawn ids and codes never do."""
    name = case.operation.definition.raw["operationId"]
    STATUSES[name]["asked"] += 1
    if STATUSES[name]["asked"] % 2 or case.meta.generation.mode.is_negative:
        return
    turn = STATUSES[name]["asked"] // 2
    codes = next((known for part, known in CODES.items() if f"/{part}/" in case.operation.path), CODE)
    for parameter in case.path_parameters:
        known = codes if parameter == "code" else EXISTING.get(parameter)
        if known:
            case.path_parameters[parameter] = known[turn % len(known)]
    if "If-Match" in case.headers:
        case.headers["If-Match"] = f'"{turn % 3}"'


def must_be_rejected(case):
    """Whether a case that does not fit the schema must be refused.

    Not for a parameter that nobody knows: it is passed over, as everywhere on the web.
    """
    raw = case.operation.definition.raw
    everywhere = case.operation.schema.raw_schema["paths"][case.operation.path].get("parameters", [])
    known = {parameter["name"] for parameter in (*raw.get("parameters", []), *everywhere)}
    return raw["operationId"] not in TAKES_WRONG_ITEMS and set(case.query or {}) <= known


def check(case, headers, *, site, checks=ALWAYS + REJECTS, **more):
    name = case.operation.definition.raw["operationId"]
    aim(case)
    wanted = checks if must_be_rejected(case) else [each for each in checks if each not in REJECTS]
    answer = case.call_and_validate(app=site, base_url="http://localhost", headers=headers, checks=wanted, **more)
    STATUSES[name][answer.status_code] += 1


@everything.include(for_caller("public")).parametrize()
def test_public_calls_keep_to_the_description(case, site):
    check(case, {}, site=site)


@everything.include(for_caller("resident")).parametrize()
def test_residents_calls_keep_to_the_description(case, resident_headers, site):
    # An account that cancels itself would end the test for all calls after it.
    headers = {} if case.operation.definition.raw["operationId"] in ENDS_THE_ACCOUNT else resident_headers
    check(case, headers, site=site)


@everything.include(for_caller("admin")).parametrize()
def test_admins_calls_keep_to_the_description(case, owner, site):
    check(case, owner(), site=site)


@everything.include(for_caller("partner")).parametrize()
def test_partners_calls_with_a_bad_signature_keep_to_the_description(case, signature, site):
    check(case, {"X-Partner-Key": signature(b"")["X-Partner-Key"]}, site=site)


@everything.include(for_caller("partner")).parametrize()
def test_partners_signed_calls_keep_to_the_description(case, signature, site):
    # Headers of ours stand in place of generated ones, so what is generated wrong may be right when it is sent.
    body = json.dumps(case.as_transport_kwargs(base_url="http://localhost").get("json")).encode()
    check(case, signature(body), site=site, checks=ALWAYS, data=body)


@few.exclude(for_caller("public")).parametrize()
def test_strangers_are_refused_as_described(case, site, resident_headers, owner):
    wrong = owner() if caller_of(case.operation.definition.raw) == "resident" else resident_headers
    for headers in ({}, wrong):
        answer = case.call_and_validate(app=site, base_url="http://localhost", headers=headers, checks=ALWAYS)
        assert answer.status_code in {400, 401, 404, 413, 415, 422}


def test_most_calls_were_answered_with_success_too():
    """A site on which all is refused would keep to the description as well."""
    cases = sum(statuses.pop("asked") for statuses in STATUSES.values())
    answered = [name for name, statuses in STATUSES.items() if min(statuses) < 300]
    if len(STATUSES) == len(set(operation_ids())):
        assert len(answered) > 0.7 * len(STATUSES), sorted(STATUSES.keys() - set(answered))
    sys.stdout.write(f"{cases} cases; never a success: {sorted(STATUSES.keys() - set(answered))}\n")
