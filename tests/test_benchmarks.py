"""When a row of the benchmarks has met its goal: a good ratio is not enough where the goal asks for more."""

import json
from collections import defaultdict

import pytest
from rich.console import Console

from backend.actions.award_sql import READ, READ_MANY
from backend.database import cursor
from backend.rewards import writing
from tests.benchmarks import report
from tests.benchmarks.lag import Looks
from tests.benchmarks.row import Result, Row, Sample
from tests.benchmarks.rows.commands import Peaks, Rebuild, Verify
from tests.benchmarks.rows.projector import LAG_S, Projector


class Lacking(Row):
    """A row that is twice as fast as it should be, and lacks something else."""

    name, title, unit = "lacking", "a row that lacks something", "requests/s"
    goal = 0.5
    also = "with everything"

    def prepare(self, bench):
        raise NotImplementedError

    def measure(self, bench, *, seconds):
        raise NotImplementedError

    def floors(self, bench):
        raise NotImplementedError

    def missed(self):
        return ["the handle is missing"]


def result(row, *, value=1.0):
    """As it stands after one round whose floor is 1."""
    return Result(row=row, samples=(Sample(value=value),), floors=({"floor": 1.0},))


@pytest.mark.parametrize(("lag_s", "met"), [(0.99 * LAG_S, True), (LAG_S, True), (1.01 * LAG_S, False)])
def test_the_projector_keeps_up_only_if_it_does_so_behind_every_source(lag_s, met):
    row = Projector()
    row.others = {"single awards": Looks(ages=[0.1] * 100), "batches": Looks(empty=50, ages=[0.1] * 40 + [lag_s] * 10)}
    assert result(row, value=0.5).met is met
    assert [line.split()[3] for line in row.missed()] == ([] if met else ["batches"])


@pytest.mark.parametrize(("row", "ratio"), [(Rebuild(), 1.5), (Verify(), 0.5)])
@pytest.mark.parametrize(("whole", "met"), [(99, True), (100, True), (101, False)])
def test_a_command_that_is_fast_enough_must_need_no_more_memory_over_a_longer_past(row, ratio, whole, met):
    row.peaks = Peaks(whole=whole, tenth=80)
    assert result(row, value=ratio).met is met


def test_what_was_missed_is_told_wherever_the_table_is(tmp_path):
    report.write([result(Lacking())], tmp_path)
    (told,) = json.loads((tmp_path / "bench.json").read_text())
    assert (told["ratio"], told["met"], told["missed"]) == (1, False, ["the handle is missing"])
    assert told.keys() >= {"row", "value", "unit", "floor", "ratio", "goal", "met"}
    console = Console(record=True, width=report.WIDTH)
    report.show([result(Lacking())], console=console)
    for text in ((tmp_path / "bench.md").read_text(), console.export_text()):
        assert "with everything" in text
        assert "lacking: missed: the handle is missing" in text


@pytest.mark.parametrize("read", [READ.plain, READ_MANY.plain, writing.READ])
def test_each_column_of_what_pgbench_replays_has_a_name(app, read):
    found = cursor().execute(read, defaultdict(lambda: None))
    assert "?column?" not in [column.name for column in found.description]
