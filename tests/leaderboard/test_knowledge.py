"""What a process keeps of residents is dropped when it changes: within a second, in every process, in any order."""

import time
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from types import SimpleNamespace

import pytest
from flask_babel import force_locale
from sqlalchemy import delete, select, update

from backend import clock
from backend.database import db, transaction
from backend.errors import UnauthenticatedError, UpstreamUnavailableError
from backend.leaderboard import knowledge, names
from backend.leaderboard.knowledge import Knowledge, admit, look
from backend.residents import changes, cleaning, restored, service
from backend.residents.auth import Caller
from backend.residents.models import NamesRevision, Resident, ResidentChange


@pytest.fixture
def wei(new_resident):
    """Wei wants to be named."""
    return new_resident("Wei", leaderboard_consent=True)


@pytest.fixture
def shown(app):
    """shown(resident) → what a board of this process calls them now."""

    def label(resident):
        with force_locale("en"):
            return names.labels([resident.resident_id], known=look(), language="en")[0]

    return label


def change(resident, **wanted):
    with transaction():
        service.change_profile(Caller(resident.resident_id, 0), wanted, now=clock.now())


def caller_of(resident):
    return Caller(resident.resident_id, resident.token_epoch)


def test_a_name_is_kept_until_it_changes(shown, wei, new_resident):
    other = new_resident("other", leaderboard_consent=True)
    change(other, nickname="other one")
    assert "Wei" in shown(wei)
    assert "other one" in shown(other)
    kept = knowledge.knowledge().names
    assert kept.keys() == {wei.resident_id, other.resident_id}
    change(wei, nickname="Bo")
    look()
    assert kept.keys() == {other.resident_id}
    assert "Bo" in shown(wei)
    change(wei, leaderboard_consent=False)
    assert "Resident " in shown(wei)


def test_a_consent_withdrawn_between_the_reading_of_a_name_and_its_keeping_is_not_forgotten(shown, wei, monkeypatch):
    keep, withdrawn = Knowledge.keep, []

    def late(self, read, *, known):
        if not withdrawn:
            withdrawn.append(change(wei, leaderboard_consent=False))
            look()  # of another thread, which learns of it first
        keep(self, read, known=known)

    monkeypatch.setattr(Knowledge, "keep", late)
    assert "Wei" in shown(wei)
    assert "Resident " in shown(wei)


def test_changes_stand_in_the_order_of_their_commits(app, wei, new_resident):
    first, seen = new_resident("first", leaderboard_consent=True), look().at

    def change_too():
        with app.app_context():
            change(wei, nickname="Bo")

    with transaction():
        service.change_profile(Caller(first.resident_id, 0), {"nickname": "Ann"}, now=clock.now())
        second = Thread(target=change_too)
        second.start()
        assert look().at == seen
    second.join()
    with transaction():
        rows = db.session.execute(select(ResidentChange.place, ResidentChange.resident_id).order_by("place")).all()
    assert rows == [(1, first.resident_id), (2, wei.resident_id)]


def test_a_database_that_went_back_in_time_is_noticed(shown, wei, new_resident):
    other = new_resident("other", leaderboard_consent=True)
    change(other, nickname="Ann")
    assert "Wei" in shown(wei)
    change(other, nickname="Eve")
    look()
    with transaction():
        db.session.execute(delete(ResidentChange).where(ResidentChange.place == 2))
    change(wei, leaderboard_consent=False)
    assert look().at.place == 2
    assert "Resident " in shown(wei)


def test_a_name_that_older_code_changed_is_noticed(shown, wei):
    change(wei, nickname="Bo")
    assert "Bo" in shown(wei)
    with transaction():
        db.session.execute(update(Resident).values(leaderboard_consent=False))
        db.session.execute(update(NamesRevision).values(revision=5))
    assert "Resident " in shown(wei)
    change(wei, leaderboard_consent=True)
    assert "Bo" in shown(wei)


def test_a_process_that_starts_later_knows_whose_sessions_were_ended(app, client, wei, new_resident, headers):
    before = caller_of(wei)
    assert client.delete("/api/v1/me", headers=headers(wei)).status_code == 204
    app.extensions.pop("board_knowledge", None)
    admit(caller_of(new_resident()), look())
    with pytest.raises(UnauthenticatedError):
        admit(before, look())


def test_after_a_restore_only_younger_tokens_hold(app, wei):
    before = caller_of(wei)
    admit(before, look())
    with transaction():
        restored.start_anew()
    with pytest.raises(UnauthenticatedError):
        admit(before, look())
    admit(Caller(wei.resident_id, before.epoch + restored.EPOCHS_SKIPPED), look())


def test_nobody_waits_for_anothers_look_until_a_second_has_passed(app, settings, monkeypatch):
    monkeypatch.setattr(knowledge, "FRESH_S", 0.0)
    monkeypatch.setattr(knowledge, "STALE_S", 60.0)
    monkeypatch.setitem(app.extensions, "settings", replace(settings, database_timeout_ms=10))
    known, mine = look(), knowledge.knowledge()
    with mine.turn:
        assert look() is known
        mine.known = replace(known, read_at=known.read_at - 60.0)
        with pytest.raises(UpstreamUnavailableError):
            look()
    assert look() == known
    assert look() is not known


def test_a_look_of_long_ago_is_not_taken_for_the_one_that_ends_meanwhile(app, wei, monkeypatch):
    monkeypatch.setattr(knowledge, "FRESH_S", 60.0)
    monkeypatch.setattr(knowledge, "STALE_S", 60.0)
    old, ended = look(), []

    def ten_minutes_later():
        if not ended:
            ended.append(None)
            ended.append(look(afresh=True))  # of another thread, which is done before we see how late it is
        return time.monotonic() + 600.0

    change(wei, nickname="Bo")
    monkeypatch.setattr(knowledge, "time", SimpleNamespace(monotonic=ten_minutes_later))
    assert look() == ended[-1] != old


def test_who_waited_for_a_look_that_failed_does_not_try_again(app):
    mine = knowledge.knowledge()
    mine.turn.acquire()
    refused = []

    def wait():
        with app.app_context(), pytest.raises(UpstreamUnavailableError) as told:
            look()
        refused.append(told.value.extensions)

    waiting = Thread(target=wait)
    waiting.start()
    while waiting.is_alive():
        # Whoever holds the turn has failed after the other began to wait for it, whenever that was.
        mine.failed_at = float("inf")
        if mine.turn.locked():
            mine.turn.release()
        waiting.join(0.01)
    assert refused == [{"retry_after": 2}]


def test_changes_are_forgotten_once_no_token_is_older_but_for_the_last(app, settings, wei):
    for name in ("Bo", "Ann", "Eve"):
        change(wei, nickname=name)
    later = clock.now() + changes.kept_for(settings.token_days)
    with transaction():
        assert cleaning.forget_changes(now=later - timedelta(minutes=1), limit=9) == 0
        assert cleaning.forget_changes(now=later + timedelta(minutes=1), limit=1) == 1
        assert cleaning.forget_changes(now=later + timedelta(minutes=1), limit=9) == 1
        assert db.session.scalars(select(ResidentChange.place)).all() == [3]
    assert look().at.place == 3
