"""No sealed column is forgotten when SECRET_KEY changes: whatever seals is known, and where that ends."""

import ast
from pathlib import Path

from backend import tables
from backend.resealing.service import KINDS

PRODUCT = sorted(path for top in ("backend", "tasks") for path in (Path(__file__).parents[2] / top).rglob("*.py"))
ENDS_IN = {
    "new_key": {"partner_keys.secret"},
    "enrol": {"admins.totp_pending", "admins.totp_secret"},  # the second by `confirm`, which moves it
    "_store": {"admin_idempotency_keys.body"},
    "arrive": {"residents.session_key"},
    "sealed_for": {"redemptions.delivery"},
}
"""Function that seals something → the columns in which that ends. Whoever adds one names its column in SEALED of the
feature's models, and stores what it seals nowhere else."""


def calls_of(name):
    """(function around it, the call) for each call of something of that name."""
    for path in PRODUCT:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and name in {
                        getattr(call.func, "attr", None),
                        getattr(call.func, "id", None),
                    }:
                        yield function.name, call


def test_whatever_seals_is_known():
    assert sorted(function for function, _ in calls_of("seal")) == sorted(ENDS_IN)


def test_a_change_of_keys_goes_over_every_column_in_which_that_ends():
    declared = {f"{column.class_.__tablename__}.{column.key}" for column in KINDS.values()}
    assert declared == set().union(*ENDS_IN.values())


def test_a_change_of_keys_goes_over_all_that_a_feature_declares():
    declared = [module.SEALED for module in vars(tables).values() if hasattr(module, "SEALED")]
    assert {name: column for one in declared for name, column in one.items()} == KINDS
    assert sum(map(len, declared)) == len(KINDS)


def test_only_admins_have_stored_answers_that_are_sealed():
    sealing = [call for _, call in calls_of("answer_once") if "sealed" in {word.arg for word in call.keywords}]
    assert {call.args[0].id for call in sealing} == {"AdminIdempotencyKey"}
