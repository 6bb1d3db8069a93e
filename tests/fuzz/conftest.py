"""One site for a whole run: what all inputs together left behind is looked at in the end."""

import pytest

from backend import clock, defaults
from backend.actions.ingest.newcomers import bind_newcomers
from backend.catalogue import service as catalogue
from backend.database import db, transaction
from backend.partners import service as partners
from backend.partners.models import Partner
from tests.emptying import empty
from tests.fuzz.records import BOUND
from tests.fuzz.tally import Tally

CODE = "anything"
TITLE = {"zh": "x", "en": "Reports anything"}


@pytest.fixture(scope="module")
def now():
    return clock.now()


@pytest.fixture(scope="module")
def tally():
    return Tally()


@pytest.fixture(scope="module")
def site(migrated_app, now):
    """The application with residents whom one partner may report anything about."""
    with migrated_app.app_context():
        with transaction():
            defaults.load()
            tasks = sorted(catalogue.current().tasks.keys() - {"green_quiz"})
            db.session.add(Partner(code=CODE, title=TITLE, tier="partner", tasks=tasks, created_at=now))
        with transaction():
            bind_newcomers(BOUND, partner=partners.find(CODE), now=now)
        yield migrated_app
        db.session.rollback()
        empty(migrated_app)
