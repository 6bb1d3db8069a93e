"""Real trips and steps, with figures reckoned by hand from the rules. Skipped where the data is absent."""

import csv
import gzip
import json
import secrets
import time
from collections import Counter
from datetime import datetime, timedelta

from backend import clock
from backend.actions.ingest.newcomers import bind_newcomers
from backend.database import transaction
from backend.partners import service as partners
from backend.partners.auth import sign
from tests.books import differences

TRIPS = [50_429, 10_174_308_013, 939_778, 12_905]
HIGHEST = [412, 378, 352, 352, 345]
COLUMNS = {
    "external_id": "seq",
    "subject": "userid",
    "started_at": "start_time",
    "ended_at": "end_time",
    "quantity": "track_m",
}


def mapped(columns):
    return [part for field, column in columns.items() for part in ("--map", f"{field}={column}")]


def test_fifty_thousand_bike_trips_come_to_the_exact_figures_and_again_to_nothing(ingest, shared, shift, figures):
    file = shared("mobike_shanghai_201608_01-20.csv.gz")
    options = ["--task", "bike_ride", *mapped(COLUMNS), "--time-zone", "Asia/Shanghai", "--bind-subjects"]
    told = ingest(file, *options, *shift("2016-08-20"))
    assert (told["rows"], told["credited"], told["capped"]) == (51_248, 50_325, 104)
    assert told["refused"] == {"implausible-activity": 60, "out-of-range": 758, "overlapping-action": 1}
    assert [50_429, told["co2e_mg"], told["points"], told["participants"]] == TRIPS
    assert figures() == (TRIPS, HIGHEST)
    assert differences(with_actions=True) == []
    again = ingest(file, *options, *shift("2016-08-20"))
    assert (again["credited"], again["duplicate"], again["points"]) == (0, 50_429, 0)
    assert again["refused"] == told["refused"]
    assert figures() == (TRIPS, HIGHEST)


def test_the_same_trips_posted_in_pages_of_five_thousand_come_to_the_same(app, shared, shift, figures):
    days = timedelta(days=int(shift("2016-08-20")[1]))
    with gzip.open(shared("mobike_shanghai_201608_01-20.csv.gz"), "rt") as lines:
        events = [event_of(row, days) for row in csv.DictReader(lines)]
    with transaction():
        partner = partners.find("bikes")
        key, secret = partners.new_key(partner, now=clock.now())
        bind_newcomers({event["subject"] for event in events}, partner=partner, now=clock.now())
    counts = Counter()
    for first in range(0, len(events), 5_000):
        counts.update(posted(app.test_client(), events[first : first + 5_000], key=key.key, secret=secret))
    assert (counts["received"], counts["credited"], counts["capped"], counts["refused"]) == (51_248, 50_325, 104, 819)
    assert figures() == (TRIPS, HIGHEST)


def event_of(row, days):
    began, ended = (f"{datetime.fromisoformat(row[name]) + days}+08:00" for name in ("start_time", "end_time"))
    activity = {"quantity": float(row["track_m"]), "unit": "m"}
    return {
        "external_id": row["seq"],
        "subject": row["userid"],
        "task": "bike_ride",
        "started_at": began,
        "ended_at": ended,
        "activity": activity,
    }


def posted(client, events, *, key, secret):
    body = json.dumps({"events": events}).encode()
    timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
    headers = {
        "X-Partner-Key": key,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Signature": sign(body, secret=secret, timestamp=timestamp, nonce=nonce),
    }
    answer = client.post("/api/v1/partner/events", data=body, headers=headers).get_json()
    return {name: rows for name, rows in answer.items() if name != "results"}


def test_daily_steps_count_once_a_day_up_to_thirty_thousand(ingest, shared, shift, figures):
    file = shared("fitbit_daily_steps_20.csv")
    lines = [line.split(",") for line in file.read_text().splitlines()[1:]]
    counted = [int(steps) for _, _, steps in lines if 1_000 <= int(steps) <= 100_000]
    columns = {"subject": "Id", "started_at": "ActivityDay", "quantity": "StepTotal"}
    options = [*mapped(columns), "--external-id-from", "subject,started_at", "--bind-subjects"]
    told = ingest(file, *options, *shift("2016-05-12"), partner="steps")
    assert told["credited"] + told["capped"] == len(counted)
    assert told["refused"] == {"out-of-range": len(lines) - len(counted)}
    assert told["co2e_mg"] == sum(20 * min(steps, 30_000) for steps in counted)
    assert told["points"] == sum(min(50, steps // 200) for steps in counted)
    again = ingest(file, *options, *shift("2016-05-12"), partner="steps")
    assert again["duplicate"] == len(counted)


def test_trips_of_another_country_in_utc_are_taken(ingest, shared, shift):
    file = shared("valleybike_trips_6months.csv.gz")
    columns = {
        "external_id": "route_id",
        "subject": "user_id",
        "started_at": "start_time_utc",
        "ended_at": "end_time_utc",
        "quantity": "track_m",
    }
    told = ingest(file, *mapped(columns), "--time-zone", "UTC", "--bind-subjects", *shift("2021-06-30"))
    assert told["rows"] == 5_713
    assert "too-old" in told["refused"]
    assert sum(told["refused"].values()) + told["credited"] + told["capped"] == 5_713


def test_card_taps_without_a_distance_are_refused_by_name(ingest, shared, shift):
    file = shared("shenzhen_tong_taps_10000.csv.gz")
    columns = {"subject": "card_no", "started_at": "deal_date", "ended_at": "close_date", "quantity": "deal_value"}
    options = [*mapped(columns), "--external-id-from", "card_no,deal_date,equ_no", "--bind-subjects"]
    told = ingest(file, *options, *shift("2018-09-01"), partner="metro")
    assert told["rows"] == 10_000
    assert told["credited"] + told["capped"] + told["duplicate"] + sum(told["refused"].values()) == 10_000
    assert told["refused"]["out-of-range"] > 5_000
