"""The pool of voucher codes of a reward: loaded by admins, claimed one by one by residents.

The stock of a voucher reward is the number of its codes that nobody has; both move in one transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from backend import clock
from backend.database import cursor
from backend.errors import RefusalError, ValidationFailedError
from backend.rewards import reading, stocking

LONGEST = 100
"""Characters of a code."""
NAMED = 1_000
"""Lines that an answer names of each kind; beyond that it only counts them."""
AT_ONCE = 20_000
"""Codes added with one statement."""

ADD = """
INSERT INTO vouchers (reward_id, code, loaded_at) SELECT %s, unnest(%s::text[]), %s
ON CONFLICT DO NOTHING RETURNING code
"""


class NotAVoucherError(RefusalError):
    """Only voucher rewards have codes."""

    slug = "not-a-voucher"
    title = _l("Codes can be loaded for voucher rewards only. Change the stock of others instead.")


@dataclass(frozen=True, slots=True)
class DuplicateLine:
    """A line whose code is in the pool already, or stands further up."""

    line: int
    code: str


@dataclass(frozen=True, slots=True)
class InvalidLine:
    """A line that cannot be a code."""

    line: int
    reason: str


@dataclass(slots=True)
class Loaded:
    """What became of a file of codes. Lists hold the first NAMED lines; counts hold all."""

    loaded: int = 0
    stock: int = 0
    duplicate_count: int = 0
    invalid_count: int = 0
    duplicates: list[DuplicateLine] = field(default_factory=list)
    invalid: list[InvalidLine] = field(default_factory=list)


def load(*, reward_id: int, text: str, by: str) -> Loaded:
    """Add codes, one a line; blank lines do not count, what cannot be loaded is named and the rest goes on.

    Bytes that are not UTF-8 may stand in `text` as surrogate escapes. Raises NotFoundError, NotAVoucherError,
    ValidationFailedError for a file without any line.
    """
    reward = reading.find(reward_id)
    if reward.kind != "voucher":
        raise NotAVoucherError
    outcome, lines = Loaded(stock=reward.stock or 0), _read(text)
    if not lines:
        raise ValidationFailedError.of({"body": gettext("There is no code in this file: give one a line.")})
    places = _take_in(lines, outcome)
    now = clock.now()
    added = _add(reward_id, sorted(places), now=now)
    _name_duplicates(outcome, [DuplicateLine(line, code) for code, line in places.items() if code not in added])
    outcome.loaded = len(added)
    if added:
        outcome.stock = stocking.add_codes(reward_id, loaded=len(added), by=by, now=now).stock or 0
    return outcome


def _add(reward_id: int, codes: list[str], *, now: datetime) -> set[str]:
    """Those of the codes that were not there yet. In order, so that two files never wait for each other."""
    added: set[str] = set()
    with cursor() as opened:
        for start in range(0, len(codes), AT_ONCE):
            opened.execute(ADD, (reward_id, codes[start : start + AT_ONCE], now))
            added.update(row[0] for row in opened)
    return added


def _read(text: str) -> list[tuple[int, str]]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    stripped = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in stripped if line]


def _take_in(lines: list[tuple[int, str]], outcome: Loaded) -> dict[str, int]:
    """Codes that can be loaded, with their lines; the others go into the outcome."""
    places: dict[str, int] = {}
    repeated = []
    for number, code in lines:
        reason = _unfit(code)
        if reason is not None:
            outcome.invalid_count += 1
            if len(outcome.invalid) < NAMED:
                outcome.invalid.append(InvalidLine(number, reason))
        elif code in places:
            repeated.append(DuplicateLine(number, code))
        else:
            places[code] = number
    _name_duplicates(outcome, repeated)
    return places


def _unfit(code: str) -> str | None:
    if len(code) > LONGEST:
        return str(gettext("Longer than %(most)s characters.", most=LONGEST))
    if any("\ud800" <= character <= "\udfff" for character in code):
        return str(gettext("Not UTF-8: save the file as UTF-8 text."))
    if not code.isprintable():
        return str(gettext("Holds a control character, such as a tab."))
    return None


def _name_duplicates(outcome: Loaded, found: list[DuplicateLine]) -> None:
    outcome.duplicate_count += len(found)
    outcome.duplicates = sorted([*outcome.duplicates, *found], key=lambda item: item.line)[:NAMED]
