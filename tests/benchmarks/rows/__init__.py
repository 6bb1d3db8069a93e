"""The rows, in the order of the table."""

from tests.benchmarks.row import Row
from tests.benchmarks.rows.award import Award
from tests.benchmarks.rows.generator import Generator
from tests.benchmarks.rows.ingest import Ingest
from tests.benchmarks.rows.partner import PartnerFeed

ROWS: tuple[type[Row], ...] = (Generator, Award, PartnerFeed, Ingest)
