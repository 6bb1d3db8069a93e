"""The Celery application on the servers of the tests."""

import importlib
import os

import pytest

from backend.database import db


@pytest.fixture(scope="session")
def environment(settings):
    """The environment of a process that works for this site."""
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "WECHAT_SECRET": settings.wechat_secret,
        "TANHUI_VAR": str(settings.tanhui_var),
        "LOG_LEVEL": "WARNING",
    }


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
