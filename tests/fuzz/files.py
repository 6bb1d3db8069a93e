"""CSV files as bytes, sound and damaged."""

import gzip

from tests.fuzz import records
from tests.fuzz.damage import maybe_damaged
from tests.fuzz.records import mostly, seldom

COLUMNS = ("external_id", "subject", "task", "started_at", "ended_at", "quantity", "unit")
MOST_ROWS = 6
ODD_HEADERS = (
    "",
    "external_id",
    "external_id;subject;task;started_at;ended_at;quantity;unit",
    "EXTERNAL_ID, Subject ,task,started_at,ended_at,quantity,unit",
    "external_id,external_id,subject,task,started_at,ended_at,quantity",
    '"external_id","subject","task","started_at","ended_at","quantity","unit"',
    '"external_id,subject,task,started_at,ended_at,quantity,unit',
    "编号,用户,task,started_at,ended_at,quantity,unit",
)
ENDS = ("\r\n", "\r")
ENCODINGS = ("utf-8-sig", "utf-16", "gb18030")
OPTIONS = (
    ("--bind-subjects",),
    ("--encoding", "gb18030"),
    ("--encoding", "utf-16"),
    ("--encoding", "ascii"),
    ("--encoding", "utf-7"),
    ("--encoding", "rot13"),
    ("--encoding", "base64"),
    ("--encoding", "idna"),
    ("--encoding", "\u0000"),
    ("--delimiter", ";"),
    ("--delimiter", '"'),
    ("--delimiter", ""),
    ("--delimiter", "ab"),
    ("--time-format", "%d"),
    ("--time-format", "%"),
    ("--time-format", "%Q"),
    ("--shift-days", "99999999999"),
    ("--shift-days", "-800000"),
    ("--task", "bike_ride"),
    ("--unit", "m"),
    ("--unit", ""),
    ("--external-id-from", "subject,started_at"),
    ("--external-id-from", ","),
    ("--map", "quantity=subject"),
    ("--page-size", "1"),
)


def row(random, now):
    """A line of a file."""
    task = records.task(random)
    cells = [
        records.external_id(random),
        records.subject(random),
        task,
        *records.trip(random, now),
        "1" if task in {"carton_return", "own_cup"} else records.number(random),
        mostly(random, records.UNITS.get(task, ""), ("km", *records.ODD_TEXTS)),
    ]
    if seldom(random):
        cells = [f'"{cell}"' for cell in cells]
    if seldom(random):
        cells = cells[: random.randint(0, len(cells))]
    return ",".join(cells)


def file(random, now):
    """A file: lines in some encoding, packed or not, perhaps damaged before or after packing."""
    header = mostly(random, ",".join(COLUMNS), ODD_HEADERS)
    lines = [header, *(row(random, now) for _ in range(random.randint(1, MOST_ROWS)))]
    encoding = mostly(random, "utf-8", ENCODINGS)
    text = mostly(random, "\n", ENDS).join([*lines, ""])
    data = maybe_damaged(text.encode(encoding, errors="surrogatepass" if "utf" in encoding else "replace"), random)
    return maybe_damaged(gzip.compress(data, mtime=0), random) if seldom(random) else data


def options(random):
    """What the command line says beside the file and the partner."""
    return mostly(random, (), OPTIONS)


def count_of(data):
    """How many rows a file holds, or None where that is a matter of quotes, encoding or packing."""
    if b'"' in data or data.startswith(b"\x1f\x8b"):
        return None
    try:
        lines = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    except UnicodeDecodeError:
        return None
    return max(0, len([line for line in lines if line]) - 1)
