"""Events of tasks that had not begun, were over, or are still locked to their resident."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from backend import clock
from backend.catalogue.models import TaskVersion
from backend.database import db, transaction
from backend.emissions import revision
from tests.append_only import changeable


@pytest.fixture
def tasks_become(app):
    """tasks_become(column=…) changes all tasks."""

    def change(**columns):
        with transaction(), changeable("task_versions"):
            db.session.execute(update(TaskVersion).values(**columns))
            revision.changed()

    return change


@pytest.mark.parametrize(
    ("column", "hours", "reason"), [("starts_at", -9, "task-locked"), ("ends_at", -11, "task-ended")]
)
@pytest.mark.parametrize("subject", ["u-1", "nobody-yet"])
def test_what_was_done_while_its_task_was_not_on_is_refused_whether_bound_or_not(
    send, ride, known, rows, tasks_become, column, hours, reason, subject
):
    known("u-1")
    tasks_become(**{column: clock.now() + timedelta(hours=hours)})
    (line,) = send([ride("one", subject=subject, hours_ago=10)])["results"]
    assert (line["status"], line["reason"]) == ("refused", reason)
    assert rows("SELECT external_id FROM external_events") == []


def test_what_its_resident_may_yet_unlock_waits(send, ride, tasks_become, resident, bind):
    tasks_become(unlock={"min_actions": 1}, starts_at=clock.now() - timedelta(hours=11))
    assert send([ride("one", hours_ago=10)])["unbound"] == 1
    assert bind(resident, "u-1")["refused"] == 1
