"""The Celery application on the servers of the tests."""

import importlib
import os

import pytest

from backend.database import db


@pytest.fixture(scope="session")
def jobs(migrated_app, environment):
    """The module of jobs."""
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
