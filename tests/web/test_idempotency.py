"""Keys of requests, beside what `contract/test_twice.py` asks of every route."""

from flask import jsonify
from sqlalchemy import text

from backend.database import db, transaction
from backend.residents.models import IdempotencyKey
from backend.web.idempotency import answer_once


def test_who_has_claimed_a_key_waits_for_other_locks_as_long_as_everybody(app, resident):
    def patience():
        return jsonify(db.session.scalar(text("SHOW lock_timeout")))

    with app.test_request_context(method="POST", headers={"Idempotency-Key": "mine"}), transaction():
        answer = answer_once(IdempotencyKey, {"resident_id": resident.resident_id}, patience)
    assert answer.json == "5s"
