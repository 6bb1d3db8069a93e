"""The rows, in the order of the table."""

from tests.benchmarks.row import Row
from tests.benchmarks.rows.award import Award
from tests.benchmarks.rows.batch import Batch
from tests.benchmarks.rows.boards import AroundMeLarge, AroundMeSmall, LargeBoard, SmallBoard
from tests.benchmarks.rows.commands import Rebuild, Verify
from tests.benchmarks.rows.generator import Generator
from tests.benchmarks.rows.history import History
from tests.benchmarks.rows.hot import Hot
from tests.benchmarks.rows.ingest import Ingest
from tests.benchmarks.rows.own_pages import Me, Statement, Tasks
from tests.benchmarks.rows.partner import PartnerFeed
from tests.benchmarks.rows.projector import Projector
from tests.benchmarks.rows.redeem import Redeem
from tests.benchmarks.rows.refusals import Beside, Refusals
from tests.benchmarks.rows.size import Bytes, Memory

ROWS: tuple[type[Row], ...] = (
    Generator,
    Award,
    Hot,
    Batch,
    PartnerFeed,
    Ingest,
    SmallBoard,
    LargeBoard,
    AroundMeSmall,
    AroundMeLarge,
    Tasks,
    Me,
    Statement,
    Redeem,
    Refusals,
    Beside,
    Projector,
    Memory,
    Bytes,
    History,
    Rebuild,
    Verify,
)
