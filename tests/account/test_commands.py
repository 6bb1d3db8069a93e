"""`flask resident erase`: for who asks for it in writing, or was erased before the database was lost."""

from functools import partial

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from backend.audit.models import AuditRow
from backend.database import db
from backend.residents.models import Resident
from tests.books import differences

NOBODY = 999_999


@pytest.fixture
def erase(resident_command):
    """erase(*args, status=0, typed=None) → what the command says."""
    return partial(resident_command, "erase")


def state(resident):
    return db.session.scalar(select(Resident.state).where(Resident.resident_id == resident.resident_id))


def test_named_residents_are_erased_and_nobody_else(erase, new_resident, headers, client):
    anna, bert, carl = (new_resident(name) for name in ("anna", "bert", "carl"))
    token = headers(anna)
    said = erase(anna.resident_id, bert.resident_id, "--yes")
    assert said.splitlines() == [f"{anna.resident_id} erased.", f"{bert.resident_id} erased."]
    assert [state(one) for one in (anna, bert, carl)] == ["erased", "erased", "active"]
    assert client.get("/api/v1/me", headers=token).status_code == 401
    rows = db.session.scalars(select(AuditRow).where(AuditRow.action == "resident.erased")).all()
    assert [(row.actor_kind, row.actor, row.object_id) for row in rows] == [
        ("command", "resident", str(one.resident_id)) for one in (anna, bert)
    ]
    assert differences() == []
    assert erase(anna.resident_id, "--yes") == f"{anna.resident_id} was erased before.\n"


def test_it_asks_first(erase, resident):
    assert "for good" in erase(resident.resident_id, status=1, typed="n\n")
    assert state(resident) == "active"
    erase(resident.resident_id, typed="y\n")
    assert state(resident) == "erased"


def test_an_unknown_number_is_told_and_the_others_are_erased(erase, resident):
    said = erase(NOBODY, resident.resident_id, "--yes", status=1)
    assert f"There is no resident {NOBODY}." in said
    assert state(resident) == "erased"
    assert "is not in the range" in erase(0, "--yes", status=2)


def test_each_is_also_told_to_the_log(erase, resident):
    with capture_logs() as told:
        erase(resident.resident_id, "--yes")
        erase(resident.resident_id, "--yes")
    assert [(one["event"], one["resident_id"]) for one in told] == [("resident erased", resident.resident_id)]
