"""An import by several processes comes to what one alone comes to, whatever is in the file."""

import gzip

import psutil
import pytest

from backend.database import db, transaction
from tests.books import differences

SEVERAL = ["--bind-subjects", "--page-size", "2", "--processes", "3"]
ALONE = [*SEVERAL[:-1], "1"]
PEOPLE = 20


@pytest.fixture
def people(row):
    """A ride of each of twenty people."""
    return [row(f"ride-{n}", subject=f"u-{n}") for n in range(PEOPLE)]


def credited():
    with transaction():
        query = "SELECT DISTINCT subject FROM actions JOIN bindings USING (resident_id) WHERE status = 'credited'"
        return set(db.session.scalars(db.text(query)))


@pytest.mark.parametrize("options", [SEVERAL, ALONE])
def test_an_external_id_that_stands_twice_is_the_earlier_rows_whoever_reads_it(ingest, csv_file, row, people, options):
    late = [row(f"same-{n}", subject=f"late-{n}", at="12:00", until="12:15") for n in range(9)]
    early = [row(f"same-{n}", subject=f"early-{n}") for n in range(9)]
    ties = [row(f"tie-{n}", subject=f"{name}-{n}") for name in ("first", "second") for n in range(9)]
    told = ingest(csv_file(*late, *ties, *people, *early), *options)
    assert (told["credited"], told["duplicate"]) == (PEOPLE + 18, 18)
    assert credited() == {f"u-{n}" for n in range(PEOPLE)} | {f"{x}-{n}" for x in ("early", "first") for n in range(9)}
    assert differences(with_actions=True) == []


@pytest.mark.parametrize("options", [SEVERAL, ALONE])
def test_the_first_twenty_broken_rows_are_told_in_order_whoever_reads_them(ingest, csv_file, row, people, options):
    wrong = [row("", subject=f"u-{n}") if n % 2 else "too,few" for n in range(30)]
    told = ingest(csv_file(*wrong, *people, *wrong), *options)
    assert (told["credited"], told["refused"], told["rows"]) == (PEOPLE, {"broken-row": 60}, PEOPLE + 60)
    assert [problem["row"] for problem in told["problems"]] == list(range(2, 22))


def test_nothing_of_a_file_that_is_cut_off_is_credited_by_anybody(ingest, csv_file, people, tmp_path):
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(csv_file(*people).read_bytes())[:-12])
    said = ingest(cut, *SEVERAL, status=1)
    assert "Nothing was credited. The file is cut off or damaged" in said
    assert credited() == set()
    assert psutil.Process().children() == []


def test_subjects_of_one_resident_come_in_order_of_time(ingest, csv_file, row):
    # Everybody has two cards, and six rides a day count.
    bound = [row(f"{card}-{n}", subject=f"{card}-{n}") for card in "ab" for n in range(10)]
    ingest(csv_file(*bound), "--bind-subjects")
    with transaction():
        db.session.execute(
            db.text(
                "UPDATE bindings b SET resident_id = other.resident_id FROM bindings other"
                " WHERE b.subject LIKE 'b-%' AND other.subject = 'a' || substr(b.subject, 2)"
            )
        )
    rows = [
        row(f"{hour}-{n}", subject=f"{'ab'[hour % 2]}-{n}", at=f"{hour:02}:00", until=f"{hour:02}:15")
        for hour in range(9, 16)
        for n in range(10)
    ]
    told = ingest(csv_file(*reversed(rows)), *SEVERAL)
    assert told["refused"] == {"daily-limit-reached": 20}
    assert {problem["external_id"].partition("-")[0] for problem in told["problems"]} == {"14", "15"}
