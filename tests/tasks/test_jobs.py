"""Each job does what it says, once, and is scheduled."""

from datetime import timedelta

import psycopg
import pytest
from celery.exceptions import Retry
from sqlalchemy import text

from backend import clock
from backend.admins.models import AdminIdempotencyKey
from backend.database import advisory, db, transaction
from backend.leaderboard.models import SettledBoard
from backend.ledger import expiring
from backend.ledger import service as ledger
from backend.ledger.models import Lot, Wallet
from backend.partners.models import PartnerNonce
from backend.residents import homes
from backend.residents.models import IdempotencyKey, Move
from backend.verification import verify
from backend.verified import LastVerify
from tasks.schedule import SCHEDULE
from tests.books import differences, hold
from tests.projections import Deeds, expected_now, projected, waiting


@pytest.fixture
def deeds(app, settings):
    """Records deeds of residents."""
    return Deeds(settings)


def test_every_job_is_scheduled_and_every_schedule_names_a_job(jobs):
    names = {name for name in jobs.app.tasks if not name.startswith("celery.")}
    assert names == {entry["task"] for entry in SCHEDULE.values()}


def test_messages_are_acknowledged_when_the_work_is_done(jobs):
    settings = jobs.app.conf
    assert (settings.task_acks_late, settings.task_reject_on_worker_lost, settings.accept_content) == (
        True,
        True,
        ["json"],
    )


def test_projecting_empties_the_outbox(jobs, deeds, resident):
    deeds.record(resident)
    assert jobs.project() == 1
    assert waiting() == 0
    assert projected() == expected_now()


def test_points_expire_after_their_last_day_and_only_once(jobs, deeds, new_resident):
    people = [new_resident(f"r{number}") for number in range(3)]
    for person in people:
        deeds.record(person)
    today = clock.local_day(clock.now())
    for person, last_day in zip(people, (today - timedelta(days=1), today, today + timedelta(days=1)), strict=True):
        with transaction():
            db.session.query(Lot).filter_by(resident_id=person.resident_id).update({"expires_on": last_day})
    assert jobs.expire_points() == 1
    assert jobs.expire_points() == 0
    jobs.project()
    assert projected() == expected_now()
    with transaction():
        assert [db.session.get(Wallet, person.resident_id).balance for person in people] == [0, 19, 19]


@pytest.fixture
def five_due(jobs, deeds, new_resident, monkeypatch):
    """Five residents with points that are due, two of whom expire at once, and four are found at once."""
    monkeypatch.setattr(jobs, "LOTS_CLOSED", 2)
    monkeypatch.setattr(jobs, "LOTS_FOUND", 4)
    for number in range(5):
        deeds.record(new_resident(f"r{number}"))
    with transaction():
        db.session.execute(text("UPDATE lots SET expires_on = DATE '2026-01-31'"))


def test_many_residents_points_expire_page_by_page(jobs, five_due):
    assert jobs.expire_points() == 5
    assert differences() == []


def test_expiry_that_was_cut_short_goes_on_where_it_was(jobs, five_due, monkeypatch):
    expire, pages = expiring.expire, []

    def killed(lots, *, now):
        done = expire(lots, now=now)
        pages.append(lots)
        if len(pages) == 2:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patched:
        patched.setattr(expiring, "expire", killed)
        with pytest.raises(KeyboardInterrupt):
            jobs.expire_points()
    with transaction():
        assert db.session.scalar(text("SELECT count(*) FROM lots WHERE closed")) == 2
    assert jobs.expire_points() == 3
    jobs.project()
    assert list(verify()) == []


def test_expiry_ends_also_where_lots_belong_to_nobody(jobs, five_due):
    with transaction():
        db.session.execute(text("INSERT INTO lots VALUES (77, DATE '2026-01-30', 5), (78, DATE '2026-01-30', 0)"))
        db.session.execute(text("INSERT INTO lots VALUES (79, DATE '2026-01-30', 5), (80, DATE '2026-01-30', 0)"))
    assert jobs.expire_points() == 0  # all that are found at once are such; `verify` names them
    with transaction():
        db.session.execute(text("DELETE FROM lots WHERE resident_id = 77"))
    assert jobs.expire_points() == 5


def test_past_lots_are_closed_whether_anything_was_left_or_not(jobs, deeds, new_resident):
    spent, left, living = (new_resident(f"r{number}") for number in range(3))
    for person in (spent, left, living):
        deeds.record(person)
    yesterday = clock.local_day(clock.now()) - timedelta(days=1)
    with transaction():
        past = db.session.query(Lot).filter(Lot.resident_id.in_([spent.resident_id, left.resident_id]))
        past.update({"expires_on": yesterday})
        hold(spent.resident_id, 19)
    assert jobs.expire_points() == 1
    with transaction():
        closed = dict(list(db.session.execute(text("SELECT resident_id, closed FROM lots"))))
    assert closed == {spent.resident_id: True, left.resident_id: True, living.resident_id: False}
    assert differences() == []


def test_what_has_served_its_time_is_removed_and_nothing_else(jobs, resident, new_admin):
    now, admin = clock.now(), new_admin("owner")
    ages = {"old": timedelta(days=1, minutes=1), "new": timedelta(hours=23)}
    with transaction():
        for name, age in ages.items():
            answer = {"key": name, "request_hash": "h", "created_at": now - age}
            db.session.add(IdempotencyKey(resident_id=resident.resident_id, **answer))
            db.session.add(AdminIdempotencyKey(admin_id=admin.id, **answer))
        for minutes in (14, 16):
            used_at = now - timedelta(minutes=minutes)
            db.session.add(PartnerNonce(partner_id=1, nonce=f"n{minutes}", used_at=used_at))
    done = jobs.clean_up()
    assert (done["residents_keys"], done["admins_keys"], done["nonces"]) == (1, 1, 1)
    with transaction():
        left = [db.session.query(model).one() for model in (IdempotencyKey, AdminIdempotencyKey, PartnerNonce)]
    assert [left[0].key, left[1].key, left[2].nonce] == ["new", "new", "n14"]


def test_moves_are_kept_until_no_board_goes_by_them(jobs, resident, settings):
    today = clock.local_day(clock.now())
    kept = settings.settle_grace_days + homes.KEPT_DAYS
    with transaction():
        for age in (kept, kept + 1):
            db.session.add(Move(resident_id=resident.resident_id, day=today - timedelta(days=age)))
    assert jobs.clean_up()["residents_moves"] == 1
    with transaction():
        assert db.session.query(Move).one().day == today - timedelta(days=kept)


def test_of_what_is_removed_one_step_that_fails_holds_up_none_of_the_others(jobs, resident, monkeypatch):
    with transaction():
        answer = {"key": "old", "request_hash": "h", "created_at": clock.now() - timedelta(days=2)}
        db.session.add(IdempotencyKey(resident_id=resident.resident_id, **answer))
        db.session.add(PartnerNonce(partner_id=1, nonce="old", used_at=clock.now() - timedelta(days=2)))

    def fail(**_given):
        db.session.execute(text("SELECT 1 / 0"))

    monkeypatch.setattr(jobs.residents, "forget_changes", fail)
    monkeypatch.setattr(jobs.partners, "forget_nonces", fail)
    with pytest.raises(ExceptionGroup) as failed:
        jobs.clean_up()
    assert [error.__notes__ for error in failed.value.exceptions] == [
        ["at the step residents_changes"],
        ["at the step nonces"],
    ]
    with transaction():
        assert db.session.query(IdempotencyKey).count() == 0
        assert db.session.query(PartnerNonce).count() == 1


MANY = 6_000
RARE = {
    "external_events_unbound_since_idx": (
        """INSERT INTO external_events (partner_id, external_id, subject, resident_id, action_seq, received_at)
        SELECT 1, 'x' || n, 's' || n, CASE WHEN n % 3 > 0 THEN n END, CASE WHEN n % 3 > 0 THEN 1 END, {instant}""",
        "external_events WHERE resident_id IS NULL AND received_at < {old}",
    ),
    "redemptions_delivery_idx": (
        """INSERT INTO redemptions (resident_id, seq, reward_id, reward_version, quantity, points, status,
            voucher_codes, delivery, redeemed_at, decided_at)
        SELECT n, 1, 1, 1, 1, 1, 'fulfilled', '[]', CASE WHEN n % 3 = 0 THEN 'x' END, now(), {instant}""",
        "redemptions WHERE delivery IS NOT NULL AND decided_at < {old}",
    ),
    "lots_open_idx": (
        """INSERT INTO lots (resident_id, expires_on, remaining, closed)
        SELECT n, {instant}::date, 0, n % 3 > 0""",
        "lots WHERE NOT closed AND expires_on < {old}::date",
    ),
}
"""Index → what fills its table with rows of MANY days, a third of which are in the index, and what it is to find."""


@pytest.fixture
def filled(app):
    """filled(fill) → a session in which a table is filled and PostgreSQL knows it; afterwards nothing is left of it."""
    with app.app_context():

        def fill(statement, table):
            rows = statement.format(instant="(now() - n * interval '1 day')")
            db.session.execute(text(f"{rows} FROM generate_series(1, {MANY}) n"))
            db.session.execute(text(f"ANALYZE {table}"))
            return db.session

        yield fill
        db.session.rollback()


@pytest.mark.parametrize("index", RARE)
def test_what_has_served_its_time_is_found_among_very_many_others(filled, index):
    fill, found = RARE[index]
    session = filled(fill, found.split()[0])
    old = f"(now() - interval '{MANY - 50} days')"
    plan = session.scalars(text(f"EXPLAIN SELECT * FROM {found.format(old=old)}")).all()
    assert any(index in line for line in plan), plan


def test_past_periods_are_settled(jobs, deeds, resident):
    deeds.record(resident, days_ago=40)
    jobs.project()
    assert jobs.settle() >= 2
    assert jobs.settle() == 0
    with transaction():
        assert db.session.query(SettledBoard).filter_by(period="day", scope="city", metric="points").one().size == 1


@pytest.fixture
def partly_projected(jobs, deeds, new_resident, well_into_the_day):
    """Two have done something on the same past day; what one did waits in the outbox yet."""
    first, second = new_resident("first"), new_resident("second")
    deeds.record(first, days_ago=40)
    jobs.project()
    deeds.record(second, days_ago=40)


def test_what_waited_to_be_projected_is_on_the_boards_that_are_settled(jobs, partly_projected):
    jobs.settle()
    with transaction():
        boards = db.session.query(SettledBoard).filter_by(scope="city", metric="points").all()
    assert {(board.period, board.size) for board in boards} >= {("day", 2), ("month", 2)}


def test_nothing_is_settled_while_something_cannot_be_projected(jobs, partly_projected):
    with transaction():
        db.session.execute(text("UPDATE outbox SET task_id = NULL"))
    with pytest.raises(psycopg.errors.NotNullViolation):
        jobs.settle()
    with transaction():
        assert db.session.query(SettledBoard).count() == 0


def test_nothing_reserved_is_due_in_an_empty_shop(jobs, app):
    assert jobs.expire_redemptions() == 0


def test_the_nightly_verify_raises_the_alarm(jobs, deeds, resident):
    deeds.record(resident)
    assert jobs.verify() == 0
    with transaction():
        ledger.lock_wallet(resident.resident_id).co2e_mg += 1
    assert jobs.verify() > 0
    with transaction():
        assert db.session.get(LastVerify, 1, populate_existing=True).differences > 0


def test_of_two_chores_one_comes_back_later(jobs, app, deeds, resident):
    deeds.record(resident)
    with db.engine.connect() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({advisory.CHORE})"))
        with pytest.raises(Retry):
            jobs.clean_up()
        assert jobs.project() == 1
    assert jobs.clean_up()["nonces"] == 0


def test_a_chore_waits_for_its_turn_until_it_is_asked_for_again(jobs, app, monkeypatch):
    sent = []
    monkeypatch.setattr(jobs.app.Task, "apply_async", lambda *_, **options: sent.append(options))
    with db.engine.connect() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({advisory.CHORE})"))
        for minutes, ending in ((24 * 60 - 1, Retry), (24 * 60, jobs.verify.MaxRetriesExceededError)):
            jobs.verify.push_request(retries=minutes, called_directly=False, is_eager=False, delivery_info={})
            with pytest.raises(ending):
                jobs.verify.run()
            jobs.verify.pop_request()
    assert [options["countdown"] for options in sent] == [60]
