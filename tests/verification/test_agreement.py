"""A city whose books were kept by our own services: verify finds nothing, whatever happens meanwhile."""

import time
from dataclasses import asdict
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from backend import clock, verified
from backend.database import db, transaction
from backend.projector import service as projector
from backend.verification import Checked, service, verify
from backend.verified import LastVerify
from tests.together import meanwhile


def test_a_lively_city_agrees(city, found):
    checked = Checked()
    assert found(checked=checked) == []
    assert checked.residents == 5
    assert checked.boards > 0
    assert checked.actions == db.session.scalar(text("SELECT count(*) FROM actions"))
    assert checked.entries == db.session.scalar(text("SELECT count(*) FROM ledger_entries"))


def test_what_waits_in_the_outbox_is_counted_in(city, found):
    assert db.session.scalar(text("SELECT count(*) FROM outbox WHERE kind = 'action'")) > 0
    projector.drain()
    assert found() == []


def test_an_empty_city_agrees(app, found):
    assert found() == []


def test_chunks_and_workers_make_no_difference(city, found, monkeypatch):
    monkeypatch.setattr(service, "SMALL", 0)
    monkeypatch.setattr(service, "ACTIONS_AT_ONCE", 5)
    checked = Checked()
    assert found(workers=3, checked=checked) == []
    assert checked.residents == 5


def test_it_is_exact_while_residents_record_actions_and_projectors_run(app, city, found, new_resident, thing, do):
    """One thread records, another projects; every verify sees books that agree, and ever more of them."""
    residents = [new_resident(f"r{number}", district_id=1) for number in range(40)]
    tasks = ("e_office", "double_sided", "green_quiz", "own_bag")
    left = iter([(who, task, day) for day in range(6) for task in tasks for who in residents])

    def record():
        who, task, day = next(left, (None, None, None))
        if who is None:
            return False
        return do(who, thing(task, "declaration", 24 * day))

    with meanwhile(app, record, projector.drain) as threads:
        seen = []
        while len(seen) < 4 or seen[0] == seen[-1]:
            assert all(thread.is_alive() for thread in threads)
            checked = Checked()
            assert found(checked=checked) == []
            seen.append(checked.actions)
    assert seen == sorted(seen)


def last_verify():
    with transaction():
        return db.session.get(LastVerify, 1, populate_existing=True)


def test_the_alarm_is_told_how_many_differences_there_are(city, found, damage):
    assert last_verify() is None
    damage("UPDATE wallets SET held = held + 1 WHERE resident_id = :anna", anna=city["anna"])
    checked = Checked()
    assert len(found(checked=checked)) == 1
    told = last_verify()
    assert told.differences == 1
    assert Checked(told.residents, told.actions, told.entries, told.boards) == checked
    assert told.as_of < told.ended_at
    assert told.ended_at.timestamp() == pytest.approx(time.time(), abs=60)
    damage("UPDATE wallets SET held = held - 1 WHERE resident_id = :anna", anna=city["anna"])
    assert found() == []
    assert last_verify().differences == 0


def test_a_verify_that_did_not_come_to_its_end_has_told_nothing(city, damage):
    damage("UPDATE wallets SET held = held + 1 WHERE resident_id = :anna", anna=city["anna"])
    assert next(verify())
    assert last_verify() is None


def test_of_two_at_once_the_one_that_looked_later_is_right_whichever_ends_first(city, found, damage):
    damage("UPDATE wallets SET held = held + 1 WHERE resident_id = :anna", anna=city["anna"])
    slow = verify()
    assert next(slow).subject == str(city["anna"])
    damage("UPDATE wallets SET held = held - 1 WHERE resident_id = :anna", anna=city["anna"])
    assert found() == []
    assert list(slow) == []
    assert last_verify().differences == 0


def test_a_moment_in_the_future_is_of_a_wrong_clock_and_does_not_last(city, found):
    with transaction():
        verified.tell(as_of=clock.now() + timedelta(days=1), differences=3, **asdict(Checked()))
    assert last_verify().differences == 3
    assert found() == []
    assert last_verify().differences == 0


def test_where_nothing_may_be_written_what_was_found_is_said_all_the_same(city, found, damage, caplog):
    damage("UPDATE wallets SET held = held + 1 WHERE resident_id = :anna", anna=city["anna"])
    read_only = "ALTER DATABASE {} SET default_transaction_read_only = {}"
    name = db.engine.url.database
    with psycopg.connect(db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as other:
        other.autocommit = True
        other.execute(read_only.format(name, "on"))
        db.engine.dispose()
        try:
            assert len(found()) == 1
        finally:
            other.execute("SET default_transaction_read_only = off")
            other.execute(read_only.format(name, "off"))
            db.engine.dispose()
    assert "the alarm is not told" in caplog.text
    assert last_verify() is None
