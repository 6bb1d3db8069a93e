"""`flask prepare`: an empty site gets a simulated city once, through the same rules as a real one's."""

import pytest
from sqlalchemy import func, select, text

from backend.actions.models import Action
from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.preparation import simulated
from backend.residents.models import Resident
from tests.books import differences


@pytest.fixture
def prepare(app):
    def run(*args):
        result = app.test_cli_runner().invoke(args=["prepare", "--residents", "12", *args])
        assert result.exit_code == 0, result.output
        db.session.rollback()
        return result.output

    return run


def counted():
    row = db.session.execute(select(func.count(), func.sum(Action.co2e_mg), func.sum(Action.points))).one()
    return tuple(row)


def test_an_empty_site_is_filled_once(prepare):
    output = prepare()
    assert "12 simulated" in output
    first = counted()
    assert first[0] > 100
    reviewed = select(Action).where(Action.decided_by == simulated.ACTOR, Action.status == "credited")
    noted = select(AuditRow).where(AuditRow.action == "action.accepted", AuditRow.actor == "prepare")
    assert len(db.session.scalars(reviewed).all()) == len(db.session.scalars(noted).all()) > 0
    assert differences(with_actions=True) == []
    prepare()
    assert counted() == first


def test_everybody_in_it_is_marked_as_simulated(prepare):
    prepare()
    assert set(db.session.scalars(select(Resident.simulated))) == {True}


def test_a_city_that_was_cut_short_is_taken_up_again(prepare, app, monkeypatch):
    def cut(*_args, **_more):
        raise KeyboardInterrupt

    prepare()
    whole = counted()
    with transaction():
        names = (
            "actions, ledger_entries, lots, wallets, holds, redemptions, external_events, outbox, residents, identities"
        )
        db.session.execute(text(f"TRUNCATE {names}, bindings, audit_log, yearly_points, idempotency_keys, vouchers"))
    monkeypatch.setattr(simulated, "_review", cut)
    app.test_cli_runner().invoke(args=["prepare", "--residents", "12"])
    db.session.rollback()
    monkeypatch.undo()
    assert db.session.scalar(select(AuditRow.action)) == "simulate-begin"
    prepare()
    assert counted()[0] == whole[0]
    assert differences(with_actions=True) == []


def test_a_site_with_people_in_it_is_left_alone(prepare, resident):
    prepare()
    assert db.session.scalar(select(func.count()).select_from(Resident)) == 1


def test_no_city_is_simulated_where_none_is_wanted(prepare):
    prepare("--no-simulate")
    assert counted()[0] == 0
