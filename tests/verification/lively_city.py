"""What happens in the lively little city, so that verify has something of everything to look at."""

from dataclasses import replace

from backend import clock
from backend.actions import reversing, reviewing
from backend.database import db, transaction
from backend.leaderboard.moving import moved
from backend.ledger import adjusting
from backend.projector import service as projector
from backend.residents.models import Resident
from backend.rewards import deciding, redeeming
from tests.expiry import expire_everything


def ride_and_walk(anna, bert, *, do, ride, thing, reported):
    for hours in (30, 54, 78):
        do(anna, ride(hours), thing("own_bag", "declaration", hours))
    do(bert, thing("walk_steps", "device", 30, quantity=40_000_000, unit="steps"))
    do(bert, ride(40, metres=20_000, minutes=90))
    assert reported(anna, 6, 5, 30, 55) == {"credited": 4}  # the one 30 hours ago takes a declared ride's place
    assert reported(bert, *range(6, 12), metres=7_000)["capped"] >= 1


def go_into_debt(cora, *, do, thing, reported, gift):
    reported(cora, 40, 42)
    seq = do(cora, thing("own_bag", "declaration", 31))
    given = gift("donation", stock=9)
    with transaction():
        redeeming.redeem(resident_id=cora.resident_id, reward_id=given, quantity=4, now=clock.now())
    for number in (1, seq):
        with transaction():
            reversing.reverse(resident_id=cora.resident_id, seq=number, reason="test", by="admin:test", now=clock.now())
    do(cora, thing("own_bag", "declaration", 30))


def let_points_expire(emil, *, do, ride, settings):
    do(emil, ride(10), settings=replace(settings, points_valid_months=-2))
    do(emil, ride(40))
    assert expire_everything(now=clock.now()) == 1


def be_reviewed(dora, *, do, thing):
    accepted, refused, _waiting = (do(dora, thing("clean_plate", "photo", hours)) for hours in (30, 54, 78))
    with transaction():
        reviewing.accept(resident_id=dora.resident_id, seq=accepted, by="admin:test", now=clock.now())
    with transaction():
        reviewing.refuse(resident_id=dora.resident_id, seq=refused, reason="dark", by="admin:test", now=clock.now())


def redeem_everything(anna, bert, *, gift, settings):
    picked_up, coded = gift("pickup", stock=5), gift("voucher", stock=3)
    seqs = []
    for resident, reward_id in ((anna, picked_up), (anna, picked_up), (anna, picked_up), (bert, coded)):
        with transaction():
            done = redeeming.redeem(resident_id=resident.resident_id, reward_id=reward_id, quantity=1, now=clock.now())
            seqs.append(done.redemption.seq)
    with transaction():
        deciding.cancel(anna.resident_id, seqs[0], now=clock.now())
    with transaction():
        deciding.fulfil(anna.resident_id, seqs[1], by="admin:test", now=clock.now())
    with transaction():
        asked = adjusting.request(resident_id=bert.resident_id, points=-3, reason="test", by="admin:one")
        which = adjusting.AdjustmentId(asked.resident_id, asked.id)
    with transaction():
        adjusting.approve(which, by="admin:two")


def move(dora, *, to, do, thing):
    """Something on the same day before and after moving; what comes after is not projected."""
    do(dora, thing("own_cup", "declaration", 2))
    projector.drain()
    with transaction():
        db.session.get(Resident, dora.resident_id).district_id = to
        moved(dora.resident_id, now=clock.now())
    do(dora, thing("own_bag", "declaration", 2))
    projector.drain()
    do(dora, thing("own_cup", "declaration", 1))
