"""Public totals: exact sums, nothing unproven in the tonnage, cacheable."""

from datetime import timedelta

import pytest

from backend import clock
from backend.database import db, transaction
from backend.ledger import service as ledger
from backend.projector import service as projector
from backend.residents.models import Area
from backend.totals import service
from backend.totals.schemas import DayOfTotalsSchema, TotalsSchema
from tests.books import hold
from tests.projections import today

pytestmark = pytest.mark.usefixtures("well_into_the_day")


@pytest.fixture
def read(client):
    """read(path) → the answer to GET /public/totals<path>."""

    def get(path="", status=200, **headers):
        answer = client.get(f"/api/v1/public/totals{path}", headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    return get


@pytest.fixture
def city(deeds, new_resident):
    """Three residents: rides yesterday and today in two districts, and something unquantified."""
    with transaction():
        areas = [Area(code=f"d{number}", kind="district", title={"zh": "", "en": ""}) for number in (1, 2)]
        db.session.add_all(areas)
        db.session.flush()
        first, second = (area.id for area in areas)
    one, two, three = (
        new_resident("one", district_id=first),
        new_resident("two", district_id=second),
        new_resident("three"),
    )
    for somebody in (one, two, three):
        deeds.record(somebody, days_ago=1)
    deeds.record(one, metres=1_000)
    deeds.record(one, "own_bag", minute=90, tier="declaration")
    deeds.record(two, "e_office", minute=90, tier="declaration")
    projector.drain()
    return one, two, three


def test_totals_are_the_sums_of_what_was_credited(read, city):
    answer = read().json
    assert TotalsSchema().validate(answer) == {}
    assert answer["co2e_kg"] == pytest.approx(3 * 0.1906 + 0.0953 + 0.005)
    assert (answer["person_times"], answer["participants"]) == (6, 3)
    assert answer["points_issued"] == 3 * 19 + 9 + 1 + 1
    assert answer["by_tier"]["declaration"] == {"co2e_kg": 0.005, "person_times": 2}
    assert set(answer["equivalents"]) == {"tree_years", "car_km"}
    assert answer["equivalents"]["car_km"]["value"] == int(answer["co2e_kg"] / 0.16725)


def test_totals_of_nothing_are_zero(read):
    answer = read().json
    assert (answer["co2e_kg"], answer["participants"], answer["by_tier"]) == (0, 0, {})


def test_points_given_back_count_neither_as_redeemed_nor_as_a_redemption(app, city):
    one = city[0]
    with transaction():
        hold(one.resident_id, 7)
        given_back = hold(one.resident_id, 5)
        ledger.release(ledger.lock_wallet(one.resident_id), given_back, now=clock.now())
    projector.drain()
    with transaction():
        exact = service.exact()
    assert (exact["points_redeemed"], exact["redemptions"]) == (7, 1)
    assert exact["outstanding"] == exact["points_issued"] - 7


def test_what_expired_and_what_was_adjusted_is_in_what_is_outstanding(app, city):
    rows = "(0, '2026-11-01', 'expire', 3, 1), (0, '2026-11-01', 'adjust', -2, 1)"
    with transaction():
        db.session.execute(db.text(f"INSERT INTO movements (partition, day, kind, points, times) VALUES {rows}"))
        exact = service.exact()
    assert (exact["points_expired"], exact["points_adjusted"]) == (3, -2)
    assert exact["outstanding"] == exact["points_issued"] - 3 - 2


def test_as_of_goes_no_further_than_what_has_been_projected(read, city, deeds):
    posted_at = clock.now() - timedelta(minutes=5)
    deeds.record(city[2], "no_cutlery", minute=200, now=posted_at)
    assert read().json["as_of"] == clock.rfc3339(posted_at)
    projector.drain()
    assert read().json["as_of"] > clock.rfc3339(posted_at)


def test_what_is_projected_while_the_sums_are_read_does_not_move_as_of_beyond_them(read, city, deeds, monkeypatch):
    before, posted_at = read().json, clock.now() - timedelta(minutes=5)
    deeds.record(city[2], "no_cutlery", minute=200, now=posted_at)
    sums = service.exact

    def read_just_before():
        totals = sums()
        projector.drain()
        return totals

    monkeypatch.setattr(service, "exact", read_just_before)
    told = read().json
    assert (told["person_times"], told["as_of"]) == (before["person_times"], clock.rfc3339(posted_at))


def test_totals_may_be_cached_and_asked_for_again_by_their_etag(read, city, deeds):
    first = read()
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert read(status=304, **{"If-None-Match": first.headers["ETag"]}).data == b""
    deeds.record(city[2], "no_cutlery", minute=200)
    projector.drain()
    read(status=200, **{"If-None-Match": first.headers["ETag"]})


def test_days_add_up_to_the_whole(read, city):
    items = read("/daily").json["items"]
    assert [DayOfTotalsSchema().validate(item) for item in items] == [{}, {}]
    assert [(item["date"], item["person_times"], item["participants"]) for item in items] == [
        ((today() - timedelta(days=1)).isoformat(), 3, 3),
        (today().isoformat(), 3, 2),
    ]
    assert all("task" not in item and "district" not in item for item in items)


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("task", {("bike_ride", 1, 1), ("own_bag", 1, 1), ("e_office", 1, 1)}),
        ("district", {("d1", 2, 1), ("d2", 1, 1)}),
    ],
)
def test_a_day_is_broken_down_by_task_or_district(read, city, by, rows):
    items = read(f"/daily?from={today()}&by={by}").json["items"]
    assert {(item[by], item["person_times"], item["participants"]) for item in items} == rows


def test_a_day_is_broken_down_by_both_and_page_follows_page(read, city):
    whole = read("/daily?by=district,task").json["items"]
    assert len(whole) == 6
    assert {item["district"] for item in whole} == {"d1", "d2", None}
    pages, cursor = [], ""
    while cursor is not None:
        answer = read(f"/daily?by=district,task&limit=2{cursor and '&cursor=' + cursor}").json
        pages += answer["items"]
        cursor = answer["next_cursor"]
    assert pages == whole


def test_unquantified_tasks_count_as_person_times_and_never_as_kilograms(read, city):
    items = read("/daily?by=task").json["items"]
    assert {item["co2e_kg"] for item in items if item["task"] == "e_office"} == {0}


@pytest.fixture
def few_and_many(deeds, new_resident):
    """On one day four do the one thing, and the five others of the city the other."""
    people = [new_resident(f"r{number}") for number in range(9)]
    for person in people[:4]:
        deeds.record(person, metres=5_040)
    for person in people[4:]:
        deeds.record(person, "no_cutlery")
    projector.drain()


def test_what_few_did_is_told_in_whole_kilograms_and_of_five_to_a_tenth(read, few_and_many):
    (day,) = read("/daily").json["items"]
    assert (day["co2e_kg"], day["participants"]) == (pytest.approx(4 * 0.480312 + 5 * 0.04572, abs=1e-9), 9)
    parts = {item["task"]: (item["co2e_kg"], item["participants"]) for item in read("/daily?by=task").json["items"]}
    assert parts == {"bike_ride": (2.0, 4), "no_cutlery": (0.2, 5)}


@pytest.mark.parametrize("by", ["task", "task,district"])
def test_an_exact_day_less_all_other_rows_is_not_what_few_did(read, few_and_many, by):
    (day,) = read("/daily").json["items"]
    rows = [item["co2e_kg"] for item in read(f"/daily?by={by}").json["items"]]
    exact = {round(4 * 0.480312, 6), round(5 * 0.04572, 6)}
    assert not exact & {round(day["co2e_kg"] - sum(rows) + row, 6) for row in rows}
    assert not exact & set(rows)


def test_a_day_of_which_all_was_reversed_is_not_shown(read, deeds, resident):
    deeds.reverse(resident, deeds.record(resident).seq)
    projector.drain()
    assert read("/daily?by=task").json["items"] == []


@pytest.mark.parametrize(("days", "status"), [(365, 200), (366, 422), (-1, 422)])
def test_at_most_366_days_can_be_asked_for(read, days, status):
    first = today() - timedelta(days=days)
    answer = read(f"/daily?from={first}&to={today()}", status=status)
    if status == 422:
        assert answer.json["errors"][0]["field"] == "from"


@pytest.mark.parametrize(
    "query",
    [
        "from=0001-01-01&to=0001-01-02",
        "to=0001-01-01",
        "to=9999-12-31",
        "cursor=LTE",
        "cursor=OTk5OTk5OTk5OTk5OTk5OTk5OQ",
    ],
)
def test_the_ends_of_time_are_empty_or_refused(client, query):
    assert client.get(f"/api/v1/public/totals/daily?{query}").status_code in {200, 422}


@pytest.mark.parametrize("query", ["from=yesterday", "by=city", "limit=0", "limit=1001", "cursor=%21"])
def test_what_cannot_be_asked_is_refused(read, query):
    read(f"/daily?{query}", status=422)


def test_the_command_projects_first_and_prints_whole_numbers(app, deeds, resident):
    deeds.record(resident)
    result = app.test_cli_runner().invoke(args=["totals", "--json"])
    assert result.exit_code == 0, result.output
    with transaction():
        exact = service.exact()
    assert app.json.loads(result.output) == exact
    assert (exact["co2e_mg"], exact["points_issued"], exact["outstanding"]) == (190_600, 19, 19)
    assert "190,600" in app.test_cli_runner().invoke(args=["totals"]).output
