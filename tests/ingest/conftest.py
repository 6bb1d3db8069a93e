"""Files to import, made for the purpose or real."""

import json
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from backend import clock
from backend.database import db, transaction

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TANHUI_SHARED_DATA", ROOT.parent / "shared" / "data"))
HEADER = "external_id,subject,started_at,ended_at,quantity"


@pytest.fixture
def ingest(app):
    """ingest(file, *options) → the figures; `status` is the exit code to expect."""

    def run(file, *options, partner="bikes", status=0, stdin=None):
        args = ["ingest", str(file), "--partner", partner, "--json", *options]
        result = app.test_cli_runner().invoke(args=args, input=stdin)
        assert result.exit_code == status, result.output
        return json.loads(result.stdout) if status == 0 else result.output

    return run


@pytest.fixture
def csv_file(tmp_path):
    """csv_file(lines) → the path of a file that holds them."""

    def write(*lines, name="rides.csv", header=HEADER):
        path = tmp_path / name
        parts = [line if isinstance(line, bytes) else line.encode() for line in (header, *lines)]
        path.write_bytes(b"\n".join(parts) + b"\n")
        return path

    return write


@pytest.fixture
def yesterday():
    """yesterday("08:00") → that time of yesterday in the city, as files write it."""
    day = clock.local_day(clock.now(), zone=clock.city_zone()) - timedelta(days=1)
    return lambda time: f"{day.isoformat()} {time}"


@pytest.fixture
def row(yesterday):
    """row(id, …) → a line: two kilometres in a quarter of an hour."""

    def make(external_id, *, subject="u-1", at="08:00", until="08:15", metres="2000"):
        return f"{external_id},{subject},{yesterday(at)},{yesterday(until)},{metres}"

    return make


@pytest.fixture
def figures(app):
    """What the books say: credited actions, milligrams, points, participants, highest balances."""

    def ask():
        with transaction():
            session = db.session()
            sums = session.execute(
                db.text(
                    "SELECT count(*), coalesce(sum(co2e_mg), 0), coalesce(sum(points), 0), count(DISTINCT resident_id)"
                    " FROM actions WHERE status = 'credited'"
                )
            ).one()
            top = session.scalars(db.text("SELECT balance FROM wallets ORDER BY balance DESC LIMIT 5")).all()
        return [int(number) for number in sums], top

    return ask


@pytest.fixture
def shared():
    """shared(name) → the path of a real data set; skips where it is absent."""

    def find(name):
        path = DATA / name
        if not path.exists():
            pytest.skip(f"{name} is not there: set TANHUI_SHARED_DATA to the folder that holds it")
        return path

    return find


@pytest.fixture
def shift():
    """shift(last day of a data set) → --shift-days that makes it ten days ago."""

    def days(last):
        today = clock.local_day(clock.now(), zone=clock.city_zone())
        return ["--shift-days", str((today - timedelta(days=10) - date.fromisoformat(last)).days)]

    return days
