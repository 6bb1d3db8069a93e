"""The simulated city: the same every time, told in order, and nearly all of it acceptable."""

import hashlib
from collections import Counter
from datetime import UTC, date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from backend.simulation import PARTNERS, REWARD_PRICES, City

SHANGHAI = ZoneInfo("Asia/Shanghai")
FINGERPRINT = "f98b7ff8fb44a9832013031d70858abc065fd0095f155be2c6c63e0bfe13a63e"


def small_city(**changed):
    wanted = {"seed": 7, "residents": 120, "days": 25, "until": date(2026, 8, 1), "time_zone": SHANGHAI}
    return City(**wanted | changed)


@pytest.fixture(scope="module")
def city():
    return small_city(residents=600, days=40)


@pytest.fixture(scope="module")
def events(city):
    return list(city.events())


def fingerprint(city: City) -> str:
    told = [*city.residents(), *city.events(), *city.declarations(), *city.redemptions()]
    return hashlib.sha256("\n".join(map(repr, told)).encode()).hexdigest()


def test_the_same_seed_gives_the_same_city_on_every_machine_and_python_version():
    assert fingerprint(small_city()) == FINGERPRINT


def test_a_city_told_twice_is_told_alike():
    city = small_city()
    assert list(city.events()) == list(city.events())
    assert fingerprint(city) == fingerprint(city)


def test_another_seed_gives_another_city():
    assert fingerprint(small_city(seed=8)) != fingerprint(small_city())


def test_a_life_does_not_depend_on_how_many_others_there_are():
    few, many = small_city(residents=40), small_city(residents=80)
    assert many.residents()[:40] == few.residents()
    known = {subject for resident in few.residents() for subject in resident.subjects.values()}
    assert [event for event in many.events() if event.subject in known] == list(few.events())
    assert [one for one in many.declarations() if one.resident_number <= 40] == list(few.declarations())
    assert sorted(wish for wish in many.redemptions() if wish[0] <= 40) == sorted(few.redemptions())


def test_events_come_in_order_of_their_start_and_each_id_once(events):
    assert all(before.started_at <= after.started_at for before, after in pairwise(events))
    assert len({(event.partner, event.external_id) for event in events}) == len(events)


def test_all_times_are_utc_and_within_the_days_before_until(events):
    closes_at = events[0].started_at + timedelta(days=40)
    assert events[0].started_at.isoformat() == "2026-06-21T16:00:00+00:00"
    for event in events:
        assert event.started_at.tzinfo is UTC
        assert event.started_at < event.ended_at <= closes_at


def test_events_are_of_residents_at_partners_they_bound(city, events):
    bound = {(partner, subject) for resident in city.residents() for partner, subject in resident.subjects.items()}
    assert {(event.partner, event.subject) for event in events} <= bound
    assert {partner for partner, _ in bound} == set(PARTNERS)


def test_everything_invented_says_so(city):
    for resident in city.residents():
        names = (resident.nickname, resident.district, resident.community, *resident.subjects.values())
        assert all(name.startswith("sim-") and name.isascii() for name in names)
    assert len({resident.nickname for resident in city.residents()}) == 600


def test_a_device_reports_one_event_a_person_and_day(events):
    days = Counter((event.subject, event.started_at) for event in events if event.task == "walk_steps")
    assert set(days.values()) == {1}


# Range of the quantity, and for rides the speed in km/h and the hours, as in the default catalogue.
LIMITS = {
    "bike_ride": (300, 50_000, 25, 6),
    "metro_ride": (500, 100_000, 80, 4),
    "bus_ride": (300, 60_000, 70, 4),
    "carton_return": (1, 10, None, None),
    "clothes_recycling": (500, 50_000, None, None),
    "ev_charge": (1_000, 200_000, None, None),
    "walk_steps": (1_000, 100_000, None, None),
}


def refusal(event, *, travelling_until):
    low, high, fastest_kmh, longest_h = LIMITS[event.task]
    if not low <= event.quantity <= high:
        return "range"
    if fastest_kmh is None:
        return None
    hours = (event.ended_at - event.started_at) / timedelta(hours=1)
    if float(event.quantity) / 1000 / hours > fastest_kmh or hours > longest_h:
        return "implausible"
    if travelling_until and event.started_at < travelling_until:
        return "overlap"
    return None


def refusals(city):
    owner = {subject: one.number for one in city.residents() for subject in one.subjects.values()}
    until = {}
    reasons = Counter()
    for event in city.events():
        number = owner[event.subject]
        reason = refusal(event, travelling_until=until.get(number))
        reasons[event.task != "walk_steps", reason] += 1
        if reason is None and LIMITS[event.task][2]:
            until[number] = event.ended_at
    return reasons


def test_nearly_all_events_are_acceptable_and_a_few_are_refused_for_each_reason():
    reasons = refusals(City(seed=2026, residents=2_000, days=60, until=date(2026, 8, 1), time_zone=SHANGHAI))
    told = sum(count for (travels, _), count in reasons.items() if travels)
    assert reasons[True, None] / told > 0.97
    assert 0.005 < reasons[True, "range"] / told < 0.025
    assert 0.0003 < reasons[True, "implausible"] / told < 0.003
    assert 1 <= reasons[True, "overlap"] <= 40
    walked = reasons[False, None] + reasons[False, "range"]
    assert 0.08 < reasons[False, "range"] / walked < 0.15
    assert 100_000 < told + walked < 150_000


def test_a_declaration_is_a_photo_or_a_declaration_and_only_rides_have_a_length(city):
    said = list(city.declarations())
    assert all(before.occurred_at <= after.occurred_at for before, after in pairwise(said))
    assert {one.evidence for one in said} == {"photo", "declaration"}
    for one in said:
        rides = one.task in {"bike_ride", "bus_ride"}
        assert (one.started_at is not None) == (one.quantity is not None) == rides
        assert not rides or (one.started_at < one.occurred_at and one.quantity <= 20_000)


def test_some_rides_are_declared_and_reported_by_the_partner_as_well(city, events):
    owner = {one.subjects.get("bikes"): one.number for one in city.residents()}
    reported = {(owner[one.subject], one.started_at) for one in events if one.task == "bike_ride"}
    assert any((one.resident_number, one.started_at) in reported for one in city.declarations())


def test_wishes_are_for_known_rewards_and_of_known_residents(city):
    wishes = list(city.redemptions())
    assert {reward for _, reward in wishes} <= set(REWARD_PRICES)
    assert {number for number, _ in wishes} <= set(range(1, 601))
    assert 100 < len(wishes) < 900


def test_days_that_lose_or_gain_an_hour_keep_the_order():
    city = small_city(until=date(2026, 4, 10), time_zone=ZoneInfo("Europe/Berlin"))
    events = list(city.events())
    assert all(before.started_at <= after.started_at for before, after in pairwise(events))
    lengths = {event.ended_at - event.started_at for event in events if event.task == "walk_steps"}
    assert lengths == {timedelta(hours=24), timedelta(hours=23)}


def test_a_city_of_one_resident_and_one_day_is_told():
    assert len(small_city(residents=1, days=1).residents()) == 1
    assert len(list(small_city(residents=1, days=1).events())) < 20


@pytest.mark.parametrize("empty", [{"residents": 0}, {"days": 0}])
def test_a_city_without_people_or_days_is_refused(empty):
    with pytest.raises(ValueError, match="at least one resident and one day"):
        small_city(**empty)
