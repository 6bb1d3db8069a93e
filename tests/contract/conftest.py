"""One populated site for all contract tests of a module: requests may change it as they like."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock, defaults
from backend.admins import auth as admins_auth
from backend.admins import managing
from backend.database import Model, db, transaction

DAYS_BACK = 3
TASKS = ("clean_plate", "own_bag", "no_cutlery")


@pytest.fixture(scope="module")
def site(migrated_app):
    """The application with the default catalogue, a resident with actions, and an owner."""
    with migrated_app.app_context():
        _empty(migrated_app)
        with transaction():
            defaults.load()
            managing.create(username="owner", password="a long phrase that nobody guesses", role="owner", by="test")
        yield migrated_app
        db.session.rollback()
        _empty(migrated_app)


@pytest.fixture(scope="module")
def resident_headers(site):
    """Headers of a resident who has signed in and recorded actions."""
    client = site.test_client()
    token = client.post("/api/v1/auth/wechat", json={"code": "dev-contract"}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    for days in range(DAYS_BACK):
        for task in TASKS:
            at = clock.rfc3339(clock.now() - timedelta(days=days, minutes=1))
            client.post("/api/v1/actions", json={"task": task, "occurred_at": at}, headers=headers)
    return headers


@pytest.fixture(scope="module")
def owner_headers(site):
    """Headers of an admin who may do everything."""
    with transaction():
        admin = db.session.get(admins_auth.Admin, 1)
        return {"Authorization": f"Bearer {admins_auth.issue(admin).token}"}


def _empty(app):
    names = ", ".join(t.name for t in Model.metadata.sorted_tables)
    with transaction():
        db.session.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    app.extensions["redis"].flushdb()
    app.extensions.pop("catalogue", None)
