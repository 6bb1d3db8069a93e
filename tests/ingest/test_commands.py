"""`flask ingest`: what goes in, what is refused and how that is told."""

import gzip
import json
import re

import pytest
from sqlalchemy import select

from backend.actions.models import ExternalEvent
from backend.database import db
from tests.books import differences


def test_rows_are_credited_in_order_of_time_and_told_in_figures(ingest, csv_file, row, figures):
    file = csv_file(
        row("late", at="12:00", until="12:15"),
        row("overlapping", at="08:10", until="08:20"),
        row("early"),
        row("short", at="15:00", until="15:05", metres="299.9"),
        row("fast", at="16:00", until="16:01"),
        row("other", subject="u-2"),
    )
    told = ingest(file, "--bind-subjects")
    assert {name: told[name] for name in ("rows", "credited", "duplicate", "points", "co2e_mg", "participants")} == {
        "rows": 6,
        "credited": 3,
        "duplicate": 0,
        "points": 57,
        "co2e_mg": 571_800,
        "participants": 2,
    }
    assert told["refused"] == {"implausible-activity": 1, "out-of-range": 1, "overlapping-action": 1}
    assert {(problem["row"], problem["external_id"]) for problem in told["problems"]} == {
        (3, "overlapping"),
        (5, "short"),
        (6, "fast"),
    }
    assert figures() == ([3, 571_800, 57, 2], [38, 19])
    assert differences(with_actions=True) == []


def test_the_same_file_again_changes_nothing(ingest, csv_file, row, figures):
    file = csv_file(row("a"), row("b", at="10:00", until="10:15"))
    ingest(file, "--bind-subjects")
    before = figures()
    again = ingest(file, "--bind-subjects")
    assert (again["credited"], again["duplicate"]) == (0, 2)
    assert figures() == before


def test_without_binding_rows_wait_and_binding_later_credits_them(ingest, csv_file, row, figures):
    assert ingest(csv_file(row("a")))["unbound"] == 1
    told = ingest(csv_file(row("b", at="10:00", until="10:15")), "--bind-subjects")
    assert (told["credited"], told["credited_from_earlier"], told["points"]) == (1, 1, 38)
    assert figures()[0][0] == 2


def test_broken_rows_are_named_by_their_line_and_the_rest_goes_on(ingest, csv_file, row):
    told = ingest(
        csv_file(
            row("good-1"),
            "too,few",
            row("many", at="09:00", until="09:15") + ",1",
            row("bad-number", at="10:00", until="10:15", metres="far"),
            row("nan", at="10:00", until="10:15", metres="NaN"),
            row("huge", at="10:00", until="10:15", metres="1e400"),
            "bad-time,u-1,soon,later,2000",
            b"bad-\xff-utf8," + row("x").partition(",")[2].encode(),
            'quote,"u-1,2026-01-01,2026-01-01,1',
            ",".join(["", *row("x").split(",")[1:]]),
            row("good-2", at="12:00", until="12:15"),
        ),
        "--bind-subjects",
    )
    assert (told["rows"], told["credited"], told["refused"]) == (11, 2, {"broken-row": 9})
    assert [problem["row"] for problem in told["problems"]] == list(range(3, 12))
    messages = [problem["message"] for problem in told["problems"]]
    assert messages[:3] == [
        "2 columns instead of 5",
        "6 columns instead of 5",
        "'far' is not a number of a sensible size",
    ]
    assert "never closed" in messages[7]


def test_only_the_first_twenty_problems_are_listed(ingest, csv_file, row):
    told = ingest(csv_file(*["x"] * 25, row("good")), "--bind-subjects")
    assert (told["refused"], len(told["problems"]), told["credited"]) == ({"broken-row": 25}, 20, 1)


@pytest.mark.parametrize("lines", [[], ["good"]])
def test_a_missing_column_stops_before_anything(ingest, csv_file, row, figures, lines):
    file = csv_file(*[row(line) for line in lines], header="external_id,subject,begun,ended_at,quantity")
    told = ingest(file, "--bind-subjects", status=1)
    assert "No column holds started_at" in told
    assert "external_id, subject, begun, ended_at, quantity" in told
    assert "--map started_at=COLUMN" in told
    assert figures()[0][0] == 0


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        ("subject,started_at,ended_at,quantity,x", [], "--external-id-from"),
        ("external_id,subject,started_at,ended_at,quantity", ["--map", "quantity=metres"], "no column 'metres'"),
        ("a,a,subject,started_at,ended_at", ["--map", "external_id=a"], "stands 2 times"),
        ("", [], "The file is empty"),
    ],
)
def test_what_is_wrong_with_the_columns_is_told_with_the_cure(ingest, csv_file, header, options, said):
    assert said in ingest(csv_file(header=header), *options, status=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--map", "weather=x"], "FIELD=COLUMN"),
        (["--map", "subject"], "FIELD=COLUMN"),
        (["--time-zone", "Mars/Olympus"], "is no time zone"),
        (["--task", "metro_ride"], "does not report 'metro_ride'"),
        (["--page-size", "0"], "page-size"),
        (["--shift-days", "99999999999"], "shift-days"),
        (["--delimiter", ""], "one character"),
        (["--delimiter", '"'], "one character"),
    ],
)
def test_a_wrong_option_is_told(ingest, csv_file, row, options, said):
    assert said in ingest(csv_file(row("a")), *options, status=2)


def test_a_file_that_cannot_be_read_is_told(ingest, csv_file, row, tmp_path):
    assert "nowhere.csv cannot be read" in ingest(tmp_path / "nowhere.csv", status=1)
    assert "cannot be read" in ingest(tmp_path, status=1)
    for name in ("klingon", "base64", "rot13", "\0"):
        assert f"no encoding {name!r}" in ingest(csv_file(row("a")), "--encoding", name, status=1)
    assert "no text in utf-16: see --encoding" in ingest(csv_file(row("a")), "--encoding", "utf-16", status=1)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(csv_file(row("a")).read_bytes())[:-12])
    assert "cut off or damaged" in ingest(cut, "--bind-subjects", status=1)
    assert "no such active partner. There are: bikes" in ingest(csv_file(row("a")), partner="trams", status=1)


def test_what_a_file_holds_does_not_reach_the_terminal_as_commands(ingest, csv_file):
    said = ingest(csv_file(header="external_id,\x1b[2Jsubject,\x85x"), status=1)
    assert "\x1b" not in said
    assert "\x85" not in said


def test_packed_files_and_standard_input_are_taken(ingest, csv_file, row, tmp_path):
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(csv_file(row("a")).read_bytes()))
    assert ingest(packed, "--bind-subjects")["credited"] == 1
    told = ingest("-", "--bind-subjects", stdin=csv_file(row("b", at="10:00", until="10:15")).read_bytes())
    assert told["credited"] == 1


def test_columns_are_mapped_and_encodings_and_delimiters_chosen(ingest, tmp_path, yesterday):
    file = tmp_path / "trips.csv"
    text = f"编号;用户;开始;结束;米\r\n一;张三;{yesterday('08:00')};{yesterday('08:15')};2000\r\n"
    file.write_bytes(text.encode("gb18030"))
    maps = {"external_id": "编号", "subject": "用户", "started_at": "开始", "ended_at": "结束", "quantity": "米"}
    options = [part for field, column in maps.items() for part in ("--map", f"{field}={column}")]
    assert ingest(file, *options, "--delimiter", ";", "--encoding", "gb18030", "--bind-subjects")["credited"] == 1


def test_a_task_column_and_a_unit_column_are_followed(ingest, csv_file, yesterday):
    header = "external_id,subject,task,started_at,quantity,unit"
    file = csv_file(
        f"1,u-1,carton_return,{yesterday('08:00')},2,count",
        f"2,u-1,clothes_recycling,{yesterday('08:00')},1500,g",
        f"3,u-1,clothes_recycling,{yesterday('09:00')},1.5,kg",
        f"4,u-1,bike_ride,{yesterday('09:00')},1000,m",
        header=header,
    )
    told = ingest(file, "--bind-subjects", partner="recycling")
    assert (told["credited"], told["refused"]) == (2, {"task-not-allowed": 1, "wrong-unit": 1})
    assert "Wrong unit" in told["cure"]
    told = ingest(file, "--task", "clothes_recycling", "--unit", "g", "--bind-subjects", partner="recycling")
    assert (told["duplicate"], told["refused"]) == (1, {"daily-limit-reached": 1, "out-of-range": 2})


def test_old_rows_name_the_cure(ingest, csv_file):
    file = csv_file("1,u-1,2016-08-01 08:00,2016-08-01 08:15,2000")
    told = ingest(file, "--bind-subjects")
    assert told["refused"] == {"too-old": 1}
    assert "--shift-days" in told["cure"]


def test_an_external_id_that_stands_twice_is_the_earlier_rows(ingest, csv_file, row, figures):
    file = csv_file(row("same", subject="zoe", at="12:00", until="12:15"), row("same", subject="ann"))
    told = ingest(file, "--bind-subjects")
    assert (told["credited"], told["duplicate"]) == (1, 1)
    assert told["problems"] == []
    assert figures()[1] == [19, 0]


@pytest.mark.parametrize(
    ("fields", "known"), [("subject,started_at", None), ("subject", None), ("trip,day", "7:x"), ("trip", "7")]
)
def test_an_id_that_is_made_tells_nobody_whose_it_was(ingest, csv_file, yesterday, fields, known):
    """It stays when the resident leaves, and a subject may be a phone number."""
    file = csv_file(
        f"13800000000,7,x,{yesterday('08:00')},{yesterday('08:15')},2000",
        header="subject,trip,day,started_at,ended_at,quantity",
    )
    options = ["--external-id-from", fields, "--bind-subjects"]
    assert ingest(file, *options)["credited"] == 1
    (external_id,) = db.session.scalars(select(ExternalEvent.external_id))
    assert external_id == known if known else re.fullmatch(r"[0-9a-f]{32}", external_id)
    assert ingest(file, *options)["duplicate"] == 1


def test_small_pages_give_the_same_figures(ingest, csv_file, row, figures):
    rows = [row(f"{s}-{h}", subject=s, at=f"{h:02}:00", until=f"{h:02}:15") for h in range(1, 9) for s in "abc"]
    told = ingest(csv_file(*rows), "--bind-subjects", "--page-size", "1")
    assert (told["credited"] + told["capped"], told["refused"]) == (18, {"daily-limit-reached": 6})
    assert figures()[0][0] == 18
    assert differences(with_actions=True) == []


def test_people_get_a_table(app, csv_file, row):
    args = ["ingest", str(csv_file(row("a"), "x")), "--partner", "bikes", "--bind-subjects"]
    result = app.test_cli_runner().invoke(args=args)
    assert result.exit_code == 0
    assert all(bar in result.stderr for bar in ("Reading", "Crediting", "Boards and totals", "100%"))
    assert "credited in full" in result.stdout
    assert "1 columns instead of 5" in result.stdout
    with pytest.raises(json.JSONDecodeError):
        json.loads(result.stdout)
