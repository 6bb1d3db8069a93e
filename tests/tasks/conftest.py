"""The Celery application on the servers of the tests."""

import importlib
import os

import pytest

from backend.database import db
from tests.emptying import forget


@pytest.fixture
def jobs(loaded_jobs):
    """The module of jobs, whose application remembers nothing of other tests."""
    forget(importlib.import_module("tasks.app").flask_app)
    return loaded_jobs


@pytest.fixture(scope="session")
def loaded_jobs(migrated_app, environment):
    """The same; loaded once."""
    before = dict(os.environ)
    os.environ.update(environment)
    module = importlib.import_module("tasks.jobs")
    yield module
    os.environ.clear()
    os.environ.update(before)
    flask_app = importlib.import_module("tasks.app").flask_app
    with flask_app.app_context():
        for engine in db.engines.values():
            engine.dispose()
    flask_app.extensions["redis"].close()
