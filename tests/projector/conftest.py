"""What tests of the projector do all the time."""

import pytest

from backend.database import db
from backend.waiting import Front
from tests.projections import Deeds


@pytest.fixture
def deeds(app, settings):
    """Records deeds of residents."""
    return Deeds(settings)


@pytest.fixture
def front(app):
    """What a process remembers."""
    return Front()


@pytest.fixture
def other(app):
    """A connection of somebody else's; what they began is taken back in the end."""
    with db.engine.connect() as connection:
        yield connection.connection.cursor()
