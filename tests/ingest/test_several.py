"""An import by several processes comes to what one alone comes to, whatever is in the file."""

import gzip

import psutil
import pytest

from backend.actions.ingest import running
from backend.database import db, transaction
from tests.books import differences

SEVERAL = ["--bind-subjects", "--page-size", "2", "--processes", "3"]
ALONE = [*SEVERAL[:-1], "1"]
IN_ONE_PAGE = ["--bind-subjects"]
PEOPLE = 20
ONE_RESIDENT = """
UPDATE bindings b SET resident_id = other.resident_id FROM bindings other
WHERE b.subject LIKE 'b-%' AND other.subject = 'a' || substr(b.subject, 2)
"""
"""Whoever has the card b-3 is who has a-3."""


@pytest.fixture
def people(row):
    """A ride of each of twenty people."""
    return [row(f"ride-{n}", subject=f"u-{n}") for n in range(PEOPLE)]


def credited():
    with transaction():
        query = "SELECT DISTINCT subject FROM actions JOIN bindings USING (resident_id) WHERE status = 'credited'"
        return set(db.session.scalars(db.text(query)))


@pytest.mark.parametrize("options", [SEVERAL, ALONE, IN_ONE_PAGE])
def test_an_external_id_that_stands_twice_is_the_earlier_rows_whoever_reads_it(ingest, csv_file, row, people, options):
    # By name those who must not win come first: their residents would have the lower numbers.
    late = [row(f"same-{n}", subject=f"a-late-{n}", at="12:00", until="12:15") for n in range(9)]
    early = [row(f"same-{n}", subject=f"early-{n}") for n in range(9)]
    ties = [row(f"tie-{n}", subject=f"{name}-{n}") for name in ("first", "a-second") for n in range(9)]
    told = ingest(csv_file(*late, *ties, *people, *early), *options)
    assert (told["credited"], told["duplicate"]) == (PEOPLE + 18, 18)
    assert credited() == {f"u-{n}" for n in range(PEOPLE)} | {f"{x}-{n}" for x in ("early", "first") for n in range(9)}
    assert differences(with_actions=True) == []


@pytest.mark.parametrize("options", [SEVERAL, ALONE, IN_ONE_PAGE])
def test_an_id_made_of_another_column_may_stand_twice_too_and_units_are_kept(ingest, csv_file, yesterday, options):
    rides = [(n, name, hour) for name, hour in (("a-late", 12), ("early", 8)) for n in range(9)]
    units = {7: "km"}
    lines = [
        f"{line},trip-{n},{name}-{n},{yesterday(f'{hour:02}:00')},{yesterday(f'{hour:02}:15')},2000,{units.get(n, 'm')}"
        for line, (n, name, hour) in enumerate(rides)
    ]
    file = csv_file(*lines, header="line,trip,subject,started_at,ended_at,quantity,unit")
    told = ingest(file, *options, "--external-id-from", "trip")
    assert (told["credited"], told["duplicate"], told["refused"]) == (8, 8, {"wrong-unit": 2})
    assert credited() == {f"early-{n}" for n in range(9)} - {"early-7"}


@pytest.mark.parametrize("options", [SEVERAL, ALONE])
def test_the_first_twenty_broken_rows_are_told_in_order_whoever_reads_them(ingest, csv_file, row, people, options):
    wrong = [row("", subject=f"u-{n}") if n % 2 else "too,few" for n in range(30)]
    short = [row(f"short-{n}", subject=f"u-{n}", metres="1") for n in range(5)]
    told = ingest(csv_file(*short, *wrong, *people, *wrong), *options)
    assert (told["credited"], told["rows"]) == (PEOPLE, PEOPLE + 65)
    assert told["refused"] == {"broken-row": 60, "out-of-range": 5}
    assert [problem["row"] for problem in told["problems"]] == list(range(2, 22))


@pytest.mark.parametrize("options", [SEVERAL, ALONE, IN_ONE_PAGE])
def test_the_first_twenty_refused_rows_are_those_that_stand_first_in_the_file(ingest, csv_file, row, options):
    # Pages come in the order of the subjects' names: here the file's last rows first.
    short = [row(f"short-{n}", subject=f"u-{n:02}", metres="1") for n in reversed(range(30))]
    told = ingest(csv_file(*short), *options)
    assert told["refused"] == {"out-of-range": 30}
    assert [problem["row"] for problem in told["problems"]] == list(range(2, 22))


@pytest.mark.parametrize("options", [["--processes", "1", "--page-size", "2"], ["--page-size", str(PEOPLE)]])
def test_nobody_is_asked_to_help_with_a_page_or_where_one_is_wanted(ingest, csv_file, people, options, monkeypatch):
    monkeypatch.setattr(running, "Crew", None)
    assert ingest(csv_file(*people), "--bind-subjects", *options)["credited"] == PEOPLE


def test_nothing_of_a_file_that_is_cut_off_is_credited_by_anybody(ingest, csv_file, people, tmp_path):
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(csv_file(*people).read_bytes())[:-12])
    said = ingest(cut, *SEVERAL, status=1)
    assert "Nothing was credited. The file is cut off or damaged" in said
    assert credited() == set()
    assert psutil.Process().children() == []


@pytest.fixture
def by_two_cards(ingest, csv_file, row):
    """Seven rides each of ten people with two cards, the latest first; all cards are bound, to a resident each."""
    bound = [row(f"{card}-{n}", subject=f"{card}-{n}") for card in "ab" for n in range(10)]
    ingest(csv_file(*bound), "--bind-subjects")
    return [
        row(f"{hour}-{n}", subject=f"{'ab'[hour % 2]}-{n}", at=f"{hour:02}:00", until=f"{hour:02}:15")
        for hour in reversed(range(9, 16))
        for n in reversed(range(10))
    ]


def test_subjects_of_one_resident_come_in_order_of_time(ingest, csv_file, by_two_cards):
    with transaction():
        db.session.execute(db.text(ONE_RESIDENT))
    # Six rides a day count.
    told = ingest(csv_file(*by_two_cards), *SEVERAL)
    assert told["refused"] == {"daily-limit-reached": 20}
    assert {problem["external_id"].partition("-")[0] for problem in told["problems"]} == {"14", "15"}


def test_a_subject_that_is_bound_while_the_file_is_read_keeps_its_resident_in_order(
    ingest, csv_file, by_two_cards, monkeypatch
):
    was_read = running.Crew.deal

    def deal(crew, records, same, *, broken):
        answer = was_read(crew, records, same, broken=broken)
        with transaction():
            db.session.execute(db.text(ONE_RESIDENT))
        return answer

    monkeypatch.setattr(running.Crew, "deal", deal)
    told = ingest(csv_file(*by_two_cards), *SEVERAL)
    assert {problem["external_id"].partition("-")[0] for problem in told["problems"]} == {"14", "15"}
