"""A city whose books were kept by our own services: verify finds nothing, whatever happens meanwhile."""

import time
from threading import Event, Thread

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from backend.database import db
from backend.projector import service as projector
from backend.verification import Checked, service


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
    stop = Event()

    def in_a_loop(work):
        with app.app_context():
            while not stop.is_set():
                work()
                db.session.remove()

    def record():
        who, task, day = next(left, (None, None, None))
        if who is None:
            stop.wait()
        else:
            do(who, thing(task, "declaration", 24 * day))

    threads = [Thread(target=in_a_loop, args=(work,)) for work in (record, projector.drain)]
    for thread in threads:
        thread.start()
    try:
        seen = []
        for _ in range(4):
            checked = Checked()
            assert found(checked=checked) == []
            seen.append(checked.actions)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert seen[0] < seen[-1]


def test_the_alarm_is_told_how_many_differences_there_are(city, found, damage):
    damage("UPDATE wallets SET held = held + 1 WHERE resident_id = :anna", anna=city["anna"])
    assert len(found()) == 1
    assert REGISTRY.get_sample_value("tanhui_verify_differences") == 1
    assert REGISTRY.get_sample_value("tanhui_verified_at_seconds") == pytest.approx(time.time(), abs=60)
    damage("UPDATE wallets SET held = held - 1 WHERE resident_id = :anna", anna=city["anna"])
    assert found() == []
    assert REGISTRY.get_sample_value("tanhui_verify_differences") == 0
