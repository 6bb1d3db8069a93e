"""The Celery application: the Flask application's own settings and servers, JSON only.

`celery -A tasks.app worker` does the jobs, `celery -A tasks.app beat` asks for them. Redis carries the messages and
holds nothing that would be missed: a message that is lost is sent again by the clock.
"""

from typing import Any

from celery import Celery, Task
from celery.signals import worker_process_init

from backend import for_process
from backend.config import Settings
from backend.database import db
from backend.embedded import celery_url
from tasks import broker
from tasks.schedule import SCHEDULE

broker.mend()
flask_app = for_process("worker", serves=False)
_settings: Settings = flask_app.extensions["settings"]
_broker = celery_url(_settings.redis_url)


class Job(Task):
    """A task that runs inside the application's context."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it."""
        with flask_app.app_context():
            return self.run(*args, **kwargs)


app = Celery("tasks", broker=_broker, backend=_broker, task_cls=Job, include=["tasks.jobs"])
app.conf.update(
    accept_content=["json"],
    beat_schedule=SCHEDULE,
    beat_scheduler="tasks.clock:Scheduler",
    # Redis that is a replica or out of memory takes no message: the worker comes back to it, and does not end.
    broker_channel_error_retry=True,
    broker_connection_max_retries=None,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        # Longer than any job: a message that is not acknowledged by then is given to another worker.
        "visibility_timeout": 4 * 3600,
        # A Redis that hangs is given up; it is asked every second, so an idle connection never waits so long.
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
    },
    result_expires=3600,
    task_acks_late=True,
    task_ignore_result=True,
    task_reject_on_worker_lost=True,
    timezone=str(_settings.city_time_zone),
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
)


@worker_process_init.connect
def forget_the_parents_connections(**_: Any) -> None:
    """A forked process must not talk on its parent's connections, nor close them."""
    with flask_app.app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)
