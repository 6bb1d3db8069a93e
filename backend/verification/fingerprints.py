"""Comparing millions of rows with one sum: fingerprints that agree only if the rows do.

Two tables that must say the same are not joined or sorted, each is summed: every row counts for a random number that
belongs to what it says. If the sums of both sides agree then the sides do, except with a probability of some 2^-30 for
each resident whose books differ; and every run draws its random numbers anew. (Freivalds 1977, "Probabilistic machines
can use less running time"; of sums Schwartz 1980 and Zippel 1979; of sets Wegman and Carter 1981.)

* A *set* of rows, each there once: the exclusive or of a 64-bit hash of each. A chain of rows, each of which begins
  where the one before ended, is a set too: what is both an end and a beginning cancels out, and the first beginning and
  the last end are left.
* A *sum* by groups, such as points by period: Σ value × weight of the group, modulo a prime. It is linear, so nothing
  need be grouped, and what waits in the outbox is simply added.

Every table gives one row a resident: what it puts on either side. A resident's books agree if `seal`, the exclusive or
of all, and `scale`, the sum of all, are zero. Only where they are not are rows looked at one by one, and named.
"""

import secrets

from psycopg.types.numeric import Int8

PRIME = 2**31 - 1
"""Weights are below it and so are remainders: a product of two fits a bigint."""
MASK = PRIME
SALTS = (
    "entry_chain",
    "award",
    "reversal",
    "hold",
    "give_back",
    "redemption",
    "adjustment",
    "event",
    "group",
    "day",
    "district",
    "tier",
    "period",
    "year",
    "movement",
    "partition",
)
"""What hashes are told apart by: one random number for each kind of row."""
WEIGHTS = (
    "points",
    "actions",
    "lifetime",
    "issuance",
    "redeemed",
    "expiry",
    "adjusted",
    "balance",
    "held",
    "member",
    "frozen",
    "events",
    "broken",
    "action_number",
    "action_row",
    "redemption_number",
    "redemption_row",
)
"""Random numbers from 1 below PRIME that single sums count by."""


def parameters() -> dict[str, Int8]:
    """Fresh random numbers for one run, by the names that the SQL uses."""
    salts = {f"{name}_salt": Int8(secrets.randbits(61)) for name in SALTS}
    return salts | {f"{name}_weight": Int8(1 + secrets.randbelow(PRIME - 1)) for name in WEIGHTS}


def mark(value: str, number: str = "0", *, salt: str) -> str:
    """SQL: 64 bits for a pair of numbers, both SQL expressions."""
    return f"hashint8extended({value}, %({salt}_salt)s + {number})"


def weight(value: str, number: str = "0", *, salt: str) -> str:
    """SQL: the weight, below 2^31, of a group that two numbers name."""
    return f"({mark(value, number, salt=salt)} & {MASK})"


def weight_of_text(value: str, number: str = "0", *, salt: str) -> str:
    """SQL: the weight of a group that a text and a number name."""
    return f"(hashtextextended({value}, %({salt}_salt)s + {number}) & {MASK})"


def amount(points: str, co2e_mg: str, actions: str) -> str:
    """SQL: points, milligrams and actions as one number modulo PRIME; linear in all three."""
    return f"((({points}) * %(points_weight)s + ({co2e_mg}) + ({actions}) * %(actions_weight)s) %% {PRIME})"


def total(terms: str) -> str:
    """SQL: an aggregate that sums modulo PRIME; of small integers, which PostgreSQL sums several times faster."""
    return f"sum((({terms}) %% {PRIME})::int)"


def broken_unless(truth: str) -> str:
    """SQL: nothing if that is true, else what tips the scale."""
    return f"CASE WHEN {truth} THEN 0 ELSE %(broken_weight)s END"


def numbered(number: str, *, salt: str) -> str:
    """SQL: what a numbered row weighs. Distinct numbers from 1 on are exactly 1 to n if they are n and add up so."""
    return f"({number} * %({salt}_number_weight)s + %({salt}_row_weight)s)"


def all_numbers(count: str, *, salt: str) -> str:
    """SQL: what the rows 1 to n weigh together."""
    most = f"({count}::bigint * ({count} + 1) / 2 %% {PRIME})"
    return f"(({most} * %({salt}_number_weight)s + {count} * %({salt}_row_weight)s) %% {PRIME})"


def day_number(day: str) -> str:
    """SQL: days since 1999-12-31, so that 2000-01-01 is 1."""
    return f"({day} - DATE '1999-12-31')"


def group(day: str, task: str, district: str) -> str:
    """SQL: 64 bits for a day, task (-1: any) and district (0: none, -1: any)."""
    return mark(f"((({task})::bigint << 32) + {district})", day_number(day), salt="group")


def place(marked: str) -> str:
    """SQL: what a `group` weighs in participations and totals."""
    return f"({marked} & {MASK})"


def presence(marked: str) -> str:
    """SQL: what a `group` weighs among participants: other bits of the same, so that one hash does for both."""
    return f"(({marked} >> 32) & {MASK})"


def day_weight(day: str) -> str:
    """SQL: the day's factor in the weight of a day and district."""
    return weight("0::bigint", day_number(day), salt="day")


def district_weight(district: str) -> str:
    """SQL: the district's factor in the weight of a day and district."""
    return weight(f"({district})::bigint", salt="district")
