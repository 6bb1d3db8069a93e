"""GET and PATCH /me, GET /areas."""

import pytest
from sqlalchemy import func, select, update

from backend import clock
from backend.database import db, transaction
from backend.ledger.models import Wallet
from backend.outbox import OutboxRow
from backend.residents import service as residents
from backend.residents.models import Consent, Resident
from tests.together import together


def fields_of(answer):
    assert answer.status_code == 422, answer.json
    return [error["field"] for error in answer.json["errors"]]


def test_a_new_resident_begins_with_nothing(me, resident):
    assert me("GET").json == {
        "nickname": "somebody",
        "avatar_url": None,
        "district": None,
        "community": None,
        "level": "seed",
        "joined_at": clock.rfc3339(resident.joined_at),
        "leaderboard_consent": False,
        "wallet": {"balance": 0},
        "reduction": {"co2e_g": 0.0, "actions": 0},
        "frozen": None,
    }


def test_what_was_earned_shows_at_once(me, earn):
    earn("no_cutlery")
    shown = me("GET").json
    assert shown["wallet"] == {"balance": 5}
    assert shown["reduction"] == {"co2e_g": 45.72, "actions": 1}


@pytest.mark.parametrize(
    ("co2e_mg", "level"),
    [
        (999_999, "seed"),
        (1_000_000, "sprout"),
        (9_999_999, "sprout"),
        (10_000_000, "sapling"),
        (10**9, "forest"),
    ],
)
def test_the_level_is_reached_at_exactly_its_grams(me, resident, co2e_mg, level):
    with transaction():
        db.session.get_one(Wallet, resident.resident_id).co2e_mg = co2e_mg
    assert me("GET").json["level"] == level


def test_what_is_left_out_stays(me):
    me("PATCH", json={"nickname": "Lin"})
    shown = me("PATCH", json={"avatar_url": "https://thirdwx.qlogo.cn/lin.png"}).json
    assert (shown["nickname"], shown["avatar_url"]) == ("Lin", "https://thirdwx.qlogo.cn/lin.png")
    assert me("PATCH", json={"avatar_url": None}).json["avatar_url"] is None
    assert me("PATCH", json={}).json == me("GET").json


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nickname": "x" * 33}, "nickname"),
        ({"nickname": "a\nb"}, "nickname"),
        ({"nickname": "\x00"}, "nickname"),
        ({"nickname": " Lin"}, "nickname"),
        ({"nickname": None}, "nickname"),
        ({"avatar_url": "http://example.org/a.png"}, "avatar_url"),
        ({"avatar_url": "javascript:alert(1)"}, "avatar_url"),
        ({"avatar_url": "https://"}, "avatar_url"),
        ({"avatar_url": "https://[::1"}, "avatar_url"),
        ({"avatar_url": "https://evil.example/x.png"}, "avatar_url"),
        ({"leaderboard_consent": "yes"}, "leaderboard_consent"),
        ({"leaderboard_consent": 1}, "leaderboard_consent"),
        ({"leaderboard_consent": None}, "leaderboard_consent"),
        ({"district": "nowhere"}, "district"),
        ({"community": "nowhere"}, "community"),
        ({"district": "east-1"}, "district"),
        ({"community": "east"}, "community"),
        ({"level": "forest"}, "level"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_changes(me, areas, change, field):
    assert fields_of(me("PATCH", json={"avatar_url": "https://thirdwx.qlogo.cn/", **change})) == [field]
    assert me("GET").json["avatar_url"] is None


def test_a_nickname_of_exactly_32_characters_is_taken(me):
    assert me("PATCH", json={"nickname": "x" * 32}).status_code == 200


def test_an_unknown_place_is_told_where_the_places_are(me, areas):
    errors = me("PATCH", json={"district": "nowhere"}).json["errors"]
    assert "GET /areas" in errors[0]["message"]


def test_a_community_brings_its_district_along(me, areas):
    shown = me("PATCH", json={"community": "east-1"}).json
    assert (shown["district"], shown["community"]) == ("east", "east-1")


def test_a_community_of_another_district_needs_that_district_too(me, areas):
    me("PATCH", json={"community": "east-1"})
    assert fields_of(me("PATCH", json={"community": "west-1"})) == ["community"]
    assert fields_of(me("PATCH", json={"district": "east", "community": "west-1"})) == ["community"]
    assert fields_of(me("PATCH", json={"district": None, "community": "west-1"})) == ["community"]
    assert me("PATCH", json={"district": "west", "community": "west-1"}).json["community"] == "west-1"


def test_who_moves_to_another_district_leaves_the_community(me, areas):
    me("PATCH", json={"community": "east-1"})
    assert me("PATCH", json={"district": "east"}).json["community"] == "east-1"
    assert me("PATCH", json={"district": "west"}).json["community"] is None
    assert me("PATCH", json={"district": None}).json["district"] is None


def test_the_boards_are_told_of_a_move_and_of_nothing_else(me, areas):
    def told():
        return db.session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.kind == "moved"))

    me("PATCH", json={"nickname": "Lin"})
    assert told() == 0
    me("PATCH", json={"community": "east-1"})
    me("PATCH", json={"community": "east-1", "district": "east"})
    assert told() == 1


def test_consent_is_kept_with_its_version_and_its_end(me, resident):
    for given in (True, True, False, False, True):
        assert me("PATCH", json={"leaderboard_consent": given}).json["leaderboard_consent"] is given
    consents = db.session.scalars(select(Consent).order_by(Consent.given_at)).all()
    assert [(c.purpose, c.version, c.withdrawn_at is None) for c in consents] == [
        ("leaderboard", "2026-11", False),
        ("leaderboard", "2026-11", True),
    ]


def test_the_districts_are_listed_and_of_one_its_communities(client, areas):
    def get(query=""):
        return client.get(f"/api/v1/areas{query}", headers={"Accept-Language": "en"}).json

    assert [(item["code"], item["title"]) for item in get()["items"]] == [("east", "East"), ("west", "West")]
    assert [item["code"] for item in get("?district=west")["items"]] == ["west-1"]
    first = get("?limit=1")
    assert [item["code"] for item in get(f"?limit=1&cursor={first['next_cursor']}")["items"]] == ["west"]


def test_areas_of_an_unknown_district_are_a_clear_refusal(client, areas):
    assert fields_of(client.get("/api/v1/areas?district=nowhere")) == ["district"]
    assert client.get("/api/v1/areas?cursor=AA").status_code == 422


def test_whose_sessions_end_meanwhile_changes_nothing_any_more(app, client, resident, headers, monkeypatch):
    owner, token = resident.resident_id, headers(resident)
    lock = residents.lock

    def end_all_sessions():
        with transaction():
            db.session.execute(update(Resident).values(token_epoch=Resident.token_epoch + 1))

    def lock_after_that(resident_id):
        together(app, [end_all_sessions])
        return lock(resident_id)

    monkeypatch.setattr(residents, "lock", lock_after_that)
    assert client.patch("/api/v1/me", json={"nickname": "ghost"}, headers=token).status_code == 401
    assert db.session.scalar(select(Resident.nickname).where(Resident.resident_id == owner)) != "ghost"
