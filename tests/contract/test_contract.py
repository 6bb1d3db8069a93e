"""Every call keeps to its description, whatever is sent: schemathesis over the whole, as everybody who may call.

CONTRACT_EXAMPLES=200 makes a long run of what is otherwise a short one.
"""

import copy
import json
import os
from pathlib import Path

import schemathesis
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig

from backend import openapi

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "3"))
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
COUNTED = {"cases": 0}


def configured(*, examples=EXAMPLES, fuzzing=True):
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"deterministic": True, "max-examples": examples, "database": "none", "no-shrink": EXAMPLES < 20},
            "phases": {
                "coverage": {"enabled": fuzzing, "unexpected-methods": ["TRACE", "PUT"]},
                "stateful": {"enabled": False},
            },
            "warnings": False,
        }
    )


def closed(description):
    """The description, with answers that may hold nothing but what it names."""
    strict = copy.deepcopy(description)
    for name, schema in strict["components"]["schemas"].items():
        if schema.get("type") == "object" and "properties" in schema and name != "Problem":
            schema.setdefault("additionalProperties", False)
    return strict


KEPT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
everything = schemathesis.openapi.from_dict(closed(KEPT), config=configured())


def for_caller(kind):
    return lambda ctx: next(iter((ctx.operation.definition.raw.get("security") or [{"public": []}])[0])) == kind


def check(case, headers, *, site):
    COUNTED["cases"] += 1
    lenient = case.operation.definition.raw["operationId"] in TAKES_WRONG_ITEMS
    checks = ALWAYS if lenient else ALWAYS + REJECTS
    case.call_and_validate(app=site, base_url="http://localhost", headers=headers, checks=checks)




@everything.include(for_caller("public")).parametrize()
def test_public_calls_keep_to_the_description(case, site):
    check(case, {}, site=site)


@everything.include(for_caller("resident")).parametrize()
def test_residents_calls_keep_to_the_description(case, resident_headers, site):
    check(case, resident_headers, site=site)


@everything.include(for_caller("admin")).parametrize()
def test_admins_calls_keep_to_the_description(case, owner_headers, site):
    check(case, owner_headers, site=site)
