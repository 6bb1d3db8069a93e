"""Somebody with a WeChat account, who signs in, acts, leaves and signs in again; and the days on which they do."""

import secrets
from datetime import date, datetime, timedelta

import jwt
from sqlalchemy import select

from backend import clock
from backend.config import SHANGHAI
from backend.database import db
from backend.residents.models import Identity_, Resident
from backend.residents.wechat import DaySteps
from backend.residents.wechat_sandbox import session_key_of
from tests.we_run import encrypt_we_run

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def noon_of(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)


NOON = noon_of(clock.month_bounds(datetime.now(SHANGHAI).date())[1] + 9 * DAY)
"""Of the tenth of next month: a week before it lies in its month."""
FIRST_OF_NEXT = noon_of(clock.month_bounds(NOON.date())[1])
NEW_YEAR = noon_of(date(NOON.year + 1, 1, 1))
BAG = {"task": "own_bag"}


class Person:
    """Somebody with a WeChat account."""

    def __init__(self, app, name="lin"):
        self._app, self._name, self._number, self._mine = app, name, 0, {}

    @property
    def resident(self):
        """As whom they are signed in."""
        db.session.expire_all()
        return db.session.get_one(Resident, self._number)

    def come(self):
        answer = self.ask("POST", "/auth/wechat", {"code": f"dev-{self._name}"})
        self._number = int(jwt.decode(answer.json["token"], options={"verify_signature": False})["sub"])
        self._mine = {"Authorization": f"Bearer {answer.json['token']}", "Accept-Language": "en"}
        return answer.json

    def leave(self):
        assert self.ask("DELETE", "/me").status_code == 204

    def leave_and_come(self):
        self.leave()
        return self.come()

    def ask(self, method, path, body=None):
        headers = {**self._mine, "Idempotency-Key": secrets.token_hex(8)}
        with self._app.app_context():
            return self._app.test_client().open(f"/api/v1{path}", method=method, json=body, headers=headers)

    def act(self, what=BAG, *, ago=HOUR, **more):
        at = clock.now() - ago
        trip = {"started_at": clock.rfc3339(at - HOUR / 4)} if "activity" in what else {}
        return self.ask("POST", "/actions", {**what, "occurred_at": clock.rfc3339(at), **trip, **more})

    def walk(self, *days):
        openid = openid_of(self._number)
        chosen = self._app.extensions["settings"]
        key = session_key_of(openid, secret=chosen.wechat_secret)
        steps = [DaySteps(clock.local_day(clock.now()) - ago * DAY, 9000) for ago in days]
        sent = encrypt_we_run(key, app_id=chosen.wechat_app_id, steps=steps, now=clock.now())
        return self.ask("POST", "/actions/steps", {"encrypted_data": sent.encrypted_data, "iv": sent.iv}).json


def slug(answer):
    return answer.status_code, answer.json.get("type", answer.json.get("status"))


def openid_of(number):
    return db.session.scalar(select(Identity_.subject).where(Identity_.resident_id == number))
