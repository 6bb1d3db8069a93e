"""Reading boards over HTTP."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from backend import clock, redis
from backend.account import administering
from backend.database import cursor, db, transaction
from backend.leaderboard import epochs, knowledge
from backend.leaderboard.schemas import BoardSchema, PeriodSchema, PlaceSchema
from backend.projector import service as projector
from backend.residents.models import Resident
from tests.projections import today
from tests.sent_statements import noticed


@pytest.fixture
def podium(deeds, new_resident):
    """Seven residents; the first has most, the fifth and sixth are equal and the sixth was there first."""
    now = clock.now()
    people = [new_resident(f"p{place}") for place in range(7)]
    for place, person in enumerate(people):
        metres = 5_000 if place in {4, 5} else 8_300 - 800 * place
        deeds.record(person, metres=metres, minute=30, now=now - timedelta(seconds=place * 100))
    projector.drain()
    return people


@pytest.fixture(params=[False, True], ids=["redis", "postgresql"])
def _either(app, podium, request):
    """Boards are read from Redis; or they have fallen behind, and PostgreSQL answers."""
    if request.param:
        with transaction():
            epochs.fall_behind(cursor(), epochs.state(cursor()).epoch)


def ranks(answer):
    return [item["rank"] for item in answer["items"]]


def test_a_page_shows_places_and_my_own(board, podium):
    answer = board(podium[3], "points/week?limit=3")
    assert BoardSchema().validate(answer) == {}
    assert (answer["board"], answer["scope"], answer["size"]) == ("points", "city", 7)
    assert answer["period"]["starts_on"] == (today() - timedelta(days=today().weekday())).isoformat()
    assert ranks(answer) == [1, 2, 3]
    assert [item["score"] for item in answer["items"]] == [60, 60, 60]
    assert answer["me"] == {"rank": 4, "score": 56}


def test_of_equal_scores_the_earlier_is_ahead(board, podium):
    first, second = (board(podium[place], "co2e/day?limit=1")["me"] for place in (5, 4))
    assert first["score"] == second["score"] == 476.5
    assert (first["rank"], second["rank"]) == (5, 6)


@pytest.mark.usefixtures("_either")
def test_pages_follow_each_other_and_end(board, podium):
    assert ranks(board(podium[0], "co2e/all?limit=3&offset=3")) == [4, 5, 6]
    assert ranks(board(podium[0], "co2e/all?limit=3&offset=6")) == [7]
    assert ranks(board(podium[0], "co2e/all?limit=3&offset=7")) == []


@pytest.mark.usefixtures("_either")
@pytest.mark.parametrize(("place", "seen"), [(0, [1, 2, 3]), (1, [1, 2, 3, 4]), (3, [2, 3, 4, 5, 6]), (6, [5, 6, 7])])
def test_around_me_ends_where_the_board_does(board, podium, place, seen):
    answer = board(podium[place], "co2e/month/around-me?window=2")
    assert ranks(answer) == seen
    assert answer["me"]["rank"] == (6 if place == 4 else 5 if place == 5 else place + 1)


@pytest.mark.usefixtures("_either")
def test_who_has_nothing_yet_has_no_place_and_no_neighbours(board, podium, new_resident):
    newcomer = new_resident("newcomer")
    assert board(newcomer, "points/week?offset=7")["size"] == 7
    around = board(newcomer, "points/week/around-me")
    assert (around["me"], around["items"], around["size"]) == (None, [], 7)
    assert board(newcomer, "points/week")["me"] is None


def test_whose_only_action_was_reversed_is_not_on_the_board(board, podium, deeds):
    board(podium[0], "points/all")
    deeds.reverse(podium[2], 1)
    projector.drain()
    answer = board(podium[2], "points/all")
    assert (answer["size"], answer["me"], len(answer["items"])) == (6, None, 6)


def test_an_empty_board_is_a_board(board, resident):
    answer = board(resident, "points/day")
    assert (answer["size"], answer["items"], answer["me"]) == (0, [], None)


def test_an_avatar_that_lies_elsewhere_is_not_shown(board, podium):
    with transaction():
        stored = {"avatar_url": "https://evil.example/x.png", "leaderboard_consent": True}
        db.session.execute(update(Resident).where(Resident.resident_id == podium[0].resident_id).values(**stored))
    shown = board(podium[1], "co2e/day")["items"][0]
    assert (shown["name"], shown["avatar_url"]) == ("p0", None)


def test_what_a_frozen_resident_chose_is_not_shown_until_that_is_lifted(board, podium):
    chosen = ("p0", "https://wx.qlogo.cn/a.png")
    with transaction():
        stored = {"avatar_url": chosen[1], "leaderboard_consent": True}
        db.session.execute(update(Resident).where(Resident.resident_id == podium[0].resident_id).values(**stored))

    def shown():
        first = board(podium[1], "co2e/day")["items"][0]
        return first["name"], first["avatar_url"]

    def freeze(*, frozen):
        with transaction():
            administering.set_frozen(podium[0].resident_id, frozen=frozen, reason="x", by="admin:li")

    assert shown() == chosen
    freeze(frozen=True)
    name, avatar_url = shown()
    assert (name.startswith("Resident "), avatar_url) == (True, None)
    freeze(frozen=False)
    assert shown() == chosen


def test_a_page_with_names_that_are_not_kept_does_not_wait_for_a_lock_on_wallets(board, podium):
    with transaction():
        db.session.execute(update(Resident).values(leaderboard_consent=True))
    with db.engine.connect() as other, other.begin():
        other.exec_driver_sql("LOCK TABLE wallets IN ACCESS EXCLUSIVE MODE")
        items = board(podium[6], "co2e/day")["items"]
    assert [item["name"] for item in items] == ["p0", "p1", "p2", "p3", "p5", "p4", "p6"]


def test_names_are_pseudonyms_unless_their_owners_consented(app, board, podium):
    with transaction():
        shown = db.session.get(Resident, podium[0].resident_id)
        shown.leaderboard_consent, shown.avatar_url = True, "https://thirdwx.qlogo.cn/a.png"
        db.session.get(Resident, podium[1].resident_id).avatar_url = "https://thirdwx.qlogo.cn/b.png"
    items = board(podium[6], "co2e/day")["items"]
    assert (items[0]["name"], items[0]["avatar_url"]) == ("p0", "https://thirdwx.qlogo.cn/a.png")
    assert items[1]["name"].startswith("Resident ")
    assert items[1]["avatar_url"] is None
    assert len({item["name"] for item in items}) == 7
    assert not [item for item in items[1:] if str(podium[items.index(item)].resident_id) == item["name"][9:]]


def test_a_pseudonym_is_the_same_on_every_board(board, podium):
    assert board(podium[0], "co2e/day")["items"][2]["name"] == board(podium[0], "co2e/year")["items"][2]["name"]


def test_who_has_left_is_anonymous(app, board, podium):
    with transaction():
        gone = db.session.get(Resident, podium[0].resident_id)
        gone.leaderboard_consent, gone.state = True, "erased"
    assert board(podium[1], "co2e/day")["items"][0]["name"].startswith("Resident ")


def test_boards_of_my_district_and_community_hold_my_neighbours(board, deeds, new_resident):
    here, there = new_resident("here", district_id=1, community_id=7), new_resident("there", district_id=2)
    deeds.record(here)
    deeds.record(there, metres=8_000)
    projector.drain()
    for scope in ("district", "community"):
        answer = board(here, f"points/day?scope={scope}")
        assert (answer["scope"], answer["size"], answer["me"]["rank"]) == (scope, 1, 1)
    assert board(here, "points/day")["me"]["rank"] == 2


@pytest.mark.parametrize("scope", ["district", "community"])
def test_a_scope_that_i_have_not_set_is_refused_with_the_cure(board, resident, scope):
    problem = board(resident, f"points/week?scope={scope}", status=422)
    assert problem["errors"][0]["field"] == "scope"
    assert "PATCH /me" in problem["detail"]


def test_a_past_period_is_read_by_its_name(board, deeds, resident):
    deeds.record(resident, days_ago=40)
    projector.drain()
    past = today() - timedelta(days=40)
    year, week, _ = past.isocalendar()
    for kind, at in (("day", past.isoformat()), ("week", f"{year}-W{week:02}"), ("month", past.strftime("%Y-%m"))):
        answer = board(resident, f"points/{kind}?at={at}")
        assert (answer["size"], answer["me"]["rank"]) == (1, 1), kind
    assert board(resident, "points/day")["size"] == 0


@pytest.mark.parametrize(
    "query", ["at=2026-W60", "at=2050-W01", "limit=0", "limit=101", "offset=-1", "scope=team", "at=%00"]
)
def test_what_cannot_be_asked_is_refused(app, client, resident, headers, query):
    answer = client.get(f"/api/v1/leaderboards/points/week?{query}", headers=headers(resident))
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("path", ["steps/week", "points/decade", "points"])
def test_there_is_no_such_board(app, client, resident, headers, path):
    assert client.get(f"/api/v1/leaderboards/{path}", headers=headers(resident)).status_code == 404


def test_a_token_that_was_ended_reads_no_board(client, podium, headers):
    mine = headers(podium[0])
    assert client.delete("/api/v1/me", headers=mine).status_code == 204
    for path in ("points/week", "points/week/around-me", "points/week?scope=district"):
        assert client.get(f"/api/v1/leaderboards/{path}", headers=mine).status_code == 401


def test_the_list_names_the_boards_that_exist_for_me(app, client, new_resident, headers):
    lives_nowhere, lives_here = new_resident("nowhere"), new_resident("here", district_id=3)
    for somebody, scopes in ((lives_nowhere, {"city"}), (lives_here, {"city", "district"})):
        answer = client.get("/api/v1/leaderboards", headers=headers(somebody)).json
        assert {item["scope"] for item in answer["items"]} == scopes
        assert len(answer["items"]) == 10 * len(scopes)
        assert answer["next_cursor"] is None


def test_a_name_that_changes_is_seen_at_once_on_a_page_that_was_shown_before(app, client, board, podium, headers):
    before = [item["name"] for item in board(podium[0], "co2e/day")["items"]]
    for changes, name in (
        ({"nickname": "Wei", "leaderboard_consent": True}, "Wei"),
        ({"nickname": "Bo"}, "Bo"),
        ({"leaderboard_consent": False}, before[0]),
        ({"nickname": "Unseen"}, before[0]),
    ):
        assert client.patch("/api/v1/me", json=changes, headers=headers(podium[0])).status_code == 200
        for reader in podium[:2]:
            assert board(reader, "co2e/day")["items"][0]["name"] == name, changes


@pytest.mark.parametrize("avatar_url", [None, 'https://img.qlogo.cn/a?b="c"&d=碳'])
def test_a_name_is_shown_as_it_is_whatever_it_is_made_of(board, podium, avatar_url):
    name = 'a"b\\c/\n\t\x01\x7f 碳惠 😀 </script>'
    with transaction():
        db.session.execute(
            update(Resident)
            .where(Resident.resident_id == podium[0].resident_id)
            .values(nickname=name, avatar_url=avatar_url, leaderboard_consent=True)
        )
    shown = board(podium[1], "co2e/day")["items"][0]
    assert (shown["name"], shown["avatar_url"]) == (name, avatar_url)


@pytest.mark.parametrize("path", ["points/day", "points/day/around-me"])
def test_a_page_of_people_who_are_known_costs_one_round_trip(app, board, podium, monkeypatch, path):
    monkeypatch.setattr(knowledge, "FRESH_S", 60.0)
    monkeypatch.setattr(knowledge, "STALE_S", 60.0)
    board(podium[0], "points/day")
    sent, ask = [], redis.ask
    monkeypatch.setattr(redis, "ask", lambda *words: sent.append(words) or ask(*words))
    with noticed(lambda _, statement, __: sent.append(statement)):
        page = board(podium[1], path)
    assert [words[0] for words in sent] == ["EVALSHA"], sent
    assert [item["rank"] for item in page["items"]] == list(range(1, len(page["items"]) + 1))


def test_a_page_is_as_the_schema_says(app, board, podium):
    for path in ("points/day", "co2e/all", "points/week/around-me", "co2e/month?limit=1&offset=1"):
        page = board(podium[0], path)
        assert BoardSchema().validate(page) == {}
        assert page.keys() == BoardSchema().fields.keys()
        assert page["period"].keys() == PeriodSchema().fields.keys()
        assert all(item.keys() == PlaceSchema().fields.keys() for item in page["items"])
